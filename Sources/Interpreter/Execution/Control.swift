// What decides the order in which a program runs: blocks, choices, loops, `try`, and the ways out of them.
//
// A statement tells how it ended by a `Flow`: normally, or by `break`, `continue` or `return`, with the returned value
// in the machine. Whoever is on the way hands the flow on until the loop or the call that it is meant for takes it, so
// that leaving a loop costs no error. Errors are Swift errors; a `try` catches all but those that end the run
// (`Diagnostic.Kind.endsTheRun`). What follows `finally` runs in every case, also when the run is ended, then with a small
// budget of its own; afterwards the flow or the error that was on its way continues, unless `finally` raised an error.

/// Statements in order. Its value is that of the last one, if that is an expression.
final class BlockNode: Node {
  /// All but the last.
  private let statements: NodeList
  private let last: NodeReference?
  private let nodes: [Node]
  /// Whether the value of the last statement is that of the block; loops and assignments do not.
  private let hasValue: Bool
  /// Whether these are the statements of a program: none begins when the run is to be stopped.
  var isProgram = false

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
      if isProgram { try pollStop(frame, nodes[next]) }
      if try statements[next].exec(frame) == .returning { return frame.takeReturned() }
      next &+= 1
    }
    guard let last else { return .none }
    if isProgram, let node = nodes.last { try pollStop(frame, node) }
    if hasValue { return try last.eval(frame) }
    return try last.exec(frame) == .returning ? frame.takeReturned() : .none
  }

  private func pollStop(_ frame: Frame, _ statement: Node) throws(LTDError) {
    do { try frame.machine.pollStop() } catch { throw statement.located(error) }
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
    do { iterator = try ValueIterator(sequence, inPairs: pair != nil) } catch {
      throw error.located(source, iterable.span)
    }
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

/// `… finally { }`: the block after it runs however the part before it is left.
final class FinallyNode: Node {
  private let body: Node
  private let cleanup: Node

  init(_ body: Node, _ cleanup: Node, _ source: Source, _ span: Span) {
    self.body = body
    self.cleanup = cleanup
    super.init(source, span)
  }

  private func finish(_ error: LTDError?, _ frame: Frame) throws(LTDError) {
    let machine = frame.machine
    // A `return` may be on its way.
    let returned = machine.pointee.returned
    machine.pointee.returned = .none
    do {
      try machine.pointee.session.cleanUp(after: error) { () throws(LTDError) in _ = try cleanup.exec(frame) }
    } catch {
      machine.pointee.returned = .none
      throw error
    }
    machine.pointee.returned = returned
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let value: Value
    do { value = try body.eval(frame) } catch {
      try finish(error, frame)
      throw error
    }
    try finish(nil, frame)
    return value
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    let flow: Flow
    do { flow = try body.exec(frame) } catch {
      try finish(error, frame)
      throw error
    }
    try finish(nil, frame)
    return flow
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
