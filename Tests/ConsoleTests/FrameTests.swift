import CPseudoTerminal
import Foundation
import Testing

@testable import Console

/// What is drawn, seen through a terminal.
@Suite
struct FrameTests {
  /// The rows that a statement should take, by another way of laying it out.
  static func rows(_ statement: Statement, width: Int) -> (rows: [String], cursor: (row: Int, column: Int)) {
    var rows: [String] = []
    var cursor = (0, 0)
    for (index, line) in statement.lines.enumerated() {
      var text = index == 0 ? "ltd> " : "  ·  "
      var used = 5
      var place = 0
      var view = String.UnicodeScalarView()
      view.append(contentsOf: line)
      for character in String(view) {
        var shown = String(character)
        var wide = Int(column_width(character.unicodeScalars.first?.value ?? 0))
        // A mark without a letter stands on a circle.
        if wide <= 0 { (shown, wide) = ("\u{25CC}" + shown, 1) }
        if used + wide > width {
          rows.append(text)
          (text, used) = ("     ", 5)
        }
        if index == statement.line, place == statement.column { cursor = (rows.count, used) }
        text += shown
        used += wide
        place += character.unicodeScalars.count
      }
      if index == statement.line, place == statement.column {
        if used >= width {
          rows.append(text)
          (text, used) = ("     ", 5)
        }
        cursor = (rows.count, used)
      }
      rows.append(text)
    }
    return (rows, cursor)
  }

  static func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  /// Random texts, cursors and sizes, drawn one after the other.
  @Test func theScreenShowsTheText() {
    var random = SplitMix(seed: 7)
    let signs = Array("abcdef 123()[]{}+\"漢字éτ").map(String.init) + ["e\u{301}", "😀", "\n", "\n", " "]
    for _ in 0..<60 {
      let (columns, rows) = (Int.random(in: 20...60, using: &random), Int.random(in: 4...20, using: &random))
      var screen = ScreenEmulator(columns: columns, rows: rows)
      var painter = FramePainter(colours: true)
      var highlighter = Highlighter()
      var view = FrameLayout.View()
      var statement = Statement()
      for step in 0..<60 {
        if Int.random(in: 0..<3, using: &random) > 0 {
          statement.insert(signs.randomElement(using: &random) ?? "")
        } else {
          for _ in 0..<Int.random(in: 0...6, using: &random) {
            Bool.random(using: &random) ? statement.moveLeft() : statement.removeLeft()
          }
        }
        let below = (0..<(step % 4)).map { number -> Row in
          var row: Row = []
          row.append("menu \(number)", .hint, width: columns)
          return row
        }
        let layout = FrameLayout(width: columns, height: rows)
        let styles = highlighter.styles(of: statement.text, cursor: statement.cursorInBytes)
        let frame = layout.frame(of: statement, styles: styles, below: below, view: &view)
        var forgetful = FrameLayout.View(top: view.top)
        #expect(layout.frame(of: statement, styles: styles, below: below, view: &forgetful) == frame)
        screen.write(painter.paint(frame, width: columns))
        let (expected, cursor) = Self.rows(statement, width: columns)
        let shown = frame.rows.count - min(below.count, frame.rows.count)
        let first = screen.row - frame.cursorRow
        let offset = cursor.row - frame.cursorRow
        for index in 0..<shown {
          // The gutter may have a mark of what is above or below.
          let seen = Self.trimmed(screen.text(ofRow: first + index)).dropFirst(5)
          let wanted = Self.trimmed(expected[offset + index]).dropFirst(5)
          #expect(seen == wanted, "step \(step), row \(index)")
        }
        #expect(screen.column == min(cursor.column, columns - 1))
        #expect(screen.unknown.isEmpty && screen.isCursorShown)
        if below.count > 0, frame.rows.count > shown {
          #expect(Self.trimmed(screen.text(ofRow: first + shown)) == "menu 0")
        }
        #expect(Self.trimmed(screen.text(from: screen.scrolledOut.count + first + frame.rows.count)) == "")
      }
    }
  }

  @Test func aKeyWritesLittle() {
    var painter = FramePainter(colours: true)
    var view = FrameLayout.View()
    var statement = Statement(Array(repeating: "x = f(1, [2, 3])", count: 300).joined(separator: "\n"))
    let layout = FrameLayout(width: 100, height: 40)
    _ = painter.paint(layout.frame(of: statement, styles: .none, view: &view), width: 100)
    statement.insert("y")
    let bytes = painter.paint(layout.frame(of: statement, styles: .none, view: &view), width: 100)
    #expect(bytes == Array("y".utf8))
  }

  @Test(arguments: [(1, 1), (2, 1), (3, 2), (7, 3), (8, 1), (20, 2), (200, 1)])
  func screensOfAnySize(_ size: (columns: Int, rows: Int)) {
    for text in ["", "a", "abc漢字def", "fn f(x) {\n  x\n}", "e\u{301}\u{301}😀\t\u{1B}[31m\u{7}"] {
      var view = FrameLayout.View()
      var painter = FramePainter(colours: true)
      var statement = Statement(text)
      for _ in 0..<12 {
        let below: [Row] = [[Cell(glyph: "m", style: .hint)], []]
        let frame = FrameLayout(width: size.columns, height: size.rows).frame(
          of: statement, styles: .none, suggestion: "more", below: below, view: &view)
        #expect(frame.rows.count <= size.rows && frame.cursorRow < frame.rows.count)
        #expect(frame.cursorColumn < size.columns && frame.rows.allSatisfy { $0.count <= size.columns })
        let bytes = painter.paint(frame, width: size.columns)
        // Nothing of the text moves the cursor.
        #expect(!String(decoding: bytes, as: UTF8.self).contains("\u{1B}[31m\u{7}"))
        statement.moveLeft()
      }
    }
  }

  @Test func wordsHaveTheirLook() {
    var highlighter = Highlighter()
    let text = "if x { f(\"s\", 12) } # c"
    let styles = highlighter.styles(of: text, cursor: -1)
    func look(_ part: String) -> Style {
      styles.style(
        at: text.utf8.distance(from: text.startIndex, to: text.range(of: part)?.lowerBound ?? text.startIndex))
    }
    #expect(look("if") == .keyword && look("f(") == .call && look("\"s") == .string && look("12") == .number)
    #expect(look("# c") == .comment && look("x") == .plain)
    #expect(highlighter.styles(of: "f(x", cursor: 3).style(at: 1) == .plain)
    #expect(highlighter.styles(of: "f(x)", cursor: 4).style(at: 1) == .bracket)
    #expect(highlighter.styles(of: "f)", cursor: 0).style(at: 1) == .unmatched)
  }
}

/// Random numbers with a seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
