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
    #expect(text == "aaaa  bbbb\n   1     2\n… 1 more columns: cccc")
  }

  @Test func longListsAreCutAndWrapped() {
    let session = Session(table: .core)
    session.printing.items = 5
    #expect(lines(session.run(Source(name: "t", text: "list(1..9)")), session) == "[1, 2, 3, 4, 5, … 4 more]")
    session.printing = PrintOptions()
    session.printing.width = 12
    #expect(lines(session.run(Source(name: "t", text: "list(1..9)")), session) == "[1, 2, 3, 4,\n 5, 6, 7, 8,\n 9]")
  }

  @Test(arguments: [
    ("[\"a\\\"b\", \"x\\n\"]", "[\"a\\\"b\", \"x\\n\"]"), ("[\"{{x}}\"]", "[\"{{x}}\"]"),
    ("{a: none, \"1x\": true}", "{a: none, \"1x\": true}"),
    ("[1.0, 0.1, 1e300, inf, nan]", "[1.0, 0.1, 1e+300, inf, nan]"), ("[x => x]", "[<function>]"),
    ("[len]", "[<function len>]"), ("1..10 by 2", "1..10 by 2"), ("\"plain\"", "plain"),
  ])
  func short(_ source: String, _ expected: String) { #expect(run(source) == expected) }
}
