/// The parameters of one function, ready for binding.
final class ParameterList: Sendable {
  let items: [ParameterInfo]
  let result: TypeCheck?
  /// The positions of the parameters that have a type or checks.
  let checked: [Int]
  /// The kinds of value that each of these takes without a further look.
  private let plainKinds: FixedArray<(place: Int, kinds: ValueKinds)>
  /// The positions of `*rest` and of `**named`.
  let rest: Int?
  let named: Int?
  /// Why the signature could not be parsed; a mistake in a built-in, found by the tests.
  let failure: Diagnostic?

  /// - Parameter checksFirst: false where the body checks the first argument.
  init(items: [ParameterInfo], result: TypeCheck?, checksFirst: Bool = true, failure: Diagnostic? = nil) {
    self.items = items
    self.result = result
    self.failure = failure
    let checked = items.indices.filter {
      (checksFirst || $0 > 0) && (items[$0].type != nil || items[$0].isChecked)
    }
    self.checked = checked
    plainKinds = FixedArray(
      checked.map { place in
        let item = items[place]
        return (place, item.kind == .normal && !item.isChecked ? item.type?.plainKinds ?? [] : [])
      })
    rest = items.firstIndex { $0.kind == .rest }
    named = items.firstIndex { $0.kind == .named }
  }

  /// Whether all arguments of a call are of kinds that need no check.
  @inline(__always)
  func takesPlainly(_ window: UnsafeMutablePointer<Value>) -> Bool {
    var next = 0
    while next < plainKinds.count {
      if !plainKinds[next].kinds.contains((window + plainKinds[next].place).kind) { return false }
      next &+= 1
    }
    return true
  }

  convenience init(signature text: String, checksFirst: Bool = true) {
    do {
      let signature = try parseSignature(text)
      let items = signature.parameters.map { ParameterInfo($0, signature.source) }
      if let open = items.first(where: { $0.hasDefault && $0.constantDefault == nil }) {
        self.init(items: [], result: nil, failure: Diagnostic(.internal, "the default of \(open.name) is not constant"))
      } else {
        self.init(items: items, result: signature.result.map { TypeCheck($0) }, checksFirst: checksFirst)
      }
    } catch {
      self.init(items: [], result: nil, failure: error.diagnostic)
    }
  }
}

/// One parameter of a function.
struct ParameterInfo: Sendable {
  let name: String
  let kind: Parameter.Kind
  let type: TypeCheck?
  /// The parameter as it is written: `eps: float = 8/255`.
  let text: String
  let hasDefault: Bool
  /// The default, where it is constant.
  let constantDefault: Value?
  let isChecked: Bool
  /// The conditions with constant bounds, such as `> 0`.
  let constantChecks: [(op: ComparisonOperator, bound: Value)]

  init(_ parameter: Parameter, _ source: Source) {
    name = parameter.name.text
    kind = parameter.kind
    type = parameter.type.map { TypeCheck($0) }
    text = source.text(parameter.span)
    hasDefault = parameter.defaultValue != nil
    constantDefault = parameter.defaultValue.flatMap { constant($0) }
    isChecked = !parameter.checks.isEmpty
    var checks: [(op: ComparisonOperator, bound: Value)] = []
    for check in parameter.checks { if let bound = constant(check.operand) { checks.append((check.op, bound)) } }
    constantChecks = checks
  }
}

/// The value of an expression that needs no variables; `nil` when it does, or when it fails.
func constant(_ expression: Expr) -> Value? {
  switch expression.kind {
  case .none: return Value.none
  case .bool(let value): return .bool(value)
  case .int(let value): return .int(value)
  case .float(let value): return .float(value)
  case .string(let parts):
    var text = ""
    for part in parts {
      guard case .text(let piece) = part else { return nil }
      text += piece
    }
    return Value(text)
  case .name(let name):
    switch name {
    case "inf": return .float(.infinity)
    case "nan": return .float(.nan)
    case "pi": return .float(.pi)
    default: return nil
    }
  case .group(let inner): return constant(inner)
  case .unary(let op, let operand):
    guard let value = constant(operand) else { return nil }
    return try? Operations.unary(op, value, nil)
  case .binary(let op, let left, let right, _):
    guard let a = constant(left), let b = constant(right), a.isNumber, b.isNumber else { return nil }
    return try? Operations.binary(op, a, b, nil)
  case .list(let items):
    var values: [Value] = []
    for item in items {
      guard !item.isSpread, let value = constant(item.value) else { return nil }
      values.append(value)
    }
    return Value(values)
  case .record(let items):
    var fields: [(String, Value)] = []
    for item in items {
      guard case .field(let key, let expression) = item, let value = constant(expression) else { return nil }
      fields.append((key.text, value))
    }
    return Value(fields: fields)
  case .range(let start, let end, let step):
    guard case .int(let first)? = constant(start), case .int(let last)? = constant(end) else { return nil }
    var by = 1
    if let step {
      guard case .int(let value)? = constant(step) else { return nil }
      by = value
    }
    return RangeValue(start: first, end: last, step: by).map { .range($0) }
  default: return nil
  }
}
