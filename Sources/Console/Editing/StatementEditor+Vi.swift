import CEditline

/// What `p` puts in.
enum Register {
  /// What libedit has taken itself.
  case libedit
  case text([Unicode.Scalar])
  /// Whole lines.
  case lines([[Unicode.Scalar]])
}

/// vi's command mode. libedit knows one line: what concerns several is done here, with counts before the command, before
/// the motion, or both. An operator is held back until its motion is known, so that libedit never sees half of a command
/// that is none of its own; a change of lines is kept as the keys that made it, for `.`.
extension StatementEditor {
  /// The most that a count counts.
  private static let mostTimes = 10_000

  /// A key in command mode.
  func commandOfVi(_ scalar: Unicode.Scalar) -> Step {
    let typed = count
    count = []
    if isDigit(scalar), scalar != "0" || !typed.isEmpty {
      count = typed.count < 6 ? typed + [scalar] : typed
      return .stay
    }
    switch pending {
    case .motion(let operation):
      pending = .nothing
      return motion(scalar, of: operation, motionCount: typed)
    case .go:
      pending = .nothing
      if scalar == "g" { go(toLine: number(typed) ?? 1) }
      return .stay
    default: break
    }
    let times = number(typed) ?? 1
    /// The command with its count, for libedit.
    let keys = typed.map(code) + [code(scalar)]
    switch scalar {
    case "j", "+": return vertically(times, down: true)
    case "k", "-": return vertically(times, down: false)
    case "u":
      for _ in 0..<min(times, 1000) where note.isEmpty { takeBack() }
      return .stay
    case "G":
      if let line = number(typed) { go(toLine: line) } else { statement.moveToEnd() }
      return .stay
    case "g":
      (pending, count) = (.go, typed)
      return .stay
    case "o":
      changeKeys = nil
      statement.column = statement.current.count
      newLine()
      mode = .viInsert
      return .engine([code("A")])
    case "O":
      changeKeys = nil
      statement.column = 0
      let indentation = statement.current.prefix { $0 == " " }.count
      statement.lines.insert([Unicode.Scalar](repeating: " ", count: indentation), at: statement.line)
      statement.column = indentation
      mode = .viInsert
      return .engine([code("A")])
    case "J":
      changeKeys = typed + [scalar]
      for _ in 0..<max(1, times - 1) { joinBelow() }
      return .stay
    case "/", "?":
      openSearch()
      return .stay
    case "v": return .openEditor
    case "p", "P":
      switch register {
      case .libedit:
        changeKeys = nil
        return .engine(keys)
      case .lines(let lines): putLines(lines, times, after: scalar == "p")
      case .text(let text): putText(text, times, after: scalar == "p")
      }
      changeKeys = typed + [scalar]
      return .stay
    case ".":
      guard let keys = changeKeys else { return .engine(typed.map(code) + [code(scalar)]) }
      return pressAgain(keys, typed)
    case "d", "c", "y":
      pending = .motion(scalar)
      operatorCount = typed
      return .stay
    case "f", "F", "t", "T", "r":
      if scalar == "r" { changeKeys = nil }
      pending = .character
      return .engine(keys)
    case "D", "C", "S", "s", "x", "X", "Y":
      if scalar != "Y" { changeKeys = nil }
      register = .libedit
      return .engine(keys)
    case ":", "=", "*", "\\", "@", "#", "_", "Z", "z", "q", "m", "'", "`", "\"": return .stay
    case "h", "l", "w", "W", "e", "E", "b", "B":
      return times == 1 ? across(scalar) ?? .engine(keys) : .engine(keys)
    case "i", "a", "I", "A", "R", "~":
      changeKeys = nil
      return .engine(keys)
    default: return .engine(keys)
    }
  }

  private func code(_ scalar: Unicode.Scalar) -> Int32 { Int32(scalar.value) }
  private func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  /// What the digits of a count say; nil where there are none.
  private func number(_ digits: [Unicode.Scalar]) -> Int? {
    digits.isEmpty ? nil : min(Self.mostTimes, digits.reduce(0) { $0 * 10 + Int($1.value - 0x30) })
  }

  /// An operator and a count wait for characters alone.
  func forgetOperator(at key: Key) {
    switch key {
    case .character: return
    case .named(.left, _), .named(.right, _), .named(.home, _), .named(.end, _): return
    default:
      count = []
      if pending != .character { pending = .nothing }
    }
  }

  // MARK: Motions

  /// Up and down, through the history where there is no line to go to.
  private func vertically(_ times: Int, down: Bool) -> Step {
    keepsWantedColumn = true
    let last = statement.lines.count - 1
    let isAtEdge = down ? statement.line == last : statement.line == 0
    if times == 1 || isAtEdge {
      for _ in 0..<min(times, 1000) { _ = down ? self.down() : up() }
    } else {
      statement.move(toLine: statement.line + (down ? times : -times), near: column())
    }
    return .stay
  }

  private func go(toLine line: Int) {
    statement.line = min(max(line, 1), statement.lines.count) - 1
    statement.column = indentation(of: statement.current)
  }

  private func indentation(of line: [Unicode.Scalar]) -> Int { line.prefix { $0 == " " }.count }

  /// Motions by words go on in the next line.
  private func across(_ scalar: Unicode.Scalar) -> Step? {
    let line = statement.current
    switch scalar {
    case "w", "W", "e", "E":
      guard statement.line < statement.lines.count - 1 else { return nil }
      let rest = line.dropFirst(statement.column)
      let isLastWord = !rest.drop { $0 != " " }.contains { $0 != " " }
      let isAtLastSign = statement.column + 1 >= line.count
      guard isAtLastSign || isLastWord && (scalar == "w" || scalar == "W") && !rest.contains(where: isSign) else {
        return nil
      }
      statement.line += 1
      statement.column = indentation(of: statement.current)
      return .stay
    case "b", "B":
      guard statement.line > 0, statement.isInIndentation else { return nil }
      statement.line -= 1
      statement.column = statement.current.count
      return nil
    default: return nil
    }
  }

  private func isSign(_ scalar: Unicode.Scalar) -> Bool {
    scalar != " " && scalar != "_" && !scalar.properties.isAlphabetic && !("0"..."9").contains(scalar)
  }

  // MARK: Operators

  /// The second key of `d`, `c` and `y`.
  private func motion(_ scalar: Unicode.Scalar, of operation: Unicode.Scalar, motionCount: [Unicode.Scalar]) -> Step {
    let isCounted = !operatorCount.isEmpty || !motionCount.isEmpty
    let times = min(Self.mostTimes, (number(operatorCount) ?? 1) * (number(motionCount) ?? 1))
    let digits = isCounted ? Array("\(times)".unicodeScalars) : []
    let (now, last) = (statement.line, statement.lines.count - 1)
    let other: Int
    switch scalar {
    case operation: other = min(now + times - 1, last)
    case "j" where now < last: other = min(now + times, last)
    case "k" where now > 0: other = max(now - times, 0)
    case "G": other = isCounted ? min(max(times, 1) - 1, last) : last
    case "j", "k", "g", "/", "?", "d", "c", "y": return .stay
    default:
      if operation != "y" { changeKeys = nil }
      register = .libedit
      if ["f", "F", "t", "T"].contains(scalar) { pending = .character }
      return .engine([code(operation)] + digits.map(code) + [code(scalar)])
    }
    let lines = min(now, other)...max(now, other)
    register = .lines(Array(statement.lines[lines]))
    if operation != "y" { changeKeys = digits + [operation, scalar] }
    switch operation {
    case "y":
      if lines.lowerBound < now { go(toLine: lines.lowerBound + 1) }
      return .stay
    case "c":
      statement.lines.replaceSubrange(lines, with: [[]])
      (statement.line, statement.column) = (lines.lowerBound, 0)
      mode = .viInsert
      return .engine([code("i")])
    default:
      statement.lines.removeSubrange(lines)
      if statement.lines.isEmpty { statement.lines = [[]] }
      go(toLine: lines.lowerBound + 1)
      return .stay
    }
  }

  /// The keys of a change once more, with another count if one was typed.
  private func pressAgain(_ keys: [Unicode.Scalar], _ typed: [Unicode.Scalar]) -> Step {
    var step = Step.stay
    let command = keys.drop { isDigit($0) }
    for scalar in (typed.isEmpty ? keys[...] : typed + command) { step = commandOfVi(scalar) }
    return step
  }

  /// The character that `f`, `r` and the like wait for.
  func characterOfVi(_ pressed: Key) -> Step {
    pending = .nothing
    switch pressed {
    case .character(let scalar): return .engine([code(scalar)])
    case .control(let code) where code == 3: return .cancel
    default:
      keepsColumn = true
      // Whatever it waits for is not there; what it takes instead is undone with the line.
      return .engine([key(LTD_KEY_COMMANDS), key(LTD_KEY_COMMANDS)])
    }
  }

  // MARK: Lines

  private func joinBelow() {
    guard statement.line < statement.lines.count - 1 else { return }
    statement.column = statement.current.count
    let below = Array(statement.lines.remove(at: statement.line + 1).drop { $0 == " " })
    let joint: [Unicode.Scalar] = statement.current.isEmpty || below.isEmpty ? [] : [" "]
    statement.current += joint + below
  }

  private func putLines(_ lines: [[Unicode.Scalar]], _ times: Int, after: Bool) {
    let place = statement.line + (after ? 1 : 0)
    statement.lines.insert(contentsOf: repeated(lines, times), at: place)
    go(toLine: place + 1)
  }

  /// The cursor is then on the last character of what was put in.
  private func putText(_ text: [Unicode.Scalar], _ times: Int, after: Bool) {
    if after, !statement.isAtEndOfLine { statement.column = statement.next(statement.column) }
    statement.insert(repeated(text, times))
    statement.moveLeft()
  }

  /// A text many times, but never so often that it could not be taken any more.
  private func repeated<Element>(_ text: [Element], _ times: Int) -> [Element] {
    let most = max(1, LibeditEditor.longestStatement / max(1, statement.text.utf8.count + text.count))
    return Array([[Element]](repeating: text, count: min(times, most)).joined())
  }

  /// What remains to be done when libedit has had its key.
  func afterEngine(before: Statement) {
    guard keepsColumn else { return }
    keepsColumn = false
    if statement.current == before.current { statement.column = min(before.column, statement.current.count) }
  }
}
