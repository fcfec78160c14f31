import Console
import Interpreter
import Testing

@Suite
struct EditingTests {
  func reader(_ lines: [String]) -> PlainReader {
    var rest = lines[...]
    return PlainReader(
      support: EditingSupport(isComplete: isComplete, complete: { _, _ in .none }), nextLine: { rest.popFirst() })
  }

  @Test func linesAreJoinedUntilAStatementIsWhole() {
    let reader = reader(["fn f(x) {", "  x", "}", "f(1)"])
    #expect(reader.read(prompt: "") == .statement("fn f(x) {\n  x\n}"))
    #expect(reader.read(prompt: "") == .statement("f(1)"))
    #expect(reader.read(prompt: "") == .end)
  }

  @Test func aBlankLineOrTheEndSubmits() {
    #expect(reader(["[1,", "", "2]"]).read(prompt: "") == .statement("[1,\n"))
    #expect(reader(["[1,"]).read(prompt: "") == .statement("[1,"))
  }

  @Test func promptsAndResultsOfACopiedSessionAreLeftOut() {
    let copied = "ltd> a = [1,\n  2]\nltd> a\n[1, 2]\nltd>\n  >>> a[0]\n1"
    #expect(PastedPrompt.statements(in: copied, isComplete: isComplete) == ["a = [1,\n  2]", "a", "a[0]"])
    #expect(PastedPrompt.statements(in: "a = 1\nltd> b", isComplete: isComplete) == nil)
  }
}
