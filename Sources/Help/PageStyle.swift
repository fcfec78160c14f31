/// How a page is laid out: the width of its lines, and whether headings and prompts are marked as a terminal does it.
///
/// Pages have three forms: names with what they are in two columns (`list`), paragraphs as wide as the page, and words in
/// as many columns as fit (`columns`). Widths are counted in characters.
public struct PageStyle: Sendable {
  /// Characters in a line.
  public var width: Int
  /// Whether the escapes of a terminal make text bold or dim.
  public var isMarked: Bool

  /// Makes a style; without marks the text is plain.
  public init(width: Int = 80, isMarked: Bool = false) {
    self.width = width
    self.isMarked = isMarked
  }

  /// The text as a heading.
  public func bold(_ text: String) -> String { isMarked ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
  /// The text as something less important.
  public func dim(_ text: String) -> String { isMarked ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

  /// Names and what they are, in two columns, each row ended; on a narrow page the second begins below the first.
  public func list(_ rows: [(String, String)]) -> String {
    let column = min(28, width / 3, rows.map(\.0.count).max() ?? 0)
    let room = max(12, min(width, 120) - column - 4)
    let margin = String(repeating: " ", count: column + 4)
    return rows.map { name, summary in
      let text = wrapped(summary, room)
      let isLong = name.count > column && !text.isEmpty
      let first =
        isLong
        ? "  \(wrapped(name, width - 4).joined(separator: "\n    "))\n\(margin)" : "  \(padded(name, column))  "
      return trimmedEnd(first + text.joined(separator: "\n" + margin)) + "\n"
    }.joined()
  }

  /// Paragraphs as wide as the page; an item of a list keeps its line.
  func paragraphs(_ text: String) -> String {
    text.split(separator: "\n\n").map { paragraph in
      let lines = paragraph.split(separator: "\n").reduce(into: [String]()) { lines, line in
        if lines.isEmpty || line.hasPrefix("- ") {
          lines.append(String(line))
        } else {
          lines[lines.count - 1] += " " + line
        }
      }
      return lines.flatMap { line in
        wrapped(line, min(width, 100) - 2).enumerated().map {
          $0.offset > 0 && line.hasPrefix("- ") ? "  " + $0.element : $0.element
        }
      }.joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// The words of a text in lines of at most this many characters.
  func wrapped(_ text: String, _ room: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      if let last = lines.last, last.count + 1 + word.count <= room {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}

/// The text without spaces at its end.
func trimmedEnd(_ text: String) -> String { String(text.reversed().drop { $0 == " " }.reversed()) }

/// A text with spaces after it, or before it, up to a width.
public func padded(_ text: String, _ width: Int, right: Bool = false) -> String {
  let space = String(repeating: " ", count: max(0, width - text.count))
  return right ? space + text : text + space
}

/// Lays words out in columns that fit a width, down first, as `ls` does.
/// - Parameter most: how many words are shown before the rest is counted.
public func columns(_ words: [String], width: Int, most: Int = 200) -> String {
  let shown = words.prefix(most)
  let column = (shown.map(\.count).max() ?? 0) + 2
  let across = max(1, width / max(1, column))
  let rows = (shown.count + across - 1) / across
  var text = ""
  for row in 0..<rows {
    var line = ""
    for index in stride(from: row, to: shown.count, by: rows) {
      let word = shown[shown.startIndex + index]
      let isLast = index + rows >= shown.count
      line += isLast ? word : word + String(repeating: " ", count: column - word.count)
    }
    text += line + "\n"
  }
  if words.count > most { text += "… and \(words.count - most) more\n" }
  return text
}
