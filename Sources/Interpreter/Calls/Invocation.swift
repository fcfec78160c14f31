/// Runs functions whose arguments stand in their window, a stretch of the machine's stack with a slot for each parameter
/// and variable. The callers fill the slots as a `CallPlan` says; here the defaults are added, types and conditions are
/// checked, and the body runs.
extension UnsafeMutablePointer<Machine> {
  /// Completes the window of a function of the language, which holds the arguments and none elsewhere, and runs its body.
  func run(
    _ code: Code, _ function: FunctionValue, _ window: UnsafeMutablePointer<Value>, _ plan: CallPlan
  ) throws(LTDError) -> Value {
    let frame = Frame(base: window, machine: self)
    prologue(function, code, window)
    let shared = code.sharedParameters
    func pointer(_ place: Int) -> UnsafeMutablePointer<Value> {
      shared.contains(place) ? frame.cell(place) : window + place
    }
    for place in plan.missing {
      if let node = code.defaults[place] { pointer(place).pointee = try node.eval(frame) }
    }
    var sizes: TypeCheck.Sizes = []
    if !code.parameters.checked.isEmpty, !shared.isEmpty || !code.parameters.takesPlainly(window) {
      let session = pointee.session
      sizes = try code.parameters.check(code.signature, session, plan.site, pointer)
      for place in code.parameters.checked {
        for check in code.checks[place] {
          let bound = try check.bound.eval(frame)
          try code.parameters.require(
            check.op, bound, place, pointer(place).pointee, code.signature, session, plan.site)
        }
      }
    }
    return try checkedResult(try code.body.eval(frame), code, sizes)
  }

  /// The result of a function, checked against its type and converted to it.
  @inline(never)
  func checkedResult(
    _ value: Value, _ code: Code, _ known: TypeCheck.Sizes = []
  ) throws(LTDError) -> Value {
    guard let type = code.parameters.result else { return value }
    var value = value
    if type.plainKinds.contains(withUnsafeMutablePointer(to: &value) { $0.kind }) { return value }
    var sizes = known
    do throws(LTDError) {
      if let result = try type.match(value, pointee.session, "the result", &sizes) { return result }
      throw LTDError(.type, "\(code.name) must return \(type.expectation), not \(value.described)")
    } catch {
      throw error.located(code.source, code.headerSpan)
    }
  }

  /// Sets up the slots of captured variables and of those that closures share.
  func prologue(_ function: FunctionValue?, _ code: Code, _ window: UnsafeMutablePointer<Value>) {
    if var function { put(&function, window + code.captureStart) }
    share(code, window)
  }

  /// Puts the variables that a function has captured into their slots.
  @inline(__always)
  func put(_ function: UnsafeMutablePointer<FunctionValue>, _ window: UnsafeMutablePointer<Value>) {
    function.pointee.captures.withUnsafeBufferPointer { captures in
      var place = 0
      while place < captures.count {
        (window + place).set(captures[place])
        place &+= 1
      }
    }
  }

  /// Sets up the variables of a function that others capture, and marks those that are not set at first.
  func share(_ code: Code, _ window: UnsafeMutablePointer<Value>) {
    for slot in code.sharedParameters { window[slot] = .object(Cell(window[slot])) }
    for slot in code.sharedLocals { window[slot] = .object(Cell(Unset.value)) }
    for slot in code.uncertainLocals { window[slot] = Unset.value }
  }

  /// Completes the window of a built-in and runs it.
  func run(
    _ builtin: Builtin, _ parameters: ParameterList, _ window: UnsafeMutablePointer<Value>, _ plan: CallPlan
  ) throws(LTDError) -> Value {
    if !plan.defaults.isEmpty { for (place, value) in plan.defaults { window[place] = value } }
    let call = Call(
      signature: builtin.signature, parameters: parameters, base: window, given: plan.given, session: pointee.session,
      site: plan.site)
    if builtin.isGeneric {
      for place in 0..<min(2, parameters.items.count) {
        guard let object = (window + place).object else { continue }
        if let number = object.pointee.plainNumber {
          return try follow(builtin, parameters, window, call, place, number)
        }
        let value: Value?
        do {
          value = try object.pointee.apply(builtin.name, call)
          if value != nil { try pollAfterBuiltin() }
        } catch {
          throw call.placed(error)
        }
        if let value { return value }
      }
    }
    if !parameters.takesPlainly(window) {
      try parameters.check(builtin.signature, pointee.session, plan.site) { window + $0 }
    }
    do {
      try pollStop()
      let result = try builtin.body(call)
      try pollAfterBuiltin()
      return result
    } catch {
      throw call.placed(error)
    }
  }

  /// Runs a built-in on a number through which a gradient is followed. The value is that of the plain number, with the same
  /// errors; where it is a float, the object makes the record.
  @inline(never)
  private func follow(
    _ builtin: Builtin, _ parameters: ParameterList, _ window: UnsafeMutablePointer<Value>, _ call: Call, _ place: Int,
    _ number: Double
  ) throws(LTDError) -> Value {
    let followed = window[place]
    window[place] = .float(number)
    if !parameters.takesPlainly(window) {
      try parameters.check(builtin.signature, pointee.session, call.site) { window + $0 }
    }
    do {
      let value = try builtin.body(call)
      guard case .float(let number) = value, case .object(let object) = followed else { return value }
      window[place] = followed
      guard let record = try object.apply(builtin.name, call) else {
        throw try call.noGradient(through: parameters.items[place].name)
      }
      guard case .object(let result) = record else { return value }
      return result.numbered(number)
    } catch {
      throw call.placed(error)
    }
  }

  /// Calls any value with evaluated arguments; for spreads, calls from the host and all else that has no plan ready.
  func invoke(
    _ callee: Value, _ arguments: [Value], _ named: [(String, Value)], _ shape: ArgumentShape
  ) throws(LTDError) -> Value {
    let signature: CallSignature
    switch callee {
    case .function(let function):
      if let binding = function.binding {
        let extended = ArgumentShape(
          source: shape.source, span: shape.span, arguments: [(.positional, shape.span)] + shape.arguments)
        return try invoke(binding.target, [binding.receiver] + arguments, named, extended)
      }
      guard let own = function.signature else { throw LTDError(.internal, "a function without a signature") }
      signature = own
    case .object(let object):
      guard let own = object.callSignature else { throw notCallable(callee) }
      signature = own
    default: throw notCallable(callee)
    }
    let plan = try CallPlan(shape, signature)
    let parameters = signature.parameters
    let size: Int
    if case .function(let function) = callee, let code = function.code {
      size = code.frameSize
    } else {
      size = parameters.items.count
    }
    let window = try push(size)
    defer { pop(window, size) }
    try enter()
    defer { leave() }
    var rest: [Value] = []
    var extra: [(String, Value)] = []
    var nextPositional = 0
    var nextNamed = 0
    for (place, argument) in shape.arguments.enumerated() {
      let value: Value
      switch argument.kind {
      case .positional:
        value = arguments[nextPositional]
        nextPositional += 1
      case .named:
        value = named[nextNamed].1
        nextNamed += 1
      }
      switch plan.destinations[place] {
      case .parameter(let target): window[target] = value
      case .rest: rest.append(value)
      case .named(let name): extra.append((name, value))
      }
    }
    if let place = parameters.rest { window[place] = Value(rest) }
    if let place = parameters.named { window[place] = Value(fields: extra) }
    try poll()
    switch callee {
    case .function(let function):
      if let code = function.code { return try run(code, function, window, plan) }
      if let builtin = function.builtin { return try run(builtin, parameters, window, plan) }
    case .object(let object):
      for (place, value) in plan.defaults { window[place] = value }
      let session = pointee.session
      try parameters.check(signature, session, plan.site) { window + $0 }
      let call = Call(
        signature: signature, parameters: parameters, base: window, given: plan.given, session: session,
        site: plan.site)
      do {
        let result = try object.call(call)
        try pollAfterBuiltin()
        return result
      } catch {
        throw call.placed(error)
      }
    default: break
    }
    throw notCallable(callee)
  }

  func notCallable(_ callee: Value) -> LTDError {
    LTDError(
      .type, "\(callee.kindText) cannot be called", hint: "only functions can be called, and objects such as models")
  }
}
