import Builtins
import Foundation
import LongCalls
import TestSupport
import Testing

/// Ctrl-C at any moment, as a key of a real terminal: whatever runs ends, no interrupt is lost, and all variables stay.
@Suite(.serialized) struct StoppingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A prompt that has taken a text as one paste.
  private func start(_ text: String) throws -> PseudoTerminal {
    let terminal = try PseudoTerminal(home: URL(filePath: folder.path))
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("\u{1B}[200~\(text)\u{1B}[201~\n")
    #expect(terminal.wait(for: "\nltd> ") != nil)
    return terminal
  }

  /// Every built-in that can take long, again and again, until a Ctrl-C at a random moment.
  @Test func everyBuiltinStopsAtThePrompt() throws {
    var random = SystemRandomNumberGenerator()
    let sums = "[sum(t), sum(i), sum(square), sum(rows), sum(xs), len(texts), len(s), len(r), len(train), len(test)]"
    let terminal = try start(LongCalls.variables)
    #expect(terminal.enter("before = \(sums)", expecting: "ltd> ") != nil)
    for (name, call) in LongCalls.all(of: .standard) {
      let call = try #require(call, "\(name)")
      terminal.type("print(\"go\", \"\(name)\", sep=\"-\"); while true { result = \(call) }\n")
      #expect(terminal.wait(for: "\ngo-\(name)\n") != nil, "\(name)")
      terminal.pass(seconds: .random(in: 0...0.1, using: &random))
      terminal.interrupt()
      guard terminal.wait(for: "\nltd> ") != nil else {
        Issue.record("\(call) was not stopped: \(terminal.shown.suffix(500))")
        return
      }
    }
    #expect(terminal.enter("before == \(sums)", expecting: "true\nltd> ") != nil)
  }

  /// A Ctrl-C that comes while a line is taken, begun or ended is one to the line or to its run, never nothing.
  @Test func noInterruptIsLost() throws {
    var random = SystemRandomNumberGenerator()
    let terminal = try start("kept = 11")
    for round in 0..<150 {
      terminal.type("while true { }\n")
      if round % 3 > 0 { terminal.pass(seconds: .random(in: 0...0.01, using: &random)) }
      terminal.interrupt()
      guard terminal.wait(for: "\nltd> ") != nil else {
        Issue.record("round \(round): nothing was interrupted: \(terminal.shown.suffix(500))")
        return
      }
    }
    #expect(terminal.enter("kept * 2", expecting: "22\nltd> ") != nil)
  }
}
