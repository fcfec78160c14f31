// Values that grow in place: `x += e`, `x = x + e`, and `xs + […]` as the last use of xs.
//
// A string or list is copied when somebody else holds it, and otherwise grows where it is: a loop that appends n elements
// takes time in proportion to n, not to its square. What counts is the value that the variable had before its operand was
// computed. An operand that runs other code may change the variable, so the old value is kept meanwhile and compared
// afterwards.

/// `x += e` on a variable, and `x = x + e`: strings and lists that no other variable holds grow in place.
final class AugmentVariableNode: Node {
  private let place: VariablePlace
  private let name: String
  private let op: BinaryOperator
  private let operatorSpan: Span
  private let targetSpan: Span
  private let operand: Operand
  /// Whether computing the operand runs no code that could change the variable.
  private let operandIsPlain: Bool
  /// `e` of `x += [e]`; the operand holds it.
  private let element: NodeReference?

  init(
    _ place: VariablePlace, _ name: String, _ targetSpan: Span, _ op: BinaryOperator, _ operatorSpan: Span,
    _ operand: Node, _ source: Source, _ span: Span
  ) {
    self.place = place
    self.name = name
    self.op = op
    self.operatorSpan = operatorSpan
    self.targetSpan = targetSpan
    self.operand = Operand(operand)
    operandIsPlain = operand.isPlain
    element = op == .add ? (operand as? ListNode)?.onlyItem.map { NodeReference($0) } : nil
    super.init(source, span)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    let pointer = place.pointer(frame)
    if let element, pointer.list != nil {
      let item: Value
      if operandIsPlain {
        item = try element.eval(frame)
      } else {
        let old = pointer.pointee
        item = try element.eval(frame)
        if !old.isIdentical(to: pointer.pointee) { pointer.pointee = old }
      }
      do { try pointer.append(item, frame.machine) } catch { throw located(error) }
      return .normal
    }
    if operandIsPlain {
      if op == .add, let string = pointer.string, let more = operand.place(frame), let addition = more.string {
        do {
          try string.append(addition.pointee, frame.machine)
        } catch {
          throw explained(error, pointer, more.pointee)
        }
        return .normal
      }
      let value = try operand.read(frame)
      if try !pointer.augmentNumber(op, value) { try update(pointer, value, frame) }
      return .normal
    }
    // The operand may change the variable, through a function: what counts is the value before.
    let value: Value
    do {
      let old = pointer.copied
      value = try operand.read(frame)
      guard old.isIdentical(to: pointer.pointee) else {
        pointer.pointee = old
        try update(pointer, value, frame)
        return .normal
      }
    }
    if try !pointer.augmentNumber(op, value) { try update(pointer, value, frame) }
    return .normal
  }

  @inline(never)
  private func update(_ pointer: UnsafeMutablePointer<Value>, _ value: Value, _ frame: Frame) throws(LTDError) {
    if pointer.pointee.isUnset {
      throw LTDError(.name, "\(name) has no value yet", source: source, span: targetSpan)
    }
    do {
      try pointer.augment(op, value, frame.machine.pointee.session)
    } catch {
      throw explained(error, pointer, value)
    }
  }

  private func explained(_ error: LTDError, _ pointer: UnsafeMutablePointer<Value>, _ value: Value) -> LTDError {
    explained(error, op.rawValue, pointer.pointee, value, targetSpan, operand.node.span, operatorSpan)
  }
}

/// `xs + […]` where nothing reads the variable afterwards: a list or string in it grows in place and is taken out.
final class LastSumNode: Node {
  private let plain: Node
  private let slot: Int
  private let growth: Node

  init(_ plain: Node, _ slot: Int, _ growth: Node, _ source: Source, _ span: Span) {
    self.plain = plain
    self.slot = slot
    self.growth = growth
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let place = frame.base + slot
    guard place.list != nil || place.string != nil else { return try plain.eval(frame) }
    _ = try growth.exec(frame)
    let sum = place.pointee
    place.pointee = .none
    return sum
  }
}

extension UnsafeMutablePointer<Value> {
  /// `place op= value` for plain numbers; false leaves it to `augment`.
  @inline(__always)
  func augmentNumber(_ op: BinaryOperator, _ value: Value) throws(LTDError) -> Bool {
    switch (pointee, value) {
    case (.int(let a), .int(let b)):
      let (result, overflow): (Int, Bool)
      switch op {
      case .add: (result, overflow) = a.addingReportingOverflow(b)
      case .subtract: (result, overflow) = a.subtractingReportingOverflow(b)
      default: return false
      }
      if overflow { return false }
      pointee = .int(result)
    case (.float(let a), .float(let b)):
      switch op {
      case .add: pointee = .float(a + b)
      case .subtract: pointee = .float(a - b)
      case .multiply: pointee = .float(a * b)
      default: return false
      }
    default: return false
    }
    return true
  }

  /// Makes a list longer by one element.
  @inline(__always)
  func append(_ item: consuming Value, _ machine: UnsafeMutablePointer<Machine>) throws(LTDError) {
    guard let list else { return }
    let count = list.pointee.items.count
    if count >= machine.pointee.largestList {
      try Operations.checkElements(count, 1, plus: 1, machine.pointee.session)
    }
    list.makeUnique()
    list.pointee.items.append(item)
  }

  /// `place op= value`: strings and lists that no other place holds grow where they are.
  func augment(_ op: BinaryOperator, _ value: Value, _ session: Session) throws(LTDError) {
    if op == .add {
      if let string, case .string(let more) = value {
        return try string.append(more, session.machine)
      }
      if let list, case .list(let more) = value {
        try Operations.checkElements(list.pointee.items.count, 1, plus: more.items.count, session)
        let items = more.items
        list.makeUnique()
        list.pointee.items.append(contentsOf: items)
        return
      }
    }
    pointee = try Operations.binary(op, pointee, value, session)
  }
}

extension UnsafeMutablePointer<StringValue> {
  /// Makes the string in a variable longer.
  @inline(__always)
  func append(_ more: StringValue, _ machine: UnsafeMutablePointer<Machine>) throws(LTDError) {
    let count = pointee.text.utf8.count
    if more.text.utf8.count > machine.pointee.largestString &- count {
      try Operations.checkBytes(count, 1, plus: more.text.utf8.count, machine.pointee.session)
    }
    if isKnownUniquelyReferenced(&pointee) {
      pointee.append(more)
    } else {
      pointee = StringValue(pointee.text + more.text)
    }
  }
}
