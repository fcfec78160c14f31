/// The variables of one function, or of a program's top level, found before any of it is made into nodes.
///
/// Blocks make no scope. The variables of a comprehension are its own: they live in the function under a name with the
/// place of the comprehension, `x@120`, which no program can write.
final class FunctionScope {
  let parent: FunctionScope?
  /// Comprehension variables in force where the function is written.
  let outside: [String: String]
  /// Parameters and assigned names; at the top level only the variables of comprehensions.
  var locals: Set<String> = []
  var parameters: [String] = []
  /// Top level: the names that the program assigns, with where it does so first.
  var globals: [String: Span] = [:]
  /// How often each name is assigned.
  var assignments: [String: Int] = [:]
  /// Names that `outer` declares to belong to a function further out.
  var outerNames: Set<String> = []
  /// Variables of which parts are set: `xs[0] = 1`.
  var changed: Set<String> = []
  /// Parameters that nothing sets: functions within get their values rather than a share in them.
  var fixed: Set<String> = []
  /// Whether no default is computed, so that all parameters are there before anything runs.
  var mayHaveFixed = true
  /// Locals that functions within use.
  var captured: Set<String> = []
  /// Where each variable of this function is read, in it or in functions within it.
  private var reads: [String: [Int32]] = [:]
  /// Variables of functions around this one that it or functions within it use, in the order of their slots.
  var free: [String] = []

  init(parent: FunctionScope?, outside: [String: String]) {
    self.parent = parent
    self.outside = outside
  }

  var isTopLevel: Bool { parent == nil }

  /// The function whose variable a name is, and the name there; `nil` for globals, built-ins and unknown names.
  func owner(of name: String, _ renames: [String: String]) -> (FunctionScope, String)? {
    if let renamed = renames[name] { return (self, renamed) }
    if locals.contains(name) { return (self, name) }
    return parent?.owner(of: name, outside)
  }

  /// Whether a name means a parameter, here or further out, that nothing sets.
  func isFixed(_ name: String, _ renames: [String: String]) -> Bool {
    guard let (owner, unique) = owner(of: name, renames) else { return false }
    return owner.fixed.contains(unique)
  }

  /// Whether the text between two places reads a variable of this function.
  func isRead(_ unique: String, from start: Int32, to end: Int32) -> Bool {
    reads[unique]?.reversed().contains { $0 >= start && $0 < end } ?? false
  }

  /// Marks a use of a variable; of one of a function further out, along the way.
  ///
  /// - Parameter place: where it is read, if it is.
  func use(_ name: String, _ renames: [String: String], at place: Int32? = nil) {
    guard let (owner, unique) = owner(of: name, renames) else { return }
    if let place { owner.reads[unique, default: []].append(place) }
    guard owner !== self else { return }
    owner.captured.insert(unique)
    var scope: FunctionScope? = self
    while let current = scope, current !== owner {
      if !current.free.contains(unique) { current.free.append(unique) }
      scope = current.parent
    }
  }
}

/// Finds the scopes of a program. Functions are known by the place of their header.
struct ScopeFinder {
  private(set) var scopes: [Span: FunctionScope] = [:]
  let top = FunctionScope(parent: nil, outside: [:])

  /// Names that some `outer` sets, or sets a part of.
  private var changedOutside: Set<String> = []

  init(_ program: Program) {
    collect(program.body, top)
    walk(program.body, top, [:])
    for scope in scopes.values {
      changedOutside.formUnion(scope.outerNames)
    }
    for scope in scopes.values where scope.mayHaveFixed {
      scope.fixed = Set(scope.parameters).filter {
        scope.assignments[$0] == nil && !scope.changed.contains($0) && !changedOutside.contains($0)
      }
    }
  }

  /// Whether some function sets a variable further out of this name.
  func isSetFromWithin(_ name: String) -> Bool { scopes.values.contains { $0.outerNames.contains(name) } }

  // MARK: Names that a function assigns

  private func assign(_ name: Name, _ scope: FunctionScope) {
    scope.assignments[name.text, default: 0] += 1
    if scope.isTopLevel {
      if scope.globals[name.text] == nil { scope.globals[name.text] = name.span }
    } else if !scope.outerNames.contains(name.text) {
      scope.locals.insert(name.text)
    }
  }

  private func assign(_ pattern: Pattern, _ scope: FunctionScope) {
    switch pattern {
    case .name(let name), .rest(let name, _): assign(name, scope)
    case .place(let place): if let root = place.rootName { scope.changed.insert(root) }
    case .list(let items, _): for item in items { assign(item, scope) }
    case .record(let fields, _): for field in fields { assign(field.target, scope) }
    }
  }

  private mutating func declareOuter(_ pattern: Pattern, _ scope: FunctionScope) {
    switch pattern {
    case .name(let name), .rest(let name, _): scope.outerNames.insert(name.text)
    case .place(let place): if let root = place.rootName { changedOutside.insert(root) }
    case .list(let items, _): for item in items { declareOuter(item, scope) }
    case .record(let fields, _): for field in fields { declareOuter(field.target, scope) }
    }
  }

  private mutating func collect(_ block: Block, _ scope: FunctionScope) {
    for statement in block.statements {
      switch statement.kind {
      case .assign(.outer, let pattern, let value):
        declareOuter(pattern, scope)
        collect(value, scope)
      case .assign(_, let pattern, let value):
        assign(pattern, scope)
        collect(value, scope)
      case .augmentedAssign(let kind, let target, _, let value):
        if case .name(let name) = target.kind {
          if kind == .outer { scope.outerNames.insert(name) } else { scope.assignments[name, default: 0] += 1 }
        } else if let root = target.rootName {
          if kind == .outer { scope.outerNames.insert(root) } else { scope.changed.insert(root) }
        }
        collect(value, scope)
      case .function(let function): if let name = function.name { assign(name, scope) }
      case .for(let pattern, let iterable, let body):
        assign(pattern, scope)
        collect(iterable, scope)
        collect(body, scope)
      case .while(let condition, let body):
        collect(condition, scope)
        collect(body, scope)
      case .import(let item): assign(item.name, scope)
      case .expression(let value): collect(value, scope)
      case .return(let value): if let value { collect(value, scope) }
      case .break, .continue, .invalid: break
      }
    }
  }

  /// Blocks within expressions.
  private mutating func collect(_ expression: Expr, _ scope: FunctionScope) {
    switch expression.kind {
    case .if(let branches, let otherwise):
      for branch in branches {
        collect(branch.condition, scope)
        collect(branch.body, scope)
      }
      if let otherwise { collect(otherwise, scope) }
    case .try(let body, let handler, let cleanup):
      collect(body, scope)
      if let name = handler?.name { assign(name, scope) }
      if let handler { collect(handler.body, scope) }
      if let cleanup { collect(cleanup, scope) }
    case .function: break
    default: for child in expression.children { collect(child, scope) }
    }
  }

  // MARK: Uses

  private mutating func walk(_ block: Block, _ scope: FunctionScope, _ renames: [String: String]) {
    for statement in block.statements {
      switch statement.kind {
      case .assign(_, let pattern, let value):
        walk(pattern, scope, renames)
        walk(value, scope, renames)
      case .augmentedAssign(_, let target, _, let value):
        walk(target, scope, renames)
        walk(value, scope, renames)
      case .function(let function):
        if let name = function.name { scope.use(name.text, renames) }
        walk(function, scope, renames)
      case .for(let pattern, let iterable, let body):
        walk(pattern, scope, renames)
        walk(iterable, scope, renames)
        walk(body, scope, renames)
      case .while(let condition, let body):
        walk(condition, scope, renames)
        walk(body, scope, renames)
      case .expression(let value): walk(value, scope, renames)
      case .return(let value): if let value { walk(value, scope, renames) }
      case .import(let item): scope.use(item.name.text, renames)
      case .break, .continue, .invalid: break
      }
    }
  }

  private mutating func walk(_ pattern: Pattern, _ scope: FunctionScope, _ renames: [String: String]) {
    switch pattern {
    case .name(let name), .rest(let name, _): scope.use(name.text, renames)
    case .place(let place): walk(place, scope, renames)
    case .list(let items, _): for item in items { walk(item, scope, renames) }
    case .record(let fields, _): for field in fields { walk(field.target, scope, renames) }
    }
  }

  private mutating func walk(_ function: Function, _ scope: FunctionScope, _ renames: [String: String]) {
    let inner = FunctionScope(parent: scope, outside: renames)
    scopes[function.headerSpan] = inner
    for parameter in function.parameters {
      inner.locals.insert(parameter.name.text)
      inner.parameters.append(parameter.name.text)
      if let value = parameter.defaultValue, constant(value) == nil { inner.mayHaveFixed = false }
    }
    if case .block(let body) = function.body { collectWithOuter(body, inner) }
    if case .expression(let body) = function.body { collect(body, inner) }
    for parameter in function.parameters {
      if let value = parameter.defaultValue { walk(value, inner, [:]) }
      for check in parameter.checks { walk(check.operand, inner, [:]) }
    }
    switch function.body {
    case .block(let body): walk(body, inner, [:])
    case .expression(let body): walk(body, inner, [:])
    }
  }

  /// `outer` counts for the whole function, wherever it stands in it.
  private mutating func collectWithOuter(_ block: Block, _ scope: FunctionScope) {
    collect(block, scope)
    scope.locals.subtract(scope.outerNames.subtracting(scope.parameters))
  }

  private mutating func walk(_ expression: Expr, _ scope: FunctionScope, _ renames: [String: String]) {
    switch expression.kind {
    case .name(let name): scope.use(name, renames, at: expression.span.start)
    case .function(let function): walk(function, scope, renames)
    case .comprehension(let element, let clauses):
      var inner = renames
      for clause in clauses {
        switch clause {
        case .for(let pattern, let iterable):
          walk(iterable, scope, inner)
          for name in pattern.names {
            let unique = "\(name.text)@\(name.span.start)"
            scope.locals.insert(unique)
            inner[name.text] = unique
          }
          walk(pattern, scope, inner)
        case .if(let condition): walk(condition, scope, inner)
        }
      }
      walk(element, scope, inner)
    case .if(let branches, let otherwise):
      for branch in branches {
        walk(branch.condition, scope, renames)
        walk(branch.body, scope, renames)
      }
      if let otherwise { walk(otherwise, scope, renames) }
    case .try(let body, let handler, let cleanup):
      walk(body, scope, renames)
      if let name = handler?.name { scope.use(name.text, renames) }
      if let handler { walk(handler.body, scope, renames) }
      if let cleanup { walk(cleanup, scope, renames) }
    case .methodCall(let receiver, let name, let arguments):
      scope.use(name.text, renames, at: name.span.start)
      walk(receiver, scope, renames)
      for argument in arguments { walk(argument.value, scope, renames) }
    case .attribute(let receiver, let name):
      scope.use(name.text, renames, at: name.span.start)
      walk(receiver, scope, renames)
    default:
      for child in expression.children { walk(child, scope, renames) }
    }
  }
}

extension Pattern {
  /// The variables it sets.
  var names: [Name] {
    switch self {
    case .name(let name), .rest(let name, _): [name]
    case .place: []
    case .list(let items, _): items.flatMap(\.names)
    case .record(let fields, _): fields.flatMap(\.target.names)
    }
  }
}

extension Expr {
  /// `x` of `x[0].name`.
  var rootName: String? {
    var current = self
    while true {
      switch current.kind {
      case .index(let container, _), .attribute(let container, _): current = container
      case .group(let inner): current = inner
      case .name(let name): return name
      default: return nil
      }
    }
  }

  var children: [Expr] {
    var children: [Expr] = []
    forEachChild { children.append($0) }
    return children
  }

  /// The expressions directly within; blocks and functions are left to the caller.
  func forEachChild(_ body: (Expr) -> Void) {
    switch kind {
    case .none, .bool, .int, .float, .name, .invalid, .function, .if, .try: break
    case .string(let parts): for part in parts { if case .interpolation(let value, _) = part { body(value) } }
    case .group(let inner): body(inner)
    case .list(let items): for item in items { body(item.value) }
    case .comprehension(let element, let clauses):
      for clause in clauses {
        switch clause {
        case .for(_, let iterable): body(iterable)
        case .if(let condition): body(condition)
        }
      }
      body(element)
    case .record(let items):
      for item in items {
        switch item {
        case .field(_, let value), .spread(let value): body(value)
        }
      }
    case .unary(_, let operand): body(operand)
    case .binary(_, let left, let right, _), .logical(_, let left, let right, _), .pipe(let left, let right):
      body(left)
      body(right)
    case .comparison(let first, let tails):
      body(first)
      for tail in tails { body(tail.operand) }
    case .range(let start, let end, let step):
      body(start)
      body(end)
      if let step { body(step) }
    case .call(let callee, let arguments):
      body(callee)
      for argument in arguments { body(argument.value) }
    case .methodCall(let receiver, _, let arguments):
      body(receiver)
      for argument in arguments { body(argument.value) }
    case .attribute(let receiver, _): body(receiver)
    case .index(let container, let subscripts):
      body(container)
      for part in subscripts {
        switch part {
        case .value(let value): body(value)
        case .slice(let start, let stop, let step, _):
          for bound in [start, stop, step] { if let bound { body(bound) } }
        case .ellipsis: break
        }
      }
    }
  }
}
