/// The lines of source under a diagnostic, with marks and labels.
struct Excerpt {
  /// One marked stretch of a line, in columns of the terminal.
  private struct Mark {
    var start: Int
    var end: Int
    var text: String?
    var isPrimary: Bool
  }

  let source: Source
  let span: Span
  let diagnostic: Diagnostic
  let width: Int

  func lines(_ style: Style) -> [String] {
    var byLine: [Int: [(span: Span, text: String?, isPrimary: Bool)]] = [:]
    byLine[source.lineIndex(at: Int(span.start)), default: []].append((span, diagnostic.primaryLabel, true))
    for label in diagnostic.labels.prefix(20) {
      byLine[source.lineIndex(at: Int(label.span.start)), default: []].append((label.span, label.text, false))
    }
    let indices = byLine.keys.sorted()
    let gutterWidth = String((indices.last ?? 0) + source.firstLine).count
    let blank = String(repeating: " ", count: gutterWidth)
    let (line, column) = source.position(at: Int(span.start))
    var result = ["\(blank)\(style.gutter("┌─")) \(style.place("\(printable(source.name)):\(line):\(column)"))"]
    var previous: Int?
    for index in indices {
      if let previous, index > previous + 1 { result.append("\(blank)\(style.gutter("┆"))") }
      previous = index
      let number = String(index + source.firstLine)
      let padding = String(repeating: " ", count: gutterWidth - number.count)
      let (text, marks) = layout(line: index, byLine[index] ?? [], available: width - gutterWidth - 2)
      result.append("\(padding)\(style.gutter("\(number)│")) \(text)".trimmingTrailingSpaces())
      for row in markRows(marks, style) { result.append("\(blank)\(style.gutter("│")) \(row)") }
    }
    return result
  }

  // MARK: One line

  /// The printable text of a line, cut to the available columns, and where its marks stand.
  private func layout(
    line: Int, _ places: [(span: Span, text: String?, isPrimary: Bool)], available: Int
  ) -> (String, [Mark]) {
    let range = source.lineRange(line)
    let focus = places.first { $0.isPrimary } ?? places[0]
    // Only a window of a very long line is looked at.
    var first = max(range.lowerBound, min(Int(focus.span.start), range.upperBound) - 4 * width)
    while first > range.lowerBound, source.bytes[first] & 0xC0 == 0x80 { first -= 1 }
    var last = min(range.upperBound, max(first, Int(focus.span.start)) + 8 * width)
    while last < range.upperBound, source.bytes[last] & 0xC0 == 0x80 { last += 1 }

    // Cells: the characters with their byte offset and the column they start at.
    var cells: [(offset: Int, column: Int, end: Int, text: String)] = []
    var offset = first
    var column = 0
    for character in source.text(first..<last) {
      let text = character == "\t" ? String(repeating: " ", count: 4 - column % 4) : printable(String(character))
      let end = column + (character == "\t" ? text.count : displayWidth(text))
      cells.append((offset, column, end, text))
      column = end
      offset += byteLength(of: character, at: offset)
    }
    let total = column
    func columnOf(_ byte: Int) -> Int {
      var low = 0
      var high = cells.count
      while low < high {
        let middle = (low + high) / 2
        if cells[middle].offset < byte { low = middle + 1 } else { high = middle }
      }
      // Within a character: its start.
      if low < cells.count { return cells[low].offset > byte && low > 0 ? cells[low - 1].column : cells[low].column }
      return byte >= last || cells.isEmpty ? total : cells[cells.count - 1].column
    }

    let focusColumn = columnOf(Int(focus.span.start))
    var cut = 0
    if focusColumn + 12 > available { cut = max(0, focusColumn - available / 2) }
    let isCutLeft = cut > 0 || first > range.lowerBound
    let end = cut + available - 2
    let isCutRight = total > end + 2 || last < range.upperBound
    var text = isCutLeft ? "…" : ""
    var textStart: Int?
    for cell in cells where cell.column >= cut && (!isCutRight || cell.end <= end) {
      if textStart == nil { textStart = cell.column }
      text += cell.text
    }
    if isCutRight { text += "…" }
    let shift = (textStart ?? cut) - (isCutLeft ? 1 : 0)
    let limit = isCutRight ? end - shift : max(total, columnOf(Int(focus.span.start)) + 1) - shift
    let marks = places.map { place in
      let start = min(max(columnOf(Int(place.span.start)) - shift, 0), max(limit, 0))
      let stop = min(columnOf(min(Int(place.span.end), range.upperBound)) - shift, max(limit, 0))
      return Mark(start: start, end: max(stop, start + 1), text: place.text, isPrimary: place.isPrimary)
    }
    return (text, marks)
  }

  /// Bytes that a character of the decoded text takes in the source, where invalid bytes were repaired.
  private func byteLength(of character: Character, at offset: Int) -> Int {
    var length = 0
    for scalar in character.unicodeScalars {
      if let (_, size) = decodeScalar(source.bytes, at: offset + length) {
        length += size
      } else if scalar == "\u{FFFD}" {
        length += 1
      }
    }
    return length
  }

  // MARK: Marks

  private func markRows(_ marks: [Mark], _ style: Style) -> [String] {
    let sorted = marks.sorted { ($0.start, $0.isPrimary ? 1 : 0) < ($1.start, $1.isPrimary ? 1 : 0) }
    let end = sorted.map(\.end).max() ?? 0
    // 0 nothing, 1 label, 2 primary
    var row = [UInt8](repeating: 0, count: end)
    for mark in sorted where !mark.isPrimary { for column in mark.start..<mark.end { row[column] = 1 } }
    for mark in sorted where mark.isPrimary { for column in mark.start..<mark.end { row[column] = 2 } }
    var underline = ""
    var column = 0
    while column < end {
      var next = column
      while next < end, row[next] == row[column] { next += 1 }
      let count = next - column
      switch row[column] {
      case 1: underline += style.label(String(repeating: "─", count: count))
      case 2: underline += style.error(String(repeating: "^", count: count))
      default: underline += String(repeating: " ", count: count)
      }
      column = next
    }
    let texts = sorted.filter { !($0.text ?? "").isEmpty }
    if texts.count == 1, let only = texts.first, only.end == end, sorted.count == 1 {
      let text = printable(only.text ?? "")
      return [underline + " " + (only.isPrimary ? style.error(text) : style.label(text))]
    }
    var rows = [underline]
    for (index, mark) in texts.enumerated().reversed() {
      var line = ""
      var position = 0
      for other in texts[..<index] where other.start < mark.start && other.start >= position {
        line += String(repeating: " ", count: other.start - position) + paint("│", other, style)
        position = other.start + 1
      }
      let isShared = index > 0 && texts[index - 1].start == mark.start
      line += String(repeating: " ", count: max(0, mark.start - position))
      line += paint((isShared ? "├ " : "└ ") + printable(mark.text ?? ""), mark, style)
      rows.append(line)
    }
    return rows
  }

  private func paint(_ text: String, _ mark: Mark, _ style: Style) -> String {
    mark.isPrimary ? style.error(text) : style.label(text)
  }
}

/// A text that cannot move the cursor or hide what it says: control characters become visible signs.
func printable(_ text: String, keepsLineBreaks: Bool = false) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x0A where keepsLineBreaks: result.append(scalar)
    case 0x09, 0x0A: result.append(" ")
    case 0x00..<0x20: result.append(Unicode.Scalar(0x2400 + scalar.value) ?? " ")
    case 0x7F: result.append("\u{2421}")
    case 0x80..<0xA0, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: result.append("\u{FFFD}")
    default: result.append(scalar)
    }
  }
  return String(result)
}

/// Columns that a text takes in a terminal: 2 for East Asian wide characters and emoji, 0 for combining marks.
public func displayWidth(_ text: String) -> Int {
  var width = 0
  for character in text { width += displayWidth(character) }
  return width
}

private func displayWidth(_ character: Character) -> Int {
  var width = 0
  for scalar in character.unicodeScalars {
    // An emoji made of several scalars is drawn as one.
    width = max(width, scalarWidth(scalar))
    if scalar.value == 0xFE0F { width = 2 }
  }
  return width
}

private func scalarWidth(_ scalar: Unicode.Scalar) -> Int {
  let value = scalar.value
  if value < 0x300 { return value < 0x20 ? 0 : 1 }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format, .control: return 0
  default: break
  }
  switch value {
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
    0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
    return 2
  default:
    return scalar.properties.isEmojiPresentation ? 2 : 1
  }
}

extension String {
  fileprivate func trimmingTrailingSpaces() -> String {
    var result = self
    while result.last == " " { result.removeLast() }
    return result
  }
}
