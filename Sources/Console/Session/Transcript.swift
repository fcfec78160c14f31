import Base
import Builtins
import Interpreter

/// A session as a text: a report that can be read, or a script that `ltd test` runs.
///
/// A figure stands where it was drawn. An HTML page has it within itself, a chart as SVG and images as PNG, so that the page
/// needs no other file. Markdown has it as a PNG in a file beside it, `report-1.png`: pictures within Markdown are thrown
/// out by those who show it, and nobody could read the text any more. A script prints it, and expects the characters that
/// a pipe gets.
enum Transcript {
  /// The endings of files that can be written.
  static let endings = [".md", ".html", ".ltd"]

  /// Writes a transcript and its pictures.
  ///
  /// - Returns: the files of pictures beside it.
  /// - Throws: `io` where a file cannot be written or a picture would replace one, `memory` for a picture that is too large,
  ///   `interrupted`.
  static func write(_ statements: [RanStatement], to path: String, ending: String) throws(CoreError) -> [String] {
    switch ending {
    case ".ltd":
      try AtomicFile.replace(path, parts: [Array(script(statements).utf8)])
      return []
    case ".html":
      try AtomicFile.replace(path, parts: [Array(html(statements).utf8)])
      return []
    default:
      let stem = String(path.dropLast(ending.count))
      var files: [(path: String, bytes: [UInt8])] = []
      let text = try markdown(statements) { (bytes) throws(CoreError) in
        let file = "\(stem)-\(files.count + 1).png"
        guard FileStatus(file) == nil else {
          throw CoreError(
            .io, "'\(file)' is there already, and would be a picture of \(path)", hint: "choose another name")
        }
        files.append((file, bytes))
        return String(file.split(separator: "/").last ?? "")
      }
      for file in files { try AtomicFile.replace(file.path, parts: [file.bytes]) }
      try AtomicFile.replace(path, parts: [Array(text.utf8)])
      return files.map(\.path)
    }
  }

  // MARK: Markdown

  /// Blocks of code as they stood at the prompt, with pictures between them.
  ///
  /// - Parameter file: takes the bytes of a PNG, and returns what refers to it.
  private static func markdown(
    _ statements: [RanStatement], file: ([UInt8]) throws(CoreError) -> String
  ) throws(CoreError) -> String {
    var text = "# Session of \(KeptSession.stamp("%d %b %Y"))\n"
    var isOpen = false
    func write(_ more: String) {
      if more.isEmpty { return }
      if !isOpen { text += "\n```ltd\n" }
      isOpen = true
      // A fence within would end the block.
      text += more.replacing("```", with: "`` `")
      if !text.hasSuffix("\n") { text += "\n" }
    }
    func draw(_ value: Value) throws(CoreError) {
      guard let picture = try value.picture(asPixels: true) else { return }
      let name = try file(picture.bytes)
      if isOpen { text += "```\n" }
      isOpen = false
      text += "\n![\(plainWords(picture.words))](<\(name)>)\n"
    }
    for statement in statements {
      try StopSignal.poll()
      for (index, line) in lines(statement.text).enumerated() { write((index == 0 ? "ltd> " : "...> ") + line + "\n") }
      for part in statement.output {
        switch part {
        case .text(let printed): write(printed)
        case .figure(let value): try draw(value)
        }
      }
      if let figure = statement.figure { try draw(figure) } else if let shown = statement.shown { write(shown) }
      if let lost = lostNote(statement) { write("(\(lost))\n") }
      for error in statement.errors { write("error: \(error)\n") }
    }
    return text + (isOpen ? "```\n" : "")
  }

  /// What has no meaning in Markdown.
  private static func plainWords(_ text: String) -> String {
    String(text.map { "[]()<>\\`*_!\n".contains($0) ? " " : $0 })
  }

  // MARK: HTML

  /// One page that needs no other file.
  private static func html(_ statements: [RanStatement]) throws(CoreError) -> String {
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
      .note { color: #777 }
      img { max-width: 100%; margin: .4em 0 }
      </style>
      <h1>\(title)</h1>

      """
    func write(_ shown: String, _ kind: String = "") {
      if shown.isEmpty { return }
      text += "<pre\(kind.isEmpty ? "" : " class=\"\(kind)\"")>\(escaped(withoutLastBreak(shown)))</pre>\n"
    }
    func draw(_ value: Value) throws(CoreError) {
      guard let picture = try value.picture(asPixels: false) else { return }
      // An SVG is an image of its own: ids of two of them in one page would be mixed up.
      let type = picture.type == "svg" ? "svg+xml" : picture.type
      text += "<img alt=\"\(escaped(picture.words))\" width=\"640\" src=\"data:image/\(type);base64,"
      text += "\(String(decoding: base64(picture.bytes), as: UTF8.self))\">\n"
    }
    for statement in statements {
      try StopSignal.poll()
      write(statement.text, "in")
      var open = ""
      for part in statement.output {
        switch part {
        case .text(let printed): open += printed
        case .figure(let value):
          write(open)
          open = ""
          try draw(value)
        }
      }
      if let figure = statement.figure {
        write(open)
        try draw(figure)
      } else {
        if !open.isEmpty, !open.hasSuffix("\n") { open += "\n" }
        write(open + (statement.shown ?? ""))
      }
      if let lost = lostNote(statement) { write(lost, "note") }
      for error in statement.errors { write("error: \(error)", "error") }
    }
    return text + "</html>\n"
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

  // MARK: A script

  /// A script with what it must print. Statements that failed are comments.
  private static func script(_ statements: [RanStatement]) throws(CoreError) -> String {
    var text = "# Session of \(KeptSession.stamp("%d %b %Y")).\n"
    var plain = PrintOptions()
    plain.height = .max
    for statement in statements {
      try StopSignal.poll()
      text += "\n"
      guard statement.isSuccess else {
        for line in lines(statement.text) { text += "# \(line)\n" }
        for error in statement.errors { text += "# error: \(error)\n" }
        continue
      }
      if let lost = lostNote(statement), statement.plain == nil {
        // What it drew is not known any more, so that it cannot be expected.
        text += "# Left out, since \(lost):\n"
        for line in lines(statement.text) { text += "# \(line)\n" }
        continue
      }
      text += (statement.plain == nil ? statement.text : printing(statement.text)) + "\n"
      var expected = ""
      for part in statement.output {
        switch part {
        case .text(let printed): expected += printed
        case .figure(let value): expected += value.text(plain) + "\n"
        }
      }
      if let shown = statement.plain { expected += shown + "\n" }
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

  // MARK: Words

  private static func lostNote(_ statement: RanStatement) -> String? {
    switch statement.lostPictures {
    case 0: nil
    case 1: "its figure is not kept any more: newer ones needed the memory"
    case let count: "its \(count) figures are not kept any more: newer ones needed the memory"
    }
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  private static func withoutLastBreak(_ text: String) -> String {
    text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}
