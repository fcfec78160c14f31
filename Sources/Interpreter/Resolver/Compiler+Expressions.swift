extension Compiler {
  func condition(_ expression: Expr) -> Node { self.expression(expression, .value) }

  func expression(_ expression: Expr, _ use: Use) -> Node {
    switch expression.kind {
    case .call, .methodCall, .pipe:
      let ending = builder.ending
      if use == .tail, builder.followedDepth == 0, builder.tryDepth == 0 {
        builder.ending = FunctionBuilder.Ending(end: expression.span.end, loopDepth: builder.loopDepth)
      }
      defer { builder.ending = ending }
      return takingLastUses(plainExpression(expression, use), expression.span)
    case .binary(.add, let left, let right, let operatorSpan) where right.isListOrText:
      return sum(left, right, operatorSpan, use, expression)
    default: return plainExpression(expression, use)
    }
  }

  /// `xs + […]`, which makes the list of a variable longer in place when nothing reads that variable after it.
  private func sum(_ left: Expr, _ right: Expr, _ operatorSpan: Span, _ use: Use, _ sum: Expr) -> Node {
    let plain = plainExpression(sum, use)
    guard case .name(let name) = left.kind, builder.followedDepth == 0, constant(sum) == nil else { return plain }
    let ending = builder.ending
    if use == .tail, builder.tryDepth == 0 {
      builder.ending = FunctionBuilder.Ending(end: sum.span.end, loopDepth: builder.loopDepth)
    }
    defer { builder.ending = ending }
    guard let read = read(name, left.span) as? LocalRead, isLastUse(read, sum.span) else { return plain }
    let operand = beforeItsTarget(right)
    let growth = AugmentVariableNode(
      .local(read.slot), name, left.span, .add, operatorSpan, operand, source, sum.span)
    return LastSumNode(plain, read.slot, growth, source, sum.span)
  }

  private func plainExpression(_ expression: Expr, _ use: Use) -> Node {
    let span = expression.span
    switch expression.kind {
    case .none: return ConstantNode(.none, source, span)
    case .bool(let value): return ConstantNode(.bool(value), source, span)
    case .int(let value): return ConstantNode(.int(value), source, span)
    case .float(let value): return ConstantNode(.float(value), source, span)
    case .string(let parts): return string(parts, span)
    case .name(let name): return read(name, span)
    case .group(let inner): return self.expression(inner, use)
    case .list(let items):
      return ListNode(items.map { (self.expression($0.value, .value), $0.isSpread) }, source, span)
    case .record(let items):
      return RecordNode(
        items.map { item in
          switch item {
          case .field(let key, let value): .field(key.text, named(value, key.text))
          case .spread(let value): .spread(self.expression(value, .value))
          }
        }, source, span)
    case .comprehension(let element, let clauses): return comprehension(element, clauses, span)
    case .unary(let op, let operand):
      if let value = constant(expression) { return ConstantNode(value, source, span) }
      return UnaryNode(op, self.expression(operand, .value), source, span)
    case .binary(let op, let left, let right, let operatorSpan):
      if let value = constant(expression) { return ConstantNode(value, source, span) }
      return BinaryNode.make(
        op, self.expression(left, .value), self.expression(right, .value), operatorSpan, source, span)
    case .logical(let op, let left, let right, _):
      let first = condition(left)
      let before = builder.definite
      let second = condition(right)
      builder.definite = before
      return LogicalNode(op, first, second, source, span)
    case .comparison(let first, let tails):
      if tails.count == 1 {
        return ComparisonNode.make(
          tails[0].op, self.expression(first, .value), self.expression(tails[0].operand, .value),
          tails[0].operatorSpan, source, span)
      }
      let start = self.expression(first, .value)
      return ChainNode(
        start, tails.map { ($0.op, $0.operatorSpan, self.expression($0.operand, .value)) }, source, span)
    case .range(let start, let end, let step):
      if let value = constant(expression) { return ConstantNode(value, source, span) }
      return RangeNode(
        self.expression(start, .value), self.expression(end, .value), step.map { self.expression($0, .value) }, source,
        span)
    case .call(let callee, let arguments): return call(callee, arguments, span)
    case .methodCall(let receiver, let name, let arguments): return methodCall(receiver, name, arguments, span)
    case .attribute(let receiver, let name): return attribute(receiver, name, span)
    case .index(let container, let subscripts):
      let base = self.expression(container, .value)
      if subscripts.count == 1, case .value(let index) = subscripts[0] {
        return ElementNode(base, self.expression(index, .value), source, span)
      }
      return IndexNode(base, subscripts.map { subscriptNode($0) }, source, span)
    case .pipe(let value, let target): return pipe(value, target, span)
    case .function(let function): return self.function(function, name: nil)
    case .if(let branches, let otherwise): return choice(branches[...], otherwise, use, span)
    case .try(let body, let handler, let cleanup): return attempt(body, handler, cleanup, use, span)
    case .invalid: return invalid(span)
    }
  }

  /// A value that a function written here is named after.
  func named(_ value: Expr, _ name: String) -> Node {
    if case .function(let function) = value.kind { return self.function(function, name: name) }
    return expression(value, .value)
  }

  func subscriptNode(_ part: Subscript) -> SubscriptNode {
    switch part {
    case .value(let value): .value(expression(value, .value))
    case .slice(let start, let stop, let step, let span):
      .slice(
        start: start.map { expression($0, .value) }, stop: stop.map { expression($0, .value) },
        step: step.map { expression($0, .value) }, span)
    case .ellipsis: .ellipsis
    }
  }

  private func string(_ parts: [StringPart], _ span: Span) -> Node {
    if parts.isEmpty { return ConstantNode(Value(""), source, span) }
    if parts.count == 1, case .text(let text) = parts[0] { return ConstantNode(Value(text), source, span) }
    return StringNode(
      parts.map { part in
        switch part {
        case .text(let text): .text(text)
        case .interpolation(let value, let spec): .value(expression(value, .value), spec)
        }
      }, source, span)
  }

  private func comprehension(_ element: Expr, _ clauses: [ComprehensionClause], _ span: Span) -> Node {
    let renames = builder.renames
    let before = builder.definite
    builder.loopDepth += 1
    var parts: [(ComprehensionNode.Clause) -> ComprehensionNode.Clause] = []
    for clause in clauses {
      switch clause {
      case .for(let pattern, let iterable):
        let sequence = expression(iterable, .value)
        for name in pattern.names {
          let unique = name.uniqueInComprehension
          builder.renames[name.text] = unique
          builder.definite.insert(unique)
        }
        let target = self.target(pattern, .local, fresh: true)
        parts.append { ComprehensionNode.Each(target, sequence, $0) }
      case .if(let test):
        let condition = self.condition(test)
        parts.append { ComprehensionNode.Test(condition, $0) }
      }
    }
    let body = expression(element, .value)
    builder.loopDepth -= 1
    builder.renames = renames
    builder.definite = before
    let first = parts.reversed().reduce(ComprehensionNode.Element(body)) { next, part in part(next) }
    return ComprehensionNode(first, source, span)
  }

  // MARK: Blocks as values

  /// Within a block whose value is used there is no way out but its end.
  private func withUse(_ use: Use, _ body: () -> Node) -> Node {
    guard use == .value else { return body() }
    let (allowedBreak, allowedReturn) = (builder.allowsBreak, builder.allowsReturn)
    builder.allowsBreak = false
    builder.allowsReturn = false
    let node = body()
    builder.allowsBreak = allowedBreak
    builder.allowsReturn = allowedReturn
    return node
  }

  private func choice(_ branches: ArraySlice<IfBranch>, _ otherwise: Block?, _ use: Use, _ span: Span) -> Node {
    // Many branches: from the last one, so that no depth builds up here.
    var tests: [Node] = []
    var bodies: [Node] = []
    var after: Set<String>?
    for item in branches {
      tests.append(condition(item.condition))
      let before = builder.definite
      bodies.append(withUse(use) { block(item.body, use) })
      after = after.map { $0.intersection(builder.definite) } ?? builder.definite
      builder.definite = before
    }
    var node = otherwise.map { body in withUse(use) { block(body, use) } }
    builder.definite.formIntersection(after ?? builder.definite)
    for place in tests.indices.reversed() {
      node = IfNode(tests[place], bodies[place], node, source, span)
    }
    return node ?? invalid(span)
  }

  private func attempt(
    _ body: Block, _ handler: CatchClause?, _ cleanup: Block?, _ use: Use, _ span: Span
  ) -> Node {
    guard let cleanup else {
      guard let handler else { return invalid(span) }
      return attempt(body, handler.name, handler.body, use, span)
    }
    let before = builder.definite
    builder.tryDepth += 1
    builder.followedDepth += 1
    let first: Node
    if let handler {
      first = attempt(body, handler.name, handler.body, use, span)
    } else {
      first = withUse(use) { block(body, use) }
    }
    builder.tryDepth -= 1
    builder.followedDepth -= 1
    let after = builder.definite
    builder.definite = before
    let outer = (builder.allowsBreak, builder.allowsReturn, builder.isCleanup)
    (builder.allowsBreak, builder.allowsReturn, builder.isCleanup) = (false, false, true)
    let last = block(cleanup, .statement)
    (builder.allowsBreak, builder.allowsReturn, builder.isCleanup) = outer
    builder.definite.formUnion(after)
    return FinallyNode(first, last, source, span)
  }

  private func attempt(_ body: Block, _ name: Name?, _ handler: Block, _ use: Use, _ span: Span) -> Node {
    let before = builder.definite
    builder.tryDepth += 1
    let first = withUse(use) { block(body, use) }
    builder.tryDepth -= 1
    builder.definite = before
    var place: VariablePlace?
    if let name {
      place = target(name, .local)
      builder.definite.insert(builder.renames[name.text] ?? name.text)
    }
    let second = withUse(use) { block(handler, use) }
    builder.definite = before
    return TryNode(first, place, second, source, span)
  }

  // MARK: Functions

  func signature(_ function: Function, name: String) -> CallSignature {
    let items = function.parameters.map { ParameterInfo($0, source) }
    let result = function.result.map { " -> " + TypeCheck.text($0) } ?? ""
    return CallSignature(
      name: name, text: "\(name)(\(items.map(\.text).joined(separator: ", ")))\(result)",
      parameters: ParameterList(items: items, result: function.result.map { TypeCheck($0) }))
  }

  func function(_ function: Function, name: String?) -> Node {
    guard let scope = scopes.scopes[function.headerSpan] else { return invalid(function.headerSpan) }
    let signature = self.signature(function, name: name ?? "the function")
    for parameter in function.parameters { if let type = parameter.type { checkTypes(type) } }
    if let result = function.result { checkTypes(result) }
    let code = Code(
      name: name ?? Code.nameless, source: source, signature: signature, parameters: signature.parameters,
      documentation: function.doc, headerSpan: function.headerSpan)
    let outer = builder
    builder = FunctionBuilder(scope, outer: outer)
    // Later parameters are not there yet where a default is computed.
    builder.followedDepth += 1
    for parameter in function.parameters {
      code.defaults.append(parameter.defaultValue.map { named($0, parameter.name.text) })
    }
    code.checks = function.parameters.map { parameter in
      parameter.checks.compactMap { check in
        constant(check.operand) == nil ? (check.op, expression(check.operand, .value)) : nil
      }
    }
    builder.followedDepth -= 1
    switch function.body {
    case .expression(let body): code.body = expression(body, .tail)
    case .block(let body): code.body = block(body, .tail)
    }
    finish(code)
    builder = outer
    let captured = scope.free.map { unique in outer.slot(unique) }
    return ClosureNode(code, captured: captured, source, function.headerSpan)
  }

  private func checkTypes(_ type: TypeExpr) {
    let known = session.typeNames
    for name in TypeCheck.names(in: type) where !known.contains(name.text) {
      let advice = [
        "str": "string", "dict": "record", "object": "any", "array": "tensor", "Tensor": "tensor",
        "callable": "function",
      ]
      report(
        .type, "there is no type \(name.text)", name.span,
        hint: (advice[name.text] ?? nearest(name.text, among: known)).map { "did you mean \($0)?" })
    }
  }
}

extension Expr {
  var isListOrText: Bool {
    switch kind {
    case .list, .string: true
    default: false
    }
  }
}
