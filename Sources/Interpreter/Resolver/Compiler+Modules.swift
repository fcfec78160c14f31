extension Compiler {
  /// Which variable holds a module: those that an `import` sets and nothing else.
  struct ModuleVariable: Hashable {
    var scope: ObjectIdentifier
    var name: String
  }

  /// Finds the modules that top-level variables hold, for functions that stand above the import.
  func findModules(_ program: Program) {
    for statement in program.body.statements {
      guard case .import(let item) = statement.kind else { continue }
      // What is wrong with the import is reported where it is made into a node.
      if let module = try? session.modules.prepare(item, from: source) { note(module, item.name.text, scopes.top) }
    }
  }

  func note(_ module: LoadedModule, _ name: String, _ scope: FunctionScope) {
    guard module.diagnostics.isEmpty, scope.assignments[name] == 1, !scopes.isSetFromWithin(name) else { return }
    modules[ModuleVariable(scope: ObjectIdentifier(scope), name: name)] = module
  }

  func importation(_ item: Import, _ span: Span) -> Node {
    var module: LoadedModule?
    do {
      module = try session.modules.prepare(item, from: source)
    } catch {
      report(error.located(source, item.pathSpan))
    }
    if let module {
      let frame = Diagnostic.Frame(function: module.name, source: source, span: item.pathSpan, isImport: true)
      diagnostics += module.diagnostics.map { LTDError($0).called(frame).diagnostic }
      note(module, item.name.text, builder.scope)
    }
    let place = target(item.name, .local)
    builder.definite.insert(item.name.text)
    guard let module else { return invalid(span) }
    return assign(place, ImportNode(module, source, item.pathSpan), span)
  }

  /// Whether `module.name` is there, as far as that is known; reports if not.
  func checkMember(_ receiver: Expr, _ name: Name) -> Bool {
    guard case .name(let variable) = receiver.ungrouped.kind, let (module, globals, _) = knownModule(variable)
    else { return true }
    if !name.text.hasPrefix("_"), globals.cells[name.text] != nil { return true }
    report(
      Operations.noMember(
        name.text, of: module, names: globals.cells.keys.filter { !$0.hasPrefix("_") }.sorted(),
        isBuiltin: session.table.functions[name.text] != nil
      ).located(source, name.span))
    return false
  }

  /// The signature of `module.name`, where both are known before anything runs.
  func memberSignature(_ receiver: Expr, _ name: Name) -> CallSignature? {
    guard case .name(let variable) = receiver.ungrouped.kind, let module = knownModule(variable) else { return nil }
    if let known = module.signatures[name.text] { return known }
    guard case .function(let function)? = module.globals[name.text] else { return nil }
    return function.signature
  }

  private func knownModule(
    _ variable: String
  ) -> (name: String, globals: Globals, signatures: [String: CallSignature])? {
    func known(_ module: LoadedModule) -> (name: String, globals: Globals, signatures: [String: CallSignature]) {
      (module.name, module.globals, module.signatures)
    }
    if let (owner, unique) = builder.scope.owner(of: variable, builder.renames) {
      return modules[ModuleVariable(scope: ObjectIdentifier(owner), name: unique)].map(known)
    }
    if let module = modules[ModuleVariable(scope: ObjectIdentifier(scopes.top), name: variable)] {
      return known(module)
    }
    guard case .module(let module)? = globals[variable], scopes.top.assignments[variable] == nil,
      !scopes.isSetFromWithin(variable)
    else { return nil }
    return (module.name, module.globals, [:])
  }
}
