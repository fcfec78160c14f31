/// A call of a built-in known before running: arguments are sent to their parameters, and checked, ahead of time.
final class BuiltinCallNode: Node {
  private let builtin: Builtin
  private let parameters: ParameterList
  private let plan: CallPlan
  private let arguments: NodeList
  private let size: Int
  private let isDirect: Bool
  private let glance: Builtin.Glance?
  /// What the built-in may answer for at a glance.
  private let argument0: Operand?
  /// For `xs = append(xs, x)`: the variable gives its value up for the call, so that it is changed in place.
  var updated: VariablePlace?
  /// The same for `r.xs = append(r.xs, x)`.
  var updatedPart: PlaceNode?

  init(_ builtin: Builtin, _ plan: CallPlan, _ arguments: [Node], _ source: Source, _ span: Span) {
    self.builtin = builtin
    self.plan = plan
    self.arguments = NodeList(arguments)
    parameters = builtin.signature.parameters
    size = parameters.items.count
    isDirect = plan.isOrdered
    glance = plan.isOrdered && arguments.count == 1 ? builtin.glance : nil
    argument0 = arguments.first.map { Operand($0) }
    super.init(source, span)
  }

  /// The same call with what stands before the dot as its first argument.
  func with(receiver: Node) -> BuiltinCallNode {
    BuiltinCallNode(builtin, plan, [receiver] + arguments.nodes, source, span)
  }

  var name: String { builtin.name }
  var firstArgument: Node? { arguments.nodes.first }
  /// Those in the parentheses; `nil` where one more stands before the dot.
  var allArguments: [Node]? { plan.destinations.count == arguments.count ? arguments.nodes : nil }

  override var isPlain: Bool { glance != nil && arguments.nodes.allSatisfy(\.isPlain) }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let glance, let place = try argument0.unsafelyUnwrapped.peek(frame), let answer = glance(place) { return answer }
    return try call(nil, frame)
  }

  func call(_ receiver: Value?, _ frame: Frame) throws(LTDError) -> Value {
    let machine = frame.machine
    let window: UnsafeMutablePointer<Value>
    do {
      try machine.poll()
      window = try machine.push(size)
    } catch {
      throw located(error)
    }
    do {
      if isDirect {
        var place = 0
        if let receiver {
          window[0] = receiver
          place = 1
        }
        var written = 0
        while written < arguments.count {
          (window + (place &+ written)).set(try arguments[written].eval(frame))
          written &+= 1
        }
      } else {
        try CallNode.fill(window, plan, parameters, receiver, arguments, frame)
      }
    } catch {
      machine.pop(window, size)
      throw error
    }
    if updated != nil || updatedPart != nil { return try updatingCall(window, frame) }
    do {
      let result = try machine.run(builtin, parameters, window, plan)
      machine.pop(window, size)
      return result
    } catch {
      machine.pop(window, size)
      throw located(error)
    }
  }

  private func updatingCall(_ window: UnsafeMutablePointer<Value>, _ frame: Frame) throws(LTDError) -> Value {
    let machine = frame.machine
    var lent = updated?.pointer(frame)
    do throws(LTDError) {
      if let updatedPart { lent = try updatedPart.reach(frame) }
    } catch {
      machine.pop(window, size)
      throw error
    }
    let isLent = lent.map { $0.pointee.isIdentical(to: window[0]) } ?? false
    if isLent, let lent { lent.pointee = .none }
    do {
      let result = try machine.run(builtin, parameters, window, plan)
      machine.pop(window, size)
      return result
    } catch {
      if isLent, let lent { lent.pointee = window[0] }
      machine.pop(window, size)
      throw located(error)
    }
  }
}

extension Value {
  /// Whether both are the same reference, or the same number.
  func isIdentical(to other: Value) -> Bool {
    switch (self, other) {
    case (.int(let a), .int(let b)): a == b
    case (.float(let a), .float(let b)): a.bitPattern == b.bitPattern
    case (.list(let a), .list(let b)): a === b
    case (.record(let a), .record(let b)): a === b
    case (.string(let a), .string(let b)): a === b
    default: false
    }
  }
}
