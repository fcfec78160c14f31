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
        .type, "the bounds of a slice are ints, not \(value.kindText)", source: source, span: node.span,
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

  /// `x[a:b]` of a list or text in a variable.
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

  /// - Parameter function: what the name means as a variable or function; then `x.f` is `f` bound to `x`.
  init(_ container: Node, _ name: Name, function: Node?, _ source: Source, _ span: Span) {
    self.container = Operand(container)
    self.name = name
    self.function = function
    field = FieldName(name.text)
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
      if let own = try Operations.ownAttribute(value, name.text) { return own }
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

/// A place within a variable: `x[0].name[1:3]`, to be set or changed.
final class PlaceNode: Node {
  enum Step {
    case index([SubscriptNode], Span)
    case attribute(Name)
  }
  enum EvaluatedStep {
    case index([IndexItem], Span)
    case attribute(String, Span)
  }
  let root: VariablePlace
  private let rootName: String
  private let steps: [Step]
  /// The steps again when each is a field or one index that runs no other code; empty when one is not.
  private let plainSteps: FixedArray<PlainStep>

  /// An index or a field, without anything to count; `steps` and `fieldNames` hold what it refers to.
  private struct PlainStep: BitwiseCopyable {
    let index: NodeReference?
    /// Where the index is, when it is in a variable or a constant.
    let place: BarePlace?
    let field: Unmanaged<FieldName>?
  }
  private let fieldNames: [FieldName]

  init(_ root: VariablePlace, _ rootName: String, _ steps: [Step], _ source: Source, _ span: Span) {
    self.root = root
    self.rootName = rootName
    self.steps = steps
    var fieldNames: [FieldName] = []
    let plain = steps.compactMap { step -> PlainStep? in
      switch step {
      case .attribute(let name):
        let field = FieldName(name.text)
        fieldNames.append(field)
        return PlainStep(index: nil, place: nil, field: .passUnretained(field))
      case .index(let parts, _):
        guard parts.count == 1, case .value(let node) = parts[0], node.isPlain else { return nil }
        return PlainStep(index: NodeReference(node), place: BarePlace(node), field: nil)
      }
    }
    self.fieldNames = fieldNames
    plainSteps = FixedArray(plain.count == steps.count ? plain : [])
    super.init(source, span)
  }

  func store(_ value: Value, _ frame: Frame) throws(LTDError) {
    if let pointer = try reach(frame, isStore: true) {
      pointer.pointee = value
      return
    }
    try change(frame) { (old: inout Value) in old = value }
  }

  /// The place in memory, when the way there goes through lists and records only and no index runs other code; whatever
  /// is shared on the way is copied. `nil` leaves the matter, errors included, to `change`.
  ///
  /// - Parameter isStore: makes the field that comes last when there is none.
  func reach(_ frame: Frame, isStore: Bool = false) throws(LTDError) -> UnsafeMutablePointer<Value>? {
    var place = root.pointer(frame)
    var next = 0
    while next < plainSteps.count {
      let step = plainSteps[next]
      next &+= 1
      if let record = place.record {
        let makesField = isStore && next == plainSteps.count
        if let field = step.field {
          guard let found = field._withUnsafeGuaranteedRef({ $0.pointer(in: record, makesField) }) else { return nil }
          place = found
        } else if let string = step.place?.pointer(frame).string {
          guard let found = record.pointer(to: string.pointee.text, makesField) else { return nil }
          place = found
        } else {
          guard let index = step.index, case .string(let name) = try index.eval(frame),
            let found = record.pointer(to: name.text, makesField)
          else { return nil }
          place = found
        }
      } else {
        guard let list = place.list, let node = step.index else { return nil }
        let value: Value
        if let place = step.place { value = place.pointer(frame).copied } else { value = try node.eval(frame) }
        guard case .int(let index) = value else { return nil }
        let count = list.pointee.items.count
        let resolved = index < 0 ? index &+ count : index
        guard resolved >= 0, resolved < count else { return nil }
        list.makeUnique()
        place = list.pointee.items.withUnsafeMutableBufferPointer { $0.baseAddress.unsafelyUnwrapped + resolved }
      }
    }
    return plainSteps.count == 0 ? nil : place
  }

  /// Changes what is at the place.
  func change(_ frame: Frame, _ body: (inout Value) throws(LTDError) -> Void) throws(LTDError) {
    var evaluated: [EvaluatedStep] = []
    for step in steps {
      switch step {
      case .attribute(let name): evaluated.append(.attribute(name.text, name.span))
      case .index(let parts, let span):
        var items: [IndexItem] = []
        for part in parts { items.append(try part.item(frame, source)) }
        evaluated.append(.index(items, span))
      }
    }
    let place = root.pointer(frame)
    if place.pointee.isUnset { throw unset(rootName) }
    try update(&place.pointee, evaluated[...], body)
  }

  private func update(
    _ target: inout Value, _ steps: ArraySlice<EvaluatedStep>, _ body: (inout Value) throws(LTDError) -> Void
  ) throws(LTDError) {
    guard let step = steps.first else { return try body(&target) }
    let rest = steps.dropFirst()
    let span: Span
    switch step {
    case .index(_, let place), .attribute(_, let place): span = place
    }
    // The payloads are taken out one by one: a pattern over the pair would hold them a second time.
    switch (target.plainKind, step) {
    case (.list, .index(let items, _)):
      guard items.count == 1 else {
        throw LTDError(.type, "a list takes one index, not \(items.count)", source: source, span: span)
      }
      let part: (start: Int, count: Int)
      switch items[0] {
      case .index(let index):
        do {
          part = (try Operations.resolve(index, target.asList?.count ?? 0, "list"), 1)
        } catch {
          throw error.located(source, span)
        }
      case .slice(let start, let stop, let by):
        return try replaceSlice(&target, start, stop, by, span, body)
      default: throw Operations.cannotIndex(target, items[0]).located(source, span)
      }
      guard case .list(var list) = target else { return }
      target = .none
      defer { target = .list(list) }
      if !isKnownUniquelyReferenced(&list) { list = ListValue(list.items) }
      try update(&list.items[part.start], rest, body)
    case (.record, .index(let items, _)):
      guard items.count == 1, case .value(.string(let name)) = items[0] else {
        throw Operations.cannotIndex(target, items.first ?? .ellipsis).located(source, span)
      }
      guard case .record(var record) = target else { return }
      target = .none
      defer { target = .record(record) }
      try updateField(&record, name.text, rest, span, body)
    case (.record, .attribute(let name, _)):
      guard case .record(var record) = target else { return }
      target = .none
      defer { target = .record(record) }
      try updateField(&record, name, rest, span, body)
    case (.object, _) where !target.isFollowed:
      guard case .object(var object) = target else { return }
      var part: Value = .none
      do {
        if !rest.isEmpty || readsBeforeWriting {
          switch step {
          case .index(let items, _): part = try object.index(items) ?? .none
          case .attribute(let name, _): part = try type(of: object).members.read(name, of: target) ?? .none
          }
        }
      } catch {
        throw LTDError.reporting(error).located(source, span)
      }
      try update(&part, rest, body)
      target = .none
      defer { target = .object(object) }
      let isUnique = isKnownUniquelyReferenced(&object)
      do {
        let changed: HostObject?
        switch step {
        case .index(let items, _): changed = try object.setIndex(items, to: part, isUnique: isUnique)
        case .attribute(let name, _):
          let member = type(of: object).members.first { $0.name == name }
          changed = try member?.write?(object, part) == true ? object : nil
        }
        guard let changed else {
          throw LTDError(.type, "this part of \(object.typeName.withArticle) cannot be set")
        }
        object = changed
      } catch {
        throw LTDError.reporting(error).located(source, span)
      }
    case (.string, .index):
      throw LTDError(
        .type, "the characters of a string cannot be set", source: source, span: span,
        hint: "make a new string: \"{s[:i]}x{s[i + 1:]}\"")
    case (_, .attribute(let name, _)):
      throw LTDError(
        .type, "\(target.kindText) has no field \(name) to set", source: source, span: span,
        hint: "only records have fields")
    default:
      throw LTDError(
        .type, "the elements of \(target.kindText) cannot be set", source: source, span: span,
        hint: "only lists, records and tensors have elements to set")
    }
  }

  /// Set by `x[i] += 1`, which needs the old value.
  var readsBeforeWriting = false

  private func updateField(
    _ record: inout RecordValue, _ name: String, _ rest: ArraySlice<EvaluatedStep>, _ span: Span,
    _ body: (inout Value) throws(LTDError) -> Void
  ) throws(LTDError) {
    if let place = record.layout.place(of: name) {
      if !isKnownUniquelyReferenced(&record) { record = record.copy(capacity: record.count) }
      return try update(&record.pointer(to: place).pointee, rest, body)
    }
    guard rest.isEmpty, !readsBeforeWriting else { throw Operations.noField(name, record).located(source, span) }
    var value: Value = .none
    try body(&value)
    RecordValue.set(name, value, in: &record)
  }

  /// `xs[1:3] = [7, 8, 9]`
  private func replaceSlice(
    _ target: inout Value, _ start: Int?, _ stop: Int?, _ by: Int, _ span: Span,
    _ body: (inout Value) throws(LTDError) -> Void
  ) throws(LTDError) {
    guard case .list(var list) = target else { return }
    let slice: (start: Int, count: Int)
    do {
      slice = try Operations.sliceIndices(start, stop, by, list.items.count)
    } catch {
      throw error.located(source, span)
    }
    var part = Value((0..<slice.count).map { list.items[slice.start + $0 * by] })
    try body(&part)
    guard case .list(let new) = part else {
      throw LTDError(
        .type, "a slice of a list is set to a list, not to \(part.kindText)", source: source, span: span,
        hint: "xs[a:b] = [x] * (b - a) sets every element")
    }
    if by != 1, new.items.count != slice.count {
      throw LTDError(
        .value, "this slice has \(slice.count) elements; the list on the right has \(new.items.count)", source: source,
        span: span)
    }
    target = .none
    defer { target = .list(list) }
    if !isKnownUniquelyReferenced(&list) { list = ListValue(list.items) }
    if by == 1 {
      list.items.replaceSubrange(slice.start..<slice.start + slice.count, with: new.items)
    } else {
      for place in 0..<slice.count { list.items[slice.start + place * by] = new.items[place] }
    }
  }
}

final class PlaceAssignNode: Node {
  private let place: PlaceNode
  private let value: Node

  init(_ place: PlaceNode, _ value: Node, _ source: Source, _ span: Span) {
    self.place = place
    self.value = value
    super.init(source, span)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    try place.store(try value.eval(frame), frame)
    return .normal
  }
}

/// `a, b = xs`
final class DestructureNode: Node {
  private let target: Target
  private let value: Node
  /// Both sides of `a, b = x, y`, which needs no list.
  private let targets: [Target]
  private let values: NodeList

  init(_ target: Target, _ value: Node, _ source: Source, _ span: Span) {
    self.target = target
    self.value = value
    if let targets = (target as? ListTarget)?.plainTargets, let items = (value as? ListNode)?.plainItems,
      targets.count == items.count
    {
      self.targets = targets
      values = NodeList(items)
    } else {
      targets = []
      values = NodeList([])
    }
    super.init(source, span)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    if targets.isEmpty {
      try target.assign(try value.eval(frame), frame)
      return .normal
    }
    let machine = frame.machine
    let window: UnsafeMutablePointer<Value>
    do { window = try machine.push(values.count) } catch { throw located(error) }
    defer { machine.pop(window, values.count) }
    var place = 0
    while place < values.count {
      (window + place).set(try values[place].eval(frame))
      place &+= 1
    }
    place = 0
    while place < values.count {
      try targets[place].assign(window[place], frame)
      place &+= 1
    }
    return .normal
  }
}

/// `x += e` on a variable, and `x = x + e`: strings and lists that no other variable holds grow in place.
final class AugmentVariableNode: Node {
  private let place: VariablePlace
  private let name: String
  private let op: BinaryOperator
  private let operatorSpan: Span
  private let targetSpan: Span
  private let operand: Operand
  /// Whether computing the operand runs no code that could change the variable.
  private let operandIsPlain: Bool
  /// `e` of `x += [e]`; the operand holds it.
  private let element: NodeReference?

  init(
    _ place: VariablePlace, _ name: String, _ targetSpan: Span, _ op: BinaryOperator, _ operatorSpan: Span,
    _ operand: Node, _ source: Source, _ span: Span
  ) {
    self.place = place
    self.name = name
    self.op = op
    self.operatorSpan = operatorSpan
    self.targetSpan = targetSpan
    self.operand = Operand(operand)
    operandIsPlain = operand.isPlain
    element = op == .add ? (operand as? ListNode)?.onlyItem.map { NodeReference($0) } : nil
    super.init(source, span)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    let pointer = place.pointer(frame)
    if let element, pointer.list != nil {
      let item: Value
      if operandIsPlain {
        item = try element.eval(frame)
      } else {
        let old = pointer.pointee
        item = try element.eval(frame)
        if !old.isIdentical(to: pointer.pointee) { pointer.pointee = old }
      }
      do { try pointer.append(item, frame.machine) } catch { throw located(error) }
      return .normal
    }
    if operandIsPlain {
      if op == .add, let string = pointer.string, let more = operand.place(frame), let addition = more.string {
        do {
          try string.append(addition.pointee, frame.machine)
        } catch {
          throw explained(error, pointer, more.pointee)
        }
        return .normal
      }
      let value = try operand.read(frame)
      if try !pointer.augmentNumber(op, value) { try update(pointer, value, frame) }
      return .normal
    }
    // The operand may change the variable, through a function: what counts is the value before.
    let value: Value
    do {
      let old = pointer.copied
      value = try operand.read(frame)
      guard old.isIdentical(to: pointer.pointee) else {
        pointer.pointee = old
        try update(pointer, value, frame)
        return .normal
      }
    }
    if try !pointer.augmentNumber(op, value) { try update(pointer, value, frame) }
    return .normal
  }

  @inline(never)
  private func update(_ pointer: UnsafeMutablePointer<Value>, _ value: Value, _ frame: Frame) throws(LTDError) {
    if pointer.pointee.isUnset {
      throw LTDError(.name, "\(name) has no value yet", source: source, span: targetSpan)
    }
    do {
      try pointer.augment(op, value, frame.machine.pointee.session)
    } catch {
      throw explained(error, pointer, value)
    }
  }

  private func explained(_ error: LTDError, _ pointer: UnsafeMutablePointer<Value>, _ value: Value) -> LTDError {
    explained(error, op.rawValue, pointer.pointee, value, targetSpan, operand.node.span, operatorSpan)
  }
}

/// `xs + […]` where nothing reads the variable afterwards: a list or text in it grows in place and is taken out.
final class LastSumNode: Node {
  private let plain: Node
  private let slot: Int
  private let growth: Node

  init(_ plain: Node, _ slot: Int, _ growth: Node, _ source: Source, _ span: Span) {
    self.plain = plain
    self.slot = slot
    self.growth = growth
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let place = frame.base + slot
    guard place.list != nil || place.string != nil else { return try plain.eval(frame) }
    _ = try growth.exec(frame)
    let sum = place.pointee
    place.pointee = .none
    return sum
  }
}

extension UnsafeMutablePointer<Value> {
  /// `place op= value` for plain numbers; false leaves it to `augment`.
  @inline(__always)
  func augmentNumber(_ op: BinaryOperator, _ value: Value) throws(LTDError) -> Bool {
    switch (pointee, value) {
    case (.int(let a), .int(let b)):
      let (result, overflow): (Int, Bool)
      switch op {
      case .add: (result, overflow) = a.addingReportingOverflow(b)
      case .subtract: (result, overflow) = a.subtractingReportingOverflow(b)
      default: return false
      }
      if overflow { return false }
      pointee = .int(result)
    case (.float(let a), .float(let b)):
      switch op {
      case .add: pointee = .float(a + b)
      case .subtract: pointee = .float(a - b)
      case .multiply: pointee = .float(a * b)
      default: return false
      }
    default: return false
    }
    return true
  }

  /// Makes a list longer by one element.
  @inline(__always)
  func append(_ item: consuming Value, _ machine: UnsafeMutablePointer<Machine>) throws(LTDError) {
    guard let list else { return }
    let count = list.pointee.items.count
    if count >= machine.pointee.largestList {
      try Operations.checkElements(count, 1, plus: 1, machine.pointee.session)
    }
    list.makeUnique()
    list.pointee.items.append(item)
  }

  /// `place op= value`: strings and lists that no other place holds grow where they are.
  func augment(_ op: BinaryOperator, _ value: Value, _ session: Session) throws(LTDError) {
    if op == .add {
      if let string, case .string(let more) = value {
        return try string.append(more, session.machine)
      }
      if let list, case .list(let more) = value {
        try Operations.checkElements(list.pointee.items.count, 1, plus: more.items.count, session)
        let items = more.items
        list.makeUnique()
        list.pointee.items.append(contentsOf: items)
        return
      }
    }
    pointee = try Operations.binary(op, pointee, value, session)
  }
}

extension UnsafeMutablePointer<StringValue> {
  /// Makes the string in a variable longer.
  @inline(__always)
  func append(_ more: StringValue, _ machine: UnsafeMutablePointer<Machine>) throws(LTDError) {
    let count = pointee.text.utf8.count
    if more.text.utf8.count > machine.pointee.largestString &- count {
      try Operations.checkBytes(count, 1, plus: more.text.utf8.count, machine.pointee.session)
    }
    if isKnownUniquelyReferenced(&pointee) {
      pointee.append(more)
    } else {
      pointee = StringValue(pointee.text + more.text)
    }
  }
}

extension Value {
  fileprivate enum PlainKind {
    case string, list, record, object, other
  }

  fileprivate var plainKind: PlainKind {
    switch self {
    case .string: .string
    case .list: .list
    case .record: .record
    case .object: .object
    default: .other
    }
  }
}

/// `x[i] += e`, `r.name += e`
final class AugmentPlaceNode: Node {
  private let place: PlaceNode
  private let op: BinaryOperator
  private let operatorSpan: Span
  private let operand: Node

  init(
    _ place: PlaceNode, _ op: BinaryOperator, _ operatorSpan: Span, _ operand: Node, _ source: Source, _ span: Span
  ) {
    self.place = place
    self.op = op
    self.operatorSpan = operatorSpan
    self.operand = operand
    place.readsBeforeWriting = true
    super.init(source, span)
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    let value = try operand.eval(frame)
    let session = frame.machine.pointee.session
    if let pointer = try place.reach(frame) {
      if try pointer.augmentNumber(op, value) { return .normal }
      do {
        try pointer.augment(op, value, session)
      } catch {
        throw explained(error, op.rawValue, pointer.pointee, value, place.span, operand.span, operatorSpan)
      }
      return .normal
    }
    try place.change(frame) { (old: inout Value) throws(LTDError) in
      do throws(LTDError) {
        old = try Operations.binary(op, old, value, session)
      } catch {
        throw explained(error, op.rawValue, old, value, place.span, operand.span, operatorSpan)
      }
    }
    return .normal
  }
}
