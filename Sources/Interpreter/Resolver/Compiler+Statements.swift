/// How the value of a block or expression is used.
enum Use {
  /// Nobody looks at it.
  case statement
  case value
  /// It is the result of the function: `return` is allowed, and needs no detour.
  case tail
}

extension Compiler {
  func block(_ block: Block, _ use: Use) -> Node {
    statements(block.statements[...], use, block.span)
  }

  private func statements(_ list: ArraySlice<Stmt>, _ use: Use, _ span: Span) -> Node {
    var nodes: [Node] = []
    var hasValue = false
    var rest = list
    while let statement = rest.popFirst() {
      let isLast = rest.isEmpty
      if use == .tail, !isLast, nodes.count < 64, let folded = guardClause(statement, rest) {
        nodes.append(folded)
        hasValue = true
        break
      }
      if isLast, use != .statement {
        switch statement.kind {
        case .expression(let value):
          nodes.append(expression(value, use))
          hasValue = true
        case .return(let value) where use == .tail:
          nodes.append(value.map { expression($0, .tail) } ?? ConstantNode(.none, source, statement.span))
          hasValue = true
        default: nodes.append(self.statement(statement))
        }
      } else {
        nodes.append(self.statement(statement))
      }
    }
    if let lines { nodes = nodes.map { LineNode($0, lines) } }
    if nodes.count == 1, hasValue || use == .statement { return nodes[0] }
    return BlockNode(nodes, hasValue: hasValue, source, span)
  }

  /// `if c { …; return x }` followed by more, as the last thing in a function, is `if c { … } else { more }`: its value
  /// comes back without a detour.
  private func guardClause(_ statement: Stmt, _ rest: ArraySlice<Stmt>) -> Node? {
    guard case .expression(let value) = statement.kind, case .if(let branches, nil) = value.kind, branches.count == 1,
      let last = branches[0].body.statements.last, case .return = last.kind, rest.count < 64
    else { return nil }
    let test = condition(branches[0].condition)
    let (then, otherwise) = branch {
      block(branches[0].body, .tail)
    } else: {
      statements(rest, .tail, rest.first.map(\.span) ?? value.span)
    }
    return IfNode(test, then, otherwise, source, value.span)
  }

  /// Makes two pieces of which one runs; after them, what both set is set.
  func branch(_ first: () -> Node, else second: () -> Node) -> (Node, Node) {
    let before = builder.definite
    let then = first()
    let afterThen = builder.definite
    builder.definite = before
    let otherwise = second()
    builder.definite.formIntersection(afterThen)
    return (then, otherwise)
  }

  func statement(_ statement: Stmt) -> Node {
    let span = statement.span
    switch statement.kind {
    case .expression(let value):
      let node = expression(value, .statement)
      checkUse(node, value)
      return node
    case .assign(let scope, let pattern, let value): return assignment(scope, pattern, value, span)
    case .augmentedAssign(let scope, let target, let op, let value):
      return augmentedAssignment(scope, target, op, value, span)
    case .function(let function):
      guard let name = function.name else { return invalid(span) }
      let isRecursive = !builder.scope.isTopLevel
      let place = target(name, .local)
      if isRecursive { builder.definite.insert(name.text) }
      let closure = self.function(function, name: name.text)
      builder.definite.insert(name.text)
      return assign(place, closure, span)
    case .for(let pattern, let iterable, let body):
      let sequence = expression(iterable, .value)
      let before = builder.definite
      let target = self.target(pattern, .local, fresh: false)
      for name in pattern.names { builder.definite.insert(builder.renames[name.text] ?? name.text) }
      let loop = loopBody(body)
      builder.definite = before
      return ForNode(target, sequence, loop, source, span)
    case .while(let test, let body):
      let before = builder.definite
      builder.loopDepth += 1
      let condition = self.condition(test)
      builder.loopDepth -= 1
      let loop = loopBody(body)
      builder.definite = before
      return WhileNode(condition, loop, source, span)
    case .break, .continue:
      let isBreak = if case .break = statement.kind { true } else { false }
      if !builder.allowsBreak {
        let word = isBreak ? "break" : "continue"
        report(
          .syntax,
          builder.loopDepth > 0
            ? "\(word) cannot leave \(unleavable)" : "\(word) is not within a loop",
          span, hint: builder.loopDepth > 0 ? "set a variable in the block, and use \(word) after it" : nil)
      }
      return FlowNode(isBreak ? .breaking : .continuing, source, span)
    case .return(let value):
      if !builder.allowsReturn {
        if builder.scope.isTopLevel {
          report(.syntax, "return is not within a function", span, hint: "exit() ends a script")
        } else {
          report(
            .syntax, "return cannot leave \(unleavable)", span,
            hint: "set a variable in the block, and return it after")
        }
      }
      return ReturnNode(value.map { result($0) }, source, span)
    case .import(let item): return importation(item, span)
    case .invalid: return invalid(span)
    }
  }

  /// A list function whose result nobody takes was meant to change its argument.
  private func checkUse(_ node: Node, _ value: Expr) {
    let call: BuiltinCallNode? = (node as? BuiltinCallNode) ?? (node as? MethodCallNode)?.builtinCall
    guard let call, Compiler.pure.contains(call.name) else { return }
    var target = "xs"
    var more = false
    switch value.kind {
    case .methodCall(let receiver, _, let arguments):
      if case .name(let name) = receiver.ungrouped.kind { target = name }
      more = !arguments.isEmpty
    case .call(_, let arguments):
      if let first = arguments.first, case .name(let name) = first.value.ungrouped.kind { target = name }
      more = arguments.count > 1
    default: break
    }
    report(
      .value, "\(call.name) changes nothing: it returns a new value", value.span,
      hint: "\(target) = \(call.name)(\(target)\(more ? ", …" : ""))")
  }

  private static let pure: Set<String> = updating.union(["sort", "reverse", "unique"])

  private func loopBody(_ body: Block) -> Node {
    let allowedBreak = builder.allowsBreak
    builder.allowsBreak = true
    builder.loopDepth += 1
    let node = block(body, .statement)
    builder.loopDepth -= 1
    builder.allowsBreak = allowedBreak
    return node
  }

  // MARK: Assignment

  func assign(_ place: VariablePlace, _ value: Node, _ span: Span) -> Node {
    if let cell = place.global { return AssignGlobal(cell, value, source, span) }
    if place.kind == .cell { return AssignCell(place.slot, value, source, span) }
    return AssignLocal(place.slot, value, source, span)
  }

  private func assignment(_ scope: AssignScope, _ pattern: Pattern, _ value: Expr, _ span: Span) -> Node {
    switch pattern {
    case .name(let name):
      if scope != .constant, let update = selfUpdate(name, value, scope, span) { return update }
      let node: Node
      if case .function(let function) = value.kind {
        // A function may call itself by the variable that it is assigned to.
        builder.seen.insert(builder.renames[name.text] ?? name.text)
        node = self.function(function, name: name.text)
      } else {
        node = expression(value, .value)
      }
      let place = target(name, scope)
      if scope != .constant {
        let call = node as? BuiltinCallNode ?? (node as? MethodCallNode)?.onVariable { reads($0, place) }
        if let call, Compiler.updating.contains(call.name), reads(call.firstArgument, place) { call.updated = place }
        giveUp([place], to: node)
      }
      if scope != .outer { builder.definite.insert(builder.renames[name.text] ?? name.text) }
      return assign(place, node, span)
    case .place(let expression):
      let node = beforeItsTarget(value)
      guard let place = placeNode(expression, scope) else { return invalid(span) }
      if let call = node as? BuiltinCallNode ?? (node as? MethodCallNode)?.onVariable(\.isPlain),
        Compiler.updating.contains(call.name)
      {
        call.updatedPart = place
      }
      return PlaceAssignNode(place, node, source, span)
    default:
      let node = beforeItsTarget(value)
      let target = self.target(pattern, scope, fresh: false)
      giveUp(((target as? ListTarget)?.plainTargets ?? []).compactMap { ($0 as? NameTarget)?.place }, to: node)
      if scope != .outer { for name in pattern.names { builder.definite.insert(name.text) } }
      return DestructureNode(target, node, source, span)
    }
  }

  /// Built-ins that change their first argument in place when they hold the only reference to it, and call nothing.
  static let updating: Set<String> = ["append", "extend", "insert", "remove_at", "set", "without"]

  /// `xs = f(xs)`: variables that the statement sets give their values up when the arguments of its call have been
  /// computed, so that the function can change what it gets in place. Nobody sees them in between: only this function
  /// knows them, and when the call fails it ends too, unless a `try` of its own continues. Of globals, those do so that no
  /// function speaks of, in a session that ends when the program fails.
  private func giveUp(_ places: [VariablePlace], to node: Node) {
    guard builder.tryDepth == 0 else { return }
    let slots = Set(places.filter { $0.kind == .local }.map(\.slot))
    let cells = places.compactMap(\.global)
    for call in calls(node, of: { read in places.contains { reads(read, $0) } }) { call.giveUp(slots, cells) }
  }

  /// The calls of functions of the language that a node may be.
  private func calls(_ node: Node, of isMeant: (Node) -> Bool) -> [CallNode] {
    if let call = node as? CallNode { return [call] }
    guard let call = node as? MethodCallNode else { return [] }
    _ = call.onVariable(isMeant)
    return call.calls
  }

  /// The value of `return`.
  private func result(_ value: Expr) -> Node {
    let ending = builder.ending
    builder.ending = FunctionBuilder.Ending(end: value.span.end, loopDepth: builder.loopDepth)
    // What fails within a try continues in its handler.
    if builder.followedDepth > 0 || builder.tryDepth > 0 { builder.ending = ending }
    defer { builder.ending = ending }
    return expression(value, .value)
  }

  /// A call takes the values of variables that nothing reads after it, so that what gets them can change them in place.
  func takingLastUses(_ node: Node, _ span: Span) -> Node {
    func isLast(_ node: Node?) -> Bool { (node as? LocalRead).map { isLastUse($0, span) } ?? false }
    if let call = node as? BuiltinCallNode ?? (node as? MethodCallNode)?.onVariable(isLast) {
      if Compiler.updating.contains(call.name), isLast(call.firstArgument), let read = call.firstArgument as? LocalRead
      {
        call.updated = .local(read.slot)
      }
      return node
    }
    guard builder.tryDepth == 0 else { return node }
    for call in calls(node, of: isLast) {
      call.giveUp(Set(call.written.compactMap { isLast($0) ? ($0 as? LocalRead)?.slot : nil }), [])
    }
    return node
  }

  /// Whether nothing in this function reads a variable after a call that ends here.
  func isLastUse(_ read: LocalRead, _ span: Span) -> Bool {
    guard !builder.scope.isTopLevel, builder.followedDepth == 0, builder.loopDepth == builder.ending.loopDepth,
      let name = builder.ownName(ofSlot: read.slot)
    else { return false }
    return !builder.scope.isRead(name, from: span.end, to: builder.ending.end)
  }

  private var unleavable: String { builder.isCleanup ? "a block of finally" : "a block whose value is used" }

  /// A value that is computed before what stands to the left of it in the text.
  func beforeItsTarget(_ value: Expr) -> Node {
    builder.followedDepth += 1
    defer { builder.followedDepth -= 1 }
    return expression(value, .value)
  }

  private func reads(_ node: Node?, _ place: VariablePlace) -> Bool {
    switch (node, place.kind) {
    case (let read as LocalRead, .local): read.slot == place.slot
    case (let read as GlobalRead, .global): read.cell === place.global
    case (let read as GlobalCheckedRead, .global): read.cell === place.global
    case (let read as CellRead, .cell): read.slot == place.slot
    default: false
    }
  }

  /// `x = x + e` is `x += e`, which lets strings and lists grow in place.
  private func selfUpdate(_ name: Name, _ value: Expr, _ scope: AssignScope, _ span: Span) -> Node? {
    guard case .binary(let op, let left, let right, let operatorSpan) = value.kind, case .name(name.text) = left.kind,
      op == .add || op == .subtract || op == .multiply
    else { return nil }
    let isKnown: Bool
    switch meaning(name.text) {
    case .local(let unique):
      isKnown = scope == .outer || builder.definite.contains(unique) && builder.scope.locals.contains(unique)
    case .global: isKnown = scope == .outer || builder.scope.isTopLevel && builder.seen.contains(name.text)
    default: isKnown = false
    }
    guard isKnown else { return nil }
    let operand = beforeItsTarget(right)
    return AugmentVariableNode(
      target(name, scope), name.text, left.span, op, operatorSpan, operand, source, span)
  }

  private func augmentedAssignment(
    _ scope: AssignScope, _ target: Expr, _ op: BinaryOperator, _ value: Expr, _ span: Span
  ) -> Node {
    let operand = beforeItsTarget(value)
    let operatorSpan = Span(Int(target.span.end), Int(value.span.start)).trimmed(source)
    guard case .name(let text) = target.kind else {
      guard let place = placeNode(target, scope) else { return invalid(span) }
      return AugmentPlaceNode(place, op, operatorSpan, operand, source, span)
    }
    let name = Name(text, target.span)
    if scope == .local, !isOwn(name) { return invalid(span) }
    let node = read(text, target.span)
    _ = node
    return AugmentVariableNode(
      self.target(name, scope), text, target.span, op, operatorSpan, operand, source, span)
  }

  /// Whether a variable that is changed belongs to this function; reports if not.
  private func isOwn(_ name: Name) -> Bool {
    switch meaning(name.text) {
    case .local(let unique):
      if builder.scope.locals.contains(unique) { return true }
      report(
        .name, "\(name.text) belongs to an enclosing function", name.span,
        hint: "outer \(name.text) … changes it there")
    case .global:
      if builder.scope.isTopLevel { return true }
      report(
        .name, "\(name.text) belongs to the top level, not to this function", name.span,
        hint: "outer \(name.text) … changes it there")
    case .builtin, .constant:
      report(
        .name, "\(name.text) is built in and has no value to change", name.span, hint: "set it first: \(name.text) = …")
    case .unknown: unknownName(name.text, name.span)
    }
    return false
  }

  func target(_ pattern: Pattern, _ scope: AssignScope, fresh: Bool) -> Target {
    switch pattern {
    case .name(let name):
      let place = target(name, scope)
      if fresh, place.kind == .cell { return NameTarget(place, freshSlot: place.slot, source, name.span) }
      return NameTarget(place, source, name.span)
    case .rest(let name, let span): return NameTarget(target(name, scope), source, span)
    case .place(let expression):
      guard let place = placeNode(expression, scope) else { return Target(source, expression.span) }
      return PlaceTarget(place)
    case .list(let items, let span):
      var rest: Int?
      for (place, item) in items.enumerated() { if case .rest = item { rest = place } }
      return ListTarget(items.map { target($0, scope, fresh: fresh) }, rest: rest, source, span)
    case .record(let fields, let span):
      return RecordTarget(fields.map { (key: $0.key, target: target($0.target, scope, fresh: fresh)) }, source, span)
    }
  }

  /// `x[0].name` as a place to set; its root is a variable.
  private func placeNode(_ expression: Expr, _ scope: AssignScope) -> PlaceNode? {
    var steps: [PlaceNode.Step] = []
    var current = expression
    while true {
      switch current.kind {
      case .index(let container, let subscripts):
        steps.append(.index(subscripts.map { self.subscriptNode($0) }, current.span))
        current = container
      case .attribute(let container, let name):
        steps.append(.attribute(name))
        current = container
      case .group(let inner): current = inner
      case .name(let text):
        let name = Name(text, current.span)
        if scope == .constant { report(.syntax, "const goes with a name", expression.span) }
        if scope != .outer, !isOwn(name) { return nil }
        let root: VariablePlace
        if scope == .outer {
          root = target(name, .outer)
        } else {
          checkNotConstant(name)
          _ = read(text, current.span)
          switch meaning(text) {
          case .local(let unique): root = place(unique)
          default: root = .global(globals.cell(text))
          }
        }
        return PlaceNode(root, text, steps.reversed(), source, expression.span)
      default:
        report(
          .syntax, "only parts of a variable can be set", current.span,
          hint: "give the value a name first: x = …; x[0] = …")
        return nil
      }
    }
  }

  private func checkNotConstant(_ name: Name) {
    let unique = builder.renames[name.text] ?? name.text
    let isGlobalConstant = builder.scope.isTopLevel && (globals.cells[name.text]?.isConstant ?? false)
    if builder.constants.contains(unique) || isGlobalConstant {
      report(.name, "\(name.text) is a constant, and so are its parts", name.span)
    }
  }
}

extension Span {
  /// Without white space at its ends.
  func trimmed(_ source: Source) -> Span {
    var start = Int(self.start)
    var end = min(Int(self.end), source.bytes.count)
    while start < end, source.bytes[start] <= 0x20 { start += 1 }
    while end > start, source.bytes[end - 1] <= 0x20 { end -= 1 }
    return Span(start, end)
  }
}
