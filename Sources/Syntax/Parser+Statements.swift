extension Parser {
  mutating func parseStatement() throws(Failure) -> Stmt {
    let start = token.start
    switch token.kind {
    case _ where token.kind.isKeyword && peek().kind == .equal && ![.true, .false, .none].contains(token.kind):
      throw keywordFailure()
    case .fn where peek().kind == .identifier || peek().kind.isKeyword:
      let doc = docComment()
      let function = try parseFunction(doc: doc, needsName: true)
      return statement(.function(function), from: start, height: function.height)
    case .for:
      return try parseFor()
    case .while:
      advance()
      let condition = try parseCondition()
      let body = try parseBlock(after: "the condition")
      return statement(.while(condition, body), from: start, height: max(condition.height, body.height))
    case .break:
      advance()
      return statement(.break, from: start, height: 0)
    case .continue:
      advance()
      return statement(.continue, from: start, height: 0)
    case .return:
      advance()
      guard token.kind.startsExpression || token.kind == .star, !token.startsLine else {
        return statement(.return(nil), from: start, height: 0)
      }
      let value = try parseExpressionList()
      return statement(.return(value), from: start, height: value.height)
    case .import:
      return try parseImport()
    case .const:
      advance()
      return try parseAssignment(scope: .constant, from: start)
    case .outer:
      advance()
      return try parseAssignment(scope: .outer, from: start)
    case .else:
      throw fail(
        "this `else` belongs to no `if`", at: token.span,
        hint: "`else` follows the `}` of an `if`, on the same line or the next")
    case .catch:
      throw fail("this `catch` belongs to no `try`", at: token.span, hint: "write `try { … } catch e { … }`")
    case .finally:
      throw fail(
        "this `finally` belongs to no `try`", at: token.span,
        hint: "`finally { … }` follows the block of `try` or of `catch`, and runs however that is left")
    default:
      return try parseAssignment(scope: .local, from: start)
    }
  }

  private func statement(_ kind: Stmt.Kind, from start: Int32, height: Int32) -> Stmt {
    Stmt(kind: kind, span: span(from: start), height: height + 1)
  }

  // MARK: Assignment

  /// `targets = value`, `target += value`, or an expression.
  private mutating func parseAssignment(scope: AssignScope, from start: Int32) throws(Failure) -> Stmt {
    if token.kind == .slashSlash {
      throw fail(
        "`//` does not start a comment", at: token.span,
        hint: "comments start with `#`; `//` is whole-number division")
    }
    if token.kind == .colon || token.kind == .percent, index + 1 < tokens.count, peek().kind == .identifier,
      peek().start == token.end
    {
      let name = text(peek())
      throw fail(
        "`\(text(token))\(name)` is for the prompt", at: token.span.union(peek().span),
        hint: name.hasPrefix("time")
          ? "write `\(name)(() => …)`, or at the prompt `:\(name) …`"
          : name == "vars"
            ? "in a script write `vars()`" : "a script has no such lines; at the prompt `:help` lists the commands")
    }
    if token.kind == .minus, peek().kind == .minus, peek().start == token.end {
      throw fail("there is no operator `--`", at: token.span.union(peek().span), hint: "write `x -= 1`")
    }
    let target = try parseExpressionList(allowsRest: true)
    if token.kind == .equal {
      let equal = advance()
      let pattern = try makePattern(target, equal: equal, scope: scope)
      let value = try parseExpressionList()
      if token.kind == .equal {
        throw fail(
          "only one `=` is allowed in a statement", at: token.span, hint: "write two statements, or `a, b = 0, 0`")
      }
      return statement(.assign(scope, pattern, value), from: start, height: max(target.height, value.height))
    }
    if let op = token.kind.augmentedOperator {
      let opToken = advance()
      if scope == .constant {
        throw fail(
          "a constant is set once, with `=`", at: opToken.span, hint: "leave `const` out for a variable that changes")
      }
      switch target.kind {
      case .name, .index, .attribute: break
      default:
        throw fail(
          "`\(text(opToken))` needs a variable, an index or a field on its left", at: target.span,
          hint: "for example `x \(text(opToken)) 1`")
      }
      try checkTarget(target)
      let value = try parseExpressionList()
      return statement(
        .augmentedAssign(scope, target, op, value), from: start, height: max(target.height, value.height))
    }
    guard scope == .local else {
      let word = scope == .outer ? "outer" : "const"
      throw failExpected("`=` after `\(word) \(source.text(target.span).prefix(40))`")
    }
    return statement(.expression(target), from: start, height: target.height)
  }

  /// Reads `x` or a bare list `x, y`.
  mutating func parseExpressionList(allowsRest: Bool = false) throws(Failure) -> Expr {
    let start = token.start
    var items: [ListItem] = []
    var hasComma = false
    repeat {
      // A trailing comma is an error here: it would continue on the next line.
      let isSpread = accept(.star)
      let value = try parseExpression()
      items.append(ListItem(value: value, isSpread: isSpread))
      guard token.kind == .comma else { break }
      hasComma = true
      advance()
      if allowsRest, token.kind == .equal {
        throw fail(
          "nothing follows this `,`", at: Span(lastEnd - 1, lastEnd),
          hint: "leave it out; `[x] = xs` takes a list of one item apart")
      }
    } while true
    if !hasComma, let first = items.first {
      guard first.isSpread else { return first.value }
      throw fail(
        "`*` needs a list around it", at: Span(Int(start), Int(start) + 1), hint: "write `[*xs]`, or `f(*xs)` in a call"
      )
    }
    let height = items.reduce(0) { max($0, $1.value.height) }
    return try makeExpr(.list(items), span(from: start), height: height)
  }

  private mutating func checkTarget(_ expr: Expr) throws(Failure) {
    // Reported where it was read.
    if case .name(let name) = expr.kind, ForeignHabits.constants[name] != nil { throw Failure() }
  }

  /// Takes what was read left of `=` as the places to set.
  private mutating func makePattern(_ expr: Expr, equal: Token, scope: AssignScope) throws(Failure) -> Pattern {
    switch expr.kind {
    case .name(let name):
      try checkTarget(expr)
      return .name(Name(name, expr.span))
    case .index, .attribute:
      if scope == .constant {
        throw fail("`const` needs a plain name", at: expr.span, hint: "for example `const limit = 10`")
      }
      return .place(expr)
    case .group(let inner):
      if case .list = inner.kind, source.bytes[Int(inner.span.start)] != UInt8(ascii: "[") {
        if case .list(let patterns, _) = try makePattern(inner, equal: equal, scope: scope) {
          return .list(patterns, expr.span)
        }
      }
    case .list(let items):
      var patterns: [Pattern] = []
      var rests = 0
      for item in items {
        let pattern = try makePattern(item.value, equal: equal, scope: scope)
        if item.isSpread {
          guard case .name(let name) = pattern else {
            throw fail("`*` needs a plain name here", at: item.value.span, hint: "for example `first, *others = xs`")
          }
          rests += 1
          patterns.append(.rest(name, Span(Int(name.span.start) - 1, Int(name.span.end))))
        } else {
          patterns.append(pattern)
        }
      }
      if rests > 1 {
        throw fail("only one `*` can take the rest of a list", at: expr.span, hint: "for example `first, *others = xs`")
      }
      if patterns.isEmpty { break }
      return .list(patterns, expr.span)
    case .record(let items):
      var fields: [(key: Name, target: Pattern)] = []
      for item in items {
        guard case .field(let key, let value) = item else {
          throw fail("`...` cannot stand left of `=`", at: expr.span, hint: "name the fields: `{a, b} = record`")
        }
        fields.append((key, try makePattern(value, equal: equal, scope: scope)))
      }
      if fields.isEmpty { break }
      return .record(fields, expr.span)
    case .call(let callee, _):
      if case .name(let name) = callee.kind {
        throw fail(
          "a call cannot be set with `=`", at: expr.span,
          hint: "to define a function write `fn \(name)(x) { … }`; to compare, write `==`")
      }
    case .comparison:
      throw fail("a comparison cannot be set with `=`", at: expr.span, hint: "to compare, write `==`")
    case .none, .bool, .int, .float, .string:
      throw fail(
        "a fixed value cannot be set with `=`", at: expr.span,
        hint: "a name stands on the left, as in `x = 1`; to compare, write `==`")
    default:
      break
    }
    throw fail(
      "this cannot be set with `=`", at: expr.span,
      hint: "on the left stands a name, `x[i]`, `r.field`, or several as in `a, b = f()`")
  }

  // MARK: for

  private mutating func parseFor() throws(Failure) -> Stmt {
    let start = advance().start
    if token.kind == .leftParen, token.startsLine == false, isCStyleFor() {
      throw fail(
        "`for` goes over the items of a value", at: token.span,
        hint: "write `for i in 0..9 { … }` to count, or `while condition { … }`")
    }
    let pattern = try parsePatternList()
    try expectIn()
    let items = try parseExpressionList()
    let body = try parseBlock(after: "what `for` goes over")
    return statement(.for(pattern, in: items, body), from: start, height: max(items.height, body.height))
  }

  mutating func expectIn() throws(Failure) {
    guard token.kind == .in else {
      throw failExpected("`in`", hint: "loops are written `for x in xs { … }`")
    }
    advance()
  }

  private func isCStyleFor() -> Bool {
    let partner = Int(partners[index])
    guard partner > index else { return false }
    return tokens[index..<partner].contains { $0.kind == .semicolon }
  }

  /// `x`, `a, b`, `(a, b)`, `[a, *rest]`, `{key, other: name}` before `in`.
  mutating func parsePatternList() throws(Failure) -> Pattern {
    let start = token.start
    var patterns = [try parsePattern(allowsRest: true)]
    while token.kind == .comma {
      advance()
      patterns.append(try parsePattern(allowsRest: true))
    }
    if patterns.count == 1, let first = patterns.first {
      guard case .rest(_, let span) = first else { return first }
      throw fail("`*` needs other names beside it", at: span, hint: "for example `for first, *others in rows { … }`")
    }
    return .list(try checkRests(patterns, span(from: start)), span(from: start))
  }

  private mutating func checkRests(_ patterns: [Pattern], _ span: Span) throws(Failure) -> [Pattern] {
    let rests = patterns.filter { if case .rest = $0 { true } else { false } }
    if rests.count > 1 {
      throw fail("only one `*` can take the rest of a list", at: span, hint: "for example `first, *others = xs`")
    }
    return patterns
  }

  private mutating func parsePattern(allowsRest: Bool) throws(Failure) -> Pattern {
    let start = token.start
    switch token.kind {
    case .identifier:
      let name = Name(text(token), token.span)
      advance()
      return .name(name)
    case .star where allowsRest:
      advance()
      let name = try parseName("a name after `*`")
      return .rest(name, span(from: start))
    case .leftParen, .leftBracket:
      let closing: Token.Kind = token.kind == .leftParen ? .rightParen : .rightBracket
      var patterns: [Pattern] = []
      try parseBracketed(closing, after: "the names") { (parser) throws(Failure) in
        patterns.append(try parser.parsePattern(allowsRest: true))
      }
      if patterns.isEmpty { throw fail("expected a name between the brackets", at: span(from: start)) }
      return .list(try checkRests(patterns, span(from: start)), span(from: start))
    case .leftBrace:
      var fields: [(key: Name, target: Pattern)] = []
      try parseBracketed(.rightBrace, after: "the names") { (parser) throws(Failure) in
        let key = try parser.parseName("the name of a field")
        fields.append((key, parser.accept(.colon) ? try parser.parsePattern(allowsRest: false) : .name(key)))
      }
      if fields.isEmpty { throw fail("expected a name between the braces", at: span(from: start)) }
      return .record(fields, span(from: start))
    default:
      throw failExpected("a name", hint: "loops are written `for x in xs { … }`")
    }
  }

  mutating func parseName(_ what: String) throws(Failure) -> Name {
    guard token.kind == .identifier else {
      if token.kind.isKeyword { throw keywordFailure() }
      throw failExpected(what)
    }
    let name = Name(text(token), token.span)
    advance()
    return name
  }

  private mutating func keywordFailure() -> Failure {
    fail(
      "`\(text(token))` is a word of the language and cannot be a name", at: token.span,
      hint: "choose another name, such as `\(text(token))_`")
  }

  // MARK: import

  private mutating func parseImport() throws(Failure) -> Stmt {
    let start = advance().start
    let hint = "write `import tables`, or `import \"lib/metrics.ltd\" as metrics` for a file"
    let pathToken = token
    var path: String
    var isFile = false
    switch token.kind {
    case .identifier:
      path = text(token)
      advance()
      if token.kind == .dot {
        throw fail("a module is a single name", at: span(from: pathToken.start).union(token.span), hint: hint)
      }
    case .stringStart, .rawString:
      isFile = true
      let literal = try parsePrimary()
      guard case .string(let parts) = literal.kind, let text = plainText(parts) else {
        throw fail("the path of an import must be a string without values", at: literal.span, hint: hint)
      }
      path = text
      if moduleName(ofPath: path).isEmpty || path.hasSuffix("/") {
        throw fail("this path names no file", at: literal.span, hint: hint)
      }
    default:
      throw failExpected("the name of a module or the path of a file", hint: hint)
    }
    let pathSpan = span(from: pathToken.start)
    var alias: Name?
    if accept(.as) { alias = try parseName("a name after `as`") }
    let name = alias ?? Name(moduleName(ofPath: path), pathSpan)
    if alias == nil, isFile, !isIdentifier(name.text) {
      throw fail(
        "`\(name.text)` cannot be the name of a module", at: pathSpan,
        hint: "give it one: `import \"\(path)\" as name`")
    }
    return statement(
      .import(Import(path: path, pathSpan: pathSpan, isFile: isFile, alias: alias, name: name)), from: start,
      height: 0)
  }

  func plainText(_ parts: [StringPart]) -> String? {
    var text = ""
    for part in parts {
      guard case .text(let piece) = part else { return nil }
      text += piece
    }
    return text
  }

  private func isIdentifier(_ text: String) -> Bool {
    let stream = tokenize(Source(name: "", text: text))
    return stream.tokens.count == 2 && stream.tokens[0].kind == .identifier && stream.tokens[0].end == text.utf8.count
  }

  // MARK: Errors after a statement

  /// What to say of a token that cannot follow the statement before it on the same line.
  mutating func failAfterStatement(from start: Int) -> Failure {
    let found = token
    if found.kind == .invalid { return Failure() }
    if let advice = stringPrefixAdvice() { return fail(advice.message, at: advice.span, hint: advice.hint) }
    let first = tokens[start]
    let firstText = first.kind == .identifier ? text(first) : ""
    if first.kind == .identifier, index == start + 1, let advice = ForeignHabits.words[firstText] {
      if found.kind == .colon, first.span.end == found.span.start {
        return fail(
          "blocks are written with braces, not with `:` and indentation", at: found.span,
          hint: "write `{` here and `}` after the block")
      }
      if firstText == "print" || firstText == "assert" {
        return fail("calls need parentheses", at: first.span.union(found.span), hint: advice)
      }
      if firstText == "with", found.kind == .identifier, ["torch", "tf", "jax"].contains(text(found)) {
        return fail(
          "`with` is not a word of the language", at: first.span,
          hint:
            "leave the line out: gradients are followed only inside of `grad(f, x)`, and float32 is the only precision")
      }
      return fail("`\(firstText)` is not a word of the language", at: first.span, hint: advice)
    }
    if ["function", "func", "def"].contains(firstText), found.kind == .leftBrace,
      let advice = ForeignHabits.words[firstText]
    {
      return fail("`\(firstText)` is not a word of the language", at: first.span, hint: advice)
    }
    switch found.kind {
    case .rightParen, .rightBracket:
      return fail("this \(found.kind.description) closes nothing", at: found.span, hint: "delete it, or open it before")
    case .equal:
      return fail(
        "`=` sets a variable and cannot stand in an expression", at: found.span, hint: "to compare, write `==`")
    case .colon:
      if let last = tokens[..<index].last, last.kind == .identifier, let advice = ForeignHabits.words[text(last)],
        text(last) == "lambda"
      {
        return fail("`lambda` is not a word of the language", at: last.span, hint: advice)
      }
      if index == start + 1, peek().kind == .equal {
        return fail("there is no operator `:=`", at: found.span.union(peek().span), hint: "write `\(firstText) = …`")
      }
      if index == start + 1, first.kind == .identifier {
        return fail(
          "variables have no declared types", at: found.span,
          hint: "write `\(firstText) = …`; parameters of functions can be checked: `fn f(x: float) { … }`")
      }
      return fail(
        "a `:` has no meaning here", at: found.span, hint: "blocks are written with braces: `if c { … }`")
    case .if:
      return fail(
        "`if` cannot follow a value", at: found.span, hint: "write `if condition { a } else { b }` for a choice")
    case .else:
      return fail(
        "this `else` belongs to no `if`", at: found.span, hint: "write `if condition { a } else { b }` for a choice")
    case .resultArrow:
      return fail("`->` has no meaning here", at: found.span, hint: "a lambda is written `x => x * 2`")
    case .bar:
      return fail(
        "`|` has no meaning here", at: found.span,
        hint: "write `or` between conditions, `logical_or(a, b)` between masks")
    case .dotDot, .by, .as, .in, .arrow, .ellipsis, .comma, .stringEnd, .interpolationEnd:
      let hint: String? =
        switch found.kind {
        case .comma where first.kind == .import: "each module has an `import` of its own"
        case .arrow: "a lambda is written `x => x * 2` or `(a, b) => a + b`"
        case .ellipsis: "a range with its end is `1..3`"
        default: nil
        }
      return fail("\(describe(found)) has no meaning here", at: found.span, hint: hint)
    default:
      break
    }
    if tokens[start..<index].contains(where: { $0.kind == .slashSlash }) {
      return fail(
        "expected the end of the statement, found \(describe(found))", at: found.span,
        hint: "comments start with `#`; `//` is whole-number division")
    }
    if index > start, tokens[index - 1].kind == .identifier, found.kind.startsExpression {
      let name = text(tokens[index - 1])
      if found.kind == .identifier, let advice = ForeignHabits.words[name] {
        return fail("`\(name)` is not a word of the language", at: tokens[index - 1].span, hint: advice)
      }
      if found.kind == .leftBrace {
        return fail("expected the end of the statement, found \(describe(found))", at: found.span)
      }
      return fail(
        "expected the end of the statement, found \(describe(found))", at: found.span,
        hint: foreignWordAdvice()
          ?? "a call needs parentheses: `\(name)(…)`; statements end with the line or with `;`")
    }
    return fail(
      "expected the end of the statement, found \(describe(found))", at: found.span,
      hint: foreignWordAdvice() ?? "an operator may be missing; statements end with the line or with `;`")
  }
}
