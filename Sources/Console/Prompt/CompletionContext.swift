/// What is being written at the cursor, as Tab sees it.
package enum CompletionContext: Equatable, Sendable {
  /// Part of a name where an expression may stand. `call` is the function whose arguments it is among.
  case name(prefix: String, call: String?)
  /// Part of a name after `receiver.`; an empty receiver is a longer expression.
  case member(prefix: String, receiver: String)
  /// Within a string literal that began with `quote`.
  case string(prefix: String, quote: Character)
  /// `:name` at the beginning.
  case command(prefix: String)
  /// The rest of a line after `:load` and the like.
  case commandArgument(command: String, prefix: String)
  /// The word after `?` or `??`.
  case help(prefix: String)
  /// Before anything on its line.
  case lineStart
  /// In a comment, within a number: where nothing can be offered.
  case nothing

  private enum Frame: Equatable {
    case bracket(call: String?)
    /// `{…}` within a string.
    case interpolation
    case string(quote: Character, isTriple: Bool, start: String.Index)
  }

  /// - Parameter text: the statement up to the cursor.
  package init(_ text: String) {
    let start = text.drop { $0 == " " }
    if start.first == ":" {
      guard let space = start.firstIndex(of: " ") else {
        self = .command(prefix: String(start.dropFirst()))
        return
      }
      let rest = start[space...].drop { $0 == " " }
      self = .commandArgument(command: String(start[..<space].dropFirst()), prefix: String(rest))
      return
    }
    if start.first == "?" {
      self = .help(prefix: String(start.drop { $0 == "?" || $0 == " " }))
      return
    }

    var frames: [Frame] = []
    var place = text.startIndex
    func isTripled(_ quote: Character, _ place: String.Index) -> Bool {
      text[place...].hasPrefix(String(repeating: quote, count: 3))
    }
    while place < text.endIndex {
      let character = text[place]
      let next = text.index(after: place)
      if case .string(let quote, let isTriple, _)? = frames.last {
        if character == "\\", quote == "\"", next < text.endIndex {
          place = text.index(after: next)
          continue
        }
        if character == quote, !isTriple || isTripled(quote, place) {
          frames.removeLast()
          place = isTriple ? text.index(place, offsetBy: 3) : next
          continue
        }
        if character == "{", quote == "\"" { frames.append(.interpolation) }
        if character == "\n", !isTriple { frames.removeLast() }
        place = next
        continue
      }
      switch character {
      case "\"", "'":
        let isTriple = isTripled(character, place)
        place = isTriple ? text.index(place, offsetBy: 3) : next
        frames.append(.string(quote: character, isTriple: isTriple, start: place))
        continue
      case "#":
        guard let newline = text[place...].firstIndex(of: "\n") else {
          self = .nothing
          return
        }
        place = newline
        continue
      case "(": frames.append(.bracket(call: Self.nameBefore(text[..<place])))
      case "[", "{": frames.append(.bracket(call: nil))
      case ")", "]", "}": if !frames.isEmpty { frames.removeLast() }
      default: break
      }
      place = next
    }
    self = Self.atCursor(text, frames.last)
  }

  private static func atCursor(_ text: String, _ frame: Frame?) -> CompletionContext {
    if case .string(let quote, _, let start)? = frame { return .string(prefix: String(text[start...]), quote: quote) }
    let prefix = String(trailingName(text[...]))
    let before = text.dropLast(prefix.count)
    if prefix.first?.isNumber == true { return .nothing }
    if prefix.isEmpty, before.reversed().prefix(while: { $0 != "\n" }).allSatisfy({ $0 == " " }) { return .lineStart }
    if before.last == "." {
      let receiver = trailingPath(before.dropLast())
      if receiver.first?.isNumber == true || before.dropLast().last == "." { return .nothing }
      return .member(prefix: prefix, receiver: receiver)
    }
    if case .bracket(let call?)? = frame {
      // Behind `name=` the value is written: no argument names there.
      let written = before.reversed().drop { $0 == " " }
      return .name(prefix: prefix, call: written.first == "(" || written.first == "," ? call : nil)
    }
    return .name(prefix: prefix, call: nil)
  }

  private static func isNamePart(_ character: Character) -> Bool {
    character == "_" || character.isLetter || character.isNumber
  }

  private static func trailingName(_ text: Substring) -> Substring {
    let count = text.reversed().prefix(while: isNamePart).count
    return text.suffix(count)
  }

  private static func nameBefore(_ text: Substring) -> String? {
    let name = trailingName(text)
    return name.isEmpty || name.first?.isNumber == true ? nil : String(name)
  }

  /// `a.b.c` at the end of a text; empty when what stands there is anything else.
  private static func trailingPath(_ text: Substring) -> String {
    let count = text.reversed().prefix { isNamePart($0) || $0 == "." }.count
    let path = text.suffix(count)
    let before = text.dropLast(count).last
    if path.hasPrefix(".") || path.hasSuffix(".") || before == ")" || before == "]" || before == "\"" { return "" }
    return String(path)
  }
}
