/// The states that a statement went through, with their cursors, for undo and redo.
///
/// Letters that are typed one after the other are one step as far as a word goes. States share the lines that are the
/// same, so that many of them cost little.
struct UndoStack {
  private var past: [Statement] = []
  private var future: [Statement] = []
  /// Where the next letter of a word under way would be typed; nil where none is.
  private var goesOn: (line: Int, column: Int)?

  private static let most = 2000

  /// Notes that a key led from one state to another; a mere move of the cursor ends a word under way.
  mutating func record(_ before: Statement, _ after: Statement) {
    guard before.lines != after.lines else {
      if before.column != after.column || before.line != after.line { goesOn = nil }
      return
    }
    let typed = Self.typed(before, after)
    let joins = typed != nil && goesOn.map { $0 == (before.line, before.column) } ?? false && !past.isEmpty
    if !joins || typed == " " && before.beforeCursor.last != " " { past.append(before) }
    if past.count > Self.most { past.removeFirst() }
    future = []
    goesOn = typed == nil ? nil : (after.line, after.column)
  }

  /// The one character that was typed, if that is all that happened.
  private static func typed(_ before: Statement, _ after: Statement) -> Unicode.Scalar? {
    guard before.lines.count == after.lines.count, before.line == after.line, after.column == before.column + 1,
      after.current.count == before.current.count + 1
    else { return nil }
    return after.current[before.column]
  }

  mutating func undo(_ now: Statement) -> Statement? {
    goesOn = nil
    guard let last = past.popLast() else { return nil }
    future.append(now)
    return last
  }

  mutating func redo(_ now: Statement) -> Statement? {
    goesOn = nil
    guard let next = future.popLast() else { return nil }
    past.append(now)
    return next
  }
}
