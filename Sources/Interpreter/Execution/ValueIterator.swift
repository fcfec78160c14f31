/// What `for`, comprehensions and list functions go through, element by element.
struct ValueIterator {
  private enum Kind {
    case list(ListValue)
    case range(RangeValue)
    /// In `scalars`.
    case text
    case ascii(StringValue)
    case keys(RecordValue)
    case host(HostObject, Int)
    case hostPairs(HostObject, Int)
    case steps(() throws -> Value?)
  }
  private var kind: Kind
  private var place = 0
  private var scalars: String.UnicodeScalarView.Iterator?

  /// - Parameter inPairs: whether two variables take each element.
  init(_ value: Value, inPairs: Bool = false) throws(LTDError) {
    switch value {
    case .object(let object) where inPairs && object.hasPairs: kind = .hostPairs(object, object.length ?? 0)
    case .list(let list): kind = .list(list)
    case .range(let range): kind = .range(range)
    case .string(let text) where text.count == text.text.utf8.count: kind = .ascii(text)
    case .string(let text):
      kind = .text
      scalars = text.text.unicodeScalars.makeIterator()
    case .record(let record): kind = .keys(record)
    case .object(let object):
      if let steps = try fromHost({ try object.makeIterator() }) {
        kind = .steps(steps)
      } else if let length = object.length {
        kind = .host(object, length)
      } else {
        fallthrough
      }
    default:
      throw LTDError(
        .type, "\(value.kindText) has no elements to go through",
        hint: value.asInt != nil ? "for i in range(n) counts from 0 to n - 1" : nil)
    }
  }

  mutating func next() throws(LTDError) -> Value? {
    switch kind {
    case .list(let list):
      guard place < list.items.count else { return nil }
      place &+= 1
      return list.items[place &- 1]
    case .range(let range):
      guard place < range.count else { return nil }
      place &+= 1
      return .int(range[place &- 1])
    case .ascii(let text):
      guard place < text.count else { return nil }
      place &+= 1
      return text.character(at: place &- 1)
    case .text:
      guard let scalar = scalars?.next() else { return nil }
      return Value(scalar)
    case .keys(let record):
      guard place < record.count else { return nil }
      place &+= 1
      return Value(record.layout.names[place &- 1])
    case .host(let object, let length):
      guard place < length else { return nil }
      place &+= 1
      return try fromHost { [place] in try object.element(at: place &- 1) }
    case .hostPairs(let object, let length):
      guard place < length else { return nil }
      place &+= 1
      return try fromHost { [place] in try object.pair(at: place &- 1) }
    case .steps(let next): return try fromHost { try next() }
    }
  }
}

extension Value {
  /// All elements as an array.
  public func elements(_ session: Session) throws(LTDError) -> [Value] {
    if case .list(let list) = self { return list.items }
    var iterator = try ValueIterator(self)
    var items: [Value] = []
    switch self {
    case .range(let range):
      try session.checkSize(range.count, of: "list")
      items.reserveCapacity(range.count)
    case .string(let text):
      try session.checkSize(text.count, of: "list")
      items.reserveCapacity(text.count)
    default: break
    }
    while let item = try iterator.next() {
      items.append(item)
      if items.count & 1023 == 0 {
        try session.checkSize(items.count, of: "list")
        try session.poll()
      }
    }
    return items
  }
}

/// The two variables of `for name, value in record` and its like.
struct PairTarget {
  private let first: Target
  private let second: Target

  init?(_ target: Target) {
    guard let parts = (target as? ListTarget)?.plainTargets, parts.count == 2 else { return nil }
    (first, second) = (parts[0], parts[1])
  }

  @inline(__always)
  func assign(_ a: Value, _ b: Value, _ frame: Frame) throws(LTDError) {
    try first.assign(a, frame)
    try second.assign(b, frame)
  }
}

/// `enumerate(xs)` or `zip(a, b)` where two variables take its pairs: gone through without making them.
struct SideBySide {
  private let call: BuiltinCallNode
  private let first: Node?
  private let second: Node

  init?(_ iterable: Node) {
    guard let call = iterable as? BuiltinCallNode, let arguments = call.allArguments else { return nil }
    switch (call.name, arguments.count) {
    case ("enumerate", 1): (first, second) = (nil, arguments[0])
    case ("zip", 2): (first, second) = (arguments[0], arguments[1])
    default: return nil
    }
    self.call = call
  }

  func start(_ frame: Frame) throws(LTDError) -> Sequence {
    let a = try first?.eval(frame) ?? Self.numbers
    let b = try second.eval(frame)
    do {
      return Sequence(first: try ValueIterator(a), second: try ValueIterator(b))
    } catch {
      throw call.located(error)
    }
  }

  private static let numbers = RangeValue(start: 0, end: .max - 1).map { Value.range($0) } ?? .none

  struct Sequence {
    var first: ValueIterator
    var second: ValueIterator

    mutating func next() throws(LTDError) -> (Value, Value)? {
      guard let a = try first.next(), let b = try second.next() else { return nil }
      return (a, b)
    }
  }
}
