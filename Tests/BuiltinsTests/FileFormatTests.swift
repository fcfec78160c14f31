import Builtins
import Testing

/// JSON and CSV of any bytes: a value or an error, and what is written is read back.
@Suite struct FileFormatTests {
  /// Texts of the characters that matter, by a fixed sequence of numbers.
  private static func texts(_ count: Int, of alphabet: String) -> [String] {
    let characters = Array(alphabet.unicodeScalars)
    var state: UInt64 = 88_172_645_463_325_252
    func next() -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(truncatingIfNeeded: state >> 33)
    }
    return (0..<count).map { _ in
      var text = String.UnicodeScalarView()
      for _ in 0..<next() % 24 { text.append(characters[next() % characters.count]) }
      return String(text)
    }
  }

  @Test func csvOfAnyTextIsATableOrAnError() {
    let session = Session(table: .standard)
    for text in Self.texts(2000, of: "a1\",\n\r;.-e07 τ\u{FEFF}\0n") {
      session["text"] = Value(text)
      let answer = session.transcript(
        of:
          "try { rows = parse_csv(text); str(parse_csv(to_csv(rows))) == str(rows) } catch e { e.kind }")
      #expect(["true", "\"value\""].contains(answer), "\(text.debugDescription): \(answer)")
    }
  }

  @Test func jsonOfAnyTextIsAValueOrAnError() {
    let session = Session(table: .standard)
    for text in Self.texts(2000, of: "[]{}\":,0123456789.eE+-truefalsn\\u \n\0τ") {
      session["text"] = Value(text)
      let answer = session.transcript(
        of: "try { x = parse_json(text); parse_json(to_json(x)) == x } catch e { e.kind }")
      #expect(["true", "\"value\""].contains(answer), "\(text.debugDescription): \(answer)")
    }
  }

  @Test func deepNestingIsAnError() {
    let session = Session(table: .standard)
    #expect(session.transcript(of: "parse_json('[' * 100000)").hasPrefix("error: JSON: nested too deeply"))
    let code = "x = []\nfor i in 1..10000 { x = [x] }\nto_json(x)"
    #expect(session.transcript(of: code) == "error: the value is nested too deeply for JSON")
  }

  @Test(arguments: ["read_text(\"/tmp\")", "write_text(\"/tmp/x\", \"\")", "list_folder()", "file_info(\"/tmp\")"])
  func filesCanBeForbidden(_ code: String) {
    let session = Session(table: .standard)
    session.limits.allowsFiles = false
    #expect(session.transcript(of: code).contains("may not"))
  }

  @Test func aPathWithAZeroByteIsAnError() {
    for call in ["read_text(p)", "write_text(p, \"\")", "list_folder(p)", "make_folder(p)", "remove_file(p)"] {
      let answer = Session(table: .standard).transcript(of: "p = \"/tmp/a\\0b\"; \(call)")
      #expect(answer.hasPrefix("error: "), "\(call): \(answer)")
    }
  }
}
