import Interpreter
import Testing

/// A vector with the ways of a tensor.
private final class Vector: HostObject {
  var numbers: [Double]
  nonisolated(unsafe) static var copies = 0

  init(_ numbers: [Double]) { self.numbers = numbers }

  override class var typeName: String { "vector" }
  override var summary: String { "vector [\(numbers.count)]" }
  override var shape: [Int]? { [numbers.count] }
  override var length: Int? { numbers.count }
  override class var members: [Member] {
    [Member("size", "int", "How many numbers it has.") { (vector: Vector) in .int(vector.numbers.count) }]
  }

  static func of(_ value: Value) -> [Double]? {
    if let number = value.asDouble { return [number] }
    if case .object(let object) = value, let vector = object as? Vector { return vector.numbers }
    return value.asList?.compactMap(\.asDouble)
  }

  override func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws(LTDError) -> Value? {
    guard let other = Vector.of(other) else { return nil }
    guard other.count == numbers.count || other.count == 1 else {
      throw LTDError(.shape, "shapes do not match in \(op.rawValue)", hint: "both need one length")
    }
    let pairs = numbers.enumerated().map { ($1, other.count == 1 ? other[0] : other[$0]) }
    switch op {
    case .add: return .object(Vector(pairs.map { $0 + $1 }))
    case .divide: return .object(Vector(pairs.map { reversed ? $1 / $0 : $0 / $1 }))
    case .multiply: return .object(Vector(pairs.map { $0 * $1 }))
    default: return nil
    }
  }

  override func compare(_ op: ComparisonOperator, _ other: Value, reversed: Bool) throws(LTDError) -> Value? {
    guard op == .greater, let limit = other.asDouble else { return nil }
    return .object(Vector(numbers.map { $0 > limit ? 1 : 0 }))
  }

  override func truth() throws(LTDError) -> Bool {
    throw LTDError(.type, "a vector is neither true nor false", hint: "any(x) or all(x)")
  }

  override func index(_ items: [IndexItem]) throws(LTDError) -> Value? {
    guard case .index(let place)? = items.first, numbers.indices.contains(place) else { return nil }
    return .float(numbers[place])
  }

  override func setIndex(_ items: [IndexItem], to value: Value, isUnique: Bool) throws(LTDError) -> HostObject? {
    guard case .index(let place)? = items.first, numbers.indices.contains(place), let number = value.asDouble else {
      return nil
    }
    if isUnique {
      numbers[place] = number
      return self
    }
    let copy = Vector(numbers)
    copy.numbers[place] = number
    return copy
  }

  override func element(at place: Int) throws(LTDError) -> Value? { .float(numbers[place]) }

  override func apply(_ builtin: String, _ call: Call) throws(LTDError) -> Value? {
    switch builtin {
    case "sum": .float(numbers.reduce(0, +))
    case "abs": .object(Vector(numbers.map { abs($0) }))
    case "max": .float(numbers.max() ?? 0)
    default: nil
    }
  }

  static let scaling = CallSignature("scale(factor: float > 0, plus: float = 0) -> vector")
  override var callSignature: CallSignature? { Vector.scaling }
  override func call(_ call: Call) throws(LTDError) -> Value {
    let (factor, shift) = (try call.float("factor"), try call.float("plus"))
    return .object(Vector(numbers.map { $0 * factor + shift }))
  }

  override func shortText(_ options: PrintOptions) -> String { "vector \(numbers)" }
}

private let table: BuiltinTable = {
  var table = BuiltinTable.core
  table.add([
    Builtin("vector(xs: list) -> vector", "A vector.", family: "test") { call throws(LTDError) in
      .object(Vector(try call.list(0).compactMap(\.asDouble)))
    },
    Builtin("dot(a: vector[n], b: vector[n]) -> float", "The dot product.", family: "test") { call throws(LTDError) in
      let (a, b) = (try call.object("a", as: Vector.self), try call.object("b", as: Vector.self))
      return .float(zip(a.numbers, b.numbers).reduce(0) { $0 + $1.0 * $1.1 })
    },
    Builtin("takes(n: int, rest: float | none = none) -> int", "Reads wrongly.", family: "test") {
      call throws(LTDError) in
      .int(Int(try call.string("n")) ?? 0)
    },
  ])
  table.coerce(to: "vector") { value throws(LTDError) in value.asList.map { Vector($0.compactMap(\.asDouble)) } }
  table.liftLists { list throws(LTDError) in Vector(list.items.compactMap(\.asDouble)) }
  return table
}()

@Suite struct HostObjectTests {
  @Test(arguments: [
    ("vector([1, 2]) * 2", "vector [2.0, 4.0]"), ("2 * vector([1, 2])", "vector [2.0, 4.0]"),
    ("8 / vector([1, 2])", "vector [8.0, 4.0]"), ("vector([1, 2]) + [3, 4]", "vector [4.0, 6.0]"),
    ("[3, 4] + vector([1, 2])", "vector [4.0, 6.0]"), ("[2, 4] / 2", "vector [1.0, 2.0]"),
    ("vector([1, 5]) > 2", "vector [0.0, 1.0]"), ("vector([1, 2])[1]", "2.0"), ("vector([1, 2]).size", "2"),
    ("len(vector([1, 2]))", "2"), ("[x for x in vector([1, 2])]", "[1.0, 2.0]"), ("sum(vector([1, 2]))", "3.0"),
    ("vector([1, -2]).abs()", "vector [1.0, 2.0]"), ("abs([1, -2])", "vector [1.0, 2.0]"),
    ("max(vector([1, 2]))", "2.0"),
    ("dot([1, 2], [3, 4])", "11.0"), ("[1, 2].dot([3, 4])", "11.0"), ("v = vector([1, 2]); v(3)", "vector [3.0, 6.0]"),
    ("v = vector([1, 2]); v(factor=2, plus=1)", "vector [3.0, 5.0]"),
    ("v = vector([1]); w = v; w[0] = 5; [v[0], w[0]]", "[1.0, 5.0]"),
    ("v = vector([1]); v[0] += 2; v[0]", "3.0"), ("a, b = vector([1, 2]); b", "2.0"),
    ("map([1], vector([2]))", "[vector [2.0]]"),
    ("type(vector([]))", "vector"), ("fn f(x: vector[n], y: vector[n]) { x.size }; f([1], vector([2]))", "1"),
  ])
  func works(_ source: String, _ expected: String) { #expect(run(source, table: table) == expected) }

  @Test(arguments: [
    ("vector([1]) - 1", "type 1:13 \"-\": - does not work on a vector [1] and an int"),
    ("vector([1, 2]) + vector([1, 2, 3])", "shape 1:16 \"+\": shapes do not match in + (both need one length)"),
    ("if vector([1]) > 0 { }", "type 1:4 \"vector([1]) > 0\": a vector is neither true nor false (any(x) or all(x))"),
    ("vector([1])(0)", "value 1:13 \"0\": factor of scale must be > 0, not 0.0"),
    ("vector([1])(1, q=2)", "type 1:16 \"q\": scale has no argument q (its arguments are factor, plus)"),
    ("dot([1, 2], [1])", "shape 1:13 \"[1]\": n is 2 in a, 1 in b (b is vector [1])"),
    ("dot(1, [1])", "type 1:5 \"1\": a of dot must be a vector[n], not int 1"),
    (
      "vector([1]).sise",
      "name 1:13 \"sise\": a vector [1] has no sise, and no function has that name (did you mean size?)"
    ),
    ("upper(vector([1]))", "type 1:7 \"vector([1])\": s of upper must be a string, not a vector [1]"),
    ("takes(3)", "type 1:7 \"3\": n of takes must be a string, not int 3"),
  ])
  func fails(_ source: String, _ expected: String) { #expect(run(source, table: table) == expected) }
}
