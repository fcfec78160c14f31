extension Parser {
  /// Binding strength, weakest first; `not` is a prefix between `and` and comparisons, unary minus between products
  /// and powers.
  enum Level: Int {
    case pipe, or, and, not, comparison, range, sum, product, unary, power
  }

  mutating func parseExpression() throws(Failure) -> Expr {
    try enter()
    defer { depth -= 1 }
    return try parseOperators(.pipe)
  }

  mutating func parseCondition() throws(Failure) -> Expr {
    if token.kind == .leftBrace, peek().kind == .rightBrace, endsEmptyCondition(peek(2)) {
      throw fail("the condition is missing", at: token.span, hint: "for example `x > 0`")
    }
    let condition = try parseExpression()
    if condition.isArrowFunction {
      throw fail(
        "this condition is a function, so it is never false", at: condition.span,
        hint: "`=>` makes a lambda; greater or equal is `>=`")
    }
    return condition
  }

  /// Whether what follows `{ }` shows that the braces are the block of a missing condition.
  private func endsEmptyCondition(_ next: Token) -> Bool {
    switch next.kind {
    case .endOfFile, .rightBrace, .semicolon, .else: true
    case .leftBrace, .dot, .pipe: false
    default: newlinesEnd && next.startsLine
    }
  }

  private func infixLevel() -> Level? {
    switch token.kind {
    case .pipe: .pipe
    case .or: .or
    case .and: .and
    case .equalEqual, .bangEqual, .less, .lessEqual, .greater, .greaterEqual, .in: .comparison
    case .not: peek().kind == .in ? .comparison : nil
    case .dotDot: .range
    case .plus, .minus: .sum
    case .star, .slash, .slashSlash, .percent, .at: .product
    case .starStar: .power
    default: nil
    }
  }

  private func stronger(_ level: Level) -> Level { Level(rawValue: level.rawValue + 1) ?? .power }

  /// Reads operands joined by operators at least as strong as `minimum`.
  mutating func parseOperators(_ minimum: Level) throws(Failure) -> Expr {
    var left = try parsePrefix(minimum)
    // Nothing follows a lambda: what could is part of its body.
    if left.isArrowFunction { return left }
    while let level = infixLevel(), level.rawValue >= minimum.rawValue {
      if isNewStatementLine, token.kind != .pipe { break }
      switch level {
      case .pipe:
        advance()
        let target = try parseOperators(stronger(.pipe))
        left = try makeExpr(
          .pipe(left, target), left.span.union(target.span), height: max(left.height, target.height))
      case .or, .and:
        let op = advance()
        let right = try parseOperators(stronger(level))
        left = try makeExpr(
          .logical(level == .or ? .or : .and, left, right, operatorSpan: op.span), left.span.union(right.span),
          height: max(left.height, right.height))
      case .comparison:
        left = try parseComparison(left)
      case .range:
        left = try parseRange(left)
      case .power:
        left = try parsePower(left)
      default:
        guard let binary = BinaryOperator(rawValue: token.kind.rawValue) else { return left }
        let op = advance()
        let right = try parseOperators(stronger(level))
        left = try makeExpr(
          .binary(binary, left, right, operatorSpan: op.span), left.span.union(right.span),
          height: max(left.height, right.height))
      }
    }
    return left
  }

  private mutating func parsePower(_ base: Expr) throws(Failure) -> Expr {
    let op = advance()
    try enter()
    defer { depth -= 1 }
    // The exponent may be negative, and powers group from the right: 2 ** 3 ** 2 is 2 ** 9.
    let exponent = try parseOperators(.unary)
    return try makeExpr(
      .binary(.power, base, exponent, operatorSpan: op.span), base.span.union(exponent.span),
      height: max(base.height, exponent.height))
  }

  private mutating func parseRange(_ start: Expr) throws(Failure) -> Expr {
    advance()
    if token.kind == .equal || token.kind == .less, token.start == tokens[index - 1].end {
      throw fail(
        "there is no operator `..\(text(token))`", at: Span(Int(token.start) - 2, Int(token.end)),
        hint: token.kind == .equal ? "`1..3` has its end" : "`1..n - 1` and `range(1, n)` end before n")
    }
    let end = try parseOperators(stronger(.range))
    var step: Expr?
    if token.kind == .by, !isNewStatementLine {
      advance()
      step = try parseOperators(stronger(.range))
    }
    if token.kind == .dotDot, !isNewStatementLine {
      throw fail("a range has one `..`", at: token.span, hint: "write `1..10 by 2` for a step")
    }
    let height = max(start.height, max(end.height, step?.height ?? 0))
    return try makeExpr(.range(start, end, by: step), start.span.union(step?.span ?? end.span), height: height)
  }

  private mutating func parseComparison(_ first: Expr) throws(Failure) -> Expr {
    var tails: [ComparisonTail] = []
    var height = first.height
    var span = first.span
    while let (op, opSpan) = acceptComparison() {
      let operand = try parseOperators(stronger(.comparison))
      height = max(height, operand.height)
      span = span.union(operand.span)
      tails.append(ComparisonTail(op: op, operatorSpan: opSpan, operand: operand))
    }
    return try makeExpr(.comparison(first, tails), span, height: height)
  }

  mutating func acceptComparison() -> (ComparisonOperator, Span)? {
    if isNewStatementLine { return nil }
    if token.kind == .not, peek().kind == .in {
      let start = advance().start
      advance()
      return (.notIn, span(from: start))
    }
    guard let op = ComparisonOperator(rawValue: token.kind.rawValue) else { return nil }
    return (op, advance().span)
  }

  // MARK: Prefixes

  private mutating func parsePrefix(_ minimum: Level) throws(Failure) -> Expr {
    let start = token.start
    let op: UnaryOperator
    switch token.kind {
    case .not: op = .not
    case .plus: op = .plus
    case .minus:
      if let smallest = try parseSmallestInt() { return smallest }
      op = .negate
    default:
      return try parsePostfix()
    }
    try enter()
    defer { depth -= 1 }
    advance()
    let operand = try parseOperators(op == .not ? .not : .unary)
    return try makeExpr(.unary(op, operand), Span(Int(start), Int(operand.span.end)), height: operand.height)
  }

  /// -9223372036854775808, whose digits alone do not fit.
  private mutating func parseSmallestInt() throws(Failure) -> Expr? {
    let digits = peek()
    guard digits.kind == .int, digits.end - digits.start >= 16, magnitude(digits) == 1 << 63 else { return nil }
    switch peek(2).kind {
    case .starStar, .dot, .leftBracket, .leftParen: return nil
    default: break
    }
    let start = advance().start
    advance()
    return try makeExpr(.int(Int.min), span(from: start), height: 0)
  }

  // MARK: Postfixes

  private mutating func parsePostfix() throws(Failure) -> Expr {
    var expr = try parsePrimary()
    if expr.isArrowFunction { return expr }
    while true {
      switch token.kind {
      case .dot:
        advance()
        let name: Name
        if token.kind == .identifier || token.kind.isKeyword, !isNewStatementLine || token.kind == .identifier {
          name = Name(text(token), token.span)
          advance()
        } else {
          throw failExpected("a name after `.`")
        }
        if token.kind == .leftParen, !isNewStatementLine {
          let (arguments, height) = try parseArguments()
          expr = try makeExpr(
            .methodCall(expr, name, arguments), span(from: expr.span.start), height: max(expr.height, height))
        } else {
          expr = try makeExpr(.attribute(expr, name), span(from: expr.span.start), height: expr.height)
        }
      case .leftParen where !isNewStatementLine:
        let (arguments, height) = try parseArguments()
        expr = try makeExpr(.call(expr, arguments), span(from: expr.span.start), height: max(expr.height, height))
      case .leftBracket where !isNewStatementLine:
        let (subscripts, height) = try parseSubscripts()
        expr = try makeExpr(.index(expr, subscripts), span(from: expr.span.start), height: max(expr.height, height))
      default:
        return expr
      }
    }
  }

  private mutating func parseArguments() throws(Failure) -> ([Argument], Int32) {
    var arguments: [Argument] = []
    var height: Int32 = 0
    var firstNamed: Span?
    var namedSpans: [String: Span] = [:]
    try parseBracketed(.rightParen, after: "the argument") { (parser) throws(Failure) in
      let start = parser.token.start
      var kind = Argument.Kind.positional
      switch parser.token.kind {
      case .star:
        kind = .spreadList
        parser.advance()
      case .starStar:
        kind = .spreadRecord
        parser.advance()
      case .ellipsis:
        throw parser.fail(
          "`...` spreads a record into a record", at: parser.token.span,
          hint: "in a call write `*list` or `**record`")
      case .identifier where parser.peek().kind == .equal, .by where parser.peek().kind == .equal:
        let name = Name(parser.text(parser.token), parser.token.span)
        if let first = namedSpans.updateValue(name.span, forKey: name.text) {
          throw parser.fail(
            "the argument `\(name.text)` is given twice", at: name.span,
            labels: [Diagnostic.Label(first, "first here")])
        }
        kind = .named(name)
        parser.advance()
        parser.advance()
      case _ where parser.token.kind.isKeyword && parser.peek().kind == .equal:
        throw parser.fail(
          "`\(parser.text(parser.token))` is a word of the language and cannot name an argument",
          at: parser.token.span)
      default:
        break
      }
      let value = try parser.parseExpression()
      if parser.token.kind == .for {
        throw parser.fail(
          "a comprehension needs brackets", at: parser.token.span, hint: "write `f([x for x in xs])`")
      }
      height = max(height, value.height)
      switch kind {
      case .named, .spreadRecord:
        if firstNamed == nil { firstNamed = parser.span(from: start) }
      case .positional, .spreadList:
        if let firstNamed {
          // A lambda at the very end reads better after the values it is called with.
          var isLastLambda = false
          if case .function = value.kind, kind == .positional {
            let isTrailingComma = parser.token.kind == .comma && parser.peek().kind == .rightParen
            isLastLambda = parser.token.kind == .rightParen || isTrailingComma
          }
          if !isLastLambda {
            throw parser.fail(
              "arguments without a name come before those with one", at: value.span,
              hint: "only a lambda at the end may follow named arguments",
              labels: [Diagnostic.Label(firstNamed, "named arguments start here")])
          }
        }
      }
      arguments.append(Argument(kind: kind, value: value, span: parser.span(from: start)))
    }
    return (arguments, height)
  }

  private mutating func parseSubscripts() throws(Failure) -> ([Subscript], Int32) {
    let start = token.start
    var subscripts: [Subscript] = []
    var height: Int32 = 0
    try parseBracketed(.rightBracket, after: "the index") { (parser) throws(Failure) in
      let start = parser.token.start
      if parser.token.kind == .ellipsis {
        parser.advance()
        subscripts.append(.ellipsis(parser.span(from: start)))
        return
      }
      var parts: [Expr?] = [nil]
      while parts.count <= 3 {
        if parser.token.kind == .colon {
          parser.advance()
          parts.append(nil)
        } else if parts[parts.count - 1] == nil, parser.token.kind != .comma, parser.token.kind != .rightBracket {
          let value = try parser.parseExpression()
          height = max(height, value.height)
          parts[parts.count - 1] = value
        } else {
          break
        }
      }
      let span = parser.span(from: start)
      switch parts.count {
      case 1:
        guard let value = parts[0] else { throw parser.failExpected("an index") }
        subscripts.append(.value(value))
      case 2: subscripts.append(.slice(start: parts[0], stop: parts[1], step: nil, span))
      case 3: subscripts.append(.slice(start: parts[0], stop: parts[1], step: parts[2], span))
      default:
        throw parser.fail(
          "a slice has at most three parts", at: span, hint: "`start:stop:step`, as in `x[0:10:2]`")
      }
    }
    if subscripts.isEmpty {
      throw fail("expected an index between the brackets", at: span(from: start), hint: "`x[:]` takes everything")
    }
    return (subscripts, height)
  }

  // MARK: Primaries

  mutating func parsePrimary() throws(Failure) -> Expr {
    let start = token
    switch token.kind {
    case .int:
      advance()
      guard let value = magnitude(start), value <= UInt64(Int.max) else {
        report(
          "this whole number is too large", at: start.span,
          hint: "a whole number must be at most 9_223_372_036_854_775_807; write `1e20` for a float")
        return try makeExpr(.int(0), start.span, height: 0)
      }
      return try makeExpr(.int(Int(value)), start.span, height: 0)
    case .float:
      advance()
      return try makeExpr(.float(parseFloat(start)), start.span, height: 0)
    case .rawString:
      advance()
      var range = start.span.range
      range = (range.lowerBound + 1)..<range.upperBound
      if let last = source.bytes[range].last, last == UInt8(ascii: "'") {
        range = range.lowerBound..<range.upperBound - 1
      }
      return try makeExpr(.string([.text(source.text(range))]), start.span, height: 0)
    case .stringStart:
      return try parseString()
    case .true, .false:
      advance()
      return try makeExpr(.bool(start.kind == .true), start.span, height: 0)
    case .none:
      advance()
      return try makeExpr(.none, start.span, height: 0)
    case .identifier:
      if peek().kind == .arrow { return try parseArrowFunction() }
      advance()
      let name = text(start)
      if let correct = ForeignHabits.constants[name] {
        report("`\(name)` is not a word of the language", at: start.span, hint: "write `\(correct)`")
      }
      return try makeExpr(.name(name), start.span, height: 0)
    case .leftParen:
      let partner = Int(partners[index])
      if partner > index, partner + 1 < tokens.count, tokens[partner + 1].kind == .arrow {
        return try parseArrowFunction()
      }
      return try parseGroup()
    case .leftBracket:
      return try parseList()
    case .leftBrace:
      return try parseRecord()
    case .fn:
      let function = try parseFunction(doc: nil, needsName: false)
      return try makeExpr(.function(function), span(from: start.start), height: function.height)
    case .if:
      return try parseIf()
    case .try:
      return try parseTry()
    default:
      throw failNoExpression()
    }
  }

  private mutating func failNoExpression() -> Failure {
    switch token.kind {
    case .slashSlash:
      return fail(
        "`//` does not start a comment", at: token.span,
        hint: "comments start with `#`; `//` is whole-number division")
    case .bar:
      return fail("`|` has no meaning here", at: token.span, hint: "a lambda is written `x => x * 2`")
    case .star, .starStar:
      return fail(
        "`\(text(token))` has no value on its left", at: token.span,
        hint: "it spreads a list or record only in calls and lists: `f(*xs)`, `[*xs, 1]`")
    case .at:
      return fail(
        "`@` has no value on its left", at: token.span, hint: "there are no decorators; `a @ b` is the matrix product")
    case .equal:
      return fail(
        "`=` sets a variable and cannot stand in an expression", at: token.span, hint: "to compare, write `==`")
    case .dotDot:
      return fail("a range needs a start", at: token.span, hint: "write `0..10`; in a slice `x[:10]`")
    case .for, .while, .return, .break, .continue, .import, .const, .outer:
      return failExpected(
        "an expression",
        hint: "`\(token.kind.rawValue)` starts a statement; a lambda with statements is `x => { … }`")
    default:
      return failExpected("an expression")
    }
  }

  private mutating func parseGroup() throws(Failure) -> Expr {
    let start = token.start
    var items: [ListItem] = []
    var height: Int32 = 0
    var innerStart = start
    var hasTrailingComma = false
    try parseBracketed(.rightParen, after: "the value") { (parser) throws(Failure) in
      if items.isEmpty { innerStart = parser.token.start }
      let isSpread = parser.accept(.star)
      let value = try parser.parseExpression()
      if parser.token.kind == .for {
        throw parser.fail("a comprehension needs brackets", at: parser.token.span, hint: "write `[x for x in xs]`")
      }
      height = max(height, value.height)
      items.append(ListItem(value: value, isSpread: isSpread))
      hasTrailingComma = parser.token.kind == .comma && parser.peek().kind == .rightParen
    }
    let span = span(from: start)
    if items.isEmpty { throw fail("expected a value between the parentheses", at: span, hint: "an empty list is `[]`") }
    if let only = items.first, items.count == 1, !only.isSpread {
      if hasTrailingComma {
        throw fail("`(x,)` is not a value", at: span, hint: "a list of one item is `[x]`")
      }
      return try makeExpr(.group(only.value), span, height: height)
    }
    let last = items.last?.value.span.end ?? span.end
    let list = try makeExpr(.list(items), Span(Int(innerStart), Int(last)), height: height)
    return try makeExpr(.group(list), span, height: list.height)
  }

  private mutating func parseList() throws(Failure) -> Expr {
    let start = token.start
    var items: [ListItem] = []
    var clauses: [ComprehensionClause] = []
    var height: Int32 = 0
    try parseBracketed(.rightBracket, after: "the item") { (parser) throws(Failure) in
      let isSpread = parser.accept(.star)
      let value = try parser.parseExpression()
      height = max(height, value.height)
      items.append(ListItem(value: value, isSpread: isSpread))
      guard parser.token.kind == .for else { return }
      let clauseToken = parser.token
      clauses = try parser.parseClauses(&height)
      if items.count > 1 || isSpread {
        throw parser.fail(
          "a comprehension has one value before `for`", at: clauseToken.span,
          hint: "write `[[a, b] for x in xs]` for a list of lists")
      }
      if parser.token.kind == .comma {
        throw parser.fail("a comprehension stands alone in its list", at: parser.token.span)
      }
    }
    if let first = items.first, !clauses.isEmpty {
      // Each clause stands within the one before.
      return try makeExpr(
        .comprehension(first.value, clauses), span(from: start), height: height + Int32(clauses.count))
    }
    return try makeExpr(.list(items), span(from: start), height: height)
  }

  private mutating func parseClauses(_ height: inout Int32) throws(Failure) -> [ComprehensionClause] {
    var clauses: [ComprehensionClause] = []
    while true {
      if accept(.for) {
        let pattern = try parsePatternList()
        try expectIn()
        let items = try parseExpression()
        height = max(height, items.height)
        clauses.append(.for(pattern, in: items))
      } else if accept(.if) {
        let condition = try parseCondition()
        height = max(height, condition.height)
        clauses.append(.if(condition))
      } else {
        return clauses
      }
    }
  }

  private mutating func parseRecord() throws(Failure) -> Expr {
    let start = token.start
    var items: [RecordItem] = []
    var height: Int32 = 0
    var seen: [String: Span] = [:]
    try parseBracketed(.rightBrace, after: "the field") { (parser) throws(Failure) in
      let keyToken = parser.token
      let key: Name
      switch keyToken.kind {
      case .ellipsis:
        parser.advance()
        let value = try parser.parseExpression()
        height = max(height, value.height)
        items.append(.spread(value))
        return
      case .starStar:
        throw parser.fail("`**` spreads a record in a call only", at: keyToken.span, hint: "in a record write `...r`")
      case .rawString, .stringStart:
        let literal = try parser.parsePrimary()
        guard case .string(let parts) = literal.kind, let text = parser.plainText(parts) else {
          throw parser.fail(
            "the key of a record must be a string without values", at: literal.span,
            hint: "set a computed one with `r[key] = value`")
        }
        key = Name(text, literal.span)
      case _ where keyToken.kind == .identifier || (keyToken.kind.isKeyword && parser.peek().kind == .colon):
        key = Name(parser.text(keyToken), keyToken.span)
        parser.advance()
      case .leftParen, .leftBracket:
        throw parser.fail(
          "the key of a record is a name or a string", at: keyToken.span,
          hint: "set a computed one with `r[key] = value`")
      case .int, .float:
        throw parser.fail(
          "the key of a record is a name or a string", at: keyToken.span,
          hint: "write `{\"\(parser.text(keyToken))\": …}`, or set a computed one with `r[key] = value`")
      default:
        throw parser.failExpected(
          "the name of a field",
          hint: "a `{` in an expression starts a record such as `{a: 1}`; blocks follow `if`, `for`, `fn`, `=>` …")
      }
      if let first = seen[key.text] {
        throw parser.fail(
          "the field `\(key.text)` is given twice", at: key.span, labels: [Diagnostic.Label(first, "first here")])
      }
      seen[key.text] = key.span
      if parser.accept(.colon) {
        let value = try parser.parseExpression()
        height = max(height, value.height)
        items.append(.field(key: key, value: value))
      } else if keyToken.kind == .identifier, parser.token.kind == .comma || parser.token.kind == .rightBrace {
        items.append(.field(key: key, value: Expr(kind: .name(key.text), span: key.span)))
      } else if parser.token.kind == .equal {
        throw parser.fail(
          "the fields of a record are written with `:`", at: parser.token.span, hint: "write `\(key.text): …`")
      } else if [.leftParen, .leftBracket, .dot].contains(parser.token.kind) {
        throw parser.fail(
          "the key of a record is a name or a string", at: key.span.union(parser.token.span),
          hint: "set a computed one with `r[key] = value`")
      } else {
        throw parser.failExpected(
          "`:` after the name of a field",
          hint: "a `{` in an expression starts a record such as `{a: 1}`; blocks follow `if`, `for`, `fn`, `=>` …")
      }
      if parser.token.kind == .for {
        throw parser.fail(
          "there are no comprehensions for records", at: parser.token.span,
          hint: "start from `r = {}` and set `r[key] = value` in a loop")
      }
    }
    return try makeExpr(.record(items), span(from: start), height: height)
  }

  private mutating func parseIf() throws(Failure) -> Expr {
    let start = token.start
    var branches: [IfBranch] = []
    var otherwise: Block?
    var height: Int32 = 0
    repeat {
      advance()
      let condition = try parseCondition()
      if token.kind == .identifier, text(token) == "then" {
        throw fail(
          "`then` is not a word of the language", at: token.span, hint: "blocks are written with braces: `if c { … }`")
      }
      let body = try parseBlock(after: "the condition")
      height = max(height, max(condition.height, body.height))
      branches.append(IfBranch(condition: condition, body: body))
      guard token.kind == .else else { break }
      advance()
      if token.kind == .if { continue }
      let block = try parseBlock(after: "`else`")
      height = max(height, block.height)
      otherwise = block
      break
    } while true
    // Each `else if` is a choice within the one before.
    return try makeExpr(
      .if(branches, else: otherwise), span(from: start), height: height + Int32(branches.count - 1))
  }

  private mutating func parseTry() throws(Failure) -> Expr {
    let start = advance().start
    let body = try parseBlock(after: "`try`")
    guard token.kind == .catch || token.kind == .finally else {
      throw failExpected(
        "`catch` or `finally` after the block of `try`",
        hint: foreignWordAdvice() ?? "write `try { … } catch e { … }`, or `try { … } finally { … }`")
    }
    var height = body.height
    var handler: CatchClause?
    if token.kind == .catch {
      advance()
      var name: Name?
      if token.kind == .leftParen {
        throw fail("the name after `catch` has no parentheses", at: token.span, hint: "write `try { … } catch e { … }`")
      }
      if token.kind != .leftBrace { name = try parseName("a name for the error") }
      let block = try parseBlock(after: "`catch`")
      handler = CatchClause(name: name, body: block)
      height = max(height, block.height)
    }
    var cleanup: Block?
    if token.kind == .finally {
      advance()
      let block = try parseBlock(after: "`finally`")
      cleanup = block
      height = max(height, block.height)
    }
    return try makeExpr(.try(body, catch: handler, finally: cleanup), span(from: start), height: height)
  }
}

extension Expr {
  var isArrowFunction: Bool {
    if case .function(let function) = kind { function.isArrow } else { false }
  }
}
