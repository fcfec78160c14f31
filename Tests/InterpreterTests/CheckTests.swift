import HostSupport
import Interpreter
import Testing

/// What `ltd check` finds beyond what a run reports.
@Suite struct CheckTests {
  private func check(_ text: String, entries: [String] = []) -> [String] {
    let host = TestHost(
      files: ["m.ltd": "fn mean_of(xs) { xs }\n"],
      modules: ["tables": "fn select(rows) { rows }\nfn _hidden() { 1 }\nlimit = 3\nfn use() { _hidden() }"])
    let session = Session(table: .core, host: host)
    for entry in entries { _ = session.run(Source(name: "<prompt>", text: entry)) }
    return session.check(Source(name: "test.ltd", text: text)).map(summary)
  }

  @Test(arguments: [
    (
      "fn f() {\n x = 1\n 2\n}\nf()",
      "warning 2:2 \"x\": x is set here and never used (delete it, or name it _x if that is meant)"
    ),
    (
      "n = 0\nfn f() { n = 1 }\nf()\nprint(n)",
      "warning 2:10 \"n\": n is set here and never used (the n of the top level is another one: outer n = … sets that)"
    ),
    (
      "fn f() { n = 0; for i in 1..3 { n += i } }\nf()",
      "warning 1:10 \"n\": n is set here and never used (delete it, or name it _n if that is meant)"
    ),
    (
      "fn f(p) { a, b = p; 1 }\nf([1, 2])",
      "warning 1:11 \"a, b\": a and b are set here and never used (delete it, or name it _a if that is meant)"
    ),
    (
      "fn f() { fn g() { 1 }; 2 }\nf()",
      "warning 1:13 \"g\": the function g is never used (delete it, or name it _g if that is meant)"
    ),
    (
      "fn _g() { 1 }\nprint(2)",
      "warning 1:4 \"_g\": the function _g is never used (a name that starts with _ is for this file alone)"
    ),
    (
      "import tables\nprint(1)",
      "warning 1:8 \"tables\": the module tables is imported and never used (delete the import, or write … as _tables for what the module does when it runs)"
    ),
    (
      "fn f() { try { 1 } catch e { 2 } }\nf()",
      "warning 1:26 \"e\": e is set here and never used (delete it, or name it _e if that is meant)"
    ),
    (
      "T = 3\nprint('T={T}')",
      "warning 2:7 \"'T={T}'\": a string in '…' puts no values in: {T} stays as it is (write \"…{T}…\")"
    ),
  ])
  func warnings(_ source: String, _ expected: String) { #expect(check(source) == [expected]) }

  @Test(arguments: [
    ("x = 1\nprint(2)", "warning 1:1 \"x\": x is set here and never used (delete it, or name it _x if that is meant)"),
    (
      "fn g() { 1 }\nfor i in 1..3 { print(i) }",
      "warning 1:4 \"g\": the function g is never used (delete it, or name it _g if that is meant)"
    ),
    (
      "x = 0\nfn f() { outer x = 1 }\nf()",
      "warning 1:1 \"x\": x is set here and never used (delete it, or name it _x if that is meant)"
    ),
    (
      "xs = [1]\nprint(xs.revers())",
      "warning 2:10 \"revers\": nothing here has revers: it is no function and no field of this program (did you mean reverse?)"
    ),
    (
      "fn f(net) { net.evalute(1) }\nfn evaluate(a, b) { a + b }\nprint(f(1), evaluate(1, 2))",
      "warning 1:17 \"evalute\": nothing here has evalute: it is no function and no field of this program (did you mean evaluate?)"
    ),
  ])
  func warningsOfPrograms(_ source: String, _ expected: String) { #expect(check(source) == [expected]) }

  @Test(arguments: [
    "x = 1\nfn f() { x }\nf()", "a, b = [1, 2]\nprint(b)", "r = {revers: () => 1}\nprint(r.revers())",
    "fn f(r) { r.revers() }\nprint(f({revers: () => 1}))", "fn f(r) { r.callback(1) }\nprint(f(1))",
    "_x = 1\nprint(2)", "x = [1]\nx[0] = 2\nprint(3)", "{revers} = {revers: () => 1}\nprint(revers(), [1].revers)",
    "x = 1\nfn f() { x }", "import tables\nprint(tables.select([1]))",
  ])
  func noWarningsOfPrograms(_ source: String) { #expect(check(source) == []) }

  @Test(arguments: [
    "fn f(x, y) { x }\nf(1, 2)", "fn f() { _x = 1; 2 }\nf()", "fn f() { a, b = [1, 2]; a }\nf()",
    "fn f() { for i in 1..3 { print(1) } }\nf()", "fn f() { [1 for i in 1..3] }\nf()", "x = 1", "fn f() { 1 }",
    "fn f() { x = 1; () => x }\nf()", "fn f() { x = 1; g = () => { outer x = 2 }; g(); x }\nf()",
    "fn f() { x = 1; \"{x}\" }\nf()", "fn f(r) { x = r; x.a = 1 }\nf({a: 2})", "fn f() { g = x => x; 3.g() }\nf()",
    "fn f(x) { x = x + 1 }\nf(1)", "import tables as _tables", "import tables\nprint(tables.limit)",
    "fn _g() { 1 }\nfn f(x=_g()) { x }\nf()", "fn f(a) { n = 1; fn g(b=n) { b }; g(a) }\nf(1)",
    "print('{x}')", "T = 3\nprint('T={T', T)", "fn f() { n = 2; 3 |> n.map }\nprint(f)",
  ])
  func noWarnings(_ source: String) { #expect(check(source) == []) }

  @Test func errorsAndWarningsTogether() {
    #expect(
      check("import tables\nprnt(1)") == [
        "name 2:1 \"prnt\": there is no function prnt (did you mean print?)",
        "warning 1:8 \"tables\": the module tables is imported and never used (delete the import, or write … as _tables for what the module does when it runs)",
      ])
  }

  @Test(arguments: [
    ("import tables\nprint(tables.selct([1]))", "name 2:14 \"selct\": tables has no selct (did you mean select?)"),
    (
      "fn f() { tables.lim }\nimport tables\nf()",
      "name 1:17 \"lim\": tables has no lim (it has limit, select, use)"
    ),
    (
      "import tables as t\nif false { t.selct([1]) }", "name 2:14 \"selct\": tables has no selct (did you mean select?)"
    ),
    (
      "fn f() {\n import tables\n tables.selct(1)\n}\nf()",
      "name 3:9 \"selct\": tables has no selct (did you mean select?)"
    ),
    ("import \"m.ltd\"\nm.mean_off([1])", "name 2:3 \"mean_off\": m has no mean_off (did you mean mean_of?)"),
    (
      "import tables\ntables._hidden()",
      "name 2:8 \"_hidden\": _hidden is private to tables (names that start with _ stay in their file)"
    ),
    (
      "import tables\nprint(tables.str())",
      "name 2:14 \"str\": tables has no str (str is built in: write str(…) without tables.)"
    ),
    (
      "import tables\nprint(tables.select([1], unit=3))",
      "type 2:26 \"unit\": select has no argument unit (its arguments are rows)"
    ),
    (
      "import tables\nprint(tables.select())",
      "type 2:7 \"tables.select()\": select needs the argument rows"
    ),
    (
      "import tables\nfn g(m) { m }\nprint(tables.g())", "name 3:14 \"g\": tables has no g (it has limit, select, use)"
    ),
  ])
  func membersOfModules(_ source: String, _ expected: String) {
    #expect(check(source) == [expected])
    #expect(run("print(\"ran\")\n" + source, files: ["m.ltd": ""], modules: ["tables": ""]).contains("ran") == false)
  }

  @Test(arguments: [
    "import tables\nprint(str(tables))",
    "import tables\nfn f(tables) { tables.any }\nprint(f(1), tables)",
    "import tables\ntables = {selct: 1}\nprint(tables.selct)",
    "import tables\nfn f() { outer tables = {selct: 1} }\nf()\nprint(tables.selct)",
  ])
  func whatMayBeThereIsLeftToTheRun(_ source: String) { #expect(check(source) == []) }

  @Test func modulesOfEarlierEntriesAreKnown() {
    #expect(
      check("tables.selct", entries: ["import tables"]) == [
        "name 1:8 \"selct\": tables has no selct (did you mean select?)"
      ])
  }
}
