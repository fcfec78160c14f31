import Base

/// What the run of a source led to.
public enum Outcome {
  /// The value of the last statement, if that is an expression; `isHidden` when the source ends in `;`.
  case value(Value, isHidden: Bool)
  /// Errors found before running (several), or the one that stopped the run; an interrupt is of kind `interrupted`.
  case failure([Diagnostic])
  /// `exit(code)` was called.
  case exit(Int)
}

/// A running instance of the language: its variables, its limits, what may stop it, and the host that it reaches the world
/// through.
///
/// A run parses a source, compiles it with the variables of the session, and evaluates the code; errors found before
/// running end it first. Afterwards the session has the variables that the run set, also those of a run that failed. Loop
/// iterations and calls are steps, which look at the limits now and then, as long work of built-ins does with `poll`. All
/// compiled code stays for the life of the session, because functions in variables come from it.
///
/// A session is used from one thread at a time; programs run on a thread of their own with a large stack, which `run` waits
/// for. Sessions share no state except the compute device, so any number can run side by side.
public final class Session {
  /// The built-ins that its programs know.
  public let table: BuiltinTable
  /// Where its output goes, and where modules and files come from.
  public let host: any Host
  /// The bounds of its runs.
  public var limits = Limits()
  /// The signal that stops the run with an error once it is raised: by Ctrl-C, or by a limit that is passed. All work of
  /// the run looks at it, and no session that runs at the same time must have it.
  public let stop: StopSignal
  /// How `print` and the prompt lay values out: the width of a line, the digits, how much of a long value is shown.
  public var printing = PrintOptions()
  /// The words after the script's name, as `args()` returns them.
  public var arguments: [String] = []
  /// Whether operations on tensors report where NaN or an infinity first appears, as an error. Slow.
  public var checksFinite = false {
    didSet { if isRunning { RunSettings.ofThread.checksFinite = checksFinite } }
  }
  /// The folders in which a built-in of the run under way updates a file, under a lock.
  public var lockedFolders: Set<String> = []

  /// Whether nothing uses the variables after a run that failed, as when the program ends with its script.
  public var endsOnFailure = false

  let globals = Globals()
  lazy var modules = Modules(self)
  /// For hints on unknown names.
  private(set) lazy var libraryFunctions = findLibraryFunctions()
  /// Pages of modules of the library that were read, with the text that they were made of.
  var libraryPages: [String: (text: String, page: ModuleDocumentation)] = [:]
  /// Set by `exit`.
  var exitCode: Int?
  let machine: UnsafeMutablePointer<Machine>
  private var steps = 0
  /// Steps beyond the limit for blocks of `finally`, once the run is to be stopped.
  private var extraSteps = 0
  private var isCleaningUp = false
  /// Whether the last built-in returned the results so far because of Ctrl-C; the next step of the run ends it.
  public private(set) var endedEarly = false
  private var isRunning = false
  /// Time and memory of the run under way.
  private let watch: LimitWatch
  /// Whether the last source got past the checks before running.
  public private(set) var hasRun = false
  /// All code stays: functions in variables come from it, and calls refer to it without counting.
  private(set) var codes: [Code] = []

  /// The processes that run the same script together; nil where this one is alone.
  public var ranks: Ranks?

  /// What works beside the session, such as jobs in the background.
  public var companions: [AnyObject] = []

  /// Gets the path and the content of each file that a program imports, before it is compiled; it may refuse them.
  public var onImport: ((String, [UInt8]) throws(LTDError) -> Void)?

  /// Gets what `print` writes, besides the host.
  public var onWrite: ((String) -> Void)?

  /// Gets the objects that are drawn as pictures, in place of `onWrite`: a report shows them better than their text does.
  public var onDraw: ((HostObject) -> Void)?

  /// The object that the run has drawn last, as `show(x)` does: as the value of the run it is not drawn once more.
  public var drawn: HostObject?

  /// What is written instead of going to the host, while `transcript` gathers it.
  var captured: String?

  /// - Parameters:
  ///   - table: the built-ins that its programs know.
  ///   - host: where its output goes, and where modules and files come from.
  ///   - stop: a signal that no session has which runs at the same time; whoever keeps it can end runs.
  public init(table: BuiltinTable, host: any Host = SilentHost(), stop: StopSignal = StopSignal()) {
    self.table = table
    self.host = host
    self.stop = stop
    watch = LimitWatch(host)
    let stack = UnsafeMutablePointer<Value>.allocate(capacity: Machine.stackValues)
    machine = .allocate(capacity: 1)
    machine.initialize(
      to: Machine(
        stackTop: stack, stackBase: stack, stackEnd: stack + Machine.stackValues, fuel: Machine.fuelPortion,
        depthLimit: Limits().callDepth, stop: stop.word, session: self))
  }

  deinit {
    machine.pointee.stackBase.deallocate()
    machine.pointee.text.deallocate()
    machine.deinitialize(count: 1)
    machine.deallocate()
  }

  // MARK: Running

  /// Runs a source with the session's variables: an entry at the prompt, or a script.
  ///
  /// - Parameter show: gets the value, unless it is none or hidden. It is called as a part of the run, because writing a
  ///   value may take long.
  public func run(_ source: Source, show: ((Value) throws(LTDError) -> Void)? = nil) -> Outcome {
    enterThread { self.execute(source, show) }
  }

  /// A value as a string for the terminal. Ctrl-C and limits end the writing, except of results that a built-in returned
  /// because of Ctrl-C.
  public func text(
    of value: Value, _ form: (Value, PrintOptions) -> String = { $0.text($1) }
  ) throws(LTDError) -> String {
    if endedEarly { return form(value, printing) }
    var options = printing
    options.mustStop = { self.isStopped }
    let text = form(value, options)
    try poll()
    return text
  }

  /// All that can be found without running: errors, and names that nothing uses.
  public func check(_ source: Source) -> [Diagnostic] {
    enterThread {
      let program = parse(source)
      guard program.diagnostics.isEmpty else { return program.diagnostics }
      // A copy of the variables' names, so that a check leaves the session as it is.
      let compiler = Compiler(program, session: self, globals: Globals(copying: self.globals))
      _ = compiler.compile(program)
      return compiler.diagnostics + ProgramWarnings(program, compiler).diagnostics
    }
  }

  /// Runs `body` on a thread of the kind that programs run on, with a large stack. What it runs in this session then
  /// needs no thread of its own, which pays for many short runs.
  public func enterThread<Result>(_ body: @escaping () -> Result) -> Result {
    if isRunning { return body() }
    isRunning = true
    defer {
      isRunning = false
      watch.end(stop)
    }
    return withLargeStack { lowest in
      self.machine.pointee.nativeLimit = lowest
      return RunSettings(checksFinite: self.checksFinite, ranks: self.ranks).carry { self.stop.carry(body) }
    }
  }

  func execute(
    _ source: Source, _ show: ((Value) throws(LTDError) -> Void)?, lines: LineProfile? = nil
  ) -> Outcome {
    hasRun = false
    let program = parse(source)
    guard program.diagnostics.isEmpty else { return .failure(program.diagnostics) }
    let compiler = Compiler(program, session: self, globals: globals)
    compiler.lines = lines
    let code = compiler.compile(program)
    guard compiler.diagnostics.isEmpty else { return .failure(compiler.diagnostics) }
    for cell in compiler.newConstants { cell.isConstant = true }
    begin()
    hasRun = true
    let statements = program.body.statements
    do {
      if stop.isInterrupted { try poll(at: statements.first, source) }
      let value = try machine.runTopLevel(code)
      if let show, !program.endsWithSemicolon, !value.isNone, !isDrawn(value) { try show(value) }
      // A run that ends late has failed as well.
      if !endedEarly { try poll(at: statements.last, source) }
      return .value(value, isHidden: program.endsWithSemicolon)
    } catch {
      if let exitCode { return .exit(exitCode) }
      return .failure([error.diagnostic])
    }
  }

  private func isDrawn(_ value: Value) -> Bool { drawn.map { value.asObject === $0 } ?? false }

  private func poll(at statement: Stmt?, _ source: Source) throws(LTDError) {
    do { try poll() } catch {
      if let statement { throw error.located(source, statement.span) }
      throw error
    }
  }

  /// As a run begins.
  func beginRun() { begin() }

  private func begin() {
    exitCode = nil
    drawn = nil
    steps = 0
    extraSteps = 0
    isCleaningUp = false
    endedEarly = false
    watch.begin(limits, stop)
    RunSettings.ofThread.memoryLimit = limits.memoryBytes ?? .max
    machine.pointee.depth = 0
    machine.pointee.depthLimit = limits.callDepth
    // Memory can grow by much from one call to the next.
    machine.pointee.portion = limits.memoryBytes == nil ? Machine.fuelPortion : 1
    machine.pointee.fuel = machine.pointee.portion
    machine.pointee.returned = .none
    machine.pointee.largestList = limits.largestList
    machine.pointee.largestString = limits.largestString
    machine.pointee.text.reset()
  }

  /// Calls a function value, from a built-in or from the host.
  public func invoke(_ function: Value, _ arguments: [Value], named: [(String, Value)] = []) throws(LTDError) -> Value {
    let shape = ArgumentShape(positional: arguments.count, named: named.map(\.0))
    if isRunning { return try machine.invoke(function, arguments, named, shape) }
    let result: Result<Value, LTDError> = enterThread {
      self.begin()
      do throws(LTDError) { return .success(try self.machine.invoke(function, arguments, named, shape)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  func keep(_ code: Code) { codes.append(code) }

  // MARK: Output

  /// Takes what `print` writes.
  ///
  /// - Parameter picture: what the text is the picture of, if it is one.
  /// - Throws: `io` where the host cannot write it.
  public func write(_ text: String, drawing picture: HostObject? = nil) throws(LTDError) {
    if let picture, let onDraw { onDraw(picture) } else { onWrite?(text) }
    if captured == nil { return try host.write(text) }
    captured? += text
  }

  /// The progress display for a piece of long work.
  /// - Parameter quiet: whether nothing is to be shown but warnings.
  public func progress(quiet: Bool) -> any Progress {
    quiet ? SilentProgress(onWarning: host.warn) : host.progress()
  }

  // MARK: Stopping

  /// Throws when the user asked to stop or a limit is reached.
  public func poll() throws(LTDError) { try checkLimits(spent: 0) }

  /// `poll` for loops over elements: it looks at one index of 4096.
  @inline(__always)
  public func poll(at place: Int) throws(LTDError) {
    if place & 4095 == 4095 { try poll() }
  }

  /// The elements to go through before the limits are asked again; `nil` at the end.
  @inline(__always)
  func piece(of items: [Value], _ start: inout Int) throws(LTDError) -> ArraySlice<Value>? {
    guard start < items.count else { return nil }
    if start > 0 { try poll() }
    let end = min(start + 4096, items.count)
    defer { start = end }
    return items[start..<end]
  }

  func checkLimits(spent: Int) throws(LTDError) {
    if let reason = stop.reason { throw LTDError(reason) }
    steps &+= spent
    if let limit = limits.steps, steps &- extraSteps > limit {
      throw Limits.reached("stopped after \(limit) steps", "--max-steps")
    }
  }

  /// Whether long work must end: what `poll` would throw for, without counting steps.
  public var isStopped: Bool { stop.isRaised }

  /// Declares that a built-in which Ctrl-C ended early returns the results so far: they are kept, and the next step ends
  /// the run. Where Ctrl-C was not pressed this does nothing.
  ///
  /// - Parameter what: what there is, for a note that begins with "interrupted: ".
  /// - Returns: whether Ctrl-C was pressed.
  @discardableResult
  public func keepResults(_ what: String) -> Bool {
    endedEarly = stop.isInterrupted
    if endedEarly { host.note("interrupted: \(what)") }
    return endedEarly
  }

  /// Runs the block of a `finally`, also when the run is to be stopped: Ctrl-C has to be pressed again to stop the block,
  /// and after a limit all blocks together have `Limits.cleanupSeconds`, `cleanupSteps` and `cleanupBytes`.
  ///
  /// - Parameter error: what the part before it ended with. It is what counts if it ends the run; any other one gives way
  ///   to an error of the block, which then tells of it.
  func cleanUp(after error: LTDError?, _ body: () throws(LTDError) -> Void) throws(LTDError) {
    let code = exitCode
    exitCode = nil
    let wasInterrupted = stop.isInterrupted
    if wasInterrupted { stop.clearInterrupt() }
    if error?.diagnostic.kind == .limit || stop.isRaised {
      watch.allowCleanup(stop)
      if !isCleaningUp, let limit = limits.steps { extraSteps = max(0, steps &- limit) &+ Limits.cleanupSteps }
      isCleaningUp = true
    }
    var failure: LTDError?
    do { try body() } catch { failure = error }
    if wasInterrupted { stop.raise(.interrupted) }
    guard let failure else {
      exitCode = code
      return
    }
    // A call of exit in the block counts, as does an error on the way out after one.
    guard exitCode == nil, code == nil, let error else { throw failure }
    if error.diagnostic.kind.endsTheRun {
      throw error.noting("the block of finally ended with an error: \(failure.diagnostic.message)")
    }
    throw failure.noting("the part before finally ended with an error: \(error.diagnostic.message)")
  }

  func checkSize(_ count: Int, of kind: String) throws(LTDError) { try limits.checkElements(count, of: kind) }

  // MARK: Variables

  /// The session's own variables in alphabetical order.
  public var variables: [(name: String, value: Value)] {
    globals.cells.filter { $0.value.isSet }.map { (name: $0.key, value: $0.value.pointer.pointee) }
      .sorted { $0.name < $1.name }
  }

  /// A variable of the session; setting `nil` removes it.
  public subscript(name: String) -> Value? {
    get { globals[name] }
    set {
      if let newValue { globals.cell(name).pointer.pointee = newValue } else { globals.remove(name) }
    }
  }

  /// Every name that can stand in an expression: variables, functions, constants.
  public var names: [String] {
    Array(Set(table.functions.keys).union(table.constants.keys).union(variables.map(\.name))).sorted()
  }

  /// What can stand after `value.`: the fields of a record or module, the members of other kinds.
  public func members(of value: Value) -> [Member] {
    let fields: [(String, Value)] =
      switch value.plain {
      case .record(let record): record.fields.map { ($0, $1) }
      case .module(let module): module.globals.publicNames.map { ($0, module.globals[$0] ?? .none) }
      default: []
      }
    return fields.map { name, value in Member(name, value.typeName, "", of: { _ in nil }) }
      + Operations.members(of: value.plain)
  }

  /// Forgets all variables.
  public func reset() {
    globals.removeAll()
    modules = Modules(self)
  }

  /// The names that parameter types may have.
  private(set) lazy var typeNames: Set<String> = {
    var names = Set(TypeCheck.plainNames)
    names.formUnion(table.coercions.keys)
    for builtin in table.functions.values {
      let parameters = builtin.signature.parameters
      for type in parameters.items.compactMap(\.type) + [parameters.result].compactMap({ $0 }) {
        names.formUnion(type.allNames)
      }
    }
    return names
  }()
}
