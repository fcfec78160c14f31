extension Diagnostic {
  /// The message as a person reads it: sentence, place, excerpt with marks, hint, notes, and calls under way.
  ///
  /// - Parameters:
  ///   - color: Whether to use terminal colours.
  ///   - width: Columns of the terminal; longer source lines are cut around the marked place.
  ///   - wraps: Whether sentences are broken at the width, between words.
  public func render(color: Bool = false, width: Int = 100, wraps: Bool = false) -> String {
    let style = Style(isOn: color)
    func sentence(_ title: String, _ text: String) -> String {
      let text = printable(text, keepsLineBreaks: true)
      return wraps ? broken(text, after: title.count + 1, width: width) : text
    }
    let title = kind == .warning ? "warning:" : "error:"
    let painted = kind == .warning ? style.warning(title) : style.error(title)
    var lines = ["\(painted) \(style.bold(sentence(title, message)))"]
    if let source, let span {
      lines += Excerpt(source: source, span: span, diagnostic: self, width: max(width, 40)).lines(style)
    }
    if let hint { lines.append("\(style.hint("hint:")) \(sentence("hint:", hint))") }
    for note in notes { lines.append("\(style.hint("note:")) \(sentence("note:", note))") }
    lines += traceLines(style)
    return lines.joined(separator: "\n") + "\n"
  }

  private func traceLines(_ style: Style) -> [String] {
    var lines: [String] = []
    for (index, frame) in trace.enumerated() {
      if omittedFrames > 0, index == Diagnostic.maximumFrames / 2 {
        lines.append("  … \(omittedFrames) more calls …")
      }
      let (line, column) = frame.source.position(at: Int(frame.span.start))
      let place = "\(printable(frame.source.name)):\(line):\(column)"
      let verb = frame.isImport ? "imported" : "called"
      lines.append("  in \(printable(frame.function)), \(verb) at \(style.place(place))")
    }
    return lines
  }
}

/// Several messages with blank lines between them.
public func render(
  _ diagnostics: [Diagnostic], color: Bool = false, width: Int = 100, wraps: Bool = false
) -> String {
  diagnostics.map { $0.render(color: color, width: width, wraps: wraps) }.joined(separator: "\n")
}

/// A text with line breaks between words instead of going beyond a width; its first line begins `start` columns in.
private func broken(_ text: String, after start: Int, width: Int) -> String {
  var result = ""
  var column = start
  for (place, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
    if place > 0 {
      result += "\n"
      column = 0
    }
    for (place, word) in line.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
      if place > 0, column > 2, column + 1 + displayWidth(String(word)) > width {
        result += "\n  "
        column = 2
      } else if place > 0 {
        result += " "
        column += 1
      }
      result += word
      column += displayWidth(String(word))
    }
  }
  return result
}

/// Terminal colours, or none.
struct Style {
  var isOn: Bool

  private func paint(_ text: String, _ code: String) -> String { isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
  func error(_ text: String) -> String { paint(text, "1;31") }
  func warning(_ text: String) -> String { paint(text, "1;33") }
  func bold(_ text: String) -> String { paint(text, "1") }
  func hint(_ text: String) -> String { paint(text, "1;36") }
  func place(_ text: String) -> String { paint(text, "34") }
  func gutter(_ text: String) -> String { paint(text, "34") }
  func label(_ text: String) -> String { paint(text, "36") }
}
