/// Layout commands in a row, and the printer that chooses the breaks; both linear in the length of the text.
struct Layout {
  enum Kind {
    /// Breaks all its lines or none; a hard line within breaks it.
    case normal
    /// Breaks if what comes before its first hard line is too long: operators and calls in a row.
    case chain
    /// Breaks if its head is too long: a call whose last argument is a block or a list.
    case hug
  }

  private enum Command {
    case text(String)
    case line
    case softLine
    case hardLine(isBlank: Bool)
    case indent(ifBroken: Bool)
    case dedent
    case open(Int)
    case close
  }

  private struct Group {
    var kind: Kind
    var start: Int
    var end = 0
    var headEnd: Int?
    var isBroken = false
  }

  private let width: Int
  private var commands: [Command] = []
  private var groups: [Group] = []
  private var openGroups: [Int] = []

  init(width: Int) { self.width = width }

  // MARK: Writing commands

  var isAtStart: Bool { commands.isEmpty }

  var endsWithSemicolon: Bool {
    if case .text(let text)? = commands.last { text == ";" } else { false }
  }

  mutating func text(_ text: String) { commands.append(.text(text)) }
  mutating func comment(_ text: String) { commands.append(.text(text)) }
  /// A space, or a line break if the group is broken.
  mutating func line() { commands.append(.line) }
  /// Nothing, or a line break if the group is broken.
  mutating func softLine() { commands.append(.softLine) }
  mutating func hardLine(isBlank: Bool) { commands.append(.hardLine(isBlank: isBlank)) }
  mutating func indent(ifBroken: Bool = false) { commands.append(.indent(ifBroken: ifBroken)) }
  mutating func dedent() { commands.append(.dedent) }

  mutating func openGroup(_ kind: Kind = .normal) -> Int {
    groups.append(Group(kind: kind, start: commands.count))
    openGroups.append(groups.count - 1)
    commands.append(.open(groups.count - 1))
    return groups.count - 1
  }

  mutating func closeGroup(_ group: Int) {
    groups[group].end = commands.count
    openGroups.removeLast()
    commands.append(.close)
  }

  /// Breaks the innermost open group.
  mutating func breakGroup() {
    if let group = openGroups.last { groups[group].isBroken = true }
  }

  mutating func endHead(ofGroup group: Int) { groups[group].headEnd = commands.count }

  // MARK: Printing

  func print() -> String {
    let count = commands.count
    // Widths on one line up to each command, numbers of hard lines, and the next place where a line may end.
    var widths = [Int](repeating: 0, count: count + 1)
    var hardLines = [Int](repeating: 0, count: count + 1)
    for (index, command) in commands.enumerated() {
      var size = 0
      var isHard = false
      switch command {
      case .text(let text): size = text.hasPrefix("  #") || text.hasPrefix("#") ? 0 : firstLineWidth(text)
      case .line: size = 1
      case .hardLine: isHard = true
      default: break
      }
      widths[index + 1] = widths[index] + size
      hardLines[index + 1] = hardLines[index] + (isHard ? 1 : 0)
    }
    var nextBreak = [Int](repeating: count, count: count + 1)
    var nextHard = [Int](repeating: count, count: count + 1)
    for index in stride(from: count - 1, through: 0, by: -1) {
      nextBreak[index] = nextBreak[index + 1]
      nextHard[index] = nextHard[index + 1]
      switch commands[index] {
      case .line, .softLine: nextBreak[index] = index
      case .hardLine:
        nextBreak[index] = index
        nextHard[index] = index
      case .text(let text) where text.utf8.contains(UInt8(ascii: "\n")):
        nextBreak[index] = index + 1
        nextHard[index] = index + 1
      default: break
      }
    }

    var output = ""
    var column = 0
    var modes = [false]
    var indents = [0]
    // 0 none, 1 line break, 2 blank line
    var pendingBreak = 0
    var pendingIndent = 0
    var isStart = true
    func isBroken(_ group: Group) -> Bool {
      if group.isBroken { return true }
      let end: Int
      switch group.kind {
      case .normal:
        if hardLines[group.end] > hardLines[group.start] { return true }
        end = nextBreak[group.end]
      case .chain:
        let hard = nextHard[group.start]
        end = hard < group.end ? hard : nextBreak[group.end]
      case .hug:
        let head = min(group.headEnd ?? group.end, group.end)
        if hardLines[head] > hardLines[group.start] { return true }
        end = head
      }
      let start = pendingBreak > 0 ? pendingIndent : column
      return start + widths[end] - widths[group.start] > width
    }
    for command in commands {
      switch command {
      case .text(let text):
        // Spaces before a break were for the line before it.
        if text == " ", pendingBreak > 0 || isStart { continue }
        if pendingBreak > 0 {
          trimSpaces(&output)
          if !isStart { output += pendingBreak == 2 ? "\n\n" : "\n" }
          output += String(repeating: " ", count: pendingIndent)
          column = pendingIndent
          pendingBreak = 0
          let bare = text.hasPrefix("  #") ? String(text.dropFirst(2)) : text
          output += bare
          column += firstLineWidth(bare)
        } else {
          output += text
          column += firstLineWidth(text)
        }
        isStart = false
        if text.utf8.contains(UInt8(ascii: "\n")) { column = lastLineWidth(text) }
      case .line, .softLine:
        if modes[modes.count - 1] {
          pendingBreak = max(pendingBreak, 1)
          pendingIndent = indents[indents.count - 1]
        } else if case .line = command, pendingBreak == 0 {
          output += " "
          column += 1
        }
      case .hardLine(let isBlank):
        pendingBreak = max(pendingBreak, isBlank ? 2 : 1)
        pendingIndent = indents[indents.count - 1]
      case .indent(let ifBroken):
        // Beyond the width of a page more indentation helps nobody, and could fill the memory.
        let more = !ifBroken || modes[modes.count - 1] ? 2 : 0
        indents.append(min(indents[indents.count - 1] + more, 80))
      case .dedent:
        if indents.count > 1 { indents.removeLast() }
      case .open(let group):
        modes.append(isBroken(groups[group]))
      case .close:
        if modes.count > 1 { modes.removeLast() }
      }
    }
    trimSpaces(&output)
    return output.isEmpty ? "" : output + "\n"
  }

  private func trimSpaces(_ text: inout String) {
    while text.utf8.last == UInt8(ascii: " ") { text.removeLast() }
  }

  private func firstLineWidth(_ text: String) -> Int {
    guard let end = text.utf8.firstIndex(of: UInt8(ascii: "\n")) else { return textWidth(text[...]) }
    return textWidth(text[..<end])
  }

  private func lastLineWidth(_ text: String) -> Int {
    guard let end = text.utf8.lastIndex(of: UInt8(ascii: "\n")) else { return textWidth(text[...]) }
    return textWidth(text[text.utf8.index(after: end)...])
  }

  private func textWidth(_ text: Substring) -> Int {
    for byte in text.utf8 where byte >= 0x80 { return displayWidth(String(text)) }
    return text.utf8.count
  }
}
