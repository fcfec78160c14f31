import Base

extension Operations {
  /// `container[items]`
  static func index(_ container: Value, _ items: [IndexItem]) throws(LTDError) -> Value {
    if case .object(let object) = container, object.plainNumber == nil {
      guard let value = try fromHost({ try object.index(items) }) else {
        throw LTDError(.type, "\(object.typeName.withArticle) cannot be indexed")
      }
      return value
    }
    guard items.count == 1 else {
      throw LTDError(
        .type, "\(container.kindText) takes one index, not \(items.count)",
        hint: container.asList == nil ? nil : "tensor(xs) makes a tensor, which takes one index per axis")
    }
    switch (container, items[0]) {
    case (.list(let list), .index(let place)):
      return list.items[try resolve(place, list.items.count, "list")]
    case (.list(let list), .slice(let start, let stop, let step)):
      let slice = try sliceIndices(start, stop, step, list.items.count)
      if step == 1 { return .list(ListValue(list.items[slice.start..<slice.start + slice.count])) }
      return Value((0..<slice.count).map { list.items[slice.start + $0 * step] })
    case (.range(let range), .index(let place)):
      return .int(range[try resolve(place, range.count, "range")])
    case (.range(let range), .slice(let start, let stop, let step)):
      let slice = try sliceIndices(start, stop, step, range.count)
      let (newStep, overflow) = range.step.multipliedReportingOverflow(by: step)
      guard slice.count > 0, !overflow else { return Value([Value]()) }
      let first = range[slice.start]
      let last = range[slice.start + (slice.count - 1) * step]
      guard let part = RangeValue(start: first, end: last, step: slice.count == 1 ? 1 : newStep) else {
        return Value([Value]())
      }
      return .range(part)
    case (.string(let text), .index(let place)):
      return .string(try text.slice(try resolve(place, text.count, "string"), 1, 1))
    case (.string(let text), .slice(let start, let stop, let step)):
      let slice = try sliceIndices(start, stop, step, text.count)
      return .string(try text.slice(slice.start, slice.count, step))
    case (.record(let record), .value(.string(let name))):
      guard let value = record[name.text] else { throw noField(name.text, record) }
      return value
    case (.record, .index):
      throw LTDError(.type, "a record is indexed by the names of its fields", hint: "values(r)[i] is the i-th value")
    case (.module, .value(.string(let name))): return try attribute(container, name.text, nil)
    default: break
    }
    throw cannotIndex(container, items[0])
  }

  static func cannotIndex(_ container: Value, _ item: IndexItem) -> LTDError {
    switch container {
    case .list, .range, .string:
      let hint: String?
      let what: String
      switch item {
      case .value(let value):
        what = value.kindText
        switch value.plain {
        case .float: hint = "// divides to an int; int(x) makes one"
        case .string(let name):
          var holdsRecords = false
          if case .list(let list) = container, case .record? = list.items.first { holdsRecords = true }
          hint =
            holdsRecords
            ? "tables.column(rows, \(Value(name.text).shortText(PrintOptions()))) is a column of a table" : nil
        case .list: hint = "[xs[i] for i in indices] picks several; tensors take lists and masks"
        default: hint = nil
        }
      case .ellipsis:
        what = "..."
        hint = "only tensors have several axes"
      case .newAxis:
        what = "none"
        hint = "only tensors get new axes"
      default:
        what = "this"
        hint = nil
      }
      return LTDError(
        .type, "\(container.typeName.withArticle) is indexed by an int or a slice, not by \(what)", hint: hint)
    case .record:
      if case .value(let value) = item {
        return LTDError(
          .type, "a record is indexed by the names of its fields, not by \(value.kindText)",
          hint: "str(x) makes a name of x")
      }
      return LTDError(.type, "a record is indexed by the names of its fields", hint: "str(x) makes a name of x")
    case .function(let function):
      return LTDError(.type, "a function cannot be indexed", hint: "call it first: \(function.name)(…)[…]")
    default: return LTDError(.type, "\(container.kindText) cannot be indexed")
    }
  }

  static func noField(_ name: String, _ record: RecordValue) -> LTDError {
    LTDError(
      .name, "the record has no field \(name)",
      hint: nearest(name, among: record.keys).map { "did you mean \($0)?" } ?? fieldList(record.keys))
  }

  static func fieldList(_ names: [String]) -> String? {
    names.isEmpty
      ? "it has no fields" : "it has " + names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
  }

  /// The index from 0 of one that may count from the end.
  @inline(__always)
  static func resolve(_ place: Int, _ count: Int, _ kind: String) throws(LTDError) -> Int {
    let resolved = place < 0 ? place &+ count : place
    guard resolved >= 0, resolved < count else { throw outOfRange(place, count, kind) }
    return resolved
  }

  @inline(never)
  private static func outOfRange(_ place: Int, _ count: Int, _ kind: String) -> LTDError {
    LTDError(
      .value, "index \(place) is out of range for a \(kind) of \(count)",
      hint: count == 0 ? "it is empty" : "the indices go from 0 to \(count - 1), or from -1 back to -\(count)")
  }

  /// The bound of a slice, which may count from the end, within a list.
  @inline(__always)
  static func bound(_ place: Int, _ count: Int) -> Int { min(max(place < 0 ? place &+ count : place, 0), count) }

  /// As Python: what lies outside is left out.
  static func sliceIndices(
    _ start: Int?, _ stop: Int?, _ step: Int, _ count: Int
  ) throws(LTDError) -> (start: Int, count: Int) {
    guard step != 0, step != .min else { throw LTDError(.value, "the step of a slice must not be \(step)") }
    func clamp(_ place: Int, _ low: Int, _ high: Int) -> Int {
      let place = place < 0 ? place + count : place
      return min(max(place, low), high)
    }
    if step > 0 {
      let first = start.map { clamp($0, 0, count) } ?? 0
      let end = stop.map { clamp($0, 0, count) } ?? count
      return (first, first < end ? (end - first - 1) / step + 1 : 0)
    }
    let first = start.map { clamp($0, -1, count - 1) } ?? count - 1
    let end = stop.map { clamp($0, -1, count - 1) } ?? -1
    return (first, first > end ? (first - end - 1) / -step + 1 : 0)
  }

  /// One part between the brackets of an index, from its value.
  static func indexItem(_ value: Value) -> IndexItem {
    switch value {
    case .int(let place): .index(place)
    case .none: .newAxis
    default: .value(value)
    }
  }
}
