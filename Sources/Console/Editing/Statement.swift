/// The text that is being edited, line by line, and the cursor in it.
///
/// Places are counted in Unicode scalars, as libedit does; what a reader takes for one character may be several, and the
/// cursor never stays within one.
struct Statement: Equatable {
  /// At least one line.
  var lines: [[Unicode.Scalar]] = [[]]
  /// The line with the cursor.
  var line = 0
  /// How many scalars stand before the cursor in its line.
  var column = 0

  init() {}

  /// A text with the cursor at its end.
  init(_ text: String) {
    var scalars: [[Unicode.Scalar]] = [[]]
    for scalar in text.unicodeScalars {
      if scalar == "\n" { scalars.append([]) } else { scalars[scalars.count - 1].append(scalar) }
    }
    lines = scalars
    moveToEnd()
  }

  var isEmpty: Bool { lines.count == 1 && lines[0].isEmpty }
  var current: [Unicode.Scalar] {
    get { lines[line] }
    set { lines[line] = newValue }
  }
  var isAtEnd: Bool { line == lines.count - 1 && column == lines[line].count }
  var isAtEndOfLine: Bool { column == lines[line].count }
  var beforeCursor: ArraySlice<Unicode.Scalar> { lines[line][..<column] }
  /// Whether nothing but spaces stand before the cursor in its line.
  var isInIndentation: Bool { beforeCursor.allSatisfy { $0 == " " || $0 == "\t" } }

  var text: String { Statement.text(lines) }
  /// The text before the cursor.
  var head: String { Statement.text(Array(lines[..<line]) + [Array(beforeCursor)]) }

  private static func text(_ lines: [[Unicode.Scalar]]) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(lines.reduce(0) { $0 + $1.count + 1 })
    for (index, line) in lines.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: "\n")) }
      for scalar in line {
        if scalar.isASCII {
          bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        } else {
          if let encoded = UTF8.encode(scalar) { bytes.append(contentsOf: encoded) }
        }
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: The cursor

  mutating func moveToEnd() {
    line = lines.count - 1
    column = lines[line].count
  }

  mutating func moveToBegin() { (line, column) = (0, 0) }

  /// The place after the character at a place of the cursor's line.
  func next(_ place: Int) -> Int { Graphemes.next(after: place, in: current) }
  /// The place before the character before a place of the cursor's line.
  func previous(_ place: Int) -> Int { Graphemes.previous(before: place, in: current) }

  mutating func moveRight() {
    if !isAtEndOfLine {
      column = next(column)
    } else if line < lines.count - 1 {
      (line, column) = (line + 1, 0)
    }
  }

  mutating func moveLeft() {
    if column > 0 {
      column = previous(column)
    } else if line > 0 {
      line -= 1
      column = current.count
    }
  }

  /// Moves to another line, near a column of the screen.
  mutating func move(toLine target: Int, near wanted: Int? = nil) {
    let width = wanted ?? Graphemes.width(beforeCursor)
    line = min(max(target, 0), lines.count - 1)
    column = Graphemes.place(atWidth: width, in: current)
  }

  // MARK: Changes

  /// Inserts text with line breaks at the cursor.
  mutating func insert(_ scalars: [Unicode.Scalar]) {
    guard scalars.contains("\n") else {
      lines[line].insert(contentsOf: scalars, at: column)
      column += scalars.count
      return
    }
    let rest = Array(current[column...])
    current.removeSubrange(column...)
    var parts = scalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
    current += parts.removeFirst()
    lines.insert(contentsOf: parts, at: line + 1)
    line += parts.count
    column = current.count
    current += rest
  }

  mutating func insert(_ text: String) { insert(Array(text.unicodeScalars)) }

  /// Removes some characters before the cursor, within its line.
  mutating func removeBefore(_ count: Int) {
    let count = min(count, column)
    lines[line].removeSubrange(column - count..<column)
    column -= count
  }

  mutating func removeLeft() {
    if column > 0 {
      removeBefore(column - previous(column))
    } else if line > 0 {
      let rest = lines.remove(at: line)
      line -= 1
      column = current.count
      current += rest
    }
  }

  mutating func removeRight() {
    if !isAtEndOfLine {
      lines[line].removeSubrange(column..<next(column))
    } else if line < lines.count - 1 {
      current += lines.remove(at: line + 1)
    }
  }

  /// The cursor's place in bytes of UTF-8.
  var cursorInBytes: Int {
    var count = 0
    for index in 0..<line { count += Graphemes.bytes(lines[index][...]) + 1 }
    return count + Graphemes.bytes(beforeCursor)
  }
}

/// What a reader takes for one character, in lines of Unicode scalars.
enum Graphemes {
  /// Whether a line has one character, of one column, for each scalar.
  static func isPlain(_ line: ArraySlice<Unicode.Scalar>) -> Bool {
    for scalar in line where scalar.value >= 0x300 || scalar.value < 0x20 || scalar.value == 0x7F { return false }
    return true
  }

  /// The characters of a line, each with the number of its scalars.
  static func characters(_ line: ArraySlice<Unicode.Scalar>) -> [(Character, Int)] {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: line)
    return String(view).map { ($0, $0.unicodeScalars.count) }
  }

  static func next(after place: Int, in line: [Unicode.Scalar]) -> Int {
    if place >= line.count { return line.count }
    if isPlain(line[place..<min(place + 2, line.count)]) { return place + 1 }
    var end = 0
    for (_, count) in characters(line[...]) {
      end += count
      if end > place { return end }
    }
    return line.count
  }

  static func previous(before place: Int, in line: [Unicode.Scalar]) -> Int {
    if place <= 0 { return 0 }
    if isPlain(line[max(0, place - 2)..<place]), place == line.count || isPlain(line[place...place]) {
      return place - 1
    }
    var begin = 0
    for (_, count) in characters(line[...]) {
      if begin + count >= place { return begin }
      begin += count
    }
    return begin
  }

  /// The place itself, or the end of the character that it is within.
  static func end(around place: Int, in line: [Unicode.Scalar]) -> Int {
    if place <= 0 || place >= line.count || isPlain(line[place - 1...place]) { return place }
    return next(after: place - 1, in: line)
  }

  static func width(_ line: ArraySlice<Unicode.Scalar>) -> Int {
    if isPlain(line) { return line.count }
    return characters(line).reduce(0) { $0 + CellText($1.0).width }
  }

  /// The last place of a line that is no more than so many columns from its begin.
  static func place(atWidth wanted: Int, in line: [Unicode.Scalar]) -> Int {
    if isPlain(line[...]) { return min(wanted, line.count) }
    var (width, place) = (0, 0)
    for (character, count) in characters(line[...]) {
      width += CellText(character).width
      if width > wanted { break }
      place += count
    }
    return place
  }

  static func bytes(_ line: ArraySlice<Unicode.Scalar>) -> Int {
    var count = 0
    for scalar in line { count += UTF8.width(scalar) }
    return count
  }
}
