import Base
import Interpreter

/// A session as a text: a report that can be read, or a script that `ltd test` runs.
enum Transcript {
  /// A picture of a value, for reports: what kind of image, and its bytes; nil for what has none.
  typealias Picture = (type: String, bytes: [UInt8])

  /// The endings of files that can be written.
  static let endings = [".md", ".html", ".ltd"]

  /// Markdown: blocks of code as they stood at the prompt, with pictures between them.
  static func markdown(_ statements: [RanStatement], picture: (Value) -> Picture?) -> String {
    var text = "# Session of \(KeptSession.stamp("%d %b %Y"))\n"
    var isOpen = false
    for statement in statements {
      if !isOpen { text += "\n```ltd\n" }
      isOpen = true
      text += session(statement)
      guard let image = statement.value.flatMap(picture) else { continue }
      text += "```\n\n![](data:image/\(image.type);base64,\(base64(image.bytes)))\n"
      isOpen = false
    }
    return text + (isOpen ? "```\n" : "")
  }

  /// One page that needs no other file.
  static func html(_ statements: [RanStatement], picture: (Value) -> Picture?) -> String {
    let title = "Session of \(KeptSession.stamp("%d %b %Y"))"
    var text = """
      <!DOCTYPE html>
      <html lang="en">
      <meta charset="utf-8">
      <title>\(title)</title>
      <style>
      body { max-width: 60em; margin: 2em auto; padding: 0 1em; font-family: sans-serif; color: #222; background: #fff }
      pre { margin: 0; padding: .15em .8em; overflow-x: auto; line-height: 1.35 }
      .in { background: #f2f4f8; border-left: 3px solid #5a7fb5; margin-top: .8em }
      .error { color: #a02020 }
      img { max-width: 100% }
      </style>
      <h1>\(title)</h1>

      """
    for statement in statements {
      text += "<pre class=\"in\">\(escaped(statement.text))</pre>\n"
      let out = statement.printed + (statement.shown.map { $0 + "\n" } ?? "")
      if !out.isEmpty { text += "<pre>\(escaped(withoutLastBreak(out)))</pre>\n" }
      for error in statement.errors { text += "<pre class=\"error\">error: \(escaped(error))</pre>\n" }
      if let image = statement.value.flatMap(picture) {
        text += "<img alt=\"\" src=\"data:image/\(image.type);base64,\(base64(image.bytes))\">\n"
      }
    }
    return text + "</html>\n"
  }

  /// A script with what it must print. Statements that failed are comments.
  static func script(_ statements: [RanStatement]) -> String {
    var text = "# Session of \(KeptSession.stamp("%d %b %Y")).\n"
    for statement in statements {
      text += "\n"
      guard statement.isSuccess else {
        for line in lines(statement.text) { text += "# \(line)\n" }
        for error in statement.errors { text += "# error: \(error)\n" }
        continue
      }
      text += (statement.plain == nil ? statement.text : printing(statement.text)) + "\n"
      var expected = statement.printed
      if let plain = statement.plain {
        expected += plain + "\n"
      }
      if expected.isEmpty { continue }
      // At the prompt what comes next begins a line of its own.
      if !expected.hasSuffix("\n") { text += "print()\n" }
      for line in lines(withoutLastBreak(expected)) { text += "# expect: \(line)\n" }
    }
    return text
  }

  /// The statement with its last expression printed.
  private static func printing(_ text: String) -> String {
    let program = parse(Source(name: "<prompt>", text: text))
    guard let last = program.body.statements.last, case .expression(let value) = last.kind else { return text }
    let bytes = Array(text.utf8)
    let range = value.span.range.clamped(to: 0..<bytes.count)
    func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    return part(0..<range.lowerBound) + "print(" + part(range) + ")" + part(range.upperBound..<bytes.count)
  }

  private static func session(_ statement: RanStatement) -> String {
    var text = ""
    for (index, line) in lines(statement.text).enumerated() { text += (index == 0 ? "ltd> " : "...> ") + line + "\n" }
    text += statement.printed
    if !text.hasSuffix("\n") { text += "\n" }
    if let shown = statement.shown { text += withoutLastBreak(shown) + "\n" }
    for error in statement.errors { text += "error: \(error)\n" }
    // A fence within would end the block.
    return text.replacing("```", with: "`` `")
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  private static func withoutLastBreak(_ text: String) -> String {
    text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default:
        escaped.unicodeScalars.append(scalar.value < 32 && scalar != "\n" && scalar != "\t" ? "\u{FFFD}" : scalar)
      }
    }
    return escaped
  }

  /// The bytes as letters, for pictures within a text.
  static func base64(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      var bits = 0
      for byte in part { bits = bits << 8 | Int(byte) }
      bits <<= 8 * (3 - part.count)
      for place in 0..<4 {
        text.append(place <= part.count ? letters[bits >> (6 * (3 - place)) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
