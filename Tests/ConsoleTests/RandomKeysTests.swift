import CPseudoTerminal
import Foundation
import Testing

@testable import Console

/// Random keys: what is on the screen is what is in a model of the text.
///
/// The model knows nothing of ltd's editing: lines of characters, and what each key should do, to letters, brackets, words,
/// what was deleted and what was done before, in emacs and in vi. `LTD_KEYS=1000000 swift test --filter RandomKeysTests`
/// types a million of each.
@Suite(.serialized)
struct RandomKeysTests {
  /// How often, with which letters, and which keys.
  struct Play {
    var signs: [Unicode.Scalar]
    var keys: [(name: String, bytes: String)]
    var share: Int
  }

  static let movements: [(name: String, bytes: String)] = [
    ("left", "\u{1B}[D"), ("right", "\u{1B}[C"), ("left", "\u{2}"), ("right", "\u{6}"), ("home", "\u{1}"),
    ("end", "\u{5}"), ("home", "\u{1B}[H"), ("end", "\u{1B}OF"), ("backspace", "\u{7F}"), ("delete", "\u{1B}[3~"),
    ("break", "\u{1B}\r"), ("nothing", "\u{1B}[15~"), ("nothing", "\u{1B}[<0;3;4M"),
  ]
  static let further: [(name: String, bytes: String)] = [
    ("killEnd", "\u{B}"), ("killBegin", "\u{15}"), ("killLeft", "\u{17}"), ("killRight", "\u{1B}d"),
    ("wordLeft", "\u{1B}b"), ("wordRight", "\u{1B}f"), ("wordLeft", "\u{1B}[1;5D"), ("wordRight", "\u{1B}[1;3C"),
    ("yank", "\u{19}"), ("yankEarlier", "\u{1B}y"), ("undo", "\u{1F}"), ("redo", "\u{1B}_"), ("undo", "\u{18}\u{15}"),
  ]

  @Test func theScreenIsTheText() throws {
    try type(
      Play(
        signs: Array("abcde fg12 +,\"'#漢字éτ😀\u{301}\u{301}".unicodeScalars), keys: Self.movements + Self.further,
        share: 62))
  }

  @Test func theScreenIsTheTextWithBrackets() throws {
    try type(
      Play(signs: Array("ab1 , (([[{{}}])) τ漢\u{301}".unicodeScalars), keys: Self.movements + Self.further, share: 66))
  }

  @Test func theScreenIsTheTextInVi() throws {
    try type(
      Play(
        signs: Array("abcde fg12 +,".unicodeScalars), keys: [("backspace", "\u{7F}"), ("escape", "\u{1B}")], share: 80),
      isVi: true)
  }

  private func type(_ play: Play, isVi: Bool = false) throws {
    let wanted = ProcessInfo.processInfo.environment["LTD_KEYS"].flatMap { Int($0) } ?? 4000
    let seed = ProcessInfo.processInfo.environment["LTD_SEED"].flatMap { UInt64($0) } ?? 1
    var random = SplitMix(seed: seed)
    let home = FileManager.default.temporaryDirectory.appending(path: "ltd-random-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    if isVi { try Data("ltd:bind -v\n".utf8).write(to: home.appending(path: "editrc")) }
    var typed = 0
    while typed < wanted {
      let (columns, rows) = (Int.random(in: 20...60, using: &random), Int.random(in: 3...14, using: &random))
      let terminal = try PseudoTerminal(home: home, columns: columns, rows: rows)
      try #require(terminal.wait(for: "ltd> ") != nil)
      var model = KeyModel()
      model.isVi = isVi
      var recent: [String] = []
      for _ in 0..<min(400, wanted - typed) {
        var bytes = ""
        for _ in 0..<Int.random(in: 1...30, using: &random) {
          if model.isInCommands {
            bytes += command(&model, &recent, &random)
          } else if Int.random(in: 0..<100, using: &random) < play.share {
            let sign = play.signs.randomElement(using: &random) ?? "a"
            bytes.unicodeScalars.append(sign)
            model.press("type", sign)
            recent.append(String(sign))
          } else {
            let key = play.keys.randomElement(using: &random) ?? ("nothing", "")
            bytes += key.bytes
            model.press(key.name)
            recent.append(key.name)
          }
          typed += 1
        }
        // A key that does nothing takes away what is said in the last row; after Escape it would be another key.
        if recent.last != "escape" {
          model.press("nothing")
          bytes += "\u{1B}[15~"
        }
        terminal.type(bytes)
        var (expected, cursor) = FrameTests.rows(model.statement, width: columns)
        if model.isInCommands { expected[0] = "ltd:" + expected[0].dropFirst(4) }
        let isRight = terminal.wait(seconds: 20) { Self.isShown(expected, cursor, $0) }
        if !isRight {
          Issue.record(
            """
            seed \(seed), \(columns) × \(rows), \(typed) keys, after \(recent.suffix(60)): \(expected) with the cursor at \
            \(cursor), but \((0..<rows).map { terminal.screen.text(ofRow: $0) }) with \
            \((terminal.screen.row, terminal.screen.column))
            """)
          return
        }
        if model.lines.count > 40 || model.lines.contains(where: { $0.count > 400 }) {
          terminal.type("\u{3}")
          guard terminal.wait(until: { $0.text(ofRow: $0.row) == "ltd> " }) else { break }
          model.begin()
        }
      }
    }
  }

  /// A command of vi, with a count or without, pressed in the model as well.
  private func command(_ model: inout KeyModel, _ recent: inout [String], _ random: inout SplitMix) -> String {
    let commands = [
      "h", "l", "j", "k", "0", "$", "x", "X", "D", "J", "dd", "yy", "p", "P", "o", "O", "i", "a", "I", "A", "u", "gg",
      "G",
      "dj", "dk", "yj", "dG", "yG", "\u{7F}", "i", "a", "o", ".",
    ]
    var name = commands.randomElement(using: &random) ?? "h"
    // Escape, and at once this, is a sequence of the keyboard; and what libedit took is put in as libedit does it.
    if recent.last == "escape" { name = Bool.random(using: &random) ? "0" : "$" }
    if ["p", "P"].contains(name), model.register == nil || name == "." { name = "h" }
    if name == ".", model.change == nil { name = "l" }
    let takesCount = ["h", "l", "j", "k", "x", "X", "J", "dd", "yy", "p", "P", "gg", "G", "dj", "dk", "yj", "dG"]
    var count: Int?
    if takesCount.contains(name), Int.random(in: 0..<4, using: &random) == 0 {
      count = Int.random(in: 1...12, using: &random)
    }
    var keys = (count.map { "\($0)" } ?? "") + name
    // The count of an operator may stand before its motion.
    if let count, name.count == 2, name != "gg", Bool.random(using: &random) {
      keys = "\(name.prefix(1))\(count)\(name.suffix(1))"
    }
    model.command(name, count)
    recent.append(keys)
    return keys
  }

  /// Whether the rows around the cursor are those of the text, as many as fit.
  static func isShown(_ expected: [String], _ cursor: (row: Int, column: Int), _ screen: ScreenEmulator) -> Bool {
    guard screen.column == min(cursor.column, screen.columns - 1) else { return false }
    func fits(_ offset: Int) -> Bool {
      let seen = FrameTests.trimmed(screen.text(ofRow: screen.row + offset))
      let wanted = FrameTests.trimmed(expected[cursor.row + offset])
      if seen == wanted { return true }
      // Marks of what is above or below stand in place of the gutter.
      return (seen.hasPrefix("  ↑") || seen.hasPrefix("  ↓")) && seen.dropFirst(3) == wanted.padded(to: 3).dropFirst(3)
    }
    guard fits(0) else { return false }
    var offset = -1
    while cursor.row + offset >= 0, screen.row + offset >= 0 {
      if !fits(offset) { return false }
      offset -= 1
    }
    // Nothing of it is missing above, if there is room.
    if cursor.row + offset >= 0, screen.row + offset >= 0 { return false }
    offset = 1
    while cursor.row + offset < expected.count, screen.row + offset < screen.rows {
      if !fits(offset) { return false }
      offset += 1
    }
    return true
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String { self + String(repeating: " ", count: max(0, count - self.count)) }
}
