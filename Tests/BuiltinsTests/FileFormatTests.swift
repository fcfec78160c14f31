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

  /// Every built-in that takes a path, found by its signature.
  @Test func filesCanBeForbidden() {
    let samples = ["string": "\"/tmp\"", "tensor": "zeros([1, 4, 4])", "model": "mlp(hidden=[2])"]
    var refused: [String] = []
    let session = Session(table: .standard)
    session.limits.allowsFiles = false
    for name in session.table.functions.keys {
      let parameters = session.documentation(of: name)?.arguments ?? []
      guard parameters.contains(where: { ["path", "dir", "folder", "file"].contains($0.name) }) else { continue }
      let needed = parameters.filter { !$0.text.contains("=") }.map {
        $0.text.split(separator: " ").last.map(String.init)
      }
      let arguments = needed.map { samples[$0 ?? ""] ?? "none" }.joined(separator: ", ")
      #expect(session.transcript(of: "\(name)(\(arguments))") == "error: stopped where \(name) would touch files")
      refused.append(name)
    }
    #expect(Set(refused).isSuperset(of: ["read_text", "write_text", "load_model", "save_png", "mnist", "list_folder"]))
  }

  @Test func aValueWithoutEndIsNoJSON() {
    let code = "x = [1]\nfor i in 1..60 { x = [x, x] }\nto_json(x)"
    #expect(Session(table: .standard).transcript(of: code) == "error: the value has too many elements for JSON")
  }

  @Test func aPathWithAZeroByteIsAnError() {
    for call in ["read_text(p)", "write_text(p, \"\")", "list_folder(p)", "make_folder(p)", "remove_file(p)"] {
      let answer = Session(table: .standard).transcript(of: "p = \"/tmp/a\\0b\"; \(call)")
      #expect(answer.hasPrefix("error: "), "\(call): \(answer)")
    }
  }
}
