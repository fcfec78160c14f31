/// A file or library module of a run: parsed and resolved when an `import` of it is resolved, run when the first is run.
final class LoadedModule {
  let name: String
  let path: String
  let globals = Globals()
  let source: Source
  fileprivate(set) var code: Code?
  /// Of the functions that it defines once, so that calls of them are checked before anything runs.
  fileprivate(set) var signatures: [String: CallSignature] = [:]
  /// What is wrong with it; reported with the errors of the program that imports it.
  fileprivate(set) var diagnostics: [Diagnostic] = []
  private(set) var value: Value?
  /// What stopped its run; every import of it in the same program fails alike.
  private(set) var failure: LTDError?
  fileprivate var isPreparing = true

  /// The module as a saved session has it: it has run, and its variables come with the session.
  func setRestored() {
    isPreparing = false
    value = .module(ModuleValue(name: name, path: isFile ? path : nil, globals: globals, source: source))
  }

  /// The value of a module that has run.
  var restoredValue: Value? { value }

  /// What a saved session keeps of it.
  func saved(_ key: String) -> Saver.SavedModule {
    Saver.SavedModule(
      key: key, name: name, path: isFile ? path : nil, source: source, hasRun: value != nil, globals: globals)
  }

  /// Whether it is a file of the user's rather than a module of the library.
  private let isFile: Bool

  init(name: String, path: String, source: Source, isFile: Bool) {
    self.name = name
    self.path = path
    self.source = source
    self.isFile = isFile
  }

  func run(_ machine: UnsafeMutablePointer<Machine>) throws(LTDError) -> Value {
    if let value { return value }
    if let failure { throw failure }
    guard let code else { throw LTDError(.internal, "the module \(name) was not prepared") }
    let module = Value.module(
      ModuleValue(name: name, path: isFile ? path : nil, globals: globals, source: source))
    value = module
    do {
      _ = try machine.runTopLevel(code)
    } catch {
      value = nil
      if !error.diagnostic.kind.endsTheRun { failure = error }
      throw error
    }
    return module
  }
}

/// The modules of a session.
///
/// An `import` is prepared when the program that has it is compiled: the module is found, parsed and compiled, and its
/// errors are reported with those of the program, before anything runs. It runs when its first `import` runs, and later
/// ones return the same value. A file is known by its path relative to the importing file, without `.` and `..`, so that it
/// is loaded once; one with errors is read again by the next program. A module that imports itself, by way of others, is an
/// error.
final class Modules {
  private var loaded: [String: LoadedModule] = [:]
  /// The text of modules that were found and have not run, where a session was restored.
  private var kept: [String: Source] = [:]
  private unowned let session: Session

  init(_ session: Session) { self.session = session }

  /// All that were found without an error, for a saved session.
  var saved: [Saver.SavedModule] {
    loaded.filter { $0.value.diagnostics.isEmpty && !$0.value.isPreparing && $0.value.failure == nil }
      .sorted { $0.key < $1.key }.map { $0.value.saved($0.key) }
  }

  /// Adds a module of a saved session.
  func add(_ module: LoadedModule, key: String) {
    if module.restoredValue != nil { loaded[key] = module } else { kept[key] = module.source }
  }

  func prepare(_ item: Import, from importer: Source) throws(LTDError) -> LoadedModule {
    let key: String
    let source: Source
    if item.isFile {
      key = Modules.resolve(item.path, from: importer.name)
      if let known = loaded[key], known.failure == nil { return try checked(known) }
      guard session.limits.allowsFiles else {
        throw Limits.filesRefused("the run would read the file \(key)")
      }
      if let found = kept[key] {
        source = found
      } else {
        let bytes = try read(key, item.path)
        try session.onImport?(key, bytes)
        source = Source(name: key, bytes: bytes)
      }
    } else {
      key = "library:" + item.path
      if let known = loaded[key] { return try checked(known) }
      guard let text = session.host.module(item.path) else {
        throw LTDError(
          .name, "there is no module \(item.path)",
          hint: Compiler.foreignModules.contains(item.path)
            ? "leave the import out: functions such as mean and sqrt are there without it"
            : nearest(item.path, among: session.host.moduleNames).map { "did you mean \($0)?" }
              ?? "a file is imported by its path: import \"\(item.path).ltd\"")
      }
      source = kept[key] ?? Source(name: "\(item.path).ltd", text: text, isLibrary: true)
    }
    let module = LoadedModule(
      name: item.isFile ? Modules.stem(key) : item.path, path: key, source: source, isFile: item.isFile)
    loaded[key] = module
    let program = parse(source)
    module.diagnostics = program.diagnostics
    if program.diagnostics.isEmpty {
      let compiler = Compiler(program, session: session, globals: module.globals)
      let code = compiler.compile(program)
      module.diagnostics = compiler.diagnostics
      if compiler.diagnostics.isEmpty { module.code = code }
      module.signatures = compiler.topFunctions
      for cell in compiler.newConstants { cell.isConstant = true }
    }
    module.isPreparing = false
    // A file with errors is read again once it may have been corrected.
    if !module.diagnostics.isEmpty { loaded[key] = nil }
    return module
  }

  private func read(_ key: String, _ path: String) throws(LTDError) -> [UInt8] {
    do { return try session.host.read(key) } catch {
      guard !key.hasSuffix(".ltd"), (try? session.host.read(key + ".ltd")) != nil else { throw error }
      var diagnostic = error.diagnostic
      diagnostic.hint = "did you mean \"\(path).ltd\"?"
      throw LTDError(diagnostic)
    }
  }

  private func checked(_ module: LoadedModule) throws(LTDError) -> LoadedModule {
    guard !module.isPreparing else {
      throw LTDError(
        .value, "\(module.path) imports itself, by way of the files it imports",
        hint: "move what both need into a third file")
    }
    return module
  }

  /// A path relative to the file that names it.
  static func resolve(_ path: String, from importer: String) -> String {
    guard !path.hasPrefix("/"), let slash = importer.lastIndex(of: "/") else { return normalized(path) }
    return normalized(String(importer[...slash]) + path)
  }

  /// Without `.` and `x/..`, so that a file has one name.
  private static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/", omittingEmptySubsequences: true) {
      if part == "." { continue }
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }

  private static func stem(_ path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return file.hasSuffix(".ltd") ? String(file.dropLast(4)) : file
  }
}

final class ImportNode: Node {
  private let module: LoadedModule

  init(_ module: LoadedModule, _ source: Source, _ span: Span) {
    self.module = module
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    do { return try module.run(frame.machine) } catch {
      throw error.located(source, span)
        .called(Diagnostic.Frame(function: module.name, source: source, span: span, isImport: true))
    }
  }
}

extension UnsafeMutablePointer<Machine> {
  func runTopLevel(_ code: Code) throws(LTDError) -> Value {
    let window = try push(code.frameSize)
    defer { pop(window, code.frameSize) }
    prologue(nil, code, window)
    return try code.body.eval(Frame(base: window, machine: self))
  }
}
