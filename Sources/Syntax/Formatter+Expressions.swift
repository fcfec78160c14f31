extension Formatter {
  mutating func expression(_ expr: Expr) {
    switch expr.kind {
    case .none, .bool, .float, .name, .invalid:
      token()
    case .int(let value):
      // The smallest whole number is two tokens.
      tokens(through: value == Int.min && current.kind == .minus ? index + 1 : index)
    case .string:
      tokens(through: max(index, Int(partners[index])))
    case .group(let inner):
      group(inner)
    case .list(let items):
      list(items, expr)
    case .comprehension(let value, let clauses):
      comprehension(value, clauses)
    case .record(let items):
      bracketed(count: items.count) { $0.recordItem(items[$1]) }
    case .unary(let op, let operand):
      token()
      // Two signs would read as the `++` or `--` of another language.
      if op == .not || current.kind == .minus || current.kind == .plus { space() }
      expression(operand)
    case .binary, .logical, .comparison:
      operators(expr)
    case .range(let start, let end, let step):
      let isTight = isSimple(start) && isSimple(end)
      expression(start)
      if !isTight { space() }
      token()
      if !isTight { space() }
      expression(end)
      if let step {
        space()
        token()
        space()
        expression(step)
      }
    case .pipe:
      pipe(expr)
    case .call, .methodCall, .attribute, .index:
      postfix(expr)
    case .function(let function):
      self.function(function)
    case .if(let branches, let otherwise):
      choice(branches, otherwise)
    case .try(let body, let handler, let cleanup):
      let group = openGroup()
      let blocks = [body, handler?.body, cleanup].compactMap { $0 }
      if !blocks.allSatisfy(isOneLine) { layout.breakGroup() }
      token()
      space()
      block(body)
      if let handler {
        space()
        token()
        space()
        if handler.name != nil {
          token()
          space()
        }
        block(handler.body)
      }
      if let cleanup {
        space()
        token()
        space()
        block(cleanup)
      }
      layout.closeGroup(group)
    }
  }

  /// Whether an operand is so plain that its operator needs no spaces.
  private func isSimple(_ expr: Expr) -> Bool {
    switch expr.kind {
    case .int, .float, .name, .attribute, .index, .call, .methodCall, .group: true
    case .unary(let op, let operand): op == .negate && isNumber(operand)
    default: false
    }
  }

  private func isNumber(_ expr: Expr) -> Bool {
    switch expr.kind {
    case .int, .float: true
    default: false
    }
  }

  // MARK: Brackets

  private mutating func group(_ inner: Expr) {
    if case .list(let items) = inner.kind,
      source.bytes[Int(inner.span.start)] != UInt8(ascii: "[") || !isBracketed(items, inner)
    {
      bracketed(count: items.count) { $0.listItem(items[$1]) }
    } else {
      bracketed(count: 1, huggedToken: huggedToken(inner)) { formatter, _ in formatter.expression(inner) }
    }
  }

  private func isBracketed(_ items: [ListItem], _ expr: Expr) -> Bool {
    guard source.bytes[Int(expr.span.start)] == UInt8(ascii: "[") else { return false }
    guard let first = items.first else { return true }
    return first.value.span.start > expr.span.start
  }

  private mutating func list(_ items: [ListItem], _ expr: Expr) {
    if isBracketed(items, expr) {
      bracketed(count: items.count) { $0.listItem(items[$1]) }
      return
    }
    let group = openGroup(.chain)
    layout.indent(ifBroken: true)
    for (position, item) in items.enumerated() {
      listItem(item)
      if position + 1 < items.count {
        token()
        layout.line()
      }
    }
    layout.dedent()
    layout.closeGroup(group)
  }

  private mutating func listItem(_ item: ListItem) {
    if item.isSpread { token() }
    expression(item.value)
  }

  /// The name of a field in a record or a pattern: a word or a string.
  mutating func fieldName() {
    if current.kind == .stringStart { tokens(through: max(index, Int(partners[index]))) } else { token() }
  }

  private mutating func recordItem(_ item: RecordItem) {
    switch item {
    case .spread(let value):
      token()
      expression(value)
    case .field(_, let value):
      fieldName()
      if current.kind == .colon {
        token()
        space()
        expression(value)
      }
    }
  }

  private mutating func comprehension(_ value: Expr, _ clauses: [ComprehensionClause]) {
    bracketed(count: 1) { formatter, _ in
      formatter.expression(value)
      for clause in clauses {
        formatter.layout.line()
        formatter.token()
        formatter.space()
        switch clause {
        case .for(let target, let items):
          formatter.pattern(target)
          formatter.space()
          formatter.token()
          formatter.space()
          formatter.expression(items)
        case .if(let condition):
          formatter.expression(condition)
        }
      }
    }
  }

  // MARK: Operators

  private enum Family { case none, or, and, comparison, sum, product }

  private func family(_ expr: Expr) -> Family {
    switch expr.kind {
    case .logical(let op, _, _, _): op == .or ? .or : .and
    case .comparison: .comparison
    case .binary(let op, let left, let right, _):
      switch op {
      case .add, .subtract: .sum
      case .power: .none
      case .divide where isNumber(left) && isNumber(right): .none
      default: .product
      }
    default: .none
    }
  }

  /// Operators of one strength in a row break together, after the operator.
  private mutating func operators(_ expr: Expr) {
    let family = family(expr)
    if family == .none {
      guard case .binary(_, let left, let right, _) = expr.kind else { return }
      let isTight = isSimple(left) && isSimple(right)
      expression(left)
      if !isTight { space() }
      token()
      if !isTight { space() }
      expression(right)
      return
    }
    var operands: [Expr] = []
    var first = expr
    while self.family(first) == family {
      switch first.kind {
      case .binary(_, let left, let right, _), .logical(_, let left, let right, _):
        operands.append(right)
        first = left
      case .comparison(let left, let tails):
        operands += tails.reversed().map(\.operand)
        first = left
      default: break
      }
      if family == .comparison { break }
    }
    let group = openGroup(.chain)
    layout.indent(ifBroken: true)
    expression(first)
    for operand in operands.reversed() {
      space()
      if current.kind == .not {
        token()
        space()
      }
      token()
      layout.line()
      expression(operand)
    }
    layout.dedent()
    layout.closeGroup(group)
  }

  private mutating func pipe(_ expr: Expr) {
    var targets: [Expr] = []
    var first = expr
    while case .pipe(let value, let target) = first.kind {
      targets.append(target)
      first = value
    }
    let group = openGroup(.chain)
    layout.indent(ifBroken: true)
    expression(first)
    for target in targets.reversed() {
      if current.startsLine { layout.breakGroup() }
      layout.line()
      token()
      space()
      expression(target)
    }
    layout.dedent()
    layout.closeGroup(group)
  }

  // MARK: Calls

  /// `x.f(a)[0].g`: with several calls of methods the line breaks before their points.
  private mutating func postfix(_ expr: Expr) {
    var steps: [Expr] = []
    var first = expr
    var methods = 0
    walk: while true {
      switch first.kind {
      case .methodCall(let base, _, _):
        methods += 1
        steps.append(first)
        first = base
      case .call(let base, _), .attribute(let base, _), .index(let base, _):
        steps.append(first)
        first = base
      default: break walk
      }
    }
    let isChain = methods > 1 || steps.contains(where: startsLine)
    let group = isChain ? openGroup(.chain) : nil
    if isChain { layout.indent(ifBroken: true) }
    expression(first)
    for step in steps.reversed() {
      switch step.kind {
      case .methodCall(_, _, let arguments):
        if current.startsLine { layout.breakGroup() }
        if methods > 1 || current.startsLine { layout.softLine() }
        token()
        token()
        self.arguments(arguments)
      case .attribute:
        if current.startsLine {
          layout.breakGroup()
          layout.softLine()
        }
        token()
        token()
      case .call(_, let arguments):
        self.arguments(arguments)
      case .index(_, let subscripts):
        bracketed(count: subscripts.count) { $0.subscriptItem(subscripts[$1]) }
      default: break
      }
    }
    if let group {
      layout.dedent()
      layout.closeGroup(group)
    }
  }

  /// Whether the author put the point of a step on a new line.
  private func startsLine(_ step: Expr) -> Bool {
    switch step.kind {
    case .methodCall(_, let name, _), .attribute(_, let name):
      let point = tokenIndex(at: name.span.start) - 1
      return point >= 0 && tokens[point].startsLine
    default: return false
    }
  }

  private mutating func arguments(_ items: [Argument]) {
    bracketed(count: items.count, huggedToken: items.last.flatMap { huggedToken($0.value) }) { formatter, position in
      switch items[position].kind {
      case .positional: break
      case .named:
        formatter.token()
        formatter.token()
      case .spreadList, .spreadRecord: formatter.token()
      }
      formatter.expression(items[position].value)
    }
  }

  /// The bracket within a last argument that may break instead of the call around it.
  private func huggedToken(_ expr: Expr) -> Int? {
    switch expr.kind {
    case .function(let function):
      switch function.body {
      case .block(let block): return tokenIndex(at: block.span.start)
      case .expression(let value): return huggedToken(value)
      }
    case .record(let items): return items.isEmpty ? nil : tokenIndex(at: expr.span.start)
    case .list(let items): return items.isEmpty || !isBracketed(items, expr) ? nil : tokenIndex(at: expr.span.start)
    case .comprehension: return tokenIndex(at: expr.span.start)
    default: return nil
    }
  }

  private mutating func subscriptItem(_ item: Subscript) {
    switch item {
    case .value(let value):
      expression(value)
    case .ellipsis:
      token()
    case .slice(let start, let stop, let step, _):
      let isTight = [start, stop, step].allSatisfy { $0.map(isSimple) ?? true }
      if let start {
        expression(start)
        if !isTight { space() }
      }
      token()
      if let stop {
        if !isTight { space() }
        expression(stop)
      }
      guard current.kind == .colon else { return }
      if !isTight, stop != nil { space() }
      token()
      if let step {
        if !isTight { space() }
        expression(step)
      }
    }
  }

  // MARK: Functions and blocks

  mutating func function(_ function: Function) {
    if function.isArrow {
      if current.kind == .leftParen {
        parameters(function.parameters)
      } else {
        token()
      }
      space()
      token()
      space()
    } else {
      token()
      if function.name != nil {
        space()
        token()
      }
      parameters(function.parameters)
      if let result = function.result {
        space()
        token()
        space()
        type(result)
      }
      space()
    }
    switch function.body {
    case .expression(let value):
      expression(value)
    case .block(let body):
      let group = openGroup()
      block(body)
      layout.closeGroup(group)
    }
  }

  private mutating func parameters(_ items: [Parameter]) {
    bracketed(count: items.count) { formatter, position in
      let item = items[position]
      if item.kind != .normal { formatter.token() }
      formatter.token()
      if let type = item.type {
        formatter.token()
        formatter.space()
        formatter.type(type)
      }
      for check in item.checks {
        formatter.space()
        formatter.token()
        if check.op == .notIn {
          formatter.space()
          formatter.token()
        }
        formatter.space()
        formatter.expression(check.operand)
      }
      if let value = item.defaultValue {
        if item.type != nil { formatter.space() }
        formatter.token()
        if item.type != nil { formatter.space() }
        formatter.expression(value)
      }
    }
  }

  private mutating func type(_ item: TypeExpr) {
    for (position, term) in item.alternatives.enumerated() {
      if position > 0 {
        space()
        token()
        space()
      }
      token()
      guard let arguments = term.arguments else { continue }
      if !isFree(ofBreaksThrough: Int(partners[index])) {
        bracketed(count: arguments.count) { $0.typeArgument(arguments[$1]) }
        continue
      }
      // The parameters break, rather than a type among them.
      token()
      for (position, argument) in arguments.enumerated() {
        typeArgument(argument)
        if current.kind == .comma {
          token()
          if position + 1 < arguments.count { space() }
        }
      }
      token()
    }
  }

  private mutating func typeArgument(_ argument: TypeArgument) {
    if case .type(let type) = argument { self.type(type) } else { token() }
  }

  /// Whether the author broke no line from the current token to a later one.
  private func isFree(ofBreaksThrough last: Int) -> Bool {
    guard last > index else { return false }
    return !tokens[index + 1...last].contains(where: \.startsLine)
  }

  private mutating func choice(_ branches: [IfBranch], _ otherwise: Block?) {
    let group = openGroup()
    let blocks = branches.map(\.body) + (otherwise.map { [$0] } ?? [])
    let isOneLine = blocks.allSatisfy(self.isOneLine)
    if !isOneLine { layout.breakGroup() }
    for (position, branch) in branches.enumerated() {
      if position > 0 {
        space()
        token()
        space()
      }
      token()
      space()
      condition(branch.condition)
      space()
      block(branch.body)
    }
    if let otherwise {
      space()
      token()
      space()
      block(otherwise)
    }
    layout.closeGroup(group)
  }
}
