/// Statements in order. Its value is that of the last one, if that is an expression.
final class BlockNode: Node {
  /// All but the last.
  private let statements: NodeList
  private let last: NodeReference?
  private let nodes: [Node]
  /// Whether the last statement gives the block's value; loops and assignments do not.
  private let hasValue: Bool

  init(_ statements: [Node], hasValue: Bool, _ source: Source, _ span: Span) {
    self.statements = NodeList(statements.dropLast())
    last = statements.last.map { NodeReference($0) }
    nodes = statements
    self.hasValue = hasValue
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    var next = 0
    while next < statements.count {
      if try statements[next].exec(frame) == .returning { return frame.takeReturned() }
      next &+= 1
    }
    guard let last else { return .none }
    if hasValue { return try last.eval(frame) }
    return try last.exec(frame) == .returning ? frame.takeReturned() : .none
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    var next = 0
    while next < statements.count {
      let flow = try statements[next].exec(frame)
      if flow != .normal { return flow }
      next &+= 1
    }
    return try last?.exec(frame) ?? .normal
  }
}

extension Frame {
  func takeReturned() -> Value {
    let value = machine.pointee.returned
    machine.pointee.returned = .none
    return value
  }
}

final class IfNode: Node {
  private let test: Node
  private let then: Node
  private let otherwise: Node?

  init(_ test: Node, _ then: Node, _ otherwise: Node?, _ source: Source, _ span: Span) {
    self.test = test
    self.then = then
    self.otherwise = otherwise
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if try test.condition(frame) { return try then.eval(frame) }
    return try otherwise?.eval(frame) ?? .none
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    if try test.condition(frame) { return try then.exec(frame) }
    return try otherwise?.exec(frame) ?? .normal
  }
}

final class WhileNode: Node {
  private let test: Node
  private let body: Node

  init(_ test: Node, _ body: Node, _ source: Source, _ span: Span) {
    self.test = test
    self.body = body
    super.init(source, span)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    while try test.condition(frame) {
      switch try body.exec(frame) {
      case .normal, .continuing: break
      case .breaking: return .normal
      case .returning: return .returning
      }
      do { try frame.machine.poll() } catch { throw located(error) }
    }
    return .normal
  }
}

final class ForNode: Node {
  private let target: Target
  private let place: VariablePlace?
  private let pair: PairTarget?
  private let side: SideBySide?
  private let iterable: Node
  private let body: Node

  init(_ target: Target, _ iterable: Node, _ body: Node, _ source: Source, _ span: Span) {
    self.target = target
    pair = PairTarget(target)
    side = pair == nil ? nil : SideBySide(iterable)
    place = (target as? NameTarget)?.place
    self.iterable = iterable
    self.body = body
    super.init(source, span)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    if let pair, let side {
      var sequence = try side.start(frame)
      return try rounds(frame) { () throws(LTDError) in
        guard let next = try sequence.next() else { return false }
        try pair.assign(next.0, next.1, frame)
        return true
      }
    }
    let sequence = try iterable.eval(frame)
    var index = 0
    if let place, case .range(let range) = sequence {
      return try rounds(frame) { () throws(LTDError) in
        guard index < range.count else { return false }
        place.pointer(frame).pointee = .int(range[index])
        index &+= 1
        return true
      }
    }
    if let place, case .list(let list) = sequence {
      // Holding the list keeps its elements as they are: whoever changes it now gets a copy.
      let items = list.items
      return try rounds(frame) { () throws(LTDError) in
        guard index < items.count else { return false }
        place.pointer(frame).pointee = items[index]
        index &+= 1
        return true
      }
    }
    if let pair, case .record(let record) = sequence {
      return try rounds(frame) { () throws(LTDError) in
        guard index < record.count else { return false }
        try pair.assign(Value(record.layout.names[index]), record[index], frame)
        index &+= 1
        return true
      }
    }
    var iterator: ValueIterator
    do { iterator = try ValueIterator(sequence) } catch { throw error.located(source, iterable.span) }
    return try rounds(frame) { () throws(LTDError) in
      let item: Value?
      do throws(LTDError) { item = try iterator.next() } catch { throw error.located(source, iterable.span) }
      guard let item else { return false }
      if let place { place.pointer(frame).pointee = item } else { try target.assign(item, frame) }
      return true
    }
  }

  /// Runs the body as long as `step` sets the variables.
  @inline(__always)
  private func rounds(_ frame: Frame, _ step: () throws(LTDError) -> Bool) throws(LTDError) -> Flow {
    while try step() {
      switch try body.exec(frame) {
      case .normal, .continuing: break
      case .breaking: return .normal
      case .returning: return .returning
      }
      do { try frame.machine.poll() } catch { throw located(error) }
    }
    return .normal
  }
}

final class FlowNode: Node {
  private let flow: Flow

  init(_ flow: Flow, _ source: Source, _ span: Span) {
    self.flow = flow
    super.init(source, span)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow { flow }
}

final class ReturnNode: Node {
  private let value: Node?

  init(_ value: Node?, _ source: Source, _ span: Span) {
    self.value = value
    super.init(source, span)
  }

  /// As the last thing a function does: no detour.
  override func eval(_ frame: Frame) throws(LTDError) -> Value { try value?.eval(frame) ?? .none }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    let result = try value?.eval(frame) ?? .none
    frame.machine.pointee.returned = result
    return .returning
  }
}

/// `try { } catch e { }`; interrupts, limits and `exit` pass through.
final class TryNode: Node {
  private let body: Node
  private let place: VariablePlace?
  private let handler: Node

  init(_ body: Node, _ place: VariablePlace?, _ handler: Node, _ source: Source, _ span: Span) {
    self.body = body
    self.place = place
    self.handler = handler
    super.init(source, span)
  }

  private func handle(_ error: LTDError, _ frame: Frame) throws(LTDError) {
    if error.diagnostic.kind.endsTheRun || frame.machine.pointee.session.exitCode != nil { throw error }
    if let place { place.pointer(frame).pointee = .error(ErrorValue(error.diagnostic)) }
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    do { return try body.eval(frame) } catch { try handle(error, frame) }
    return try handler.eval(frame)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    do { return try body.exec(frame) } catch { try handle(error, frame) }
    return try handler.exec(frame)
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
    let a = try first?.eval(frame)
    let b = try second.eval(frame)
    do {
      return Sequence(
        first: try a.map { value throws(LTDError) in try ValueIterator(value) }, second: try ValueIterator(b))
    } catch {
      throw call.located(error)
    }
  }

  struct Sequence {
    fileprivate var first: ValueIterator?
    fileprivate var second: ValueIterator
    private var number = 0

    fileprivate init(first: ValueIterator?, second: ValueIterator) {
      self.first = first
      self.second = second
    }

    mutating func next() throws(LTDError) -> (Value, Value)? {
      let a: Value?
      if first == nil {
        a = .int(number)
        number &+= 1
      } else {
        a = try first?.next()
      }
      guard let a, let b = try second.next() else { return nil }
      return (a, b)
    }
  }
}

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
    case steps(() throws(LTDError) -> Value?)
  }
  private var kind: Kind
  private var place = 0
  private var scalars: String.UnicodeScalarView.Iterator?

  init(_ value: Value) throws(LTDError) {
    switch value {
    case .list(let list): kind = .list(list)
    case .range(let range): kind = .range(range)
    case .string(let text) where text.count == text.text.utf8.count: kind = .ascii(text)
    case .string(let text):
      kind = .text
      scalars = text.text.unicodeScalars.makeIterator()
    case .record(let record): kind = .keys(record)
    case .object(let object):
      if let steps = try object.makeIterator() {
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
      return try object.element(at: place &- 1)
    case .steps(let next): return try next()
    }
  }
}

extension Value {
  /// All elements as an array.
  public func elements(_ session: Session) throws(LTDError) -> [Value] {
    if case .list(let list) = self { return list.items }
    if case .range(let range) = self { try session.checkSize(range.count, of: "list") }
    var iterator = try ValueIterator(self)
    var items: [Value] = []
    while let item = try iterator.next() {
      items.append(item)
      if items.count & 1023 == 0 { try session.checkSize(items.count, of: "list") }
    }
    return items
  }
}
