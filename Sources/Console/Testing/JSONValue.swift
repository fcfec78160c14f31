/// JSON as far as it takes to read back what `--json-errors` writes.
enum JSONValue: Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  indirect case array([JSONValue])
  indirect case object([String: JSONValue])

  var string: String? { if case .string(let text) = self { text } else { nil } }
  var int: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }

  /// Nil for what is not JSON or is nested deeper than 64.
  init?(_ text: String) {
    var reader = Reader(bytes: Array(text.utf8))
    guard let value = reader.value(depth: 0) else { return nil }
    reader.skipSpace()
    guard reader.isAtEnd else { return nil }
    self = value
  }

  private struct Reader {
    let bytes: [UInt8]
    var place = 0

    var isAtEnd: Bool { place >= bytes.count }
    var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    mutating func skipSpace() {
      while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { place += 1 }
    }

    mutating func take(_ text: StaticString) -> Bool {
      let wanted = text.withUTF8Buffer { Array($0) }
      guard bytes[place...].starts(with: wanted) else { return false }
      place += wanted.count
      return true
    }

    mutating func value(depth: Int) -> JSONValue? {
      guard depth < 64 else { return nil }
      skipSpace()
      switch next {
      case UInt8(ascii: "{"): return object(depth: depth)
      case UInt8(ascii: "["): return array(depth: depth)
      case UInt8(ascii: "\""): return string().map { .string($0) }
      case UInt8(ascii: "t"): return take("true") ? .bool(true) : nil
      case UInt8(ascii: "f"): return take("false") ? .bool(false) : nil
      case UInt8(ascii: "n"): return take("null") ? .null : nil
      default: return number()
      }
    }

    mutating func number() -> JSONValue? {
      let start = place
      while let byte = next, "+-.eE0123456789".utf8.contains(byte) { place += 1 }
      return Double(String(decoding: bytes[start..<place], as: UTF8.self)).map { .number($0) }
    }

    mutating func array(depth: Int) -> JSONValue? {
      place += 1
      var items: [JSONValue] = []
      skipSpace()
      if take("]") { return .array(items) }
      while let item = value(depth: depth + 1) {
        items.append(item)
        skipSpace()
        if take("]") { return .array(items) }
        if !take(",") { return nil }
      }
      return nil
    }

    mutating func object(depth: Int) -> JSONValue? {
      place += 1
      var fields: [String: JSONValue] = [:]
      skipSpace()
      if take("}") { return .object(fields) }
      while true {
        skipSpace()
        guard let name = string() else { return nil }
        skipSpace()
        guard take(":"), let item = value(depth: depth + 1) else { return nil }
        fields[name] = item
        skipSpace()
        if take("}") { return .object(fields) }
        if !take(",") { return nil }
      }
    }

    mutating func string() -> String? {
      guard take("\"") else { return nil }
      var units: [UInt8] = []
      while let byte = next {
        place += 1
        if byte == UInt8(ascii: "\"") { return String(decoding: units, as: UTF8.self) }
        if byte != UInt8(ascii: "\\") {
          units.append(byte)
          continue
        }
        guard let escape = next else { return nil }
        place += 1
        switch escape {
        case UInt8(ascii: "n"): units.append(0x0A)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "r"): units.append(0x0D)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0C)
        case UInt8(ascii: "u"):
          guard let scalar = unicodeEscape() else { return nil }
          units += Array(String(scalar).utf8)
        default: units.append(escape)
        }
      }
      return nil
    }

    private mutating func unicodeEscape() -> Character? {
      guard let first = fourDigits() else { return nil }
      if (0xD800..<0xDC00).contains(first), take("\\u"), let second = fourDigits(), (0xDC00..<0xE000).contains(second) {
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)).map { Character($0) }
      }
      return Character(Unicode.Scalar(first) ?? "\u{FFFD}")
    }

    private mutating func fourDigits() -> UInt32? {
      guard place + 4 <= bytes.count else { return nil }
      defer { place += 4 }
      return UInt32(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16)
    }
  }
}
