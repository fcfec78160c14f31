import Foundation
import TestSupport
import Testing

/// Keeping, bringing back and taking back, at a terminal.
@Suite(.serialized)
struct SessionTests {
  let home: URL

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "ltd-session-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
  }

  func start(_ variables: [String: String] = [:]) throws -> PseudoTerminal {
    let terminal = try PseudoTerminal([], home: home, variables: variables)
    try #require(terminal.wait(for: "ltd> ") != nil, "no prompt: \(terminal.shown)")
    return terminal
  }

  private var kept: [String] {
    let folder = home.appending(path: "state/ltd/sessions").path
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).map { "\(folder)/\($0)" }
  }

  @Test func aSessionIsSavedAndRestored() throws {
    let terminal = try start()
    let path = home.appending(path: "a.ltds").path
    #expect(terminal.enter("x = 41; fn f(y) { y + x }; net = mlp(hidden=[3])", expecting: "ltd> ") != nil)
    #expect(terminal.enter("f(1)", expecting: "42\nltd> ") != nil)
    #expect(terminal.enter(":save \(path)", expecting: "3 variables written") != nil)
    #expect(terminal.enter(":save \(home.path)/b.ltd", expecting: ":script") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("\u{4}")
    #expect(terminal.end() == 0)
    #expect(kept.isEmpty, "who leaves by himself leaves nothing")
    let next = try start()
    #expect(next.enter("other = 1", expecting: "ltd> ") != nil)
    #expect(next.enter(":restore \(path)", expecting: "3 variables restored") != nil)
    #expect(next.enter("f(2)", expecting: "43\nltd> ") != nil)
    #expect(next.enter("_2 + 1000", expecting: "1042\nltd> ") != nil)
    #expect(next.enter("other", expecting: "no variable or function other") != nil)
    #expect(next.enter(":undo", expecting: "taken back: :restore") != nil)
    #expect(next.enter("other + 70", expecting: "71\nltd> ") != nil)
    #expect(next.enter(":restore \(home.path)/absent", expecting: "there is no") != nil)
    try Data("a script".utf8).write(to: home.appending(path: "no.ltds"))
    #expect(next.enter(":restore \(home.path)/no.ltds", expecting: "no saved session") != nil)
    #expect(next.enter("other + 80", expecting: "81\nltd> ") != nil)
  }

  @Test(arguments: ["HUP", "TERM"]) func aSignalKeepsTheSession(_ signal: String) throws {
    let terminal = try start()
    #expect(terminal.enter("x = 41; m = mlp(hidden=[3])", expecting: "ltd> ") != nil)
    terminal.type("!kill -\(signal) $PPID\n")
    #expect(terminal.end() == -1, "it ends by the signal")
    let file = try #require(kept.first)
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let next = try PseudoTerminal([], home: home)
    #expect(next.wait(for: ":restore brings it back") != nil)
    #expect(next.wait(for: "ltd> ") != nil)
    #expect(next.enter("x", expecting: "no variable or function x") != nil, "not without being asked")
    #expect(next.enter(":restore", expecting: "2 variables restored") != nil)
    #expect(next.enter("x + 1", expecting: "42\nltd> ") != nil)
    let third = try start()
    #expect(!third.shown.contains(":restore brings"), "what was brought back is not offered again")
  }

  @Test func theTerminalThatGoesAwayKeepsTheSession() throws {
    var terminal: PseudoTerminal? = try start()
    #expect(terminal?.enter("x = 41", expecting: "ltd> ") != nil)
    let process = try #require(terminal).hangUp()
    terminal = nil
    waitpid(process, nil, 0)
    #expect(kept.count == 1)
  }

  @Test func theThirdControlCKeepsWhatWasThere() throws {
    let terminal = try start()
    #expect(terminal.enter("x = 41; net = mlp(hidden=[3])", expecting: "ltd> ") != nil)
    // Each block of finally takes one Ctrl-C, so that this does not stop. It says so when it is within all of them.
    terminal.type(
      "fn stuck(n) { try { if n > 0 { stuck(n - 1) } else { print(\"in\" + \"side\"); sleep(100) } } finally { print(\"un\" + \"wound\"); while true {} } }\n"
    )
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("x = 7; net.name = \"other\"; stuck(20)\n")
    #expect(terminal.wait(for: "inside") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "unwound") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "saves the session and leaves") != nil)
    #expect(terminal.wait(for: "unwound") != nil)
    terminal.interrupt()
    #expect(terminal.wait(for: "the session is saved") != nil)
    #expect(terminal.end() == 130)
    let next = try start()
    #expect(next.enter(":restore", expecting: "3 variables restored") != nil)
    #expect(next.enter("x + 1", expecting: "42\nltd> ") != nil)
  }

  @Test func killedAtOnceNothingIsOfferedAndTheHistoryStays() throws {
    let terminal = try start()
    #expect(terminal.enter("x = 41", expecting: "ltd> ") != nil)
    terminal.type("!kill -KILL $PPID\n")
    #expect(terminal.end() == -1)
    #expect(kept.isEmpty)
    let next = try start()
    #expect(next.enter(":history", expecting: "x = 41") != nil)
  }

  @Test func statementsAreTakenBack() throws {
    let terminal = try start()
    for line in ["x = 1", "x = 2; y = 3", "xs = [1, 2]", "xs[0] = 9", "net = mlp(hidden=[3]); print(net.fingerprint)"] {
      #expect(terminal.enter(line, expecting: "ltd> ") != nil)
    }
    #expect(terminal.enter("net.parameters = mlp(hidden=[3], seed=4).parameters", expecting: "ltd> ") != nil)
    #expect(terminal.enter(":undo", expecting: "(net)") != nil)
    #expect(terminal.enter("net.fingerprint == mlp(hidden=[3]).fingerprint", expecting: "true\nltd> ") != nil)
    #expect(terminal.enter(":undo xs", expecting: "xs is as it was before: xs[0] = 9") != nil)
    #expect(terminal.enter("xs", expecting: "[1, 2]\nltd> ") != nil)
    #expect(terminal.enter(":undo", expecting: "(net)") != nil)
    #expect(terminal.enter("net", expecting: "no variable or function net") != nil)
    #expect(terminal.enter(":undo", expecting: "(xs)") != nil)
    #expect(terminal.enter(":undo", expecting: "(x, y)") != nil)
    #expect(terminal.enter("x + 100", expecting: "101\nltd> ") != nil)
    #expect(terminal.enter("y", expecting: "no variable or function y") != nil)
    #expect(terminal.enter(":undo nobody", expecting: "there is no variable nobody") != nil)
  }

  @Test func aBadLineOfTheStartUpFileDropsNothingElse() throws {
    let folder = home.appending(path: "config/ltd")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let text = "a = 1\nb = = 2\nfn f(x) {\n  x + a\n}\nc = nobody\n:set digits 3\nd = 4\n"
    try Data(text.utf8).write(to: folder.appending(path: "init.ltd"))
    let terminal = try start()
    #expect(terminal.shown.contains("init.ltd:2") && terminal.shown.contains("init.ltd:6"))
    #expect(terminal.enter("f(d) + 100", expecting: "105\nltd> ") != nil)
    #expect(terminal.enter("1 / 3", expecting: "0.333\nltd> ") != nil)
  }

  @Test func settingsStay() throws {
    let terminal = try start()
    #expect(terminal.enter(":set digits 4", expecting: "ltd> ") != nil)
    #expect(terminal.enter(":set digits 99", expecting: "digits cannot be 99") != nil)
    let next = try start()
    #expect(next.enter("1 / 3", expecting: "0.3333\nltd> ") != nil)
  }

  @Test func variablesAreListedByTheirSize() throws {
    let terminal = try start()
    #expect(terminal.enter("small = 1; big = zeros([1024, 1024])", expecting: "ltd> ") != nil)
    #expect(terminal.enter("zeros([512, 512]);", expecting: "ltd> ") != nil)
    #expect(terminal.enter("big + 1", expecting: "ltd> ") != nil)
    let list = try #require(terminal.enter(":vars", expecting: "ltd> "))
    #expect(list.contains("4.0 MiB"), "\(list)")
    #expect(list.range(of: "big  ")!.lowerBound < list.range(of: "small")!.lowerBound)
    #expect(list.contains("_1"))
  }

  @Test func statementsAreTimed() throws {
    let terminal = try start()
    #expect(terminal.enter("n = 0", expecting: "ltd> ") != nil)
    #expect(terminal.enter(":timeit n += 1", expecting: "median") != nil)
    #expect(terminal.enter("n > 5", expecting: "true\nltd> ") != nil)
    let error = try #require(terminal.enter(":timeit nobody + 1", expecting: "no variable or function nobody"))
    #expect(!error.contains("timeit("))
  }
}

extension SessionTests {
  @Test func theShortestScriptIsWrittenAndTried() throws {
    let terminal = try start()
    for line in [
      "a = 5", "unused = 7", "fn f(x) { x + a }", "net = mlp(hidden=[3])", "train, test = glyphs(n=20, test=20)",
      "report = fit(net, train, epochs=1, quiet=true);", "r = random(1)", "r.rand();", "b = f(2)", "1 + 1",
    ] {
      #expect(terminal.enter(line, expecting: "ltd> ") != nil)
    }
    let path = home.appending(path: "b.ltd").path
    #expect(terminal.enter(":script \(path) b", expecting: "every value comes out the same") != nil)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "a = 5\nfn f(x) { x + a }\nb = f(2)\n")
    let other = home.appending(path: "net.ltd").path
    #expect(terminal.enter(":script \(other) net r", expecting: "every value comes out the same") != nil)
    #expect(
      try String(contentsOfFile: other, encoding: .utf8)
        == """
        net = mlp(hidden=[3])
        train, test = glyphs(n=20, test=20)
        report = fit(net, train, epochs=1, quiet=true);
        r = random(1)
        r.rand();

        """)
    #expect(terminal.enter(":script \(path)", expecting: "there already") != nil)
    #expect(terminal.enter(":script nobody", expecting: "no variable nobody") != nil)
    #expect(terminal.enter("t = time(() => 1)", expecting: "ltd> ") != nil)
  }

  @Test func aTranscriptIsAReportAndATest() throws {
    let terminal = try start()
    for line in [
      "x = [1, 2]; print(\"one\"); x", "\"a<b\"", "nobody + 1", "fn f(y) {\ny * 2\n}", "f(21)", "print(1, end=\"\")",
    ] {
      terminal.type(line + "\n")
      #expect(terminal.wait(for: "ltd> ") != nil)
    }
    func write(_ name: String) throws -> String {
      let path = home.appending(path: name).path
      #expect(terminal.enter(":transcript \(path)", expecting: "6 statements written") != nil)
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    let report = try write("r.md")
    #expect(report.contains("ltd> f(21)\n42\n") && report.contains("error: there is no variable or function nobody"))
    let page = try write("r.html")
    #expect(page.contains("a&lt;b") && !page.contains("a<b"))
    let script = try write("t.ltd")
    #expect(script.contains("x = [1, 2]; print(\"one\"); print(x)\n# expect: one\n# expect: [1, 2]\n"))
    #expect(script.contains("# nobody + 1\n") && script.contains("print(\"a<b\")\n# expect: a<b\n"))
    #expect(terminal.enter(":transcript r.txt", expecting: ".md, .html, .ltd") != nil)
    let tested = Process()
    tested.executableURL = URL(filePath: BuiltProgram.path)
    tested.arguments = ["test", home.appending(path: "t.ltd").path]
    tested.standardOutput = FileHandle.nullDevice
    try tested.run()
    tested.waitUntilExit()
    #expect(tested.terminationStatus == 0, "\(script)")
  }

  @Test func aTranscriptHasThePicturesWhereTheyWereDrawn() throws {
    let terminal = try start(["COLORTERM": "truecolor"])
    for line in [
      "print(\"before\"); print(plot([1, 4], title=\"a <b> [c]\")); print(\"after\")",
      "show(tensor([[0.0, 1], [1, 0]]))",
      "p = plot([{a: \"x\", b: 1}, {a: \"y\", b: 2}])", "p",
    ] {
      terminal.type(line + "\n")
      #expect(terminal.wait(for: "ltd> ") != nil)
    }
    // A session that was restored has them as well.
    #expect(terminal.enter(":save \(home.path)/p.ltds", expecting: "1 variable written") != nil)
    #expect(terminal.enter(":reset", expecting: "1 variable forgotten") != nil)
    #expect(terminal.enter(":restore \(home.path)/p.ltds", expecting: "1 variable restored") != nil)
    func write(_ name: String) throws -> String {
      let path = home.appending(path: name).path
      #expect(terminal.enter(":transcript \(path)", expecting: "4 statements written") != nil)
      #expect(terminal.wait(for: "ltd> ") != nil)
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    let report = try write("p.md")
    #expect(report.contains("before\n```\n\n![a  b   c ](<p-1.png>)\n\n```ltd\nafter\n"), "\(report)")
    #expect(report.contains("![figure: 1 image](<p-2.png>)") && report.contains("(<p-3.png>)"), "\(report)")
    #expect(!report.contains("\u{1B}") && !report.contains("█"))
    for number in 1...3 {
      let bytes = try Data(contentsOf: home.appending(path: "p-\(number).png"))
      #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }
    // No picture of before is replaced.
    try Data("mine".utf8).write(to: home.appending(path: "q-2.png"))
    #expect(terminal.enter(":transcript \(home.path)/q.md", expecting: "q-2.png' is there already") != nil)
    #expect(!FileManager.default.fileExists(atPath: home.appending(path: "q-1.png").path))
    #expect(terminal.wait(for: "ltd> ") != nil)
    let page = try write("p.html")
    #expect(page.contains("alt=\"a &lt;b&gt; [c]\"") && page.contains("<pre>before</pre>\n<img"))
    let sources = page.components(separatedBy: "src=\"data:image/").dropFirst()
    #expect(sources.map { $0.prefix { $0 != ";" } } == ["svg+xml", "png", "svg+xml"])
    let letters = try #require(sources.first?.components(separatedBy: "base64,").last?.prefix { $0 != "\"" })
    let vectors = try #require(Data(base64Encoded: String(letters)))
    #expect(String(decoding: vectors, as: UTF8.self).contains("<svg"))
    let script = try write("p.ltd")
    #expect(script.contains("print(p)\n# expect: x ") && !script.contains("\u{1B}"))
    let tested = Process()
    tested.executableURL = URL(filePath: BuiltProgram.path)
    tested.arguments = ["test", home.appending(path: "p.ltd").path]
    tested.standardOutput = FileHandle.nullDevice
    try tested.run()
    tested.waitUntilExit()
    #expect(tested.terminationStatus == 0, "\(script)")
  }

  @Test func aProfileNamesOperationsAndLines() throws {
    let terminal = try start()
    #expect(terminal.enter("x = rand([300, 300])", expecting: "ltd> ") != nil)
    terminal.type("fn work(a) {\nb = a @ a\nsum(b)\n}\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    let text = try #require(terminal.enter(":profile for i in 1..3 { work(x) }", expecting: "By line"))
    #expect(text.contains("matmul 300×300×300") && text.contains("of peak"))
    let lines = try #require(terminal.wait(for: "ltd> "))
    #expect(lines.contains("b = a @ a"))
    #expect(terminal.enter("work(x) > 0", expecting: "true\nltd> ") != nil)
  }

  @Test func aTraceIsInOrderOfTime() throws {
    let terminal = try start()
    #expect(terminal.enter("x = rand([20, 30]); y = rand([30, 40])", expecting: "ltd> ") != nil)
    let text = try #require(terminal.enter(":trace sum(exp(x @ y)) > 0", expecting: "peak:"))
    let places = ["matmul 20×30×40 ", "exp  ", "reduce sum "].map { text.range(of: $0)?.lowerBound }
    #expect(!places.contains(nil) && places.compactMap { $0 } == places.compactMap { $0 }.sorted(), "\(text)")
    #expect(text.contains("true\n") && text.contains("In order of time"))
    #expect(terminal.wait(for: "ltd> ") != nil)
    let loop = try #require(
      terminal.enter(":trace for i in 1..30000 { x + 1; x * 2 }", expecting: "more operations"))
    #expect(loop.contains(":trace") && terminal.wait(for: ":profile sums") != nil)
    #expect(terminal.enter(":trace 1 + 1", expecting: "no operation of the device ran") != nil)
    #expect(terminal.enter(":trace nobody", expecting: "no variable or function nobody") != nil)
  }

  @Test func linesOfTheLibraryAreProfiled() throws {
    let terminal = try start()
    #expect(terminal.enter("import tables; rows = [{a: i % 7, b: i} for i in 1..2000]", expecting: "ltd> ") != nil)
    #expect(terminal.enter(":profile tables.describe(rows);", expecting: "By line") != nil)
    let lines = try #require(terminal.wait(for: "ltd> "))
    #expect(lines.contains("tables.ltd:"), "\(lines)")
  }

  @Test func aJobTakesWhatItsFunctionUsesAlone() throws {
    let terminal = try start()
    // A job cannot be handed to another; that a comment, a string and a parameter speak of it is no reason to.
    terminal.type("first = background(() => 1); a = 40; fn g(x) { x + a }\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("fn work(first) {\n# first\nlen(\"first\")\n[1].map((n) => g(n + first))\n}\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("job = background(() => work(1)); wait(job, quiet=true)", expecting: "[42]\n") != nil)
    #expect(terminal.enter("background(() => first)", expecting: "first cannot be handed to a job") != nil)
  }

  @Test func whatIsTooLargeToBeTakenBackIsSaidAtOnce() throws {
    let terminal = try start()
    #expect(terminal.enter("x = zeros([9000, 9000]); y = 1", expecting: "ltd> ") != nil)
    #expect(terminal.enter("x = 2; y = 3", expecting: ":undo cannot take back what statements do to x") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter(":undo", expecting: "x stays as it is") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("x + 100 * y", expecting: "102\nltd> ") != nil, "what is small is taken back all the same")
  }

  @Test func whatIsWrittenIsCounted() throws {
    let terminal = try start()
    #expect(terminal.enter("x = 1; picture = plot([1, 2]);", expecting: "ltd> ") != nil)
    #expect(terminal.enter("job = background(() => 1); wait(job, quiet=true)", expecting: "ltd> ") != nil)
    #expect(terminal.enter("picture", expecting: "ltd> ") != nil)
    #expect(terminal.enter("job", expecting: "<job 1, ") != nil)
    #expect(terminal.enter(":save \(home.path)/c.ltds", expecting: "2 variables written") != nil)
    // What `_`, `_1` and `ans` hold as well is told once.
    let told = try #require(terminal.wait(for: "ltd> "))
    #expect(told.contains("not saved: job: ") && told.components(separatedBy: "not saved").count == 2, "\(told)")
    terminal.type("\u{4}")
    #expect(terminal.end() == 0)
  }

  @Test func jobsRunBesideThePrompt() throws {
    let terminal = try start()
    #expect(
      terminal.enter("net = mlp(hidden=[4]); train = glyphs(n=40)[0]; twin = copy(net)", expecting: "ltd> ") != nil)
    #expect(terminal.enter("job = background(() => fit(net, train, epochs=2))", expecting: "ltd> ") != nil)
    #expect(terminal.enter("1 + 1000", expecting: "1001\n") != nil)
    #expect(terminal.enter("report = wait(job, quiet=true); report.steps > 0", expecting: "true\n") != nil)
    #expect(terminal.enter("fit(twin, train, epochs=2, quiet=true);", expecting: "ltd> ") != nil)
    #expect(terminal.enter("twin.fingerprint == net.fingerprint", expecting: "true\nltd> ") != nil)
    #expect(terminal.enter("endless = background(() => { while true {} })", expecting: "ltd> ") != nil)
    #expect(terminal.enter(":jobs", expecting: "while true") != nil)
    #expect(terminal.enter(":save \(home.path)/j.ltds", expecting: "not saved: endless") != nil)
    #expect(terminal.enter(":quit", expecting: "1 job would end") != nil)
    #expect(terminal.enter(":stop endless", expecting: "stopped") != nil)
    #expect(terminal.enter(":wait", expecting: "no job runs") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("\u{4}")
    #expect(terminal.end() == 0)
  }
}
