/// The text in the one accepted layout. Only white space and line breaks between tokens change; a program laid out by
/// the formatter stays as it is.
///
/// Lines are at most `width` columns where the language allows a break. Kept from the author: comments, single blank
/// lines, line breaks between the items of a bracket, before `|>` and `.`, and blocks written on one line.
///
/// - Throws: The first syntax error of a text that does not parse.
public func format(_ source: Source, width: Int = 100) throws(LTDError) -> String {
  let stream = tokenize(source)
  let program = parse(stream)
  if let first = program.diagnostics.first { throw LTDError(first) }
  var formatter = Formatter(program, stream, width: width)
  var result = formatter.run()
  // A break made in one pass can let an outer line join in the next; this settles after two or three.
  for _ in 0..<8 {
    let next = tokenize(Source(name: source.name, text: result))
    guard hasSameTokens(stream, next) else {
      throw LTDError(
        .internal, "the formatter would have changed this program, so it left it alone", source: source,
        hint: "please report this with the program")
    }
    var formatter = Formatter(parse(next), next, width: width)
    let again = formatter.run()
    if again == result { break }
    result = again
  }
  return result
}

/// Whether two texts differ in white space only.
func hasSameTokens(_ a: TokenStream, _ b: TokenStream) -> Bool {
  let (first, second) = (a.source, b.source)
  guard a.tokens.count == b.tokens.count, a.comments.count == b.comments.count, b.diagnostics.isEmpty else {
    return false
  }
  for (left, right) in zip(a.tokens, b.tokens) {
    guard left.kind == right.kind else { return false }
    if first.bytes[left.span.range].elementsEqual(second.bytes[right.span.range]) { continue }
    if withoutReturns(first.text(left.span)) != second.text(right.span) { return false }
  }
  for (left, right) in zip(a.comments, b.comments) where first.text(left.span) != second.text(right.span) {
    return false
  }
  return true
}

/// The text of a string over several lines with plain line ends, as the language reads it.
private func withoutReturns(_ text: String) -> String {
  guard text.utf8.contains(UInt8(ascii: "\r")) else { return text }
  let bytes = Array(text.utf8)
  let kept = bytes.indices.filter { place in
    bytes[place] != UInt8(ascii: "\r") || place + 1 == bytes.count || bytes[place + 1] != UInt8(ascii: "\n")
  }
  return String(decoding: kept.map { bytes[$0] }, as: UTF8.self)
}

/// Walks the tree and the tokens together, and writes layout commands.
///
/// Every token is emitted in its order by `token()`, which also brings the comments around it, so that nothing can be
/// lost; the tree only says where lines may break.
struct Formatter {
  let program: Program
  let source: Source
  let tokens: [Token]
  let partners: [Int32]
  var layout: Layout
  /// Index of the token to emit next.
  var index = 0
  private var commentIndex = 0
  /// Line in the source where the last emitted token or comment ended.
  private var lastLine = 0
  /// A comment was emitted that only a line break can end.
  private var needsBreak = false
  /// The token after which the head of a hugging call ends, and where that came to lie in the layout.
  private var hugTokens: [(token: Int, group: Int)] = []

  init(_ program: Program, _ stream: TokenStream, width: Int) {
    self.program = program
    source = program.source
    tokens = stream.tokens
    partners = stream.partners
    layout = Layout(width: width)
  }

  mutating func run() -> String {
    statements(program.body.statements)
    flushComments()
    return layout.print()
  }

  // MARK: Tokens and comments

  var current: Token { tokens[min(index, tokens.count - 1)] }

  mutating func token() {
    guard index < tokens.count - 1 else { return }
    tokens(through: index)
  }

  /// A string or another stretch that is kept as it is.
  mutating func tokens(through last: Int) {
    let last = min(max(last, index), tokens.count - 2)
    guard index <= last else { return }
    flushComments()
    let start = Int(tokens[index].start)
    breakIfNeeded()
    lastWasComment = false
    let end = Int(tokens[last].end)
    if endsNumber(at: index) { layout.text(" ") }
    layout.text(withoutReturns(source.text(start..<end)))
    let isHugged = hugTokens.last.map { $0.token >= index && $0.token <= last } ?? false
    if isHugged, let hug = hugTokens.popLast() { layout.endHead(ofGroup: hug.group) }
    index = last + 1
    lastLine = source.lineIndex(at: end)
    // Comments within a kept stretch went with it.
    while commentIndex < program.comments.count, Int(program.comments[commentIndex].span.start) < end {
      commentIndex += 1
    }
    while let comment = nextComment(), !comment.isOwnLine {
      // The groups that end here stay as they are: the break comes with the next token, in the group that continues.
      layout.comment("  " + source.text(comment.span))
      needsBreak = true
      commentIndex += 1
    }
  }

  /// Whether a point directly after a number would be taken for a part of it, since a comment follows.
  private func endsNumber(at place: Int) -> Bool {
    guard tokens[place].kind == .dot, place > 0, [.int, .float].contains(tokens[place - 1].kind),
      commentIndex < program.comments.count
    else { return false }
    return program.comments[commentIndex].span.start < tokens[place + 1].start
  }

  private func nextComment() -> Comment? {
    guard commentIndex < program.comments.count else { return nil }
    let comment = program.comments[commentIndex]
    return comment.span.start < current.start || current.kind == .endOfFile ? comment : nil
  }

  /// Emits the comments on lines of their own before the current token.
  mutating func flushComments() {
    while let comment = nextComment() {
      let line = source.lineIndex(at: Int(comment.span.start))
      layout.hardLine(isBlank: line > lastLine + 1 && !layout.isAtStart && !isAfterOpener)
      layout.breakGroup()
      layout.comment(source.text(comment.span))
      lastLine = line
      lastWasComment = true
      needsBreak = true
      commentIndex += 1
    }
  }

  private var lastWasComment = false

  /// Whether nothing was emitted since an opening bracket.
  private var isAfterOpener: Bool {
    guard index > 0, !lastWasComment else { return false }
    switch tokens[index - 1].kind {
    case .leftBrace, .leftParen, .leftBracket: return true
    default: return false
    }
  }

  private mutating func breakIfNeeded() {
    guard needsBreak else { return }
    needsBreak = false
    layout.hardLine(isBlank: false)
    layout.breakGroup()
  }

  /// Opens a group at the current token, after the comments and the break before it.
  mutating func openGroup(_ kind: Layout.Kind = .normal) -> Int {
    flushComments()
    breakIfNeeded()
    return layout.openGroup(kind)
  }

  mutating func space() { layout.text(" ") }

  func tokenIndex(at offset: Int32) -> Int {
    var low = 0
    var high = tokens.count
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle].start < offset { low = middle + 1 } else { high = middle }
    }
    return min(low, tokens.count - 1)
  }

  mutating func hug(token: Int, group: Int) { hugTokens.append((token, group)) }

  // MARK: Statements

  mutating func statements(_ items: [Stmt]) {
    var isFirst = true
    semicolons()
    for item in items {
      if !isFirst || needsBreak || nextComment() != nil || layout.endsWithSemicolon {
        let follows = index > 0 && tokens[index - 1].kind == .semicolon && !current.startsLine
        if follows, nextComment() == nil, !needsBreak {
          space()
        } else {
          let hadComments = nextComment() != nil
          flushComments()
          let line = source.lineIndex(at: Int(current.start))
          let isBlank = line > lastLine + 1 && (!isFirst || hadComments)
          needsBreak = false
          layout.hardLine(isBlank: isBlank)
        }
      }
      isFirst = false
      statement(item)
      semicolons()
    }
  }

  private mutating func semicolons() {
    while current.kind == .semicolon { token() }
  }

  /// `{ … }`: on one line if it was and holds nothing that needs more; the caller opens the group.
  mutating func block(_ block: Block) {
    token()
    let closer = Int(partners[index - 1])
    if block.statements.isEmpty, closer == index, nextComment() == nil, !needsBreak {
      token()
      return
    }
    layout.indent()
    if isOneLine(block) { layout.line() } else { layout.hardLine(isBlank: false) }
    statements(block.statements)
    flushComments()
    layout.dedent()
    if isOneLine(block) { layout.line() } else { layout.hardLine(isBlank: false) }
    // A trailing comment is followed by a break anyway.
    needsBreak = false
    token()
  }

  func isOneLine(_ block: Block) -> Bool {
    source.lineIndex(at: Int(block.span.start)) == source.lineIndex(at: Int(block.span.end))
  }

  private mutating func groupedBlock(_ body: Block) {
    let group = openGroup()
    block(body)
    layout.closeGroup(group)
  }

  private mutating func statement(_ item: Stmt) {
    switch item.kind {
    case .expression(let expr):
      expression(expr)
    case .assign(let scope, let target, let value):
      if scope != .local {
        token()
        space()
      }
      pattern(target)
      space()
      token()
      space()
      expression(value)
    case .augmentedAssign(let scope, let target, _, let value):
      if scope != .local {
        token()
        space()
      }
      expression(target)
      space()
      token()
      space()
      expression(value)
    case .function(let function):
      self.function(function)
    case .for(let target, let items, let body):
      token()
      space()
      pattern(target)
      space()
      token()
      space()
      condition(items)
      space()
      groupedBlock(body)
    case .while(let test, let body):
      token()
      space()
      condition(test)
      space()
      groupedBlock(body)
    case .return(let value):
      token()
      if let value {
        space()
        expression(value)
      }
    case .import(let item):
      token()
      space()
      tokens(through: max(index, Int(partners[index])))
      if item.alias != nil {
        space()
        token()
        space()
        token()
      }
    case .break, .continue:
      token()
    case .invalid:
      break
    }
  }

  /// An expression before a block: its broken lines are indented twice, to stand apart from the block.
  mutating func condition(_ expr: Expr) {
    layout.indent()
    expression(expr)
    layout.dedent()
  }

  mutating func pattern(_ item: Pattern) {
    switch item {
    case .name:
      token()
    case .place(let place):
      expression(place)
    case .rest:
      token()
      token()
    case .list(let items, let span):
      let first = items.first?.span.start ?? span.end
      let isBracketed = first > span.start && (current.kind == .leftParen || current.kind == .leftBracket)
      if isBracketed {
        bracketed(count: items.count) { $0.pattern(items[$1]) }
      } else {
        let group = openGroup(.chain)
        layout.indent(ifBroken: true)
        for (position, item) in items.enumerated() {
          if position > 0 {
            token()
            layout.line()
          }
          pattern(item)
        }
        layout.dedent()
        layout.closeGroup(group)
      }
    case .record(let fields, _):
      bracketed(count: fields.count) { formatter, position in
        formatter.fieldName()
        if formatter.current.kind == .colon {
          formatter.token()
          formatter.space()
          formatter.pattern(fields[position].target)
        }
      }
    }
  }

  // MARK: Brackets

  /// An opening bracket, items with commas, and the closing bracket. `huggedToken` is the last opening bracket of the
  /// last item, if only what is within it should break.
  mutating func bracketed(
    count: Int, huggedToken: Int? = nil, item: (inout Formatter, Int) -> Void
  ) {
    let opener = index
    let closer = max(opener, Int(partners[opener]))
    let isBroken = breaksBetweenItems(opener, closer)
    let canHug = huggedToken != nil && !isBroken
    let group = openGroup(canHug ? .hug : .normal)
    if isBroken { layout.breakGroup() }
    if canHug, let huggedToken { hug(token: huggedToken, group: group) }
    token()
    // Within a hugging call the breaks of the last item count from the line itself.
    layout.indent(ifBroken: canHug)
    if count > 0 || nextComment() != nil || needsBreak { layout.softLine() }
    for position in 0..<count {
      item(&self, position)
      if current.kind == .comma {
        token()
        if position + 1 < count { layout.line() }
      }
    }
    flushComments()
    layout.dedent()
    if needsBreak {
      breakIfNeeded()
    } else if count > 0 {
      layout.softLine()
    }
    token()
    layout.closeGroup(group)
  }

  /// Whether the author broke the line after the bracket or after one of its commas.
  private func breaksBetweenItems(_ opener: Int, _ closer: Int) -> Bool {
    var position = opener + 1
    guard position < closer else { return false }
    if tokens[position].startsLine { return true }
    while position < closer {
      if tokens[position].kind == .comma, position + 1 < closer, tokens[position + 1].startsLine { return true }
      position = max(position, Int(partners[position])) + 1
    }
    return false
  }
}
