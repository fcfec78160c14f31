import Base
import Foundation
import FoundationXML
import HostSupport
import Interpreter
import TestSupport
import Testing

@testable import Builtins
@testable import Drawing

/// Whatever is plotted or shown, in whatever window: a picture that keeps to it, or an error that says what is wrong.
@Suite struct PlotFuzzTests {
  private static let widths = [3, 4, 7, 11, 12, 13, 23, 40, 80, 250]
  private static let odd: [Double] = [
    .nan, .infinity, -.infinity, 0, -0.0, 1, -1, 1e308, -1e308, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1e15,
    0.1, 42, 1e-12, 3, 2, 5,
  ]
  private static let words = [
    "", "a", "acc", "acc_low", "acc_high", "low", "high", "日本語", "e\u{301}", "\u{1B}[31mred", "a\nb\tc",
    "\u{7}\u{9B}5m",
    String(repeating: "long ", count: 60), "\u{202E}x", "👩‍👩‍👧", "&<>\"'", "T", "epoch", "loss",
  ]

  private struct Dice {
    var state: UInt64
    mutating func roll(_ bound: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Int((z ^ (z >> 31)) % UInt64(bound))
    }
    mutating func pick<Item>(_ items: [Item]) -> Item { items[roll(items.count)] }
  }

  /// A line without the sequences of colours; nil where anything else is in it that a terminal would obey.
  private func plain(_ line: Substring) -> String? {
    var plain = ""
    var rest = line.unicodeScalars[...]
    while let scalar = rest.first {
      rest = rest.dropFirst()
      if scalar == "\u{1B}" {
        guard rest.first == "[", let end = rest.firstIndex(where: { ("@"..."~").contains($0) && $0 != "[" }),
          rest[end] == "m"
        else { return nil }
        rest = rest[rest.index(after: end)...]
      } else if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
      {
        return nil
      } else {
        plain.unicodeScalars.append(scalar)
      }
    }
    return plain
  }

  private func columns(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + Words.width($1) } }

  private func check(_ value: Value, _ what: String, files: Bool) throws {
    guard let object = value.asObject as? FigureObject else {
      Issue.record("\(what) is no figure")
      return
    }
    var options = PrintOptions()
    for width in Self.widths {
      for (rows, colours) in [(2, .full), (6, .none), (24, .indexed)] as [(Int, PictureLook.Colours)] {
        (options.width, options.look.rows, options.look.colours) = (width, rows, colours)
        let text = value.text(options)
        #expect(!text.hasPrefix("<figure"), "\(what): not drawn")
        for line in text.split(separator: "\n") {
          guard let plain = plain(line) else {
            Issue.record("\(what), \(width) columns: a control character in \(line.debugDescription)")
            continue
          }
          #expect(columns(plain) <= width, "\(what), \(width) columns: \(plain)")
          if colours == .none { #expect(!line.contains("\u{1B}"), "\(what)") }
        }
      }
    }
    _ = object.shortText(options)
    guard files else { return }
    if let svg = try file(object.figure, .svg) {
      let isXML = XMLParser(data: Data(svg)).parse()
      #expect(isXML, "\(what): an SVG that is no XML")
    }
    for (format, begin) in [(.png, [0x89, 0x50]), (.pdf, Array("%PDF".utf8))] as [(PictureFormat, [UInt8])] {
      if let bytes = try file(object.figure, format) { #expect(bytes.starts(with: begin), "\(what)") }
    }
  }

  /// The file of a figure; nil where it would be too large.
  private func file(_ figure: Figure, _ format: PictureFormat) throws -> [UInt8]? {
    do { return try figure.file(format, width: 300, height: 120, scale: 1) } catch {
      if error.kind == .memory { return nil }
      throw error
    }
  }

  /// - Returns: whether there was a picture.
  @discardableResult
  private func run(_ session: Session, _ code: String, files: Bool) throws -> Bool {
    switch session.run(Source(name: "fuzz", text: code)) {
    case .value(let value, _):
      try check(value, code, files: files)
      return true
    case .failure(let diagnostics):
      #expect(diagnostics.first.map { !$0.message.isEmpty && $0.kind != .interrupted } ?? false, "\(code)")
      return false
    case .exit: return false
    }
  }

  @Test func randomTables() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var dice = Dice(state: seed)
    let session = Session(table: .standard, host: TestHost())
    var drawn = 0
    for round in 0..<400 {
      let names = (0..<1 + dice.roll(5)).map { _ in dice.pick(Self.words) }
      let rows = dice.pick([0, 1, 2, 3, 9, 70])
      let isNamed = dice.roll(3) == 0
      var table: [Value] = []
      for row in 0..<rows {
        var fields: [(String, Value)] = []
        for (index, name) in names.enumerated() where !fields.contains(where: { $0.0 == name }) && dice.roll(40) > 0 {
          let value: Value =
            index == 0 && isNamed
            ? Value(dice.roll(4) == 0 ? dice.pick(Self.words) : "row \(row)")
            : index == 0 && dice.roll(2) == 0
              ? Value(row) : dice.roll(12) == 0 ? .none : Value(dice.pick(Self.odd))
          fields.append((name, value))
        }
        table.append(Value(fields: fields))
      }
      session["rows"] = Value(table)
      session["names"] = Value(names)
      var arguments: [String] = []
      func name() -> String { "names[\(dice.roll(names.count))]" }
      for argument in ["x", "y", "by", "error", "value"] where dice.roll(5) == 0 {
        arguments.append("\(argument)=\(name())")
      }
      if dice.roll(2) == 0 {
        arguments.append("kind=\"\(dice.pick(["line", "points", "bars", "histogram", "heat"]))\"")
      }
      for argument in ["log_x", "log_y"] where dice.roll(5) == 0 { arguments.append("\(argument)=true") }
      for argument in ["title", "x_label", "y_label"] where dice.roll(4) == 0 {
        session[argument] = Value(dice.pick(Self.words))
        arguments.append("\(argument)=\(argument)")
      }
      if dice.roll(8) == 0 { arguments.append("bins=\(dice.pick([0, 1, 7, 1000]))") }
      let code = (["plot(rows"] + arguments).joined(separator: ", ") + ")"
      if try run(session, code, files: round % 8 == 0) { drawn += 1 }
    }
    #expect(drawn > 60, "seed \(seed): only \(drawn) of 400 were drawn")
  }

  @Test func randomNumbersAndImages() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var dice = Dice(state: seed)
    let session = Session(table: .standard, host: TestHost())
    var drawn = 0
    for round in 0..<300 {
      let shape = (0..<dice.roll(6)).map { _ in dice.pick([0, 1, 1, 2, 3, 3, 4, 17, 40]) }
      let count = shape.reduce(1, *)
      if count > 20_000 { continue }
      let edge = dice.roll(3) == 0
      session["numbers"] = Value((0..<count).map { _ in edge ? dice.pick(Self.odd) : Double(dice.roll(1000)) / 1000 })
      let kind = dice.pick(["plot", "show", "compare"])
      let tensor = "reshape(tensor(numbers), \(shape))"
      var code = "\(kind)(\(tensor)"
      switch kind {
      case "plot":
        if dice.roll(2) == 0 { code += ", kind=\"\(dice.pick(["line", "points", "bars", "histogram", "heat"]))\"" }
        for argument in ["log_x", "log_y"] where dice.roll(5) == 0 { code += ", \(argument)=true" }
      case "show":
        if dice.roll(3) == 0, let n = shape.first, shape.count == 4 {
          code += ", labels=softmax(randn([\(n), 3], seed=1), axis=1)"
        }
        if dice.roll(3) == 0 { code += ", columns=\(dice.pick([1, 3, 40]))" }
        if dice.roll(3) == 0 { code += ", names=[\"a\\u{1B}b\", \"日本\", \"\(String(repeating: "w", count: 50))\"]" }
      default: code += ", \(tensor) + 0.1"
      }
      if try run(session, code + ")", files: round % 6 == 0) { drawn += 1 }
    }
    #expect(drawn > 30, "seed \(seed): only \(drawn) were drawn")
  }

  @Test func aMillionRows() throws {
    let session = Session(table: .standard, host: TestHost())
    for line in [
      "n = 1000000; y = randn([n], seed=1)", "table = {x: range(n), y: y, low: y - 1, high: y + 1}",
    ] {
      guard case .value = session.run(Source(name: "fuzz", text: line)) else {
        Issue.record("\(line)")
        return
      }
    }
    for code in [
      "plot(y)", "plot(table, x=\"x\", y=\"y\")",
      "plot(table, x=\"x\", y=\"y\", kind=\"points\", error=[\"low\", \"high\"])",
      "plot(y, kind=\"histogram\")", "plot(reshape(y, [1000, 1000]))", "plot(exp(y), log_y=true)",
    ] {
      guard case .value(let value, _) = session.run(Source(name: "fuzz", text: code)) else {
        Issue.record("\(code)")
        continue
      }
      var options = PrintOptions()
      options.look.rows = 24
      let lines = value.text(options).split(separator: "\n")
      #expect(lines.count > 5 && lines.count < 40 && lines.allSatisfy { columns(String($0)) <= 80 }, "\(code)")
      let figure = try #require(value.asObject as? FigureObject).figure
      #expect(try figure.file(.svg).count < 16 << 20, "\(code): what cannot be told apart is drawn once")
    }
  }
}
