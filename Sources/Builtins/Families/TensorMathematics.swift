import Base
import Interpreter
import Networks
import Tensors

extension BuiltinTable {
  /// Functions of one element at a time. Those that also take plain numbers (`exp`, `abs`, …) belong to the language
  /// itself: see `TensorObject.apply`.
  static let tensorMathematics: [Builtin] = [
    activation("relu", "max(x, 0); its gradient at 0 is 0", "[-1.0, 2]", "tensor f32 [2]  0 2", .relu) { x in
      try x.relu()
    },
    activation("silu", "x·sigmoid(x), also called swish", "[0.0]", "tensor f32 [1]  0", .silu) { x in
      try x.silu()
    },
    activation("relu6", "min(max(x, 0), 6), as in MobileNetV2", "[-1.0, 2, 9]", "tensor f32 [3]  0 2 6", .relu6) { x in
      try x.relu6()
    },
    activation(
      "gelu", "x·Φ(x), with the normal distribution function itself, as in transformers", "[0.0]",
      "tensor f32 [1]  0", .gelu
    ) { x in
      try x.gelu()
    },
    unary(
      "sigmoid", "1 / (1 + exp(-x)).", "tensor f32 [1]  0.5", of: "[0.0]", seeAlso: ["softplus", "tanh"],
      search: ["logistic"]
    ) { x in try x.sigmoid()
    },
    unary(
      "softplus", "log(1 + exp(x)) without overflow.", "tensor f32 [1]  100", of: "[100.0]",
      seeAlso: ["relu", "sigmoid"], search: ["activation"]
    ) { x in try x.softplus() },
    unary(
      "log1p", "log(1 + x), exact also near 0.", "tensor f32 [2]  0 0.6931", of: "[0.0, 1]", seeAlso: ["log", "expm1"],
      search: ["logarithm"]
    ) { x in try x.log1p() },
    unary(
      "expm1", "exp(x) - 1, exact also near 0.", "tensor f32 [2]  0 1e-10", of: "[0.0, 1e-10]",
      seeAlso: ["exp", "log1p"],
      search: ["exponential"]
    ) { x in try x.expm1() },
    unary(
      "sign", "-1, 0 or 1 for each element; no gradient.", "tensor f32 [3]  -1 0 1", of: "[-2.0, 0, 3]",
      seeAlso: ["abs"], search: ["sgn"]
    ) { x in try x.sign() },
    Builtin(
      "leaky_relu(x: tensor | none = none, slope: float = 0.01) -> tensor | layer",
      "x where x > 0, slope·x elsewhere; without x, the layer that does it.",
      details: "- slope: the factor for negative x.",
      examples: [Example("leaky_relu([-1.0, 2], slope=0.1)", "tensor f32 [2]  -0.1 2")], seeAlso: ["relu"],
      search: ["activation"], family: "tensors"
    ) { call in
      let slope = try call.float("slope")
      if try call["x"].isNone { return try call.layer(.leakyRelu(slope: slope)) }
      return Value(try call.takenTensor("x").leakyRelu(slope: Float(slope)))
    },
    Builtin(
      "clip(x: tensor, min: float | tensor | none = none, max: float | tensor | none = none) -> tensor",
      "Limits every element to a range.",
      details:
        """
        Beyond a bound the gradient goes to that bound; inside and on the bounds, to x.

        - min, max: the bounds, numbers or tensors that broadcast with x; none leaves that side open. Where a tensor min is \
        above max, max counts.
        """,
      examples: [
        Example("clip([-1, 0.5, 2], min=0, max=1)", "tensor f32 [3]  0 0.5 1"),
        Example("x = tensor([0.2, 0.9]); clip([0.5, 0.5], x - 0.1, x + 0.1)", "tensor f32 [2]  0.3 0.8"),
      ],
      seeAlso: ["where", "maximum"],
      search: ["clamp", "limit", "bound"], family: "tensors"
    ) { call in
      let (low, high) = (try call["min"], try call["max"])
      func bound(_ value: Value) throws -> Tensor? { value.isNone ? nil : try Tensor.operand(value) }
      if low.asObject == nil, high.asObject == nil {
        return Value(
          try call.takenTensor("x").clip(
            min: Float(low.asDouble ?? -.infinity), max: Float(high.asDouble ?? .infinity)))
      }
      let (least, greatest) = (try bound(low), try bound(high))
      return Value(try call.tensor("x").clip(min: least, max: greatest))
    },
    Builtin(
      "where(mask: tensor, a: tensor, b: tensor) -> tensor", "Elements of a where the mask is true, of b elsewhere.",
      details: "- mask: true where the element of a is taken.\n- a, b: tensors or numbers; the three shapes broadcast.",
      examples: [Example("where(tensor([1, -2]) > 0, 1, 0)", "tensor i64 [2]  1 0")], seeAlso: ["clip"],
      search: ["select", "if", "condition"], family: "tensors"
    ) { call in
      Value(try whereSelect(call.tensor("mask"), call.tensor("a"), call.tensor("b")))
    },
    logic("logical_and", "Where both masks are true.", "tensor bool [2]  true false", logicalAnd),
    logic("logical_or", "Where at least one of two masks is true.", "tensor bool [2]  true true", logicalOr),
    Builtin(
      "logical_not(mask: tensor) -> tensor", "Where a mask is false.",
      examples: [Example("logical_not([true, false])", "tensor bool [2]  false true")],
      seeAlso: ["logical_and", "logical_or"], search: ["mask", "invert", "~"], family: "tensors"
    ) { call in
      Value(try logicalNot(call.tensor("mask")))
    },
    pairwise("maximum", "The greater of each pair of elements.", "tensor i64 [2]  3 4", maximum),
    pairwise("minimum", "The lesser of each pair of elements.", "tensor i64 [2]  1 2", minimum),
    Builtin(
      "matmul(a: tensor, b: tensor) -> tensor", "The matrix product, also written a @ b; leading axes are batches.",
      examples: [Example("matmul([[1.0, 2]], [[3.0], [4]])", "tensor f32 [1, 1]\n  11")], seeAlso: ["transpose"],
      search: ["mm", "bmm", "dot", "product"], family: "tensors"
    ) { call in
      Value(try matmul(call.tensor("a"), call.tensor("b")))
    },
  ]

  private static func activation(
    _ name: String, _ what: String, _ input: String, _ result: String, _ layer: Layer,
    _ operation: @escaping @Sendable (consuming Tensor) throws -> Tensor
  ) -> Builtin {
    Builtin(
      "\(name)(x: tensor | none = none) -> tensor | layer", "\(what); without x, the layer that does it.",
      examples: [Example("\(name)(\(input))", result), Example("\(name)()", "\(name)()")],
      seeAlso: [name == "relu" ? "silu" : "relu", "leaky_relu", "sequential"],
      search: ["activation", "swish", "ReLU", "SiLU", "GELU", "ReLU6"], family: "tensors"
    ) { call in
      if try call["x"].isNone { return try call.layer(layer) }
      return Value(try operation(call.takenTensor("x")))
    }
  }

  private static func unary(
    _ name: String, _ summary: String, _ result: String, of input: String, seeAlso: [String], search: [String],
    _ operation: @escaping @Sendable (consuming Tensor) throws -> Tensor
  ) -> Builtin {
    Builtin(
      "\(name)(x: tensor) -> tensor", summary, examples: [Example("\(name)(\(input))", result)], seeAlso: seeAlso,
      search: search,
      family: "tensors"
    ) { call in
      Value(try operation(call.takenTensor("x")))
    }
  }

  private static func logic(
    _ name: String, _ summary: String, _ result: String,
    _ operation: @escaping @Sendable (Tensor, Tensor) throws -> Tensor
  ) -> Builtin {
    Builtin(
      "\(name)(a: tensor, b: tensor) -> tensor", summary,
      examples: [Example("\(name)([true, true], [true, false])", result)],
      seeAlso: ["logical_not", "where"], search: ["mask", "&", "|"], family: "tensors"
    ) { call in
      Value(try operation(call.tensor("a"), call.tensor("b")))
    }
  }

  private static func pairwise(
    _ name: String, _ summary: String, _ result: String,
    _ operation: @escaping @Sendable (consuming Tensor, consuming Tensor) throws -> Tensor
  ) -> Builtin {
    Builtin(
      "\(name)(a: tensor, b: tensor) -> tensor", summary, examples: [Example("\(name)([1, 4], [3, 2])", result)],
      seeAlso: [name == "maximum" ? "minimum" : "maximum", "max"], search: ["elementwise", "clamp"], family: "tensors"
    ) { call in
      Value(try operation(call.takenTensor("a"), call.takenTensor("b")))
    }
  }
}
