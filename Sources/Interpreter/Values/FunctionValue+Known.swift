/// What a function of the language rests on beside its own text: what it names of the program around it, and what those
/// functions name in turn.
///
/// A record of a run has to tell a loss from another one, and the text of a loss says little where it is made of helpers
/// and of numbers from outside. `known` is all of it that can be compared: functions, modules and values, each once, in an
/// order that depends on the program alone. Functions that call each other in a circle are no trouble, since each is
/// gone through once. A variable that one of the functions sets itself, by `outer`, is something that it keeps, no part of
/// what it is, and is left out.
public struct KnownValue {
  /// How it is called where it is used, with who uses it: "scale of helper".
  public let name: String
  /// What it is.
  public let value: Value
}

extension FunctionValue {
  /// Whether it is part of the language.
  public var isBuiltin: Bool { builtin != nil }

  /// What was written of it: parameters with their defaults, and the body; nil for a function that is no part of a
  /// program.
  public var definition: String? {
    guard let code else { return nil }
    let (bytes, body) = (code.source.bytes, code.body.span)
    let start = min(code.headerSpan.start, body.start)
    guard start >= 0, start <= body.end, body.end <= bytes.count else { return nil }
    return String(decoding: bytes[Int(start)..<Int(body.end)], as: UTF8.self)
  }

  /// What the function knows from outside, and what that knows, without the function itself.
  public var known: [KnownValue] {
    // What is kept rather than known is certain when all functions were seen.
    var first = KnownWalk()
    first.go(from: self)
    var second = KnownWalk()
    second.kept = first.found
    second.go(from: self)
    return second.values
  }
}

/// A walk through what a function knows.
private struct KnownWalk {
  var values: [KnownValue] = []
  /// Cells that a function sets, which are passed over.
  var kept: Set<ObjectIdentifier> = []
  /// The cells that the functions which were seen set.
  var found: Set<ObjectIdentifier> = []
  private var seen: Set<ObjectIdentifier> = []
  /// What is still to be gone through, the next one last.
  private var pending: [KnownValue] = []

  mutating func go(from function: FunctionValue) {
    seen.insert(ObjectIdentifier(function))
    enter(function, nil)
    while let next = pending.popLast() { visit(next) }
  }

  private mutating func visit(_ known: KnownValue) {
    switch known.value {
    case .function(let function):
      guard seen.insert(ObjectIdentifier(function)).inserted else { return }
      values.append(known)
      enter(function, known.name)
    case .module(let module):
      guard seen.insert(ObjectIdentifier(module.globals)).inserted else { return }
      values.append(known)
      let cells = module.globals.cells.filter { $0.value.isSet }.sorted { $0.key < $1.key }
      add(
        cells.compactMap { name, cell in
          // Functions of the module are in its text.
          if case .function(let function) = cell.pointer.pointee, function.code?.source === module.source { return nil }
          return kept.contains(ObjectIdentifier(cell)) ? nil : (name, cell.pointer.pointee)
        }, of: known.name)
    case .list(let list):
      values.append(known)
      add(list.items.filter { $0.leadsOn }.map { ("an element", $0) }, of: known.name)
    case .record(let record):
      values.append(known)
      add(record.fields.filter { $0.1.leadsOn }.map { ($0.0, $0.1) }, of: known.name)
    default: values.append(known)
    }
  }

  /// Notes what a function knows itself.
  private mutating func enter(_ function: FunctionValue, _ name: String?) {
    if let binding = function.binding {
      return add([(binding.name, binding.target), ("the receiver", binding.receiver)], of: name)
    }
    guard let code = function.code else { return }
    var known: [(String, Value)] = []
    func note(_ name: String, _ cell: Cell) {
      if code.setOutside.contains(name) { found.insert(ObjectIdentifier(cell)) }
      if !kept.contains(ObjectIdentifier(cell)), cell.isSet { known.append((name, cell.pointer.pointee)) }
    }
    for (unique, value) in zip(code.captureNames, function.captures) {
      let name = String(unique.prefix { $0 != "@" })
      if let cell = value.cell { note(name, cell) } else if !value.isUnset { known.append((name, value)) }
    }
    for (name, cell) in code.named.sorted(by: { $0.key < $1.key }) { note(name, cell) }
    add(known, of: name)
  }

  private mutating func add(_ values: [(String, Value)], of owner: String?) {
    let end = owner.map { " of \($0.prefix { $0 != " " })" } ?? ""
    pending += values.reversed().map { KnownValue(name: $0.0 + end, value: $0.1) }
  }
}

extension Value {
  /// Whether it is a function or a module, or may hold one.
  fileprivate var leadsOn: Bool {
    switch self {
    case .function, .module, .list, .record: true
    default: false
    }
  }
}

extension ModuleValue {
  /// What is written in it.
  public var text: String { String(decoding: source.bytes, as: UTF8.self) }
}
