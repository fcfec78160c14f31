// What writes a new value down: lists, records, ranges, strings with values in them, comprehensions.
//
// Each evaluation makes a new value, since values are changed in place by whoever holds the only reference. What is the
// same each time is prepared when the node is made: the layout of a record, the pieces of a string. Sizes are checked
// while a value grows, so that no literal or comprehension can take more memory than the limits of the run allow.

/// `[a, *xs, b]`
final class ListNode: Node {
  private let items: NodeList
  /// Indices of the items that are spread: `[*xs]`.
  private let spreads: Set<Int>

  init(_ items: [(node: Node, isSpread: Bool)], _ source: Source, _ span: Span) {
    self.items = NodeList(items.map(\.node))
    spreads = Set(items.indices.filter { items[$0].isSpread })
    super.init(source, span)
  }

  override var isPlain: Bool { spreads.isEmpty && items.nodes.allSatisfy(\.isPlain) }

  /// The items, if none of them is a spread.
  var plainItems: [Node]? { spreads.isEmpty ? items.nodes : nil }

  /// The item of a list of one.
  var onlyItem: Node? { items.count == 1 && spreads.isEmpty ? items.nodes[0] : nil }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    var values: [Value] = []
    values.reserveCapacity(items.count)
    var next = 0
    while next < items.count {
      let value = try items[next].eval(frame)
      if !spreads.isEmpty, spreads.contains(next) {
        do {
          values.append(contentsOf: try value.elements(frame.machine.pointee.session))
        } catch {
          throw error.located(source, items.nodes[next].span)
        }
      } else {
        values.append(value)
      }
      next &+= 1
    }
    return .list(ListValue(values))
  }
}

final class RecordNode: Node {
  enum Item {
    case field(String, Node)
    case spread(Node)
  }
  private let items: [Item]
  /// When no field comes from a spread, all records of this literal share one layout.
  private let layout: RecordLayout?
  private let fields: NodeList
  private let names: [FieldName]
  private let capacity: Int
  /// What a record with spreads starts from: those made the same way share their layouts.
  private let start = RecordLayout([], isFixed: true)

  init(_ items: [Item], _ source: Source, _ span: Span) {
    self.items = items
    var names: [String] = []
    var seen: Set<String> = []
    var isPlain = true
    for item in items {
      if case .field(let name, _) = item, seen.insert(name).inserted { names.append(name) } else { isPlain = false }
    }
    layout = isPlain ? RecordLayout(names, isFixed: true) : nil
    // What starts out empty is there to be filled.
    capacity = items.isEmpty ? 4 : items.count
    fields = NodeList(items.compactMap { if case .field(_, let node) = $0 { node } else { nil } })
    self.names = items.map { if case .field(let name, _) = $0 { FieldName(name) } else { FieldName("") } }
    super.init(source, span)
  }

  override var isPlain: Bool { layout != nil && fields.nodes.allSatisfy(\.isPlain) }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let layout {
      let record = RecordValue.make(layout, capacity: capacity)
      var next = 0
      while next < fields.count {
        record.add(try fields[next].eval(frame))
        next &+= 1
      }
      return .record(record)
    }
    var record = RecordValue.make(start, capacity: items.count)
    for (place, item) in items.enumerated() {
      switch item {
      case .field(_, let node):
        let value = try node.eval(frame)
        withUnsafeMutablePointer(to: &record) { names[place].pointer(in: $0, true)?.pointee = value }
      case .spread(let node):
        guard case .record(let other) = try node.eval(frame) else {
          throw LTDError(.type, "... in a record needs a record", source: source, span: node.span)
        }
        if record.count == 0 {
          record = other.copy(capacity: other.count + items.count)
        } else {
          for (name, value) in other.fields { RecordValue.set(name, value, in: &record) }
        }
      }
    }
    return .record(record)
  }
}

final class RangeNode: Node {
  private let start: Node
  private let end: Node
  private let step: Node?

  init(_ start: Node, _ end: Node, _ step: Node?, _ source: Source, _ span: Span) {
    self.start = start
    self.end = end
    self.step = step
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let first = try whole(start, frame)
    let last = try whole(end, frame)
    let by = try step.map { node throws(LTDError) in try whole(node, frame) } ?? 1
    guard let range = RangeValue(start: first, end: last, step: by) else {
      throw by == 0
        ? error(.value, "the step of a range must not be 0")
        : error(.memory, "a range from \(first) to \(last) has too many elements")
    }
    return .range(range)
  }

  private func whole(_ node: Node, _ frame: Frame) throws(LTDError) -> Int {
    let value = try node.eval(frame)
    guard case .int(let number) = value else {
      throw LTDError(
        .type, "a range goes over ints, not over \(value.kindText)", source: source, span: node.span,
        hint: value.isNumber ? "linspace and arange make grids of floats" : nil)
    }
    return number
  }
}

/// `"acc {acc:.2%}"`
final class StringNode: Node {
  enum Part {
    case text(String)
    case value(Node, FormatSpec?)
  }
  /// The text between the values, each piece ending where `ends` says.
  private let text: FixedArray<UInt8>
  private let ends: FixedArray<Int>
  private let values: NodeList
  private let specs: [FormatSpec?]
  private let isFormatted: FixedArray<Bool>

  init(_ parts: [Part], _ source: Source, _ span: Span) {
    var text: [UInt8] = []
    var ends: [Int] = []
    var values: [Node] = []
    var specs: [FormatSpec?] = []
    for part in parts {
      switch part {
      case .text(let piece): text += piece.utf8
      case .value(let node, let spec):
        values.append(node)
        specs.append(spec)
        ends.append(text.count)
      }
    }
    self.text = FixedArray(text)
    self.ends = FixedArray(ends)
    self.values = NodeList(values)
    self.specs = specs
    isFormatted = FixedArray(specs.map { $0 != nil })
    super.init(source, span)
  }

  override var isPlain: Bool { values.nodes.allSatisfy(\.isPlain) }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    let machine = frame.machine
    // Values that are strings with values themselves are appended to what is there.
    let start = machine.pointee.text.count
    do throws(LTDError) {
      var done = 0
      var next = 0
      while next < values.count {
        let end = ends[next]
        machine.pointee.text.append(text.first + done, end &- done)
        done = end
        try add(try values[next].eval(frame), next, machine)
        next &+= 1
      }
      machine.pointee.text.append(text.first + done, text.count &- done)
      do {
        try Operations.checkBytes(machine.pointee.text.count - start, 1, machine.pointee.session)
      } catch {
        throw located(error)
      }
    } catch {
      machine.pointee.text.truncate(to: start)
      throw error
    }
    let result = machine.pointee.text.text(from: start)
    machine.pointee.text.truncate(to: start)
    return Value(result)
  }

  @inline(__always)
  private func add(_ value: Value, _ place: Int, _ machine: UnsafeMutablePointer<Machine>) throws(LTDError) {
    if !isFormatted[place] {
      switch value {
      case .string(let string): return machine.pointee.text.append(string.text)
      case .int(let number): return machine.pointee.text.appendDigits(of: number)
      default: break
      }
    }
    do {
      let text = try Operations.format(value, specs[place], machine.pointee.session)
      machine.pointee.text.append(text)
    } catch {
      throw error.located(source, specs[place]?.span ?? values.nodes[place].span)
    }
  }
}

/// `[element for target in iterable if condition]`
final class ComprehensionNode: Node {
  private let first: Clause

  init(_ first: Clause, _ source: Source, _ span: Span) {
    self.first = first
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    var items: [Value] = []
    try first.run(&items, frame)
    return .list(ListValue(items))
  }

  /// A part of a comprehension with what comes after it.
  class Clause {
    func run(_ items: inout [Value], _ frame: Frame) throws(LTDError) {}
  }

  final class Element: Clause {
    private let value: Node

    init(_ value: Node) { self.value = value }

    override func run(_ items: inout [Value], _ frame: Frame) throws(LTDError) { items.append(try value.eval(frame)) }
  }

  final class Test: Clause {
    private let condition: Node
    private let next: Clause

    init(_ condition: Node, _ next: Clause) {
      self.condition = condition
      self.next = next
    }

    override func run(_ items: inout [Value], _ frame: Frame) throws(LTDError) {
      if try condition.condition(frame) { try next.run(&items, frame) }
    }
  }

  final class Each: Clause {
    private let target: Target
    /// The slot of a variable that no function shares.
    private let slot: Int?
    private let pair: PairTarget?
    private let side: SideBySide?
    private let iterable: Node
    private let next: Clause

    init(_ target: Target, _ iterable: Node, _ next: Clause) {
      self.target = target
      pair = PairTarget(target)
      side = pair == nil ? nil : SideBySide(iterable)
      let place = (target as? NameTarget)?.place
      slot = place?.kind == .local ? place?.slot : nil
      self.iterable = iterable
      self.next = next
    }

    override func run(_ items: inout [Value], _ frame: Frame) throws(LTDError) {
      if let pair, let side {
        var sequence = try side.start(frame)
        while let (a, b) = try sequence.next() {
          try poll(items.count, frame)
          try pair.assign(a, b, frame)
          try next.run(&items, frame)
        }
        return
      }
      let sequence = try iterable.eval(frame)
      if let pair, case .record(let record) = sequence {
        for place in 0..<record.count {
          try poll(items.count, frame)
          try pair.assign(Value(record.layout.names[place]), record[place], frame)
          try next.run(&items, frame)
        }
        return
      }
      if let slot {
        switch sequence {
        case .list(let list):
          for item in list.items {
            try poll(items.count, frame)
            frame.base[slot] = item
            try next.run(&items, frame)
          }
          return
        case .range(let range):
          var place = 0
          while place < range.count {
            try poll(items.count, frame)
            frame.base[slot] = .int(range[place])
            try next.run(&items, frame)
            place &+= 1
          }
          return
        default: break
        }
      }
      var iterator: ValueIterator
      do {
        iterator = try ValueIterator(sequence, inPairs: pair != nil)
      } catch {
        throw error.located(iterable.source, iterable.span)
      }
      while true {
        try poll(items.count, frame)
        let item: Value?
        do { item = try iterator.next() } catch { throw error.located(iterable.source, iterable.span) }
        guard let item else { return }
        try target.assign(item, frame)
        try next.run(&items, frame)
      }
    }

    @inline(__always)
    private func poll(_ count: Int, _ frame: Frame) throws(LTDError) {
      do throws(LTDError) {
        try frame.machine.poll()
        if count & 4095 == 4095 { try frame.machine.pointee.session.checkSize(count, of: "list") }
      } catch {
        throw error.located(iterable.source, iterable.span)
      }
    }
  }
}
