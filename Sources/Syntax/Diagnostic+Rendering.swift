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

  /// The message as one line of JSON, for editors and other tools; lines and columns count from 1.
  public var json: String {
    var fields = [
      ("severity", jsonString(kind == .warning ? "warning" : "error")), ("kind", jsonString(kind.rawValue)),
      ("code", jsonString(kind.code)), ("message", jsonString(message)),
    ]
    if let source, let span { fields += jsonPlace(source, span) }
    if let primaryLabel { fields.append(("label", jsonString(primaryLabel))) }
    if let hint { fields.append(("hint", jsonString(hint))) }
    if !notes.isEmpty { fields.append(("notes", "[" + notes.map(jsonString).joined(separator: ",") + "]")) }
    if let source, !labels.isEmpty {
      let items = labels.map { jsonObject(jsonPlace(source, $0.span) + [("text", jsonString($0.text))]) }
      fields.append(("labels", "[" + items.joined(separator: ",") + "]"))
    }
    if !trace.isEmpty {
      let items = trace.map { jsonObject([("function", jsonString($0.function))] + jsonPlace($0.source, $0.span)) }
      fields.append(("trace", "[" + items.joined(separator: ",") + "]"))
    }
    return jsonObject(fields)
  }

  private func jsonPlace(_ source: Source, _ span: Span) -> [(String, String)] {
    let start = source.position(at: Int(span.start))
    let end = source.position(at: Int(span.end))
    return [
      ("file", jsonString(source.name)), ("line", "\(start.line)"), ("column", "\(start.column)"),
      ("endLine", "\(end.line)"), ("endColumn", "\(end.column)"), ("offset", "\(span.start)"),
      ("length", "\(span.end &- span.start)"),
    ]
  }
}

/// A text that a program writes to standard error, as one line of JSON among those of its errors.
public func printedJSON(_ text: String) -> String {
  jsonObject([("severity", jsonString("printed")), ("message", jsonString(text))])
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

private func jsonObject(_ fields: [(String, String)]) -> String {
  "{" + fields.map { "\(jsonString($0.0)):\($0.1)" }.joined(separator: ",") + "}"
}

/// A text as a JSON string with its quotes.
public func jsonString(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case _ where scalar.value < 0x20:
      result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
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
