import HostSupport
import Interpreter
import Testing

@Suite struct SessionTests {
  /// `quiet=true` keeps progress quiet, not what is wrong.
  @Test func warningsAreNotQuiet() {
    let host = TestHost()
    let progress = Session(table: .core, host: host).progress(quiet: true)
    progress.update(title: "fit", done: 1, total: 2, fields: [], secondsLeft: nil)
    progress.note("epoch 1/2")
    progress.warn("no space left on device")
    #expect(host.warnings == ["no space left on device"] && host.notes.isEmpty)
  }

  @Test func variablesStayBetweenEntries() {
    #expect(converse("x = 1", "fn f() { x + 1 }", "x = 10", "f()") == ["", "", "", "11"])
  }

  @Test func constantsStayBetweenEntries() {
    #expect(converse("const k = 1", "k = 2")[1].contains("constant"))
  }

  @Test func afterAnErrorTheSessionGoesOn() {
    #expect(converse("x = 1", "x = 2; 1 / 0", "x")[2] == "2")
  }

  @Test func functionsCanBeReplaced() {
    #expect(converse("fn f(x) { 1 }", "fn g() { f(0) }", "g()", "fn f(x) { 2 }", "g()") == ["", "", "1", "", "2"])
  }

  @Test func semicolonHidesTheValue() {
    let session = Session(table: .core)
    guard case .value(_, true) = session.run(Source(name: "t", text: "1 + 1;")) else {
      Issue.record("not hidden")
      return
    }
  }

  @Test func checkFindsErrorsAndChangesNothing() {
    let session = Session(table: .core)
    #expect(session.check(Source(name: "t", text: "x = 1\nx + yy")).count == 1)
    #expect(session["x"] == nil)
    #expect(!session.names.contains("x"))
  }

  @Test func hostReadsAndSetsVariables() {
    let session = Session(table: .core)
    session["n"] = 41
    #expect(lines(session.run(Source(name: "t", text: "n + 1")), session) == "42")
    _ = session.run(Source(name: "t", text: "xs = [1, 2]\nfn twice(x) { x * 2 }"))
    #expect(session["xs"]?.asList?.count == 2)
    let twice = session["twice"] ?? .none
    #expect((try? session.invoke(twice, [4]))?.asInt == 8)
  }

  @Test func documentationComesFromTableAndComments() throws {
    let session = Session(table: .core)
    _ = session.run(
      Source(
        name: "t",
        text: """
          ## Doubles a number.
          ##
          ## More about it.
          ## >>> double(2)
          ## 4
          ## see also: len
          fn double(x, k=2) { x * k }
          """))
    let page = try #require(session.documentation(of: "double"))
    #expect(page.signature == "double(x, k=2)")
    #expect(page.summary == "Doubles a number.")
    #expect(page.details == "More about it.")
    #expect(page.examples.map(\.code) == ["double(2)"] && page.examples.map(\.result) == ["4"])
    #expect(page.seeAlso == ["len"])
    #expect(session.documentation(of: "sqrt")?.family == "mathematics")
    #expect(session.documentation(of: "pi") != nil)
    #expect(session.documentation(of: "nothing") == nil)
  }

  @Test func modulesAreLoadedOnceAndKeepPrivateNames() {
    let files = [
      "lib/a.ltd": "print(\"loaded\")\nimport \"b.ltd\"\nfn f(x) { x + _k + b.n }\n_k = 1", "lib/b.ltd": "n = 10",
    ]
    #expect(
      run("import \"lib/a.ltd\"\nimport \"lib/a.ltd\" as again\n[a.f(1), again.f(2)]", files: files)
        == "loaded\n[12, 13]")
    #expect(run("import \"lib/a.ltd\"\na._k", files: files).contains("_k is private to a"))
    #expect(run("import \"lib/a.ltd\"\na.g", files: files).contains("a has no g"))
  }

  @Test func importProblemsAreFoundBeforeRunning() {
    #expect(run("print(1)\nimport \"no.ltd\"") == "io 2:8 \"\"no.ltd\"\": cannot read no.ltd: there is no such file")
    #expect(
      run("import \"a.ltd\"", files: ["a.ltd": "import \"b.ltd\"", "b.ltd": "import \"a.ltd\""]).contains(
        "imports itself"))
    #expect(
      run("print(1)\nimport \"a.ltd\"", files: ["a.ltd": "x = yy"])
        == "name 1:5 \"yy\": there is no variable or function yy")
    #expect(run("import stats\nstats.two()", modules: ["stats": "fn two() { 2 }"]) == "2")
    #expect(run("import nosuch").contains("there is no module nosuch"))
  }
}
