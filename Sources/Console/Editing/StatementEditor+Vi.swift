import CEditline

extension StatementEditor {
  /// A key in vi's command mode. libedit knows one line: what concerns several is done here.
  func commandOfVi(_ scalar: Unicode.Scalar) -> Step {
    if case .motion(let operation) = pending {
      pending = .nothing
      return motion(scalar, of: operation)
    }
    switch scalar {
    case "j", "+": return down()
    case "k", "-": return up()
    case "u":
      takeBack()
      return .stay
    case "G":
      statement.moveToEnd()
      return .stay
    case "o":
      statement.column = statement.current.count
      newLine()
      mode = .viInsert
      return .engine([code("A")])
    case "O":
      statement.column = 0
      let indentation = statement.current.prefix { $0 == " " }.count
      statement.lines.insert([Unicode.Scalar](repeating: " ", count: indentation), at: statement.line)
      statement.column = indentation
      mode = .viInsert
      return .engine([code("A")])
    case "J":
      guard statement.line < statement.lines.count - 1 else { return .stay }
      statement.column = statement.current.count
      let below = Array(statement.lines.remove(at: statement.line + 1).drop { $0 == " " })
      let joint: [Unicode.Scalar] = statement.current.isEmpty || below.isEmpty ? [] : [" "]
      statement.current += joint + below
      return .stay
    case "/", "?":
      openSearch()
      return .stay
    case "v": return .openEditor
    case "p", "P":
      guard let killed, killedLines else { return .engine([code(scalar)]) }
      putLines(killed, after: scalar == "p")
      return .stay
    case "d", "c", "y":
      pending = .motion(scalar)
      return .engine([code(scalar)])
    case "f", "F", "t", "T", "r":
      pending = .character
      return .engine([code(scalar)])
    case "D", "C", "S", "s", "x", "X", "Y":
      killedLines = false
      killed = nil
      return .engine([code(scalar)])
    case ":", "=", "*", "\\", "@", "#", "_", "g", "Z", "z", "q", "m", "'", "`", "\"": return .stay
    case "h", "l", "w", "W", "e", "E", "b", "B":
      return across(scalar) ?? .engine([code(scalar)])
    default: return .engine([code(scalar)])
    }
  }

  private func code(_ scalar: Unicode.Scalar) -> Int32 { Int32(scalar.value) }

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
      statement.column = statement.current.prefix { $0 == " " }.count
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

  /// The second key of `d`, `c` and `y`.
  private func motion(_ scalar: Unicode.Scalar, of operation: Unicode.Scalar) -> Step {
    switch scalar {
    case operation:
      // The whole line, its break included.
      killed = statement.current + ["\n"]
      killedLines = true
      if operation == "d", statement.lines.count > 1 { removesLine = true }
      return .engine([code(scalar)])
    case "f", "F", "t", "T":
      pending = .character
      killed = nil
      return .engine([code(scalar)])
    case "1"..."9":
      pending = .motion(operation)
      return .engine([code(scalar)])
    case "j", "k", "G":
      // Lines from this one on, or up to it.
      let other = scalar == "G" ? statement.lines.count - 1 : statement.line + (scalar == "j" ? 1 : -1)
      guard statement.lines.indices.contains(other) else { return cancelOperation() }
      let lines = min(other, statement.line)...max(other, statement.line)
      killed = statement.lines[lines].flatMap { $0 + ["\n"] }
      killedLines = true
      if operation == "y" { return cancelOperation() }
      statement.lines.removeSubrange(lines)
      statement.line = min(lines.lowerBound, max(0, statement.lines.count - 1))
      if operation == "c" || statement.lines.isEmpty {
        statement.lines.insert([], at: min(lines.lowerBound, statement.lines.count))
      }
      if operation == "c" { statement.line = lines.lowerBound }
      statement.column = 0
      if operation == "d" { return cancelOperation() }
      mode = .viInsert
      return .engine([key(LTD_KEY_COMMANDS), code("i")])
    default:
      killed = nil
      killedLines = false
      return .engine([code(scalar)])
    }
  }

  private func cancelOperation() -> Step {
    keepsColumn = true
    return .engine([key(LTD_KEY_COMMANDS)])
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

  private func putLines(_ text: [Unicode.Scalar], after: Bool) {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
    if lines.last?.isEmpty == true { lines.removeLast() }
    let place = statement.line + (after ? 1 : 0)
    statement.lines.insert(contentsOf: lines, at: place)
    statement.line = place
    statement.column = statement.current.prefix { $0 == " " }.count
  }

  /// What remains to be done when libedit has had its key.
  func afterEngine(before: Statement) {
    if keepsColumn {
      keepsColumn = false
      if statement.current == before.current { statement.column = min(before.column, statement.current.count) }
    }
    if removesLine {
      removesLine = false
      if statement.lines.count > 1, statement.current.isEmpty {
        statement.lines.remove(at: statement.line)
        statement.line = min(statement.line, statement.lines.count - 1)
        statement.column = statement.current.prefix { $0 == " " }.count
      }
    }
  }
}
