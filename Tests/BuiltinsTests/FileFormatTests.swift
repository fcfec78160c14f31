import Base
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

  /// A value is the same when its kind is, every bit of a number, every byte of a text, and the order of the fields.
  private static func isSame(_ a: Value, _ b: Value) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.float(let a), .float(let b)): a.bitPattern == b.bitPattern || a.isNaN && b.isNaN
    case (.string(let a), .string(let b)): a.text.utf8.elementsEqual(b.text.utf8)
    case (.list(let a), .list(let b)): a.items.count == b.items.count && zip(a.items, b.items).allSatisfy(isSame)
    case (.record(let a), .record(let b)):
      a.count == b.count
        && zip(a.fields, b.fields).allSatisfy { $0.0.utf8.elementsEqual($1.0.utf8) && isSame($0.1, $1.1) }
    default: false
    }
  }

  /// Values of all kinds that have a form in JSON, by a fixed sequence of numbers.
  private struct ValueMaker {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    private mutating func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(truncatingIfNeeded: state >> 33) % bound
    }

    private static let texts = [
      "", " ", "a", "true", "false", "none", "null", "nan", "NaN", "inf", "-inf", "Infinity", "1", "-1", "007", "1.5",
      "1e5", "+1", "0x10", "\"", "\"\"", "a\"b", ",", ";", "\t", "\n", "\r", "\r\n", "a\nb", "\0", "\u{1}", "\u{7F}",
      "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FEFF}a", "é", "e\u{301}", ",\u{301}", "\"\u{301}", "\n\u{301}", "日本",
      "😀", "👩‍👩‍👧", "\\", "\\u0041", "/", "{x}", "[1]", "#", "\u{10FFFF}", "\u{FFFF}",
    ]
    private static let numbers: [Double] = [
      0, -0.0, 1, -1, 0.1, 1 / 3, .pi, 1e16, 1e15, 123_456_789_012_345_680, 1e22, .leastNonzeroMagnitude,
      -.leastNonzeroMagnitude,
      .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .nan, .infinity, -.infinity,
      Double(Float(0.1)), 0x1p53 + 2, 1e-7, -2.5e-300,
    ]
    private static let wholes = [0, 1, -1, 7, 255, .max, .min, .max - 1, 1 << 53, (1 << 53) + 1, -(1 << 62)]

    mutating func text() -> String {
      let first = Self.texts[next(Self.texts.count)]
      return next(3) > 0 ? first : first + Self.texts[next(Self.texts.count)] + Self.texts[next(Self.texts.count)]
    }

    mutating func number() -> Double {
      if next(2) > 0 { return Self.numbers[next(Self.numbers.count)] }
      return Double(bitPattern: UInt64(next(1 << 31)) << 33 ^ UInt64(next(1 << 31)))
    }

    mutating func whole() -> Int { Self.wholes[next(Self.wholes.count)] }

    mutating func value(depth: Int) -> Value {
      switch next(depth > 0 ? 7 : 5) {
      case 0: return .none
      case 1: return .bool(next(2) > 0)
      case 2: return .int(whole())
      case 3: return .float(number())
      case 4: return Value(text())
      case 5: return Value((0..<next(4)).map { _ in value(depth: depth - 1) })
      default: return Value(fields: (0..<next(4)).map { _ in (text(), value(depth: depth - 1)) })
      }
    }

    /// A table whose columns are of one type each, none among them.
    mutating func table() -> [Value] {
      var names: [String] = []
      for _ in 0...next(4) {
        let name = text()
        if !names.contains(name) { names.append(name) }
      }
      let kinds = names.map { _ in next(4) }
      return (0..<1 + next(5)).map { _ in
        Value(
          fields: zip(names, kinds).map { name, kind in
            if next(5) == 0 { return (name, Value.none) }
            switch kind {
            case 0: return (name, .int(whole()))
            case 1: return (name, .float(number()))
            case 2: return (name, .bool(next(2) > 0))
            default: return (name, Value(text()))
            }
          })
      }
    }
  }

  @Test func whatIsWrittenAsJSONIsReadBack() {
    let session = Session(table: .standard)
    for seed in 1...1000 {
      var maker = ValueMaker(seed: UInt64(seed))
      let value = maker.value(depth: 4)
      session["x"] = value
      for code in ["parse_json(to_json(x))", "parse_json(to_json(x, indent=2))"] {
        _ = session.run(Source(name: "test", text: "y = none; y = \(code)"))
        #expect(
          session["y"].map { Self.isSame($0, value) } == true, "seed \(seed): \(session.transcript(of: "to_json(x)"))")
      }
    }
  }

  @Test func whatIsWrittenAsCSVIsReadBack() {
    let session = Session(table: .standard)
    for seed in 1...1000 {
      var maker = ValueMaker(seed: UInt64(seed))
      let rows = Value(maker.table())
      session["rows"] = rows
      for separator in [",", ";", "\\t", "|", " "] {
        let code = "parse_csv(to_csv(rows, separator=\"\(separator)\"), separator=\"\(separator)\")"
        _ = session.run(Source(name: "test", text: "y = none; y = \(code)"))
        #expect(
          session["y"].map { Self.isSame($0, rows) } == true, "seed \(seed): \(session.transcript(of: "to_csv(rows)"))")
      }
    }
  }

  /// Tensors of every type, every number of axes and every place of an axis of size 0.
  @Test func tensorsAreReadBackFromJSON() {
    let session = Session(table: .standard)
    for code in [
      "tensor([0.1, -0.0, nan, inf, -inf, 1e-45, 3.4028235e38, 16777217.0])", "tensor([9223372036854775807, -1])",
      "tensor([true, false])", "rand([2, 3, 2])", "tensor(2.5)", "zeros([1, 1, 1, 1])",
    ] {
      let answer = session.transcript(
        of:
          "x = \(code); y = tensor(parse_json(to_json(x))); [x.shape == y.shape, x.dtype == y.dtype, str(x) == str(y)]")
      #expect(answer == "[true, true, true]", "\(code): \(answer)")
    }
    for (shape, lists) in [
      ("[0]", "[]"), ("[3, 0]", "[[],[],[]]"), ("[0, 3]", "[]"), ("[2, 0, 3]", "[[],[]]"),
      ("[2, 1, 0]", "[[[]],[[]]]"), ("[1, 0, 0]", "[[]]"), ("[0, 1000000000000]", "[]"),
    ] {
      #expect(session.transcript(of: "print(to_json(zeros(\(shape))))") == lists)
    }
    #expect(session.transcript(of: "to_json(zeros([1000000000, 0]))").contains("is too long for JSON"))
  }

  @Test func deepNestingIsAnError() {
    let session = Session(table: .standard)
    #expect(session.transcript(of: "parse_json('[' * 100000)").hasPrefix("error: JSON: nested too deeply"))
    let code = "x = []\nfor i in 1..10000 { x = [x] }\nto_json(x)"
    #expect(session.transcript(of: code) == "error: the value is nested too deeply for JSON")
  }

  /// Every built-in that takes a path, found by its signature.
  @Test func filesCanBeForbidden() {
    let samples = [
      "string": "\"/tmp\"", "tensor": "zeros([1, 4, 4])", "model": "mlp(hidden=[2])", "function": "x => x",
      "figure": "plot([1])",
    ]
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
