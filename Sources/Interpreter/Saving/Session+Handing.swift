import Base

extension Session {
  /// A function with copies of all that it speaks of, for another session.
  ///
  /// - Parameter extras: further values, which share with the function what both hold.
  public func handedOver(_ function: Value, extras: [(String, Value)] = []) throws(CoreError) -> SavedGraph {
    let graph = try saved(namesNeeded(by: [function] + extras.map(\.1)), extras: [("function", function)] + extras)
    if let first = graph.omitted.first {
      let name = first.name.hasPrefix(":") ? "the function" : first.name
      throw CoreError(.value, "\(name) cannot be handed to a job: \(first.reason)")
    }
    return graph
  }

  /// The values that another session has saved as extras. Neither variables nor modules of this one change: functions among
  /// the values keep the variables that they had there.
  public func adopt(_ graph: SavedGraph) throws(CoreError) -> [String: Value] {
    let before = modules
    defer { modules = before }
    return try load(graph).extras
  }

  /// The variables that the functions within some values speak of, and those that these speak of.
  public func namesNeeded(by values: [Value]) -> Set<String> {
    var names: Set<String> = []
    var seen: Set<ObjectIdentifier> = []
    var pending = values
    while let next = pending.popLast() {
      switch next {
      case .list(let list):
        if seen.insert(ObjectIdentifier(list)).inserted { pending += list.items.filter { $0.mayHoldFunctions } }
      case .record(let record):
        if seen.insert(ObjectIdentifier(record)).inserted { pending += record.values.filter { $0.mayHoldFunctions } }
      case .function(let function):
        guard seen.insert(ObjectIdentifier(function)).inserted else { continue }
        pending += function.captures
        if let binding = function.binding { pending += [binding.target, binding.receiver] }
        guard let code = function.code, let unit = code.unit, unit.globals === globals else { continue }
        for name in code.named.keys {
          guard let value = globals[name], names.insert(name).inserted else { continue }
          pending.append(value)
        }
      case .object(let object):
        guard !next.isUnset, seen.insert(ObjectIdentifier(object)).inserted else { continue }
        pending += next.cell.map { [$0.pointer.pointee] } ?? object.parts
      default: break
      }
    }
    return names
  }

  /// Objects that change in place and can be reached from some values.
  public func owners(in values: [Value]) -> [HostObject] { SessionMoment.owners(in: values) }
}

extension Value {
  fileprivate var mayHoldFunctions: Bool {
    switch self {
    case .list, .record, .function, .object: true
    default: false
    }
  }
}
