import Foundation
import Testing

@testable import Console

/// Random keys: what is on the screen is what is in a model of the text.
///
/// The model knows nothing of ltd's editing: lines of characters, and what each key should do. `LTD_KEYS=1000000 swift
/// test --filter RandomKeysTests` types a million.
@Suite(.serialized)
struct RandomKeysTests {
  /// A text of lines, edited as somebody would expect.
  struct Model {
    var lines: [[Unicode.Scalar]] = [[]]
    var line = 0
    var column = 0
    /// The keys that were pressed twice in a row mean more.
    var last = ""

    /// The places of a line where characters begin and end.
    func stops(_ index: Int) -> [Int] {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: lines[index])
      var stops = [0]
      for character in String(view) { stops.append((stops.last ?? 0) + character.unicodeScalars.count) }
      return stops
    }

    mutating func settle() { column = stops(line).first { $0 >= column } ?? lines[line].count }

    mutating func press(_ name: String, _ scalar: Unicode.Scalar) {
      let end = lines[line].count
      switch name {
      case "type":
        lines[line].insert(scalar, at: column)
        column += 1
        settle()
      case "left":
        if column > 0 {
          column = stops(line).last { $0 < column } ?? 0
        } else if line > 0 {
          line -= 1
          column = lines[line].count
        }
      case "right":
        if column < end {
          column = stops(line).first { $0 > column } ?? end
        } else if line < lines.count - 1 {
          (line, column) = (line + 1, 0)
        }
      case "home":
        if column == 0 { line = 0 }
        column = 0
      case "end":
        if column == end { line = lines.count - 1 }
        column = lines[line].count
      case "backspace":
        if column > 0 {
          let from = stops(line).last { $0 < column } ?? 0
          lines[line].removeSubrange(from..<column)
          column = from
        } else if line > 0 {
          let rest = lines.remove(at: line)
          line -= 1
          column = lines[line].count
          lines[line] += rest
        }
      case "delete":
        if column < end {
          lines[line].removeSubrange(column..<(stops(line).first { $0 > column } ?? end))
        } else if line < lines.count - 1 {
          lines[line] += lines.remove(at: line + 1)
        }
      case "break":
        let rest = Array(lines[line][column...])
        lines[line].removeSubrange(column...)
        lines.insert(rest, at: line + 1)
        (line, column) = (line + 1, 0)
      case "kill":
        if column < end { lines[line].removeSubrange(column...) }
      default: break
      }
      settle()
      last = name
    }

    var statement: Statement {
      var statement = Statement()
      statement.lines = lines
      (statement.line, statement.column) = (line, column)
      return statement
    }
  }

  static let keys: [(name: String, bytes: String)] = [
    ("left", "\u{1B}[D"), ("right", "\u{1B}[C"), ("left", "\u{2}"), ("right", "\u{6}"), ("home", "\u{1}"),
    ("end", "\u{5}"), ("home", "\u{1B}[H"), ("end", "\u{1B}OF"), ("backspace", "\u{7F}"), ("delete", "\u{1B}[3~"),
    ("break", "\u{1B}\r"), ("kill", "\u{B}"), ("nothing", "\u{1B}[15~"), ("nothing", "\u{1B}[<0;3;4M"),
  ]

  @Test func theScreenIsTheText() throws {
    let wanted = ProcessInfo.processInfo.environment["LTD_KEYS"].flatMap { Int($0) } ?? 4000
    let seed = ProcessInfo.processInfo.environment["LTD_SEED"].flatMap { UInt64($0) } ?? 1
    var random = SplitMix(seed: seed)
    let home = FileManager.default.temporaryDirectory.appending(path: "ltd-random-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    let signs = Array("abcde fg12 +,\"'#漢字éτ😀\u{301}\u{301}".unicodeScalars)
    var typed = 0
    while typed < wanted {
      let (columns, rows) = (Int.random(in: 20...60, using: &random), Int.random(in: 3...14, using: &random))
      let terminal = try PseudoTerminal(home: home, columns: columns, rows: rows)
      try #require(terminal.wait(for: "ltd> ") != nil)
      var model = Model()
      var recent: [String] = []
      for _ in 0..<min(200, wanted - typed) {
        var bytes = ""
        for _ in 0..<Int.random(in: 1...30, using: &random) {
          if Int.random(in: 0..<100, using: &random) < 62 {
            // No quote begins a string of many lines, no bracket opens: Alt-Enter then indents nothing.
            let sign = signs.randomElement(using: &random) ?? "a"
            bytes.unicodeScalars.append(sign)
            model.press("type", sign)
            recent.append(String(sign))
          } else {
            let key = Self.keys.randomElement(using: &random) ?? ("nothing", "")
            // Ctrl-K twice takes more, and at the end of a line joins: pressed where it kills to the end of the line.
            if key.name == "kill", model.last == "kill" || model.column == model.lines[model.line].count { continue }
            bytes += key.bytes
            model.press(key.name, " ")
            recent.append(key.name)
          }
          typed += 1
        }
        terminal.type(bytes)
        let (expected, cursor) = FrameTests.rows(model.statement, width: columns)
        let isRight = terminal.wait(seconds: 10) { Self.isShown(expected, cursor, $0) }
        if !isRight {
          Issue.record(
            """
            seed \(seed), \(columns) × \(rows), after \(recent.suffix(40)): \(expected) with the cursor at \(cursor), but \
            \((0..<rows).map { terminal.screen.text(ofRow: $0) }) with \((terminal.screen.row, terminal.screen.column))
            """)
          return
        }
        if model.lines.count > 40 || model.lines.contains(where: { $0.count > 400 }) {
          terminal.type("\u{3}")
          guard terminal.wait(until: { $0.text(ofRow: $0.row) == "ltd> " }) else { break }
          model = Model()
        }
      }
    }
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
