final class ListNode: Node {
  private let items: [(node: Node, isSpread: Bool)]
  private let hasSpread: Bool

  init(_ items: [(node: Node, isSpread: Bool)], _ source: Source, _ span: Span) {
    self.items = items
    hasSpread = items.contains { $0.isSpread }
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    var values: [Value] = []
    values.reserveCapacity(items.count)
    for item in items {
      let value = try item.node.eval(frame)
      if item.isSpread {
        do {
          values.append(contentsOf: try value.elements(frame.machine.pointee.session))
        } catch {
          throw error.located(source, item.node.span)
        }
      } else {
        values.append(value)
      }
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

  init(_ items: [Item], _ source: Source, _ span: Span) {
    self.items = items
    var names: [String] = []
    var isPlain = true
    for item in items {
      if case .field(let name, _) = item, !names.contains(name) { names.append(name) } else { isPlain = false }
    }
    layout = isPlain ? RecordLayout(names) : nil
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    if let layout {
      var values: [Value] = []
      values.reserveCapacity(items.count)
      for item in items { if case .field(_, let node) = item { values.append(try node.eval(frame)) } }
      return .record(RecordValue(layout: layout, values: values))
    }
    let record = RecordValue([])
    for item in items {
      switch item {
      case .field(let name, let node): record[name] = try node.eval(frame)
      case .spread(let node):
        guard case .record(let other) = try node.eval(frame) else {
          throw LTDError(.type, "... in a record needs a record", source: source, span: node.span)
        }
        for (name, value) in other.fields { record[name] = value }
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
  private let parts: [Part]

  init(_ parts: [Part], _ source: Source, _ span: Span) {
    self.parts = parts
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    var text = ""
    for part in parts {
      switch part {
      case .text(let piece): text += piece
      case .value(let node, let spec):
        let value = try node.eval(frame)
        switch (value, spec) {
        case (.string(let string), nil): text += string.text
        case (.int(let number), nil): text += String(number)
        default:
          do {
            text += try Operations.format(value, spec, frame.machine.pointee.session)
          } catch {
            throw error.located(source, spec?.span ?? node.span)
          }
        }
      }
    }
    do {
      try Operations.checkBytes(text.utf8.count, 1, frame.machine.pointee.session)
    } catch {
      throw located(error)
    }
    return Value(text)
  }
}

/// `[element for target in iterable if condition]`
final class ComprehensionNode: Node {
  enum Clause {
    case each(Target, Node)
    case test(Node)
  }
  private let element: Node
  private let clauses: [Clause]

  init(_ element: Node, _ clauses: [Clause], _ source: Source, _ span: Span) {
    self.element = element
    self.clauses = clauses
    super.init(source, span)
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    var items: [Value] = []
    try run(0, &items, frame)
    return .list(ListValue(items))
  }

  private func run(_ level: Int, _ items: inout [Value], _ frame: Frame) throws(LTDError) {
    guard level < clauses.count else {
      items.append(try element.eval(frame))
      return
    }
    switch clauses[level] {
    case .test(let condition):
      if try condition.condition(frame) { try run(level + 1, &items, frame) }
    case .each(let target, let node):
      let sequence = try node.eval(frame)
      var iterator: ValueIterator
      do {
        iterator = try ValueIterator(sequence, pairs: target.wantsPairs)
      } catch {
        throw error.located(source, node.span)
      }
      while true {
        let item: Value?
        do {
          item = try iterator.next()
          try frame.machine.poll()
          if items.count & 4095 == 4095 { try frame.machine.pointee.session.checkSize(items.count, of: "list") }
        } catch {
          throw error.located(source, node.span)
        }
        guard let item else { return }
        try target.assign(item, frame)
        try run(level + 1, &items, frame)
      }
    }
  }
}
