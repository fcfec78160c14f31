/// Parses a whole source text. Never fails: all syntax errors are in `Program.diagnostics`, at most 20.
public func parse(_ source: Source) -> Program { parse(tokenize(source)) }

func parse(_ stream: TokenStream) -> Program {
  var parser = Parser(stream)
  return parser.parseProgram()
}

/// Parses a built-in's signature, such as `clip(x: tensor, min: float | none = none) -> tensor`.
public func parseSignature(_ text: String) throws(LTDError) -> Signature {
  let source = Source(name: "signature", text: text)
  var parser = Parser(tokenize(source))
  return try parser.parseWholeSignature()
}

/// Whether the prompt should run what was typed so far, rather than ask for another line: nothing is open, and the
/// text does not end where more must follow. A text with an error elsewhere is complete.
public func isComplete(_ text: String) -> Bool {
  let stream = tokenize(Source(name: "", text: text))
  if stream.isInsideTripleString { return false }
  var parser = Parser(stream)
  _ = parser.parseProgram()
  return !parser.endedTooEarly
}

/// Recursive descent for statements, precedence climbing for expressions. A statement that does not parse is reported,
/// left out, and reading continues at the next one.
struct Parser {
  /// Thrown after the error was reported.
  struct Failure: Error {}

  static let maximumDiagnostics = 20
  /// Levels of brackets, blocks and operators within each other.
  static let maximumDepth = 200
  /// Height of a tree; a chain such as `a + b + c + …` or `x.f().g()…` counts one for each step.
  static let maximumHeight: Int32 = 1000

  let source: Source
  let tokens: [Token]
  let partners: [Int32]
  let comments: [Comment]
  /// Lines with an error of the lexer, which explains others there.
  let brokenLines: Set<Int>
  private let isInsideTripleString: Bool
  /// Whether the text is the signature of a built-in.
  var isSignature = false
  var index = 0
  /// The current token.
  var token: Token
  /// Whether a line break ends a statement here; not within ( ), [ ] and record braces.
  var newlinesEnd = true
  var depth = 0
  var diagnostics: [Diagnostic]
  /// Whether the first error came at the end of the text, where more could still be typed.
  var endedTooEarly = false
  /// Brackets opened within the statement being read.
  var openBrackets: [Int] = []

  init(_ stream: TokenStream) {
    source = stream.source
    tokens = stream.tokens
    partners = stream.partners
    comments = stream.comments
    brokenLines = stream.reportedLines
    isInsideTripleString = stream.isInsideTripleString
    diagnostics = stream.diagnostics
    token = tokens.first ?? Token(kind: .endOfFile, startsLine: true, start: 0, end: 0)
  }

  // MARK: Tokens

  var isAtEnd: Bool { token.kind == .endOfFile }

  /// Whether the current token is on a new line that ends the statement before it.
  var isNewStatementLine: Bool { newlinesEnd && token.startsLine }

  func peek(_ offset: Int = 1) -> Token {
    let target = index + offset
    return target >= 0 && target < tokens.count ? tokens[target] : tokens[tokens.count - 1]
  }

  func text(_ token: Token) -> String { source.text(token.span) }

  /// End of the token before the current one.
  var lastEnd: Int { index > 0 ? Int(tokens[index - 1].end) : 0 }

  @discardableResult
  mutating func advance() -> Token {
    let current = token
    if index + 1 < tokens.count {
      index += 1
      token = tokens[index]
    }
    return current
  }

  mutating func move(to target: Int) {
    index = min(max(target, 0), tokens.count - 1)
    token = tokens[index]
  }

  mutating func accept(_ kind: Token.Kind) -> Bool {
    guard token.kind == kind else { return false }
    advance()
    return true
  }

  func span(from start: Int) -> Span { Span(start, lastEnd) }

  func span(from start: Int32) -> Span { Span(Int(start), lastEnd) }

  // MARK: Errors

  mutating func report(_ diagnostic: Diagnostic) {
    guard diagnostics.count < Parser.maximumDiagnostics else { return }
    if let span = diagnostic.span, !brokenLines.isEmpty,
      brokenLines.contains(source.lineIndex(at: Int(span.start)))
    {
      return
    }
    diagnostics.append(diagnostic)
  }

  mutating func report(
    _ message: String, at span: Span, hint: String? = nil, label: String? = nil, labels: [Diagnostic.Label] = []
  ) {
    report(
      Diagnostic(
        .syntax, message, source: source, span: span, primaryLabel: label, labels: labels, hint: hint))
  }

  mutating func fail(
    _ message: String, at span: Span, hint: String? = nil, label: String? = nil, labels: [Diagnostic.Label] = []
  ) -> Failure {
    report(message, at: span, hint: hint, label: label, labels: labels)
    return Failure()
  }

  /// Reports that something else was expected at the current token.
  mutating func failExpected(_ what: String, hint: String? = nil, labels: [Diagnostic.Label] = []) -> Failure {
    if token.kind == .invalid { return Failure() }
    if isAtEnd {
      // A string without an end took the rest of the text with it.
      if isInsideTripleString { return Failure() }
      if diagnostics.isEmpty { endedTooEarly = true }
      var labels = labels
      if labels.isEmpty, let opener = openBrackets.last, tokens[opener].kind != .interpolationStart {
        labels = [Diagnostic.Label(tokens[opener].span, "opened here")]
      }
      // Point after the last token rather than below trailing blank lines.
      return fail(
        "expected \(what), but the text ends here", at: Span(lastEnd, lastEnd), hint: hint, labels: labels)
    }
    return fail("expected \(what), found \(describe(token))", at: token.span, hint: hint, labels: labels)
  }

  func describe(_ token: Token) -> String {
    switch token.kind {
    case .identifier, .int, .float:
      let spelling = text(token)
      return spelling.utf8.count <= 40 ? "`\(spelling)`" : token.kind.description
    default:
      return token.kind.description
    }
  }

  mutating func expect(_ kind: Token.Kind, _ what: String? = nil, hint: String? = nil) throws(Failure) {
    guard token.kind == kind else { throw failExpected(what ?? kind.description, hint: hint) }
    advance()
  }

  /// Reads an opening bracket, items with commas between them, and the closing bracket, without regard to line breaks.
  ///
  /// - Parameter what: What the closing bracket was expected after, for the error.
  mutating func parseBracketed(
    _ closing: Token.Kind, after what: String, item: (inout Parser) throws(Failure) -> Void
  ) throws(Failure) {
    try enter()
    let opener = index
    openBrackets.append(opener)
    advance()
    let outerNewlines = newlinesEnd
    newlinesEnd = false
    defer {
      newlinesEnd = outerNewlines
      depth -= 1
    }
    while token.kind != closing {
      try item(&self)
      guard accept(.comma) else { break }
    }
    try expectClosing(closing, opener: opener, after: what)
  }

  /// Reads a closing bracket, or reports it missing with the place of the opening one.
  private mutating func expectClosing(_ kind: Token.Kind, opener: Int, after what: String) throws(Failure) {
    if token.kind == kind {
      advance()
      openBrackets.removeLast()
      return
    }
    let opening = tokens[opener]
    let label = Diagnostic.Label(opening.span, "opened here")
    if let advice = adviceInList() { throw fail(advice.message, at: advice.span, hint: advice.hint) }
    var hint: String?
    if token.kind.startsExpression {
      hint = foreignComparison() ?? "a comma may be missing before \(describe(token))"
    }
    throw failExpected("`,` or \(kind.description) after \(what)", hint: hint, labels: [label])
  }

  /// Common mistakes within brackets that deserve a better message than a missing comma.
  func adviceInList() -> (message: String, span: Span, hint: String)? {
    if let advice = stringPrefixAdvice() { return advice }
    switch token.kind {
    case .equal:
      return (
        "`=` sets a variable and cannot stand in an expression", token.span, "to compare, write `==`"
      )
    case .if:
      return ("`if` cannot follow a value", token.span, "write `if condition { a } else { b }` for a choice")
    case .resultArrow:
      return ("`->` has no meaning here", token.span, "a lambda is written `x => x * 2`")
    case .ellipsis:
      return ("`...` makes no range", token.span, "a range with its end is `1..3`")
    case _ where index > 0 && tokens[index - 1].kind == .identifier && token.kind == .identifier:
      guard let advice = ForeignHabits.words[text(tokens[index - 1])] else { return nil }
      return ("`\(text(tokens[index - 1]))` is not a word of the language", tokens[index - 1].span, advice)
    case .bar:
      return ("`|` has no meaning here", token.span, "write `or` between conditions, `logical_or(a, b)` between masks")
    default:
      return nil
    }
  }

  /// What to write for `is` and `is not` between two values, where the current token is `is`.
  func foreignComparison() -> String? {
    guard token.kind == .identifier, text(token) == "is" else { return nil }
    return peek().kind == .not ? "write `!=`" : "write `==`"
  }

  /// What to write instead of the current token, when it is a word of another language where a block or a new statement
  /// should begin; a call of a function of that name is none.
  func foreignWordAdvice() -> String? {
    guard token.kind == .identifier, peek().kind != .leftParen || peek().startsLine else { return nil }
    return foreignComparison() ?? ForeignHabits.words[text(token)]
  }

  /// For `f"…"` and the like, where the current token is the string.
  func stringPrefixAdvice() -> (message: String, span: Span, hint: String)? {
    guard token.kind == .stringStart || token.kind == .rawString, index > 0 else { return nil }
    let before = tokens[index - 1]
    guard before.kind == .identifier, before.end == token.start,
      let hint = ForeignHabits.stringPrefixAdvice(text(before), isRaw: token.kind == .rawString)
    else { return nil }
    return ("a string has no prefix `\(text(before))`", before.span, hint)
  }

  // MARK: Depth

  mutating func enter() throws(Failure) {
    depth += 1
    if depth > Parser.maximumDepth {
      throw fail(
        "this is nested too deeply (more than \(Parser.maximumDepth) levels)", at: token.span,
        hint: "put an inner part into a variable or a function")
    }
  }

  mutating func makeExpr(
    _ kind: Expr.Kind, _ span: Span, height: Int32
  ) throws(Failure) -> Expr {
    if height >= Parser.maximumHeight {
      throw fail(
        "this expression has too many steps (more than \(Parser.maximumHeight) within each other)", at: span,
        hint: "put a part of it into a variable, or its items into a list")
    }
    return Expr(kind: kind, span: span, height: height + 1)
  }

  // MARK: Programs and blocks

  mutating func parseProgram() -> Program {
    var statements: [Stmt] = []
    while !isAtEnd {
      if token.kind == .rightBrace {
        report("this `}` closes nothing", at: token.span, hint: "delete it, or look for a `{` missing above")
        advance()
        continue
      }
      parseStatementOrSkip(into: &statements)
      if diagnostics.count >= Parser.maximumDiagnostics { break }
    }
    var endsWithSemicolon = false
    if tokens.count >= 2 { endsWithSemicolon = tokens[tokens.count - 2].kind == .semicolon }
    let height = statements.reduce(0) { max($0, $1.height) }
    diagnostics.sort { ($0.span?.start ?? 0) < ($1.span?.start ?? 0) }
    return Program(
      source: source,
      body: Block(statements: statements, span: Span(0, source.bytes.count), height: height + 1),
      comments: comments, diagnostics: diagnostics, endsWithSemicolon: endsWithSemicolon)
  }

  /// `{ statements }`
  mutating func parseBlock(after what: String) throws(Failure) -> Block {
    guard token.kind == .leftBrace else {
      if token.kind == .colon {
        throw fail(
          "blocks are written with braces, not with `:` and indentation", at: token.span,
          hint: "write `{` here and `}` after the block")
      }
      if token.kind == .equal {
        throw fail(
          "`=` sets a variable and cannot stand in a condition", at: token.span, hint: "to compare, write `==`")
      }
      if let advice = foreignWordAdvice() {
        throw fail("expected `{` after \(what), found \(describe(token))", at: token.span, hint: advice)
      }
      throw failExpected("`{` after \(what)", hint: "blocks are written with braces: `{ … }`")
    }
    try enter()
    let opener = index
    openBrackets.append(opener)
    advance()
    let outerNewlines = newlinesEnd
    newlinesEnd = true
    defer {
      newlinesEnd = outerNewlines
      depth -= 1
    }
    var statements: [Stmt] = []
    while token.kind != .rightBrace, !isAtEnd {
      parseStatementOrSkip(into: &statements)
      if diagnostics.count >= Parser.maximumDiagnostics { throw Failure() }
    }
    if isAtEnd {
      throw failExpected("`}`", labels: [Diagnostic.Label(tokens[opener].span, "this block is not closed")])
    }
    advance()
    openBrackets.removeLast()
    let height = statements.reduce(0) { max($0, $1.height) }
    return Block(statements: statements, span: span(from: tokens[opener].start), height: height + 1)
  }

  /// Reads a statement and its end; after an error, skips to the next statement.
  private mutating func parseStatementOrSkip(into statements: inout [Stmt]) {
    while accept(.semicolon) {}
    if isAtEnd || token.kind == .rightBrace { return }
    let start = index
    let outerBrackets = openBrackets
    let outerDepth = depth
    openBrackets = []
    defer { openBrackets = outerBrackets }
    do throws(Failure) {
      let statement = try parseStatement()
      try expectStatementEnd(from: start)
      statements.append(statement)
    } catch {
      depth = outerDepth
      newlinesEnd = true
      skipStatement(from: start)
      statements.append(Stmt(kind: .invalid, span: span(from: tokens[start].start)))
    }
  }

  /// Moves past the broken statement that began at token `start`.
  private mutating func skipStatement(from start: Int) {
    // Leave the brackets that were open at the error, the outermost first, if they are closed somewhere.
    for opener in openBrackets {
      let partner = Int(partners[opener])
      if partner >= 0 {
        if partner >= index { move(to: partner + 1) }
        break
      }
    }
    if index == start { skipToken() }
    while !isAtEnd, token.kind != .rightBrace, token.kind != .semicolon, !token.startsLine { skipToken() }
  }

  /// Moves past one token, or past all between it and its partner.
  private mutating func skipToken() {
    let partner = Int(partners[index])
    move(to: max(index, partner) + 1)
  }

  private mutating func expectStatementEnd(from start: Int) throws(Failure) {
    if accept(.semicolon) || isAtEnd || token.kind == .rightBrace || token.startsLine { return }
    throw failAfterStatement(from: start)
  }
}
