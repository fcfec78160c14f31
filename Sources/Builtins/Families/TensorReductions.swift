import Base
import Devices
import Interpreter
import Tensors

extension BuiltinTable {
  private static let axisText = """
    - axis: an axis, a list of axes, or none for all of them. Axes count from 0, or from the end with -1.
    - keepdim: keeps the reduced axes with size 1.
    """

  static let tensorReductions: [Builtin] = [
    Builtin(
      "mean(x: list | tensor, axis: int | list | none = none, keepdim: bool = false) -> any",
      "The mean of a tensor or of a list of numbers.",
      details: axisText,
      examples: [
        Example("mean([1, 2, 6])", "3.0"), Example("mean(tensor([[1.0, 3], [5, 7]]), axis=0)", "tensor f32 [2]  3 5"),
      ],
      seeAlso: ["sum", "std", "var"], search: ["average"], family: "tensors", checksFirst: false
    ) { call in
      if let numbers = try call.plainNumbers() {
        guard !numbers.isEmpty else {
          throw call.error(.value, "the mean of an empty list is undefined", hint: "test len(xs) > 0 first", at: "x")
        }
        return try call.recorded(numbers.reduce(0, +) / Double(numbers.count)) { x in try x.mean() }
      }
      return try call.reduce { x, axes, keepdim in
        try x.asType(.float32).mean(axes: axes, keepdim: keepdim)
      }
    },
    spread("var", "The variance", "9.0") { x, axes, unbiased, keepdim in
      try x.variance(axes: axes, unbiased: unbiased, keepdim: keepdim)
    },
    spread("std", "The standard deviation", "3.0") { x, axes, unbiased, keepdim in
      try x.standardDeviation(axes: axes, unbiased: unbiased, keepdim: keepdim)
    },
    Builtin(
      "argmax(x: tensor, axis: int | none = none) -> tensor",
      "The index of the greatest element along an axis, the first of equals.",
      details:
        "Without an axis it is the index in row-major order.\n\n- axis: the axis to go along; none for all elements.",
      examples: [
        Example("argmax([1.0, 5, 2])", "1"), Example("argmax(tensor([[1, 2], [4, 3]]), axis=1)", "tensor i64 [2]  1 0"),
      ],
      seeAlso: ["max", "predict"], search: ["index of maximum"], family: "tensors"
    ) { call in
      let x = try call.tensor("x")
      if let axis = try call.optionalInt("axis") { return Value(try x.argmax(axis: axis)) }
      return Value(try x.argmax())
    },
    Builtin(
      "norm(x: tensor | record, p: float = 2, axis: int | list | none = none, keepdim: bool = false) -> tensor",
      "The p-norm: 1, 2 or inf.",
      details: axisText
        + "\n- x: a tensor; or a record of tensors, such as a gradient of a model: the norm of all their elements.\n- p: 1, 2 or inf.",
      examples: [Example("norm([3.0, 4])", "5.0")], seeAlso: ["abs"],
      search: ["length", "l2", "linf"], family: "tensors"
    ) { call in
      if case .record(let record) = try call["x"] {
        try call.refuseAxes()
        let sizes = try call.fields(of: record)
        guard !sizes.isEmpty else {
          throw call.error(.value, "the norm of a record without fields is undefined", at: "x")
        }
        let p = try call.float("p")
        guard p == 1 || p == 2 || p == .infinity else {
          throw call.error(.value, "p of norm must be 1, 2 or inf, not \(p)", at: "p")
        }
        var norms: [Tensor] = []
        for tensor in sizes { norms.append(try tensor.norm(p, axes: nil, keepdim: false)) }
        return Value(try stack(norms).norm(p, axes: nil, keepdim: false))
      }
      return try call.reduce { x, axes, keepdim in
        let p = try call.float("p")
        guard p == 1 || p == 2 || p == .infinity else {
          throw call.error(.value, "p of norm must be 1, 2 or inf, not \(p)", at: "p")
        }
        return try x.norm(p, axes: axes, keepdim: keepdim)
      }
    },
    Builtin(
      "logsumexp(x: tensor, axis: int = -1) -> tensor", "log(sum(exp(x))) along an axis, without overflow.",
      examples: [Example("logsumexp([1000.0, 1000])", "1000.6932")], seeAlso: ["log_softmax"], search: ["softmax"],
      family: "tensors"
    ) { call in
      Value(try call.tensor("x").logsumexp(axis: call.int("axis")))
    },
  ]

  private static func spread(
    _ name: String, _ what: String, _ result: String,
    _ compute: @escaping @Sendable (Tensor, [Int]?, Bool, Bool) throws -> Tensor
  ) -> Builtin {
    Builtin(
      "\(name)(x: list | tensor, axis: int | list | none = none, keepdim: bool = false, unbiased: bool = true) -> any",
      "\(what) of a tensor or of a list of numbers.",
      details: axisText + "\n- unbiased: whether the sum is divided by n - 1 instead of n.",
      examples: [Example("\(name)([1, 4, 7])", result)], seeAlso: ["mean", name == "var" ? "std" : "var"],
      search: ["variance", "standard deviation", "spread"], family: "tensors", checksFirst: false
    ) { call in
      let unbiased = try call.bool("unbiased")
      if let numbers = try call.plainNumbers() {
        let count = Double(numbers.count) - (unbiased ? 1 : 0)
        guard count > 0 else {
          throw call.error(
            .value, "\(name) needs at least \(unbiased ? "two numbers" : "one number"), not \(numbers.count)",
            hint: unbiased ? "\(name)(xs, unbiased=false) takes a single number too" : "test len(xs) > 0 first", at: "x"
          )
        }
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        return try call.recorded(name == "var" ? variance : variance.squareRoot()) { x in
          try compute(x, nil, unbiased, false)
        }
      }
      return try call.reduce { x, axes, keepdim in
        try compute(x.asType(.float32), axes, unbiased, keepdim)
      }
    }
  }
}

extension Call {
  /// The numbers of a list argument `x` that stays a list: their arithmetic is in double precision.
  fileprivate func plainNumbers() throws -> [Double]? {
    let x = try self["x"].plain
    if case .object = x { return nil }
    if !(try self["axis"]).isNone { return nil }
    let items: [Value]
    switch x {
    case .list, .range: items = try list("x")
    default: throw error(.type, "\(name) takes a tensor or a list of numbers, not \(x.described)", at: "x")
    }
    var numbers: [Double] = []
    for item in items {
      guard let number = item.plain.asDouble else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// The result for a list `x` of numbers: its value, with the record of the tensor operation where a gradient is followed
  /// through one of the numbers.
  fileprivate func recorded(
    _ value: Double, _ operation: (Tensor) throws -> Tensor
  ) throws -> Value {
    guard case .list(let list) = try self["x"], list.items.contains(where: \.isFollowed),
      let x = try Tensor.operand(.list(list))
    else { return Value(value) }
    return TensorObject(try operation(x)).numbered(value)
  }

  fileprivate func refuseAxes() throws {
    for name in ["axis", "keepdim"] where isGiven(name) {
      throw error(
        .type, "\(name) is for tensors; x is a record", hint: "map(x, t => norm(t)) is the norm of each field", at: name
      )
    }
  }

  /// The tensors and numbers of a record, and of records within it.
  fileprivate func fields(of record: RecordValue, depth: Int = 0) throws -> [Tensor] {
    guard depth < 500 else { throw error(.value, "the record is nested too deeply", at: "x") }
    var tensors: [Tensor] = []
    for (name, value) in record.fields {
      if case .record(let inner) = value {
        tensors += try fields(of: inner, depth: depth + 1)
      } else if value.isNumber || value.asObject != nil, let tensor = try Tensor.operand(value) {
        tensors.append(tensor)
      } else {
        throw error(.type, "\(self.name) takes a record of tensors; its field \(name) is \(value.described)", at: "x")
      }
    }
    return tensors
  }

  /// Reduces the tensor `x` over the arguments `axis` and `keepdim`.
  func reduce(_ body: (Tensor, [Int]?, Bool) throws -> Tensor) throws -> Value {
    guard let x = try at("x", { try Tensor.operand(try self["x"]) }) else {
      throw error(.type, "\(name) takes a tensor, not \(try self["x"].described)", at: "x")
    }
    return Value(try body(x, axes("axis"), bool("keepdim")))
  }
}
