import Syntax

/// Writes syntax trees as S-expressions, for tests.
public func treeText(_ program: Program) -> String {
  program.body.statements.map(treeText).joined(separator: "\n")
}

/// The tree of an expression or statement; the messages if it does not parse.
public func tree(_ text: String) -> String {
  let program = parse(Source(name: "test", text: text))
  if !program.diagnostics.isEmpty {
    return program.diagnostics.map { "error: \($0.message)" }.joined(separator: "\n")
  }
  return treeText(program)
}

public func treeText(_ statement: Stmt) -> String {
  func prefix(_ scope: AssignScope) -> String {
    switch scope {
    case .local: ""
    case .constant: "const "
    case .outer: "outer "
    }
  }
  switch statement.kind {
  case .expression(let expr): return treeText(expr)
  case .assign(let scope, let pattern, let value):
    return "(\(prefix(scope))= \(treeText(pattern)) \(treeText(value)))"
  case .augmentedAssign(let scope, let target, let op, let value):
    return "(\(prefix(scope))\(op.rawValue)= \(treeText(target)) \(treeText(value)))"
  case .function(let function): return treeText(function)
  case .for(let pattern, let items, let body):
    return "(for \(treeText(pattern)) \(treeText(items)) \(treeText(body)))"
  case .while(let condition, let body): return "(while \(treeText(condition)) \(treeText(body)))"
  case .break: return "(break)"
  case .continue: return "(continue)"
  case .return(let value): return value.map { "(return \(treeText($0)))" } ?? "(return)"
  case .import(let item):
    return "(import \(item.isFile ? "\"\(item.path)\"" : item.path) \(item.name.text))"
  case .invalid: return "(invalid)"
  }
}

public func treeText(_ block: Block) -> String {
  "{" + block.statements.map(treeText).joined(separator: "; ") + "}"
}

public func treeText(_ pattern: Pattern) -> String {
  switch pattern {
  case .name(let name): name.text
  case .place(let place): treeText(place)
  case .list(let items, _): "[" + items.map(treeText).joined(separator: " ") + "]"
  case .rest(let name, _): "*" + name.text
  case .record(let fields, _): "{" + fields.map { "\($0.key.text):\(treeText($0.target))" }.joined(separator: " ") + "}"
  }
}

public func treeText(_ function: Function) -> String {
  var text = "(fn"
  if let name = function.name { text += " " + name.text }
  text += " (" + function.parameters.map(treeText).joined(separator: " ") + ")"
  if let result = function.result { text += " -> " + treeText(result) }
  switch function.body {
  case .expression(let expr): text += " " + treeText(expr)
  case .block(let block): text += " " + treeText(block)
  }
  return text + ")"
}

public func treeText(_ parameter: Parameter) -> String {
  var text = parameter.kind == .rest ? "*" : parameter.kind == .named ? "**" : ""
  text += parameter.name.text
  if let type = parameter.type { text += ":" + treeText(type) }
  for check in parameter.checks { text += check.op.rawValue + treeText(check.operand) }
  if let value = parameter.defaultValue { text += "=" + treeText(value) }
  return text
}

public func treeText(_ type: TypeExpr) -> String {
  type.alternatives.map { term in
    guard let arguments = term.arguments else { return term.name.text }
    let inner = arguments.map { argument in
      switch argument {
      case .type(let type): treeText(type)
      case .size(let size, _): "\(size)"
      case .ellipsis: "..."
      }
    }
    return "\(term.name.text)[\(inner.joined(separator: ","))]"
  }.joined(separator: "|")
}

public func treeText(_ expr: Expr) -> String {
  switch expr.kind {
  case .none: return "none"
  case .bool(let value): return "\(value)"
  case .int(let value): return "\(value)"
  case .float(let value): return "\(value)"
  case .string(let parts):
    let inner = parts.map { part in
      switch part {
      case .text(let text): text.debugDescription
      case .interpolation(let value, let format): "{\(treeText(value))\(format.map(formatText) ?? "")}"
      }
    }
    return parts.isEmpty ? "\"\"" : inner.joined(separator: "+")
  case .name(let name): return name
  case .group(let inner): return "(group \(treeText(inner)))"
  case .list(let items):
    return "[" + items.map { ($0.isSpread ? "*" : "") + treeText($0.value) }.joined(separator: " ") + "]"
  case .comprehension(let value, let clauses):
    let inner = clauses.map { clause in
      switch clause {
      case .for(let pattern, let items): "(for \(treeText(pattern)) \(treeText(items)))"
      case .if(let condition): "(if \(treeText(condition)))"
      }
    }
    return "[\(treeText(value)) \(inner.joined(separator: " "))]"
  case .record(let items):
    let inner = items.map { item in
      switch item {
      case .field(let key, let value): "\(key.text):\(treeText(value))"
      case .spread(let value): "..." + treeText(value)
      }
    }
    return "{" + inner.joined(separator: " ") + "}"
  case .unary(let op, let operand): return "(\(op.rawValue) \(treeText(operand)))"
  case .binary(let op, let left, let right, _): return "(\(op.rawValue) \(treeText(left)) \(treeText(right)))"
  case .logical(let op, let left, let right, _): return "(\(op.rawValue) \(treeText(left)) \(treeText(right)))"
  case .comparison(let first, let tails):
    return "(" + treeText(first) + tails.map { " \($0.op.rawValue) \(treeText($0.operand))" }.joined() + ")"
  case .range(let start, let end, let step):
    return "(\(treeText(start))..\(treeText(end))\(step.map { " by \(treeText($0))" } ?? ""))"
  case .call(let callee, let arguments): return "(call \(treeText(callee))\(arguments.map(treeText).joined()))"
  case .methodCall(let receiver, let name, let arguments):
    return "(\(treeText(receiver)).\(name.text)\(arguments.map(treeText).joined()))"
  case .attribute(let base, let name): return "\(treeText(base)).\(name.text)"
  case .index(let base, let subscripts):
    let inner = subscripts.map { item in
      switch item {
      case .value(let value): treeText(value)
      case .slice(let start, let stop, let step, _):
        [start, stop, step].map { $0.map(treeText) ?? "" }.joined(separator: ":")
      case .ellipsis: "..."
      }
    }
    return "\(treeText(base))[\(inner.joined(separator: ","))]"
  case .pipe(let value, let target): return "(|> \(treeText(value)) \(treeText(target)))"
  case .function(let function): return treeText(function)
  case .if(let branches, let otherwise):
    let inner = branches.map { "\(treeText($0.condition)) \(treeText($0.body))" }
    return "(if \(inner.joined(separator: " "))\(otherwise.map { " else \(treeText($0))" } ?? ""))"
  case .try(let body, let handler, let cleanup):
    let caught = handler.map { " \($0.name?.text ?? "_") \(treeText($0.body))" } ?? ""
    return "(try \(treeText(body))\(caught)\(cleanup.map { " finally \(treeText($0))" } ?? ""))"
  case .invalid: return "(invalid)"
  }
}

private func treeText(_ argument: Argument) -> String {
  switch argument.kind {
  case .positional: " \(treeText(argument.value))"
  case .named(let name): " \(name.text)=\(treeText(argument.value))"
  case .spreadList: " *\(treeText(argument.value))"
  case .spreadRecord: " **\(treeText(argument.value))"
  }
}

private func formatText(_ format: FormatSpec) -> String {
  var text = ":"
  if let alignment = format.alignment { text += "\(format.fill)\(alignment.rawValue)" }
  if let sign = format.sign { text.append(sign.rawValue) }
  if format.isAlternate { text += "#" }
  if format.padsWithZeros { text += "0" }
  if let width = format.width { text += "\(width)" }
  if let grouping = format.grouping { text.append(grouping) }
  if let precision = format.precision { text += ".\(precision)" }
  if let type = format.type { text.append(type) }
  return text
}
