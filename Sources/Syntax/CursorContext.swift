/// What stands at a place in a text being typed, for completion and for help on the call under way.
public struct CursorContext: Sendable, Hashable {
  /// What may be completed at the cursor.
  public enum Place: Sendable, Hashable {
    /// Where a name can stand.
    case name
    /// After `receiver.`; the text of the receiver.
    case member(receiver: String)
    /// After `import`.
    case module
    /// Within a string; `prefix` is what it holds so far.
    case string
    /// In a comment, a number or a format, where nothing is to be completed.
    case nothing
  }

  /// The call whose parentheses enclose the cursor.
  public struct Call: Sendable, Hashable {
    /// `fit`, or `plot` of `table.plot(`; empty if the callee is no name.
    public var function: String
    /// The text before `.function(`, or nil.
    public var receiver: String?
    /// Whether a value comes first through `x |> f(`.
    public var isPiped: Bool
    /// Named arguments already given.
    public var givenNames: [String]
    /// Index of the argument at the cursor.
    public var argumentIndex: Int
    /// Whether an argument begins at the cursor, so that `name=` may be completed.
    public var isAtArgumentStart: Bool
    /// The name of the argument whose value is being typed.
    public var argumentName: String?
  }

  /// What may be completed.
  public var place: Place
  /// The beginning of the word at the cursor, empty between words.
  public var prefix: String
  /// Where the prefix stands.
  public var prefixSpan: Span
  /// The call that the cursor is in, if it is in one.
  public var call: Call?
}

/// What stands before `offset` (in UTF-8 bytes) of a text.
/// - Parameter typed: what is known of the text before the last key.
public func cursorContext(in text: String, at offset: Int, typed: TypedTokens = TypedTokens()) -> CursorContext {
  var text = text
  let bytes = text.withUTF8 { Array($0.prefix(max(offset, 0))) }
  let offset = bytes.count
  let source = Source(name: "", bytes: bytes)
  let stream = typed.tokens(of: source, cursor: offset)
  var context = CursorContext(place: .name, prefix: "", prefixSpan: Span(offset, offset), call: nil)
  if let comment = stream.comments.last, source.lineIndex(at: Int(comment.span.start)) == source.lineStarts.count - 1 {
    context.place = .nothing
    return context
  }

  // Drop the ends that the lexer added for what is still open.
  var tokens = stream.tokens.dropLast()[...]
  var isInText = false
  while let last = tokens.last, last.start == last.end, last.kind == .stringEnd || last.kind == .interpolationEnd {
    // The innermost was added first.
    isInText = last.kind == .stringEnd
    tokens.removeLast()
  }
  context.call = callContext(tokens, stream, endsInWord: false)
  guard let last = tokens.last else { return context }
  if isInText {
    context.place = .string
    if last.kind == .stringText {
      context.prefix = source.text(last.span)
      context.prefixSpan = last.span
    }
    return context
  }
  switch last.kind {
  case .rawString where last.end - last.start == 1 || source.bytes[Int(last.end) - 1] != UInt8(ascii: "'"):
    context.place = .string
    context.prefixSpan = Span(Int(last.start) + 1, offset)
    context.prefix = source.text(context.prefixSpan)
    return context
  case .int, .float, .formatSpec:
    if Int(last.end) == offset { context.place = .nothing }
    return context
  case _ where last.kind == .identifier || last.kind.isKeyword:
    guard Int(last.end) == offset else { break }
    context.prefix = source.text(last.span)
    context.prefixSpan = last.span
    context.call = callContext(tokens, stream, endsInWord: true)
    tokens.removeLast()
  default: break
  }
  switch tokens.last?.kind {
  case .dot:
    tokens.removeLast()
    context.place = .member(receiver: receiverText(tokens, stream))
    context.call?.isAtArgumentStart = false
  case .import:
    context.place = .module
  default: break
  }
  return context
}

/// The text of the chain of names, calls and indices that ends with the last token.
private func receiverText(_ tokens: ArraySlice<Token>, _ stream: TokenStream) -> String {
  var index = tokens.endIndex - 1
  guard index >= tokens.startIndex else { return "" }
  let end = tokens[index].end
  var start = tokens[index].start
  while index >= 0 {
    let token = tokens[index]
    switch token.kind {
    case .rightParen, .rightBracket, .rightBrace, .stringEnd:
      let partner = Int(stream.partners[index])
      guard partner >= 0, partner < index else { return "" }
      index = partner
      start = tokens[index].start
      // `f(…)` and `x[…]` continue to the left, `[…]` and `(…)` alone do not.
      let before = index - 1
      guard token.kind == .rightParen || token.kind == .rightBracket, before >= 0 else { return finish() }
      switch tokens[before].kind {
      case .identifier, .rightParen, .rightBracket: index = before
      default: return finish()
      }
      continue
    case .identifier, .rawString, .int, .float, .true, .false, .none:
      start = token.start
    default:
      return finish()
    }
    guard index >= 2, tokens[index - 1].kind == .dot else { return finish() }
    index -= 2
  }
  return finish()

  func finish() -> String { stream.source.text(Span(Int(start), Int(end))) }
}

private func callContext(_ tokens: ArraySlice<Token>, _ stream: TokenStream, endsInWord: Bool) -> CursorContext.Call? {
  let source = stream.source
  // The innermost parenthesis without a partner; a block in between hides it.
  var opener: Int?
  var isNested = false
  var index = tokens.endIndex - 1
  while index >= 0 {
    let token = tokens[index]
    let partner = Int(stream.partners[index])
    if partner >= 0, partner < index {
      index = partner - 1
      continue
    }
    switch token.kind {
    case .leftParen:
      opener = index
    case .leftBracket, .interpolationStart, .stringStart: isNested = true
    case .leftBrace:
      // A record has a key before the cursor; anything else is a block.
      guard index + 2 < tokens.endIndex, tokens[index + 2].kind == .colon else { return nil }
      isNested = true
    default: break
    }
    if opener != nil { break }
    index -= 1
  }
  guard let opener, opener > 0 else { return nil }
  let calleeToken = tokens[opener - 1]
  guard calleeToken.kind == .identifier || calleeToken.kind == .rightParen || calleeToken.kind == .rightBracket else {
    return nil
  }
  var call = CursorContext.Call(
    function: calleeToken.kind == .identifier ? source.text(calleeToken.span) : "", receiver: nil, isPiped: false,
    givenNames: [], argumentIndex: 0, isAtArgumentStart: false, argumentName: nil)
  if opener >= 2, calleeToken.kind == .identifier {
    if tokens[opener - 2].kind == .fn { return nil }
    if tokens[opener - 2].kind == .dot { call.receiver = receiverText(tokens[..<(opener - 2)], stream) }
    if tokens[opener - 2].kind == .pipe { call.isPiped = true }
  }
  var argumentStart = opener + 1
  index = opener + 1
  while index < tokens.endIndex {
    let partner = Int(stream.partners[index])
    if partner > index, partner < tokens.endIndex {
      index = partner + 1
      continue
    }
    if partner < 0 {
      switch tokens[index].kind {
      case .leftParen, .leftBracket, .leftBrace, .stringStart: index = tokens.endIndex
      default: break
      }
    }
    guard index < tokens.endIndex else { break }
    if tokens[index].kind == .comma {
      call.argumentIndex += 1
      argumentStart = index + 1
      call.argumentName = nil
    } else if tokens[index].kind == .equal, index == argumentStart + 1 {
      call.argumentName = source.text(tokens[argumentStart].span)
      call.givenNames.append(source.text(tokens[argumentStart].span))
    }
    index += 1
  }
  call.isAtArgumentStart = !isNested && argumentStart == tokens.endIndex - (endsInWord ? 1 : 0)
  return call
}
