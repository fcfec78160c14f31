/// Brings a terminal from one frame to the next with few bytes: only cells that differ are written.
///
/// It knows no terminal: it makes bytes, to be written at once. All movement is relative to where the cursor is, since
/// nobody knows which row of the screen the prompt stands in.
struct FramePainter {
  let colours: Bool

  private var shown: Frame?
  private var shownWidth = 0
  private var row = 0
  /// nil after a character was written into the last column: terminals differ in where the cursor is then.
  private var column: Int? = 0
  private var style = Style.plain
  private var bytes: [UInt8] = []

  init(colours: Bool) { self.colours = colours }

  /// Forgets what is shown: the next frame begins in the row of the cursor, which is taken to be at its left end.
  mutating func forget() {
    shown = nil
    (row, column) = (0, 0)
  }

  /// The bytes that show a frame.
  mutating func paint(_ frame: Frame, width: Int) -> [UInt8] {
    bytes = []
    if let old = shown, width != shownWidth { eraseAfterResize(old, width) }
    shownWidth = width
    if shown == nil {
      put("\r\u{1B}[J")
      (row, column) = (0, 0)
    }
    let old = shown?.rows ?? []
    let changed = (0..<max(old.count, frame.rows.count)).filter {
      $0 >= old.count || $0 >= frame.rows.count || old[$0] != frame.rows[$0]
    }
    let hides = changed.count > 1
    if hides { put("\u{1B}[?25l") }
    if old.count > frame.rows.count {
      move(toRow: frame.rows.count)
      move(toColumn: 0)
      put("\u{1B}[J")
    }
    for index in changed where index < frame.rows.count {
      if index >= max(1, old.count) {
        // A row that is not there yet: the line feed makes it, scrolling if need be.
        move(toRow: index - 1)
        put("\r\n")
        (row, column) = (index, 0)
      }
      write(frame.rows[index], over: index < old.count ? old[index] : [], at: index, width)
    }
    set(.plain)
    move(toRow: frame.cursorRow)
    move(toColumn: frame.cursorColumn)
    if hides { put("\u{1B}[?25h") }
    shown = frame
    return bytes
  }

  /// Leaves the frame as it is and goes to the begin of the row below it.
  mutating func leave() -> [UInt8] {
    bytes = []
    if let shown { move(toRow: shown.rows.count - 1) }
    put("\r\n")
    forget()
    return bytes
  }

  /// Erases the frame after the width has changed; the next one begins where it began.
  mutating func erase(width: Int) -> [UInt8] {
    bytes = []
    if let old = shown { eraseAfterResize(old, width) }
    return bytes
  }

  // MARK: Writing

  private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func set(_ new: Style) {
    guard colours, new != style else { return }
    put(new == .plain || style == .plain ? "\u{1B}[\(new.codes)m" : "\u{1B}[0;\(new.codes)m")
    style = new
  }

  private mutating func move(toRow target: Int) {
    if target < row { put("\u{1B}[\(row - target)A") }
    if target > row { put("\u{1B}[\(target - row)B") }
    row = target
  }

  private mutating func move(toColumn target: Int) {
    if column == target { return }
    if target == 0 {
      put("\r")
    } else if let column, target == column + 1 {
      put("\u{1B}[C")
    } else {
      put("\u{1B}[\(target + 1)G")
    }
    column = target
  }

  private mutating func write(_ new: Row, over old: Row, at index: Int, _ width: Int) {
    var first = 0
    while first < min(new.count, old.count), new[first] == old[first] { first += 1 }
    if first == new.count, first == old.count { return }
    // A wide character is written whole.
    while first > 0, first < new.count && new[first].glyph.isEmpty || first < old.count && old[first].glyph.isEmpty {
      first -= 1
    }
    var end = new.count
    if new.count == old.count {
      while end > first, new[end - 1] == old[end - 1] { end -= 1 }
      while end < new.count, new[end].glyph.isEmpty { end += 1 }
    }
    move(toRow: index)
    if first < end || old.count > new.count { move(toColumn: first) }
    var place = first
    while place < end {
      let cell = new[place]
      if column != place { move(toColumn: place) }
      set(cell.style)
      put(cell.glyph)
      var next = place + 1
      while next < new.count, new[next].glyph.isEmpty { next += 1 }
      // Terminals disagree about the width of characters of several scalars, and of some signs: say where to go on.
      let isSimple = cell.glyph.utf8.count == next - place || cell.glyph.unicodeScalars.count == 1 && !isUncertain(cell)
      column = isSimple && next < width ? next : nil
      place = next
    }
    if old.count > new.count {
      set(.plain)
      move(toColumn: new.count)
      put("\u{1B}[K")
    }
  }

  private func isUncertain(_ cell: Cell) -> Bool {
    cell.glyph.unicodeScalars.contains { $0.value >= 0x1F000 || (0x2300..<0x2E80).contains($0.value) }
  }

  /// The width has changed: what is shown is erased, to be written anew.
  ///
  /// Most terminals break rows that no longer fit, so that the cursor is further from the first row than it was.
  private mutating func eraseAfterResize(_ old: Frame, _ width: Int) {
    var above = row
    if width < shownWidth {
      above = (column ?? shownWidth - 1) / width
      for row in old.rows.prefix(row) { above += max(1, (row.count + width - 1) / width) }
    }
    if above > 0 { put("\u{1B}[\(above)A") }
    put("\r\u{1B}[J")
    shown = nil
    (row, column) = (0, 0)
  }
}
