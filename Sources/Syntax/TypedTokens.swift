/// The tokens of a text that is being typed: what stands before the line of the cursor is read once, not at each key.
///
/// The lexer is kept as it was where that line begins, and where one further up does, for a cursor that goes up. A text that
/// is the same up to there is read on from there.
public final class TypedTokens {
  /// At most three, in the order of their places.
  private var kept: [Lexer] = []
  /// How many lines the cursor may go up until the text is read from its begin.
  private static let reach = 32

  /// Keeps nothing yet.
  public init() {}

  /// The tokens of a text in UTF-8, the same that `tokenize` finds.
  /// - Parameter cursor: where the text is about to change, in bytes.
  public func tokens(of source: Source, cursor: Int) -> TokenStream {
    let index = source.lineIndex(at: min(max(cursor, 0), source.bytes.count))
    let line = Int(source.lineStarts[index])
    kept.removeAll { $0.position > line || source.bytes[..<$0.position] != $0.bytes[..<$0.position] }
    var lexer = kept.last ?? Lexer(source)
    lexer.source = source
    // Where it cannot be kept, in a string of several lines say, what there was may do for the next key.
    let wanted = index > Self.reach ? [Int(source.lineStarts[index - Self.reach]), line] : [line]
    kept += lexer.run(keeping: wanted.filter { $0 > (kept.last?.position ?? -1) })
    kept.removeFirst(max(0, kept.count - 3))
    return lexer.stream
  }
}
