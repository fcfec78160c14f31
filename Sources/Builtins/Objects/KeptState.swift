import Base
import Devices
import Interpreter
import Networks
import Tensors

/// What a method of the language keeps from step to step: a record of numbers, bools, strings, tensors, and lists and
/// records of such.
///
/// It is saved as tensors by name. The name of a part is its path, and the kind of what it is: "mean/0.weight:tensor". A
/// record or list comes before its parts and says how many it has, so that reading is one walk in the same order, and a
/// key may hold any character but the two that are escaped. Numbers are kept by their bits.
final class KeptState {
  private(set) var value = Value(fields: [])
  private static let deepest = 50

  private enum Kind: String {
    case none, bool, int, float, string, tensor, list, record
  }

  /// Takes a record.
  ///
  /// - Throws: `type` for what cannot be saved.
  func set(_ new: Value) throws { value = try checked(new, "state", 0) }

  /// The value without records of gradients.
  private func checked(_ value: Value, _ path: String, _ depth: Int) throws -> Value {
    guard depth < Self.deepest else {
      throw LTDError(.value, "step.state is nested more than \(Self.deepest) deep", hint: "keep it flat")
    }
    switch value.plain {
    case .none, .bool, .int, .float, .string: return value.plain
    case .list(let list):
      return Value(try list.items.enumerated().map { try checked($0.element, "\(path)[\($0.offset)]", depth + 1) })
    case .record(let record):
      return Value(fields: try record.fields.map { ($0.0, try checked($0.1, "\(path).\($0.0)", depth + 1)) })
    case .object(let object as TensorObject): return Value(object.tensor.detached())
    default:
      throw LTDError(
        .type,
        "\(path) of a method must be numbers, strings, tensors, or lists and records of such, not \(value.described)",
        hint: "what is saved with a run is made of these")
    }
  }

  // MARK: As tensors

  var tensors: NamedTensors {
    get throws(CoreError) {
      var tensors: NamedTensors = []
      guard case .record(let record) = value, !record.fields.isEmpty else { return [] }
      try Self.write(value, "state", &tensors)
      return tensors
    }
  }

  private static func write(_ value: Value, _ path: String, _ tensors: inout NamedTensors) throws(CoreError) {
    func add(_ kind: Kind, _ numbers: [Int], shape: [Int] = []) throws(CoreError) {
      tensors.append(("\(path):\(kind.rawValue)", try Tensor(ints: numbers, shape: shape)))
    }
    switch value {
    case .none: try add(.none, [0])
    case .bool(let value): try add(.bool, [value ? 1 : 0])
    case .int(let value): try add(.int, [value])
    case .float(let value): try add(.float, [Int(truncatingIfNeeded: Int64(bitPattern: value.bitPattern))])
    case .string(let value):
      let bytes = value.text.utf8.map { Int($0) }
      try add(.string, bytes, shape: [bytes.count])
    case .list(let list):
      try add(.list, [list.items.count])
      for (i, item) in list.items.enumerated() { try write(item, "\(path)/\(i)", &tensors) }
    case .record(let record):
      let fields = record.fields
      try add(.record, [fields.count])
      for (key, item) in fields { try write(item, "\(path)/\(escaped(key))", &tensors) }
    case .object(let object as TensorObject): tensors.append(("\(path):\(Kind.tensor.rawValue)", object.tensor))
    // `set` has let nothing else in.
    default: throw foreign()
    }
  }

  private static func escaped(_ key: String) -> String {
    key.replacing("%", with: "%25").replacing("/", with: "%2F")
  }

  private static func unescaped(_ key: some StringProtocol) -> String {
    String(key).replacing("%2F", with: "/").replacing("%25", with: "%")
  }

  func restore(_ state: NamedTensors) throws(CoreError) {
    guard !state.isEmpty else {
      value = Value(fields: [])
      return
    }
    var rest = state[...]
    let read = try Self.read(&rest, 0).value
    guard rest.isEmpty, case .record = read else { throw Self.foreign() }
    value = read
  }

  private static func foreign() -> CoreError {
    CoreError(.value, "this is not the state of a method of the language")
  }

  private static func read(
    _ rest: inout ArraySlice<(name: String, tensor: Tensor)>, _ depth: Int
  ) throws(CoreError) -> (key: String, value: Value) {
    guard let (name, tensor) = rest.popFirst(), depth <= deepest, let colon = name.lastIndex(of: ":"),
      let kind = Kind(rawValue: String(name[name.index(after: colon)...]))
    else { throw foreign() }
    let path = name[..<colon]
    let key = unescaped(path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path)
    if kind == .tensor { return (key, Value(tensor)) }
    guard tensor.dtype == .int64, kind == .string || tensor.count == 1 else { throw foreign() }
    let numbers = tensor.ints()
    let number = numbers.first ?? 0
    switch kind {
    case .none: return (key, .none)
    case .bool: return (key, .bool(number != 0))
    case .int: return (key, .int(number))
    case .float: return (key, .float(Double(bitPattern: UInt64(bitPattern: Int64(number)))))
    case .string:
      guard let bytes = numbers.map({ UInt8(exactly: $0) }) as? [UInt8] else { throw foreign() }
      return (key, Value(String(decoding: bytes, as: UTF8.self)))
    case .list, .record:
      guard number >= 0, number <= rest.count else { throw foreign() }
      var items: [(String, Value)] = []
      for _ in 0..<number {
        let item = try read(&rest, depth + 1)
        items.append((item.key, item.value))
      }
      return (key, kind == .list ? Value(items.map(\.1)) : Value(fields: items))
    case .tensor: return (key, Value(tensor))
    }
  }
}
