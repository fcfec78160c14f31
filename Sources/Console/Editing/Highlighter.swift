import Interpreter

/// The look of each byte of a text.
struct TextStyles: Equatable {
  private var styles: [Style] = []
  private var lineStarts: [Int] = []

  /// No look at all.
  static let none = TextStyles()

  private init() {}

  /// A plain text.
  init(_ text: String) {
    styles = [Style](repeating: .plain, count: text.utf8.count)
    lineStarts = [0]
    var text = text
    text.withUTF8 { bytes in
      for place in bytes.indices where bytes[place] == UInt8(ascii: "\n") { lineStarts.append(place + 1) }
    }
  }

  var isEmpty: Bool { styles.isEmpty }
  func start(ofLine line: Int) -> Int { line < lineStarts.count ? lineStarts[line] : styles.count }
  func style(at byte: Int) -> Style { byte < styles.count ? styles[byte] : .plain }
  /// The looks of a line with the break at its end, empty where there are none.
  func styles(ofLine line: Int) -> ArraySlice<Style> { styles[start(ofLine: line)..<start(ofLine: line + 1)] }

  mutating func set(_ style: Style, _ bytes: Range<Int>) {
    for byte in bytes.clamped(to: 0..<styles.count) { styles[byte] = style }
  }
}

/// Gives the words of a statement their look, by the language's own lexer.
///
/// The tokens of the last text are kept: moving the cursor asks for no more than the brackets beside it.
struct Highlighter {
  /// A longer text is left plain: it is a paste, and a key must not take longer for it.
  static let longest = 64 << 10

  private let typed = TypedTokens()
  private var text: String?
  private var stream: TokenStream?
  private var styles = TextStyles.none
  /// Names that do not exist, in bytes of `text`.
  private var unknown: [Range<Int>] = []

  /// - Parameter cursor: in bytes; the bracket before or at it and its partner are marked.
  mutating func styles(of text: String, cursor: Int) -> TextStyles {
    if text.utf8.count > Self.longest { return .none }
    if text != self.text {
      self.text = text
      unknown = []
      colour(text, cursor: cursor)
    }
    var styles = styles
    for range in unknown { styles.set(.unknown, range) }
    guard let stream else { return styles }
    if let pair = Self.brackets(stream, cursor) {
      styles.set(.bracket, pair.0)
      styles.set(.bracket, pair.1)
    }
    return styles
  }

  /// Marks names that do not exist, until the text changes.
  mutating func mark(unknown ranges: [Range<Int>], in text: String) {
    if text == self.text { unknown = ranges }
  }

  private mutating func colour(_ text: String, cursor: Int) {
    styles = TextStyles(text)
    stream = nil
    guard let first = text.utf8.first(where: { $0 != UInt8(ascii: " ") }) else { return }
    // Commands have no grammar.
    if first == UInt8(ascii: "?") || first == UInt8(ascii: "!") { return }
    if first == UInt8(ascii: ":") {
      let word = text.utf8.prefix { $0 != UInt8(ascii: " ") || $0 == text.utf8.first }.count
      return styles.set(.keyword, 0..<word)
    }
    let stream = typed.tokens(of: Source(name: "", text: text), cursor: cursor)
    self.stream = stream
    for (index, token) in stream.tokens.enumerated() {
      let range = Int(token.start)..<Int(token.end)
      switch token.kind {
      case .identifier:
        if index + 1 < stream.tokens.count, stream.tokens[index + 1].kind == .leftParen,
          stream.tokens[index + 1].start == token.end
        {
          styles.set(.call, range)
        }
      case .int, .float, .true, .false, .none: styles.set(.number, range)
      case .rawString, .stringStart, .stringText, .stringEnd: styles.set(.string, range)
      case .formatSpec, .interpolationStart, .interpolationEnd: styles.set(.keyword, range)
      case .rightParen, .rightBracket, .rightBrace:
        if stream.partners[index] < 0 { styles.set(.unmatched, range) }
      case _ where token.kind.isKeyword: styles.set(.keyword, range)
      default: break
      }
    }
    for comment in stream.comments { styles.set(.comment, Int(comment.span.start)..<Int(comment.span.end)) }
  }

  /// The bracket before the cursor, or else at it, and its partner.
  private static func brackets(_ stream: TokenStream, _ cursor: Int) -> (Range<Int>, Range<Int>)? {
    func partner(endingOrStartingAt test: (Token) -> Bool) -> (Range<Int>, Range<Int>)? {
      for (index, token) in stream.tokens.enumerated() where test(token) {
        switch token.kind {
        case .leftParen, .leftBracket, .leftBrace, .rightParen, .rightBracket, .rightBrace:
          let other = Int(stream.partners[index])
          if other >= 0, other < stream.tokens.count { return (range(token), range(stream.tokens[other])) }
        default: break
        }
      }
      return nil
    }
    func range(_ token: Token) -> Range<Int> { Int(token.start)..<Int(token.end) }
    return partner { Int($0.end) == cursor } ?? partner { Int($0.start) == cursor }
  }
}
