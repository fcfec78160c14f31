// Reading a part of a value: an element, a slice, a field.
//
// The frequent forms, one index and one field of what a variable holds, are read where they are: `peek` finds the element
// without taking the list out of its variable, so that nothing is counted. Everything else, tensors and errors included,
// goes through `Operations`. A field is found by the layout of the record: `FieldName` remembers the layouts seen last, and
// a record that has one of them needs no search.

/// One part between the brackets of `x[…]`.
enum SubscriptNode {
  case value(Node)
  case slice(start: Node?, stop: Node?, step: Node?, Span)
  case ellipsis

  func item(_ frame: Frame, _ source: Source) throws(LTDError) -> IndexItem {
    switch self {
    case .value(let node): return Operations.indexItem(try node.eval(frame))
    case .ellipsis: return .ellipsis
    case .slice(let start, let stop, let step, _):
      return .slice(
        start: try bound(start, frame, source), stop: try bound(stop, frame, source),
        step: try bound(step, frame, source) ?? 1)
    }
  }

  private func bound(_ node: Node?, _ frame: Frame, _ source: Source) throws(LTDError) -> Int? {
    guard let node else { return nil }
    let value = try node.eval(frame)
    switch value {
    case .int(let number): return number
    case .none: return nil
    default:
      throw LTDError(
        .type, "the bounds of a slice must be ints, not \(value.kindText)", source: source, span: node.span,
        hint: value.isNumber ? "// divides to an int; int(x) makes one" : nil)
    }
  }
}

/// `x[i]`
final class ElementNode: Node {
  private let container: Operand
  private let index: Operand
  /// Whether computing the index runs nothing that could change the container; it may then be computed twice.
  private let isFree: Bool

  init(_ container: Node, _ index: Node, _ source: Source, _ span: Span) {
    self.container = Operand(container)
    self.index = Operand(index)
    isFree = index.isPlain
    super.init(source, span)
  }

  override var isPlain: Bool { isFree && container.node.isPlain }

  override func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? {
    guard isFree, let place = try container.peek(frame) else { return nil }
    if let list = place.list {
      guard case .int(let index) = try index.read(frame) else { return nil }
      return list.pointee.pointer(at: index)
    }
    guard let record = place.record, let name = try index.peek(frame)?.string,
      let field = record.pointee.layout.place(of: name.pointee.text)
    else { return nil }
    return record.pointee.pointer(to: field)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let found = try peek(frame) { return found.copied }
    let value = try container.read(frame)
    let place = try index.read(frame)
    if case .int(let index) = place {
      if case .list(let list) = value {
        let count = list.items.count
        let resolved = index < 0 ? index &+ count : index
        if resolved >= 0, resolved < count { return list.items[resolved] }
      } else if case .string(let text) = value, let character = text.character(at: index) {
        return character
      }
    }
    do {
      return try Operations.index(value, [Operations.indexItem(place)])
    } catch {
      throw error.located(source, index.node.span)
    }
  }
}

/// `x[a:b, ..., 0]`
final class IndexNode: Node {
  private let container: Operand
  private let subscripts: [SubscriptNode]
  /// The bounds of `x[a:b]` when computing them runs no other code.
  private let start: NodeReference?
  private let stop: NodeReference?
  private let isPlainSlice: Bool

  init(_ container: Node, _ subscripts: [SubscriptNode], _ source: Source, _ span: Span) {
    self.container = Operand(container)
    self.subscripts = subscripts
    if subscripts.count == 1, case .slice(let start, let stop, nil, _) = subscripts[0],
      start?.isPlain != false, stop?.isPlain != false
    {
      self.start = start.map { NodeReference($0) }
      self.stop = stop.map { NodeReference($0) }
      isPlainSlice = true
    } else {
      (start, stop, isPlainSlice) = (nil, nil, false)
    }
    super.init(source, span)
  }

  /// `x[a:b]` of a list or string in a variable.
  private func slice(_ frame: Frame) throws(LTDError) -> Value? {
    guard isPlainSlice, let place = try container.peek(frame) else { return nil }
    let count: Int
    switch place.pointee {
    case .list(let list): count = list.items.count
    case .string(let text): count = text.count
    default: return nil
    }
    let first = try start?.eval(frame) ?? .int(0)
    let last = try stop?.eval(frame) ?? .int(.max)
    guard case .int(let start) = first, case .int(let stop) = last else { return nil }
    let to = Operations.bound(stop, count)
    let from = min(Operations.bound(start, count), to)
    if let list = place.list { return .list(ListValue(list.pointee.items[from..<to])) }
    guard let text = place.string else { return nil }
    do { return .string(try text.pointee.slice(from, to - from, 1)) } catch { throw located(error) }
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let part = try slice(frame) { return part }
    let value = try container.read(frame)
    var items: [IndexItem] = []
    items.reserveCapacity(subscripts.count)
    for part in subscripts { items.append(try part.item(frame, source)) }
    do { return try Operations.index(value, items) } catch { throw located(error) }
  }
}

/// `x.name`
final class AttributeNode: Node {
  private let container: Operand
  private let name: Name
  private let function: Node?
  private let field: FieldName
  private let member: MemberName

  /// - Parameter function: what the name means as a variable or function; then `x.f` is `f` bound to `x`.
  init(_ container: Node, _ name: Name, function: Node?, _ source: Source, _ span: Span) {
    self.container = Operand(container)
    self.name = name
    self.function = function
    field = FieldName(name.text)
    member = MemberName(name.text)
    super.init(source, span)
  }

  override var isPlain: Bool { container.node.isPlain }

  override func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? {
    guard let record = try container.peek(frame)?.record, let place = field.place(in: record.pointee) else {
      return nil
    }
    return record.pointee.pointer(to: place)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let found = try peek(frame) { return found.copied }
    let value = try container.read(frame)
    if case .record(let record) = value, let place = field.place(in: record) { return record[place] }
    do {
      if let own = try member.read(of: value) { return own }
    } catch {
      throw error.located(source, name.span)
    }
    var bound: Value?
    if let function, case .function(let found) = try function.eval(frame) { bound = .function(found) }
    do {
      return try Operations.attribute(value, name.text, bound, frame.machine.pointee.session.table)
    } catch {
      throw error.located(source, name.span)
    }
  }
}

/// The name of a member as code has it: remembers how it was read, or that there was none, in the kind of value seen last.
/// Code meets the same kind again and again, and to look a name up in a list costs more than to read most members.
final class MemberName {
  private let text: String
  private var kind: ObjectIdentifier?
  private var reader: (@Sendable (Value) throws -> Value?)?

  init(_ text: String) { self.text = text }

  /// The member of this name; `nil` where the value has none.
  func read(of value: Value) throws(LTDError) -> Value? {
    let kind: ObjectIdentifier
    switch value {
    case .object(let object): kind = ObjectIdentifier(type(of: object))
    case .range: kind = ObjectIdentifier(RangeValue.self)
    case .error: kind = ObjectIdentifier(ErrorValue.self)
    case .function: kind = ObjectIdentifier(FunctionValue.self)
    default: return try Operations.ownAttribute(value, text)
    }
    if kind != self.kind {
      reader = Operations.members(of: value).first { $0.name == text }?.read
      self.kind = kind
    }
    guard let reader else { return nil }
    return try fromHost { try reader(value) }
  }
}

/// The name of a field as code has it: remembers where the field was in the records seen last.
final class FieldName {
  private let text: String
  /// The layout seen last, which is fixed, and the field's place in it.
  private var layout: RecordLayout?
  private var place = 0
  /// The layout seen last that had no such field, and the one that it became: both fixed.
  private var shorter: RecordLayout?
  private var longer: RecordLayout?

  init(_ text: String) { self.text = text }

  @inline(__always)
  func place(in record: RecordValue) -> Int? { record.layout === layout ? place : search(record.layout) }

  @inline(never)
  private func search(_ layout: RecordLayout) -> Int? {
    guard let found = layout.place(of: text) else { return nil }
    if layout.isFixed {
      self.layout = layout
      place = found
    }
    return found
  }

  /// Where the field is in the record of a variable, which nobody else holds then.
  ///
  /// - Parameter makesField: makes it where there is none.
  @inline(__always)
  func pointer(
    in record: UnsafeMutablePointer<RecordValue>, _ makesField: Bool
  ) -> UnsafeMutablePointer<Value>? {
    if let place = place(in: record.pointee) {
      record.makeUnique()
      return record.pointee.pointer(to: place)
    }
    return makesField ? make(in: record) : nil
  }

  @inline(never)
  private func make(in record: UnsafeMutablePointer<RecordValue>) -> UnsafeMutablePointer<Value> {
    let before = record.pointee.layout
    if let longer, before === shorter {
      RecordValue.add(.none, as: longer, to: &record.pointee)
    } else {
      RecordValue.add(text, .none, to: &record.pointee)
      if before.isFixed, record.pointee.layout.isFixed {
        shorter = before
        longer = record.pointee.layout
      }
    }
    return record.pointee.pointer(to: record.pointee.count &- 1)
  }
}
