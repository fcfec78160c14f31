/// `left op right` for one comparison.
class ComparisonNode: Node {
  final let left: Operand
  final let right: Operand
  final let op: ComparisonOperator
  final let operatorSpan: Span

  init(_ op: ComparisonOperator, _ left: Node, _ right: Node, _ operatorSpan: Span, _ source: Source, _ span: Span) {
    self.op = op
    self.left = Operand(left)
    self.right = Operand(right)
    self.operatorSpan = operatorSpan
    super.init(source, span)
  }

  static func make(
    _ op: ComparisonOperator, _ left: Node, _ right: Node, _ operatorSpan: Span, _ source: Source, _ span: Span
  ) -> Node {
    switch op {
    case .less: LessNode(op, left, right, operatorSpan, source, span)
    case .lessEqual: LessEqualNode(op, left, right, operatorSpan, source, span)
    case .greater: GreaterNode(op, left, right, operatorSpan, source, span)
    case .greaterEqual: GreaterEqualNode(op, left, right, operatorSpan, source, span)
    case .equal: EqualNode(op, left, right, operatorSpan, source, span)
    case .notEqual: NotEqualNode(op, left, right, operatorSpan, source, span)
    case .in, .notIn: ComparisonNode(op, left, right, operatorSpan, source, span)
    }
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    try general(try left.read(frame), try right.read(frame), frame)
  }

  @inline(never)
  final func general(_ a: Value, _ b: Value, _ frame: Frame) throws(LTDError) -> Value {
    if case .string(let x) = a, case .string(let y) = b, let truth = Operations.compare(op, x.text, y.text) {
      return .bool(truth)
    }
    do {
      return try Operations.compare(op, a, b, frame.machine.pointee.session)
    } catch {
      throw explained(error, op.rawValue, a, b, left.node.span, right.node.span, operatorSpan)
    }
  }

  @inline(never)
  final func generalCondition(_ a: Value, _ b: Value, _ frame: Frame) throws(LTDError) -> Bool {
    let value = try general(a, b, frame)
    if case .bool(let truth) = value { return truth }
    do { return try Operations.truth(value) } catch { throw located(error) }
  }
}

final class LessNode: ComparisonNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return .bool(x < y) }
    if case .float(let x) = a, case .float(let y) = b { return .bool(x < y) }
    return try general(a, b, frame)
  }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return x < y }
    if case .float(let x) = a, case .float(let y) = b { return x < y }
    return try generalCondition(a, b, frame)
  }
}

final class LessEqualNode: ComparisonNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return .bool(x <= y) }
    if case .float(let x) = a, case .float(let y) = b { return .bool(x <= y) }
    return try general(a, b, frame)
  }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return x <= y }
    if case .float(let x) = a, case .float(let y) = b { return x <= y }
    return try generalCondition(a, b, frame)
  }
}

final class GreaterNode: ComparisonNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return .bool(x > y) }
    if case .float(let x) = a, case .float(let y) = b { return .bool(x > y) }
    return try general(a, b, frame)
  }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return x > y }
    if case .float(let x) = a, case .float(let y) = b { return x > y }
    return try generalCondition(a, b, frame)
  }
}

final class GreaterEqualNode: ComparisonNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return .bool(x >= y) }
    if case .float(let x) = a, case .float(let y) = b { return .bool(x >= y) }
    return try general(a, b, frame)
  }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return x >= y }
    if case .float(let x) = a, case .float(let y) = b { return x >= y }
    return try generalCondition(a, b, frame)
  }
}

final class EqualNode: ComparisonNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return .bool(x == y) }
    if case .float(let x) = a, case .float(let y) = b { return .bool(x == y) }
    if case .string(let x) = a, case .string(let y) = b { return .bool(Operations.sameText(x, y)) }
    return try general(a, b, frame)
  }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return x == y }
    if case .float(let x) = a, case .float(let y) = b { return x == y }
    if case .string(let x) = a, case .string(let y) = b { return Operations.sameText(x, y) }
    return try generalCondition(a, b, frame)
  }
}

final class NotEqualNode: ComparisonNode {
  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return .bool(x != y) }
    if case .float(let x) = a, case .float(let y) = b { return .bool(x != y) }
    if case .string(let x) = a, case .string(let y) = b { return .bool(!Operations.sameText(x, y)) }
    return try general(a, b, frame)
  }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    let a = try left.read(frame)
    let b = try right.read(frame)
    if case .int(let x) = a, case .int(let y) = b { return x != y }
    if case .float(let x) = a, case .float(let y) = b { return x != y }
    if case .string(let x) = a, case .string(let y) = b { return !Operations.sameText(x, y) }
    return try generalCondition(a, b, frame)
  }
}

/// `a < b <= c`: each operand once, and no further than the first that fails.
final class ChainNode: Node {
  private let first: Node
  private let tails: [(op: ComparisonOperator, operatorSpan: Span, operand: Node)]

  init(
    _ first: Node, _ tails: [(op: ComparisonOperator, operatorSpan: Span, operand: Node)], _ source: Source,
    _ span: Span
  ) {
    self.first = first
    self.tails = tails
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    var left = try first.eval(frame)
    var leftSpan = first.span
    for tail in tails {
      let right = try tail.operand.eval(frame)
      do throws(LTDError) {
        let result = try Operations.compare(tail.op, left, right, frame.machine.pointee.session)
        if case .object(let object) = result {
          throw LTDError(
            .type, "a chain of comparisons does not work on \(object.typeName.withArticle)",
            hint: "write (a < b) and (b < c) apart")
        }
        if case .bool(false) = result { return .bool(false) }
      } catch {
        throw explained(error, tail.op.rawValue, left, right, leftSpan, tail.operand.span, tail.operatorSpan)
      }
      left = right
      leftSpan = tail.operand.span
    }
    return .bool(true)
  }
}

/// `and`, `or`
final class LogicalNode: Node {
  private let isAnd: Bool
  private let left: Node
  private let right: Node

  init(_ op: LogicalOperator, _ left: Node, _ right: Node, _ source: Source, _ span: Span) {
    isAnd = op == .and
    self.left = left
    self.right = right
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value { .bool(try condition(frame)) }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    if isAnd { return try left.condition(frame) ? right.condition(frame) : false }
    return try left.condition(frame) ? true : right.condition(frame)
  }
}
