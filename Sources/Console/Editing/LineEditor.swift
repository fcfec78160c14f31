import Help

/// What reading one statement at the prompt came to.
package enum LineEditorResult: Equatable, Sendable {
  /// A whole statement, possibly of several lines, without its final newline.
  case statement(String)
  /// Ctrl-C: what was typed is dropped.
  case cancelled
  /// Ctrl-D on an empty line, or the end of the input.
  case end
  /// Nothing could be read; the string says why.
  case failed(String)
}

/// The language's part of editing: where a statement ends, what can stand at the cursor, and what the call there takes.
package struct EditingSupport {
  /// Whether the text is whole, so that Enter submits it.
  package var isComplete: (String) -> Bool
  /// What can stand at a cursor, given in bytes of UTF-8.
  package var complete: (String, Int) -> Completion
  /// The call that a cursor is in.
  package var hint: (String, Int) -> CallHint?
  /// Where names stand that do not exist, in bytes of UTF-8.
  package var unknownNames: (String) -> [Range<Int>]

  /// - Parameters:
  ///   - isComplete: whether a text is whole.
  ///   - complete: completes a text at a cursor.
  ///   - hint: finds the call that a cursor is in.
  ///   - unknownNames: finds names that do not exist.
  package init(
    isComplete: @escaping (String) -> Bool, complete: @escaping (String, Int) -> Completion,
    hint: @escaping (String, Int) -> CallHint? = { _, _ in nil },
    unknownNames: @escaping (String) -> [Range<Int>] = { _ in [] }
  ) {
    self.isComplete = isComplete
    self.complete = complete
    self.hint = hint
    self.unknownNames = unknownNames
  }

  /// Whether a text is a statement, and no command of the prompt.
  func isCode(_ text: String) -> Bool {
    guard let first = text.utf8.first(where: { $0 != UInt8(ascii: " ") }) else { return true }
    return !":?!".utf8.contains(first)
  }

  /// Whether Enter submits: the statement is whole, or its last line is blank, so that nobody is stuck in a statement.
  package func submits(_ text: String) -> Bool {
    if let newline = text.utf8.lastIndex(of: UInt8(ascii: "\n")) {
      let last = text.utf8[text.utf8.index(after: newline)...]
      if last.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { return true }
    }
    return isComplete(text)
  }
}

/// Reads whole statements: from a terminal with editing, or from a pipe line by line.
package protocol LineEditor: AnyObject {
  /// Reads one statement.
  func read(prompt: String) -> LineEditorResult
  /// Puts a text into the next statement, to be edited; does nothing where nobody edits.
  func fill(_ text: String)
}
