extension Parser {
  /// `fn name(parameters) -> type { … }`; the name is absent in expressions.
  mutating func parseFunction(doc: String?, needsName: Bool) throws(Failure) -> Function {
    let start = advance().start
    var name: Name?
    if needsName {
      name = try parseName("the name of the function")
    } else if token.kind == .identifier {
      throw fail(
        "a function with a name is a statement of its own", at: token.span, hint: "in an expression write `fn(x) { … }`"
      )
    }
    guard token.kind == .leftParen else {
      throw failExpected("`(` and the parameters", hint: "for example `fn f(x, T=1) { … }`")
    }
    let (parameters, parameterHeight) = try parseParameters()
    var result: TypeExpr?
    if accept(.resultArrow) { result = try parseType() }
    let headerSpan = span(from: start)
    switch token.kind {
    case .arrow, .equal:
      throw fail(
        "the body of a function stands in braces", at: token.span,
        hint: "write `fn \(name?.text ?? "")(…) { … }`, or a lambda `x => …`")
    default: break
    }
    let body = try parseBlock(after: "the parameters")
    return Function(
      name: name, parameters: parameters, result: result, body: .block(body), doc: doc, headerSpan: headerSpan,
      isArrow: false, height: max(parameterHeight, body.height))
  }

  /// `x => …` or `(a, b=1) => …`
  mutating func parseArrowFunction() throws(Failure) -> Expr {
    let start = token.start
    var parameters: [Parameter]
    var height: Int32 = 0
    if token.kind == .leftParen {
      (parameters, height) = try parseParameters()
    } else {
      let name = try parseName("a parameter")
      parameters = [Parameter(kind: .normal, name: name, type: nil, checks: [], defaultValue: nil, span: name.span)]
    }
    let headerSpan = span(from: start)
    try expect(.arrow)
    let body: Function.Body
    if token.kind == .leftBrace, !startsRecordAfterArrow() {
      let block = try parseBlock(after: "`=>`")
      body = .block(block)
      height = max(height, block.height)
    } else {
      let value = try parseExpression()
      body = .expression(value)
      height = max(height, value.height)
    }
    let function = Function(
      name: nil, parameters: parameters, result: nil, body: body, doc: nil, headerSpan: headerSpan, isArrow: true,
      height: height)
    return try makeExpr(.function(function), span(from: start), height: height)
  }

  /// After `=>` a brace starts a block, unless a record is plain to see: `{name: …`, `{"text": …`, `{...r`, `{a, b}`.
  private func startsRecordAfterArrow() -> Bool {
    let first = peek(1)
    switch first.kind {
    case .ellipsis: return true
    case .stringStart:
      let partner = Int(partners[index + 1])
      return partner > 0 && partner + 1 < tokens.count && tokens[partner + 1].kind == .colon
    case _ where first.kind == .identifier || first.kind == .rawString || first.kind.isKeyword:
      if peek(2).kind == .colon { return true }
    default: return false
    }
    var offset = 1
    while peek(offset).kind == .identifier, peek(offset + 1).kind == .comma { offset += 2 }
    if offset == 1 { return false }
    return peek(offset).kind == .rightBrace
      || (peek(offset).kind == .identifier && peek(offset + 1).kind == .rightBrace)
  }

  mutating func parseParameters() throws(Failure) -> ([Parameter], Int32) {
    var parameters: [Parameter] = []
    var names: [String: Span] = [:]
    var hasRest = false
    var height: Int32 = 0
    try parseBracketed(.rightParen, after: "the parameter") { (parser) throws(Failure) in
      let parameter = try parser.parseParameter(&height)
      let name = parameter.name
      if let first = names.updateValue(name.span, forKey: name.text), name.text != "_" {
        throw parser.fail(
          "the parameter `\(name.text)` is given twice", at: name.span,
          labels: [Diagnostic.Label(first, "first here")])
      }
      try parser.check(parameter, after: parameters.last, hasRest)
      if parameter.kind == .rest { hasRest = true }
      parameters.append(parameter)
    }
    return (parameters, height)
  }

  private mutating func parseParameter(_ height: inout Int32) throws(Failure) -> Parameter {
    let start = token.start
    var kind = Parameter.Kind.normal
    if accept(.star) {
      kind = .rest
      if token.kind == .comma {
        throw fail(
          "`*` needs a name", at: span(from: start),
          hint: "write `*rest`; parameters after it are given by name")
      }
    } else if accept(.starStar) {
      kind = .named
    }
    if token.kind == .leftParen || token.kind == .leftBracket {
      throw fail(
        "a parameter is a plain name", at: token.span, hint: "take the list and write `a, b = pair` inside")
    }
    // `by` may name an argument of a built-in: there it is followed by `=`, and no range can be before it.
    let name = try isSignature && token.kind == .by ? Name("by", advance().span) : parseName("the name of a parameter")
    if name.text != "_", ForeignHabits.constants[name.text] != nil {
      report("`\(name.text)` is not a good name for a parameter", at: name.span, hint: "choose another name")
    }
    var type: TypeExpr?
    var checks: [ComparisonTail] = []
    if accept(.colon) {
      type = try parseType()
      while let (op, opSpan) = acceptComparison() {
        let operand = try parseOperators(.range)
        height = max(height, operand.height)
        checks.append(ComparisonTail(op: op, operatorSpan: opSpan, operand: operand))
      }
    }
    var value: Expr?
    if token.kind == .equal {
      if kind != .normal {
        throw fail("`\(kind == .rest ? "*" : "**")\(name.text)` cannot have a default", at: token.span)
      }
      advance()
      let expression = try parseExpression()
      height = max(height, expression.height)
      value = expression
    }
    return Parameter(
      kind: kind, name: name, type: type, checks: checks, defaultValue: value, span: span(from: start))
  }

  private mutating func check(
    _ parameter: Parameter, after last: Parameter?, _ hasRest: Bool
  ) throws(Failure) {
    guard let last else { return }
    if last.kind == .named {
      throw fail("nothing can follow `**\(last.name.text)`", at: parameter.span, hint: "put it last")
    }
    if hasRest, parameter.kind == .rest {
      throw fail("only one parameter can take the rest", at: parameter.span)
    }
    if !hasRest, parameter.kind == .normal, parameter.defaultValue == nil, last.defaultValue != nil {
      throw fail(
        "a parameter without a default cannot follow one with a default", at: parameter.span,
        hint: "give `\(parameter.name.text)` a default, or put it before `\(last.name.text)`",
        labels: [Diagnostic.Label(last.span, "has a default")])
    }
  }

  // MARK: Types

  /// `int | none`, `list[tensor[n, c]]`
  mutating func parseType() throws(Failure) -> TypeExpr {
    let start = token.start
    var alternatives: [TypeTerm] = []
    repeat {
      let nameToken = token
      guard token.kind == .identifier || token.kind == .none else {
        throw failExpected("a type", hint: "for example `float`, `int | none`, `list[tensor]`")
      }
      advance()
      var arguments: [TypeArgument]?
      if token.kind == .leftBracket { arguments = try parseTypeArguments() }
      alternatives.append(TypeTerm(name: Name(text(nameToken), nameToken.span), arguments: arguments))
    } while accept(.bar)
    return TypeExpr(alternatives: alternatives, span: span(from: start))
  }

  private mutating func parseTypeArguments() throws(Failure) -> [TypeArgument] {
    var arguments: [TypeArgument] = []
    try parseBracketed(.rightBracket, after: "the type") { (parser) throws(Failure) in
      let start = parser.token
      switch start.kind {
      case .int:
        parser.advance()
        guard let value = parser.magnitude(start), value <= UInt64(Int32.max) else {
          throw parser.fail("this size is too large", at: start.span)
        }
        arguments.append(.size(Int(value), start.span))
      case .ellipsis:
        parser.advance()
        arguments.append(.ellipsis(start.span))
      default: arguments.append(.type(try parser.parseType()))
      }
    }
    return arguments
  }

  // MARK: Signatures

  mutating func parseWholeSignature() throws(LTDError) -> Signature {
    isSignature = true
    do throws(Failure) {
      let name = try parseName("the name of the function")
      guard token.kind == .leftParen else { throw failExpected("`(` and the parameters") }
      let (parameters, _) = try parseParameters()
      var result: TypeExpr?
      if accept(.resultArrow) { result = try parseType() }
      guard isAtEnd else { throw failExpected("the end of the signature") }
      if !diagnostics.isEmpty { throw Failure() }
      return Signature(name: name, parameters: parameters, result: result, source: source)
    } catch {
      throw LTDError(diagnostics.first ?? Diagnostic(.syntax, "this is not a signature", source: source))
    }
  }

  // MARK: Documentation

  /// The `##` lines right above the current token, without their marks.
  func docComment() -> String? {
    var low = 0
    var high = comments.count
    while low < high {
      let middle = (low + high) / 2
      if comments[middle].span.start < token.start { low = middle + 1 } else { high = middle }
    }
    let previous = index > 0 ? tokens[index - 1].end : 0
    var lines: [String] = []
    var expectedLine = source.lineIndex(at: Int(token.start)) - 1
    while low > 0 {
      let comment = comments[low - 1]
      guard comment.isDoc, comment.isOwnLine, comment.span.start >= previous,
        source.lineIndex(at: Int(comment.span.start)) == expectedLine
      else { break }
      var line = source.text(comment.span).dropFirst(2)
      if line.first == " " { line = line.dropFirst() }
      lines.append(String(line))
      expectedLine -= 1
      low -= 1
    }
    return lines.isEmpty ? nil : lines.reversed().joined(separator: "\n")
  }
}
