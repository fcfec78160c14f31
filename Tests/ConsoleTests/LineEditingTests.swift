import Foundation
import Testing

/// Keys at the prompt, and what is to be seen.
@Suite(.serialized)
struct LineEditingTests {
  let home: URL

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "ltd-keys-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
  }

  func start(columns: Int = 80, rows: Int = 24, variables: [String: String] = [:]) throws -> PseudoTerminal {
    let terminal = try PseudoTerminal(home: home, columns: columns, rows: rows, variables: variables)
    try #require(terminal.wait(for: "ltd> ") != nil, "no prompt: \(terminal.shown)")
    return terminal
  }

  /// The rows of the statement on the screen, without what stands at their left.
  func statement(_ screen: ScreenEmulator) -> [String] {
    var rows: [String] = []
    for index in (0..<screen.rows).reversed() {
      let text = screen.text(ofRow: index)
      if text.hasPrefix("ltd> ") || text.hasPrefix("ltd: ") || text.hasPrefix("  ·  ") {
        rows.append(String(text.dropFirst(5)))
      }
      if text.hasPrefix("ltd") { break }
    }
    return rows.reversed()
  }

  func shows(_ terminal: PseudoTerminal, _ rows: [String]) -> Bool { terminal.wait { statement($0) == rows } }

  // MARK: Lines

  @Test func linesAreIndentedAndClosed() throws {
    let terminal = try start()
    terminal.type("fn f(x) {\nif x {\n1\n}\n}")
    #expect(shows(terminal, ["fn f(x) {", "  if x {", "    1", "  }", "}"]))
    terminal.type("\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("f(true)", expecting: "\n1\nltd> ") != nil)
  }

  @Test func homeEndAndKillingMeanTheLine() throws {
    let terminal = try start()
    terminal.type("fn f(x) {\na = 1\nb = 2\n}\u{1B}[A\u{1B}[A\u{1B}[A")
    #expect(shows(terminal, ["fn f(x) {", "  a = 1", "  b = 2", "}"]))
    terminal.type("\u{1B}[B\u{1}\u{6}\u{6}\u{B}")  // ^A, two to the right, ^K: the line alone
    #expect(shows(terminal, ["fn f(x) {", "  ", "  b = 2", "}"]))
    terminal.type("\u{19}")  // and back with ^Y
    #expect(shows(terminal, ["fn f(x) {", "  a = 1", "  b = 2", "}"]))
    terminal.type("\u{15}")
    #expect(shows(terminal, ["fn f(x) {", "", "  b = 2", "}"]))
    terminal.type("\u{15}")  // twice for the statement
    #expect(shows(terminal, ["", "  b = 2", "}"]))
    terminal.type("z\u{1}\u{B}\u{B}")
    #expect(shows(terminal, [""]))
  }

  @Test func whatWasKilledIsARing() throws {
    let terminal = try start()
    terminal.type("[one,\nthree,\nfour")
    #expect(shows(terminal, ["[one,", "  three,", "  four"]))
    // A word of the last line and one of the first, and then each of them on the line between.
    terminal.type("\u{17}\u{1B}[A\u{1B}[A\u{1}\u{6}\u{1B}d")
    #expect(shows(terminal, ["[,", "  three,", "  "]))
    terminal.type("\u{1B}[B\u{5}\u{19}")
    #expect(shows(terminal, ["[,", "  three,one", "  "]))
    terminal.type("\u{1B}y")
    #expect(shows(terminal, ["[,", "  three,four", "  "]))
    terminal.type("\u{3}")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("[aa,\nbb,\ncc\u{1B}[A\u{1B}[A\u{1}\u{B}\u{1B}[B\u{1B}[B\u{5}\u{19}")
    #expect(shows(terminal, ["", "  bb,", "  cc[aa,"]))
    // What was killed before that, and in a circle; Alt-Y alone says when it can be pressed.
    terminal.type("\u{1B}y")
    #expect(terminal.wait { statement($0).last != "  cc[aa," })
    terminal.type("\u{15}x\u{1B}y")
    #expect(terminal.see("Alt-Y comes after Ctrl-Y"))
    // Kills in a row are one, also over a line break, and stay for the next statement.
    terminal.type("\u{3}")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("[1,\n2]\u{1B}[A\u{1}\u{B}\u{B}")
    #expect(shows(terminal, [""]))
    terminal.type("9\n")
    #expect(terminal.wait(for: "\n9\nltd> ") != nil)
    terminal.type("\u{19}")
    #expect(shows(terminal, ["[1,", "  2]"]))
    terminal.type("\u{1F}")
    #expect(shows(terminal, [""]))
  }

  /// Keys that ~/.editrc binds: to what the console does itself, to libedit's own, to a text, in sequences and alone.
  @Test func keysOfTheUsersFile() throws {
    let lines = [
      #"bind "\e[15~" ed-move-to-beg"#, #"bind "\e[17~" em-upper-case"#, #"ltd:bind -s "\e[18~" 12+30"#,
      "bind ^T ed-kill-line", #"bind "\e[A" ed-search-prev-history"#, #"bind "\eOP" em-yank"#,
      #"bind "\eq" em-lower-case"#, "bind ^A em-capitol-case", #"bind "\e[19~" em-inc-search-prev"#,
      #"other:bind "\e[20~" ed-move-to-beg"#,
    ]
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: home.appending(path: "editrc"))
    defer { try? FileManager.default.removeItem(at: home.appending(path: "editrc")) }
    let terminal = try start()
    terminal.type("ab cd\u{1B}[15~\u{1B}[17~")
    #expect(shows(terminal, ["AB cd"]))
    terminal.type("\u{14}\u{1B}[15~\u{1B}OP")  // ^T kills, F1 puts in
    #expect(shows(terminal, [" cdAB"]))
    terminal.type("\u{1B}[20~\u{1B}[H\u{1B}[C\u{1}\u{1B}q")
    #expect(shows(terminal, [" Cdab"]))
    terminal.type("\u{3}")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("\u{1B}[18~")
    #expect(shows(terminal, ["12+30"]))
    terminal.type("\n")
    #expect(terminal.wait(for: "\n42\nltd> ") != nil)
    terminal.type("12\u{1B}[A")
    #expect(shows(terminal, ["12+30"]))
    terminal.type("\u{1B}[19~")
    #expect(terminal.see("history:"))
    terminal.type("\u{1B}")
    #expect(terminal.seeNo("history:"))
  }

  @Test func undoAndRedoKeepTheCursor() throws {
    let terminal = try start()
    terminal.type("alpha beta\u{1B}b\u{1B}b\u{4}")
    #expect(shows(terminal, ["lpha beta"]))
    terminal.type("\u{1F}")
    #expect(terminal.wait { statement($0) == ["alpha beta"] && $0.column == 5 })
    terminal.type("\u{1F}")
    #expect(shows(terminal, ["alpha"]))
    terminal.type("\u{1B}_")
    #expect(shows(terminal, ["alpha beta"]))
    terminal.type("\u{1B}_")
    #expect(shows(terminal, ["lpha beta"]))
    terminal.type("\u{1F}\u{1F}\u{1F}\u{1F}\u{1F}")
    #expect(terminal.see("nothing to undo"))
    #expect(shows(terminal, [""]))
  }

  @Test func altEnterBreaksTheLine() throws {
    let terminal = try start()
    terminal.type("1 +\u{1B}\r2\u{1B}[A\u{5}")
    #expect(shows(terminal, ["1 +", "2"]))
    terminal.type("\n")
    #expect(terminal.wait(for: "\n3\nltd> ") != nil)
  }

  @Test func whatNobodyKnowsIsSwallowedWhole() throws {
    let terminal = try start()
    terminal.type("a\u{1B}[15~b\u{1B}[3;5~\u{1B}[1;2Dc\u{1B}[M !!\u{1B}[<0;1;1Md\u{1B}[24~\u{13}\u{11}\u{11}")
    #expect(shows(terminal, ["acdb"]))
    terminal.type("\u{3}")
  }

  @Test func carriageReturnsOfAPasteAreLineBreaks() throws {
    let terminal = try start()
    terminal.type("\u{1B}[200~len(\"\"\"a\r\nb\"\"\")\u{1B}[201~\n")
    #expect(terminal.wait(for: "\n3\nltd> ") != nil)
  }

  @Test func aTallStatementScrolls() throws {
    let terminal = try start(rows: 12)
    let lines = (1...23).map { "a\($0) = \($0)" }
    terminal.type("\u{1B}[200~\(lines.joined(separator: "\n"))\u{1B}[201~")
    #expect(terminal.wait { $0.text(ofRow: $0.row).hasSuffix("a23 = 23") })
    terminal.type(String(repeating: "\u{1B}[A", count: 17) + "ZZ")
    #expect(terminal.wait { $0.text(ofRow: $0.row).hasSuffix("a6 = 6ZZ") })
    let rows = (0..<12).map { terminal.screen.text(ofRow: $0) }
    #expect(rows.contains { $0.hasPrefix("  ↑  ") } && rows.contains { $0.hasPrefix("  ↓  ") }, "\(rows)")
    terminal.type("\u{7F}\u{7F}")
    terminal.type(String(repeating: "\u{1B}[B", count: 17) + "\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("a6 + a23", expecting: "29\nltd> ") != nil)
  }

  @Test func charactersOfAnyWidth() throws {
    let terminal = try start()
    terminal.type("字漢a\u{1}x\u{1B}[Cy")
    #expect(shows(terminal, ["x字y漢a"]))
    terminal.type("\u{15}\u{B}\"e\u{301}a\u{1B}[D\u{7F}")
    #expect(shows(terminal, ["\"a"]))
    terminal.type("\u{15}\u{B}\"👩\u{200D}🚀x\u{1B}[D\u{7F}")
    #expect(shows(terminal, ["\"x"]))
    // A line that is exactly as wide as the screen, and goes on.
    terminal.type("\u{15}\u{B}" + String(repeating: "x", count: 75))
    #expect(terminal.wait { $0.text(ofRow: $0.row - 1).hasPrefix("ltd> xxx") && $0.column == 5 })
    terminal.type("\u{1B}[D")
    #expect(terminal.wait { $0.text(ofRow: $0.row).hasPrefix("ltd> xxx") && $0.column == 79 })
  }

  @Test func unfinishedOutputStaysWhereItIs() throws {
    let terminal = try start()
    #expect(terminal.enter("print(\"abc\", end=\"\")", expecting: "\nabc⏎\nltd> ") != nil)
  }

  // MARK: The screen

  @Test func aWindowOfAnySize() throws {
    let terminal = try start(columns: 60, rows: 12)
    var random = SplitMix(seed: 3)
    var typed = ""
    for step in 0..<200 {
      let letter = ["a", "b", " ", "漢", "e"][step % 5]
      typed += letter
      terminal.type(letter)
      terminal.resize(columns: Int.random(in: 20...100, using: &random), rows: Int.random(in: 4...30, using: &random))
    }
    terminal.resize(columns: 100, rows: 30)
    terminal.type("z")
    let isRight = terminal.wait { screen in
      var text = ""
      for index in (0..<screen.rows).reversed() {
        let row = screen.text(ofRow: index)
        if row.hasPrefix("     ") { text = row.dropFirst(5) + text }
        if row.hasPrefix("ltd> ") { return row.dropFirst(5) + text == typed + "z" }
      }
      return false
    }
    #expect(isRight, "\(terminal.shown)")
  }

  @Test func threeColumnsAndTwoRows() throws {
    let terminal = try PseudoTerminal(home: home, columns: 3, rows: 2)
    #expect(terminal.wait { _ in terminal.raw.count > 30 })
    terminal.type("fn f(x) {\n漢 = 1\n\u{1B}[A\u{1B}[B\u{9}\u{12}\u{1B}\u{3}")
    terminal.type("12+30\n")
    #expect(terminal.wait { screen in screen.text(from: 0).replacing("\n", with: "").contains("42") })
    terminal.waitForEditor()
    terminal.type("\u{4}")
    #expect(terminal.end() == 0)
  }

  @Test func pastesAreMarkedAgainAfterAStop() throws {
    let terminal = try start()
    #expect(terminal.wait { $0.isPasteMarked })
    terminal.type("abc")
    #expect(shows(terminal, ["abc"]))
    func count(_ text: String) -> Int {
      String(decoding: terminal.raw, as: UTF8.self).components(separatedBy: text).count - 1
    }
    // Nobody is there who could continue a stopped session of its own: it goes on at once.
    terminal.type("\u{1A}")
    #expect(terminal.wait { _ in count("\u{1B}[?2004l") == 1 && count("\u{1B}[?2004h") == 2 })
    #expect(shows(terminal, ["abc"]))
    terminal.signal(SIGSTOP)
    terminal.signal(SIGCONT)
    #expect(terminal.wait { _ in count("\u{1B}[?2004h") == 3 })
    terminal.type("d")
    #expect(shows(terminal, ["abcd"]))
  }

  @Test func theTextOpensInAnEditor() throws {
    let editor = home.appending(path: "editor")
    try Data("#!/bin/sh\nsed 's/one/2/' \"$1\" > \"$1.new\"; mv \"$1.new\" \"$1\"\n".utf8).write(to: editor)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: editor.path)
    let terminal = try start(variables: ["EDITOR": editor.path])
    terminal.type("40 + one\u{18}\u{5}")
    #expect(shows(terminal, ["40 + 2"]))
    terminal.type("\n")
    #expect(terminal.wait(for: "\n42\nltd> ") != nil)
  }

  // MARK: History

  @Test func whatWasTypedIsAPrefixForUp() throws {
    let terminal = try start()
    for line in ["aa = 1", "bb = 2", "ab = 3", "cc = 4"] { #expect(terminal.enter(line, expecting: "\nltd> ") != nil) }
    terminal.type("a\u{1B}[A")
    #expect(shows(terminal, ["ab = 3"]))
    terminal.type("\u{1B}[A")
    #expect(shows(terminal, ["aa = 1"]))
    terminal.type("0\u{1B}[B")  // a change
    #expect(shows(terminal, ["ab = 3"]))
    terminal.type("\u{1B}[A")  // is still there
    #expect(shows(terminal, ["aa = 10"]))
    terminal.type("\u{1B}[B\u{1B}[B\u{1B}[B")
    #expect(terminal.wait { $0.column == 6 && statement($0).first?.hasPrefix("a") ?? false })
    terminal.type("\u{15}\u{B}\u{1B}[A")
    #expect(shows(terminal, ["cc = 4"]))
  }

  @Test func theHistorySuggestsTheRest() throws {
    let terminal = try start()
    #expect(terminal.enter("total = 40 + 2", expecting: "\nltd> ") != nil)
    terminal.type("to")
    #expect(terminal.wait { statement($0) == ["total = 40 + 2"] && $0.column == 7 })
    terminal.type("\u{1B}f")
    #expect(terminal.wait { $0.column == 10 })
    terminal.type("\u{1B}[C")
    #expect(terminal.wait { $0.column == 19 })
    terminal.type("0\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("total", expecting: "\n60\nltd> ") != nil)
  }

  @Test func theHistoryIsAList() throws {
    let terminal = try start()
    for line in ["alpha = 1", "beta = 2", "1 / 0", "gamma = 3"] {
      #expect(terminal.enter(line, expecting: "\nltd> ") != nil)
    }
    terminal.type("\u{12}")
    #expect(terminal.see("1 of 4") && terminal.see("gamma = 3") && terminal.see("✗"))
    terminal.type("bta")  // letters in their order
    #expect(terminal.see("1 of 1"))
    #expect(terminal.wait { statement($0) == ["beta = 2"] })
    terminal.type("\u{9}")
    #expect(terminal.seeNo("history:"))
    terminal.type("0\n")
    #expect(terminal.enter("beta", expecting: "\n20\nltd> ") != nil)
    terminal.type("\u{12}alp\u{1B}")
    #expect(terminal.seeNo("history:"))
    terminal.type("\u{12}alp\n")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter(":history --failed", expecting: "1 / 0") != nil)
    #expect(terminal.enter(":history today", expecting: "beta = 20") != nil)
  }

  @Test func consolesShareTheirHistory() throws {
    let first = try start()
    let second = try start()
    #expect(first.enter("shared = 17", expecting: "\nltd> ") != nil)
    #expect(second.enter("1", expecting: "\n1\nltd> ") != nil)
    second.type("sha\u{1B}[A")
    #expect(shows(second, ["shared = 17"]))
  }

  // MARK: The menu

  @Test func tabOpensAMenu() throws {
    let terminal = try start(rows: 10)
    #expect(terminal.enter("r = {wxalpha: 1, wxalpine: 2};", expecting: "ltd> ") != nil)
    terminal.type("r.wx\t")
    #expect(shows(terminal, ["r.wxalp"]))
    #expect(terminal.see("wxalpha") && terminal.see("wxalpine"))
    terminal.type("\t\u{1B}[Z\t\t")
    #expect(terminal.see("› wxalpha") || terminal.see("› wxalpine"))
    terminal.type("\u{1B}")
    #expect(terminal.seeNo("› "))
    terminal.type("\t\u{1B}[B\u{1B}[B\n")
    #expect(shows(terminal, ["r.wxalpine"]))
    terminal.type("\n")
    #expect(terminal.wait(for: "\n2\nltd> ") != nil)
  }

  @Test func theMenuNeverScrollsTheLineAway() throws {
    let terminal = try start(rows: 8)
    terminal.type("s\t")
    #expect(terminal.wait { screen in (0..<8).contains { screen.text(ofRow: $0).contains(" of ") } })
    #expect(statement(terminal.screen) == ["s"])
    terminal.type("\t\t\t\t\t\t\t\t")
    #expect(terminal.see("› "))
    #expect(statement(terminal.screen) == ["s"])
    terminal.type("qr")
    #expect(terminal.see("sqrt"))
    #expect(shows(terminal, ["sqr"]))
  }
}
