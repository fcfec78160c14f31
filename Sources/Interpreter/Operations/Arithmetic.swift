import Platform

/// What the operators, indices, attributes and formats of the language mean, as functions of values. Nothing here knows of
/// variables and calls, which belong to the nodes, so that built-ins and the compiler, which computes constants ahead of
/// time, can use the same functions.
enum Operations {
  /// `left op right` for every pair of kinds; nodes have shortcuts for plain numbers.
  static func binary(
    _ op: BinaryOperator, _ left: Value, _ right: Value, _ session: Session?
  ) throws(LTDError) -> Value {
    switch (left, right) {
    case _ where op == .matmul && left.isNumber && right.isNumber: break
    case (.int(let a), .int(let b)): return try integers(op, a, b)
    case (.float(let a), .float(let b)): return try floats(op, a, b)
    case (.int(let a), .float(let b)): return try floats(op, Double(a), b)
    case (.float(let a), .int(let b)): return try floats(op, a, Double(b))
    case (.string(let a), .string(let b)) where op == .add:
      try checkBytes(a.text.utf8.count, 1, plus: b.text.utf8.count, session)
      return Value(a.text + b.text)
    case (.list(let a), .list(let b)) where op == .add:
      try checkElements(a.items.count, 1, plus: b.items.count, session)
      return .list(ListValue(a.items[...], b.items))
    case (.string(let text), .int(let times)) where op == .multiply,
      (.int(let times), .string(let text)) where op == .multiply:
      try checkBytes(text.text.utf8.count, times, session)
      return Value(try repeated(text.text, times, session))
    case (.list(let list), .int(let times)) where op == .multiply,
      (.int(let times), .list(let list)) where op == .multiply:
      return try repeated(list, times, session)
    default: break
    }
    if left.isFollowed || right.isFollowed, let value = try followed(op, left, right, session) { return value }
    if case .object(let object) = left, let value = try fromHost({ try object.binary(op, right, reversed: false) }) {
      return value
    }
    if case .object(let object) = right, let value = try fromHost({ try object.binary(op, left, reversed: true) }) {
      return value
    }
    if let lifted = try lifted(left, right, session) { return try binary(op, lifted.0, lifted.1, nil) }
    if let record = try RecordArithmetic.binary(op, left, right, session) { return record }
    throw mismatch(op, left, right)
  }

  /// An operation with a number through which a gradient is followed: the value is that of plain numbers, with their
  /// errors; the object makes the record. `nil` beside other objects, which know what to do.
  @inline(never)
  private static func followed(
    _ op: BinaryOperator, _ left: Value, _ right: Value, _ session: Session?
  ) throws(LTDError) -> Value? {
    let (a, b) = (left.plain, right.plain)
    switch (a, b) {
    case (.object, _), (_, .object): return nil
    case (.int, _), (.float, _):
      if b.isNumber { break }
      fallthrough
    default:
      if let lifted = try lifted(left, right, session) { return try binary(op, lifted.0, lifted.1, nil) }
      return try binary(op, a, b, session)
    }
    let value = try binary(op, a, b, session)
    let record: Value? =
      if left.isFollowed, case .object(let object) = left {
        try fromHost { try object.binary(op, right, reversed: false) }
      } else if case .object(let object) = right {
        try fromHost { try object.binary(op, left, reversed: true) }
      } else {
        nil
      }
    guard case .float(let number) = value, case .object(let object)? = record else { return value }
    return object.numbered(number)
  }

  /// A string repeated `count` times.
  private static func repeated(_ text: String, _ times: Int, _ session: Session?) throws(LTDError) -> String {
    let length = text.utf8.count
    if length == 0 || times <= 0 { return "" }
    if times == 1 { return text }
    var stop: LTDError?
    let result = String(unsafeUninitializedCapacity: length * times) { target in
      guard let first = target.baseAddress else { return 0 }
      text.withBytes { bytes in
        if let source = bytes.baseAddress { first.initialize(from: source, count: length) }
      }
      // Pieces that stay in the cache; each is a whole number of copies.
      let atOnce = max(1, (1 << 16) / length) * length
      var written = length
      var polled = 0
      while written < length * times {
        let piece = min(written, atOnce, length * times - written)
        (first + written).initialize(from: first, count: piece)
        written += piece
        if written - polled > 1 << 24 {
          polled = written
          do throws(LTDError) { try session?.poll() } catch {
            stop = error
            return 0
          }
        }
      }
      return written
    }
    if let stop { throw stop }
    return result
  }

  /// The two sides with lists of numbers made host objects, if that helps: `[2, 4, 8] / 255`.
  static func lifted(
    _ left: Value, _ right: Value, _ session: Session?
  ) throws(LTDError) -> (Value, Value)? {
    guard let lift = session?.table.listLift else { return nil }
    var left = left
    var right = right
    var changed = false
    switch (left, right) {
    case (.string, _), (_, .string), (.record, _), (_, .record), (.none, _), (_, .none): return nil
    default: break
    }
    if case .list(let list) = left, let object = try fromHost({ try lift(list) }) {
      left = .object(object)
      changed = true
    }
    if case .list(let list) = right, let object = try fromHost({ try lift(list) }) {
      right = .object(object)
      changed = true
    }
    return changed ? (left, right) : nil
  }

  static func integers(_ op: BinaryOperator, _ a: Int, _ b: Int) throws(LTDError) -> Value {
    let (result, overflow): (Int, Bool)
    switch op {
    case .add: (result, overflow) = a.addingReportingOverflow(b)
    case .subtract: (result, overflow) = a.subtractingReportingOverflow(b)
    case .multiply: (result, overflow) = a.multipliedReportingOverflow(by: b)
    case .divide:
      guard b != 0 else { throw divisionByZero(op, .int(a)) }
      return .float(Double(a) / Double(b))
    case .floorDivide:
      guard b != 0 else { throw divisionByZero(op, .int(a)) }
      if b == -1 {
        (result, overflow) = 0.subtractingReportingOverflow(a)
      } else {
        let quotient = a / b
        result = (a % b != 0) && ((a < 0) != (b < 0)) ? quotient - 1 : quotient
        overflow = false
      }
    case .remainder:
      guard b != 0 else { throw divisionByZero(op, .int(a)) }
      if b == -1 { return .int(0) }
      let rest = a % b
      return .int(rest != 0 && ((rest < 0) != (b < 0)) ? rest + b : rest)
    case .power:
      if b < 0 {
        guard a != 0 else { throw divisionByZero(op, .int(a)) }
        return .float(pow(Double(a), Double(b)))
      }
      (result, overflow) = power(a, b)
    case .matmul: throw mismatch(op, .int(a), .int(b))
    }
    if overflow {
      throw LTDError(
        .numeric, "\(a) \(op.rawValue) \(b) does not fit in an int of 64 bits",
        hint: "compute with floats: \(a).0 \(op.rawValue) \(b)")
    }
    return .int(result)
  }

  private static func power(_ base: Int, _ exponent: Int) -> (Int, Bool) {
    var result = 1
    var square = base
    var rest = exponent
    if base == 0 || base == 1 { return (exponent == 0 ? 1 : base, false) }
    if base == -1 { return (exponent & 1 == 0 ? 1 : -1, false) }
    guard exponent < 64 else { return (0, true) }
    while rest > 0 {
      if rest & 1 == 1 {
        let (product, overflow) = result.multipliedReportingOverflow(by: square)
        if overflow { return (0, true) }
        result = product
      }
      rest >>= 1
      if rest > 0 {
        let (product, overflow) = square.multipliedReportingOverflow(by: square)
        if overflow { return (0, true) }
        square = product
      }
    }
    return (result, false)
  }

  /// The quotient rounded down so that it fits the remainder, as in Python: `1 // 0.1` is 9.0.
  private static func floorQuotient(_ a: Double, _ b: Double) -> Double {
    let rest = fmod(a, b)
    var quotient = (a - rest) / b
    if rest != 0, (rest < 0) != (b < 0) { quotient -= 1 }
    if quotient == 0 { return (a / b).sign == .minus ? -0.0 : 0.0 }
    let whole = quotient.rounded(.down)
    return quotient - whole > 0.5 ? whole + 1 : whole
  }

  static func floats(_ op: BinaryOperator, _ a: Double, _ b: Double) throws(LTDError) -> Value {
    switch op {
    case .add: return .float(a + b)
    case .subtract: return .float(a - b)
    case .multiply: return .float(a * b)
    case .divide:
      guard b != 0 else { throw divisionByZero(op, .float(a)) }
      return .float(a / b)
    case .floorDivide:
      guard b != 0 else { throw divisionByZero(op, .float(a)) }
      return .float(floorQuotient(a, b))
    case .remainder:
      guard b != 0 else { throw divisionByZero(op, .float(a)) }
      let rest = fmod(a, b)
      if rest == 0 { return .float(b < 0 ? -0.0 : 0.0) }
      return .float((rest < 0) != (b < 0) ? rest + b : rest)
    case .power:
      if a == 0, b < 0 { throw divisionByZero(op, .float(a)) }
      if a < 0, b.isFinite, b != b.rounded() {
        throw LTDError(
          .numeric,
          "\(Value.float(a).shortText(PrintOptions())) ** \(Value.float(b).shortText(PrintOptions())) is not a real number",
          hint: "a negative number has only whole powers")
      }
      return .float(pow(a, b))
    case .matmul: throw mismatch(op, .float(a), .float(b))
    }
  }

  private static func divisionByZero(_ op: BinaryOperator, _ left: Value) -> LTDError {
    LTDError(
      .numeric, "division by zero", hint: op == .power ? "0 has no negative powers" : "test the divisor before dividing"
    )
  }

  static func repeated(_ list: ListValue, _ times: Int, _ session: Session?) throws(LTDError) -> Value {
    try checkElements(list.items.count, times, session)
    guard times > 0, !list.items.isEmpty else { return Value([Value]()) }
    let (length, atOnce) = (list.items.count, 1 << 20)
    if length == 1, times <= atOnce { return Value([Value](repeating: list.items[0], count: times)) }
    var items: [Value] = []
    items.reserveCapacity(length * times)
    var polled = 0
    while items.count < length * times {
      if length == 1 {
        items.append(contentsOf: repeatElement(list.items[0], count: min(atOnce, times - items.count)))
      } else {
        items.append(contentsOf: list.items)
      }
      if items.count - polled >= atOnce {
        polled = items.count
        try session?.poll()
      }
    }
    return Value(items)
  }

  static func checkElements(
    _ count: Int, _ times: Int, plus further: Int = 0, _ session: Session?
  ) throws(LTDError) {
    try (session?.limits ?? Limits()).checkElements(total(count, times, further))
  }

  static func checkBytes(_ count: Int, _ times: Int, plus further: Int = 0, _ session: Session?) throws(LTDError) {
    try (session?.limits ?? Limits()).checkBytes(total(count, times, further))
  }

  /// `count * times + further`, or the greatest number where that is beyond it.
  private static func total(_ count: Int, _ times: Int, _ further: Int) -> Int {
    let (product, overflow) = count.multipliedReportingOverflow(by: max(times, 0))
    let (total, overflow2) = product.addingReportingOverflow(further)
    return overflow || overflow2 ? .max : total
  }

  static func mismatch(_ op: BinaryOperator, _ left: Value, _ right: Value) -> LTDError {
    let message = "\(op.rawValue) does not work on \(left.kindText) and \(right.kindText)"
    return LTDError(.type, message, hint: hint(op, left, right))
  }

  private static func hint(_ op: BinaryOperator, _ left: Value, _ right: Value) -> String? {
    switch (left, right) {
    case (.string, _) where op == .add, (_, .string) where op == .add:
      return "put the value into the string: \"… {x}\", or make a string of it with str(x)"
    case (.string, _) where op == .remainder: return "put the value into the string: \"… {x:.2f}\""
    case (.string, .string) where op == .divide: return "join paths and strings with + or \"{a}/{b}\""
    case (.string, .int), (.string, .float): return "make a number of the string with float(x) or int(x)"
    case (.int, .string), (.float, .string): return "make a number of the string with float(x) or int(x)"
    case (.bool, _), (_, .bool): return "int(b) makes 1 or 0 of a bool"
    case (.none, _), (_, .none): return "one side is none, which a function without a result returns"
    case (.record, .record) where op == .add: return "{...a, ...b} joins two records"
    case (.list, _) where op == .add: return "append(xs, x) adds one element"
    case (.range, _), (_, .range): return "list(r) makes a list of a range"
    case (.function, _), (_, .function): return "call the function: f(x)"
    default: return nil
    }
  }

  static func unary(_ op: UnaryOperator, _ value: Value, _ session: Session?) throws(LTDError) -> Value {
    switch (op, value) {
    case (.negate, .int(let number)):
      let (result, overflow) = 0.subtractingReportingOverflow(number)
      guard !overflow else {
        throw LTDError(.numeric, "-(\(number)) does not fit in an int of 64 bits", hint: "compute with floats")
      }
      return .int(result)
    case (.negate, .float(let number)): return .float(-number)
    case (.plus, .int), (.plus, .float): return value
    case (.not, .bool(let truth)): return .bool(!truth)
    case (_, .object(let object)):
      if let number = object.plainNumber {
        let value = try unary(op, .float(number), session)
        guard case .float(let number) = value, case .object(let record)? = try fromHost({ try object.unary(op) }) else {
          return value
        }
        return record.numbered(number)
      }
      if let result = try fromHost({ try object.unary(op) }) { return result }
      if op == .not { return .bool(try !truth(value)) }
    case (.negate, .list(let list)), (.plus, .list(let list)):
      if let lift = session?.table.listLift, let result = try fromHost({ try lift(list)?.unary(op) }) { return result }
    case (.negate, .record), (.plus, .record): return try RecordArithmetic.unary(op, value, session)
    default: break
    }
    if op == .not { return .bool(try !truth(value)) }
    throw LTDError(
      .type, "\(op.rawValue) does not work on \(value.kindText)",
      hint: value.asString != nil ? "make a number of the string with float(x) or int(x)" : nil)
  }

  /// What a condition sees: bools only.
  static func truth(_ value: Value) throws(LTDError) -> Bool {
    let hint: String?
    switch value.plain {
    case .bool(let truth): return truth
    case .object(let object): return try fromHost { try object.truth() }
    case .int, .float: hint = "write x != 0"
    case .string, .list, .record, .range: hint = "write len(x) > 0"
    case .none: hint = "write x != none"
    case .function: hint = "call the function: f()"
    default: hint = nil
    }
    throw LTDError(.type, "a condition must be true or false, not \(value.kindText)", hint: hint)
  }
}

extension Value {
  /// The kind with an article for messages: `a string`, `an int`, `none`, `a tensor [10, 784]`.
  var kindText: String {
    switch self {
    case .none: "none"
    case .object(let object): object.summary.withArticle
    default: typeName.withArticle
    }
  }
}

extension String {
  /// With "a" or "an" before it, by its first letter.
  package var withArticle: String { (first.map { "aeiou".contains($0) } == true ? "an " : "a ") + self }
}
