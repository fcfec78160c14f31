import Base
import Devices
import Interpreter
import KernelTypes
import Tensors

/// A tensor as the language sees it: a value.
///
/// The object holds a tensor of the core and answers what the language asks of a value: operators, comparison, indexing,
/// loops, printing, and the generic functions such as `sum` (TensorObject+Generic.swift). Assignment to a part changes the
/// object in place when only one variable holds it, and a copy otherwise. `Tensor.operand` makes a tensor of whatever can
/// stand beside one: numbers, bools and lists of them.
///
/// Where no gradient is followed, a tensor without axes is handed out as a plain number, so that `mean(x)` and `x[0]` can
/// be printed, compared and tested like any other; where one is followed, it is a `FollowedNumber`.
class TensorObject: HostObject {
  private(set) final var tensor: Tensor

  init(_ tensor: Tensor) { self.tensor = tensor }

  final override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "tensor"
    out.write(tensor)
  }
  final override var byteCount: Int { tensor.count * tensor.dtype.stride }

  override class var typeName: String { "tensor" }
  override var summary: String { "tensor \(tensor.shape)" }
  override var shape: [Int]? { tensor.shape }
  override class var typeSummary: String { "Numbers, or bools, along any number of axes." }
  override class var members: [Member] { own }
  private static let own = [
    Member("T", "tensor", "The tensor with its axes in reverse order.") { (x: TensorObject) in
      let axes = x.tensor.shape.indices
      return axes.count < 2 ? Value(x) : Value(try x.tensor.permute(axes.reversed()))
    },
    Member("dtype", "string", "The type of its elements: f32, i64 or bool.") { (x: TensorObject) in
      Value(x.tensor.dtype.shortName)
    },
    Member("ndim", "int", "How many axes it has.") { (x: TensorObject) in Value(x.tensor.shape.count) },
    Member("shape", "list[int]", "The sizes of its axes.") { (x: TensorObject) in Value(x.tensor.shape) },
    Member("size", "int", "How many elements it has.") { (x: TensorObject) in Value(x.tensor.count) },
  ]
  override func advice(on name: String) -> String? {
    switch name {
    case "float": "float32(x) does it for each element"
    case "int": "int64(x) does it for each element"
    default: BuiltinTable.foreignNames[name]
    }
  }

  // MARK: Operators

  override func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    guard let other = try Tensor.operand(other) else { return nil }
    let (a, b) = reversed ? (other, tensor) : (tensor, other)
    if let whole = try IntegerArithmetic.binary(op, a, b) { return Value(whole) }
    return switch op {
    case .add: Value(try add(a, b))
    case .subtract: Value(try sub(a, b))
    case .multiply: Value(try mul(a, b))
    case .divide: Value(try div(a, b))
    case .power: Value(try pow(a, b))
    case .floorDivide: Value(try floorDivide(a, b))
    case .remainder: Value(try Tensors.remainder(a, b))
    case .matmul: Value(try matmul(a, b))
    }
  }

  override func overwrite(with op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Bool {
    // Without axes the result is a number, as in `binary`.
    guard !tensor.shape.isEmpty, let other = try Tensor.operand(other) else { return false }
    return switch op {
    case .add: try tensor.overwrite(with: .add, other, reversed: reversed)
    case .subtract: try tensor.overwrite(with: .subtract, other, reversed: reversed)
    case .multiply: try tensor.overwrite(with: .multiply, other, reversed: reversed)
    case .divide: try tensor.overwrite(with: .divide, other, reversed: reversed)
    case .power: try tensor.overwrite(with: .power, other, reversed: reversed)
    case .floorDivide, .remainder, .matmul: false
    }
  }

  override func unary(_ op: UnaryOperator) throws -> Value? {
    switch op {
    case .negate: Value(try tensor.neg())
    case .plus: Value(self)
    case .not: tensor.dtype == .bool ? Value(try logicalNot(tensor)) : nil
    }
  }

  override func compare(_ op: ComparisonOperator, _ other: Value, reversed: Bool) throws -> Value? {
    guard let other = try Tensor.operand(other) else { return nil }
    let (a, b) = reversed ? (other, tensor) : (tensor, other)
    return switch op {
    case .equal: Value(try equal(a, b))
    case .notEqual: Value(try notEqual(a, b))
    case .less: Value(try less(a, b))
    case .lessEqual: Value(try lessEqual(a, b))
    case .greater: Value(try greater(a, b))
    case .greaterEqual: Value(try greaterEqual(a, b))
    case .in, .notIn: nil
    }
  }

  override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other, let other = object as? TensorObject, other.tensor.shape == tensor.shape
    else { return false }
    return try equal(tensor, other.tensor).all().item() != 0
  }

  override func truth() throws -> Bool {
    if tensor.count == 1 { return try tensor.item() != 0 }
    throw LTDError(
      .type, "a tensor of \(tensor.count) elements is neither true nor false",
      hint:
        "any(x) asks for one true element, all(x) for all of them; logical_and(a, b) and logical_or(a, b) join masks")
  }

  override func number() throws -> Value? {
    guard tensor.count == 1 else { return nil }
    return Value(try tensor.detached().reshape([]))
  }

  override var isNumber: Bool { tensor.shape.isEmpty }

  override var isVector: Bool { tensor.shape.count == 1 }

  override var isRecording: Bool { tensor.isRecording }

  override func numbered(_ value: Double) -> Value { .object(FollowedNumber(tensor, value)) }

  override func scalar() throws -> Value? {
    guard tensor.count == 1 else { return nil }
    return Value(try tensor.reshape([]).asType(.float32))
  }

  // MARK: Parts

  override func index(_ items: [IndexItem]) throws -> Value? {
    let tensor = tensor
    let steps = try IndexPlan(items, shape: tensor.shape)
    return Value(try steps.read(tensor))
  }

  override func setIndex(_ items: [IndexItem], to value: Value, isUnique: Bool) throws -> HostObject? {
    guard let value = try Tensor.operand(value) else {
      throw LTDError(
        .type, "cannot put \(value.typeName.withArticle) into a tensor", hint: "assign a number or a tensor")
    }
    let plan = try IndexPlan(items, shape: tensor.shape)
    let target = isUnique ? self : TensorObject(tensor)
    try plan.write(value, into: &target.tensor)
    return target
  }

  override var length: Int? { tensor.shape.first }

  override func element(at place: Int) throws -> Value? { try index([.index(place)]) }

  /// The numbers of a vector, without a tensor for each.
  override func makeIterator() throws -> (() throws -> Value?)? {
    guard tensor.shape.count == 1, !tensor.isTracked else { return nil }
    switch tensor.dtype {
    case .bool: return Self.steps(tensor.bools()) { .bool($0) }
    case .int64: return Self.steps(tensor.ints()) { .int($0) }
    case .float32: return Self.steps(tensor.floats()) { .float($0.asTyped) }
    }
  }

  private static func steps<T>(_ items: [T], _ make: @escaping (T) -> Value) -> () throws -> Value? {
    var place = 0
    return {
      guard place < items.count else { return nil }
      place += 1
      return make(items[place - 1])
    }
  }

  override func contains(_ value: Value) throws -> Bool? {
    guard let value = try Tensor.operand(value), value.count == 1 else { return nil }
    return try equal(tensor, value).any().item() != 0
  }

  // MARK: The language's own functions

  override func apply(_ builtin: String, _ call: Call) throws -> Value? {
    try Self.generic(builtin, tensor, call)
  }

  // MARK: Printing

  override func shortText(_ options: PrintOptions) -> String {
    tensor.count <= 8 ? text(options) : "tensor \(tensor.dtype.shortName) \(tensor.shape)"
  }

  override func text(_ options: PrintOptions) -> String { TensorText(tensor, options).text }
}

extension Tensor {
  /// A value as an operand beside a tensor: a tensor, a number, a bool, or a list of numbers.
  static func operand(_ value: Value) throws -> Tensor? {
    switch value {
    case .object(let object): return (object as? TensorObject)?.tensor
    case .int(let number): return try Tensor(ints: [number], shape: [])
    case .float(let number): return try Tensor.scalar(Float(number))
    case .bool(let flag): return try Tensor(bools: [flag], shape: [])
    case .list, .range: return try NestedNumbers(value).tensor
    default: return nil
    }
  }
}

extension Value {
  /// A tensor as a value; one without axes becomes a number.
  init(_ tensor: Tensor) {
    guard tensor.shape.isEmpty else {
      self = .object(TensorObject(tensor))
      return
    }
    switch tensor.dtype {
    case .float32 where tensor.isTracked:
      self = .object(FollowedNumber(tensor, (tensor.floats().first ?? 0).asTyped))
    case .bool: self = .bool(tensor.bools().first ?? false)
    case .int64: self = .int(tensor.ints().first ?? 0)
    case .float32: self = .float((tensor.floats().first ?? 0).asTyped)
    }
  }
}
