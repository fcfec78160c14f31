import Base

/// What stands left of `=` or after `for`: a variable, a place within one, or a list or record of targets.
///
/// A target gets a value that is already computed, so the right side of `a, b = b, a` sees the old variables. A list must
/// have as many elements as there are targets, which is checked before the first of them is set; only `*rest` takes any
/// number.
class Target {
  let source: Source
  let span: Span

  init(_ source: Source, _ span: Span) {
    self.source = source
    self.span = span
  }

  func assign(_ value: Value, _ frame: Frame) throws(LTDError) {}
}

final class NameTarget: Target {
  let place: VariablePlace
  /// Makes a new shared variable in every round of a comprehension, so that closures do not share one.
  private let freshSlot: Int?

  init(_ place: VariablePlace, freshSlot: Int? = nil, _ source: Source, _ span: Span) {
    self.place = place
    self.freshSlot = freshSlot
    super.init(source, span)
  }

  override func assign(_ value: Value, _ frame: Frame) throws(LTDError) {
    if let freshSlot {
      frame.base[freshSlot] = .object(Cell(value))
    } else {
      place.pointer(frame).pointee = value
    }
  }
}

/// `x[0]`, `r.name`
final class PlaceTarget: Target {
  private let place: PlaceNode

  init(_ place: PlaceNode) {
    self.place = place
    super.init(place.source, place.span)
  }

  override func assign(_ value: Value, _ frame: Frame) throws(LTDError) { try place.store(value, frame) }
}

/// `a, b`, `first, *rest`
final class ListTarget: Target {
  private let targets: [Target]
  private let rest: Int?

  init(_ targets: [Target], rest: Int?, _ source: Source, _ span: Span) {
    self.targets = targets
    self.rest = rest
    super.init(source, span)
  }

  /// The targets when each takes one element.
  var plainTargets: [Target]? { rest == nil ? targets : nil }

  override func assign(_ value: Value, _ frame: Frame) throws(LTDError) {
    if rest == nil, case .list(let list) = value, list.items.count == targets.count {
      for (place, target) in targets.enumerated() { try target.assign(list.items[place], frame) }
      return
    }
    let items: [Value]
    switch value.plain {
    case .list, .range, .object:
      do { items = try value.elements(frame.machine.pointee.session) } catch { throw error.located(source, span) }
    default:
      throw LTDError(
        .type, "\(value.kindText) cannot be taken apart into \(targets.count.of("variable"))", source: source,
        span: span, hint: "the right side must be a list, such as a, b or [a, b]")
    }
    guard let rest else {
      guard items.count == targets.count else { throw mismatch(items.count, "\(targets.count)") }
      for (target, item) in zip(targets, items) { try target.assign(item, frame) }
      return
    }
    let after = targets.count - 1 - rest
    guard items.count >= targets.count - 1 else { throw mismatch(items.count, "at least \(targets.count - 1)") }
    for place in 0..<rest { try targets[place].assign(items[place], frame) }
    try targets[rest].assign(Value(Array(items[rest..<(items.count - after)])), frame)
    for place in 0..<after {
      try targets[rest + 1 + place].assign(items[items.count - after + place], frame)
    }
  }

  private func mismatch(_ count: Int, _ expected: String) -> LTDError {
    LTDError(
      .value, "\(expected) \(expected == "1" ? "value is" : "values are") needed here, not \(count)", source: source,
      span: span, hint: "*rest takes any number: a, *rest = xs")
  }
}

/// `{x, y: z}`
final class RecordTarget: Target {
  private let fields: [(key: Name, target: Target)]

  init(_ fields: [(key: Name, target: Target)], _ source: Source, _ span: Span) {
    self.fields = fields
    super.init(source, span)
  }

  override func assign(_ value: Value, _ frame: Frame) throws(LTDError) {
    for field in fields {
      let part: Value
      do throws(LTDError) {
        guard case .record = value else {
          throw LTDError(.type, "\(value.kindText) cannot be taken apart by field names")
        }
        part = try Operations.attribute(value, field.key.text, nil)
      } catch {
        throw error.located(source, field.key.span)
      }
      try field.target.assign(part, frame)
    }
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
