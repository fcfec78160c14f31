import Platform

/// Reads statements line by line where there is no terminal that can edit: pipes, `TERM=dumb`, tests.
package final class PlainReader: LineEditor {
  private let support: EditingSupport
  private let nextLine: () -> String?
  private let showPrompt: (String) -> Void

  /// - Parameters:
  ///   - support: where a statement ends.
  ///   - nextLine: the next line of the input without its newline; nil at the end.
  ///   - showPrompt: shows a prompt where somebody sees it.
  package init(
    support: EditingSupport, nextLine: @escaping () -> String?, showPrompt: @escaping (String) -> Void = { _ in }
  ) {
    self.support = support
    self.nextLine = nextLine
    self.showPrompt = showPrompt
  }

  /// Reads lines until the statement is whole.
  package func read(prompt: String) -> LineEditorResult {
    showPrompt(prompt)
    guard var statement = nextLine() else { return .end }
    while !support.submits(statement) {
      showPrompt("...> ")
      guard let line = nextLine() else { break }
      statement += "\n" + line
    }
    return .statement(statement)
  }

  /// Does nothing: there is nothing to edit.
  package func fill(_ text: String) {}
}
