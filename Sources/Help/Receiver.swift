import Interpreter

/// What is known of an expression without running it: its value, where that is there already, or the type that is
/// declared of it.
///
/// Names, fields, members and elements of what is there are read as far as that computes nothing; a call is worth what its
/// signature returns. So `rows[0].`, `net.parameters.` and `mnist("data").` can be completed, and nothing of the user's
/// runs for it.
struct Receiver {
  /// What an expression is.
  enum Known {
    case value(Value)
    case type(DeclaredType)
    /// A module of the library that is not imported.
    case module(ModuleDocumentation)
  }

  let session: Session

  /// How deep an expression may be.
  private static let maximumDepth = 50

  /// What an expression is; nil where nothing is known.
  func known(_ text: String) -> Known? {
    let program = parse(Source(name: "", text: text))
    guard program.diagnostics.isEmpty, program.body.statements.count == 1,
      case .expression(let expression)? = program.body.statements.first?.kind
    else { return nil }
    return known(expression, 0)
  }

  private func known(_ expression: Expr, _ depth: Int) -> Known? {
    if depth > Self.maximumDepth { return nil }
    switch expression.kind {
    case .none: return .value(.none)
    case .bool(let value): return .value(.bool(value))
    case .int(let value): return .value(.int(value))
    case .float(let value): return .value(.float(value))
    case .string: return type("string")
    case .group(let inner): return known(inner, depth + 1)
    case .name(let name): return known(name: name)
    case .range: return type("range")
    case .comparison: return type("bool | tensor")
    case .comprehension(let element, _): return list(of: known(element, depth + 1))
    case .list(let items):
      guard let first = items.first, !first.isSpread else { return type("list") }
      return list(of: known(first.value, depth + 1))
    case .record(let items): return record(items, depth)
    case .unary(_, let operand): return known(operand, depth + 1)
    case .binary(_, let left, let right, _): return binary(known(left, depth + 1), known(right, depth + 1))
    case .attribute(let base, let name): return known(base, depth + 1).flatMap { member(name.text, of: $0) }
    case .index(let base, let parts): return known(base, depth + 1).flatMap { element(parts, of: $0) }
    case .call(let callee, _): return result(of: callee, depth)
    case .methodCall(let base, let name, _): return result(of: name.text, on: known(base, depth + 1))
    case .pipe(_, let target):
      switch target.kind {
      case .call(let callee, _): return result(of: callee, depth)
      case .methodCall(let module, let name, _): return result(of: name.text, on: known(module, depth + 1))
      case .name, .attribute: return result(of: target, depth)
      default: return nil
      }
    default: return nil
    }
  }

  private func type(_ text: String) -> Known? { DeclaredType(text).map { .type($0) } }

  private func list(of element: Known?) -> Known? {
    switch element {
    case .value(let value): .value(Value([value]))
    case .type(let element): type("list[\(element.text)]") ?? type("list")
    default: type("list")
    }
  }

  /// A record whose fields have the values that are known.
  private func record(_ items: [RecordItem], _ depth: Int) -> Known? {
    var fields: [(String, Value)] = []
    for item in items {
      guard case .field(let key, let expression) = item else { continue }
      var value = Value.none
      if case .value(let known)? = known(expression, depth + 1) { value = known }
      fields.append((key.text, value))
    }
    return .value(Value(fields: fields))
  }

  /// Tensors make tensors; of the rest the left side tells.
  private func binary(_ left: Known?, _ right: Known?) -> Known? {
    let isTensor = [left, right].contains { side in
      guard let side, let tensor = DeclaredType("tensor") else { return false }
      switch side {
      case .value(.object(let object)): return object.isKind(of: "tensor")
      case .type(let type): return type.names == ["tensor"] && tensor.takes(type)
      default: return false
      }
    }
    return isTensor ? type("tensor") : left
  }

  func known(name: String) -> Known? {
    if let value = session[name] { return .value(value) }
    if let constant = session.table.constants[name] { return .value(constant.value) }
    if session.table.functions[name] != nil { return type("function") }
    return session.moduleDocumentation(of: name).map { .module($0) }
  }

  // MARK: Parts

  /// The members of what is known, and their types.
  func members(of known: Known) -> [Member] {
    switch known {
    case .value(let value): session.members(of: value)
    case .type(let type): type.names.flatMap { session.table.kinds[$0]?.members ?? [] }
    case .module: []
    }
  }

  /// `known.name`.
  func member(_ name: String, of known: Known) -> Known? {
    switch known {
    case .value(.record(let record)): return record[name].map { .value($0) }
    case .value(.module(let module)): return module[name].map { .value($0) }
    case .module: return type("function")
    default:
      guard let member = members(of: known).first(where: { $0.name == name }) else { return nil }
      if case .value(let value) = known, let part = session.part(member, of: value) { return .value(part) }
      return type(member.type)
    }
  }

  /// `known[parts]`.
  private func element(_ parts: [Subscript], of known: Known) -> Known? {
    guard parts.count == 1, case .value(let index)? = parts.first else {
      // A slice is what it is taken of, an index of several axes is for tensors.
      return known
    }
    switch known {
    case .value(.record(let record)):
      guard case .string(let pieces) = index.kind, case .text(let name)? = pieces.first else { return nil }
      return record[name].map { .value($0) }
    case .value(.list(let list)):
      var place = 0
      if case .int(let given) = index.kind { place = given }
      if case .unary(.negate, let operand) = index.kind, case .int(let given) = operand.kind {
        place = list.items.count &- given
      }
      if list.items.indices.contains(place) { return .value(list.items[place]) }
      return list.items.first.map { .value($0) }
    case .value(.range): return type("int")
    case .value(.string): return type("string")
    case .value(.object(let object)):
      if object.isKind(of: "dataset") { return (try? object.element(at: 0)).flatMap { $0 }.map { .value($0) } }
      return type(object.typeName)
    case .type(let type):
      if let element = type.element { return .type(element) }
      return type.names.contains("tensor") || type.names.contains("string") ? known : nil
    default: return nil
    }
  }

  // MARK: Calls

  private func result(of callee: Expr, _ depth: Int) -> Known? {
    switch callee.kind {
    case .name(let name): return returned(session.outline(of: name))
    case .attribute(let base, let name): return result(of: name.text, on: known(base, depth + 1))
    default:
      guard case .value(let value)? = known(callee, depth + 1) else { return nil }
      return returned(session.outline(of: value))
    }
  }

  /// `known.name(…)`: a member that can be called, or a function with what is known as its first argument.
  private func result(of name: String, on known: Known?) -> Known? {
    switch known {
    case .module(let module): return returned(session.outline(of: "\(module.name).\(name)"))
    case .value(let value):
      switch value {
      case .module(let module): return module[name].flatMap { session.outline(of: $0) }.flatMap { returned($0) }
      case .record(let record):
        if let field = record[name], let outline = session.outline(of: field) { return returned(outline) }
      default: break
      }
    default: break
    }
    return returned(session.outline(of: name))
  }

  private func returned(_ outline: FunctionOutline?) -> Known? {
    guard let result = outline?.result, !result.isAny else { return nil }
    return .type(result)
  }
}
