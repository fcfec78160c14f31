/// Makes nodes of a parsed program: resolves every name, checks what can be checked without running, and reports all
/// that is wrong together.
///
/// `ScopeFinder` has already found which function each variable belongs to; the compiler goes through the tree once more
/// in the order in which it runs, with a `FunctionBuilder` for each function on the way. The builder knows which variables
/// are certainly set at the point reached (`definite`), which may be (`seen`), and whether a block may be left by `break`
/// or `return`. A read of a variable that is certainly set becomes a plain load; any other gets a check.
///
/// The compiler also finds the last use of a variable, so that `xs = append(xs, x)` and `return append(xs, x)` change the
/// list in place. These shortcuts never change what a program means: where it is not certain that nobody looks at the
/// variable again, not even after an error, there is no shortcut.
final class Compiler {
  let source: Source
  let session: Session
  let globals: Globals
  let scopes: ScopeFinder
  var diagnostics: [Diagnostic] = []
  /// The function being made, the top level outermost.
  var builder: FunctionBuilder
  /// Functions that are defined once at the top level: calls of them are checked before running.
  var topFunctions: [String: CallSignature] = [:]
  var newConstants: [Cell] = []
  var modules: [ModuleVariable: LoadedModule] = [:]
  /// Who takes the time of each statement, if anybody does.
  var lines: LineProfile?
  /// What a saved session keeps of the program.
  let unit: Unit
  /// The names that were variables outside when the program was first compiled, where it is compiled again.
  private let known: Set<String>?
  /// The functions by the place of their header.
  private(set) var codes: [Span: Code] = [:]

  init(_ program: Program, session: Session, globals: Globals, known: Set<String>? = nil) {
    source = program.source
    unit = Unit(program.source, globals)
    self.known = known
    unit.known = known ?? []
    self.session = session
    self.globals = globals
    scopes = ScopeFinder(program)
    builder = FunctionBuilder(scopes.top, outer: nil)
    for statement in program.body.statements {
      guard case .function(let function) = statement.kind, let name = function.name,
        scopes.top.assignments[name.text] == 1
      else { continue }
      topFunctions[name.text] = signature(function, name: name.text)
    }
  }

  /// The program as the code of a function without parameters.
  func compile(_ program: Program) -> Code {
    findModules(program)
    let span = program.body.span
    let code = Code(
      name: "top level", source: source, signature: CallSignature(name: "top level", text: "", parameters: .none),
      parameters: .none, documentation: nil, headerSpan: span)
    code.body = block(program.body, .value)
    (code.body as? BlockNode)?.isProgram = true
    finish(code)
    return code
  }

  /// Takes over what is known once the body has been made.
  func finish(_ code: Code) {
    let builder = builder
    code.frameSize = builder.frameSize
    let parameters = builder.scope.parameters
    for (name, slot) in builder.slots {
      if builder.scope.free.contains(name) || !builder.isShared(name) { continue }
      if slot < parameters.count { code.sharedParameters.append(slot) } else { code.sharedLocals.append(slot) }
    }
    // The builder gives the captured variables the first slots after the parameters.
    code.captureStart = parameters.count
    code.captureCount = builder.scope.free.count
    code.captureNames = builder.scope.free
    code.named = builder.named
    code.setOutside = builder.scope.outerNames.union(builder.setFurtherOut)
    builder.outer?.named.merge(builder.named) { own, _ in own }
    builder.outer?.setFurtherOut.formUnion(code.setOutside)
    code.uncertainLocals = builder.uncertain.sorted()
    code.needsPrologue =
      code.captureCount > 0 || !code.sharedParameters.isEmpty || !code.sharedLocals.isEmpty
      || !code.uncertainLocals.isEmpty
    code.hasTypes = !code.parameters.checked.isEmpty || code.parameters.result != nil
    // Sizes named by parameters must be remembered for the result.
    code.isSimple =
      !code.parameters.items.contains { $0.isChecked } && !(code.parameters.result?.namesSizes ?? false)
    code.unit = unit
    codes[code.headerSpan] = code
    session.keep(code)
  }

  // MARK: Reports

  func report(
    _ kind: Diagnostic.Kind, _ message: String, _ span: Span, hint: String? = nil, labels: [Diagnostic.Label] = []
  ) {
    if diagnostics.count >= 50 { return }
    diagnostics.append(
      Diagnostic(kind, message, source: source, span: span, labels: labels, hint: hint))
  }

  func report(_ error: LTDError) {
    if diagnostics.count < 50 { diagnostics.append(error.diagnostic) }
  }

  func invalid(_ span: Span) -> Node { ConstantNode(.none, source, span) }

  // MARK: Names

  enum Meaning {
    /// The name within the function that has it, which may be one further out.
    case local(String)
    case global(Cell)
    case builtin(Builtin)
    case constant(Value)
    case unknown
  }

  func meaning(_ name: String) -> Meaning {
    if let (_, unique) = builder.scope.owner(of: name, builder.renames) { return .local(unique) }
    if isGlobal(name) {
      let cell = globals.cell(name)
      if !builder.scope.isTopLevel {
        cell.isKnownWithin = true
        builder.named[name] = cell
      }
      return .global(cell)
    }
    if let builtin = session.table.functions[name] { return .builtin(builtin) }
    if let constant = session.table.constants[name] { return .constant(constant.value) }
    return .unknown
  }

  /// Whether the session has the variable, or the program sets it somewhere.
  func isGlobal(_ name: String) -> Bool {
    if scopes.top.globals[name] != nil { return true }
    guard let known else {
      guard globals[name] != nil else { return false }
      unit.known.insert(name)
      return true
    }
    return known.contains(name)
  }

  /// Names that could have been meant.
  func knownNames() -> [String] {
    var names = Set(session.table.functions.keys)
    names.formUnion(session.table.constants.keys)
    names.formUnion(scopes.top.globals.keys)
    names.formUnion(globals.cells.keys)
    var scope: FunctionScope? = builder.scope
    while let current = scope {
      names.formUnion(current.locals.filter { !$0.contains("@") })
      names.formUnion(current.outside.keys)
      scope = current.parent
    }
    names.formUnion(builder.renames.keys)
    return Array(names)
  }

  /// - Parameter advice: what to say where nothing else is known of the name.
  func unknownName(_ name: String, _ span: Span, isCall: Bool = false, advice otherwise: String? = nil) {
    if diagnostics.count >= 50 { return }
    if let advice = session.table.advice[name] {
      return report(.name, "there is no \(isCall ? "function" : "variable or function") \(name)", span, hint: advice)
    }
    let close = nearest(name, among: knownNames()).map { "did you mean \($0)?" }
    report(
      .name, "there is no \(isCall ? "function" : "variable or function") \(name)", span,
      hint: session.libraryHint(on: name) ?? close ?? otherwise)
  }

  /// A read of a variable or function.
  func read(_ name: String, _ span: Span) -> Node {
    switch meaning(name) {
    case .local(let unique):
      let slot = builder.slot(unique)
      if builder.scope.isFixed(name, builder.renames) { return LocalRead(slot, isFixed: true, source, span) }
      if builder.isShared(unique) || builder.scope.free.contains(unique) {
        return CellRead(slot, name, source, span)
      }
      if builder.definite.contains(unique) { return LocalRead(slot, source, span) }
      if !builder.seen.contains(unique), builder.loopDepth == 0 { usedBeforeSet(name, span) }
      builder.uncertain.insert(slot)
      return LocalCheckedRead(slot, name, source, span)
    case .global(let cell):
      if cell.isSet || (builder.scope.isTopLevel && builder.definite.contains(name)) {
        return GlobalRead(cell, source, span)
      }
      if builder.scope.isTopLevel, !builder.seen.contains(name), builder.loopDepth == 0 {
        if let builtin = session.table.functions[name] {
          return ConstantNode(.function(FunctionValue(builtin)), source, span)
        }
        if let constant = session.table.constants[name] { return ConstantNode(constant.value, source, span) }
        usedBeforeSet(name, span)
      }
      return GlobalCheckedRead(cell, name, source, span)
    case .builtin(let builtin): return ConstantNode(.function(FunctionValue(builtin)), source, span)
    case .constant(let value): return ConstantNode(value, source, span)
    case .unknown:
      unknownName(name, span)
      return invalid(span)
    }
  }

  private func usedBeforeSet(_ name: String, _ span: Span) {
    // It has run before: what stood outside of the functions does not run again.
    if known != nil { return }
    var hint: String?
    if let place = scopes.top.globals[name], builder.scope.isTopLevel {
      hint = "line \(source.position(at: Int(place.start)).line) sets it"
    }
    report(.name, "\(name) is used before it is set", span, hint: hint)
  }

  // MARK: Variables to set

  func place(_ unique: String) -> VariablePlace {
    let slot = builder.slot(unique)
    return builder.isShared(unique) || builder.scope.free.contains(unique) ? .cell(slot) : .local(slot)
  }

  /// Where an assignment to a name goes; reports constants and wrong uses of `outer`.
  func target(_ name: Name, _ scope: AssignScope) -> VariablePlace {
    if scope == .outer { return outerTarget(name) }
    if builder.renames[name.text] == nil, builder.scope.outerNames.contains(name.text) {
      report(
        .name, "\(name.text) is declared outer elsewhere in this function", name.span,
        hint: "write outer \(name.text) = … here too")
    }
    let unique = builder.renames[name.text] ?? name.text
    if builder.scope.isTopLevel, builder.renames[name.text] == nil {
      let cell = globals.cell(name.text)
      checkConstant(name, cell.isConstant || builder.constants.contains(name.text))
      if scope == .constant {
        if builder.seen.contains(name.text) || cell.isSet { alreadySet(name) }
        builder.constants.insert(name.text)
        newConstants.append(cell)
      }
      builder.seen.insert(name.text)
      return .global(cell)
    }
    checkConstant(name, builder.constants.contains(unique))
    if scope == .constant {
      if builder.seen.contains(unique) { alreadySet(name) }
      builder.constants.insert(unique)
    }
    builder.seen.insert(unique)
    return place(unique)
  }

  private func alreadySet(_ name: Name) {
    if known != nil { return }
    report(.name, "\(name.text) is already a variable", name.span, hint: "const goes with the first assignment")
  }

  private func checkConstant(_ name: Name, _ isConstant: Bool) {
    if isConstant {
      report(
        .name, "\(name.text) is a constant and cannot be set again", name.span,
        hint: "leave const out where it is first set")
    }
  }

  private func outerTarget(_ name: Name) -> VariablePlace {
    guard let parent = builder.scope.parent else {
      report(.name, "outer has no meaning at the top level", name.span, hint: "write \(name.text) = … without it")
      return .global(globals.cell(name.text))
    }
    if let (owner, unique) = parent.owner(of: name.text, builder.scope.outside), owner !== builder.scope {
      var outer = builder.outer
      while let current = outer {
        if current.scope === owner { checkConstant(name, current.constants.contains(unique)) }
        outer = current.outer
      }
      builder.scope.use(name.text, builder.renames)
      return place(unique)
    }
    guard isGlobal(name.text) else {
      report(
        .name, "no enclosing function has a variable \(name.text)", name.span,
        hint: "set it in the enclosing function first, or leave outer out")
      return .global(globals.cell(name.text))
    }
    let cell = globals.cell(name.text)
    cell.isKnownWithin = true
    var top = builder
    while let outer = top.outer { top = outer }
    checkConstant(name, cell.isConstant || top.constants.contains(name.text))
    return .global(cell)
  }
}

extension ParameterList {
  static let none = ParameterList(items: [], result: nil)
}

/// What is known about one function while its nodes are made.
final class FunctionBuilder {
  let scope: FunctionScope
  let outer: FunctionBuilder?
  private(set) var slots: [String: Int] = [:]
  /// The global variables that the function and those within it name.
  var named: [String: Cell] = [:]
  /// What functions within it set by `outer`.
  var setFurtherOut: Set<String> = []
  /// Comprehension variables in force, by the name that the program writes.
  var renames: [String: String] = [:]
  /// Variables certainly set at this point, and those that something above may have set.
  var definite: Set<String> = []
  var seen: Set<String> = []
  var constants: Set<String> = []
  /// Slots that may be read before they are set.
  var uncertain: Set<Int> = []
  var loopDepth = 0
  /// Blocks around this place after whose error the function continues: bodies of `try`, and what `finally` follows.
  var tryDepth = 0
  /// Blocks around this place after which something else runs whose place in the text does not show it: what `finally`
  /// follows; and defaults of parameters, before the parameters are checked.
  var followedDepth = 0
  /// Whether this is within a block of `finally`, which nothing but its end leaves.
  var isCleanup = false
  /// Where the text ends that can still run in this function when the expression being made has been computed, if no
  /// further loop is around it.
  var ending = Ending(end: .max, loopDepth: 0)

  struct Ending {
    var end: Int32
    var loopDepth: Int
  }
  /// Whether `break`, `continue` and `return` are allowed here; not within a block whose value is used.
  var allowsBreak = false
  var allowsReturn = false

  init(_ scope: FunctionScope, outer: FunctionBuilder?) {
    self.scope = scope
    self.outer = outer
    allowsReturn = outer != nil
    for (place, name) in scope.parameters.enumerated() {
      slots[name] = place
      names[place] = name
    }
    // Two parameters may be named _: the number of slots must still be theirs.
    next = scope.parameters.count
    definite = Set(scope.parameters)
    seen = definite
    for name in scope.free { _ = slot(name) }
  }

  private var next = 0
  private var names: [Int: String] = [:]

  /// The variable of a slot, if it is the function's own and no closure shares it.
  func ownName(ofSlot slot: Int) -> String? {
    guard let name = names[slot], scope.locals.contains(name), !isShared(name), !scope.free.contains(name) else {
      return nil
    }
    return name
  }

  func slot(_ unique: String) -> Int {
    if let slot = slots[unique] { return slot }
    slots[unique] = next
    names[next] = unique
    next += 1
    return next - 1
  }

  var frameSize: Int { next }

  func isShared(_ unique: String) -> Bool {
    scope.captured.contains(unique) && scope.locals.contains(unique) && !scope.fixed.contains(unique)
  }
}
