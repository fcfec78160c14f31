import Builtins
import Foundation
import Help
import TestSupport
import Testing

/// Completion and the hint of a call at every place of texts: nothing traps, nothing of the session changes, and what is
/// replaced is there.
@Suite struct CompletionFuzzTests {
  private let session: Session
  private let completer: Completer

  init() {
    session = .withLibrary()
    _ = session.run(
      Source(name: "test", text: "net = mlp(hidden=[4]); train, test = glyphs(n=8); rows = [{a: 1, b: {c: 2}}]; x = 3"))
    completer = Completer(
      session: session, commands: [CommandPage("time", "", ""), CommandPage("load", "", "", takes: .file)])
  }

  private func tryAll(_ text: String, each step: Int = 1) {
    let bytes = text.utf8.count
    for cursor in stride(from: -1, through: bytes + 1, by: step) {
      let completion = completer.complete(text, cursor: cursor)
      #expect(completion.replaced >= 0 && completion.replaced <= min(max(0, cursor), bytes), "\(text) at \(cursor)")
      if let hint = completer.hint(text, cursor: cursor), let current = hint.current {
        #expect(hint.arguments.indices.contains(current), "\(text) at \(cursor)")
      }
    }
  }

  @Test func examplesOfThePages() {
    let names = session.variables.map(\.name)
    for page in session.pages.prefix(400) { for example in page.examples.prefix(1) { tryAll(example.code, each: 5) } }
    #expect(session.variables.map(\.name) == names)
  }

  @Test func textsAtRandom() {
    let parts = [
      "net", ".", "(", ")", "[", "]", "{", "}", "\"", "'", ",", "=", "fit", "pgd", "rows", "test", "images", " ", "\n",
      "|>",
      "0", "1.5", "-", "τ", "字", "é", "#", "import ", ":time ", "?", "..", "=>", "fn f(x) ", "*", "**", "\\", "{x:",
      "a", "eps=", "method=",
    ]
    var random = SystemRandomNumberGenerator()
    for _ in 0..<400 {
      let text = (0..<Int.random(in: 1...14, using: &random)).map { _ in parts.randomElement() ?? "" }.joined()
      tryAll(text)
    }
  }

  @Test func deepNesting() {
    for open in ["(", "[", "{a: ", "f(", "x[", "-"] {
      let text = String(repeating: open, count: 5000)
      _ = completer.complete(text + "x.", cursor: text.utf8.count + 2)
      _ = completer.hint(text + "pgd(", cursor: text.utf8.count + 4)
    }
    let chain = "x" + String(repeating: ".a(1)", count: 3000)
    _ = completer.complete(chain + ".", cursor: chain.utf8.count + 1)
  }
}
