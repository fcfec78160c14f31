/// Finds what runs but is hardly meant: names that nothing reads, methods that nothing has, braces around a variable in a
/// string that puts no values in, and random numbers that every round of a loop draws again.
///
/// The variables and functions of the top level count only in a program that does something: a file of nothing but
/// definitions, or whose own name starts with `_`, is there for those who import it.
///
/// Names that start with `_` are left alone, as are parameters and the variables of loops, which cannot be left out. Of
/// the variables that one assignment sets together, one that is read is enough.
struct ProgramWarnings: ScopedWalk {
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
  private let finder: ScopeFinder
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
  var places: [ScopePlace]

  /// - Parameter compiler: of the same program, when it has compiled it.
  init(_ program: Program, _ compiler: Compiler) {
    source = program.source
    finder = compiler.scopes
    places = [ScopePlace(scope: finder.top)]
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
    walk(program.body)
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
    let members = compiler.session.table.kinds.values.flatMap(\.members).filter { $0.type == "function" }.map(\.name)
    let functions = Set(names).union(fields).union(members)
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
    case .variable where !scope.isTopLevel && finder.top.globals[name] != nil:
      "the \(name) of the top level is another one: outer \(name) = … sets that"
    case .variable, .function: "delete it, or name it _\(name) if that is meant"
    case .module: "delete the import, or write … as _\(name) for what the module does when it runs"
    case .privateFunction: "a name that starts with _ is for this file alone"
    }
  }

  // MARK: Names

  private mutating func add(_ names: [Name], _ kind: Kind) {
    let scope = scope
    let new = names.filter { name in
      !name.text.hasPrefix("_") && !scope.parameters.contains(name.text) && !scope.outerNames.contains(name.text)
        && known.insert(Use(scope: ObjectIdentifier(scope), name: name.text)).inserted
    }
    // One of several that was there before, or whose name says that it is not wanted, makes no warning of the others.
    if new.count == names.count, !names.isEmpty { candidates.append(Candidate(names: names, kind: kind, scope: scope)) }
  }

  private mutating func read(_ name: String) {
    let (owner, unique) = scope.owner(of: name, place.renames) ?? (finder.top, name)
    uses.insert(Use(scope: ObjectIdentifier(owner), name: unique))
  }

  private func isVariable(_ name: String) -> Bool {
    scope.owner(of: name, place.renames) != nil || finder.top.globals[name] != nil
  }

  // MARK: The tree

  func scope(of function: Function) -> FunctionScope? { finder.scopes[function.headerSpan] }

  mutating func visit(_ statement: Stmt) {
    // `x += 1` is no use of x.
    if case .augmentedAssign(_, let target, _, let value) = statement.kind, case .name = target.kind {
      return visit(value)
    }
    walk(statement)
    switch statement.kind {
    case .assign(let kind, let pattern, _):
      if kind != .outer, doesSomething || !scope.isTopLevel { add(pattern.names, .variable) }
    case .function(let function):
      guard let name = function.name else { break }
      if name.text.hasPrefix("_") {
        guard scope.isTopLevel else { break }
        candidates.append(Candidate(names: [name], kind: .privateFunction, scope: scope))
      } else if doesSomething || !scope.isTopLevel {
        add([name], .function)
      }
    case .import(let item):
      imported.insert(item.name.text)
      add([item.name], .module)
    default: break
    }
  }

  /// A part that is set may be one of something shared, so it counts as a use; a variable that is set does not.
  mutating func visit(_ pattern: Pattern) {
    if case .record(let fields, _) = pattern { self.fields.formUnion(fields.map(\.key.text)) }
    walk(pattern)
  }

  mutating func visit(_ expression: Expr) {
    switch expression.kind {
    case .name(let name): read(name)
    case .string(let parts): checkBraces(parts, expression.span)
    case .call(let callee, let arguments):
      if case .name(let name) = callee.ungrouped.kind { checkDraw(name, nil, arguments, callee.span) }
    case .methodCall(let receiver, let name, let arguments):
      checkDraw(name.text, receiver, arguments, name.span)
      // `x.f(…)` may be `f(x, …)`.
      read(name.text)
      methods.append(Method(receiver: receiver, name: name))
    case .record(let items): for case .field(let key, _) in items { fields.insert(key.text) }
    case .attribute(_, let name):
      // `x.f` may be `f(x)`.
      read(name.text)
      fields.insert(name.text)
    default: break
    }
    walk(expression)
    if case .try(_, let handler, _) = expression.kind, let name = handler?.name, !scope.isTopLevel {
      add([name], .variable)
    }
  }

  /// A draw without a seed within a loop: `rand(shape)`, `data.shuffled()`, `net(x, train=true)`.
  private mutating func checkDraw(
    _ name: String, _ receiver: Expr?, _ arguments: [Argument], _ span: Span
  ) {
    guard place.loopDepth > 0, !arguments.contains(where: \.isSpread) else { return }
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
    let isVariable = isVariable(name)
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
  private mutating func checkBraces(_ parts: [StringPart], _ span: Span) {
    guard case .text(let text)? = parts.first, source.bytes[Int(span.start)] == UInt8(ascii: "'") else { return }
    for piece in text.split(separator: "{", omittingEmptySubsequences: false).dropFirst() {
      let name = piece.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      guard let next = piece.dropFirst(name.count).first, next == "}" || next == ":",
        isVariable(String(name))
      else { continue }
      read(String(name))
      others.append(
        Diagnostic(
          .warning, "a string in '…' puts no values in: {\(name)} stays as it is", source: source, span: span,
          hint: "write \"…{\(name)}…\""))
      return
    }
  }
}
