#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

extension Operations {
  /// `"{value:spec}"`
  static func format(_ value: Value, _ spec: FormatSpec?, _ session: Session?) throws(LTDError) -> String {
    guard let spec else { return try fullText(of: value, session) }
    if let width = spec.width, width > 10_000 {
      throw LTDError(.value, "a width of \(width) is too large for a format", hint: "at most 10000")
    }
    if let precision = spec.precision, precision > 1_000 {
      throw LTDError(.value, "a precision of \(precision) is too large for a format", hint: "at most 1000")
    }
    switch value {
    case .int(let number):
      switch spec.type {
      case nil, "d", "n": return pad(sign: number < 0, digits: String(number.magnitude), spec, isNumber: true)
      case "b", "o", "x", "X":
        let radix = spec.type == "b" ? 2 : spec.type == "o" ? 8 : 16
        var digits = String(number.magnitude, radix: radix, uppercase: spec.type == "X")
        if spec.isAlternate { digits = (radix == 2 ? "0b" : radix == 8 ? "0o" : "0x") + digits }
        return pad(sign: number < 0, digits: digits, spec, isNumber: true)
      case "c":
        guard let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init) else {
          throw LTDError(.value, "\(number) is not the number of a character")
        }
        return pad(sign: false, digits: String(scalar), spec, isNumber: false)
      case "s": throw wrongType("s", value)
      default: return float(Double(number), spec)
      }
    case .float(let number):
      switch spec.type {
      case "d", "b", "o", "x", "X", "c": throw wrongType(String(spec.type ?? "d"), value)
      case "s": throw wrongType("s", value)
      default: return float(number, spec)
      }
    case .object(let object):
      // A tensor of one element formats as its number.
      if let number = try object.number() { return try format(number, spec, session) }
      fallthrough
    default:
      if let type = spec.type, type != "s" { throw wrongType(String(type), value) }
      var text = try fullText(of: value, session)
      if let precision = spec.precision { text = String(text.unicodeScalars.prefix(precision)) }
      return pad(sign: false, digits: text, spec, isNumber: false)
    }
  }

  /// All of a value as text.
  static func fullText(of value: Value, _ session: Session?) throws(LTDError) -> String {
    if case .string(let string) = value { return string.text }
    var options = PrintOptions.full
    var stop: LTDError?
    if let session {
      options.bytes = min(options.bytes, session.limits.largestString)
      if value.mayBeLongText {
        options.mustStop = {
          do throws(LTDError) { try session.poll() } catch { stop = error }
          return stop != nil
        }
      }
    }
    let text = value.text(options)
    if let stop { throw stop }
    // Beyond its bytes a text has parts left out.
    if text.utf8.count > options.bytes {
      if let memory = session?.limits.memoryBytes, text.utf8.count > memory { throw Limits.memoryIsUsed(memory) }
      throw LTDError(
        .memory, "the text of \(value.kindText) is too long", hint: "the limit is \(options.bytes) bytes")
    }
    return text
  }

  private static func wrongType(_ type: String, _ value: Value) -> LTDError {
    let hint: String? =
      switch value {
      case .float: "int(x) makes an int; .0f shows a float without decimals"
      case .string: "float(x) or int(x) make a number of a string"
      case .none: "there is no value here: none"
      case .object(let object) where object.shape != nil: "a format fits one number: [\"{a:.2f}\" for a in x]"
      case .list: "a format fits one number: [\"{a:.2f}\" for a in xs]"
      default: nil
      }
    return LTDError(.type, "the format \(type) does not fit \(value.kindText)", hint: hint)
  }

  private static func float(_ number: Double, _ spec: FormatSpec) -> String {
    let isNegative = number.sign == .minus && !number.isNaN
    let magnitude = abs(number)
    var digits: String
    if !number.isFinite {
      digits = number.isNaN ? "nan" : "inf"
      if spec.type == "%" { digits += "%" }
      var plain = spec
      plain.padsWithZeros = false
      plain.grouping = nil
      return pad(sign: isNegative, digits: digits, plain, isNumber: true)
    }
    switch spec.type {
    case nil:
      digits = spec.precision.map { general(magnitude, $0, "g", false) } ?? text(magnitude)
      if spec.precision != nil, !digits.contains(where: { $0 == "." || $0 == "e" }) { digits += ".0" }
    case "%": digits = printed(magnitude * 100, "f", spec.precision ?? 6, false) + "%"
    case "f", "F", "e", "E":
      digits = printed(magnitude, spec.type.unsafelyUnwrapped, spec.precision ?? 6, spec.isAlternate)
    default: digits = general(magnitude, spec.precision ?? 6, spec.type == "G" ? "G" : "g", spec.isAlternate)
    }
    return pad(sign: isNegative, digits: digits, spec, isNumber: true)
  }

  private static func general(_ number: Double, _ precision: Int, _ type: Character, _ alternate: Bool) -> String {
    printed(number, type, max(precision, 1), alternate)
  }

  /// As C's printf does it.
  static func printed(_ number: Double, _ type: Character, _ precision: Int, _ alternate: Bool) -> String {
    if type == "f", !alternate, let text = fixed(number, precision) { return text }
    let format = "%\(alternate ? "#" : "").\(min(max(precision, 0), 1_000))\(type)"
    var buffer = [CChar](repeating: 0, count: 1_500)
    let count = withVaList([number]) { vsnprintf(&buffer, buffer.count, format, $0) }
    let length = min(max(Int(count), 0), buffer.count - 1)
    return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Few decimals of a number of common size, computed exactly and rounded half to even, as printf does it but at once.
  private static func fixed(_ number: Double, _ precision: Int) -> String? {
    let magnitude = abs(number)
    guard precision >= 0, precision <= 9, magnitude < 0x1p52, magnitude >= 0x1p-60 else { return nil }
    // number = significand / 2^shift
    let shift = 52 - Int(magnitude.exponent)
    let significand = magnitude.significandBitPattern | (1 << 52)
    var unit: UInt64 = 1
    for _ in 0..<precision { unit &*= 10 }
    guard magnitude * Double(unit) < 0x1p62 else { return nil }
    let product = UInt128(significand) &* UInt128(unit)
    var scaled = UInt64(truncatingIfNeeded: product >> UInt128(shift))
    let rest = product & ((UInt128(1) << UInt128(shift)) &- 1)
    let half = UInt128(1) << UInt128(shift - 1)
    if shift > 0, rest > half || (rest == half && scaled & 1 == 1) { scaled &+= 1 }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { bytes in
      var place = 40
      var digits = 0
      while scaled > 0 || digits <= precision {
        if digits == precision, precision > 0 {
          place &-= 1
          bytes[place] = UInt8(ascii: ".")
        }
        place &-= 1
        bytes[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: scaled % 10)
        scaled /= 10
        digits &+= 1
      }
      if number.sign == .minus {
        place &-= 1
        bytes[place] = UInt8(ascii: "-")
      }
      return String(decoding: UnsafeBufferPointer(rebasing: bytes[place...]), as: UTF8.self)
    }
  }

  private static func pad(sign isNegative: Bool, digits: String, _ spec: FormatSpec, isNumber: Bool) -> String {
    var digits = digits
    if let separator = spec.grouping, isNumber { digits = grouped(digits, separator) }
    let sign = isNegative ? "-" : !isNumber ? "" : spec.sign == .always ? "+" : spec.sign == .space ? " " : ""
    guard let width = spec.width else { return sign.isEmpty ? digits : sign + digits }
    let length = sign.unicodeScalars.count + digits.unicodeScalars.count
    guard width > length else { return sign + digits }
    let room = width - length
    if spec.padsWithZeros, spec.alignment == nil, isNumber {
      return sign + String(repeating: "0", count: room) + digits
    }
    let fill = String(repeating: String(spec.fill), count: room)
    switch spec.alignment ?? (isNumber ? .right : .left) {
    case .left: return sign + digits + fill
    case .right: return fill + sign + digits
    case .afterSign: return sign + fill + digits
    case .center:
      let before = String(repeating: String(spec.fill), count: room / 2)
      return before + sign + digits + String(repeating: String(spec.fill), count: room - room / 2)
    }
  }

  private static func grouped(_ digits: String, _ separator: Character) -> String {
    let whole = digits.prefix { $0.isNumber }
    var result = ""
    for (place, digit) in whole.enumerated() {
      if place > 0, (whole.count - place) % 3 == 0 { result.append(separator) }
      result.append(digit)
    }
    return result + digits.dropFirst(whole.count)
  }

  /// A float as the language writes it: the fewest digits that give the same float again.
  static func text(_ number: Double) -> String { number.description }

  /// With at most `digits` significant digits.
  static func text(_ number: Double, digits: Int?) -> String {
    guard let digits, number.isFinite else { return text(number) }
    let short = printed(number, "g", digits, false)
    guard let value = Double(short) else { return text(number) }
    return text(value)
  }
}

extension Value {
  /// Whether its text may take long, so that it is worth asking in between whether to go on.
  fileprivate var mayBeLongText: Bool {
    switch self {
    case .list(let list): list.items.count > 1_000 || list.isNested
    case .record(let record): record.count > 1_000 || record.isNested
    default: false
    }
  }
}
