/// The variables of one function, or of a program's top level, found before any of it is made into nodes.
///
/// A variable belongs to the function that assigns it, wherever in the function it does so, unless `outer` says otherwise;
/// blocks make no scope. That is why scopes are found in walks of their own: what a name means depends on text that comes
/// later. The variables of a comprehension are its own: they live in the function under a name with the place of the
/// comprehension, `x@120`, which no program can write.
///
/// A variable that functions within use is shared with them (`captured` here, `free` there) and lives in a cell on the
/// heap, but for parameters that nothing sets (`fixed`), whose values functions within simply get.
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

/// Where a walk stands: the function, the comprehension variables in force there, and the loops around it in the function.
struct ScopePlace {
  var scope: FunctionScope
  /// What the variables of comprehensions are called in the function.
  var renames: [String: String] = [:]
  var loopDepth = 0

  /// The same place within a further loop; of a comprehension, with its variables.
  func inLoop(_ variables: Pattern?) -> ScopePlace {
    var inner = self
    inner.loopDepth += 1
    for name in variables?.names ?? [] { inner.renames[name.text] = name.uniqueInComprehension }
    return inner
  }
}

/// A walk through a program that knows at each place which variable a name means.
protocol ScopedWalk: ProgramWalk {
  /// The place, last, and those that the walk comes back to.
  var places: [ScopePlace] { get set }
  /// The scope of a function that the walk has come to.
  mutating func scope(of function: Function) -> FunctionScope?
}

extension ScopedWalk {
  var place: ScopePlace { places[places.count - 1] }
  var scope: FunctionScope { place.scope }

  mutating func visit(_ function: Function) {
    guard let inner = scope(of: function) else { return }
    places.append(ScopePlace(scope: inner))
    walk(function)
    places.removeLast()
  }

  mutating func enterLoop(_ variables: Pattern?) { places.append(place.inLoop(variables)) }

  mutating func leaveLoop() { places.removeLast() }
}

extension Name {
  /// What a variable of a comprehension is called in its function.
  var uniqueInComprehension: String { "\(text)@\(span.start)" }
}

/// Finds the scopes of a program in two walks: the first makes them and notes what each function assigns, the second
/// notes what it uses. Functions are known by the place of their header.
struct ScopeFinder {
  let scopes: [Span: FunctionScope]
  let top = FunctionScope(parent: nil, outside: [:])

  init(_ program: Program) {
    var declarations = Declarations(places: [ScopePlace(scope: top)])
    declarations.walk(program.body)
    scopes = declarations.scopes
    // `outer` counts for the whole function, wherever it stands in it.
    for scope in scopes.values { scope.locals.subtract(scope.outerNames.subtracting(scope.parameters)) }
    var uses = Uses(scopes: scopes, places: [ScopePlace(scope: top)])
    uses.walk(program.body)
    let changedOutside = scopes.values.reduce(into: declarations.changedOutside) { $0.formUnion($1.outerNames) }
    for scope in scopes.values where scope.mayHaveFixed {
      scope.fixed = Set(scope.parameters).filter {
        scope.assignments[$0] == nil && !scope.changed.contains($0) && !changedOutside.contains($0)
      }
    }
  }

  /// Whether some function sets a variable further out of this name.
  func isSetFromWithin(_ name: String) -> Bool { scopes.values.contains { $0.outerNames.contains(name) } }
}

/// Makes the scopes, and notes what each function assigns.
private struct Declarations: ScopedWalk {
  var scopes: [Span: FunctionScope] = [:]
  /// Variables of which some `outer` sets a part.
  var changedOutside: Set<String> = []
  var places: [ScopePlace]

  init(places: [ScopePlace]) { self.places = places }

  mutating func scope(of function: Function) -> FunctionScope? {
    let inner = FunctionScope(parent: scope, outside: place.renames)
    for parameter in function.parameters {
      inner.locals.insert(parameter.name.text)
      inner.parameters.append(parameter.name.text)
      if let value = parameter.defaultValue, constant(value) == nil { inner.mayHaveFixed = false }
    }
    scopes[function.headerSpan] = inner
    return inner
  }

  private func assign(_ name: Name) {
    scope.assignments[name.text, default: 0] += 1
    if !scope.isTopLevel {
      scope.locals.insert(name.text)
    } else if scope.globals[name.text] == nil {
      scope.globals[name.text] = name.span
    }
  }

  private func assign(_ pattern: Pattern) {
    for name in pattern.names { assign(name) }
    scope.changed.formUnion(pattern.changedNames)
  }

  mutating func visit(_ statement: Stmt) {
    switch statement.kind {
    case .assign(.outer, let pattern, _):
      scope.outerNames.formUnion(pattern.names.map(\.text))
      changedOutside.formUnion(pattern.changedNames)
    case .assign(_, let pattern, _), .for(let pattern, _, _): assign(pattern)
    case .augmentedAssign(.outer, let target, _, _): if let root = target.rootName { scope.outerNames.insert(root) }
    case .augmentedAssign(_, let target, _, _):
      if case .name(let name) = target.kind {
        scope.assignments[name, default: 0] += 1
      } else if let root = target.rootName {
        scope.changed.insert(root)
      }
    case .function(let function): if let name = function.name { assign(name) }
    case .import(let item): assign(item.name)
    case .expression, .while, .break, .continue, .return, .invalid: break
    }
    walk(statement)
  }

  mutating func visit(_ expression: Expr) {
    if case .try(_, let handler, _) = expression.kind, let name = handler?.name { assign(name) }
    walk(expression)
  }

  mutating func enterLoop(_ variables: Pattern?) {
    places.append(place.inLoop(variables))
    scope.locals.formUnion(variables?.names.map(\.uniqueInComprehension) ?? [])
  }
}

/// Notes which variables each function uses, its own and those of functions around it.
private struct Uses: ScopedWalk {
  let scopes: [Span: FunctionScope]
  var places: [ScopePlace]

  func scope(of function: Function) -> FunctionScope? { scopes[function.headerSpan] }

  /// - Parameter offset: Where the variable is read, if it is.
  private func use(_ name: String, at offset: Int32? = nil) { scope.use(name, place.renames, at: offset) }

  mutating func visit(_ statement: Stmt) {
    switch statement.kind {
    case .function(let function): if let name = function.name { use(name.text) }
    case .import(let item): use(item.name.text)
    default: break
    }
    walk(statement)
  }

  mutating func visit(_ pattern: Pattern) {
    switch pattern {
    case .name(let name), .rest(let name, _): use(name.text)
    case .place, .list, .record: walk(pattern)
    }
  }

  mutating func visit(_ expression: Expr) {
    switch expression.kind {
    case .name(let name): use(name, at: expression.span.start)
    // `x.f` may be `f(x)`.
    case .methodCall(_, let name, _), .attribute(_, let name): use(name.text, at: name.span.start)
    case .try(_, let handler, _): if let name = handler?.name { use(name.text) }
    default: break
    }
    walk(expression)
  }
}
