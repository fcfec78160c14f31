/// Arithmetic of records goes field by field: of two with the same names, or of one and a number. What `grad` gives for a
/// model is such a record of tensors.
enum RecordArithmetic {
  /// `nil` unless one side is a record, and the other a record or a number.
  static func binary(
    _ op: BinaryOperator, _ left: Value, _ right: Value, _ session: Session?, depth: Int = 0
  ) throws(LTDError) -> Value? {
    guard op != .matmul, depth < Operations.nestingLimit else { return nil }
    func of(_ name: String, _ a: Value, _ b: Value) throws(LTDError) -> Value {
      try session?.poll()
      if case .record = a, let value = try binary(op, a, b, session, depth: depth + 1) { return value }
      if case .record = b, let value = try binary(op, a, b, session, depth: depth + 1) { return value }
      for value in [a, b] { try check(value, name, op) }
      return try Operations.binary(op, a, b, session)
    }
    var fields: [(String, Value)] = []
    switch (left, right) {
    case (.record(let a), .record(let b)):
      for (name, value) in a.fields {
        guard let other = b[name] else { throw different(op, name) }
        fields.append((name, try of(name, value, other)))
      }
      for name in b.keys where a[name] == nil { throw different(op, name) }
    case (.record(let a), .int), (.record(let a), .float), (.record(let a), .object):
      for (name, value) in a.fields { fields.append((name, try of(name, value, right))) }
    case (.int, .record(let b)), (.float, .record(let b)), (.object, .record(let b)):
      for (name, value) in b.fields { fields.append((name, try of(name, left, value))) }
    default: return nil
    }
    return Value(fields: fields)
  }

  static func unary(
    _ op: UnaryOperator, _ value: Value, _ session: Session?, depth: Int = 0
  ) throws(LTDError) -> Value {
    guard case .record(let record) = value, depth < Operations.nestingLimit else {
      return try Operations.unary(op, value, session)
    }
    var fields: [(String, Value)] = []
    for (name, value) in record.fields {
      if case .record = value {
        fields.append((name, try unary(op, value, session, depth: depth + 1)))
      } else {
        try check(value, name, op == .negate ? .subtract : .add)
        fields.append((name, try Operations.unary(op, value, session)))
      }
    }
    return Value(fields: fields)
  }

  private static func check(_ value: Value, _ name: String, _ op: BinaryOperator) throws(LTDError) {
    if value.isNumber { return }
    if case .object = value { return }
    throw LTDError(
      .type, "\(op.rawValue) goes field by field over records of numbers and tensors; \(name) is \(value.described)",
      hint: op == .add ? "{...a, ...b} joins two records" : nil)
  }

  private static func different(_ op: BinaryOperator, _ name: String) -> LTDError {
    LTDError(
      .type, "\(op.rawValue) goes field by field over records of the same names; only one of them has \(name)",
      hint: op == .add ? "{...a, ...b} joins two records" : nil)
  }
}
