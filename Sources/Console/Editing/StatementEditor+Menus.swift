import Help

extension StatementEditor {
  // MARK: Completion

  /// Tab: completes as far as there is one way, else opens the menu.
  func complete() -> Step {
    if statement.isInIndentation {
      statement.insert("  ")
      return .stay
    }
    let completion = support.complete(statement.text, statement.cursorInBytes)
    if completion.candidates.isEmpty {
      note = "nothing fits here"
    } else if completion.candidates.count == 1 {
      take(completion.candidates[0], completion)
    } else {
      extend(completion)
      menu = CompletionMenu(support.complete(statement.text, statement.cursorInBytes))
      if menu?.completion.candidates.isEmpty ?? true { menu = CompletionMenu(completion) }
    }
    return .stay
  }

  /// Inserts what all candidates go on with, if they begin with what is typed.
  private func extend(_ completion: Completion) {
    let typed = Array(statement.head.utf8.suffix(completion.replaced))
    let common = completion.commonPrefix
    guard common.utf8.starts(with: typed), common.utf8.count > typed.count else { return }
    statement.insert(String(Substring(common.utf8.dropFirst(typed.count))))
  }

  private func take(_ candidate: Completion.Candidate, _ completion: Completion) {
    let typed = String(Substring(statement.head.utf8.suffix(completion.replaced)))
    statement.removeBefore(typed.unicodeScalars.count)
    var suffix = candidate.suffix
    // What stands there already is not written again.
    let rest = String.UnicodeScalarView(statement.current[statement.column...])
    if !suffix.isEmpty, String(rest).hasPrefix(suffix) {
      statement.insert(candidate.text)
      statement.column += suffix.unicodeScalars.count
      suffix = ""
    } else {
      statement.insert(candidate.text + suffix)
    }
    menu = nil
  }

  /// Asks again for what is typed now, while the menu is open.
  func narrow() {
    let completion = support.complete(statement.text, statement.cursorInBytes)
    menu = completion.candidates.isEmpty || completion.replaced == 0 ? nil : CompletionMenu(completion)
  }

  /// A key while the menu is open.
  /// - Returns: nil for a key that leaves it and does what it does elsewhere.
  func choosing(_ pressed: Key) -> Step? {
    guard let open = menu else { return nil }
    let step = max(2, CompletionMenu.most - 2)
    switch pressed {
    case .control(9):
      if open.completion.candidates.count == 1 {
        take(open.completion.candidates[0], open.completion)
      } else {
        menu?.move(1)
      }
    case .named(.backTab, _): menu?.move(-1)
    case .named(.down, []), .control(14): menu?.move(1)
    case .named(.up, []), .control(16): menu?.move(-1)
    case .named(.pageDown, _): menu?.move(step)
    case .named(.pageUp, _): menu?.move(-step)
    case .control(13), .control(10), .named(.enter, _), .named(.right, []):
      guard let candidate = open.candidate else {
        menu = nil
        return nil
      }
      take(candidate, open.completion)
    case .escape, .control(7): menu = nil
    case .control(3): menu = nil
    case .control(8), .control(127):
      if statement.column == 0 {
        menu = nil
        return nil
      }
      statement.removeLeft()
      narrow()
    case .character(let scalar) where scalar.properties.isAlphabetic || scalar == "_" || ("0"..."9").contains(scalar):
      // `narrow` follows when libedit has it.
      if mode == .viCommand { menu = nil }
      return nil
    case .ignored: return .stay
    default:
      menu = nil
      return nil
    }
    return .stay
  }

  // MARK: The history as a list

  func openSearch() {
    guard !history.entries.isEmpty else {
      note = "the history is empty"
      return
    }
    pending = .nothing
    search = HistorySearch(history, query: statement.lines.count == 1 ? statement.text : "")
  }

  /// A key while the list is open.
  func searching(_ pressed: Key) -> Step {
    switch pressed {
    case .character(let scalar): search?.type(scalar)
    case .paste(let text): for scalar in text.prefix(200) where scalar.value >= 0x20 { search?.type(scalar) }
    case .control(8), .control(127): search?.removeLast()
    case .control(23): search?.removeWord()
    case .control(21): search?.clear()
    case .control(18), .control(16), .named(.down, _): search?.move(1)
    case .control(19), .control(14), .named(.up, _): search?.move(-1)
    case .named(.pageDown, _): search?.move(8)
    case .named(.pageUp, _): search?.move(-8)
    case .control(13), .control(10), .named(.enter, _):
      guard leaveSearch() else { return .stay }
      return .submit
    case .control(9), .named(.right, _), .named(.end, _), .control(5), .control(6): _ = leaveSearch()
    case .control(3): return .cancel
    case .control(7), .escape: search = nil
    case .control(26): return .suspend
    case .control(12): return .clearScreen
    default: break
    }
    return .stay
  }

  /// Takes the chosen entry.
  private func leaveSearch() -> Bool {
    guard let text = search?.chosenText else { return false }
    search = nil
    statement = Statement(text)
    walk = HistoryWalk()
    return true
  }
}
