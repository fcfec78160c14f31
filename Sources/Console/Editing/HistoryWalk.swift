/// Going back and forth through the history with Up and Down.
///
/// What the user typed himself is a prefix: Up then stops only at entries that begin so. A recalled entry never is, so
/// that nobody is trapped in one. Changes to an entry stay while the statement is edited, also on the way.
struct HistoryWalk {
  /// Indices of the entries passed so far, the one that is shown last; empty at what was typed.
  private var passed: [Int] = []
  private var draft = Statement()
  private var changed: [Int: Statement] = [:]
  private var prefix = ""
  private var texts: Set<String> = []

  /// Whether what is shown was recalled.
  var isRecalled: Bool { !passed.isEmpty }

  /// The entry before.
  /// - Parameters:
  ///   - shown: what is being edited now.
  ///   - byPrefix: whether what was typed is a prefix.
  /// - Returns: nil where there is none.
  mutating func older(_ shown: Statement, _ entries: [String], byPrefix: Bool) -> Statement? {
    var begin = entries.count
    if let current = passed.last {
      begin = current
      // Who changes an entry means that one: from here every entry counts.
      if current < entries.count, shown.text != entries[current] || !byPrefix { prefix = "" }
    } else {
      prefix = byPrefix ? shown.head : ""
      texts = [shown.text]
    }
    var index = begin - 1
    while index >= 0 {
      if entries[index].utf8.starts(with: prefix.utf8), !texts.contains(entries[index]) {
        keep(shown, entries)
        passed.append(index)
        texts.insert(entries[index])
        return changed[index] ?? Statement(entries[index])
      }
      index -= 1
    }
    return nil
  }

  /// The entry after, in the end what was typed.
  mutating func newer(_ shown: Statement, _ entries: [String]) -> Statement? {
    guard let current = passed.last else { return nil }
    keep(shown, entries)
    passed.removeLast()
    if current < entries.count { texts.remove(entries[current]) }
    guard let index = passed.last, index < entries.count else { return draft }
    return changed[index] ?? Statement(entries[index])
  }

  private mutating func keep(_ shown: Statement, _ entries: [String]) {
    guard let current = passed.last else {
      draft = shown
      return
    }
    if current < entries.count, shown.text != entries[current] { changed[current] = shown }
  }
}
