/// What was killed, so that it can be put in again, in this statement or a later one.
///
/// Kills that follow each other are one entry, as in emacs: Ctrl-K three times and Ctrl-Y brings back all three lines. What
/// a kill took is seen from the statement before and after it, so that it does not matter whether libedit or `Statement`
/// did it, nor whether it went over a line break.
struct KillRing {
  enum Direction { case forward, backward }

  private var entries: [[Unicode.Scalar]] = []
  /// How far back the entry is that was put in last.
  private var turned = 0
  /// Whether the next kill belongs to the newest entry.
  private var isOpen = false

  private static let most = 60

  /// What Ctrl-Y puts in.
  var newest: [Unicode.Scalar]? { entries.last }

  /// Notes what a kill took; a kill that took nothing changes nothing.
  mutating func note(_ direction: Direction, _ before: Statement, _ after: Statement) {
    let (text, place) = before.flat
    let count = text.count - after.flat.text.count
    let start = direction == .forward ? place : place - count
    guard count > 0, start >= 0, start + count <= text.count else { return }
    let taken = Array(text[start..<start + count])
    if isOpen, let last = entries.last {
      entries[entries.count - 1] = direction == .forward ? last + taken : taken + last
    } else {
      entries.append(taken)
      if entries.count > Self.most { entries.removeFirst() }
    }
    isOpen = true
    turned = 0
  }

  /// Another key than one that kills was pressed.
  mutating func close() { isOpen = false }

  /// The newest entry, from which `earlier` then begins.
  mutating func yank() -> [Unicode.Scalar]? {
    turned = 0
    return entries.last
  }

  /// The entry before the one that was put in last, in a circle.
  mutating func earlier() -> [Unicode.Scalar]? {
    guard !entries.isEmpty else { return nil }
    turned = (turned + 1) % entries.count
    return entries[entries.count - 1 - turned]
  }
}

extension Statement {
  /// All of its characters in a row, and the cursor among them.
  fileprivate var flat: (text: [Unicode.Scalar], cursor: Int) {
    let cursor = lines[..<line].reduce(column) { $0 + $1.count + 1 }
    return (Array(lines.joined(separator: ["\n"])), cursor)
  }
}
