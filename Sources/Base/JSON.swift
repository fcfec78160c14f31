/// A JSON value: the one writer and the one parser of JSON.
///
/// It is as strict as RFC 8259 but for the numbers that JSON has no word for: they are written and read as `NaN`,
/// `Infinity` and `-Infinity`, as Python and many others do. Members of an object keep their order, so that what was
/// read is written again as it was. A number without point and exponent that fits into 64 bits is an int, any other a
/// double. Reading is bounded for every input: nesting by 256 levels, memory by the size of what is read. Both ends
/// stop when the `StopSignal` of the thread is raised.
package enum JSON: Sendable, Equatable {
  /// The word `null`.
  case null
  /// The word `true` or `false`.
  case bool(Bool)
  /// A whole number of 64 bits.
  case int(Int)
  /// Any other number, NaN and infinities included.
  case number(Double)
  /// A string, without its quotes and escapes.
  case string(String)
  /// Values in brackets.
  case array([JSON])
  /// Keys with their values, in the order of the text.
  case object([Member])

  /// A key of an object with its value.
  package struct Member: Sendable, Equatable {
    /// The key, without its quotes and escapes.
    package var key: String
    /// The value of the key.
    package var value: JSON

    /// A key with its value.
    package init(_ key: String, _ value: JSON) {
      self.key = key
      self.value = value
    }
  }

  /// The value of a key; nil where it is missing or this is no object.
  package subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The whole number; nil for any other value.
  package var intValue: Int? { if case .int(let value) = self { value } else { nil } }

  /// The number, a whole one too; nil for any other value.
  package var numberValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The string; nil for any other value.
  package var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  /// The truth value; nil for any other value.
  package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The items of the array; nil for any other value.
  package var arrayValue: [JSON]? { if case .array(let value) = self { value } else { nil } }
  /// The members of the object; nil for any other value.
  package var objectValue: [Member]? { if case .object(let value) = self { value } else { nil } }
  /// The items of an array of whole numbers; nil for any other value.
  package var ints: [Int]? { allOf { $0.intValue } }
  /// The items of an array of numbers; nil for any other value.
  package var numbers: [Double]? { allOf { $0.numberValue } }

  private func allOf<T>(_ convert: (JSON) -> T?) -> [T]? {
    guard let items = arrayValue else { return nil }
    var values: [T] = []
    values.reserveCapacity(items.count)
    for item in items {
      guard let value = convert(item) else { return nil }
      values.append(value)
    }
    return values
  }
}

// MARK: - Writing

extension JSON {
  /// The value on one line.
  ///
  /// - Throws: when there is a reason to stop.
  package var text: String {
    get throws(CoreError) { try text(indent: 0) }
  }

  /// The value on one line, written to its end even when there is a reason to stop, as the message that says so must
  /// be.
  package var line: String { StopSignal.ignoring { try? text(indent: 0) } ?? "null" }

  /// The value on one line or on several.
  ///
  /// - Parameter indent: spaces before each level, items on lines of their own; 0 writes everything on one line.
  /// - Throws: when there is a reason to stop.
  package func text(indent: Int) throws(CoreError) -> String {
    var out = ""
    var count = 0
    try write(to: &out, indent: indent, level: 0, &count)
    return out
  }

  private func write(to out: inout String, indent: Int, level: Int, _ count: inout Int) throws(CoreError) {
    count += 1
    try StopSignal.poll(at: count)
    func line(_ level: Int) {
      if indent > 0 { out += "\n" + String(repeating: " ", count: indent * level) }
    }
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .int(let value): out += String(value)
    case .number(let value):
      out += value.isFinite ? String(value) : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    case .string(let value): try JSON.writeString(value, to: &out)
    case .array(let items):
      out += "["
      for (i, item) in items.enumerated() {
        if i > 0 { out += "," }
        line(level + 1)
        try item.write(to: &out, indent: indent, level: level + 1, &count)
      }
      if !items.isEmpty { line(level) }
      out += "]"
    case .object(let members):
      out += "{"
      for (i, member) in members.enumerated() {
        if i > 0 { out += "," }
        line(level + 1)
        try JSON.writeString(member.key, to: &out)
        out += indent > 0 ? ": " : ":"
        try member.value.write(to: &out, indent: indent, level: level + 1, &count)
      }
      if !members.isEmpty { line(level) }
      out += "}"
    }
  }

  private static func writeString(_ string: String, to out: inout String) throws(CoreError) {
    var string = string
    string.withUTF8 { bytes in
      out += "\""
      var start = 0
      for place in bytes.indices {
        if place & 0xFFFF == 0xFFFF, StopSignal.isRaised(at: StopSignal.wordOfThread) { return }
        let byte = bytes[place]
        guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
        out += String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<place]), as: UTF8.self)
        start = place + 1
        switch byte {
        case UInt8(ascii: "\""): out += "\\\""
        case UInt8(ascii: "\\"): out += "\\\\"
        case UInt8(ascii: "\n"): out += "\\n"
        case UInt8(ascii: "\r"): out += "\\r"
        case UInt8(ascii: "\t"): out += "\\t"
        default:
          let hex = String(byte, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        }
      }
      out += String(decoding: UnsafeBufferPointer(rebasing: bytes[start...]), as: UTF8.self)
      out += "\""
    }
    if string.utf8.count > 0xFFFF { try StopSignal.poll() }
  }
}

// MARK: - Reading

extension JSON {
  /// Reads one JSON value that takes up all of `bytes` (spaces around it apart). Nesting is limited to 256, keys of one
  /// object must differ.
  ///
  /// - Throws: `value`, naming the byte where what follows is not JSON; what `StopSignal.poll` throws.
  package static func parse(_ bytes: [UInt8]) throws(CoreError) -> JSON {
    var parser = JSONParser(bytes: bytes)
    parser.skipSpaces()
    let value = try parser.value(depth: 0)
    parser.skipSpaces()
    guard parser.position == bytes.count else { throw parser.error("unexpected text after the end") }
    return value
  }

  /// Reads the JSON value that a string writes, as `parse(_: [UInt8])` does.
  package static func parse(_ text: String) throws(CoreError) -> JSON { try parse(Array(text.utf8)) }
}

private struct JSONParser {
  let bytes: [UInt8]
  var position = 0
  private var values = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  func error(_ what: String) -> CoreError { CoreError(.value, "JSON: \(what) at byte \(position)") }

  mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  mutating func value(depth: Int) throws(CoreError) -> JSON {
    values += 1
    if values % 4096 == 0 { try StopSignal.poll() }
    guard depth < 256 else { throw error("nested too deeply") }
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "N"): return try word("NaN", .number(.nan))
    case UInt8(ascii: "I"): return try word("Infinity", .number(.infinity))
    case UInt8(ascii: "-") where position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "I"):
      return try word("-Infinity", .number(-.infinity))
    case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
    case .some: throw error("a value was expected")
    case .none: throw error("the text ends early")
    }
  }

  func isDigit(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  mutating func take(_ byte: Character) -> Bool {
    guard next == byte.asciiValue else { return false }
    position += 1
    return true
  }

  mutating func word(_ text: String, _ value: JSON) throws(CoreError) -> JSON {
    for byte in text.utf8 {
      guard next == byte else { throw error("'\(text)' was expected") }
      position += 1
    }
    return value
  }

  mutating func object(depth: Int) throws(CoreError) -> JSON {
    position += 1
    var members: [JSON.Member] = []
    var keys: Set<String> = []
    skipSpaces()
    if take("}") { return .object([]) }
    while true {
      skipSpaces()
      guard next == UInt8(ascii: "\"") else { throw error("a key in quotes was expected") }
      let key = try string()
      guard keys.insert(key).inserted else { throw error("the key '\(key)' occurs twice") }
      skipSpaces()
      guard take(":") else { throw error("':' was expected") }
      skipSpaces()
      members.append(JSON.Member(key, try value(depth: depth + 1)))
      skipSpaces()
      if take("}") { return .object(members) }
      guard take(",") else { throw error("',' or '}' was expected") }
    }
  }

  mutating func array(depth: Int) throws(CoreError) -> JSON {
    position += 1
    var items: [JSON] = []
    skipSpaces()
    if take("]") { return .array([]) }
    while true {
      skipSpaces()
      items.append(try value(depth: depth + 1))
      skipSpaces()
      if take("]") { return .array(items) }
      guard take(",") else { throw error("',' or ']' was expected") }
    }
  }

  mutating func number() throws(CoreError) -> JSON {
    let start = position
    _ = take("-")
    if take("0") {
      if isDigit(next) { throw error("a number does not begin with 0") }
    } else {
      guard isDigit(next) else { throw error("a digit was expected") }
      while isDigit(next) { position += 1 }
    }
    var whole = true
    if take(".") {
      whole = false
      guard isDigit(next) else { throw error("a digit was expected") }
      while isDigit(next) { position += 1 }
    }
    if take("e") || take("E") {
      whole = false
      if !take("+") { _ = take("-") }
      guard isDigit(next) else { throw error("a digit was expected") }
      while isDigit(next) { position += 1 }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if whole, let value = Int(text) { return .int(value) }
    guard let value = Double(text), value.isFinite else { throw error("the number \(text.prefix(40)) is too large") }
    return .number(value)
  }

  mutating func string() throws(CoreError) -> String {
    position += 1
    var content: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else { throw error("a string is not UTF-8") }
        return text
      case UInt8(ascii: "\\"):
        content += try escape()
        try StopSignal.poll(at: position)
      case 0..<0x20: throw error("a control character inside quotes")
      default:
        let start = position - 1
        try StopSignal.poll()
        while position - start < 1 << 16, let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""),
          byte != UInt8(ascii: "\\")
        { position += 1 }
        content += bytes[start..<position]
      }
    }
    throw error("the closing quote is missing")
  }

  mutating func escape() throws(CoreError) -> [UInt8] {
    guard let byte = next else { throw error("the text ends early") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var code = try hex4()
      if code >= 0xD800, code < 0xDC00, next == UInt8(ascii: "\\") {
        position += 1
        guard take("u") else { throw error("half of a surrogate pair") }
        let low = try hex4()
        guard low >= 0xDC00, low < 0xE000 else { throw error("half of a surrogate pair") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
      return Array(String(Character(scalar)).utf8)
    default: throw error("an unknown escape")
    }
  }

  mutating func hex4() throws(CoreError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("four hexadecimal digits were expected")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
