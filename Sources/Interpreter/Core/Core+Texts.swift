/// Texts.
enum Texts {
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

  static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isSpace($0) }), let last = scalars.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(scalars[first...last])
  }

  static func split(_ text: String, _ separator: String, limit: Int) -> [String] {
    var parts: [String] = []
    var start = 0
    var copy = text
    copy.withUTF8 { bytes in
      while parts.count < limit, let found = Operations.find(separator, in: text, from: start) {
        parts.append(String(decoding: bytes[start..<found], as: UTF8.self))
        start = found + separator.utf8.count
      }
      parts.append(String(decoding: bytes[start...], as: UTF8.self))
    }
    return parts
  }

  static let builtins: [Builtin] = [
    Builtin(
      "join(parts: list, separator: string = \"\") -> string",
      "The texts of a list in one, with a separator between them.",
      examples: [Example("join([\"a\", \"b\"], \", \")", "a, b")], seeAlso: ["split"],
      search: ["concatenate", "implode", "combine"], family: "strings"
    ) { call throws(LTDError) in
      let separator = try call.string(1)
      var text = ""
      for (place, part) in try call.list(0).enumerated() {
        if place > 0 { text += separator }
        guard case .string(let piece) = part else {
          throw call.error(
            .type, "join takes a list of strings; element \(place) is \(part.kindText)",
            hint: "join([str(x) for x in xs], …)", at: "parts")
        }
        text += piece.text
        try Operations.checkBytes(text.utf8.count, 1, call.session)
      }
      return Value(text)
    },
    Builtin(
      "split(s: string, separator: string | none = none, limit: int | none = none) -> list",
      "The parts of a text between separators; without one, its words.",
      details: "- limit: at most so many cuts.",
      examples: [
        Example("split(\"a,b,c\", \",\")", "[\"a\", \"b\", \"c\"]"),
        Example("split(\" two  words \")", "[\"two\", \"words\"]"),
      ],
      seeAlso: ["join", "lines"], search: ["explode", "words", "tokenize"], family: "strings"
    ) { call throws(LTDError) in
      let text = try call.string(0)
      let limit = try call.optionalInt("limit") ?? .max
      guard let separator = try call.optionalString("separator") else {
        return Value(
          text.unicodeScalars.split(maxSplits: max(0, limit), whereSeparator: isSpace).map { String($0) })
      }
      guard !separator.isEmpty else {
        throw call.error(.value, "the separator is empty", hint: "list(s) gives the characters", at: "separator")
      }
      return Value(split(text, separator, limit: limit))
    },
    Builtin(
      "lines(s: string) -> list", "The lines of a text, without their ends.",
      examples: [Example("lines(\"a\\nb\\n\")", "[\"a\", \"b\"]")], seeAlso: ["split"], search: ["splitlines", "rows"],
      family: "strings"
    ) { call throws(LTDError) in
      var parts = split(try call.string(0), "\n", limit: .max)
      if parts.last == "" { parts.removeLast() }
      return Value(parts.map { $0.unicodeScalars.last == "\r" ? String($0.unicodeScalars.dropLast()) : $0 })
    },
    Builtin(
      "trim(s: string) -> string", "The text without white space at its ends.",
      examples: [Example("trim(\"  x \")", "x")],
      seeAlso: ["split"], search: ["strip", "whitespace"], family: "strings"
    ) { call throws(LTDError) in Value(trimmed(try call.string(0))) },
    Builtin(
      "upper(s: string) -> string", "The text in capitals.", examples: [Example("upper(\"pgd\")", "PGD")],
      seeAlso: ["lower"], search: ["uppercase", "capitals"], family: "strings"
    ) { call throws(LTDError) in Value(try call.string(0).uppercased()) },
    Builtin(
      "lower(s: string) -> string", "The text in small letters.", examples: [Example("lower(\"PGD\")", "pgd")],
      seeAlso: ["upper"], search: ["lowercase"], family: "strings"
    ) { call throws(LTDError) in Value(try call.string(0).lowercased()) },
    Builtin(
      "replace(s: string, old: string, new: string) -> string", "The text with every `old` made `new`.",
      examples: [Example("replace(\"a-b-c\", \"-\", \"+\")", "a+b+c")], seeAlso: ["split"],
      search: ["substitute", "sub"],
      family: "strings"
    ) { call throws(LTDError) in
      let old = try call.string(1)
      guard !old.isEmpty else { throw call.error(.value, "the text to replace is empty", at: "old") }
      let parts = split(try call.string(0), old, limit: .max)
      let new = try call.string(2)
      try Operations.checkBytes(new.utf8.count, parts.count, plus: try call.string(0).utf8.count, call.session)
      var text = ""
      for (place, part) in parts.enumerated() { text += place > 0 ? new + part : part }
      return Value(text)
    },
    Builtin(
      "startswith(s: string, start: string) -> bool", "Whether a text starts with another.",
      examples: [Example("startswith(\"model.ltd\", \"mod\")", "true")], seeAlso: ["endswith"],
      search: ["prefix", "begins", "starts_with"], family: "strings"
    ) { call throws(LTDError) in
      .bool(try call.string(0).utf8.starts(with: try call.string(1).utf8))
    },
    Builtin(
      "endswith(s: string, end: string) -> bool", "Whether a text ends with another.",
      examples: [Example("endswith(\"model.ltd\", \".ltd\")", "true")], seeAlso: ["startswith"],
      search: ["suffix", "extension", "ends_with"], family: "strings"
    ) { call throws(LTDError) in
      .bool(try call.string(0).utf8.reversed().starts(with: try call.string(1).utf8.reversed()))
    },
    Builtin(
      "ord(c: string) -> int", "The Unicode number of a character.", examples: [Example("ord(\"A\")", "65")],
      seeAlso: ["chr"], search: ["code", "unicode", "ascii"], family: "strings"
    ) { call throws(LTDError) in
      let scalars = try call.string(0).unicodeScalars
      guard let scalar = scalars.first, scalars.count == 1 else {
        throw call.error(.value, "ord takes one character, not \(scalars.count)", at: "c")
      }
      return .int(Int(scalar.value))
    },
    Builtin(
      "chr(n: int) -> string", "The character with a Unicode number.", examples: [Example("chr(964)", "τ")],
      seeAlso: ["ord"], search: ["char", "character", "unicode"], family: "strings"
    ) { call throws(LTDError) in
      let number = try call.int(0)
      guard let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init) else {
        throw call.error(.value, "\(number) is not the number of a character", at: "n")
      }
      return Value(String(scalar))
    },
  ]
}
