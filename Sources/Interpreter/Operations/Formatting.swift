import Base

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
      case nil, "d", "n", "b", "o", "x", "X", "c":
        guard spec.precision == nil else {
          throw LTDError(
            .type, "a format with a precision does not fit an int",
            hint: ".2f shows two decimals, .3g three digits; without a precision the int is shown whole")
        }
      case "s": throw wrongType("s", value)
      default: return float(Double(number), spec)
      }
      guard spec.type != "c" else { return try character(number, spec) }
      let radix = spec.type == "b" ? 2 : spec.type == "o" ? 8 : spec.type == "x" || spec.type == "X" ? 16 : 10
      let digits = String(number.magnitude, radix: radix, uppercase: spec.type == "X")
      let prefix = spec.isAlternate && radix != 10 ? "0\(spec.type ?? "x")" : ""
      return padNumber(isNegative: number < 0, prefix, digits, spec, group: radix == 10 ? 3 : 4)
    case .float(let number):
      switch spec.type {
      case "d", "b", "o", "x", "X", "c": throw wrongType(String(spec.type ?? "d"), value)
      case "s": throw wrongType("s", value)
      default: return float(number, spec)
      }
    case .object(let object):
      // A tensor of one element formats as its number.
      if let number = try fromHost({ try object.number() }) { return try format(number, spec, session) }
      fallthrough
    default:
      if let type = spec.type, type != "s" { throw wrongType(String(type), value) }
      if let mark = spec.markForNumbers {
        throw LTDError(
          .type, "a format with \(mark) does not fit \(value.kindText)",
          hint: severalNumbers(value)
            ?? "only numbers take it; < > ^, a width and a precision go with strings: {x:>8}, {x:.3}")
      }
      var text = try fullText(of: value, session)
      if let precision = spec.precision { text = String(text.unicodeScalars.prefix(precision)) }
      return pad("", text, spec, .left)
    }
  }

  private static func character(_ number: Int, _ spec: FormatSpec) throws(LTDError) -> String {
    guard let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init) else {
      throw LTDError(.value, "\(number) is not the number of a character")
    }
    guard spec.sign == nil, !spec.isAlternate else {
      throw LTDError(
        .value, "the format c takes no \(spec.isAlternate ? "#" : "sign")", hint: "write c alone, or a width: {n:>4c}")
    }
    return pad("", String(scalar), spec, spec.padsWithZeros ? .afterSign : .right)
  }

  /// All of a value as a string.
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
        .memory, "\(value.kindText) is too long as a string", hint: "the limit is \(options.bytes) bytes")
    }
    return text
  }

  private static func wrongType(_ type: String, _ value: Value) -> LTDError {
    let hint: String? =
      switch value {
      case .float: "int(x) makes an int; .0f shows a float without decimals"
      case .string: "float(x) or int(x) make a number of a string"
      case .none: "there is no value here: none"
      default: severalNumbers(value)
      }
    return LTDError(.type, "the format \(type) does not fit \(value.kindText)", hint: hint)
  }

  private static func severalNumbers(_ value: Value) -> String? {
    switch value {
    case .object(let object) where object.shape != nil: "a format fits one number: [\"{a:.2f}\" for a in x]"
    case .list: "a format fits one number: [\"{a:.2f}\" for a in xs]"
    default: nil
    }
  }

  private static func float(_ number: Double, _ spec: FormatSpec) -> String {
    let isNegative = number.sign == .minus && !number.isNaN
    let magnitude = spec.type == "%" ? abs(number) * 100 : abs(number)
    var digits: String
    if magnitude.isFinite {
      switch spec.type {
      case nil:
        if let precision = spec.precision {
          digits = general(magnitude, max(precision, 1), nil, spec.isAlternate)
        } else {
          digits = text(magnitude)
          if spec.isAlternate, !digits.utf8.contains(UInt8(ascii: ".")), let place = digits.firstIndex(of: "e") {
            digits.insert(".", at: place)
          }
        }
      case "%": digits = magnitude.printed("f", spec.precision ?? 6, alternate: spec.isAlternate)
      case "f", "F", "e", "E":
        digits = magnitude.printed(spec.type.unsafelyUnwrapped, spec.precision ?? 6, alternate: spec.isAlternate)
      default: digits = general(magnitude, max(spec.precision ?? 6, 1), spec.type == "G" ? "G" : "g", spec.isAlternate)
      }
    } else {
      let isUpper = spec.type == "E" || spec.type == "F" || spec.type == "G"
      digits = number.isNaN ? (isUpper ? "NAN" : "nan") : (isUpper ? "INF" : "inf")
    }
    if spec.type == "%" { digits += "%" }
    return padNumber(isNegative: isNegative, "", digits, spec, group: 3)
  }

  /// With this many significant digits; without a type, as in `.3`, at least one of them stands after the point.
  private static func general(_ number: Double, _ precision: Int, _ type: Character?, _ alternate: Bool) -> String {
    if let type, !alternate { return number.printed(type, precision) }
    let scientific = number.printed(type == "G" ? "E" : "e", precision - 1, alternate: alternate)
    guard let place = scientific.firstIndex(where: { $0 == "e" || $0 == "E" }) else { return scientific }
    let exponent = Int(scientific[place...].dropFirst()) ?? 0
    let isScientific = exponent < -4 || exponent >= (type == nil ? precision - 1 : precision)
    // Zeros at the end stay; printf's `#` with g leaves them out where a number is rounded up to a power of ten.
    if alternate { return isScientific ? scientific : number.printed("f", precision - 1 - exponent, alternate: true) }
    if !isScientific {
      let digits = number.general(precision)
      return digits.utf8.contains(UInt8(ascii: ".")) ? digits : digits + ".0"
    }
    var mantissa = scientific[..<place]
    guard mantissa.contains(".") else { return scientific }
    while mantissa.last == "0" { mantissa.removeLast() }
    if mantissa.last == "." { mantissa.removeLast() }
    return String(mantissa + scientific[place...])
  }

  /// A number with its sign, its digits in groups and its room filled.
  private static func padNumber(
    isNegative: Bool, _ prefix: String, _ digits: String, _ spec: FormatSpec, group: Int
  ) -> String {
    var sign = isNegative ? "-" : spec.sign == .always ? "+" : spec.sign == .space ? " " : ""
    if !prefix.isEmpty { sign += prefix }
    if spec.width == nil, spec.grouping == nil { return sign.isEmpty ? digits : sign + digits }
    let alignment = spec.alignment ?? (spec.padsWithZeros ? .afterSign : .right)
    guard let separator = spec.grouping else { return pad(sign, digits, spec, alignment) }
    // Zeros before the digits are grouped with them.
    let isFilledWithZeros = alignment == .afterSign && (spec.padsWithZeros || spec.fill == "0")
    let width = isFilledWithZeros ? (spec.width ?? 0) - sign.utf8.count : 0
    return pad(sign, grouped(digits, separator, group, width: width), spec, alignment)
  }

  private static func pad(
    _ sign: String, _ digits: String, _ spec: FormatSpec, _ usual: FormatSpec.Alignment
  ) -> String {
    guard let width = spec.width else { return sign.isEmpty ? digits : sign + digits }
    let length = sign.unicodeScalars.count + digits.unicodeScalars.count
    guard width > length else { return sign.isEmpty ? digits : sign + digits }
    let room = width - length
    let character = spec.padsWithZeros ? "0" : String(spec.fill)
    let fill = String(repeating: character, count: room)
    switch spec.alignment ?? usual {
    case .left: return sign + digits + fill
    case .right: return fill + sign + digits
    case .afterSign: return sign + fill + digits
    case .center:
      let before = String(repeating: character, count: room / 2)
      return before + sign + digits + String(repeating: character, count: room - room / 2)
    }
  }

  /// The digits before the point in groups, with zeros before them up to a width of all.
  private static func grouped(_ digits: String, _ separator: Character, _ size: Int, width: Int) -> String {
    let whole = digits.utf8.prefix { byte in
      size == 4
        ? byte != UInt8(ascii: ".")
        : byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
    guard !whole.isEmpty else { return digits }
    let rest = digits.utf8.dropFirst(whole.count)
    var backwards: [UInt8] = []
    var left = whole.reversed()[...]
    var room = width - rest.count
    while true {
      let length = min(size, max(left.count, room, 1))
      backwards += left.prefix(length)
      backwards += repeatElement(UInt8(ascii: "0"), count: max(0, length - left.count))
      left = left.dropFirst(length)
      room -= length
      if left.isEmpty, room <= 0 { break }
      room -= 1
      backwards += String(separator).utf8
    }
    return String(decoding: backwards.reversed() + rest, as: UTF8.self)
  }

  /// A float as the language writes it: the fewest digits that read back as the same float.
  static func text(_ number: Double) -> String { number.description }

  /// With at most `digits` significant digits.
  static func text(_ number: Double, digits: Int?) -> String {
    guard let digits, number.isFinite else { return text(number) }
    let short = number.general(digits)
    guard let value = Double(short) else { return text(number) }
    return text(value)
  }
}

extension Value {
  /// Whether its text may take long, so that it is worth asking in between whether to continue.
  fileprivate var mayBeLongText: Bool {
    switch self {
    case .list(let list): list.items.count > 1_000 || list.isNested
    case .record(let record): record.count > 1_000 || record.isNested
    case .object: true
    default: false
    }
  }
}
