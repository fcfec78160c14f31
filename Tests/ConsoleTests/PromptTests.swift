import Foundation
import Testing

/// The prompt at a terminal.
@Suite(.serialized)
struct PromptTests {
  let home: URL

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "ltd-prompt-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
  }

  func start(_ arguments: [String] = [], columns: Int = 100, variables: [String: String] = [:]) throws -> PseudoTerminal
  {
    let terminal = try PseudoTerminal(arguments, home: home, columns: columns, variables: variables)
    try #require(terminal.wait(for: "ltd> ") != nil, "no prompt: \(terminal.shown)")
    return terminal
  }

  @Test func valuesAreShownAndKept() throws {
    let terminal = try start()
    #expect(terminal.enter("6 * 7", expecting: "42\nltd> ") != nil)
    #expect(terminal.enter("_ + 1", expecting: "43\nltd> ") != nil)
    #expect(terminal.enter("_2", expecting: "42\nltd> ") != nil)
    #expect(terminal.enter("ans", expecting: "42\nltd> ") != nil)
    let hidden = try #require(terminal.enter("hidden = 977; hidden;", expecting: "ltd> "))
    // What is typed may be drawn twice, by the terminal and by the editor; a value has a line of its own.
    let lines = hidden.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(!lines.contains("977"), "only what was typed: \(hidden)")
    #expect(terminal.enter("hidden", expecting: "977\nltd> ") != nil)
    terminal.type("\u{4}")
    #expect(terminal.end() == 0)
  }

  /// Ctrl-D that is typed while a statement runs ends the session after it, with what was typed before it done.
  @Test func theEndMayBeTypedAhead() throws {
    let terminal = try start()
    #expect(terminal.enter("print(\"g\" + \"o!\"); for _ in range(2000000) {}", expecting: "go!") != nil)
    terminal.type("print(\"do\" + \"ne\")\r\u{4}")
    #expect(terminal.wait(for: "done") != nil)
    #expect(terminal.end() == 0)
  }

  /// What was typed ahead before a statement began comes before what is typed while it runs.
  @Test func whatIsTypedAheadKeepsItsOrder() throws {
    let terminal = try start()
    terminal.type("print(\"g\" + \"o!\"); for _ in range(2000000) {}\rprint(\"fi\" + \"rst\")\r")
    #expect(terminal.wait(for: "go!") != nil)
    terminal.type("print(\"sec\" + \"ond\")\r\u{4}")
    #expect(terminal.wait(for: "first") != nil)
    #expect(terminal.wait(for: "second") != nil)
    #expect(terminal.end() == 0)
  }

  @Test func helpOnExpressionsAndExamplesToTry() throws {
    let terminal = try start()
    #expect(terminal.enter("pgd", expecting: "-> attack\n  ") != nil)
    #expect(terminal.enter("x = ones([2]);", expecting: "ltd> ") != nil)
    #expect(terminal.enter("x.shape?", expecting: "list[int]") != nil)
    #expect(terminal.enter("pgd()?", expecting: "pgd() is of the type attack") != nil)
    #expect(terminal.enter("ls -la", expecting: ":ls lists a folder") != nil)
    #expect(terminal.enter("cd ..", expecting: ":cd folder works in another folder") != nil)
    #expect(terminal.enter("!true", expecting: "not true") != nil)
    #expect(terminal.enter("?sum", expecting: ":try! runs it") != nil)
    #expect(terminal.enter(":try 99", expecting: "there is no example 99") != nil)
    #expect(terminal.enter(":try!", expecting: "6.5\nltd> ") != nil)
    #expect(terminal.enter(":try 2!", expecting: "3\nltd> ") != nil)
    #expect(terminal.enter(":reset!", expecting: "there is no command :reset!") != nil)
    terminal.type("\u{4}")
    #expect(terminal.end() == 0)
  }

  @Test func statementsOfSeveralLinesAreRecalledWhole() throws {
    let terminal = try start()
    terminal.type("fn twice(x) {\n")
    terminal.type("x * 2\n")
    terminal.type("}\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("twice(21)", expecting: "42\nltd> ") != nil)
    terminal.type("\u{10}\u{10}")  // the definition, as one entry
    #expect(terminal.wait(for: "x * 2") != nil)
    terminal.type("\u{1B}[A\u{1B}[A")  // to its first line
    terminal.type("\u{5}\n")  // Enter runs it from any line
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("twice(4)", expecting: "8\nltd> ") != nil)
  }

  @Test func helpKnowsModulesWordsAndTheTour() throws {
    let terminal = try start()
    #expect(terminal.enter("?tables", expecting: "tables.pivot") != nil)
    #expect(terminal.enter("?tables.where", expecting: "tables.where(rows: list") != nil)
    #expect(terminal.enter("??crosstab", expecting: "tables.pivot") != nil)
    #expect(terminal.enter("?while", expecting: "Conditions and loops") != nil)
    #expect(terminal.enter("?tour", expecting: "First steps") != nil)
    #expect(terminal.enter("pivot([])", expecting: "import tables, then tables.pivot") != nil)
    #expect(terminal.enter("tables.pivot([])", expecting: "import tables") != nil)
    #expect(terminal.enter("statistics.median([1])", expecting: "import statistics") != nil)
  }

  @Test func errorsPointToTheirPageOnce() throws {
    let terminal = try start()
    #expect(terminal.enter("1 / 0", expecting: "(?E-numeric explains this kind of error)") != nil)
    let again = try #require(terminal.enter("2 / 0", expecting: "ltd> "))
    #expect(!again.contains("explains this kind"))
    #expect(terminal.enter("?E-numeric", expecting: "check_finite(true)") != nil)
    #expect(terminal.enter("?E-shpe", expecting: "did you mean ?E-shape?") != nil)
  }

  @Test func anEntryMayGoOnFromTheLastValue() throws {
    let terminal = try start()
    #expect(terminal.enter("[16, 81]", expecting: "[16, 81]\nltd> ") != nil)
    #expect(terminal.enter("|> map(sqrt)", expecting: "[4.0, 9.0]\nltd> ") != nil)
    #expect(terminal.enter(".sum()", expecting: "13.0\nltd> ") != nil)
  }

  @Test func anInterruptedSweepKeepsItsRows() throws {
    let terminal = try start()
    #expect(terminal.enter("import grids", expecting: "ltd> ") != nil)
    terminal.type(
      "rows = grids.sweep(T=[1, 2, 3], T => { if T == 3 { print(\"third\", 300 + T); while true { } }; T * 10 })\n")
    #expect(terminal.wait(for: "third 303") != nil)
    terminal.type("\u{3}")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("[r.value for r in rows]", expecting: "[10, 20]\nltd> ") != nil)
  }

  @Test func aBlankLineRunsWhatIsNotWhole() throws {
    let terminal = try start()
    terminal.type("[1, 2,\n\n")
    #expect(terminal.wait(for: "error") != nil)
    #expect(terminal.enter("3 + 4", expecting: "7\nltd> ") != nil)
  }

  @Test func aPasteRunsOnce() throws {
    let terminal = try start()
    terminal.type("\u{1B}[200~total = 0\nfor i in 1..4 {\n  total = total + i\n}\ntotal\u{1B}[201~")
    #expect(terminal.wait(for: "\n  ·  total") != nil)
    terminal.type("\n")
    #expect(terminal.wait(for: "10\nltd> ") != nil)
  }

  @Test func aPasteOfThreeThousandLinesRuns() throws {
    let terminal = try start()
    let lines = (1...3000).map { "x\($0 % 7) = \($0)" }.joined(separator: "\n")
    terminal.type("\u{1B}[200~\(lines)\nx3 + 1000000\u{1B}[201~\n")
    #expect(terminal.wait(for: "1002999\nltd> ") != nil)
  }

  @Test func promptsInAPasteAreLeftOut() throws {
    let terminal = try start()
    terminal.type("\u{1B}[200~ltd> a = 5\nltd> a * 3\n15\nltd> fn f(x) {\n  x + a\n}\nltd> f(100)\u{1B}[201~\n")
    #expect(terminal.wait(for: "15\n105\nltd> ") != nil)
  }

  @Test func controlCDropsWhatIsTyped() throws {
    let terminal = try start()
    terminal.type("kept = 11\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("1 + (2 +")
    #expect(terminal.wait(for: "(2 +") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("kept * 2", expecting: "22\nltd> ") != nil)
    terminal.type("\u{10}\u{10} + 1\nkept\n")  // a cancelled statement is not in the history
    #expect(terminal.wait(for: "12\nltd> ") != nil)
  }

  @Test func controlCStopsALoopAndKeepsTheVariables() throws {
    let terminal = try start()
    terminal.type("n = 0\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    // The loop says itself that it runs: a Ctrl-C before that is still a key of the editor.
    terminal.type("while true { n += 1; if n == 1 { print(\"run\" + \"ning\") } }\n")
    #expect(terminal.wait(for: "running\n") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("n > 0", expecting: "true\nltd> ") != nil)
    terminal.type("n = 0; while true { n += 1; if n == 1 { print(\"ag\" + \"ain\") } }\n")
    #expect(terminal.wait(for: "again\n") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted") != nil, "once is not for ever")
  }

  @Test func controlCStopsTrainingAndKeepsTheModel() throws {
    let terminal = try start()
    terminal.type("train, test = glyphs(n=400, seed=1); model = mlp(hidden=[16])\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("fit(model, train, epochs=100000)\n")
    #expect(terminal.wait(for: "loss") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("len(train) > 0", expecting: "true\nltd> ") != nil)
    #expect(terminal.enter("accuracy(model, test) >= 0", expecting: "true\nltd> ") != nil)
  }

  @Test func controlCStopsEndlessOutput() throws {
    let terminal = try start()
    terminal.type("while true { print(\"a line of output\") }\n")
    #expect(terminal.wait(for: "a line of output\na line of output\n") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("1 + 1", expecting: "2\nltd> ") != nil)
  }

  /// One built-in or operator is stopped within, says so, and what stands after it does not run.
  @Test(arguments: [
    "y = x @ x", "y = [randn([30000, 1000]) for i in 1..1000]", "s = sort([-i for i in range(2 * 10**7)])",
    "y = grad(w => sum((w @ x) @ x), x)",
  ])
  func controlCStopsWithinABuiltin(_ statement: String) throws {
    let terminal = try start()
    terminal.type("x = ones([6000, 6000]); kept = 11\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("print(\"be\" + \"fore\"); \(statement); print(\"af\" + \"ter\")\n")
    #expect(terminal.wait(for: "before\n") != nil)
    terminal.interrupt()
    let shown = try #require(terminal.wait(for: "interrupted"))
    #expect(!shown.contains("after"))
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("kept * 2", expecting: "22\nltd> ") != nil)
  }

  /// What a paste holds after an interrupted statement is not run either.
  @Test func controlCEndsAPaste() throws {
    let terminal = try start()
    let paste = "ltd> print(\"be\" + \"fore\"); while true { }\nltd> print(\"af\" + \"ter\")"
    terminal.type("\u{1B}[200~\(paste)\u{1B}[201~\n")
    #expect(terminal.wait(for: "before\n") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "interrupted") != nil)
    let shown = try #require(terminal.enter("kept = 11; kept * 2", expecting: "22\nltd> "))
    #expect(!shown.contains("after"))
  }

  @Test func controlCKeepsWhatWasPrinted() throws {
    let terminal = try start()
    terminal.type("print(\"be\" + \"fore\", end=\"|\"); while true { }\n")
    #expect(terminal.wait(for: "while true { }\n") != nil)
    Thread.sleep(forTimeInterval: 0.5)
    terminal.interrupt()
    #expect(terminal.wait(for: "before|") != nil)
    #expect(terminal.wait(for: "interrupted") != nil)
  }

  @Test func controlCEndsAScriptWithItsStatus() throws {
    let file = home.appending(path: "loop.ltd")
    try Data("print(\"on\")\nwhile true { }\n".utf8).write(to: file)
    let terminal = try PseudoTerminal([file.path], home: home)
    #expect(terminal.wait(for: "on\n") != nil)
    terminal.interrupt()
    #expect(terminal.end() == 130)
  }

  @Test func errorsPointAndTheSessionGoesOn() throws {
    let terminal = try start()
    #expect(terminal.enter("foo = 1; fooo + 1", expecting: "foo?") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("2 + 2", expecting: "4\nltd> ") != nil)
  }

  @Test func tabCompletes() throws {
    let terminal = try start()
    terminal.type("temperature_grid = [1, 2]\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("temperature_g\t[1]\n")
    #expect(terminal.wait(for: "temperature_grid[1]\n2\nltd> ") != nil)
    terminal.type("r = {wxalpha: 1, wxalpine: 2}\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("r.wx\t")
    #expect(terminal.see("ltd> r.wxalp") && terminal.see("wxalpha") && terminal.see("wxalpine"))
    terminal.type("\ti\t\n")
    #expect(terminal.wait(for: "r.wxalpine\n2\nltd> ") != nil)
    terminal.type("fn scaled(x, factor=3) { x * factor }\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("scaled(2, fact\t5)\n")
    #expect(terminal.wait(for: "scaled(2, factor=5)\n10\nltd> ") != nil)
  }

  @Test func questionMarksExplain() throws {
    let terminal = try start()
    #expect(terminal.enter("?print", expecting: "print(") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("print?", expecting: "print(") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("??print", expecting: "print") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("?prnt", expecting: "?print") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter(":vrs", expecting: ":vars") != nil)
  }

  @Test(arguments: [
    ("??learning rate", "  fit"), ("??loop", "?conditions"), ("??training loop", "  sgd"), ("??history", ":history"),
    ("??clamp", "clip(x, min"), ("??shape mismatch", "?E-shape"), ("??cat", "concat"), ("??dictionary", "?records"),
    ("?seed", "takes a seed itself"), ("?pivot", "tables.pivot"), ("?clip(x)", "clip(x: tensor"), ("?help", "attacks"),
    ("?model.size", "How many weights are trained."), ("?model", "model.temperature: float"),
    ("?random", "random.shuffled: function"), ("?error", "error.trace: list[record]"),
    ("??seeed", "did you mean ??seed?"),
  ])
  func searchesLeadOn(_ question: String, _ answer: String) throws {
    #expect(try start().enter(question, expecting: answer) != nil)
  }

  @Test func helpFitsANarrowTerminal() throws {
    let terminal = try start(columns: 44)
    for question in ["?fit", "?whatif", "??temperature", "?tables", ":help", "?tour"] {
      let shown = try #require(terminal.enter(question, expecting: "\nltd> "))
      let long = shown.split(whereSeparator: \.isNewline).filter { $0.count > 44 && !$0.hasPrefix("  ltd>") }
      #expect(long.isEmpty, "\(question): \(long)")
    }
  }

  @Test func theCommentOfAFunctionIsNotThatOfItsFile() throws {
    let file = home.appending(path: "metrics.ltd")
    try Data("## Twice as much.\nfn twice(x) { 2 * x }\n".utf8).write(to: file)
    let terminal = try start()
    #expect(terminal.enter("import \"\(file.path)\"", expecting: "ltd> ") != nil)
    #expect(terminal.enter("?metrics", expecting: "import \"\(file.path)\"\n\n  metrics.twice  Twice as much.") != nil)
  }

  @Test func variablesShowWhatTheyHave() throws {
    let terminal = try start()
    #expect(terminal.enter("run = {method: 1, acc: 0.5};", expecting: "ltd> ") != nil)
    #expect(terminal.enter("?run", expecting: "run.method, run.acc") != nil)
  }

  @Test(arguments: ["quit", "exit"]) func wordsThatLeave(_ word: String) throws {
    let terminal = try start()
    terminal.type(word + "\n")
    #expect(terminal.end() == 0)
  }

  @Test func functionsOfTheSessionAreExplained() throws {
    let terminal = try start()
    terminal.type("## Twice as much.\nfn twice(x) { x * 2 }\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("?twice", expecting: "twice(x)\n\nTwice as much.\n") != nil)
    terminal.type(":vars\n")
    #expect(terminal.wait(for: "twice  function") != nil)
    #expect(terminal.enter(":timeit twice(2)", expecting: "median") != nil)
    #expect(terminal.enter(":time twice(2)", expecting: "4\n") != nil)
    #expect(terminal.enter(":reset", expecting: "ltd> ") != nil)
    #expect(terminal.enter("twice(2)", expecting: "no function twice") != nil)
  }

  @Test func scriptsAreLoadedSavedAndEdited() throws {
    let script = home.appending(path: "part.ltd")
    try Data("loaded = 31\n".utf8).write(to: script)
    let editor = home.appending(path: "editor")
    try Data("#!/bin/sh\necho 'edited = loaded + 1; edited' > \"$1\"\n".utf8).write(to: editor)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: editor.path)
    let terminal = try start(variables: ["EDITOR": editor.path])
    #expect(terminal.enter(":load \(script.path)", expecting: "ltd> ") != nil)
    #expect(terminal.enter("loaded + 0", expecting: "31\nltd> ") != nil)
    #expect(terminal.enter(":edit", expecting: "32\nltd> ") != nil)
    #expect(terminal.enter("!echo from the shell", expecting: "\nfrom the shell\nltd> ") != nil)
    let saved = home.appending(path: "saved.ltd")
    #expect(terminal.enter(":script \(saved.path)", expecting: "3 statements") != nil)
    #expect(
      try String(contentsOf: saved, encoding: .utf8) == "loaded = 31\n\nedited = loaded + 1; edited\n\n")
    #expect(terminal.enter(":load /nowhere.ltd", expecting: "no such file") != nil)
  }

  @Test func theHistoryOutlivesTheSession() throws {
    var terminal = try start()
    #expect(terminal.enter("40 + 2", expecting: "42\nltd> ") != nil)
    terminal.type("fn g(x) {\n\tx\n}\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type(":quit\n")
    #expect(terminal.end() == 0)
    let file = home.appending(path: "state/ltd/history")
    let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    terminal = try start()
    terminal.type("\u{10}\u{10}\u{10}\n")
    #expect(terminal.wait(for: "42\nltd> ") != nil)
  }

  @Test func theStartupFileIsReadUnlessAskedNotTo() throws {
    let folder = home.appending(path: "config/ltd")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data("from_init = 77\n".utf8).write(to: folder.appending(path: "init.ltd"))
    var terminal = try start()
    #expect(terminal.enter("from_init", expecting: "77\nltd> ") != nil)
    terminal = try start(["--no-init"])
    #expect(terminal.enter("from_init", expecting: "error") != nil)
  }

  @Test func unicodeIsTypedInAnyLocale() throws {
    let terminal = try start()
    #expect(terminal.enter("τ = 3; τ * 2", expecting: "6\nltd> ") != nil)
  }

  @Test func colourIsAskedFor() throws {
    let coloured = try start(["--no-init"])
    #expect(coloured.screen.look(coloured.screen.row, 0) == "1;34")
    let plain = try start(variables: ["NO_COLOR": "1"])
    _ = plain.enter("oops_there_is_no_such_name", expecting: "error")
    #expect(plain.wait(for: "ltd> ") != nil)
    #expect(!String(decoding: plain.raw, as: UTF8.self).contains(/\e\[[0-9;]*m/))
  }

  @Test func aDumbTerminalIsReadLineByLine() throws {
    let terminal = try start(variables: ["TERM": "dumb"])
    #expect(terminal.enter("[1,\n2]", expecting: "[1, 2]\nltd> ") != nil)
    #expect(!terminal.raw.contains(0x1B))
  }
}
