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
    return marks.contains(String(line) + " ") ? "" : nil
  }

  private static func continuation(_ line: Substring) -> String {
    for mark in ["...> ", "... "] where line.hasPrefix(mark) { return String(line.dropFirst(mark.count)) }
    return String(line)
  }
}
