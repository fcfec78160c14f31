/// Finds what runs but is hardly meant: names that nothing reads, methods that nothing has, braces around a variable in a
/// string that puts no values in, and random numbers that every round of a loop draws again.
///
/// The variables and functions of the top level count only in a program that does something: a file of nothing but
/// definitions, or whose own name starts with `_`, is there for those who import it.
///
/// Names that start with `_` are left alone, as are parameters and the variables of loops, which cannot be left out. Of
/// the variables that one assignment sets together, one that is read is enough.
struct ProgramWarnings {
  private enum Kind { case variable, function, module, privateFunction }

  private struct Method {
    var receiver: Expr
    var name: Name
  }

  private struct Candidate {
    var names: [Name]
    var kind: Kind
    var scope: FunctionScope
  }

  private struct Use: Hashable {
    var scope: ObjectIdentifier
    var name: String
  }

  private let source: Source
  private let scopes: ScopeFinder
  private let compiler: Compiler
  private let doesSomething: Bool
  private var others: [Diagnostic] = []
  private var candidates: [Candidate] = []
  private var known: Set<Use> = []
  private var uses: Set<Use> = []
  /// Names of fields that the program speaks of, other than by calling them.
  private var fields: Set<String> = []
  private var methods: [Method] = []
  private var imported: Set<String> = []
  /// Loops around this place in its function.
  private var loopDepth = 0

  /// - Parameter compiler: of the same program, when it has compiled it.
  init(_ program: Program, _ compiler: Compiler) {
    source = program.source
    scopes = compiler.scopes
    self.compiler = compiler
    let isForImport = program.source.name.split(separator: "/").last?.hasPrefix("_") ?? false
    doesSomething =
      !isForImport
      && program.body.statements.contains { statement in
        switch statement.kind {
        case .assign, .function, .import, .invalid: false
        default: true
        }
      }
    walk(program.body, scopes.top, [:])
  }

  /// The warnings, in the order of the text.
  var diagnostics: [Diagnostic] {
    (unused + unknownMethods + others).sorted { ($0.span?.start ?? 0) < ($1.span?.start ?? 0) }
  }

  private var unused: [Diagnostic] {
    candidates.compactMap { candidate in
      let isUsed = candidate.names.contains {
        uses.contains(Use(scope: ObjectIdentifier(candidate.scope), name: $0.text))
      }
      guard !isUsed, let first = candidate.names.first, let last = candidate.names.last else { return nil }
      let names = candidate.names.map(\.text).joined(separator: " and ")
      return Diagnostic(
        .warning, message(candidate.kind, names), source: source, span: first.span.union(last.span),
        hint: hint(candidate.kind, first.text, candidate.scope))
    }
  }

  /// Calls `x.name(…)` of a name that is no function and no field that the program speaks of, but nearly one.
  private var unknownMethods: [Diagnostic] {
    let names = compiler.knownNames()
    let functions = Set(names).union(fields)
    return methods.compactMap { method in
      let name = method.name.text
      guard !functions.contains(name), !isModule(method.receiver) else { return nil }
      let advice = compiler.session.table.advice[name]
      guard let hint = advice ?? nearestNames(to: name, in: functions).first.map({ "did you mean \($0)?" }) else {
        return nil
      }
      return Diagnostic(
        .warning, "nothing here has \(name): it is no function and no field of this program", source: source,
        span: method.name.span, hint: hint)
    }
  }

  /// What a module has is looked up where the call is compiled.
  private func isModule(_ receiver: Expr) -> Bool {
    guard case .name(let name) = receiver.ungrouped.kind else { return false }
    if case .module? = compiler.globals[name] { return true }
    return imported.contains(name)
  }

  private func message(_ kind: Kind, _ names: String) -> String {
    switch kind {
    case .variable: "\(names) \(names.contains(" ") ? "are" : "is") set here and never used"
    case .function, .privateFunction: "the function \(names) is never used"
    case .module: "the module \(names) is imported and never used"
    }
  }

  private func hint(_ kind: Kind, _ name: String, _ scope: FunctionScope) -> String {
    switch kind {
    case .variable where !scope.isTopLevel && scopes.top.globals[name] != nil:
      "the \(name) of the top level is another one: outer \(name) = … sets that"
    case .variable, .function: "delete it, or name it _\(name) if that is meant"
    case .module: "delete the import, or write … as _\(name) for what the module does when it runs"
    case .privateFunction: "a name that starts with _ is for this file alone"
    }
  }

  // MARK: Names

  private mutating func add(_ names: [Name], _ kind: Kind, _ scope: FunctionScope) {
    let new = names.filter { name in
      !name.text.hasPrefix("_") && !scope.parameters.contains(name.text) && !scope.outerNames.contains(name.text)
        && known.insert(Use(scope: ObjectIdentifier(scope), name: name.text)).inserted
    }
    // One of several that was there before, or whose name says that it is not wanted, makes no warning of the others.
    if new.count == names.count, !names.isEmpty { candidates.append(Candidate(names: names, kind: kind, scope: scope)) }
  }

  private mutating func read(_ name: String, _ scope: FunctionScope, _ renames: [String: String]) {
    let (owner, unique) = scope.owner(of: name, renames) ?? (scopes.top, name)
    uses.insert(Use(scope: ObjectIdentifier(owner), name: unique))
  }

  // MARK: The tree

  private mutating func walk(_ block: Block, _ scope: FunctionScope, _ renames: [String: String]) {
    for statement in block.statements { walk(statement, scope, renames) }
  }

  private mutating func walk(_ statement: Stmt, _ scope: FunctionScope, _ renames: [String: String]) {
    switch statement.kind {
    case .assign(let kind, let pattern, let value):
      walk(value, scope, renames)
      walk(pattern, scope, renames)
      if kind != .outer, doesSomething || !scope.isTopLevel { add(pattern.names, .variable, scope) }
    case .augmentedAssign(_, let target, _, let value):
      walk(value, scope, renames)
      if case .name = target.kind { break }
      walk(target, scope, renames)
    case .function(let function):
      walk(function, scope, renames)
      guard let name = function.name else { break }
      if name.text.hasPrefix("_") {
        guard scope.isTopLevel else { break }
        candidates.append(Candidate(names: [name], kind: .privateFunction, scope: scope))
      } else if doesSomething || !scope.isTopLevel {
        add([name], .function, scope)
      }
    case .for(let pattern, let iterable, let body):
      walk(iterable, scope, renames)
      walk(pattern, scope, renames)
      loopDepth += 1
      walk(body, scope, renames)
      loopDepth -= 1
    case .while(let condition, let body):
      loopDepth += 1
      walk(condition, scope, renames)
      walk(body, scope, renames)
      loopDepth -= 1
    case .import(let item):
      imported.insert(item.name.text)
      add([item.name], .module, scope)
    case .expression(let value): walk(value, scope, renames)
    case .return(let value): if let value { walk(value, scope, renames) }
    case .break, .continue, .invalid: break
    }
  }

  /// Places of which a part is set: that may be a part of something shared, so it counts as a use.
  private mutating func walk(_ pattern: Pattern, _ scope: FunctionScope, _ renames: [String: String]) {
    switch pattern {
    case .name, .rest: break
    case .place(let place): walk(place, scope, renames)
    case .list(let items, _): for item in items { walk(item, scope, renames) }
    case .record(let fields, _):
      for field in fields {
        self.fields.insert(field.key.text)
        walk(field.target, scope, renames)
      }
    }
  }

  private mutating func walk(_ function: Function, _ scope: FunctionScope, _ renames: [String: String]) {
    guard let inner = scopes.scopes[function.headerSpan] else { return }
    let outerDepth = loopDepth
    loopDepth = 0
    defer { loopDepth = outerDepth }
    for parameter in function.parameters {
      if let value = parameter.defaultValue { walk(value, inner, [:]) }
      for check in parameter.checks { walk(check.operand, inner, [:]) }
    }
    switch function.body {
    case .block(let body): walk(body, inner, [:])
    case .expression(let body): walk(body, inner, [:])
    }
  }

  private mutating func walk(_ expression: Expr, _ scope: FunctionScope, _ renames: [String: String]) {
    switch expression.kind {
    case .name(let name): read(name, scope, renames)
    case .string(let parts):
      checkBraces(parts, expression.span, scope, renames)
      for child in expression.children { walk(child, scope, renames) }
    case .function(let function): walk(function, scope, renames)
    case .comprehension(let element, let clauses):
      var inner = renames
      let outerDepth = loopDepth
      defer { loopDepth = outerDepth }
      for clause in clauses {
        switch clause {
        case .for(let pattern, let iterable):
          walk(iterable, scope, inner)
          loopDepth += 1
          for name in pattern.names { inner[name.text] = "\(name.text)@\(name.span.start)" }
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
      if let handler { walk(handler.body, scope, renames) }
      if let cleanup { walk(cleanup, scope, renames) }
      if let name = handler?.name, !scope.isTopLevel { add([name], .variable, scope) }
    case .call(let callee, let arguments):
      if case .name(let name) = callee.ungrouped.kind { checkDraw(name, nil, arguments, callee.span, scope, renames) }
      for child in expression.children { walk(child, scope, renames) }
    case .methodCall(let receiver, let name, let arguments):
      checkDraw(name.text, receiver, arguments, name.span, scope, renames)
      // `x.f(…)` may be `f(x, …)`.
      read(name.text, scope, renames)
      methods.append(Method(receiver: receiver, name: name))
      for child in expression.children { walk(child, scope, renames) }
    case .record(let items):
      for case .field(let key, _) in items { fields.insert(key.text) }
      for child in expression.children { walk(child, scope, renames) }
    case .attribute(_, let name):
      // `x.f` may be `f(x)`.
      read(name.text, scope, renames)
      fields.insert(name.text)
      for child in expression.children { walk(child, scope, renames) }
    default: for child in expression.children { walk(child, scope, renames) }
    }
  }

  /// A draw without a seed within a loop: `rand(shape)`, `data.shuffled()`, `net(x, train=true)`.
  private mutating func checkDraw(
    _ name: String, _ receiver: Expr?, _ arguments: [Argument], _ span: Span, _ scope: FunctionScope,
    _ renames: [String: String]
  ) {
    guard loopDepth > 0, !arguments.contains(where: \.isSpread) else { return }
    var places = receiver == nil ? 0 : 1
    var isTraining = false
    for argument in arguments {
      switch argument.kind {
      case .named(let name):
        if name.text == "seed" { return }
        if name.text == "train", case .bool(true) = argument.value.kind { isTraining = true }
      default: places += 1
      }
    }
    let isVariable = scope.owner(of: name, renames) != nil || scopes.top.globals[name] != nil
    // Where the seed may stand without its name.
    let seedPlace = compiler.session.table.functions[name]?.signature.parameterNames.firstIndex(of: "seed") ?? 1
    switch name {
    case "rand", "randn", "randint", "randperm":
      // `r.rand(shape)` of a stream moves on by itself.
      if isVariable || places > seedPlace { return }
      if let receiver { if case .list = receiver.ungrouped.kind {} else { return } }
    case "shuffled": if isVariable || places > seedPlace { return }
    default:
      // Functions of the program and of modules that take train= may well have a seed of their own.
      guard isTraining, receiver == nil, isVariable, compiler.topFunctions[name] == nil, places < 3 else { return }
    }
    others.append(
      Diagnostic(
        .warning, "\(name) without seed draws the same numbers in every round", source: source, span: span,
        hint: "seed=i gives each round numbers of its own; so does a stream, r = random(0), with r.rand(shape)"))
  }

  /// `'T={T}'`, where there is a variable T.
  private mutating func checkBraces(
    _ parts: [StringPart], _ span: Span, _ scope: FunctionScope, _ renames: [String: String]
  ) {
    guard case .text(let text)? = parts.first, source.bytes[Int(span.start)] == UInt8(ascii: "'") else { return }
    for piece in text.split(separator: "{", omittingEmptySubsequences: false).dropFirst() {
      let name = piece.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      guard let next = piece.dropFirst(name.count).first, next == "}" || next == ":",
        scope.owner(of: String(name), renames) != nil || scopes.top.globals[String(name)] != nil
      else { continue }
      read(String(name), scope, renames)
      others.append(
        Diagnostic(
          .warning, "a string in '…' puts no values in: {\(name)} stays as it is", source: source, span: span,
          hint: "write \"…{\(name)}…\""))
      return
    }
  }
}
