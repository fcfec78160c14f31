import Interpreter

/// Examples in the form of a session at the prompt, as help pages and Markdown texts show them: statements behind
/// `ltd> `, further lines of a statement below its text, then what the prompt answers.
struct Conversation: Sendable {
  struct Turn: Sendable, Equatable {
    /// Line of the text, from 1.
    var line: Int
    var code: String
    var answer: String
  }

  private(set) var turns: [Turn] = []

  private static let margin = "    "
  private static let mark = "ltd> "

  /// Reads the indented blocks of a Markdown text.
  init(markdown: String) {
    var isAnswering = false
    var current: Turn?
    for (index, line) in markdown.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard line.hasPrefix(Self.margin) else {
        if let current { turns.append(current) }
        current = nil
        continue
      }
      let text = line.dropFirst(Self.margin.count)
      if text.hasPrefix(Self.mark) {
        if let current { turns.append(current) }
        current = Turn(line: index + 1, code: String(text.dropFirst(Self.mark.count)), answer: "")
        isAnswering = false
      } else if current != nil {
        let below = text.dropFirst(Self.mark.count)
        if !isAnswering, text.prefix(Self.mark.count).allSatisfy({ $0 == " " }), goesOn(current?.code ?? "") {
          current?.code += "\n" + below
        } else {
          current?.answer += (isAnswering ? "\n" : "") + text
          isAnswering = true
        }
      }
    }
    if let current { turns.append(current) }
  }

  /// Whether a statement needs more; a documentation comment belongs to the function that follows it.
  private func goesOn(_ code: String) -> Bool {
    !isComplete(code) || code.split(separator: "\n").last?.hasPrefix("##") == true
  }

  /// Enters one statement after the other.
  /// - Returns: what was answered otherwise than the text says.
  func differences(in session: Session) -> [String] {
    turns.compactMap { turn in
      let answer = session.transcript(of: turn.code)
      if answer == turn.answer { return nil }
      return "line \(turn.line): \(turn.code)\n"
        + turn.answer.split(separator: "\n").map { "  - \($0)\n" }.joined()
        + answer.split(separator: "\n").map { "  + \($0)\n" }.joined()
    }
  }
}
