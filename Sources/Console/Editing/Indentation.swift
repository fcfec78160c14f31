import Interpreter

/// How far lines of a statement stand to the right.
enum Indentation {
  /// The columns before a new line after a text: two for each line with a bracket that is open; nil within a string.
  static func ofNewLine(after text: String) -> Int? {
    if text.utf8.count > Highlighter.longest { return nil }
    let stream = tokenize(Source(name: "", text: text))
    guard let open = openers(stream) else { return nil }
    return min(40, 2 * Set(open.map { stream.source.lineIndex(at: $0) }).count)
  }

  /// The columns before the line whose bracket a closing one closes.
  static func ofClosing(after text: String) -> Int? {
    if text.utf8.count > Highlighter.longest { return nil }
    let stream = tokenize(Source(name: "", text: text))
    guard let last = openers(stream)?.last else { return nil }
    let start = stream.source.lineStarts[stream.source.lineIndex(at: last)]
    return stream.source.bytes[Int(start)...].prefix { $0 == UInt8(ascii: " ") }.count
  }

  /// Where brackets stand that nothing closes; nil where the text ends within a string.
  private static func openers(_ stream: TokenStream) -> [Int]? {
    var open: [Int] = []
    for (index, token) in stream.tokens.enumerated() {
      switch token.kind {
      case .leftParen, .leftBracket, .leftBrace: if stream.partners[index] < 0 { open.append(Int(token.start)) }
      // The lexer closes what is open at the end of the text, with nothing.
      case .stringEnd where token.start == token.end && Int(token.end) == stream.source.bytes.count: return nil
      default: break
      }
    }
    return open
  }
}
