/// `x.f(a)`: the field or method `f` of `x` if it has one that can be called, else the function `f` with `x` first.
final class MethodCallNode: Node {
  private let receiver: Node
  private let name: Name
  private let member: MemberName
  /// The call of the field, whose arguments are those written.
  private let fieldCall: Node
  /// The call of the function of that name; `nil` when there is none.
  private let functionCall: Node?
  private let function: Node?
  /// The call when it is of a built-in unless the object has a method of the name.
  let builtinCall: BuiltinCallNode?
  /// The call of the function with the receiver as an argument: for `xs = xs.f(x)`, where nothing but the call may hold
  /// the list that the variable gives up.
  private var direct: Node?

  /// Of `xs.f(x)` with a variable that is meant, the call `f(xs, x)`, which runs where the variable holds a list or string.
  func onVariable(_ isMeant: (Node) -> Bool) -> BuiltinCallNode? {
    guard isMeant(receiver), !(functionCall is SpreadCallNode) else { return direct as? BuiltinCallNode }
    if direct == nil {
      direct = builtinCall?.with(receiver: receiver) ?? (functionCall as? CallNode)?.with(receiver: receiver)
    }
    return direct as? BuiltinCallNode
  }

  /// The calls of functions of the language that it may be.
  var calls: [CallNode] { [fieldCall, direct].compactMap { $0 as? CallNode } }

  init(
    _ receiver: Node, _ name: Name, fieldCall: Node, functionCall: Node?, function: Node?, _ source: Source,
    _ span: Span
  ) {
    self.receiver = receiver
    self.name = name
    member = MemberName(name.text)
    self.fieldCall = fieldCall
    self.functionCall = functionCall
    self.function = function
    builtinCall = functionCall as? BuiltinCallNode
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let direct, let place = try receiver.peek(frame), place.list != nil || place.string != nil {
      return try direct.eval(frame)
    }
    let object = try receiver.eval(frame)
    if let builtinCall, !object.mayHaveMethods { return try builtinCall.call(object, frame) }
    return try dispatch(object, frame)
  }

  @inline(never)
  private func dispatch(_ object: Value, _ frame: Frame) throws(LTDError) -> Value {
    switch object {
    case .record, .object, .module, .error:
      let own: Value?
      do { own = try member.read(of: object) } catch { throw error.located(source, name.span) }
      if let own {
        switch own {
        case .function: return try perform(fieldCall, own, nil, frame)
        case .object(let target) where target.callSignature != nil: return try perform(fieldCall, own, nil, frame)
        default:
          if functionCall == nil {
            throw LTDError(
              .type, "\(name.text) is \(own.kindText), which cannot be called", source: source, span: name.span,
              hint: "write it without ()")
          }
        }
      }
    default: break
    }
    guard let functionCall, !object.isModule else {
      let table = frame.machine.pointee.session.table
      throw Operations.noAttribute(object, name.text, table, isBuiltin: builtinCall != nil).located(source, name.span)
    }
    if let builtinCall { return try builtinCall.call(object, frame) }
    let callee = try function?.eval(frame) ?? .none
    if function != nil, let error = noFunction(callee, of: object, frame) { throw error }
    return try perform(functionCall, callee, object, frame)
  }

  /// What to say where a variable that holds no function has the name of what is meant, as `train` has in `net.train()`.
  private func noFunction(_ callee: Value, of object: Value, _ frame: Frame) -> LTDError? {
    switch callee {
    case .function: return nil
    case .object(let other) where other.callSignature != nil: return nil
    default: break
    }
    var advice = frame.machine.pointee.session.table.advice[name.text]
    if case .object(let object) = object { advice = object.advice(on: name.text) ?? advice }
    guard let advice else { return nil }
    return LTDError(
      .type, "\(name.text) is \(callee.kindText), which cannot be called", source: source, span: name.span, hint: advice
    )
  }

  private func perform(_ call: Node, _ callee: Value, _ receiver: Value?, _ frame: Frame) throws(LTDError) -> Value {
    if let call = call as? CallNode { return try call.call(callee, receiver, frame) }
    if let call = call as? SpreadCallNode { return try call.call(callee, receiver, frame) }
    throw error(.internal, "a method call of an unknown form")
  }
}

extension Value {
  /// Whether it can have a field or method that is called.
  @inline(__always)
  fileprivate var mayHaveMethods: Bool {
    switch self {
    case .record, .object, .module, .error: true
    default: false
    }
  }
}

/// `f(*xs, **options)`
final class SpreadCallNode: Node {
  enum Part {
    case positional
    case named(Name)
    case spreadList
    case spreadRecord
  }
  private let callee: Node
  private let parts: [(part: Part, value: Node, span: Span)]

  init(_ callee: Node, _ parts: [(part: Part, value: Node, span: Span)], _ source: Source, _ span: Span) {
    self.callee = callee
    self.parts = parts
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    try call(try callee.eval(frame), nil, frame)
  }

  func call(_ value: Value, _ receiver: Value?, _ frame: Frame) throws(LTDError) -> Value {
    var values: [Value] = []
    var named: [(String, Value)] = []
    var shape: [(kind: ArgumentShape.Kind, span: Span)] = []
    if let receiver {
      values.append(receiver)
      shape.append((.positional, span))
    }
    for (part, node, span) in parts {
      let argument = try node.eval(frame)
      switch part {
      case .positional:
        values.append(argument)
        shape.append((.positional, span))
      case .named(let name):
        named.append((name.text, argument))
        shape.append((.named(name), span))
      case .spreadList:
        do {
          for item in try argument.elements(frame.machine.pointee.session) {
            values.append(item)
            shape.append((.positional, span))
          }
        } catch {
          throw error.located(source, span)
        }
      case .spreadRecord:
        guard case .record(let record) = argument else {
          throw LTDError(.type, "** needs a record, not \(argument.kindText)", source: source, span: span)
        }
        for (name, item) in record.fields {
          named.append((name, item))
          shape.append((.named(Name(name, span)), span))
        }
      }
    }
    let arguments = ArgumentShape(source: source, span: span, arguments: shape)
    do {
      return try frame.machine.invoke(value, values, named, arguments)
    } catch {
      if case .function(let function) = value, let code = function.code { throw traced(error, code.name) }
      throw located(error)
    }
  }
}
