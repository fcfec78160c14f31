import Console
import Testing

/// Lines of shells and of IPython are answered by the command that does it here; statements are left alone.
@Suite struct PromptHabitsTests {
  private func hint(_ text: String, known: Set<String> = []) -> String? {
    PromptHabits.advice(on: text) { known.contains($0) }?.hint
  }

  @Test(arguments: [
    ("ls", ":ls"), ("ls -la", ":ls"), ("ls data/", ":ls"), ("cd ..", ":cd"), ("cd /tmp", ":cd"), ("cd", ":cd"),
    ("pwd", ":pwd"),
    ("clear", ":clear"), ("history", ":history"), ("whos", ":vars"), ("help", ":help"), ("%who", ":vars"),
    ("%run a.py", ":load"),
    ("%timeit x", ":timeit"), ("%%time", ":time"), ("%nothing_known", ":help"), ("git status", "!git status runs it"),
    ("python train.py", "!python train.py runs it"),
  ])
  func habits(_ text: String, _ command: String) throws {
    let hint = try #require(self.hint(text), "\(text)")
    #expect(hint.hasPrefix(command), "\(text)")
  }

  @Test(arguments: [
    "ls = 3", "clear(1)", "head.x", "history[0]", "cat + 1", "x", "lsd", "fn f(x) {\nls\n}", "%", "who |> f",
    "cd, x = [1, 2]",
  ])
  func statements(_ text: String) { #expect(hint(text) == nil, "\(text)") }

  @Test func namesOfTheSessionGoFirst() {
    #expect(hint("history", known: ["history"]) == nil)
    #expect(hint("ls -la", known: ["ls"]) == nil)
  }
}
