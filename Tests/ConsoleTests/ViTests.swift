import Foundation
import Testing

/// The keys of vi, which `ltd:bind -v` in ~/.editrc asks for.
@Suite(.serialized)
struct ViTests {
  let home: URL

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "ltd-vi-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    try Data("ltd:bind -v\n".utf8).write(to: home.appending(path: "editrc"))
  }

  /// Keys, Escape as `⎋`, and the rows that they lead to; `|` is where the cursor is.
  @Test(arguments: [
    ("abc def⎋0cwxyz⎋", ["xy|z def"]), ("abc⎋ix⎋", ["ab|xc"]), ("abc def⎋bD", ["abc| "]),
    ("one two three⎋0wdwu", ["one |two three"]), ("one two three⎋0dw.", ["|three"]),
    ("one two⎋0x.u", ["|ne two"]), ("abc⎋0rx", ["|xbc"]), ("abcabc⎋0fcD", ["a|b"]),
    ("a.b⎋0ct.X⎋", ["|X.b"]), ("abc⎋ohello⎋", ["abc", "hell|o"]), ("abc⎋Ohello⎋", ["hell|o", "abc"]),
    ("a⎋ob⎋kdd", ["|b"]), ("a⎋ob⎋ddP", ["|b", "a"]), ("a⎋ob⎋oc⎋kddp", ["a", "c", "|b"]),
    ("ab cd⎋oef gh⎋k0J", ["ab cd| ef gh"]), ("abc⎋0d$", ["|"]), ("ab cd⎋0ylp", ["a|ab cd"]),
    ("x⎋~", ["|X"]), ("abc⎋3h", ["|abc"]), ("one⎋otwo⎋gg", ["|one", "two"]), ("(a⎋", ["(|a"]),
    ("fn f() {\r1\r}⎋kccq⎋", ["fn f() {", "|q", "}"]), ("ab⎋hhhhllll", ["a|b"]),
    ("uno\u{1B}[D\u{1B}[Dx⎋", ["u|xno"]),
    // Counts over lines, before the command, the motion or both.
    ("a⎋ob⎋oc⎋od⎋2k", ["a", "|b", "c", "d"]), ("a⎋ob⎋oc⎋od⎋9k2j", ["a", "b", "|c", "d"]),
    ("a⎋ob⎋oc⎋od⎋2kd2d", ["a", "|d"]), ("a⎋ob⎋oc⎋od⎋gg3dd", ["|d"]), ("a⎋ob⎋oc⎋od⎋gg3dj", ["|"]),
    ("a⎋ob⎋oc⎋od⎋gg2ddp", ["c", "|a", "b", "d"]), ("a⎋ob⎋2p", ["a", "|b"]), ("a⎋ob⎋yy2P", ["a", "|b", "b", "b"]),
    ("a⎋ob⎋oc⎋2GyGP", ["a", "|b", "c", "b", "c"]), ("a⎋ob⎋oc⎋od⎋ggdd.", ["|c", "d"]),
    ("a⎋ob⎋oc⎋od⎋oe⎋ggdd2.", ["|d", "e"]), ("a⎋ob⎋oc⎋3GccX⎋", ["a", "b", "|X"]),
    ("a⎋ob⎋oc⎋gg2ccX⎋", ["|X", "c"]), ("a⎋ob⎋oc⎋gg3J", ["a b| c"]), ("a⎋ob⎋oc⎋gg2ddu", ["|a", "b", "c"]),
    ("one two three four⎋02dw", ["|three four"]), ("one two three four⎋0d2w", ["|three four"]),
    ("one two three four⎋0d2w.", ["|"]), ("abcdef⎋03x", ["|def"]), ("abcdef⎋03lx", ["abc|ef"]),
    ("a⎋ob⎋dkix⎋", ["|x"]), ("ab cd⎋0dwp", ["c|ab d"]), ("a b⎋0d⎋x", ["| b"]),
    ("a\u{15}b\u{15}⎋p", ["|b"]),
    // Escape as the very first key.
    ("⎋ob⎋", ["", "|b"]), ("⎋Ab⎋", ["|b"]),
  ])
  func keys(_ typed: String, _ rows: [String]) throws {
    let terminal = try PseudoTerminal(home: home, columns: 60, rows: 12)
    try #require(terminal.wait(for: "ltd> ") != nil)
    var mark = 0
    for part in typed.split(separator: "⎋", omittingEmptySubsequences: false) {
      if mark > 0 {
        terminal.type("\u{1B}")
        #expect(terminal.see("ltd: "), "the prompt does not say that vi takes commands: \(terminal.shown)")
      }
      mark += 1
      terminal.type(String(part))
    }
    let isRight = terminal.wait(seconds: 10) { screen in
      var seen: [String] = []
      for index in (0..<screen.rows).reversed() {
        var row = screen.text(ofRow: index)
        guard ["ltd> ", "ltd: ", "  ·  "].contains(String(row.prefix(5))) else { continue }
        if index == screen.row {
          let place = row.index(row.startIndex, offsetBy: screen.column, limitedBy: row.endIndex) ?? row.endIndex
          row.insert("|", at: place)
        }
        seen.insert(String(row.dropFirst(5)), at: 0)
        if row.hasPrefix("ltd") { break }
      }
      return seen == rows
    }
    #expect(isRight, "\(typed): \(terminal.shown.suffix(200)) with the cursor at \(terminal.screen.column)")
  }

  @Test func historyAndSubmitting() throws {
    let terminal = try PseudoTerminal(home: home, columns: 60, rows: 12)
    try #require(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("40 + 1", expecting: "\n41\nltd> ") != nil)
    terminal.type("\u{1B}")
    #expect(terminal.see("ltd: "))
    terminal.type("k$r2\r")
    #expect(terminal.wait(for: "\n42\nltd> ") != nil)
    terminal.type("\u{1B}")
    #expect(terminal.see("ltd: "))
    terminal.type("/40\t")
    #expect(terminal.see("40 + 2"))
    terminal.type("\u{3}")
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("\u{1B}[200~1 +\n 2\u{1B}[201~\r")
    #expect(terminal.wait(for: "ltd> ") != nil)
  }
}
