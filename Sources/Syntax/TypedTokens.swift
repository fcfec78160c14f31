/// The tokens of a text that is being typed: what stands before the line of the cursor is read once, not at each key.
///
/// The lexer is kept as it was where that line begins. A text that is the same up to there is read on from there.
public final class TypedTokens {
  private var kept: Lexer?

  /// Keeps nothing yet.
  public init() {}

  /// The tokens of a text in UTF-8, the same that `tokenize` finds.
  /// - Parameter cursor: where the text is about to change, in bytes.
  public func tokens(of source: Source, cursor: Int) -> TokenStream {
    let line = Int(source.lineStarts[source.lineIndex(at: min(max(cursor, 0), source.bytes.count))])
    var lexer = Lexer(source)
    if let kept, kept.position <= line, source.bytes[..<kept.position] == kept.bytes[..<kept.position] {
      lexer = kept
      lexer.source = source
    }
    // Where it cannot be kept, in a string of several lines say, what there was may do for the next key.
    if let new = lexer.run(keeping: line) { kept = new }
    return lexer.stream
  }
}
