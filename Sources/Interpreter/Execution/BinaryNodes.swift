/// `left op right` with short ways for plain numbers. One class per frequent operator: the processor predicts better.
class BinaryNode: Node {
  final let left: Operand
  final let right: Operand
  final let op: BinaryOperator
  final let operatorSpan: Span

  init(_ op: BinaryOperator, _ left: Node, _ right: Node, _ operatorSpan: Span, _ source: Source, _ span: Span) {
    self.op = op
    self.left = Operand(left)
    self.right = Operand(right)
    self.operatorSpan = operatorSpan
    super.init(source, span)
  }

  static func make(
    _ op: BinaryOperator, _ left: Node, _ right: Node, _ operatorSpan: Span, _ source: Source, _ span: Span
  ) -> Node {
    switch op {
    case .add: AddNode(op, left, right, operatorSpan, source, span)
    case .subtract: SubtractNode(op, left, right, operatorSpan, source, span)
    case .multiply: MultiplyNode(op, left, right, operatorSpan, source, span)
    case .divide: DivideNode(op, left, right, operatorSpan, source, span)
    case .floorDivide: FloorDivideNode(op, left, right, operatorSpan, source, span)
    case .remainder: RemainderNode(op, left, right, operatorSpan, source, span)
    case .power, .matmul: BinaryNode(op, left, right, operatorSpan, source, span)
    }
  }

  override var isPlain: Bool { left.node.isPlain && right.node.isPlain }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    try general(try left.read(frame), try right.read(frame), frame)
  }

  @inline(never)
  final func general(_ a: Value, _ b: Value, _ frame: Frame) throws(LTDError) -> Value {
    do {
      // The value of a computed operand belongs to the caller of this alone, unless its object is counted for more.
      if left.isComputed, a.isOnlyReference, try a.overwrite(with: op, b, reversed: false) { return a }
      if right.isComputed, b.isOnlyReference, try b.overwrite(with: op, a, reversed: true) { return b }
      return try Operations.binary(op, a, b, frame.machine.pointee.session)
    } catch {
      throw explained(error, op.rawValue, a, b, left.node.span, right.node.span, operatorSpan)
    }
  }
}

extension Node {
  /// The error at the operator, with what stands on its two sides.
  @inline(never)
  final func explained(
    _ error: LTDError, _ op: String, _ a: Value, _ b: Value, _ leftSpan: Span, _ rightSpan: Span, _ operatorSpan: Span
  ) -> LTDError {
    var diagnostic = error.diagnostic
    guard diagnostic.span == nil else { return error }
    diagnostic.source = source
    diagnostic.span = operatorSpan
    if diagnostic.kind == .type || diagnostic.kind == .shape {
      diagnostic.labels.append(Diagnostic.Label(leftSpan, "this is \(a.kindText)"))
      diagnostic.labels.append(Diagnostic.Label(rightSpan, "this is \(b.kindText)"))
    }
    return LTDError(diagnostic)
  }
}

final class AddNode: BinaryNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a {
      if case .int(let y) = b {
        let (result, overflow) = x.addingReportingOverflow(y)
        if !overflow { return .int(result) }
      } else if case .float(let y) = b {
        return .float(Double(x) + y)
      }
    } else if case .float(let x) = a {
      if case .float(let y) = b { return .float(x + y) }
      if case .int(let y) = b { return .float(x + Double(y)) }
    }
    if let joined = joined(a, b, frame) { return joined }
    return try general(a, b, frame)
  }
}

extension AddNode {
  /// Two strings or lists, one after the other, if no limit is near.
  @inline(never)
  private func joined(_ a: Value, _ b: Value, _ frame: Frame) -> Value? {
    if case .string(let a) = a, case .string(let b) = b,
      a.text.utf8.count <= frame.machine.pointee.largestString &- b.text.utf8.count
    {
      return Value(a.text + b.text)
    }
    if case .list(let a) = a, case .list(let b) = b, a.items.count &+ b.items.count < 1_000 {
      return .list(ListValue(a.items[...], b.items))
    }
    return nil
  }
}

final class SubtractNode: BinaryNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a {
      if case .int(let y) = b {
        let (result, overflow) = x.subtractingReportingOverflow(y)
        if !overflow { return .int(result) }
      } else if case .float(let y) = b {
        return .float(Double(x) - y)
      }
    } else if case .float(let x) = a {
      if case .float(let y) = b { return .float(x - y) }
      if case .int(let y) = b { return .float(x - Double(y)) }
    }
    return try general(a, b, frame)
  }
}

final class MultiplyNode: BinaryNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a {
      if case .int(let y) = b {
        let (result, overflow) = x.multipliedReportingOverflow(by: y)
        if !overflow { return .int(result) }
      } else if case .float(let y) = b {
        return .float(Double(x) * y)
      }
    } else if case .float(let x) = a {
      if case .float(let y) = b { return .float(x * y) }
      if case .int(let y) = b { return .float(x * Double(y)) }
    }
    return try general(a, b, frame)
  }
}

final class DivideNode: BinaryNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if let x = a.asDouble, let y = b.asDouble, y != 0 { return .float(x / y) }
    return try general(a, b, frame)
  }
}

final class FloorDivideNode: BinaryNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b, y > 0 {
      let quotient = x / y
      return .int(x % y < 0 ? quotient - 1 : quotient)
    }
    return try general(a, b, frame)
  }
}

final class RemainderNode: BinaryNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b, y > 0 {
      let rest = x % y
      return .int(rest < 0 ? rest + y : rest)
    }
    return try general(a, b, frame)
  }
}

final class UnaryNode: Node {
  private let op: UnaryOperator
  private let operand: Operand

  init(_ op: UnaryOperator, _ operand: Node, _ source: Source, _ span: Span) {
    self.op = op
    self.operand = Operand(operand)
    super.init(source, span)
  }

  override var isPlain: Bool { operand.node.isPlain }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let value = try operand.read(frame)
    if op == .negate, case .float(let number) = value { return .float(-number) }
    do {
      return try Operations.unary(op, value, frame.machine.pointee.session)
    } catch {
      throw located(error)
    }
  }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    if op == .not { return try !operand.node.condition(frame) }
    guard case .bool(let truth) = try eval(frame) else { throw error(.type, "a condition must be true or false") }
    return truth
  }
}
