/// The built-ins for strings. Long strings are gone through in portions, between which the limits of the run are asked.
enum CoreStrings {
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII ? isSpace(UInt8(scalar.value)) : scalar.properties.isWhitespace
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

  /// The words of a string that is all ASCII.
  private static func asciiWords(_ text: String, _ session: Session) throws(LTDError) -> [Value] {
    var words: [Value] = []
    var place = 0
    let count = text.utf8.count
    while place < count {
      let (lastPlace, lastWord) = (place + 1 << 16, words.count + 4096)
      text.withBytes { bytes in
        while place < min(count, lastPlace), words.count < lastWord {
          let first = place
          while place < count, !isSpace(bytes[place]) { place += 1 }
          if place > first {
            words.append(Value(String(decoding: UnsafeBufferPointer(rebasing: bytes[first..<place]), as: UTF8.self)))
          }
          place += 1
        }
      }
      if place < count { try session.poll() }
    }
    return words
  }

  /// The words of any string; after `limit` cuts all that is left is one.
  private static func words(_ text: String, limit: Int, _ session: Session) throws(LTDError) -> [Value] {
    let scalars = text.unicodeScalars
    var words: [Value] = []
    var (first, place) = (scalars.startIndex, scalars.startIndex)
    var count = 0
    while place < scalars.endIndex, words.count < limit {
      let next = scalars.index(after: place)
      if isSpace(scalars[place]) {
        if first < place { words.append(Value(String(scalars[first..<place]))) }
        first = next
      }
      place = next
      try session.poll(at: count)
      count += 1
    }
    if first < scalars.endIndex { words.append(Value(String(scalars[first...]))) }
    return words
  }

  /// A string changed piece by piece, none of which ends within a character.
  private static func mapped(
    _ text: String, _ session: Session, _ change: (String) -> String
  ) throws(LTDError) -> String {
    let (count, atOnce) = (text.utf8.count, 1 << 20)
    if count <= atOnce { return change(text) }
    var result = ""
    result.reserveCapacity(count)
    var start = 0
    while start < count {
      result += text.withBytes { bytes in
        var end = min(count, start + atOnce)
        while end < count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        defer { start = end }
        return change(String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self))
      }
      try session.poll()
    }
    return result
  }

  static func trimmed(_ text: String) -> String { trimmed(text) { (_) throws(Never) in } }

  /// - Parameter poll: Called with the number of characters passed so far.
  private static func trimmed<Failure>(
    _ text: String, poll: (Int) throws(Failure) -> Void
  ) throws(Failure) -> String {
    let ends = text.withBytes { bytes in
      guard let first = bytes.first, let last = bytes.last else { return true }
      return first < 0x80 && last < 0x80 && !isSpace(first) && !isSpace(last)
    }
    if ends { return text }
    let scalars = text.unicodeScalars
    var (first, end) = (scalars.startIndex, scalars.endIndex)
    var passed = 0
    while first < end, isSpace(scalars[first]) {
      scalars.formIndex(after: &first)
      passed += 1
      try poll(passed)
    }
    while end > first {
      let last = scalars.index(before: end)
      guard isSpace(scalars[last]) else { break }
      end = last
      passed += 1
      try poll(passed)
    }
    return String(scalars[first..<end])
  }

  private static func split(
    _ text: String, _ separator: String, limit: Int, _ session: Session
  ) throws(LTDError) -> [Value] {
    var parts: [Value] = []
    var start = 0
    try Operations.occurrences(of: separator, in: text, limit: limit, session) { bytes, place in
      parts.append(Value(String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<place]), as: UTF8.self)))
      start = place + separator.utf8.count
    }
    text.withBytes { bytes in
      parts.append(Value(String(decoding: UnsafeBufferPointer(rebasing: bytes[start...]), as: UTF8.self)))
    }
    return parts
  }

  /// The number of occurrences that do not overlap.
  static func count(of part: String, in text: String, _ session: Session) throws(LTDError) -> Int {
    var count = 0
    try Operations.occurrences(of: part, in: text, session) { _, _ in count += 1 }
    return count
  }

  /// The string with `new` in place of `old`, which is there `count` times.
  private static func replaced(
    _ text: String, _ old: String, _ count: Int, _ new: String, _ session: Session
  ) throws(LTDError) -> String {
    var stop: LTDError?
    let length = text.utf8.count + count * (new.utf8.count - old.utf8.count)
    let result = String(unsafeUninitializedCapacity: length) { target in
      var (read, written) = (0, 0)
      func add(_ source: UnsafeBufferPointer<UInt8>) {
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        (to + written).initialize(from: from, count: source.count)
        written += source.count
      }
      do throws(LTDError) {
        try Operations.occurrences(of: old, in: text, session) { bytes, place in
          add(UnsafeBufferPointer(rebasing: bytes[read..<place]))
          new.withBytes(add)
          read = place + old.utf8.count
        }
      } catch {
        stop = error
        return 0
      }
      text.withBytes { add(UnsafeBufferPointer(rebasing: $0[read...])) }
      return written
    }
    if let stop { throw stop }
    return result
  }

  /// Strings one after the other, with a separator between them; all parts are strings.
  private static func joined(_ parts: [Value], _ separator: String, _ session: Session) throws(LTDError) -> String {
    var count = separator.utf8.count * max(0, parts.count - 1)
    for case .string(let part) in parts { count += part.text.utf8.count }
    var stop: LTDError?
    let result = String(unsafeUninitializedCapacity: count) { bytes in
      var place = 0
      func add(_ text: String) {
        text.withBytes { source in
          if let first = source.baseAddress, let target = bytes.baseAddress {
            (target + place).initialize(from: first, count: source.count)
          }
          place += source.count
        }
      }
      for (number, value) in parts.enumerated() {
        if number & 4095 == 4095 {
          do throws(LTDError) { try session.poll() } catch {
            stop = error
            return 0
          }
        }
        guard case .string(let part) = value else { continue }
        if number > 0 { add(separator) }
        add(part.text)
      }
      return place
    }
    if let stop { throw stop }
    return result
  }

  static let builtins: [Builtin] = [
    Builtin(
      "join(parts: list, separator: string = \"\") -> string",
      "The strings of a list in one, with a separator between them.",
      details: "- parts: a list of strings.\n- separator: put between them.",
      examples: [Example("join([\"a\", \"b\"], \", \")", "\"a, b\"")], seeAlso: ["split"],
      search: ["concatenate", "implode", "combine"], family: "strings"
    ) { call in
      let separator = try call.string(1)
      let parts = try call.list(0)
      var bytes = 0
      for (place, part) in parts.enumerated() {
        try call.poll(at: place)
        guard case .string(let piece) = part else {
          throw call.error(
            .type, "join takes a list of strings; element \(place) is \(part.kindText)",
            hint: "join([str(x) for x in xs], …)", at: "parts")
        }
        bytes += piece.text.utf8.count
      }
      try Operations.checkBytes(separator.utf8.count, parts.count, plus: bytes, call.session)
      return Value(try joined(parts, separator, call.session))
    },
    Builtin(
      "format(x: any, spec: string) -> string",
      "A value in a format that is computed; \"{x:.2f}\" writes one that is fixed.",
      details: "- spec: as in \"{x:…}\", such as \".1%\", \">8\", \",\" or \".3e\".",
      examples: [Example("format(0.8712, \".1%\")", "\"87.1%\""), Example("format(\"acc\", \">6\")", "\"   acc\"")],
      seeAlso: ["str", "round"], search: ["printf", "digits", "decimals", "pad", "align", "width"], family: "strings"
    ) { call in
      let spec = try call.at("spec") { try FormatSpec(try call.string(1)) }
      return Value(try call.at("x") { try Operations.format(call[0], spec, call.session) })
    },
    Builtin(
      "split(s: string, separator: string | none = none, limit: int | none = none) -> list[string]",
      "The parts of a string between separators; without one, its words.",
      details:
        "- limit: at most this many cuts.\n- separator: what stands between the parts; white space of any length when left out.",
      examples: [
        Example("split(\"a,b,c\", \",\")", "[\"a\", \"b\", \"c\"]"),
        Example("split(\" two  words \")", "[\"two\", \"words\"]"),
      ],
      seeAlso: ["join", "lines"], search: ["explode", "words", "tokenize"], family: "strings"
    ) { call in
      let text = try call.string(0)
      let limit = try call.optionalInt("limit") ?? .max
      guard let separator = try call.optionalString("separator") else {
        if limit == .max, StringValue(text).isASCII { return Value(try asciiWords(text, call.session)) }
        return Value(try words(text, limit: limit, call.session))
      }
      guard !separator.isEmpty else {
        throw call.error(
          .value, "the separator must not be empty", hint: "list(s) returns the characters", at: "separator")
      }
      return Value(try split(text, separator, limit: limit, call.session))
    },
    Builtin(
      "lines(s: string) -> list[string]", "The lines of a string, without their ends.",
      examples: [Example("lines(\"a\\nb\\n\")", "[\"a\", \"b\"]")], seeAlso: ["split"], search: ["splitlines", "rows"],
      family: "strings"
    ) { call in
      var parts = try split(try call.string(0), "\n", limit: .max, call.session)
      if parts.last?.asString == "" { parts.removeLast() }
      for (place, part) in parts.enumerated() {
        try call.poll(at: place)
        if let text = part.asString, text.unicodeScalars.last == "\r" {
          parts[place] = Value(String(text.unicodeScalars.dropLast()))
        }
      }
      return Value(parts)
    },
    Builtin(
      "trim(s: string) -> string", "The string without white space at its ends.",
      examples: [Example("trim(\"  x \")", "\"x\"")],
      seeAlso: ["split"], search: ["strip", "whitespace"], family: "strings"
    ) { call in
      Value(try trimmed(try call.string(0)) { (passed) throws(LTDError) in try call.poll(at: passed) })
    },
    Builtin(
      "upper(s: string) -> string", "The string in capitals.", examples: [Example("upper(\"pgd\")", "\"PGD\"")],
      seeAlso: ["lower"], search: ["uppercase", "capitals"], family: "strings"
    ) { call in
      Value(try mapped(try call.string(0), call.session) { $0.uppercased() })
    },
    Builtin(
      "lower(s: string) -> string", "The string in small letters.", examples: [Example("lower(\"PGD\")", "\"pgd\"")],
      seeAlso: ["upper"], search: ["lowercase"], family: "strings"
    ) { call in
      Value(try mapped(try call.string(0), call.session) { $0.lowercased() })
    },
    Builtin(
      "replace(s: string, old: string, new: string) -> string", "The string with every `old` replaced by `new`.",
      details: "- old: the string to look for.\n- new: what stands in its place.",
      examples: [Example("replace(\"a-b-c\", \"-\", \"+\")", "\"a+b+c\"")], seeAlso: ["split"],
      search: ["substitute", "sub"],
      family: "strings"
    ) { call in
      let old = try call.string(1)
      guard !old.isEmpty else { throw call.error(.value, "the string to replace must not be empty", at: "old") }
      let (text, new) = (try call.string(0), try call.string(2))
      let count = try count(of: old, in: text, call.session)
      if count == 0 { return call[0] }
      try Operations.checkBytes(new.utf8.count, count, plus: text.utf8.count, call.session)
      return Value(try replaced(text, old, count, new, call.session))
    },
    Builtin(
      "startswith(s: string, start: string) -> bool", "Whether a string starts with another.",
      details: "- start: the string to look for.",
      examples: [Example("startswith(\"model.ltd\", \"mod\")", "true")], seeAlso: ["endswith"],
      search: ["prefix", "begins", "starts_with"], family: "strings"
    ) { call in
      .bool(Operations.has(try call.string(1), in: try call.string(0), at: 0))
    },
    Builtin(
      "endswith(s: string, end: string) -> bool", "Whether a string ends with another.",
      details: "- end: the string to look for.",
      examples: [Example("endswith(\"model.ltd\", \".ltd\")", "true")], seeAlso: ["startswith"],
      search: ["suffix", "extension", "ends_with"], family: "strings"
    ) { call in
      let (text, end) = (try call.string(0), try call.string(1))
      return .bool(Operations.has(end, in: text, at: text.utf8.count - end.utf8.count))
    },
    Builtin(
      "ord(c: string) -> int", "The Unicode number of a character.", details: "- c: a string of one character.",
      examples: [Example("ord(\"A\")", "65")],
      seeAlso: ["chr"], search: ["code", "unicode", "ascii"], family: "strings"
    ) { call in
      let scalars = try call.string(0).unicodeScalars
      guard let scalar = scalars.first, scalars.count == 1 else {
        throw call.error(.value, "ord takes one character, not \(scalars.count)", at: "c")
      }
      return .int(Int(scalar.value))
    },
    Builtin(
      "chr(n: int) -> string", "The character with a Unicode number.", details: "- n: the number, such as 964 for τ.",
      examples: [Example("chr(964)", "\"τ\"")],
      seeAlso: ["ord"], search: ["char", "character", "unicode"], family: "strings"
    ) { call in
      let number = try call.int(0)
      guard let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init) else {
        throw call.error(.value, "\(number) is not the number of a character", at: "n")
      }
      return Value(String(scalar))
    },
  ]
}
