import CEditline
import Help

extension StatementEditor {
  /// What a key means, whatever is open.
  func act(on key: Key) -> Step {
    if nextIsLiteral { return literal(key) }
    if search != nil { return searching(key) }
    if menu != nil, let step = choosing(key) { return step }
    if controlXIsOpen { return afterControlX(key) }
    if escapeIsOpen {
      escapeIsOpen = false
      return afterEscape(key)
    }
    if pending == .character { return characterOfVi(key) }
    forgetOperator(at: key)
    switch key {
    case .ignored: return .stay
    case .pasteTooLong: return .tooLong
    case .paste(let text): return paste(text)
    case .escape: return escape()
    case .named(let name, let modifiers): return named(name, modifiers)
    case .meta(let scalar): return meta(scalar, key)
    case .control(let code): return control(code, key)
    case .character(let scalar): return mode == .viCommand ? commandOfVi(scalar) : typed(scalar)
    }
  }

  // MARK: Text

  private func typed(_ scalar: Unicode.Scalar) -> Step {
    if [")", "]", "}"].contains(scalar) { dedent() }
    return .engine([Int32(scalar.value)])
  }

  private func literal(_ key: Key) -> Step {
    nextIsLiteral = false
    switch key {
    case .control(let code) where code == 13 || code == 10: statement.insert("\n")
    case .control(let code): statement.insert(String(Unicode.Scalar(code)))
    case .character(let scalar): statement.insert(String(scalar))
    case .escape: statement.insert("\u{1B}")
    default: break
    }
    return .stay
  }

  private func paste(_ text: [Unicode.Scalar]) -> Step {
    pending = .nothing
    let isStart = statement.isEmpty
    statement.insert(PastedPrompt.withoutGutter(text))
    // A paste is typed by the user, whatever stood there before.
    if isStart { walk = HistoryWalk() }
    return .stay
  }

  // MARK: Lines

  /// Enter: submits what is whole, else begins a line.
  func enter() -> Step {
    pending = .nothing
    if support.submits(statement.text) { return .submit }
    newLine()
    return .stay
  }

  /// A line break with the indentation that belongs there.
  func newLine() {
    let indentation =
      support.isCode(statement.text) ? Indentation.ofNewLine(after: statement.head) : nil
    let rest = statement.current[statement.column...].first { $0 != " " }
    let closes = rest.map { [")", "]", "}"].contains($0) } ?? false
    if let indentation, indentation > 0 {
      // Spaces that stood at the cursor are replaced by the indentation.
      while !statement.isAtEndOfLine, statement.current[statement.column] == " " {
        statement.current.remove(at: statement.column)
      }
      let column = max(0, closes ? indentation - 2 : indentation)
      statement.insert("\n" + String(repeating: " ", count: column))
      return
    }
    statement.insert("\n")
  }

  /// A closing bracket as the first sign of a line goes to the indentation of the line that it closes.
  private func dedent() {
    guard statement.column > 0, statement.isInIndentation, statement.line > 0,
      let column = Indentation.ofClosing(after: statement.head), column < statement.column
    else { return }
    statement.removeBefore(statement.column - column)
  }

  // MARK: Keys with names

  private func named(_ name: Key.Name, _ modifiers: Key.Modifiers) -> Step {
    if pending != .nothing, mode == .viCommand {
      // An operator of vi takes these as the motions that they are.
      switch name {
      case .left: return commandOfVi("h")
      case .right: return commandOfVi("l")
      case .home: return commandOfVi("0")
      case .end: return commandOfVi("$")
      default: pending = .nothing
      }
    }
    let byWord = !modifiers.isDisjoint(with: [.control, .alt])
    switch name {
    case .up: return byWord ? recall(older: true, byPrefix: false) : up()
    case .down: return byWord ? recall(older: false, byPrefix: false) : down()
    case .left: return byWord ? wordLeft() : left()
    case .right: return byWord ? wordRight() : right()
    case .home:
      if modifiers.contains(.control) { statement.moveToBegin() } else { home() }
      return .stay
    case .end:
      if modifiers.contains(.control) { statement.moveToEnd() } else { end() }
      return .stay
    case .delete:
      if byWord { return wordAfter(kill: LTD_KEY_KILL_WORD_RIGHT) }
      statement.removeRight()
      return .stay
    case .pageUp: return page(-1)
    case .pageDown: return page(1)
    case .enter: return enter()
    case .backTab, .insert, .function: return .stay
    }
  }

  func up() -> Step {
    if statement.line > 0 {
      statement.move(toLine: statement.line - 1, near: column())
      return .stay
    }
    return recall(older: true, byPrefix: true)
  }

  func down() -> Step {
    if statement.line < statement.lines.count - 1 {
      statement.move(toLine: statement.line + 1, near: column())
      return .stay
    }
    return recall(older: false, byPrefix: true)
  }

  /// The column that Up and Down keep to, also across shorter lines.
  func column() -> Int {
    keepsWantedColumn = true
    let column = wantedColumn ?? Graphemes.width(statement.beforeCursor)
    wantedColumn = column
    return column
  }

  private func page(_ direction: Int) -> Step {
    if statement.lines.count <= rowsInView { return recall(older: direction < 0, byPrefix: true) }
    statement.move(toLine: statement.line + direction * max(1, rowsInView - 1), near: column())
    return .stay
  }

  /// Shows an older or a newer entry of the history.
  func recall(older: Bool, byPrefix: Bool) -> Step {
    let shown = statement
    guard let entry = older ? walk.older(shown, history.texts, byPrefix: byPrefix) : walk.newer(shown, history.texts)
    else {
      if older, byPrefix, !walk.isRecalled, !statement.isEmpty, !history.texts.isEmpty {
        note = "nothing earlier begins like this; Ctrl-P goes through all, Ctrl-R searches"
      }
      return .stay
    }
    statement = entry
    return .stay
  }

  private func left() -> Step {
    statement.moveLeft()
    return .stay
  }

  private func right() -> Step {
    if !acceptSuggestion() { statement.moveRight() }
    return .stay
  }

  /// The begin of the line; where that is already, the begin of the statement.
  func home() {
    if statement.column == 0 { statement.line = 0 }
    statement.column = 0
  }

  /// The end of the line; where that is already, the end of the statement, and then of what is suggested.
  func end() {
    if statement.isAtEnd {
      acceptSuggestion()
    } else if statement.isAtEndOfLine {
      statement.moveToEnd()
    } else {
      statement.column = statement.current.count
    }
  }

  /// Takes what is suggested, or a word of it.
  @discardableResult
  func acceptSuggestion(word: Bool = false) -> Bool {
    guard suggestion != nil else { return false }
    let head = statement.text
    guard let entry = suggestedEntry(head) else { return false }
    let rest = Array(Substring(entry.utf8.dropFirst(head.utf8.count)).unicodeScalars)
    guard word else {
      statement.insert(rest)
      return true
    }
    func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.isAlphabetic || scalar == "_" || ("0"..."9").contains(scalar)
    }
    var end = rest.firstIndex(where: isOfWord) ?? rest.count
    while end < rest.count, isOfWord(rest[end]) { end += 1 }
    statement.insert(Array(rest[..<end]))
    return true
  }

  // MARK: Words, by libedit

  func wordLeft() -> Step {
    if statement.column == 0 {
      if statement.line == 0 { return .stay }
      statement.moveLeft()
    }
    return .engine([key(LTD_KEY_WORD_LEFT)])
  }

  func wordRight() -> Step {
    if acceptSuggestion(word: true) { return .stay }
    if statement.isAtEndOfLine {
      if statement.isAtEnd { return .stay }
      statement.moveRight()
    }
    return .engine([key(LTD_KEY_WORD_RIGHT)])
  }

  /// Kills the word after the cursor, or the line break.
  private func wordAfter(kill: ltd_key) -> Step {
    killing = .forward
    if statement.isAtEndOfLine {
      statement.removeRight()
      return .stay
    }
    return .engine([key(kill)])
  }

  private func wordBefore() -> Step {
    killing = .backward
    if statement.column == 0 {
      statement.removeLeft()
      return .stay
    }
    return .engine([key(LTD_KEY_KILL_WORD_LEFT)])
  }

  func key(_ key: ltd_key) -> Int32 { Int32(key.rawValue) }

  // MARK: Killing

  /// Kills to the end of the line, and at once again to the end of the statement.
  private func killToEnd(_ pressed: Key) -> Step {
    killing = .forward
    if last == pressed {
      statement.lines.removeSubrange((statement.line + 1)...)
      statement.current.removeSubrange(statement.column...)
      return .stay
    }
    if statement.isAtEndOfLine {
      statement.removeRight()
      return .stay
    }
    return .engine([key(LTD_KEY_KILL_TO_END)])
  }

  /// Kills to the begin of the line, and at once again to the begin of the statement.
  private func killToBegin(_ pressed: Key) -> Step {
    killing = .backward
    if last == pressed {
      statement.current.removeSubrange(..<statement.column)
      statement.lines.removeSubrange(..<statement.line)
      (statement.line, statement.column) = (0, 0)
      return .stay
    }
    if statement.column == 0 {
      statement.removeLeft()
      return .stay
    }
    return .engine([key(LTD_KEY_KILL_TO_BEGIN)])
  }

  /// Puts in what was killed last; `again`, in its place, what was killed before that.
  private func yank(again: Bool = false) -> Step {
    if again {
      guard let before = beforeYank, let text = kills.earlier() else {
        note = "Alt-Y comes after Ctrl-Y, and puts in what was deleted before that"
        return .stay
      }
      statement = before
      statement.insert(text)
      keepsYank = true
      return .stay
    }
    guard let text = kills.yank() else {
      note = "nothing was deleted yet that Ctrl-Y could put in"
      return .stay
    }
    beforeYank = statement
    keepsYank = true
    statement.insert(text)
    return .stay
  }

  // MARK: Control and Alt

  private func control(_ code: UInt8, _ pressed: Key) -> Step {
    switch code {
    case 13, 10: return enter()
    case 3: return .cancel
    case 26: return .suspend
    case 12: return .clearScreen
    case 9: return complete()
    case 4:
      if statement.isEmpty { return .end }
      statement.removeRight()
      return .stay
    case 8, 127:
      if mode == .viCommand {
        statement.moveLeft()
      } else {
        statement.removeLeft()
      }
      return .stay
    case 1:
      home()
      return .stay
    case 5:
      end()
      return .stay
    case 2: return left()
    case 6: return right()
    case 11: return killToEnd(pressed)
    case 21: return killToBegin(pressed)
    case 16: return recall(older: true, byPrefix: false)
    case 14: return recall(older: false, byPrefix: false)
    case 18 where mode == .viCommand:
      redo()
      return .stay
    case 18, 19:
      openSearch()
      return .stay
    case 22:
      nextIsLiteral = true
      return .stay
    case 23: return wordBefore()
    case 24:
      controlXIsOpen = true
      return .stay
    case 25: return yank()
    case 31:
      takeBack()
      return .stay
    case 0, 7, 17, 28, 29, 30: return .stay
    default: return .engine([Int32(code)])
    }
  }

  private func meta(_ scalar: Unicode.Scalar, _ pressed: Key) -> Step {
    switch scalar {
    case "\r", "\n":
      newLine()
      return .stay
    case "_":
      redo()
      return .stay
    case "p" where mode == .emacs: return recall(older: true, byPrefix: true)
    case "n" where mode == .emacs: return recall(older: false, byPrefix: true)
    case "b" where mode == .emacs: return wordLeft()
    case "f" where mode == .emacs: return wordRight()
    case "f" where mode == .viInsert && acceptSuggestion(word: true): return .stay
    case "d" where mode == .emacs: return wordAfter(kill: LTD_KEY_KILL_WORD_RIGHT)
    case "y" where mode == .emacs: return yank(again: true)
    case "\u{7F}", "\u{8}": return wordBefore()
    case "<" where mode == .emacs:
      statement.moveToBegin()
      return .stay
    case ">" where mode == .emacs:
      statement.moveToEnd()
      return .stay
    case _ where mode == .emacs:
      if scalar.value < 0x20 { return .stay }
      return .engine([0x1B, Int32(scalar.value)])
    default:
      // In vi this is Escape, and then the key.
      pushed.append(scalar.value < 0x20 || scalar.value == 0x7F ? .control(UInt8(scalar.value)) : .character(scalar))
      return escape()
    }
  }

  private func escape() -> Step {
    switch mode {
    case .emacs:
      escapeIsOpen = true
      return .stay
    case .viInsert:
      mode = .viCommand
      return .engine([key(LTD_KEY_COMMANDS)])
    case .viCommand:
      pending = .nothing
      return .stay
    }
  }

  private func afterEscape(_ key: Key) -> Step {
    switch key {
    case .character(let scalar): return meta(scalar, .meta(scalar))
    case .control(let code) where [8, 10, 13, 127].contains(code):
      return meta(Unicode.Scalar(code), .meta(Unicode.Scalar(code)))
    case .named(let name, let modifiers): return named(name, modifiers.union(.alt))
    case .escape: return .stay
    default: return act(on: key)
    }
  }

  private func afterControlX(_ key: Key) -> Step {
    controlXIsOpen = false
    switch key {
    case .control(5), .character("e"): return .openEditor
    case .control(21), .character("u"):
      takeBack()
      return .stay
    case .control(let code): return mode == .emacs ? .engine([24, Int32(code)]) : .stay
    case .character(let scalar): return mode == .emacs ? .engine([24, Int32(scalar.value)]) : .stay
    case .paste, .pasteTooLong: return act(on: key)
    default: return .stay
    }
  }

  // MARK: Undo

  func takeBack() {
    guard let earlier = undo.undo(statement) else {
      note = "nothing to undo"
      return
    }
    statement = earlier
    isTimeTravel = true
  }

  func redo() {
    guard let later = undo.redo(statement) else {
      note = "nothing to redo"
      return
    }
    statement = later
    isTimeTravel = true
  }
}
