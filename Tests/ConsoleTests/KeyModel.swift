import CPseudoTerminal

@testable import Console

/// A text of lines, edited as somebody would expect who has never seen ltd's editor.
struct KeyModel {
  typealias Line = [Unicode.Scalar]

  var lines: [Line] = [[]]
  var line = 0
  var column = 0
  /// What was deleted, the newest last, and which of it was put in last.
  private var ring: [Line] = []
  private var turned = 0
  private var beforeYank: State?
  /// The keys before: twice the same may mean more, deleting goes on.
  private var last = ""
  private var lastKilled = false

  var isVi = false
  var isInCommands = false
  /// The lines that vi has taken; nil where it took less.
  private(set) var register: [Line]?
  /// The last change of lines in vi, for `.`.
  private(set) var change: (name: String, count: Int?)?
  private var wanted: Int?

  struct State: Equatable {
    var lines: [Line]
    var line: Int
    var column: Int
  }
  private var past: [State] = []
  private var future: [State] = []
  /// Where a word under way would go on.
  private var wordEnd: (Int, Int)?

  private var state: State {
    get { State(lines: lines, line: line, column: column) }
    set { (lines, line, column) = (newValue.lines, newValue.line, newValue.column) }
  }

  var statement: Statement {
    var statement = Statement()
    statement.lines = lines
    (statement.line, statement.column) = (line, column)
    return statement
  }

  /// Another statement; what was deleted is still there.
  mutating func begin() {
    state = State(lines: [[]], line: 0, column: 0)
    (past, future, wordEnd, last, lastKilled, beforeYank) = ([], [], nil, "", false, nil)
    isInCommands = false
  }

  // MARK: Characters and words

  /// The places of a line where characters begin and end.
  private func stops(_ line: Line) -> [Int] {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: line)
    var stops = [0]
    for character in String(view) { stops.append((stops.last ?? 0) + character.unicodeScalars.count) }
    return stops
  }

  private func end(of place: Int, _ line: Line) -> Int { stops(line).first { $0 >= place } ?? line.count }

  private mutating func settle() { column = end(of: column, lines[line]) }

  private func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
    is_letter_or_digit(scalar.value) != 0 || "*?_-.[]~=".unicodeScalars.contains(scalar)
  }

  private var wordBegin: Int {
    var place = column
    while place > 0, !isOfWord(lines[line][place - 1]) { place -= 1 }
    while place > 0, isOfWord(lines[line][place - 1]) { place -= 1 }
    return place
  }

  private var nextWordEnd: Int {
    var place = column
    let line = lines[line]
    while place < line.count, !isOfWord(line[place]) { place += 1 }
    while place < line.count, isOfWord(line[place]) { place += 1 }
    return end(of: place, line)
  }

  private func flat(_ state: State) -> (Line, Int) {
    (
      Array(state.lines.joined(separator: ["\n"])),
      state.lines[..<state.line].reduce(state.column) { $0 + $1.count + 1 }
    )
  }

  // MARK: Keys of emacs, and those of vi while it inserts

  mutating func press(_ name: String, _ scalar: Unicode.Scalar = " ") {
    let before = state
    var isTravel = false
    var keepsYank = false
    wanted = nil
    let endOfLine = lines[line].count
    switch name {
    case "type":
      if Self.closers[scalar] != nil, line > 0, lines[line][..<column].allSatisfy({ $0 == " " }), column > 0,
        let open = openers(before: before).last
      {
        let indentation = lines[open].prefix { $0 == " " }.count
        if indentation < column {
          lines[line].removeSubrange(indentation..<column)
          column = indentation
        }
      }
      lines[line].insert(scalar, at: column)
      column += 1
      settle()
    case "left": left()
    case "right":
      if column < endOfLine {
        column = stops(lines[line]).first { $0 > column } ?? endOfLine
      } else if line < lines.count - 1 {
        (line, column) = (line + 1, 0)
      }
    case "home":
      if column == 0 { line = 0 }
      column = 0
    case "end":
      if column == endOfLine { line = lines.count - 1 }
      column = lines[line].count
    case "backspace":
      if column > 0 {
        let from = stops(lines[line]).last { $0 < column } ?? 0
        lines[line].removeSubrange(from..<column)
        column = from
      } else {
        joinWithAbove()
      }
      settle()
    case "delete":
      if column < endOfLine {
        lines[line].removeSubrange(column..<(stops(lines[line]).first { $0 > column } ?? endOfLine))
      } else {
        joinWithBelow()
      }
      settle()
    case "break": breakLine()
    case "wordLeft":
      if column == 0, line > 0 {
        line -= 1
        column = lines[line].count
      }
      column = wordBegin
    case "wordRight":
      if column == endOfLine, line < lines.count - 1 { (line, column) = (line + 1, 0) }
      column = nextWordEnd
    case "killEnd":
      if last == name {
        lines.removeSubrange((line + 1)...)
        lines[line].removeSubrange(column...)
      } else if column == endOfLine {
        joinWithBelow()
      } else {
        lines[line].removeSubrange(column...)
      }
    case "killBegin":
      if last == name {
        lines[line].removeSubrange(..<column)
        lines.removeSubrange(..<line)
        (line, column) = (0, 0)
      } else if column == 0 {
        joinWithAbove()
      } else {
        lines[line].removeSubrange(..<column)
        column = 0
      }
    case "killLeft":
      if column == 0 {
        joinWithAbove()
      } else {
        let begin = wordBegin
        lines[line].removeSubrange(begin..<column)
        column = begin
      }
    case "killRight":
      if column == endOfLine { joinWithBelow() } else { lines[line].removeSubrange(column..<nextWordEnd) }
    case "yank":
      if let text = ring.last {
        (turned, beforeYank, keepsYank) = (0, before, true)
        insert(text)
      }
    case "yankEarlier":
      if let old = beforeYank {
        turned = (turned + 1) % ring.count
        state = old
        insert(ring[ring.count - 1 - turned])
        keepsYank = true
      }
    case "undo":
      wordEnd = nil
      if let old = past.popLast() {
        future.append(before)
        state = old
        isTravel = true
      }
    case "redo":
      wordEnd = nil
      if let new = future.popLast() {
        past.append(before)
        state = new
        isTravel = true
      }
    case "escape":
      isInCommands = true
      if column > 0 { column -= 1 }
    default: break
    }
    settle()
    if !keepsYank { beforeYank = nil }
    note(name, before)
    last = name
    if !isTravel { record(before) }
  }

  private mutating func left() {
    if column > 0 {
      column = stops(lines[line]).last { $0 < column } ?? 0
    } else if line > 0 {
      line -= 1
      column = lines[line].count
    }
  }

  private mutating func joinWithAbove() {
    guard line > 0 else { return }
    let rest = lines.remove(at: line)
    line -= 1
    column = lines[line].count
    lines[line] += rest
  }

  private mutating func joinWithBelow() {
    guard line < lines.count - 1 else { return }
    lines[line] += lines.remove(at: line + 1)
  }

  private mutating func insert(_ text: Line) {
    for scalar in text {
      if scalar == "\n" {
        let rest = Array(lines[line][column...])
        lines[line].removeSubrange(column...)
        lines.insert(rest, at: line + 1)
        (line, column) = (line + 1, 0)
      } else {
        lines[line].insert(scalar, at: column)
        column += 1
      }
    }
  }

  /// Notes what a key deleted.
  private mutating func note(_ name: String, _ before: State) {
    guard name.hasPrefix("kill") else {
      lastKilled = false
      return
    }
    let (text, cursor) = flat(before)
    let count = text.count - flat(state).0.count
    guard count > 0 else { return }
    let isForward = name == "killEnd" || name == "killRight"
    let taken = Array(text[(isForward ? cursor : cursor - count)...].prefix(count))
    if lastKilled, let newest = ring.popLast() {
      ring.append(isForward ? newest + taken : taken + newest)
    } else {
      ring.append(taken)
      if ring.count > 60 { ring.removeFirst() }
    }
    (lastKilled, turned) = (true, 0)
  }

  /// Letters one after the other are one step, as far as a word goes.
  private mutating func record(_ before: State) {
    let after = state
    guard before.lines != after.lines else {
      if before != after { wordEnd = nil }
      return
    }
    let isLetter =
      before.lines.count == after.lines.count && before.line == after.line && after.column == before.column + 1
      && after.lines[line].count == before.lines[line].count + 1
    var goesOn = false
    if isLetter, let end = wordEnd, end == (before.line, before.column), !past.isEmpty {
      let isBreak = after.lines[line][before.column] == " "
      goesOn = !isBreak || before.column > 0 && before.lines[line][before.column - 1] == " "
    }
    if !goesOn { past.append(before) }
    if past.count > 2000 { past.removeFirst() }
    future = []
    wordEnd = isLetter ? (after.line, after.column) : nil
  }

  // MARK: Brackets

  private static let closers: [Unicode.Scalar: Unicode.Scalar] = [")": "(", "]": "[", "}": "{"]

  /// The lines of the brackets before the cursor that nothing closes; a text with quotes has none.
  private func openers(before state: State) -> [Int] {
    var open: [(sign: Unicode.Scalar, line: Int, isClosed: Bool)] = []
    var stack: [Int] = []
    for (index, line) in state.lines[...state.line].enumerated() {
      for scalar in index == state.line ? line[..<state.column] : line[...] {
        if Self.closers.values.contains(scalar) {
          stack.append(open.count)
          open.append((scalar, index, false))
        } else if let opener = Self.closers[scalar], stack.contains(where: { open[$0].sign == opener }) {
          while let top = stack.popLast() {
            if open[top].sign == opener {
              open[top].isClosed = true
              break
            }
          }
        }
      }
    }
    return open.filter { !$0.isClosed }.map(\.line)
  }

  private mutating func breakLine() {
    let indentation = min(40, 2 * Set(openers(before: state)).count)
    guard indentation > 0 else { return insert(["\n"]) }
    let closes = lines[line][column...].first { $0 != " " }.map { Self.closers[$0] != nil } ?? false
    while column < lines[line].count, lines[line][column] == " " { lines[line].remove(at: column) }
    insert(["\n"] + Line(repeating: " ", count: closes ? indentation - 2 : indentation))
  }

  // MARK: Commands of vi

  mutating func command(_ name: String, _ count: Int?) {
    let before = state
    var isTravel = false
    let times = count ?? 1
    let rest = lines[line].count - column
    if name != "j", name != "k" { wanted = nil }
    switch name {
    case "h": column = max(0, column - times)
    case "l": column = min(column + times, lines[line].count)
    case "j", "k":
      if wanted == nil { wanted = column }
      let target = min(max(line + (name == "j" ? times : -times), 0), lines.count - 1)
      if target != line { (line, column) = (target, min(wanted ?? 0, lines[target].count)) }
    case "0": column = 0
    case "$": column = lines[line].count
    case "x":
      lines[line].removeSubrange(column..<column + min(times, rest))
      forget()
    case "X":
      let first = max(0, column - times)
      lines[line].removeSubrange(first..<column)
      column = first
      forget()
    case "D":
      lines[line].removeSubrange(column...)
      forget()
    case "J":
      for _ in 0..<max(1, times - 1) where line < lines.count - 1 {
        column = lines[line].count
        let below = lines.remove(at: line + 1).drop { $0 == " " }
        if !lines[line].isEmpty, !below.isEmpty { lines[line].append(" ") }
        lines[line] += below
      }
      change = (name, count)
    case "dd", "yy": take(name, line, line + times - 1, count)
    case "dj", "yj": if line < lines.count - 1 { take(name, line, line + times, count) }
    case "dk": if line > 0 { take(name, line - times, line, count) }
    case "dG", "yG":
      let other = count.map { min($0, lines.count) - 1 } ?? lines.count - 1
      take(name, min(line, other), max(line, other), count)
    case "p", "P":
      guard let register else { break }
      let place = line + (name == "p" ? 1 : 0)
      for _ in 0..<times { lines.insert(contentsOf: register, at: place) }
      goTo(place)
      change = (name, count)
    case ".":
      guard let change else { break }
      command(change.name, change.count)
      return
    case "o":
      column = lines[line].count
      insert(["\n"])
      insertMode()
    case "O":
      let indentation = lines[line].prefix { $0 == " " }.count
      lines.insert(Line(repeating: " ", count: indentation), at: line)
      column = indentation
      insertMode()
    case "i": insertMode()
    case "a":
      column = min(column + 1, lines[line].count)
      insertMode()
    case "I":
      column = 0
      insertMode()
    case "A":
      column = lines[line].count
      insertMode()
    case "u":
      wordEnd = nil
      if let old = past.popLast() {
        future.append(before)
        state = old
        isTravel = true
      }
    case "gg": goTo(times - 1)
    case "G":
      if let count { goTo(count - 1) } else { (line, column) = (lines.count - 1, lines[lines.count - 1].count) }
    case "\u{7F}": left()
    default: break
    }
    if isInCommands { column = min(column, max(0, lines[line].count - 1)) }
    (last, lastKilled, beforeYank) = (name, false, nil)
    if !isTravel { record(before) }
  }

  private mutating func forget() { (register, change) = (nil, nil) }

  private mutating func insertMode() {
    isInCommands = false
    change = nil
  }

  private mutating func goTo(_ target: Int) {
    line = min(max(target, 0), lines.count - 1)
    column = lines[line].prefix { $0 == " " }.count
  }

  private mutating func take(_ name: String, _ first: Int, _ last: Int, _ count: Int?) {
    let range = max(0, first)...min(last, lines.count - 1)
    register = Array(lines[range])
    guard name.hasPrefix("d") else {
      if range.lowerBound < line { goTo(range.lowerBound) }
      return
    }
    change = (name, count)
    lines.removeSubrange(range)
    if lines.isEmpty { lines = [[]] }
    goTo(range.lowerBound)
  }
}
