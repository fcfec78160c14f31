import Interpreter

/// The call that the cursor stands in: what its arguments are, and which of them is being typed.
public struct CallHint: Equatable, Sendable {
  /// The function, as it is called: `pgd`, `tables.pivot`.
  public var name: String
  /// The arguments in order, each as it reads in the signature: `eps: float | none = 8/255`.
  public var arguments: [String]
  /// The position of the argument that is being typed; nil where it is none of them.
  public var current: Int?
  /// What that argument is, with its unit, in a sentence; empty where nothing is said.
  public var note: String

  /// Makes a hint.
  public init(name: String, arguments: [String], current: Int?, note: String) {
    self.name = name
    self.arguments = arguments
    self.current = current
    self.note = note
  }
}

extension Completer {
  /// The call whose parentheses enclose the cursor; nil where there is none, or nothing is known of it.
  /// - Parameter cursor: its position in bytes of UTF-8.
  public func hint(_ text: String, cursor: Int) -> CallHint? {
    var text = text
    let before = text.withUTF8 { bytes in
      let before = bytes.prefix(max(0, cursor))
      return before.contains(UInt8(ascii: "(")) ? String(decoding: before, as: UTF8.self) : nil
    }
    guard let before, let start = start(of: before) else { return nil }
    let context = cursorContext(in: start, at: start.utf8.count, typed: typed)
    guard let call = context.call, let known = callee(call) else { return nil }
    let current = known.position(of: call)
    var note = ""
    if let current {
      let name = known.outline.parameters[current].name
      note = session.documentation(of: known.name)?.arguments.first { $0.name == name }?.summary ?? ""
    }
    return CallHint(
      name: known.shown, arguments: known.outline.parameters.map(\.text), current: current, note: note)
  }

  /// The statement itself: after `:time`, all of it elsewhere; nil where none can stand.
  private func start(of text: String) -> String? {
    let start = text.drop { $0 == " " }
    switch start.first {
    case ":":
      let name = start.dropFirst().prefix { $0 != " " }
      guard let command = commands.first(where: { $0.name == name }), command.argument == .statement else { return nil }
      return String(start.dropFirst(name.count + 1))
    case "?", "!": return nil
    default: return text
    }
  }

  /// A function that is being called.
  struct Callee {
    /// By which its page is found.
    var name: String
    /// As it stands in the hint.
    var shown: String
    var outline: FunctionOutline
    /// Whether a value before the point, or before `|>`, is the first argument.
    var hasFirst: Bool

    /// The parameter that takes the argument being typed; nil where none does.
    func position(of call: CursorContext.Call) -> Int? {
      let parameters = outline.parameters
      if let name = call.argumentName {
        return parameters.firstIndex { $0.name == name && $0.kind == .normal }
          ?? parameters.firstIndex { $0.kind == .named }
      }
      // What has no name comes before what has one.
      if !call.givenNames.isEmpty { return nil }
      let place = positionals(of: call)
      let rest = parameters.firstIndex { $0.kind == .rest }
      if let rest, place >= rest { return rest }
      let normal = parameters.indices.filter { parameters[$0].kind == .normal }
      return place < normal.count ? normal[place] : nil
    }

    /// How many arguments before the cursor are given by their place.
    func positionals(of call: CursorContext.Call) -> Int {
      let named = call.givenNames.count - (call.argumentName == nil ? 0 : 1)
      return max(0, call.argumentIndex - named) + (hasFirst ? 1 : 0)
    }

    /// The parameters that neither a name nor a place has given a value yet.
    func open(in call: CursorContext.Call) -> [FunctionOutline.Parameter] {
      let parameters = outline.parameters
      let taken = positionals(of: call)
      let rest = parameters.firstIndex { $0.kind == .rest } ?? parameters.count
      return parameters.enumerated().filter { index, parameter in
        parameter.kind == .normal && !call.givenNames.contains(parameter.name) && (index >= taken || index > rest)
      }.map(\.element)
    }
  }

  /// The function that a call calls; nil where it is not known without running something.
  func callee(_ call: CursorContext.Call) -> Callee? {
    guard !call.function.isEmpty else { return nil }
    let plain = session.outline(of: call.function).map {
      Callee(
        name: call.function, shown: call.function, outline: $0, hasFirst: call.isPiped || call.receiver != nil)
    }
    guard let path = call.receiver, !path.isEmpty else { return call.receiver == nil ? plain : nil }
    let name = "\(path).\(call.function)"
    switch Receiver(session: session).known(path) {
    case .module, .value(.module):
      return session.outline(of: name).map { Callee(name: name, shown: name, outline: $0, hasFirst: call.isPiped) }
    case .value(.record(let record)):
      if let field = record[call.function], let outline = session.outline(of: field) {
        return Callee(name: name, shown: name, outline: outline, hasFirst: call.isPiped)
      }
      return plain
    case .value(.object):
      // What an object has itself, such as `rng.rand`, goes before a function of that name.
      if case .value(let value)? = Receiver(session: session).known(path),
        session.members(of: value).contains(where: { $0.name == call.function && $0.type == "function" })
      {
        return nil
      }
      return plain
    default: return plain
    }
  }
}
