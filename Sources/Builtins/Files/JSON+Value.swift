import Base
import Devices
import Interpreter
import Tensors

extension JSON {
  /// The value as the language has it: objects are records, null is none.
  var value: Value {
    switch self {
    case .null: .none
    case .bool(let truth): .bool(truth)
    case .int(let number): .int(number)
    case .number(let number): .float(number)
    case .string(let text): Value(text)
    case .array(let items): Value(items.map(\.value))
    case .object(let members): Value(fields: members.map { ($0.key, $0.value.value) })
    }
  }

  /// The most values that one JSON string holds: a list that holds another many times over would have no end in sight.
  private static let valueLimit = 20_000_000

  private static func poll(at place: Int) throws {
    try StopSignal.poll(at: place)
  }

  /// The JSON of a value.
  /// - Throws: `type` for what JSON has no form for, such as models and functions, `value` for nesting beyond 200 levels,
  ///   and `memory` for more values than fit into a string.
  init(_ value: Value) throws {
    var count = 0
    try self.init(value, depth: 0, &count)
  }

  private init(_ value: Value, depth: Int, _ count: inout Int) throws {
    count += 1
    try JSON.poll(at: count)
    guard count <= JSON.valueLimit else { throw LTDError(.memory, "the value has too many elements for JSON") }
    guard depth < 200 else { throw LTDError(.value, "the value is nested too deeply for JSON") }
    switch value.plain {
    case .none: self = .null
    case .bool(let truth): self = .bool(truth)
    case .int(let number): self = .int(number)
    case .float(let number): self = .number(number)
    case .string(let text): self = .string(text.text)
    case .list(let list):
      var items: [JSON] = []
      for item in list.items { items.append(try JSON(item, depth: depth + 1, &count)) }
      self = .array(items)
    case .range(let range):
      guard range.count <= JSON.valueLimit - count else {
        throw LTDError(.memory, "a range of \(range.count) is too long for JSON")
      }
      count += range.count
      var items: [JSON] = []
      items.reserveCapacity(range.count)
      for place in 0..<range.count {
        try JSON.poll(at: place)
        items.append(.int(range[place]))
      }
      self = .array(items)
    case .record(let record):
      var members: [Member] = []
      for (name, item) in record.fields { members.append(Member(name, try JSON(item, depth: depth + 1, &count))) }
      self = .object(members)
    case .object(let object):
      guard let tensor = (object as? TensorObject)?.tensor else { throw JSON.unknown(value) }
      let size = JSON.size(of: tensor)
      guard size <= JSON.valueLimit - count else {
        throw LTDError(.memory, "a tensor of shape \(tensor.shape) is too long for JSON")
      }
      count += size
      try self.init(tensor: tensor)
    default: throw JSON.unknown(value)
    }
  }

  private static func unknown(_ value: Value) -> LTDError {
    LTDError(.type, "JSON has no form for \(value.typeName.withArticle)", hint: "str(x) makes a string of it")
  }

  private static func items<T>(_ values: [T], _ make: (T) -> JSON) throws -> [JSON] {
    var items: [JSON] = []
    items.reserveCapacity(values.count)
    for (place, value) in values.enumerated() {
      try poll(at: place)
      items.append(make(value))
    }
    return items
  }

  /// How many elements, or empty lists, a tensor is written as; `Int.max` where the product overflows.
  private static func size(of tensor: Tensor) -> Int {
    var size = 1
    for length in tensor.shape.prefix(while: { $0 > 0 }) {
      let (product, overflow) = size.multipliedReportingOverflow(by: length)
      if overflow { return .max }
      size = product
    }
    return size
  }

  /// Lists within lists, by the axes.
  private init(tensor: Tensor) throws {
    var items: [JSON] =
      switch tensor.dtype {
      case .bool: try JSON.items(tensor.bools()) { .bool($0) }
      case .int64: try JSON.items(tensor.ints()) { .int($0) }
      case .float32: try JSON.items(tensor.floats()) { .number($0.asTyped) }
      }
    var shape = tensor.shape
    if let empty = shape.firstIndex(of: 0) {
      // The lists along this axis hold nothing, so that later axes do not show.
      items = [JSON](repeating: .array([]), count: shape[..<empty].reduce(1, *))
      shape = Array(shape[..<empty])
    }
    for size in shape.dropFirst().reversed() {
      items = stride(from: 0, to: items.count, by: size).map { .array(Array(items[$0..<$0 + size])) }
    }
    self = tensor.shape.first == 0 ? .array([]) : shape.isEmpty ? items.first ?? .null : .array(items)
  }
}
