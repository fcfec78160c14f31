/// A function that a built-in calls again and again, such as the f of `map(xs, f)`, with one or two arguments by position.
///
/// What can be worked out once is worked out once. A function of the language without types, checks and defaults needs no
/// plan: its arguments go straight into a window of the stack and its code runs. Every other one is called as from the
/// host, through `Session.invoke`. In both cases an error names the call of the built-in in its trace.
struct Callback {
  private let function: Value
  private let machine: UnsafeMutablePointer<Machine>
  /// The code of a function without checks or defaults, and the number of arguments it takes.
  private let code: Code?
  private let count: Int
  /// Of the built-in that calls it.
  private let site: CallSite?

  init(_ function: Value, _ session: Session, site: CallSite?) {
    self.function = function
    self.site = site
    machine = session.machine
    if case .function(let value) = function, let code = value.code, code.isSimple, !code.hasTypes,
      code.parameters.items.allSatisfy({ $0.kind == .normal })
    {
      self.code = code
      count = code.parameters.items.count
    } else {
      code = nil
      count = 0
    }
  }

  func callAsFunction(_ argument: Value) throws(LTDError) -> Value {
    guard let code, count == 1 else { return try invoke([argument]) }
    return try run(code) { window in window.set(argument) }
  }

  func callAsFunction(_ first: Value, _ second: Value) throws(LTDError) -> Value {
    guard let code, count == 2 else { return try invoke([first, second]) }
    return try run(code) { window in
      window.set(first)
      (window + 1).set(second)
    }
  }

  @inline(never)
  private func invoke(_ arguments: [Value]) throws(LTDError) -> Value {
    do { return try machine.pointee.session.invoke(function, arguments) } catch {
      throw error.called(back: function, site)
    }
  }

  @inline(__always)
  private func run(_ code: Code, _ fill: (UnsafeMutablePointer<Value>) -> Void) throws(LTDError) -> Value {
    guard case .function(let value) = function else { throw LTDError(.internal, "a callback without a function") }
    let window = try machine.push(code.frameSize)
    defer { machine.pop(window, code.frameSize) }
    try machine.enter()
    defer { machine.leave() }
    try machine.poll()
    fill(window)
    if code.needsPrologue { machine.prologue(value, code, window) }
    do { return try code.body.eval(Frame(base: window, machine: machine)) } catch {
      throw error.called(back: function, site)
    }
  }
}

extension Call {
  /// The function given as an argument, ready to be called often.
  func callback(_ place: Int) -> Callback { Callback(self[place], session, site: site) }
}

extension LTDError {
  /// The error of a function that a built-in called, with that call in its trace.
  @inline(never)
  func called(back function: Value, _ site: CallSite?) -> LTDError {
    guard let site, case .function(let value) = function, let code = value.code else { return self }
    return located(site.source, site.span)
      .called(Diagnostic.Frame(function: code.name, source: site.source, span: site.span))
  }
}
