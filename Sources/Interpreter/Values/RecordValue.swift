/// The names of a record's fields in order. Records made by one literal share one layout, so that reading a field is a
/// comparison of references; a record that grows past what a literal writes owns its layout and changes it in place.
final class RecordLayout {
  private(set) var names: [String]
  private var table: NameTable?
  /// Layouts with one more field, made once, so that records built the same way share them.
  private var next: [String: RecordLayout] = [:]

  static var empty: RecordLayout { RecordLayout([]) }

  init(_ names: [String]) {
    self.names = names
    if names.count > 8 { indexNames() }
  }

  deinit { table?.deallocate() }

  private func indexNames() {
    var table = NameTable()
    for name in names { table.add(name) }
    self.table = table
  }

  func place(of name: String) -> Int? {
    if let table { return table.place(of: name, in: names) }
    for place in names.indices where names[place] == name { return place }
    return nil
  }

  func adding(_ name: String) -> RecordLayout {
    if let known = next[name] { return known }
    let layout = RecordLayout(names + [name])
    if next.count < 16 { next[name] = layout }
    return layout
  }

  /// Only for a layout no other record uses.
  func addInPlace(_ name: String) {
    if table == nil, names.count >= 8 { indexNames() }
    table?.add(name)
    names.append(name)
  }
}

/// Named fields in the order they were made.
public final class RecordValue: Heap {
  var layout: RecordLayout
  /// True when no other record uses the layout.
  private(set) var ownsLayout: Bool
  public internal(set) var values: [Value]

  init(layout: RecordLayout, values: [Value]) {
    self.layout = layout
    self.values = values
    ownsLayout = false
  }

  /// A later field of the same name replaces the earlier one.
  public init(_ fields: [(String, Value)]) {
    layout = RecordLayout([])
    values = []
    ownsLayout = true
    super.init()
    for (name, value) in fields { self[name] = value }
  }

  init(copying other: RecordValue) {
    layout = other.ownsLayout ? RecordLayout(other.layout.names) : other.layout
    ownsLayout = other.ownsLayout
    values = other.values
  }

  public var keys: [String] { layout.names }
  public var count: Int { values.count }
  public var fields: [(String, Value)] { Array(zip(layout.names, values)) }

  /// The field's value; setting `nil` removes the field.
  public subscript(name: String) -> Value? {
    get {
      guard let place = layout.place(of: name) else { return nil }
      return values[place]
    }
    set {
      if let place = layout.place(of: name) {
        if let newValue {
          values[place] = newValue
        } else {
          var names = layout.names
          names.remove(at: place)
          values.remove(at: place)
          layout = RecordLayout(names)
          ownsLayout = true
        }
      } else if let newValue {
        if ownsLayout {
          layout.addInPlace(name)
        } else if values.count < 16 {
          layout = layout.adding(name)
        } else {
          layout = RecordLayout(layout.names)
          ownsLayout = true
          layout.addInPlace(name)
        }
        values.append(newValue)
      }
    }
  }

  override func takeChildren(into pending: inout [Heap]) {
    for item in values { if let child = item.heap { pending.append(child) } }
    values = []
  }

  override var isNested: Bool { values.contains { $0.mayHoldValues } }

  deinit { if Heap.goDeep(values) { freeChildren() } }
}
