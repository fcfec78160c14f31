/// Text copied from a session or a manual, with its prompts and results.
package enum PastedPrompt {
  private static let marks = ["ltd> ", ">>> "]

  /// The statements after the prompts, results left out; nil when the text does not begin with a prompt.
  package static func statements(in text: String, isComplete: (String) -> Bool) -> [String]? {
    guard hasPrompt(text[...]) else { return nil }
    var statements: [String] = []
    var open: String?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let code = withoutPrompt(line) {
        if let open { statements.append(open) }
        open = code
      } else if let sofar = open, !isComplete(sofar) {
        open = sofar + "\n" + continuation(line)
      }
    }
    if let open { statements.append(open) }
    return statements.filter { !trimmed($0).isEmpty }
  }

  private static func hasPrompt(_ line: Substring) -> Bool { withoutPrompt(line) != nil }

  private static func withoutPrompt(_ line: Substring) -> String? {
    let line = line.drop { $0 == " " || $0 == "\t" }
    for mark in marks where line.hasPrefix(mark) { return String(line.dropFirst(mark.count)) }
    if marks.contains(String(line) + " ") { return "" }
    // IPython counts: `In [3]: `.
    guard line.hasPrefix("In [") else { return nil }
    let rest = line.dropFirst(4).drop { $0.isASCII && $0.isNumber }
    guard rest.hasPrefix("]:"), line.count > rest.count + 4 else { return nil }
    return String(rest.dropFirst(2).drop { $0 == " " })
  }

  private static func continuation(_ line: Substring) -> String {
    for mark in ["...> ", "... "] where line.hasPrefix(mark) { return String(line.dropFirst(mark.count)) }
    let indented = line.drop { $0 == " " }
    // IPython's `   ...: ` stands under its prompt.
    if indented.hasPrefix("...: "), indented.count < line.count { return String(indented.dropFirst(5)) }
    return String(line)
  }

  /// A paste without the marks that this prompt draws at the left of further lines, `  ·  `.
  static func withoutGutter(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    let marks: [[Unicode.Scalar]] = ["·", "↑", "↓"].map { Array("  \($0)".unicodeScalars) }
    guard text.contains(where: { $0 == "·" || $0 == "↑" || $0 == "↓" }) else { return text }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    var kept: [Unicode.Scalar] = []
    for (index, line) in lines.enumerated() {
      if index > 0 { kept.append("\n") }
      guard marks.contains(where: { line.starts(with: $0) }) else {
        kept += line
        continue
      }
      let rest = line.dropFirst(3)
      kept += rest.dropFirst(min(2, rest.prefix { $0 == " " }.count))
    }
    return kept
  }
}
