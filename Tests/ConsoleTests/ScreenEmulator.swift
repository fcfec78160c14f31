import CPseudoTerminal

/// A terminal's screen as somebody sees it: what the escape sequences of a program make of it, with all that scrolled out.
///
/// It knows the sequences of ECMA-48 that a prompt needs, breaks long lines as xterm does (the cursor waits at the last
/// column), and takes the widths of characters from the C library, not from ltd.
struct ScreenEmulator {
  struct Cell: Equatable {
    /// nil where nothing was written since the last erasure; empty for the second column of a wide character.
    var text: String?
    /// The parameters of the last `m`.
    var look = ""
  }

  struct Line {
    var cells: [Cell]
    /// Whether the text went on in the next line because it was full.
    var wraps = false
  }

  private(set) var columns: Int
  private(set) var rows: Int
  /// Lines that scrolled out at the top.
  private(set) var scrolledOut: [Line] = []
  private(set) var lines: [Line]
  private(set) var row = 0
  private(set) var column = 0
  private(set) var isCursorShown = true
  private(set) var isPasteMarked = false
  /// Strings for the terminal itself, such as images: what stands between `ESC _` or `ESC P` and their end.
  private(set) var strings: [String] = []
  private var savedPlace: (row: Int, column: Int)?
  /// Sequences that are not understood.
  private(set) var unknown: [String] = []

  private var waitsToWrap = false
  private var look = ""
  private var pending: [UInt8] = []

  init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    lines = Array(repeating: Line(cells: Array(repeating: Cell(), count: columns)), count: rows)
  }

  // MARK: Reading

  /// The place of the cursor, counted over all lines there ever were.
  var place: (line: Int, column: Int) { (scrolledOut.count + row, column) }

  /// A row of the screen, what was never written at its end left out.
  func text(ofRow index: Int) -> String { lines.indices.contains(index) ? Self.text(lines[index]) : "" }

  /// The look of a cell of the screen.
  func look(_ row: Int, _ column: Int) -> String { lines[row].cells[column].look }

  /// All lines from a place on, counted over all there ever were, down to the last with text.
  func text(from line: Int, column: Int = 0) -> String { String(reading(from: line, column: column).map(\.character)) }

  /// The characters from a place on, each with the place after it.
  private func reading(from line: Int, column: Int) -> [(character: Character, line: Int, column: Int)] {
    let count = scrolledOut.count + lines.count
    func at(_ index: Int) -> Line { index < scrolledOut.count ? scrolledOut[index] : lines[index - scrolledOut.count] }
    guard line < count else { return [] }
    var last = count - 1
    while last > line, last > scrolledOut.count + row, Self.text(at(last)).isEmpty { last -= 1 }
    var found: [(character: Character, line: Int, column: Int)] = []
    for index in line...last {
      var cells = at(index).cells[...]
      // Spaces without end are the mark of unfinished output, and one is that of the prompt.
      while let end = cells.last, end.text == nil { cells.removeLast() }
      let whole = cells.count
      if cells.suffix(2).allSatisfy({ $0.text == " " }), cells.count > 1 {
        while let end = cells.last, end.text == " " { cells.removeLast() }
      }
      let isCut = cells.count < whole
      for place in cells.indices where index > line || place >= column {
        for character in cells[place].text ?? " " { found.append((character, index, place + 1)) }
      }
      if index < last, isCut || !at(index).wraps { found.append(("\n", index + 1, 0)) }
    }
    return found
  }

  /// Looks for a text after a place.
  /// - Returns: all up to its end, and the place after it.
  func find(_ text: String, from line: Int, column: Int) -> (upTo: String, line: Int, column: Int)? {
    let reading = reading(from: line, column: column)
    let all = String(reading.map(\.character))
    guard let range = all.range(of: text) else { return nil }
    let upTo = String(all[..<range.upperBound])
    guard let end = reading.prefix(upTo.count).last else { return ("", line, column) }
    return (upTo, end.line, end.column)
  }

  private static func text(_ line: Line) -> String {
    var cells = line.cells
    while let last = cells.last, last.text == nil { cells.removeLast() }
    return cells.map { $0.text ?? " " }.joined()
  }

  // MARK: Writing

  mutating func resize(columns newColumns: Int, rows newRows: Int) {
    for index in lines.indices {
      var cells = lines[index].cells
      if cells.count > newColumns { cells.removeLast(cells.count - newColumns) }
      while cells.count < newColumns { cells.append(Cell()) }
      lines[index].cells = cells
    }
    while lines.count > newRows {
      if row < lines.count - 1, Self.text(lines[lines.count - 1]).isEmpty {
        lines.removeLast()
      } else {
        scrolledOut.append(lines.removeFirst())
        row = max(0, row - 1)
      }
    }
    while lines.count < newRows { lines.append(Line(cells: Array(repeating: Cell(), count: newColumns))) }
    (columns, rows) = (newColumns, newRows)
    row = min(row, rows - 1)
    column = min(column, columns - 1)
    waitsToWrap = false
  }

  mutating func write(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { write(byte) }
  }

  private mutating func write(_ byte: UInt8) {
    if !pending.isEmpty {
      pending.append(byte)
      return goOn()
    }
    switch byte {
    case 0x1B, 0xC0...: pending = [byte]
    case 0x0D:
      column = 0
      waitsToWrap = false
    case 0x0A: lineFeed()
    case 0x08:
      column = max(0, column - 1)
      waitsToWrap = false
    case ..<0x20, 0x7F: break
    default: put(Unicode.Scalar(byte))
    }
  }

  private mutating func goOn() {
    let first = pending[0]
    if first == 0x1B {
      if pending.count >= 2, pending[1] == UInt8(ascii: "_") || pending[1] == UInt8(ascii: "P") {
        // Within what tmux hands on, ESC is doubled.
        guard pending.count > 3, pending.suffix(2) == [0x1B, UInt8(ascii: "\\")],
          pending.dropLast().reversed().prefix(while: { $0 == 0x1B }).count % 2 == 1
        else { return }
        strings.append(String(decoding: pending.dropFirst().dropLast(2), as: UTF8.self))
        pending = []
      } else if pending.count == 2, pending[1] == UInt8(ascii: "7") || pending[1] == UInt8(ascii: "8") {
        if pending[1] == UInt8(ascii: "7") {
          savedPlace = (row, column)
        } else if let place = savedPlace {
          (row, column) = (min(rows - 1, place.row), min(columns - 1, place.column))
        }
        waitsToWrap = false
        pending = []
      } else if pending.count == 2, pending[1] != UInt8(ascii: "[") {
        if pending[1] != UInt8(ascii: "="), pending[1] != UInt8(ascii: ">") {
          unknown.append(String(decoding: pending, as: UTF8.self))
        }
        pending = []
      } else if pending.count > 2, let last = pending.last, (0x40...0x7E).contains(last) {
        let parameters = String(decoding: pending[2..<(pending.count - 1)], as: UTF8.self)
        pending = []
        control(Character(Unicode.Scalar(last)), parameters)
      }
      return
    }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard pending.count >= length else { return }
    let text = String(decoding: pending, as: UTF8.self)
    pending = []
    for scalar in text.unicodeScalars { put(scalar) }
  }

  private mutating func control(_ final: Character, _ parameters: String) {
    let numbers = parameters.split(separator: ";", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    let count = max(1, numbers.first ?? 1)
    if final != "m" { waitsToWrap = false }
    switch final {
    case "A": row = max(0, row - count)
    case "B": row = min(rows - 1, row + count)
    case "C": column = min(columns - 1, column + count)
    case "D": column = max(0, column - count)
    case "G": column = min(columns - 1, count - 1)
    case "H":
      row = min(rows - 1, count - 1)
      column = min(columns - 1, max(1, numbers.count > 1 ? numbers[1] : 1) - 1)
    case "J":
      if numbers.first == 2 {
        for index in lines.indices { erase(index, 0) }
      } else {
        erase(row, column)
        for index in lines.indices where index > row { erase(index, 0) }
      }
    case "K": erase(row, column)
    case "m": look = parameters == "0" ? "" : parameters.hasPrefix("0;") ? String(parameters.dropFirst(2)) : parameters
    case "h", "l":
      if parameters == "?25" { isCursorShown = final == "h" }
      if parameters == "?2004" { isPasteMarked = final == "h" }
    default: unknown.append("ESC [ \(parameters) \(final)")
    }
  }

  private mutating func erase(_ index: Int, _ from: Int) {
    for place in from..<columns { lines[index].cells[place] = Cell() }
    lines[index].wraps = false
  }

  private mutating func lineFeed() {
    waitsToWrap = false
    if row < rows - 1 {
      row += 1
    } else {
      scrolledOut.append(lines.removeFirst())
      lines.append(Line(cells: Array(repeating: Cell(), count: columns)))
    }
  }

  private mutating func put(_ scalar: Unicode.Scalar) {
    let width = Int(column_width(scalar.value))
    if width <= 0 {
      // A mark goes to the character before.
      var place = waitsToWrap ? column : column - 1
      while place > 0, lines[row].cells[place].text == "" { place -= 1 }
      if place >= 0 { lines[row].cells[place].text = (lines[row].cells[place].text ?? " ") + String(scalar) }
      return
    }
    if waitsToWrap || column + width > columns {
      lines[row].wraps = true
      lineFeed()
      column = 0
    }
    if width > columns { return }
    clearWide(at: column)
    if width == 2 { clearWide(at: column + 1) }
    lines[row].cells[column] = Cell(text: String(scalar), look: look)
    if width == 2 { lines[row].cells[column + 1] = Cell(text: "", look: look) }
    column += width
    if column >= columns {
      column = columns - 1
      waitsToWrap = true
    }
  }

  /// Half of a wide character that is written over leaves a blank.
  private mutating func clearWide(at place: Int) {
    if lines[row].cells[place].text == "", place > 0 { lines[row].cells[place - 1].text = " " }
    if place + 1 < columns, lines[row].cells[place + 1].text == "" { lines[row].cells[place + 1].text = " " }
  }
}
