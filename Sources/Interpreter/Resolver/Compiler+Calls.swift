extension Compiler {
  /// `f(…)`
  func call(_ callee: Expr, _ arguments: [Argument], _ span: Span) -> Node {
    guard case .name(let name) = callee.ungrouped.kind else {
      let function = expression(callee, .value)
      return generalCall(function, fallback: nil, receiver: nil, arguments, nodes(arguments), span)
    }
    return nameCall(name, callee.span, receiver: nil, arguments, nodes(arguments), span) ?? invalid(span)
  }

  private func nodes(_ arguments: [Argument]) -> [Node] {
    arguments.map { argument in
      if case .named(let name) = argument.kind { return named(argument.value, name.text) }
      return expression(argument.value, .value)
    }
  }

  /// A call of the function that a name means; `nil` with a report when there is none.
  ///
  /// - Parameter receiver: place of the first argument when it is written before the name.
  private func nameCall(
    _ name: String, _ nameSpan: Span, receiver: Span?, _ arguments: [Argument], _ nodes: [Node], _ span: Span
  ) -> Node? {
    let builtin = session.table.functions[name]
    if let builtin, !isVariable(name) { return builtinCall(builtin, receiver: receiver, arguments, nodes, span) }
    switch meaning(name) {
    case .unknown:
      unknownName(name, nameSpan, isCall: true)
      return nil
    case .constant(let value):
      report(.type, "\(name) is \(value.kindText), not a function", nameSpan)
      return nil
    case .global:
      if let known = knownSignature(name), !arguments.contains(where: \.isSpread) {
        do { _ = try CallPlan(shape(receiver, arguments, span), known) } catch { report(error) }
      }
    default: break
    }
    return generalCall(
      callee(name, nameSpan), fallback: builtin, receiver: receiver, arguments, nodes, span)
  }

  /// Whether a name may hold a variable at this point, rather than only later.
  private func isVariable(_ name: String) -> Bool {
    switch meaning(name) {
    case .local(let unique):
      builder.seen.contains(unique) || builder.loopDepth > 0 || !builder.scope.locals.contains(unique)
    case .global(let cell):
      cell.isSet || !builder.scope.isTopLevel || builder.seen.contains(name) || builder.loopDepth > 0
    default: false
    }
  }

  /// A read of what is called; when a built-in has the name too, a variable that is not set yet is no error.
  private func callee(_ name: String, _ span: Span) -> Node {
    guard session.table.functions[name] != nil else { return read(name, span) }
    switch meaning(name) {
    case .global(let cell): return GlobalRead(cell, source, span)
    case .local(let unique) where !builder.isShared(unique) && builder.scope.locals.contains(unique):
      let slot = builder.slot(unique)
      if !builder.definite.contains(unique) { builder.uncertain.insert(slot) }
      return LocalRead(slot, source, span)
    default: return read(name, span)
    }
  }

  /// The signature of a top-level function that nothing replaces.
  private func knownSignature(_ name: String) -> CallSignature? {
    if let known = topFunctions[name] { return known }
    if scopes.top.assignments[name] == nil, case .function(let function)? = globals[name] { return function.signature }
    return nil
  }

  private func shape(_ receiver: Span?, _ arguments: [Argument], _ span: Span) -> ArgumentShape {
    var list: [(kind: ArgumentShape.Kind, span: Span)] = []
    if let receiver { list.append((.positional, receiver)) }
    for argument in arguments {
      if case .named(let name) = argument.kind {
        list.append((.named(name), argument.value.span))
      } else {
        list.append((.positional, argument.span))
      }
    }
    return ArgumentShape(source: source, span: span, arguments: list)
  }

  private func builtinCall(
    _ builtin: Builtin, receiver: Span?, _ arguments: [Argument], _ nodes: [Node], _ span: Span
  ) -> Node {
    if arguments.contains(where: \.isSpread) {
      let callee = ConstantNode(.function(FunctionValue(builtin)), source, span)
      return generalCall(callee, fallback: nil, receiver: receiver, arguments, nodes, span)
    }
    do {
      let plan = try CallPlan(shape(receiver, arguments, span), builtin.signature)
      return BuiltinCallNode(builtin, plan, nodes, source, span)
    } catch {
      report(error)
      return invalid(span)
    }
  }

  private func generalCall(
    _ callee: Node, fallback: Builtin?, receiver: Span?, _ arguments: [Argument], _ nodes: [Node], _ span: Span
  ) -> Node {
    if arguments.contains(where: \.isSpread) {
      let parts = zip(arguments, nodes).map { argument, node in
        let part: SpreadCallNode.Part =
          switch argument.kind {
          case .positional: .positional
          case .named(let name): .named(name)
          case .spreadList: .spreadList
          case .spreadRecord: .spreadRecord
          }
        return (part: part, value: node, span: argument.span)
      }
      return SpreadCallNode(callee, parts, source, span)
    }
    return CallNode(callee, fallback: fallback, nodes, shape(receiver, arguments, span), source, span)
  }

  /// `x.f(…)`
  func methodCall(_ receiver: Expr, _ name: Name, _ arguments: [Argument], _ span: Span) -> Node {
    if let advice = foreignPrefix(receiver, name) {
      report(.name, advice.message, receiver.span.union(name.span), hint: advice.hint)
      return invalid(span)
    }
    if case .name(let base) = receiver.kind, case .unknown = meaning(base), let advice = session.table.advice[name.text]
    {
      // Neither is there: what is meant by `loss.backward()` says more than that there is no loss.
      unknownName(base, receiver.span, advice: "\(name.text): \(advice)")
      _ = nodes(arguments)
      return invalid(span)
    }
    guard checkMember(receiver, name) else {
      _ = nodes(arguments)
      return invalid(span)
    }
    if let signature = memberSignature(receiver, name), !arguments.contains(where: \.isSpread) {
      do { _ = try CallPlan(shape(nil, arguments, span), signature) } catch { report(error) }
    }
    let object = expression(receiver, .value)
    let nodes = self.nodes(arguments)
    let fieldCall = generalCall(object, fallback: nil, receiver: nil, arguments, nodes, span)
    var function: Node?
    var functionCall: Node?
    if case .unknown = meaning(name.text) {
      // Only the object can have it: that shows when it runs.
      return MethodCallNode(object, name, fieldCall: fieldCall, functionCall: nil, function: nil, source, span)
    }
    let known = diagnostics.count
    functionCall = nameCall(name.text, name.span, receiver: receiver.span, arguments, nodes, span)
    if mayHaveField(receiver), diagnostics.count > known {
      // The object may have a method of that name with other arguments: what is wrong shows when it runs.
      diagnostics.removeSubrange(known...)
      let builtin = session.table.functions[name.text]
      let called = callee(name.text, name.span)
      if diagnostics.count > known {
        // The function is not there yet: only the object can have it.
        diagnostics.removeSubrange(known...)
        return MethodCallNode(object, name, fieldCall: fieldCall, functionCall: nil, function: nil, source, span)
      }
      functionCall = generalCall(
        called, fallback: builtin, receiver: receiver.span, arguments, nodes, span)
    }
    if functionCall is CallNode || functionCall is SpreadCallNode { function = callee(name.text, name.span) }
    return MethodCallNode(
      object, name, fieldCall: fieldCall, functionCall: functionCall, function: function, source, span)
  }

  /// Whether the value may be a record, module or object with a function of its own.
  private func mayHaveField(_ receiver: Expr) -> Bool {
    switch receiver.ungrouped.kind {
    case .int, .float, .bool, .none, .string, .list, .comprehension, .range, .comparison, .function: false
    default: true
    }
  }

  func attribute(_ receiver: Expr, _ name: Name, _ span: Span) -> Node {
    if let advice = foreignPrefix(receiver, name) {
      report(.name, advice.message, receiver.span.union(name.span), hint: advice.hint)
      return invalid(span)
    }
    guard checkMember(receiver, name) else { return invalid(span) }
    let object = expression(receiver, .value)
    var function: Node?
    switch meaning(name.text) {
    case .unknown, .constant: break
    case .builtin: function = read(name.text, name.span)
    case .local(let unique):
      if builder.definite.contains(unique) || !builder.scope.locals.contains(unique) {
        function = read(name.text, name.span)
      }
    case .global(let cell): function = GlobalRead(cell, source, name.span)
    }
    return AttributeNode(object, name, function: function, source, span)
  }

  /// `np.`, `torch.`, `F.`, `nn.`, `math.` and the like, when no variable has the name.
  private func foreignPrefix(_ receiver: Expr, _ name: Name) -> (message: String, hint: String)? {
    var root = receiver
    while case .attribute(let inner, _) = root.kind { root = inner }
    guard case .name(let prefix) = root.kind, Compiler.foreignModules.contains(prefix),
      case .unknown = meaning(prefix), !session.host.moduleNames.contains(prefix)
    else { return nil }
    let hint: String
    if session.table.functions[name.text] != nil || session.table.constants[name.text] != nil {
      hint = "write \(name.text) without \(prefix)."
    } else if let advice = session.table.advice[name.text] {
      hint = advice
    } else if let close = nearest(name.text, among: knownNames()) {
      hint = "functions need no prefix; did you mean \(close)?"
    } else {
      hint = "functions need no prefix here"
    }
    return ("there is no module \(prefix)", hint)
  }

  static let foreignModules: Set<String> = [
    "np", "numpy", "torch", "F", "nn", "math", "tf", "jnp", "jax", "plt", "pd", "os", "sys", "random", "time", "json",
    "functools", "itertools", "operator", "string", "re", "statistics",
  ]

  /// `value |> target`: the value becomes the first argument.
  func pipe(_ value: Expr, _ target: Expr, _ span: Span) -> Node {
    let first = Argument(kind: .positional, value: value, span: value.span)
    switch target.kind {
    case .call(let callee, let arguments): return call(callee, [first] + arguments, span)
    case .methodCall(let receiver, let name, let arguments):
      return methodCall(receiver, name, [first] + arguments, span)
    case .attribute(let receiver, let name): return methodCall(receiver, name, [first], span)
    default: return call(target, [first], span)
    }
  }
}

extension Expr {
  var ungrouped: Expr {
    var current = self
    while case .group(let inner) = current.kind { current = inner }
    return current
  }
}

extension Argument {
  var isSpread: Bool {
    switch kind {
    case .spreadList, .spreadRecord: true
    case .positional, .named: false
    }
  }
}
