import Base

/// The variables of a session at one moment.
///
/// Values are copied before they are written wherever somebody else holds them, so that holding them is all it takes;
/// what changes in place, such as weights, is held by its restore points. So the moment may be read by another thread
/// while the session's own works on, whatever that is at, and it is what an undo goes back to. The price is one copy of
/// what a statement changes in place. What was found in a value is known for as long as the value is held: a moment is
/// made from the one before, and looks only at what is new.
public final class SessionMoment: @unchecked Sendable {
  /// A variable.
  public struct Variable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: Value
    /// Whether it was made with `const`.
    public var isConstant: Bool
  }

  /// The session's own variables, in alphabetical order.
  public let variables: [Variable]
  /// What changes in place, held as it was.
  public let points: [any RestorePoint]
  /// What could not be held for its size: the variable, and why.
  public let omitted: [(name: String, reason: String)]
  let modules: [Saver.SavedModule]
  private let moduleVariables: [ObjectIdentifier: [Variable]]
  private let facts: [String: Facts]
  /// The places of the variables, and the modules, for going back to before a session was replaced.
  private let cells: [String: Cell]
  private let moduleTable: Modules

  /// What a value holds that changes in place.
  private struct Facts {
    var owners: [HostObject] = []
    var cells: [Cell] = []
    var byteCount = 0
  }

  /// The most that a model or an optimiser may take to be held: its weights are copied by the first step of training.
  public static let largestHeld = 256 << 20
  /// How many values are looked at in one variable.
  private static let mostVisited = 2_000_000

  init(_ session: Session, _ previous: SessionMoment?) {
    modules = session.modules.saved
    variables = session.globals.held
    moduleTable = session.modules
    cells = session.globals.cells
    var moduleVariables: [ObjectIdentifier: [Variable]] = [:]
    for module in modules { moduleVariables[ObjectIdentifier(module.globals)] = module.globals.held }
    self.moduleVariables = moduleVariables
    let earlier = Dictionary(
      (previous?.variables ?? []).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    var facts: [String: Facts] = [:]
    var points: [any RestorePoint] = []
    var known: Set<ObjectIdentifier> = []
    var omitted: [(name: String, reason: String)] = []
    for variable in variables {
      let found: Facts
      if let old = previous?.facts[variable.name], old.cells.isEmpty, let value = earlier[variable.name],
        value.isSameReference(variable.value)
      {
        found = old
      } else {
        found = Self.facts(of: variable.value)
      }
      facts[variable.name] = found
      for cell in found.cells where known.insert(ObjectIdentifier(cell)).inserted {
        points.append(CellRestorePoint(cell))
      }
      for owner in found.owners {
        guard let point = owner.restorePoint, known.insert(ObjectIdentifier(point.owner)).inserted else { continue }
        if point.byteCount > Self.largestHeld {
          omitted.append((variable.name, "it changes in place and is too large to be held"))
        } else {
          points.append(point)
        }
      }
    }
    self.facts = facts
    self.points = points
    self.omitted = omitted
  }

  private static func facts(of value: Value) -> Facts {
    var facts = Facts()
    var seen: Set<ObjectIdentifier> = []
    var pending = [value]
    var visited = 0
    while let next = pending.popLast(), visited < mostVisited {
      visited += 1
      switch next {
      case .list(let list):
        guard seen.insert(ObjectIdentifier(list)).inserted else { continue }
        facts.byteCount += list.items.count * MemoryLayout<Value>.stride
        for item in list.items where item.isWorthALook { pending.append(item) }
      case .record(let record):
        guard seen.insert(ObjectIdentifier(record)).inserted else { continue }
        facts.byteCount += record.count * MemoryLayout<Value>.stride
        for place in 0..<record.count where record[place].isWorthALook { pending.append(record[place]) }
      case .string(let text): facts.byteCount += text.text.utf8.count
      case .function(let function):
        guard seen.insert(ObjectIdentifier(function)).inserted else { continue }
        pending += function.captures
        if let binding = function.binding { pending += [binding.target, binding.receiver] }
      case .object(let object):
        guard !next.isUnset, seen.insert(ObjectIdentifier(object)).inserted else { continue }
        if let cell = next.cell {
          facts.cells.append(cell)
          pending.append(cell.pointer.pointee)
          continue
        }
        facts.byteCount += object.byteCount
        pending += object.parts
        if object.restorePoint != nil { facts.owners.append(object) }
      default: break
      }
    }
    return facts
  }

  static func byteCount(of value: Value) -> Int { facts(of: value).byteCount }
  static func owners(in values: [Value]) -> [HostObject] { facts(of: Value(values)).owners }

  /// How many bytes the value of a variable takes, with all that it holds.
  public func byteCount(of name: String) -> Int { facts[name]?.byteCount ?? 0 }

  /// The names of the variables from which something that changes in place can be reached.
  public func names(reaching owner: AnyObject) -> [String] {
    facts.filter { _, facts in
      facts.cells.contains { $0 === owner } || facts.owners.contains { $0.restorePoint?.owner === owner }
    }.map(\.key).sorted()
  }

  /// The names that the user has given: all but `_`, `_1`, `ans` and other names with `_` at their beginning.
  public var userVariables: [String] { variables.map(\.name).filter { !$0.hasPrefix("_") && $0 != "ans" } }

  /// A variable by name.
  public subscript(name: String) -> Variable? {
    var (low, high) = (0, variables.count)
    while low < high {
      let middle = (low + high) / 2
      if variables[middle].name < name { low = middle + 1 } else { high = middle }
    }
    return low < variables.count && variables[low].name == name ? variables[low] : nil
  }

  func variables(of globals: Globals) -> [Variable] { moduleVariables[ObjectIdentifier(globals)] ?? [] }

  /// Sets all of a session back, its modules too.
  public func restoreAll(in session: Session) {
    session.globals.takeOver(cells)
    for name in cells.keys { session.globals.unset(name) }
    for variable in variables { session.set(variable) }
    session.modules = moduleTable
    for point in points where point.isChanged { point.restore() }
  }
}

extension Value {
  /// Whether something that changes in place may be reached from it, or it takes memory of its own.
  fileprivate var isWorthALook: Bool {
    switch self {
    case .list, .record, .function, .object, .string: true
    default: false
    }
  }

  /// Whether both are one object, or the same number.
  public func isSameReference(_ other: Value) -> Bool {
    switch (self, other) {
    case (.none, .none): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.float(let a), .float(let b)): a.bitPattern == b.bitPattern
    case (.string(let a), .string(let b)): a === b
    case (.list(let a), .list(let b)): a === b
    case (.record(let a), .record(let b)): a === b
    case (.range(let a), .range(let b)): a === b
    case (.function(let a), .function(let b)): a === b
    case (.object(let a), .object(let b)): a === b
    case (.error(let a), .error(let b)): a === b
    case (.module(let a), .module(let b)): a.globals === b.globals
    default: false
    }
  }
}

extension Session {
  /// The variables as they are now.
  ///
  /// - Parameter previous: an earlier moment, which spares a look at what has not changed since.
  public func moment(after previous: SessionMoment? = nil) -> SessionMoment { SessionMoment(self, previous) }

  /// Sets a variable as it was, where functions know its place.
  public func set(_ variable: SessionMoment.Variable) {
    let cell = globals.cell(variable.name)
    cell.pointer.pointee = variable.value
    cell.isConstant = variable.isConstant
  }

  /// Forgets the value of a variable, whose place functions may know.
  public func unset(_ name: String) { globals.unset(name) }
}
