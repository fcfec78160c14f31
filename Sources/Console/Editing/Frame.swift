import Interpreter

/// How a cell of the screen looks, by what it is.
enum Style: UInt8 {
  case plain, prompt, commandPrompt, gutter, keyword, string, number, comment, call, bracket, unmatched, unknown
  case suggestion, hint, hintNow, selected, matched, good, bad

  /// The parameters of the escape sequence that makes it.
  var codes: String {
    switch self {
    case .plain: "0"
    case .prompt: "1;34"
    case .commandPrompt: "1;33"
    case .gutter, .suggestion, .hint, .comment: "2"
    case .keyword: "35"
    case .string: "32"
    case .number: "33"
    case .call: "36"
    case .bracket: "1;4"
    case .unmatched, .bad: "31"
    case .unknown: "4;31"
    case .hintNow: "1"
    case .selected: "7"
    case .matched: "1;36"
    case .good: "32"
    }
  }
}

/// What one character of a text is on the screen.
struct CellText: Equatable {
  /// What is written; nothing in it moves the cursor elsewhere.
  var glyph: String
  /// How many columns it takes.
  var width: Int

  init(glyph: String, width: Int) {
    self.glyph = glyph
    self.width = width
  }

  /// A character as it is shown: a tab as spaces, control characters and marks without a letter as signs.
  init(_ character: Character) {
    if let byte = character.asciiValue, (0x20..<0x7F).contains(byte) {
      self.init(glyph: String(character), width: 1)
      return
    }
    guard let first = character.unicodeScalars.first else {
      self.init(glyph: " ", width: 1)
      return
    }
    switch first.value {
    case 0x09: self.init(glyph: "    ", width: 4)
    case ..<0x20: self.init(glyph: Unicode.Scalar(0x2400 + first.value).map { String($0) } ?? " ", width: 1)
    case 0x7F: self.init(glyph: "\u{2421}", width: 1)
    case 0x80..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF0...0xFFFB:
      self.init(glyph: "\u{FFFD}", width: 1)
    default:
      // Text that stacks marks without end is cut: it would be drawn over other lines.
      var view = String.UnicodeScalarView()
      view.append(contentsOf: character.unicodeScalars.prefix(10).filter { $0.value >= 0x20 })
      let width = displayWidth(String(view))
      if width > 0 {
        self.init(glyph: String(view), width: width)
      } else if first.properties.generalCategory == .nonspacingMark
        || first.properties.generalCategory == .enclosingMark
      {
        self.init(glyph: "\u{25CC}" + String(view), width: 1)
      } else {
        self.init(glyph: "\u{FFFD}", width: 1)
      }
    }
  }
}

/// One column of the screen.
struct Cell: Equatable {
  /// Empty in the columns that a wide character takes after its first.
  var glyph: String
  var style: Style
}

/// A row of cells, as many as are drawn.
typealias Row = [Cell]

extension Row {
  /// Appends a text as far as it fits into a width.
  /// - Returns: whether all of it fitted.
  @discardableResult
  mutating func append(_ text: some StringProtocol, _ style: Style, width: Int) -> Bool {
    for character in text where !append(CellText(character), style, width: width) { return false }
    return true
  }

  @discardableResult
  mutating func append(_ text: CellText, _ style: Style, width: Int) -> Bool {
    guard count + text.width <= width else { return false }
    append(Cell(glyph: text.glyph, style: style))
    for _ in 1..<Swift.max(1, text.width) { append(Cell(glyph: "", style: style)) }
    return true
  }

  /// Appends a text that is cut with an ellipsis where it does not fit.
  mutating func appendCut(_ text: some StringProtocol, _ style: Style, width: Int) {
    let begin = count
    if append(text, style, width: width) { return }
    while count > begin, count >= width || last?.glyph == "" { removeLast() }
    if count < width { append("…", style, width: width) }
  }

  mutating func pad(to width: Int, _ style: Style = .plain) {
    while count < width { append(Cell(glyph: " ", style: style)) }
  }
}

/// What the console shows while a statement is edited: rows from the prompt downwards, and the cursor.
struct Frame: Equatable {
  var rows: [Row] = [[]]
  var cursorRow = 0
  var cursorColumn = 0
}

/// Lays a statement out in rows of a width, as many as fit a height, around the cursor.
///
/// Only what is seen is looked at, however long the statement is.
struct FrameLayout {
  /// The prompt before the first line.
  var prompt = "ltd> "
  var promptStyle = Style.prompt
  var width = 80
  var height = 24

  /// What stands at the left of each row: the prompt, a mark, or spaces.
  var indent: Int { width >= 20 ? prompt.count : width >= 8 ? 2 : 0 }
  private var room: Int { max(1, width - indent) }

  /// What stays from one frame to the next.
  struct View {
    /// The first row that is seen, which stays as long as the cursor is in view.
    var top = Place()
    /// The lines that were seen, as they were laid out: between two keys most of them stay as they are.
    fileprivate var lines: [Int: Line] = [:]
    fileprivate var room = 0

    init(top: Place = Place()) { self.top = top }

    fileprivate struct Line {
      var text: [Unicode.Scalar]
      var styles: ArraySlice<Style>
      var rows: [Row]
    }
  }

  /// A row of the statement.
  struct Place: Comparable {
    var line = 0
    /// The row within the line.
    var row = 0

    static func < (one: Place, other: Place) -> Bool { (one.line, one.row) < (other.line, other.row) }
  }

  /// The rows of one line, and where places of it are.
  private struct LineRows {
    var rows: [Row] = [[]]
    var cursor: (row: Int, column: Int)?
  }

  /// - Parameters:
  ///   - styles: the look of each byte of the statement's text; plain where there is none.
  ///   - suggestion: what stands dim after the end of the text.
  ///   - below: rows under the statement.
  ///   - cursorBelow: where the cursor is, if it is in these rows.
  ///   - view: what the last frame has left; its first row is moved if the cursor would not be in view.
  func frame(
    of statement: Statement, styles: TextStyles, suggestion: String = "", below: [Row] = [],
    cursorBelow: (row: Int, column: Int)? = nil, view: inout View
  ) -> Frame {
    let old = view.room == room ? view.lines : [:]
    (view.lines, view.room) = ([:], room)
    // The text keeps a third of the screen at least, and one row whatever happens.
    let most = max(1, height - below.count)
    let seen = max(most, min(height, max(1, height / 3)))
    let below = below.prefix(height - seen)
    var cache: [Int: LineRows] = [:]
    func rows(_ line: Int) -> LineRows {
      if let found = cache[line] { return found }
      // The line of the cursor is laid out anew: its end may need a row more.
      let cursor = line == statement.line ? statement.column : nil
      let (text, look) = (statement.lines[line], styles.styles(ofLine: line))
      let made: LineRows
      if cursor == nil, let before = old[line], before.styles == look, before.text == text {
        made = LineRows(rows: before.rows)
      } else {
        made = lay(statement, line, styles, cursor: cursor)
      }
      if cursor == nil { view.lines[line] = View.Line(text: text, styles: look, rows: made.rows) }
      cache[line] = made
      return made
    }
    let cursor = rows(statement.line).cursor ?? (0, 0)
    let cursorPlace = Place(line: statement.line, row: cursor.row)
    view.top.line = min(view.top.line, statement.lines.count - 1)
    view.top.row = min(view.top.row, rows(view.top.line).rows.count - 1)
    if cursorPlace < view.top { view.top = cursorPlace }
    // Up from the cursor as far as the view reaches: the top is not above that.
    var highest = cursorPlace
    for _ in 1..<max(1, seen) {
      if highest.row > 0 {
        highest.row -= 1
      } else if highest.line > 0 {
        highest.line -= 1
        highest.row = rows(highest.line).rows.count - 1
      } else {
        break
      }
    }
    if view.top < highest { view.top = highest }
    var frame = Frame(rows: [])
    var place = view.top
    var isWhole = false
    while frame.rows.count < seen {
      let line = rows(place.line)
      if place == cursorPlace {
        frame.cursorRow = frame.rows.count
        frame.cursorColumn = min(indent + cursor.column, width - 1)
      }
      frame.rows.append(gutter(place) + line.rows[place.row])
      if place.row + 1 < line.rows.count {
        place.row += 1
      } else if place.line + 1 < statement.lines.count {
        place = Place(line: place.line + 1, row: 0)
      } else {
        isWhole = true
        break
      }
    }
    // Where the end is in view but rows above are not, although there is room: move up.
    if isWhole, frame.rows.count < seen, Place() < view.top {
      var fitting = view.top
      var free = seen - frame.rows.count
      while free > 0, Place() < fitting {
        if fitting.row > 0 {
          fitting.row -= 1
        } else {
          fitting.line -= 1
          fitting.row = rows(fitting.line).rows.count - 1
        }
        free -= 1
      }
      view.top = fitting
      return self.frame(
        of: statement, styles: styles, suggestion: suggestion, below: Array(below), cursorBelow: cursorBelow,
        view: &view)
    }
    if indent > 0 {
      let mark = indent >= 5 ? 2 : 0
      if Place() < view.top { frame.rows[0][mark] = Cell(glyph: "↑", style: .gutter) }
      if !isWhole { frame.rows[frame.rows.count - 1][mark] = Cell(glyph: "↓", style: .gutter) }
    }
    if isWhole, statement.isAtEnd, !suggestion.isEmpty, frame.cursorRow == frame.rows.count - 1 {
      frame.rows[frame.cursorRow].appendCut(suggestion, .suggestion, width: width - 1)
    }
    if let cursorBelow, cursorBelow.row < below.count {
      frame.cursorRow = frame.rows.count + cursorBelow.row
      frame.cursorColumn = min(cursorBelow.column, width - 1)
    }
    frame.rows += below.map { Row($0.prefix(width)) }
    return frame
  }

  /// The mark at the left of a row.
  private func gutter(_ place: Place) -> Row {
    var row: Row = []
    guard indent > 0 else { return row }
    if place == Place() {
      let shown = indent >= prompt.count ? prompt : String(prompt.trimmingSpace.suffix(1)) + " "
      row.append(shown, promptStyle, width: indent)
    } else {
      row.append(place.row > 0 ? "" : indent >= 5 ? "  ·" : "·", .gutter, width: indent)
    }
    row.pad(to: indent)
    return row
  }

  private func lay(_ statement: Statement, _ index: Int, _ styles: TextStyles, cursor: Int?) -> LineRows {
    let line = statement.lines[index]
    var result = LineRows()
    var place = 0
    var byte = styles.isEmpty ? 0 : styles.start(ofLine: index)
    func note(_ result: inout LineRows) {
      guard cursor == place else { return }
      let last = result.rows.count - 1
      result.cursor = (last, result.rows[last].count)
    }
    func add(_ text: CellText, scalars: Int, bytes: Int) {
      let text = text.width > room ? CellText(glyph: "?", width: 1) : text
      if result.rows[result.rows.count - 1].count + text.width > room { result.rows.append([]) }
      note(&result)
      result.rows[result.rows.count - 1].append(text, styles.style(at: byte), width: room)
      place += scalars
      byte += bytes
    }
    if Graphemes.isPlain(line[...]) {
      for scalar in line {
        add(CellText(glyph: String(scalar), width: 1), scalars: 1, bytes: scalar.value < 0x80 ? 1 : 2)
      }
    } else {
      for (character, count) in Graphemes.characters(line[...]) {
        add(CellText(character), scalars: count, bytes: character.utf8.count)
      }
    }
    if cursor == place, result.rows[result.rows.count - 1].count >= room { result.rows.append([]) }
    note(&result)
    return result
  }
}

extension String {
  fileprivate var trimmingSpace: Substring {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return text
  }
}
