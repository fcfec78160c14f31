import Foundation
import TestSupport
import Testing

/// The dashboard of a training, at a terminal.
@Suite(.serialized)
struct DashboardTests {
  let home: URL

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "ltd-dashboard-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
  }

  private func start(
    _ arguments: [String] = [], columns: Int = 100, rows: Int = 40, variables: [String: String] = [:]
  ) throws -> PseudoTerminal {
    let terminal = try PseudoTerminal(arguments, home: home, columns: columns, rows: rows, variables: variables)
    if arguments.isEmpty {
      try #require(terminal.wait(for: "ltd> ") != nil)
      try #require(
        terminal.enter("train, test = glyphs(n=2000, seed=1); model = smallcnn(width=4);", expecting: "ltd> ") != nil)
    }
    return terminal
  }

  private static let keys = "q stop and keep   d one line"

  /// Starts a training that does not end by itself and waits for its dashboard.
  private func train(
    _ terminal: PseudoTerminal, _ arguments: String = "",
    method: String = "method=pgd_at(), attack=pgd(eps=0.1, steps=1), "
  ) throws {
    terminal.type("report = fit(model, train, \(method)epochs=100000\(arguments))\n")
    try #require(terminal.see(Self.keys), "\(terminal.shown)")
  }

  @Test func itShowsTheRunAndLeavesTheLines() throws {
    let terminal = try start()
    try train(terminal)
    #expect(terminal.see("epoch 1/100000  loss"))
    #expect(terminal.see("images/s") && terminal.see("worst class") && terminal.see(" robust") && terminal.see("▀▀▀▀"))
    #expect(terminal.see("loss ") && terminal.see("natural ") && terminal.see("memory ") && terminal.see("lr 0.01"))
    #expect(
      terminal.wait { screen in screen.text(from: 0).unicodeScalars.contains { (0x2801...0x28FF).contains($0.value) } })
    #expect(!terminal.screen.isCursorShown)
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted: the model keeps what it learned") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    // Nothing of it is left but the lines of the epochs.
    #expect(terminal.seeNo(Self.keys) && terminal.seeNo("images/s") && terminal.seeNo("▀") && terminal.seeNo("⠉"))
    #expect(terminal.screen.isCursorShown && terminal.screen.unknown.isEmpty, "\(terminal.screen.unknown)")
    #expect(terminal.enter("report.interrupted", expecting: "true\nltd> ") != nil)
  }

  @Test func pPausesAndContinues() throws {
    let terminal = try start()
    try train(terminal, method: "")
    terminal.type("p")
    #expect(terminal.see("paused   p continues"))
    // While it waits no epoch ends; keys are answered all the same.
    terminal.type("s")
    #expect(terminal.see("not saved: this run has no folder of checkpoints"))
    let before = terminal.shown.components(separatedBy: "\nepoch ").count
    terminal.type("d")
    #expect(terminal.seeNo("images/s") && terminal.see("paused   p continues"))
    terminal.type("d")
    #expect(terminal.see("images/s"))
    #expect(terminal.shown.components(separatedBy: "\nepoch ").count == before)
    terminal.type("p")
    #expect(
      terminal.seeNo("paused") && terminal.wait { $0.text(from: 0).components(separatedBy: "\nepoch ").count > before })
    // Ctrl-C ends a run that waits.
    terminal.type("p")
    #expect(terminal.see("paused   p continues"))
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted: the model keeps") != nil && terminal.wait(for: "ltd> ") != nil)
  }

  @Test func sSavesACheckpointAndLChangesTheRate() throws {
    let terminal = try start()
    let folder = home.appending(path: "run").path
    try train(terminal, ", every=1000000, checkpoint=\"\(folder)\"", method: "")
    terminal.type("s")
    #expect(terminal.see("saved: step-"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).contains { $0.hasSuffix(".safetensors") })
    terminal.type("l")
    #expect(terminal.see("learning rate, now 0.01: _"))
    terminal.type("-3\n")
    #expect(terminal.see("not changed: a learning rate must be above 0 and finite, not -3"))
    terminal.type("l")
    terminal.type("0.02\n")
    #expect(
      terminal.see("the learning rate was set to 0.02 by hand after step") && terminal.see("lr 0.02"),
      "\(terminal.shown)")
    terminal.type("q")
    #expect(terminal.wait(for: "stopped: the model keeps what it learned") != nil && terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("report.interrupted and report.rate_changes[0].lr == 0.02", expecting: "true\nltd> ") != nil)
    #expect(terminal.enter("report.warnings[0]", expecting: "by hand after step") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    // The same call continues with that rate, and says so.
    terminal.type("report = fit(model, train, epochs=100000, every=1000000, checkpoint=\"\(folder)\")\n")
    #expect(terminal.wait(for: "and stays that, not lr=0.01") != nil)
    #expect(terminal.see("lr 0.02"))
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted") != nil && terminal.wait(for: "ltd> ") != nil)
  }

  /// q ends the training and not the program; Ctrl-C ends both.
  @Test func qStopsAndWhatFollowsRuns() throws {
    let terminal = try start()
    terminal.type("report = fit(model, train, epochs=100000); print(\"af\" + \"ter\", report.interrupted)\n")
    try #require(terminal.see(Self.keys))
    terminal.type("q")
    #expect(terminal.wait(for: "stopped: the model keeps") != nil)
    #expect(terminal.wait(for: "after true\nltd> ") != nil)
    terminal.type("report = fit(model, train, epochs=100000); print(\"then \" + \"not\")\n")
    try #require(terminal.see(Self.keys))
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted") != nil)
    let rest = try #require(terminal.wait(for: "ltd> "))
    #expect(!rest.contains("then not"))
  }

  @Test func whatIsTypedAheadReachesThePrompt() throws {
    let terminal = try start()
    try train(terminal, method: "")
    terminal.type("6 * p")
    #expect(terminal.see("for the next prompt: 6 * p_"))
    terminal.type("\u{1B}")
    #expect(terminal.see("what was typed is dropped"))
    // A paste whose first letter is a key.
    terminal.type("print(7000 + 77)\n")
    #expect(terminal.see("for the next prompt: print(7000 + 77)⏎_"))
    terminal.type("\u{7F}")
    #expect(terminal.see("for the next prompt: print(7000 + 77)_"))
    terminal.type("\n")
    #expect(terminal.see("for the next prompt: print(7000 + 77)⏎_"))
    terminal.interrupt()
    #expect(terminal.wait(for: "typed while fit ran, and dropped: \"print(7000 + 77)\\n\"") != nil)
    #expect(terminal.wait(for: "interrupted") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    // At the end of a run it is at the prompt.
    terminal.type("report = fit(model, train, epochs=8)\n")
    try #require(terminal.see(Self.keys))
    terminal.type("print(7000 + 77)\n")
    #expect(terminal.wait(for: "7077\nltd> ") != nil)
  }

  @Test func ctrlZStopsAndComesBack() throws {
    let script = home.appending(path: "shell.sh")
    let lines = [
      "set -m", "\"$LTD\" -e \"$PROGRAM\"", "stty -a | grep -o -- '-*icanon'", "echo it is stopped", "fg",
      "stty -a | grep -o -- '-*icanon'", "echo it has ended",
    ]
    try lines.joined(separator: "\n").write(to: script, atomically: true, encoding: .utf8)
    let program = "train, test = glyphs(n=2000); fit(smallcnn(width=4), train, epochs=100000).steps > 0"
    let terminal = try PseudoTerminal(
      [script.path], home: home, variables: ["LTD": BuiltProgram.path, "PROGRAM": program], program: "/bin/bash")
    try #require(terminal.see(Self.keys), "\(terminal.shown)")
    terminal.type("\u{1A}")
    #expect(terminal.wait(for: "icanon\nit is stopped\n") != nil, "\(terminal.shown)")
    #expect(terminal.see(Self.keys) && !terminal.screen.isCursorShown)
    terminal.type("q")
    #expect(terminal.wait(for: "stopped: the model keeps") != nil)
    #expect(terminal.wait(for: "true\n") != nil)
    #expect(!terminal.shown.contains("-icanon"))
    #expect(terminal.wait(for: "icanon\nit has ended") != nil, "\(terminal.shown)")
  }

  /// However the process ends, the terminal is as it was.
  @Test(arguments: [SIGTERM, SIGHUP, SIGABRT, SIGSEGV])
  func theTerminalIsPutBackWhenTheProcessEnds(_ number: Int32) throws {
    // Swift's own handler of crashes would wait for keys of its own.
    let terminal = try start(
      ["-e", "train, test = glyphs(n=2000); fit(smallcnn(width=4), train, epochs=100000)"],
      variables: ["SWIFT_BACKTRACE": "enable=no"])
    try #require(terminal.see(Self.keys), "\(terminal.shown)")
    #expect(!terminal.gathersLines)
    terminal.signal(number)
    // A script that is told to stop keeps what it has and says so.
    #expect(terminal.end() == (number == SIGTERM ? 76 : -1))
    #expect(terminal.gathersLines && terminal.screen.isCursorShown)
    #expect(!terminal.shown.contains(Self.keys))
  }

  @Test func atThePromptASignalSavesAndPutsBack() throws {
    let terminal = try start()
    try train(terminal, method: "")
    terminal.signal(SIGTERM)
    #expect(terminal.wait(for: "the session is saved") != nil)
    #expect(terminal.end() == -1)
    #expect(terminal.gathersLines && terminal.screen.isCursorShown)
  }

  @Test func anErrorPutsTheTerminalBack() throws {
    let terminal = try start()
    #expect(
      terminal.enter(
        "n = 0; fn loss(step) { outer n = n + 1; if n > 60 { error(\"enough\") }; cross_entropy(step.forward(step.images), step.labels) }",
        expecting: "ltd> ") != nil)
    terminal.type("fit(model, train, method=method(\"mine\", loss), epochs=100000)\n")
    try #require(terminal.see(Self.keys), "\(terminal.shown)")
    #expect(terminal.wait(for: "enough") != nil && terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.seeNo(Self.keys) && terminal.screen.isCursorShown)
    #expect(terminal.enter("6 * 7", expecting: "42\nltd> ") != nil)
  }

  /// One line where there is no room or no colour for more, as for all other work.
  @Test(
    arguments: [
      (50, 40, [:]), (100, 12, [:]), (100, 40, ["NO_COLOR": "1"]),
    ] as [(Int, Int, [String: String])])
  func elsewhereThereIsALine(_ columns: Int, _ rows: Int, _ variables: [String: String]) throws {
    let terminal = try start(columns: columns, rows: rows, variables: variables)
    terminal.type("fit(model, train, epochs=100000)\n")
    #expect(terminal.wait(for: "fit epoch ") != nil)
    #expect(terminal.wait(for: "epoch 4/") != nil)
    #expect(!terminal.shown.contains("images/s"))
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted") != nil && terminal.wait(for: "ltd> ") != nil)
  }

  @Test func resizesWhileItRuns() throws {
    let terminal = try start()
    try train(terminal)
    for (columns, rows) in [(70, 30), (50, 20), (120, 45), (100, 14), (100, 40)] {
      terminal.resize(columns: columns, rows: rows)
      if columns >= 60, rows >= 16 {
        #expect(terminal.see("images/s"), "\(columns) × \(rows)")
      } else {
        #expect(terminal.seeNo("images/s"), "\(columns) × \(rows)")
      }
    }
    terminal.type("q")
    #expect(terminal.wait(for: "stopped: ") != nil && terminal.wait(for: "ltd> ") != nil)
  }
}
