import Base
import Interpreter
import Tensors

extension BuiltinTable {
  private static let axisText = "- axis: the axis to go along; -1 is the last one."

  /// Functions that look at the order of elements, and that count and compare them.
  static let tensorOrdering: [Builtin] = [
    Builtin(
      "argmin(x: tensor, axis: int | none = none) -> tensor",
      "The index of the smallest element along an axis, the first of equals.",
      details:
        "Without an axis it is the index in row-major order.\n\n- axis: the axis to go along; none for all elements.",
      examples: [Example("argmin([3.0, 1, 2])", "1")], seeAlso: ["argmax", "min", "argsort"],
      search: ["index of minimum"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").argmin(axis: call.optionalInt("axis")))
    },
    Builtin(
      "argsort(x: tensor, axis: int = -1, descending: bool = false) -> tensor",
      "The indices that sort the elements along an axis: x[argsort(x)] is sorted.",
      details: "Equal elements stay in their order; NaN comes last.\n\n\(axisText)\n- descending: the greatest first.",
      examples: [
        Example("argsort([3.0, 1, 2])", "tensor i64 [3]  1 2 0"),
        Example("argsort([3.0, nan, 5], descending=true)", "tensor i64 [3]  2 0 1"),
      ],
      seeAlso: ["sort", "topk", "argmax"], search: ["order", "rank", "sort indices"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").argsort(axis: call.int("axis"), descending: call.bool("descending")))
    },
    Builtin(
      "topk(x: tensor, k: int, axis: int = -1) -> list[tensor]",
      "The k greatest elements along an axis, greatest first, and their indices: [values, indices].",
      details: "NaN counts as the greatest, as in max and in PyTorch.\n\n- k: how many.\n\(axisText)",
      examples: [
        Example("values, indices = topk([1.0, 5, 3], 2); indices", "tensor i64 [2]  1 2"),
        Example("z = tensor([[1.0, 5, 3], [9, 2, 4]]); topk(z, 2)[0]", "tensor f32 [2, 2]\n  5 3\n  9 4"),
      ],
      seeAlso: ["argsort", "max", "sort"], search: ["largest", "top 5", "best"], family: "tensors"
    ) { call in
      let (values, places) = try call.tensor("x").topk(call.int("k"), axis: call.int("axis"))
      return Value([Value(values), Value(places)])
    },
    Builtin(
      "cumsum(x: tensor, axis: int = -1) -> tensor", "Running sums along an axis.",
      details: axisText,
      examples: [Example("cumsum([1.0, 2, 3])", "tensor f32 [3]  1 3 6")], seeAlso: ["sum", "prod"],
      search: ["cumulative", "prefix sum"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").cumsum(axis: call.int("axis")))
    },
    Builtin(
      "prod(x: tensor, axis: int | list | none = none, keepdim: bool = false) -> tensor",
      "The product of the elements.",
      details: """
        - axis: an axis, a list of axes, or none for all of them. Axes count from 0, or from the end with -1.
        - keepdim: keeps the reduced axes with size 1.
        """,
      examples: [Example("prod([2.0, 3, 4])", "24.0"), Example("prod([2, 3])", "6")], seeAlso: ["sum", "cumsum"],
      search: ["multiply", "factorial"], family: "tensors"
    ) { call in
      try call.reduce { x, axes, keepdim in try x.prod(axes: axes, keepdim: keepdim) }
    },
    Builtin(
      "nonzero(x: tensor) -> tensor", "The indices of the elements that are true or not 0: [found, axes].",
      details: "Of a vector, nonzero(x)[:, 0] lists them; a mask itself can index: x[mask].",
      examples: [Example("nonzero(tensor([0, 3, 0, 5]) > 0)[:, 0]", "tensor i64 [2]  1 3")],
      seeAlso: ["where", "argsort"], search: ["argwhere", "flatnonzero", "indices of true"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").nonzero())
    },
    Builtin(
      "bincount(x: tensor, length: int >= 0 = 0) -> tensor", "How often each whole number from 0 on occurs.",
      details:
        "- x: whole numbers of at least 0, such as labels.\n- length: the least number of counts, such as the classes.",
      examples: [Example("bincount([0, 2, 2], length=4)", "tensor i64 [4]  1 0 2 0")],
      seeAlso: ["one_hot", "unique"], search: ["histogram", "class counts", "frequency"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").bincount(length: call.int("length")))
    },
    Builtin(
      "allclose(a: tensor, b: tensor, rtol: float >= 0 = 1e-05, atol: float >= 0 = 1e-08, equal_nan: bool = false) -> bool",
      "Whether all elements are equal up to |a - b| <= atol + rtol·|b|.",
      details: """
        The shapes broadcast. Infinities are close only to themselves.

        - rtol, atol: relative and absolute tolerance, as NumPy's.
        - equal_nan: whether NaN is close to NaN.
        """,
      examples: [Example("allclose([1.0, 2], [1.0, 2.000001])", "true"), Example("allclose([1.0], [1.1])", "false")],
      seeAlso: ["abs", "max"], search: ["isclose", "equal", "tolerance", "approximately"], family: "tensors"
    ) { call in
      Value(
        try allClose(
          call.tensor("a"), call.tensor("b"), rtol: call.float("rtol"), atol: call.float("atol"),
          equalNaN: call.bool("equal_nan")))
    },
  ]
}
