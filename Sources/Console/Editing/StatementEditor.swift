import Help
import Interpreter

/// The editing of one statement: what each key does to the text, and what is to be seen.
///
/// It knows neither a terminal nor libedit. Keys come in as `Key`; what libedit does better (words, operators and motions of
/// vi, what ~/.editrc binds) is asked of it by sending keys on (`Step.engine`), for the line of the cursor alone, so that
/// everything acts on lines of its own accord. What libedit made of the line comes back through `engineDid`.
final class StatementEditor {
  /// What a key leads to.
  enum Step: Equatable {
    /// Nothing but another look.
    case stay
    /// Keys for libedit.
    case engine([Int32])
    case submit
    case cancel
    /// Ctrl-D in an empty statement.
    case end
    case suspend
    case clearScreen
    /// The statement is to be edited in $EDITOR.
    case openEditor
    /// What was given is too long to be taken.
    case tooLong
  }

  enum Mode { case emacs, viInsert, viCommand }

  /// A key of vi that waits for another.
  enum Pending: Equatable {
    case nothing
    /// `d`, `c` and the like wait for a motion.
    case motion(Unicode.Scalar)
    /// `g` waits for another.
    case go
    /// `f`, `r` and the like wait for a character.
    case character
  }

  let support: EditingSupport
  let prompt: String
  let history: History

  var statement = Statement()
  var mode = Mode.emacs
  var pending = Pending.nothing
  var undo = UndoStack()
  var walk = HistoryWalk()
  var menu: CompletionMenu?
  var search: HistorySearch?
  /// What ~/.editrc binds.
  var bindings = KeyBindings()
  /// What was killed, for Ctrl-Y.
  var kills = KillRing()
  /// Where the key under way kills.
  var killing: KillRing.Direction?
  /// The statement before Ctrl-Y or Alt-Y put something in, while the next key may be Alt-Y.
  var beforeYank: Statement?
  /// Whether the key under way put it in.
  var keepsYank = false
  /// What `p` puts in, in vi.
  var register = Register.libedit
  /// The number typed before a command of vi, and the one before the operator that waits for its motion.
  var count: [Unicode.Scalar] = []
  var operatorCount: [Unicode.Scalar] = []
  /// The keys of the last change of vi's that was none of libedit's, for `.`.
  var changeKeys: [Unicode.Scalar]?
  /// A few words under the statement, until the next key.
  var note = ""
  /// Escape was pressed alone and waits for its key.
  var escapeIsOpen = false
  /// Ctrl-X was pressed and waits for its key.
  var controlXIsOpen = false
  /// Ctrl-V was pressed: the next key is text.
  var nextIsLiteral = false
  /// The key before, to know what is pressed twice.
  var last: Key?
  /// Keys to be pressed next: Alt with a letter is two in vi.
  var pushed: [Key] = []
  /// The column that Up and Down keep to.
  var wantedColumn: Int?
  /// Whether the key under way goes up or down.
  var keepsWantedColumn = false
  /// Whether the cursor stays where it is, whatever libedit does with it.
  var keepsColumn = false
  /// How many rows of the statement are in view.
  private(set) var rowsInView = 1

  private var view = FrameLayout.View()
  private var highlighter = Highlighter()
  private var suggested: (head: String, entry: String?)?
  /// The state before keys were sent to libedit.
  private var beforeEngine: Statement?

  init(support: EditingSupport, prompt: String, history: History) {
    self.support = support
    self.prompt = prompt
    self.history = history
  }

  /// Begins another statement.
  func begin(with text: String = "") {
    statement = Statement(text)
    if mode == .viCommand { mode = .viInsert }
    pending = .nothing
    count = []
    undo = UndoStack()
    walk = HistoryWalk()
    menu = nil
    search = nil
    note = ""
    escapeIsOpen = false
    controlXIsOpen = false
    nextIsLiteral = false
    last = nil
    view = FrameLayout.View()
    suggested = nil
    beforeEngine = nil
  }

  // MARK: Keys

  /// Does what a key means.
  /// - Parameter typed: the bytes of the key as they came, by which ~/.editrc may bind it.
  func press(_ key: Key, typed: [UInt8] = []) -> Step {
    let before = statement
    note = ""
    killing = nil
    keepsYank = false
    keepsWantedColumn = false
    let isSecondKey = controlXIsOpen
    var key = key
    var step: Step?
    switch meaning(of: typed) {
    case nil: break
    case .libedit: step = .engine(typed.map { Int32($0) })
    case .key(let own): key = own
    }
    let done = step ?? act(on: key)
    // The digits of a count are a part of the key that follows.
    if count.isEmpty {
      last = isSecondKey ? nil : key
      if !keepsWantedColumn { wantedColumn = nil }
    }
    if !keepsYank { beforeYank = nil }
    return finish(done, before)
  }

  /// What ~/.editrc says of a key, where nothing is open that takes keys otherwise.
  private func meaning(of typed: [UInt8]) -> KeyBindings.Meaning? {
    guard search == nil, menu == nil, pending == .nothing, !nextIsLiteral, !controlXIsOpen, !escapeIsOpen else {
      return nil
    }
    return bindings.meaning(of: typed, inCommands: mode == .viCommand)
  }

  private func finish(_ step: Step, _ before: Statement) -> Step {
    if case .engine = step {
      beforeEngine = before
    } else {
      // A line that was joined to another may begin with a mark, which belongs to the letter before it now.
      statement.column = Graphemes.end(around: statement.column, in: statement.current)
      noteKill(before)
      standOnCharacter()
      undoable(before)
    }
    return step
  }

  /// In vi's command mode the cursor is on a character, not behind the last.
  private func standOnCharacter() {
    guard mode == .viCommand, search == nil, statement.isAtEndOfLine, statement.column > 0 else { return }
    statement.column = statement.previous(statement.column)
  }

  /// Notes what the key took.
  private func noteKill(_ before: Statement) {
    guard let direction = killing else { return kills.close() }
    killing = nil
    kills.note(direction, before, statement)
    register = kills.newest.map { .text($0) } ?? .libedit
  }

  /// Notes a change that undo takes back.
  func undoable(_ before: Statement) {
    if isTimeTravel { isTimeTravel = false } else { undo.record(before, statement) }
  }

  /// Whether the key took something back, or showed an entry of the history.
  var isTimeTravel = false

  /// Takes what libedit made of the cursor's line.
  func engineDid(line: [Unicode.Scalar], cursor: Int) {
    guard let before = beforeEngine else { return }
    beforeEngine = nil
    let old = statement
    if line != old.current { statement.current = line }
    statement.column = min(max(cursor, 0), line.count)
    settle(from: old)
    noteKill(before)
    afterEngine(before: before)
    standOnCharacter()
    undoable(before)
    if menu != nil { narrow() }
  }

  /// Keeps the cursor and what was removed to whole characters: libedit counts scalars.
  private func settle(from old: Statement) {
    let (line, before, place) = (statement.current, old.current, statement.column)
    // Where what follows the cursor stood before. Marks of a letter that went would go to the one before it.
    let oldPlace = before.count - (line.count - place)
    if oldPlace > place, line[..<place] == before[..<place], line[place...] == before[oldPlace...] {
      statement.current.removeSubrange(place..<place + Graphemes.end(around: oldPlace, in: before) - oldPlace)
    }
    let end = Graphemes.end(around: statement.column, in: statement.current)
    if end != statement.column {
      statement.column =
        old.column > statement.column ? statement.previous(end) : end
    }
  }

  // MARK: The picture

  /// What is to be seen.
  /// - Parameter isFinal: whether the statement is left: without anything around it.
  func frame(width: Int, height: Int, colours: Bool, isFinal: Bool = false) -> Frame {
    var layout = FrameLayout(width: max(1, width), height: max(1, height))
    layout.prompt = mode == .viCommand && !isFinal ? prompt.replacingMark(with: ":") : prompt
    layout.promptStyle = mode == .viCommand && !isFinal ? .commandPrompt : .prompt
    var shown = statement
    // A key costs the whole text once.
    var text = statement.text
    var below: [Row] = []
    var cursorBelow: (row: Int, column: Int)?
    if search != nil, !isFinal {
      if let entry = search?.chosenText { shown = Statement(entry) } else { shown = Statement() }
      shown.moveToBegin()
      text = shown.text
      below = search?.rows(width: width, most: max(1, height - 1)) ?? []
      cursorBelow = (0, search?.cursorColumn ?? 0)
    } else if !isFinal {
      below = rowsBelow(text, width: width, height: height)
    }
    let isSmall = shown.lines.reduce(0) { $0 + $1.count } <= Highlighter.longest
    let styles =
      colours && isSmall
      ? highlighter.styles(of: text, cursor: isFinal || search != nil ? -1 : shown.cursorInBytes) : .none
    let frame = layout.frame(
      of: shown, styles: styles, suggestion: isFinal || search != nil || !colours ? "" : suggestion ?? "",
      below: below, cursorBelow: cursorBelow, view: &view)
    rowsInView = frame.rows.count - below.count
    return frame
  }

  private func rowsBelow(_ text: String, width: Int, height: Int) -> [Row] {
    if !note.isEmpty {
      var row: Row = []
      row.appendCut(note, .hint, width: width)
      return [row]
    }
    if menu != nil { return menu?.rows(width: width, most: max(1, height / 2)) ?? [] }
    // On a screen of a few rows, or for a text that is no statement, the text is all there is.
    guard height >= 6, width >= 30, statement.lines.count < 5000,
      let hint = support.hint(text, statement.cursorInBytes)
    else { return [] }
    return [SignatureLine(hint: hint).row(width: width)]
  }

  /// The rest of the newest entry that begins like what is typed.
  var suggestion: String? {
    guard statement.isAtEnd, !statement.isEmpty, menu == nil, mode != .viCommand, statement.lines.count < 100,
      !walk.isRecalled
    else { return nil }
    let head = statement.text
    guard let entry = suggestedEntry(head) else { return nil }
    let rest = String(Substring(entry.utf8.dropFirst(head.utf8.count)))
    guard let newline = rest.firstIndex(of: "\n") else { return rest }
    return rest[..<newline] + " …"
  }

  func suggestedEntry(_ head: String) -> String? {
    if let suggested {
      if suggested.head == head { return suggested.entry }
      // Typing on: what nothing began with, nothing does now; what fitted may fit still.
      if head.utf8.starts(with: suggested.head.utf8) {
        let stays = suggested.entry.map { $0.utf8.starts(with: head.utf8) && $0.utf8.count > head.utf8.count } ?? true
        if stays {
          self.suggested = (head, suggested.entry)
          return suggested.entry
        }
      }
    }
    let found =
      head.utf8.allSatisfy { $0 == 0x20 || $0 == 0x0A }
      ? nil
      : history.texts.last { $0.utf8.count > head.utf8.count && $0.utf8.starts(with: head.utf8) }
    suggested = (head, found)
    return found
  }

  /// After a pause: names that do not exist are marked.
  /// - Returns: whether there is anything to mark.
  func markUnknownNames() -> Bool {
    let text = statement.text
    guard search == nil, text.utf8.count <= 16 << 10 else { return false }
    let places = support.unknownNames(text)
    highlighter.mark(unknown: places, in: text)
    return !places.isEmpty
  }
}

extension String {
  fileprivate func replacingMark(with mark: String) -> String {
    guard let place = lastIndex(of: ">") else { return self }
    return String(self[..<place]) + mark + String(self[index(after: place)...])
  }
}

/// The line that says what the call at the cursor takes.
struct SignatureLine {
  let hint: CallHint

  /// `pgd(eps: …, steps: int = 10, …)  what the current argument is`, the current argument being marked and in view.
  func row(width: Int) -> Row {
    var row: Row = []
    row.append("  ", .hint, width: width)
    row.append(hint.name + "(", .hint, width: width)
    let note = hint.note.prefix { $0 != "\n" }
    // Half of the line is for the arguments at least.
    let noteWidth = note.isEmpty ? 0 : min(displayWidth(String(note)) + 2, width / 2)
    let room = width - noteWidth - 1
    let widths = hint.arguments.map { displayWidth($0) + 2 }
    var first = 0
    if let current = hint.current, current < widths.count {
      // As many of those before as leave room for the current one.
      var needed = row.count + widths[current] + 2
      first = current
      while first > 0, needed + widths[first - 1] <= room {
        first -= 1
        needed += widths[first]
      }
    }
    if first > 0 { row.append("…, ", .hint, width: room) }
    for (index, argument) in hint.arguments.enumerated().dropFirst(first) {
      if index > first { row.append(", ", .hint, width: room) }
      if room - row.count < 4 || index != hint.current && room - row.count < widths[index] && index > first {
        row.append("…", .hint, width: room + 1)
        break
      }
      row.appendCut(argument, index == hint.current ? .hintNow : .hint, width: room)
    }
    row.append(")", .hint, width: room + 1)
    if !note.isEmpty, width - row.count > 6 {
      row.append("  ", .hint, width: width)
      row.appendCut(note, .hint, width: width)
    }
    return row
  }
}
