// Calls of functions that are known only when the program runs.
//
// A call pushes a window of slots for the variables of the callee, evaluates the arguments into it in the order in which
// they are written, and runs the body there. Which argument goes to which parameter is a `CallPlan`; it is kept for the
// function seen last, as is what a short call needs (`ShortTarget`), so that a call in a loop is planned once. An error on
// the way pops the window, and gets this call into its trace.
//
// A variable that nothing reads after the call gives its value up to the callee (`giveUp`), which can then change it in
// place. The values that a closure captured are lent to its window without counting; `forget` takes them out again before
// the window is popped.

/// `f(a, b, x=1)`: a call whose arguments are written one by one, of a function known only at run time.
///
/// The plan that sends arguments to parameters is kept for the function seen last.
final class CallNode: Node {
  private let callee: Node
  /// The built-in that is meant when the variable of that name does not hold a function: `seed = 1; seed(2)`.
  private let fallback: Builtin?
  private let arguments: NodeList
  private let shape: ArgumentShape
  private var knownCode: Code?
  private var knownBuiltin: Builtin?
  private var plan: CallPlan?
  /// The function called last, when calling it is no more than filling its frame.
  private var target: ShortTarget?
  private let argumentCount: Int
  private let argument0: Node
  private let argument1: Node
  /// Slots of the variables among the arguments that the statement sets, or that nothing reads after it: see
  /// `Compiler.giveUp`.
  private var givenUp = FixedArray<Int>([])
  /// Globals of this kind.
  private var givenUpGlobals: [Cell] = []
  private var givesGlobalsUp = false
  /// Where the function is, when it is in a variable.
  private let calleePlace: BarePlace?
  /// Whether that variable certainly keeps its function until the call is over.
  private let keepsCallee: Bool

  init(_ callee: Node, fallback: Builtin?, _ arguments: [Node], _ shape: ArgumentShape, _ source: Source, _ span: Span)
  {
    self.callee = callee
    self.fallback = fallback
    self.arguments = NodeList(arguments)
    self.shape = shape
    argumentCount = arguments.count
    argument0 = arguments.first ?? callee
    argument1 = arguments.count > 1 ? arguments[1] : callee
    calleePlace = BarePlace(callee)
    // A local variable that closures do not share changes by what its own function runs, and that is the arguments.
    keepsCallee = (callee as? LocalRead).map { $0.isFixed || arguments.allSatisfy(\.isPlain) } ?? false
    super.init(source, span)
  }

  /// The arguments in the order of the text.
  var written: [Node] { arguments.nodes }

  func giveUp(_ slots: Set<Int>, _ cells: [Cell]) {
    if let read = callee as? LocalRead, slots.contains(read.slot) { return }
    if let read = callee as? GlobalRead, cells.contains(where: { $0 === read.cell }) { return }
    let taken = Set(givenUp.all).union(slots)
    givenUp = FixedArray(Set(arguments.nodes.compactMap { ($0 as? LocalRead)?.slot }).intersection(taken).sorted())
    givenUpGlobals = cells.filter { cell in arguments.nodes.contains { ($0 as? GlobalRead)?.cell === cell } }
    givesGlobalsUp = !givenUpGlobals.isEmpty
  }

  /// The same call with what stands before the dot as its first argument.
  func with(receiver: Node) -> CallNode {
    CallNode(callee, fallback: fallback, [receiver] + arguments.nodes, shape, source, span)
  }

  @inline(never)
  private func letGlobalsGo(_ frame: Frame) {
    guard frame.machine.pointee.session.endsOnFailure else { return }
    for cell in givenUpGlobals where !cell.isKnownWithin { cell.pointer.pointee = Unset.value }
  }

  @inline(__always)
  private func letGo(_ frame: Frame) {
    if givesGlobalsUp { letGlobalsGo(frame) }
    var next = 0
    while next < givenUp.count {
      frame.base[givenUp[next]] = .none
      next &+= 1
    }
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let target, let calleePlace {
      let place = calleePlace.pointer(frame)
      if let function = place.function, target.isMet(by: function) {
        if target.captureCount == 0 { return try shortCall(target, nil, nil, frame) }
        return try lendingCall(function, nil, frame)
      }
    }
    return try call(try callee.eval(frame), nil, frame)
  }

  /// - Parameter receiver: goes before the written arguments.
  func call(_ value: Value, _ receiver: Value?, _ frame: Frame) throws(LTDError) -> Value {
    if case .function(var function) = value, let code = function.code {
      if target?.isMet(by: &function) != true { try plan(code) }
      if target != nil { return try lendingCall(&function, receiver, frame) }
      return try codeCall(code, function, receiver, frame)
    }
    return try otherCall(value, receiver, frame)
  }

  /// A short call of a function that has captured variables, which stays until the call is over.
  @inline(never)
  private func lendingCall(
    _ function: UnsafeMutablePointer<FunctionValue>, _ receiver: Value?, _ frame: Frame
  ) throws(LTDError) -> Value {
    guard let target else { throw error(.internal, "a call without a target") }
    if keepsCallee { return try shortCall(target, function, receiver, frame) }
    let kept = function.pointee
    defer { withExtendedLifetime(kept) {} }
    return try shortCall(target, function, receiver, frame)
  }

  /// A function whose parameters have types at most, called with exactly its parameters by place.
  ///
  /// - Parameter lender: the function when it has captured variables: the call borrows them.
  @inline(__always)
  private func shortCall(
    _ target: ShortTarget, _ lender: UnsafeMutablePointer<FunctionValue>?, _ receiver: Value?, _ frame: Frame
  ) throws(LTDError) -> Value {
    let machine = frame.machine
    let size = target.frameSize
    let window: UnsafeMutablePointer<Value>
    do { window = try machine.push(size) } catch { throw located(error) }
    if let lender { (window + target.captureStart).borrow(lender, target.captureCount) }
    do {
      var place = 0
      if let receiver {
        window[0] = receiver
        place = 1
      }
      if argumentCount > 0 {
        (window + place).set(try argument0.eval(frame))
        if argumentCount > 1 {
          (window + (place &+ 1)).set(try argument1.eval(frame))
          var further = 2
          while further < argumentCount {
            (window + (place &+ further)).set(try arguments[further].eval(frame))
            further &+= 1
          }
        }
      }
    } catch {
      pop(window, target, lender != nil, machine)
      throw error
    }
    letGo(frame)
    do {
      try machine.enter()
      try machine.poll()
    } catch {
      pop(window, target, lender != nil, machine)
      throw located(error)
    }
    do {
      let result =
        target.isPlain
        ? try target.body.eval(Frame(base: window, machine: machine)) : try body(of: target.code, window, machine)
      machine.leave()
      pop(window, target, lender != nil, machine)
      return result
    } catch {
      machine.leave()
      pop(window, target, lender != nil, machine)
      throw traced(error, target.name)
    }
  }

  @inline(__always)
  private func pop(
    _ window: UnsafeMutablePointer<Value>, _ target: ShortTarget, _ hasBorrowed: Bool,
    _ machine: UnsafeMutablePointer<Machine>
  ) {
    if hasBorrowed { (window + target.captureStart).forget(target.captureCount) }
    machine.pop(window, target.frameSize)
  }

  /// Runs a body with types or shared variables.
  @inline(never)
  private func body(
    of code: Code, _ window: UnsafeMutablePointer<Value>, _ machine: UnsafeMutablePointer<Machine>
  ) throws(LTDError) -> Value {
    if !code.parameters.takesPlainly(window) {
      try code.parameters.check(code.signature, machine.pointee.session, plan?.site) { window + $0 }
    }
    if !code.sharesNothing { machine.share(code, window) }
    return try machine.checkedResult(try code.body.eval(Frame(base: window, machine: machine)), code)
  }

  /// Works out where the arguments go.
  @inline(never)
  private func plan(_ code: Code) throws(LTDError) {
    if code !== knownCode {
      let plan: CallPlan
      do { plan = try CallPlan(shape, code.signature) } catch { throw located(error) }
      knownCode = code
      knownBuiltin = nil
      self.plan = plan
    }
    target = plan.flatMap { $0.isDirect && code.isSimple ? ShortTarget(code) : nil }
  }

  @inline(never)
  private func codeCall(
    _ code: Code, _ function: FunctionValue, _ receiver: Value?, _ frame: Frame
  ) throws(LTDError) -> Value {
    guard let plan else { throw error(.internal, "a call without a plan") }
    let machine = frame.machine
    let size = code.frameSize
    let window: UnsafeMutablePointer<Value>
    do { window = try machine.push(size) } catch { throw located(error) }
    defer { machine.pop(window, size) }
    try fill(window, plan, code.parameters, receiver, frame)
    letGo(frame)
    do {
      try machine.enter()
      try machine.poll()
    } catch {
      throw located(error)
    }
    defer { machine.leave() }
    do {
      return try machine.run(code, function, window, plan)
    } catch {
      throw traced(error, code.name)
    }
  }

  @inline(never)
  private func otherCall(_ value: Value, _ receiver: Value?, _ frame: Frame) throws(LTDError) -> Value {
    if case .function(let function) = value, let builtin = function.builtin {
      return try builtinCall(builtin, receiver, frame)
    }
    if let fallback {
      if case .function = value {
      } else if case .object(let object) = value, object.callSignature != nil {
      } else {
        return try builtinCall(fallback, receiver, frame)
      }
    }
    var values: [Value] = receiver.map { [$0] } ?? []
    var named: [(String, Value)] = []
    for (place, argument) in arguments.nodes.enumerated() {
      let value = try argument.eval(frame)
      switch shape.arguments[place + (receiver == nil ? 0 : 1)].kind {
      case .positional: values.append(value)
      case .named(let name): named.append((name.text, value))
      }
    }
    do { return try frame.machine.invoke(value, values, named, shape) } catch { throw located(error) }
  }

  private func builtinCall(_ builtin: Builtin, _ receiver: Value?, _ frame: Frame) throws(LTDError) -> Value {
    if builtin !== knownBuiltin {
      let plan: CallPlan
      do { plan = try CallPlan(shape, builtin.signature) } catch { throw located(error) }
      knownBuiltin = builtin
      knownCode = nil
      target = nil
      self.plan = plan
    }
    guard let plan else { throw error(.internal, "a call without a plan") }
    let parameters = builtin.signature.parameters
    let window: UnsafeMutablePointer<Value>
    do { window = try frame.machine.push(parameters.items.count) } catch { throw located(error) }
    defer { frame.machine.pop(window, parameters.items.count) }
    try fill(window, plan, parameters, receiver, frame)
    do {
      try frame.machine.poll()
      return try frame.machine.run(builtin, parameters, window, plan)
    } catch {
      throw located(error)
    }
  }

  private func fill(
    _ window: UnsafeMutablePointer<Value>, _ plan: CallPlan, _ parameters: ParameterList, _ receiver: Value?,
    _ frame: Frame
  ) throws(LTDError) {
    try CallNode.fill(window, plan, parameters, receiver, arguments, frame)
  }

  /// Evaluates the arguments in the order of the source into the places of their parameters.
  @inline(never)
  static func fill(
    _ window: UnsafeMutablePointer<Value>, _ plan: CallPlan, _ parameters: ParameterList, _ receiver: Value?,
    _ arguments: NodeList, _ frame: Frame
  ) throws(LTDError) {
    var rest: [Value] = []
    if parameters.rest != nil { rest.reserveCapacity(arguments.count + 1) }
    var named: [(String, Value)] = []
    var place = 0
    if let receiver {
      if case .parameter(let target) = plan.destinations[0] { window[target] = receiver } else { rest.append(receiver) }
      place = 1
    }
    for argument in arguments.nodes {
      let value = try argument.eval(frame)
      switch plan.destinations[place] {
      case .parameter(let target): window[target] = value
      case .rest: rest.append(value)
      case .named(let name): named.append((name, value))
      }
      place &+= 1
    }
    if let target = parameters.rest { window[target] = Value(rest) }
    if let target = parameters.named { window[target] = Value(fields: named) }
  }
}

/// A function as a call that has seen it before needs it. Code lives as long as its session: nothing is counted here.
private struct ShortTarget {
  private let reference: Unmanaged<Code>
  let body: NodeReference
  let frameSize: Int
  let captureStart: Int
  let captureCount: Int
  /// Whether there are neither types nor variables that closures share.
  let isPlain: Bool

  init(_ code: Code) {
    reference = Unmanaged.passUnretained(code)
    body = NodeReference(code.body)
    frameSize = code.frameSize
    captureStart = code.captureStart
    captureCount = code.captureCount
    isPlain = code.sharesNothing && !code.hasTypes
  }

  var code: Code { reference.takeUnretainedValue() }
  var name: String { code.name }

  /// Whether a function has this code.
  @inline(__always)
  func isMet(by function: UnsafeMutablePointer<FunctionValue>) -> Bool {
    function.pointee.codeReference == reference.toOpaque()
  }
}

extension UnsafeMutablePointer<Value> {
  /// Sets a variable that holds none.
  @inline(__always)
  func set(_ value: consuming Value) { initialize(to: value) }

  /// Makes the values that a function has captured stand here too, without counting: `forget` must follow.
  @inline(__always)
  fileprivate func borrow(_ function: UnsafeMutablePointer<FunctionValue>, _ count: Int) {
    function.pointee.captures.withUnsafeBytes { captures in
      let words = UnsafeMutableRawPointer(self)
      var place = 0
      while place < count &* MemoryLayout<Value>.stride {
        words.storeBytes(
          of: captures.load(fromByteOffset: place, as: UInt64.self), toByteOffset: place, as: UInt64.self)
        place &+= MemoryLayout<UInt64>.stride
      }
    }
  }

  @inline(__always)
  fileprivate func forget(_ count: Int) {
    var place = 0
    while place < count {
      (self + place).initialize(to: .none)
      place &+= 1
    }
  }
}

extension Node {
  /// The error with this call in its trace.
  @inline(never)
  final func traced(_ error: LTDError, _ function: String) -> LTDError {
    if error.diagnostic.trace.count >= 64 { return error.located(source, span) }
    return error.located(source, span).called(Diagnostic.Frame(function: function, source: source, span: span))
  }
}

/// A function written here: a new value with the variables it shares, each time it is reached.
final class ClosureNode: Node {
  private let code: Code
  private let captured: [Int]
  private let constant: Value?

  /// - Parameter captured: slots of the surrounding frame: cells of shared variables, values of those that never change.
  init(_ code: Code, captured: [Int], _ source: Source, _ span: Span) {
    self.code = code
    self.captured = captured
    constant = captured.isEmpty ? .function(FunctionValue(code, captures: [])) : nil
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let constant { return constant }
    let captures = [Value](filling: captured.count) { values, count in
      while count < captured.count {
        (values.baseAddress.unsafelyUnwrapped + count).initialize(to: frame.base[captured[count]])
        count &+= 1
      }
    }
    return .function(FunctionValue(code, captures: captures))
  }
}
