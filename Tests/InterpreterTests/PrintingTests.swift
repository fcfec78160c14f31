import Interpreter
import Testing

@Suite struct PrintingTests {
  @Test func listOfRecordsIsATable() {
    #expect(
      run("[{attack: \"none\", acc: 0.9125, n: 400}, {attack: \"pgd\", acc: 0.25, n: none}]") == """
        attack     acc     n
        none    0.9125   400
        pgd     0.2500  none
        """)
  }

  @Test func tableWithMissingFieldsAndWideColumns() {
    #expect(run("[{a: 1}, {b: \"x\"}]") == "a  b\n1\n   x")
    let session = Session(table: .core)
    session.printing.width = 10
    let text = lines(session.run(Source(name: "t", text: "[{aaaa: 1, bbbb: 2, cccc: 3}]")), session)
    #expect(text == "aaaa  bbbb\n   1     2\n… 1 row × 3 columns; not shown: cccc")
  }

  @Test func longListsAreCutAndWrapped() {
    let session = Session(table: .core)
    session.printing.items = 5
    #expect(lines(session.run(Source(name: "t", text: "list(1..9)")), session) == "[1, 2, 3, 4, 5, … 4 more]")
    session.printing = PrintOptions()
    session.printing.width = 12
    #expect(lines(session.run(Source(name: "t", text: "list(1..9)")), session) == "[1, 2, 3, 4,\n 5, 6, 7, 8,\n 9]")
  }

  @Test func ofATallTableTheEndsAreShown() {
    let session = Session(table: .core)
    session.printing.height = 8
    #expect(
      lines(session.run(Source(name: "t", text: "[{i: i, s: \"a\\u{1b}[31m\\tb\"} for i in 0..20]")), session) == """
         i  s
         0  a\\u{1b}[31m\\tb
         1  a\\u{1b}[31m\\tb
         2  a\\u{1b}[31m\\tb
         …  …
        19  a\\u{1b}[31m\\tb
        20  a\\u{1b}[31m\\tb
        … 21 rows × 2 columns
        """)
  }

  @Test func aLongRecordHasALineForEachField() {
    let session = Session(table: .core)
    session.printing.width = 40
    let source = """
      {method: "trades", epochs: [{epoch: i, loss: 1 / (i + 3)} for i in 0..1], seconds: 2.2990580596923826}
      """
    #expect(
      lines(session.run(Source(name: "t", text: source)), session) == """
        method:  "trades"
        epochs:
          epoch    loss
              0  0.3333
              1  0.2500
        seconds: 2.29906
        """)
  }

  @Test func noControlCharacterOfDataIsWritten() {
    for value in Array(UInt32(0)...0x1F) + Array(0x7F...0x9F) {
      let session = Session(table: .core)
      let text = lines(
        session.run(Source(name: "t", text: "c = \"\\u{\(String(value, radix: 16))}\"; [{a: c}, {a: \"{c}b\"}]")),
        session)
      let list = lines(session.run(Source(name: "t", text: "[c, {a: c}]")), session)
      for scalar in (text + list).unicodeScalars where scalar != "\n" {
        #expect(scalar.properties.generalCategory != .control, "U+\(String(value, radix: 16))")
      }
    }
  }

  @Test(arguments: [
    ("[\"a\\\"b\", \"x\\n\"]", "[\"a\\\"b\", \"x\\n\"]"), ("[\"{{x}}\"]", "[\"{{x}}\"]"),
    ("{a: none, \"1x\": true}", "{a: none, \"1x\": true}"),
    ("[1.0, 0.1, 1e300, inf, nan]", "[1.0, 0.1, 1e+300, inf, nan]"), ("[x => x]", "[<function>]"),
    ("[len]", "[<function len>]"), ("1..10 by 2", "1..10 by 2"), ("\"plain\"", "plain"),
  ])
  func short(_ source: String, _ expected: String) { #expect(run(source) == expected) }
}
