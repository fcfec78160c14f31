// Reading and setting variables. There are three kinds of place: a slot in the frame of the call, for variables that no
// other function knows; a cell on the heap, for those that closures share; and a global's cell, which the session keeps.
// The compiler chooses the class of each read: without a check where the variable is certainly set, with one elsewhere.
// A variable that is not set yet holds a mark that no program can get hold of, and reading it is an error of kind `name`.

/// A variable that closures share, or a global: a slot of its own on the heap.
///
/// In a frame's slot it stands as `.object`; no program can get hold of it there.
final class Cell: HostObject {
  private var value: Value
  /// Set once by `const`.
  var isConstant = false
  /// Of a global: whether some function speaks of it.
  var isKnownWithin = false

  init(_ value: Value) { self.value = value }

  /// The place of the value, for as long as the cell lives.
  @inline(__always)
  var pointer: UnsafeMutablePointer<Value> { withUnsafeMutablePointer(to: &value) { $0 } }

  deinit {
    // A chain of closures can be long: free it without recursion.
    guard value.isNested else { return }
    var pending = [value]
    value = .none
    Heap.release(&pending)
  }

  var isSet: Bool { !pointer.pointee.isUnset }
}

extension Value {
  /// The cell that stands in a slot for a shared variable.
  @inline(__always)
  var cell: Cell? {
    guard case .object(let object) = self, type(of: object) == Cell.self else { return nil }
    return unsafeDowncast(object, to: Cell.self)
  }
}

/// What a variable holds before it is set.
final class Unset: HostObject, @unchecked Sendable {
  private static let shared = Unset()
  static let value = Value.object(shared)
  static let identifier = ObjectIdentifier(shared)
}

extension Value {
  @inline(__always)
  var isUnset: Bool {
    if case .object(let object) = self { ObjectIdentifier(object) == Unset.identifier } else { false }
  }
}

/// The top-level variables of a session or a module, in the order in which they appeared.
final class Globals {
  private(set) var cells: [String: Cell] = [:]

  /// The variable's place, made when there is none yet.
  func cell(_ name: String) -> Cell {
    if let cell = cells[name] { return cell }
    let cell = Cell(Unset.value)
    cells[name] = cell
    return cell
  }

  subscript(name: String) -> Value? {
    guard let cell = cells[name], cell.isSet else { return nil }
    return cell.pointer.pointee
  }

  func remove(_ name: String) { cells[name] = nil }
  func removeAll() { cells = [:] }

  /// Forgets the value of a variable whose place functions may know.
  func unset(_ name: String) {
    cells[name]?.pointer.pointee = Unset.value
    cells[name]?.isConstant = false
  }

  /// The variables of another one, in the places that they have there, instead of its own.
  func takeOver(_ other: [String: Cell]) { cells = other }

  /// The variables that are set, with their values, in alphabetical order.
  var held: [SessionMoment.Variable] {
    cells.filter { $0.value.isSet }.sorted { $0.key < $1.key }.map {
      SessionMoment.Variable(name: $0.key, value: $0.value.pointer.pointee, isConstant: $0.value.isConstant)
    }
  }

  /// Public names that are set, for `module.name`.
  var publicNames: [String] { cells.filter { $0.value.isSet && !$0.key.hasPrefix("_") }.map(\.key).sorted() }
}

final class ConstantNode: Node {
  let pointer: UnsafeMutablePointer<Value>

  init(_ value: Value, _ source: Source, _ span: Span) {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: value)
    super.init(source, span)
  }

  deinit {
    pointer.deinitialize(count: 1)
    pointer.deallocate()
  }

  override var isPlain: Bool { true }

  override func eval(_ frame: Frame) throws(LTDError) -> Value { pointer.pointee }

  override func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? { pointer }
}

/// A local variable that is certainly set.
final class LocalRead: Node {
  let slot: Int
  /// Whether it is a parameter, here or further out, that nothing sets.
  let isFixed: Bool

  init(_ slot: Int, isFixed: Bool = false, _ source: Source, _ span: Span) {
    self.slot = slot
    self.isFixed = isFixed
    super.init(source, span)
  }

  override var isPlain: Bool { true }

  override func eval(_ frame: Frame) throws(LTDError) -> Value { frame.base[slot] }

  override func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? { frame.base + slot }
}

/// A local variable that may not be set yet.
final class LocalCheckedRead: Node {
  let slot: Int
  let name: String

  init(_ slot: Int, _ name: String, _ source: Source, _ span: Span) {
    self.slot = slot
    self.name = name
    super.init(source, span)
  }

  override var isPlain: Bool { true }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let value = frame.base[slot]
    if value.isUnset { throw unset(name) }
    return value
  }

  override func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? { frame.base + slot }
}

/// A variable shared with closures; its slot holds the cell.
final class CellRead: Node {
  let slot: Int
  let name: String

  init(_ slot: Int, _ name: String, _ source: Source, _ span: Span) {
    self.slot = slot
    self.name = name
    super.init(source, span)
  }

  override var isPlain: Bool { true }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let value = frame.cell(slot).pointee
    if value.isUnset { throw unset(name) }
    return value
  }

  override func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? { frame.cell(slot) }
}

/// A global that is certainly set.
final class GlobalRead: Node {
  let pointer: UnsafeMutablePointer<Value>
  let cell: Cell

  init(_ cell: Cell, _ source: Source, _ span: Span) {
    self.cell = cell
    pointer = cell.pointer
    super.init(source, span)
  }

  override var isPlain: Bool { true }

  override func eval(_ frame: Frame) throws(LTDError) -> Value { pointer.pointee }

  override func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? { pointer }
}

/// A global that may not be set yet.
final class GlobalCheckedRead: Node {
  let cell: Cell
  let pointer: UnsafeMutablePointer<Value>
  let name: String

  init(_ cell: Cell, _ name: String, _ source: Source, _ span: Span) {
    self.cell = cell
    self.name = name
    pointer = cell.pointer
    super.init(source, span)
  }

  override var isPlain: Bool { true }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let value = pointer.pointee
    if value.isUnset { throw unset(name) }
    return value
  }

  override func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? { pointer }
}

extension Node {
  @inline(never)
  final func unset(_ name: String) -> LTDError {
    error(.name, "\(name) has no value yet", hint: "the line that sets it has not run")
  }
}

extension Frame {
  /// The place of a variable shared with closures.
  @inline(__always)
  func cell(_ slot: Int) -> UnsafeMutablePointer<Value> {
    guard case .object(let object) = base[slot] else { return base + slot }
    return unsafeDowncast(object, to: Cell.self).pointer
  }
}

/// Where a variable lives, for writing.
struct VariablePlace {
  enum Kind: UInt8 {
    case local
    /// Shared with closures; the slot holds the cell.
    case cell
    case global
  }
  let kind: Kind
  let slot: Int
  private let fixed: UnsafeMutablePointer<Value>?
  /// Of a global.
  let global: Cell?

  static func local(_ slot: Int) -> VariablePlace { VariablePlace(kind: .local, slot: slot, fixed: nil, global: nil) }
  static func cell(_ slot: Int) -> VariablePlace { VariablePlace(kind: .cell, slot: slot, fixed: nil, global: nil) }
  static func global(_ cell: Cell) -> VariablePlace {
    VariablePlace(kind: .global, slot: 0, fixed: cell.pointer, global: cell)
  }

  @inline(__always)
  func pointer(_ frame: Frame) -> UnsafeMutablePointer<Value> {
    switch kind {
    case .local: frame.base + slot
    case .cell: frame.cell(slot)
    case .global: fixed.unsafelyUnwrapped
    }
  }
}

/// Where the variable or constant that a node reads is, without anything to count. It may be unset.
struct BarePlace: BitwiseCopyable {
  private let kind: VariablePlace.Kind
  private let slot: Int
  private let fixed: UnsafeMutablePointer<Value>?

  private init(_ kind: VariablePlace.Kind, slot: Int = 0, fixed: UnsafeMutablePointer<Value>? = nil) {
    self.kind = kind
    self.slot = slot
    self.fixed = fixed
  }

  init?(_ node: Node) {
    switch node {
    case let read as LocalRead: self.init(.local, slot: read.slot)
    case let read as LocalCheckedRead: self.init(.local, slot: read.slot)
    case let read as CellRead: self.init(.cell, slot: read.slot)
    case let read as GlobalRead: self.init(.global, fixed: read.pointer)
    case let read as GlobalCheckedRead: self.init(.global, fixed: read.pointer)
    case let constant as ConstantNode: self.init(.global, fixed: constant.pointer)
    default: return nil
    }
  }

  @inline(__always)
  func pointer(_ frame: Frame) -> UnsafeMutablePointer<Value> {
    switch kind {
    case .local: frame.base + slot
    case .cell: frame.cell(slot)
    case .global: fixed.unsafelyUnwrapped
    }
  }
}

final class AssignLocal: Node {
  private let slot: Int
  private let value: Node

  init(_ slot: Int, _ value: Node, _ source: Source, _ span: Span) {
    self.slot = slot
    self.value = value
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    frame.base[slot] = try value.eval(frame)
    return .none
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    frame.base[slot] = try value.eval(frame)
    return .normal
  }
}

final class AssignGlobal: Node {
  private let cell: Cell
  private let pointer: UnsafeMutablePointer<Value>
  private let value: Node

  init(_ cell: Cell, _ value: Node, _ source: Source, _ span: Span) {
    self.cell = cell
    pointer = cell.pointer
    self.value = value
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    pointer.pointee = try value.eval(frame)
    return .none
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    pointer.pointee = try value.eval(frame)
    return .normal
  }
}

final class AssignCell: Node {
  private let slot: Int
  private let value: Node

  init(_ slot: Int, _ value: Node, _ source: Source, _ span: Span) {
    self.slot = slot
    self.value = value
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let value = try value.eval(frame)
    frame.cell(slot).pointee = value
    return .none
  }
}

extension Globals {
  /// The same names with the same values, in places of their own.
  convenience init(copying other: Globals) {
    self.init()
    for (name, cell) in other.cells where cell.isSet {
      let copy = self.cell(name)
      copy.pointer.pointee = cell.pointer.pointee
      copy.isConstant = cell.isConstant
    }
  }
}
