import CEditline
import Help
import Platform

/// Edits whole statements on a terminal with libedit.
package final class LibeditEditor: LineEditor {
  private let support: EditingSupport
  private let colours: Bool
  private let write: (String) -> Void
  private var editor: OpaquePointer?

  /// - Parameters:
  ///   - support: where a statement ends, and what can stand at the cursor.
  ///   - historySize: how many statements Up and Ctrl-R reach.
  ///   - colours: whether the prompt is coloured.
  ///   - write: shows the candidates of Tab.
  /// - Returns: nil where libedit cannot use the terminal.
  package init?(support: EditingSupport, historySize: Int, colours: Bool, write: @escaping (String) -> Void) {
    self.support = support
    self.colours = colours
    self.write = write
    let context = Unmanaged.passUnretained(self).toOpaque()
    editor = ltd_editor_open(
      "ltd", Int32(clamping: historySize), context,
      { context, text, cursor in
        guard let context else { return strdup("") }
        let editor = Unmanaged<LibeditEditor>.fromOpaque(context).takeUnretainedValue()
        return editor.completion(String(cString: text), Int(cursor)).map { strdup($0) } ?? nil
      },
      { context, text in
        guard let context else { return true }
        return Unmanaged<LibeditEditor>.fromOpaque(context).takeUnretainedValue().support.submits(String(cString: text))
      })
    if editor == nil { return nil }
  }

  deinit {
    if let editor { ltd_editor_close(editor) }
  }

  /// Reads one statement with editing, the history and Tab.
  package func read(prompt: String) -> LineEditorResult {
    guard let editor else { return .failed("the terminal cannot be read") }
    var text: UnsafePointer<CChar>?
    // libedit wants something visible after the last escape.
    let shown = colours ? "\u{1}\u{1B}[1;34m\u{1}\(prompt.dropLast())\u{1}\u{1B}[0m\u{1} " : prompt
    switch ltd_editor_read(editor, shown, &text) {
    case LTD_LINE: return .statement(text.map { String(cString: $0) } ?? "")
    case LTD_CANCELLED: return .cancelled
    case LTD_EOF: return .end
    case LTD_TOO_LONG:
      return .failed("the statement is longer than \(LTD_STATEMENT_MAX >> 20) MiB; put it in a file and use :load")
    default: return .failed("the terminal cannot be read")
    }
  }

  /// Adds a statement to those that Up and Ctrl-R reach.
  package func remember(_ statement: String) {
    if let editor { ltd_editor_remember(editor, statement) }
  }

  /// Sets how many statements Up and Ctrl-R reach.
  package func setHistorySize(_ entries: Int) {
    if let editor { ltd_editor_set_history_size(editor, Int32(clamping: entries)) }
  }

  /// What Tab inserts; nil when it listed candidates instead.
  private func completion(_ text: String, _ cursor: Int) -> String? {
    let completion = support.complete(text, cursor)
    guard let first = completion.candidates.first else { return "" }
    let typed = text.utf8.prefix(cursor).suffix(completion.replaced)
    let common = completion.commonPrefix
    guard common.utf8.starts(with: typed) else { return list(completion) }
    let added = String(Substring(common.utf8.dropFirst(typed.count)))
    if completion.candidates.count == 1 { return added + first.suffix }
    if !added.isEmpty { return added }
    return list(completion)
  }

  private func list(_ completion: Completion) -> String? {
    write("\n\u{1B}[J" + columns(completion.candidates.map { $0.text + $0.suffix }, width: Terminal.width()))
    return nil
  }
}
