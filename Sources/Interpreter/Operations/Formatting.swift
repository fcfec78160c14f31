#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

extension Operations {
  /// `"{value:spec}"`
  static func format(_ value: Value, _ spec: FormatSpec?, _ session: Session?) throws(LTDError) -> String {
    guard let spec else { return value.text(.full) }
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
      var text = value.text(.full)
      if let precision = spec.precision { text = String(text.unicodeScalars.prefix(precision)) }
      return pad(sign: false, digits: text, spec, isNumber: false)
    }
  }

  private static func wrongType(_ type: String, _ value: Value) -> LTDError {
    let hint: String? =
      switch value {
      case .float: "int(x) makes an int; .0f shows a float without decimals"
      case .string: "float(x) or int(x) make a number of a string"
      case .none: "there is no value here: none"
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
    let format = "%\(alternate ? "#" : "").\(min(max(precision, 0), 1_000))\(type)"
    var buffer = [CChar](repeating: 0, count: 1_500)
    let count = withVaList([number]) { vsnprintf(&buffer, buffer.count, format, $0) }
    let length = min(max(Int(count), 0), buffer.count - 1)
    return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func pad(sign isNegative: Bool, digits: String, _ spec: FormatSpec, isNumber: Bool) -> String {
    var digits = digits
    if let separator = spec.grouping, isNumber { digits = grouped(digits, separator) }
    let sign = isNegative ? "-" : !isNumber ? "" : spec.sign == .always ? "+" : spec.sign == .space ? " " : ""
    let length = sign.unicodeScalars.count + digits.unicodeScalars.count
    guard let width = spec.width, width > length else { return sign + digits }
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
