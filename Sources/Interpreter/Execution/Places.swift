import Base

// A place within a variable, `x[0].name[1:3]`, that a statement sets or changes.
//
// Values are copied when they are changed while somebody else holds them. So a place is reached from its root: each list
// or record on the way is made one that only its holder holds, and the last step is changed where it is. Reading the
// part, changing it and storing it back would hold it twice and copy it every time. The way in memory (`reach`) serves lists
// and records with indices that run no other code of the program; `change` does the same step by step for all else, such as
// tensors, slices and indices that are computed by calls. The indices are computed once, before anything is changed, and
// what fails leaves the variable as it was.

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
        .value, "this slice has \(slice.count.of("element")); the list on the right has \(new.items.count)",
        source: source, span: span)
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

/// `x[0].name = value`
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
