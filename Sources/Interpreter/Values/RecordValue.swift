/// The names of a record's fields in order. Records made by one literal share one layout, so that reading a field is a
/// comparison of references; a record that grows past what a literal writes gets one of its own, to be changed in place.
final class RecordLayout {
  private(set) var names: [String]
  private var table: NameTable?
  /// Whether it never changes; other layouts change when the one record that has them gets a field.
  let isFixed: Bool
  /// Layouts with one more field, made once, so that records built the same way share them.
  private var next: [String: RecordLayout] = [:]

  init(_ names: [String], isFixed: Bool) {
    self.names = names
    self.isFixed = isFixed
    if names.count > 8 { indexNames() }
  }

  /// The same names, to be changed.
  init(copying other: RecordLayout) {
    names = other.names
    table = other.table?.copy()
    isFixed = false
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
    let layout = RecordLayout(names + [name], isFixed: true)
    if next.count < 16 { next[name] = layout }
    return layout
  }

  /// The names without some of them, which must be there.
  func removing(_ places: Set<Int>) -> RecordLayout {
    RecordLayout(names.indices.filter { !places.contains($0) }.map { names[$0] }, isFixed: false)
  }

  /// Only for a layout that is not fixed and that no other record has.
  func removeInPlace(_ place: Int) {
    table?.remove(names[place], at: place, of: names)
    names.remove(at: place)
  }

  /// Only for a layout that is not fixed and that no other record has.
  func addInPlace(_ name: String) {
    if table == nil, names.count >= 8 { indexNames() }
    table?.add(name)
    names.append(name)
  }
}

/// What a record has beside its values.
public struct RecordHeader {
  var layout: RecordLayout
  /// How many values follow, and for how many there is room.
  var count: Int
  var capacity: Int
}

/// Named fields in the order they were made. The values stand in the object itself, after its header: a record is one
/// block of memory. One that is full moves into a larger one, so fields are added to the place that holds the record.
public final class RecordValue: ManagedBuffer<RecordHeader, Value> {
  /// A record with room for values; one must be added for each name of the layout.
  @inline(__always)
  static func make(_ layout: RecordLayout, capacity: Int) -> RecordValue {
    unsafeDowncast(
      create(minimumCapacity: capacity) { _ in RecordHeader(layout: layout, count: 0, capacity: capacity) },
      to: RecordValue.self)
  }

  /// A later field of the same name replaces the earlier one.
  public static func make(_ fields: [(String, Value)]) -> RecordValue {
    var record = make(RecordLayout([], isFixed: false), capacity: fields.count)
    for (name, value) in fields { set(name, value, in: &record) }
    return record
  }

  /// The next value; there must be room for it.
  @inline(__always)
  func add(_ value: consuming Value) {
    pointer(to: header.count).initialize(to: value)
    header.count &+= 1
  }

  /// The same fields with room for more. A layout that is not fixed is shared until one of the records gets a field.
  func copy(capacity: Int) -> RecordValue {
    let copy = RecordValue.make(layout, capacity: capacity)
    copy.withUnsafeMutablePointers { header, values in
      withUnsafeMutablePointerToElements { values.initialize(from: $0, count: count) }
      header.pointee.count = count
    }
    return copy
  }

  @inline(__always)
  var layout: RecordLayout { header.layout }
  /// The number of fields.
  public var count: Int { header.count }
  /// The names of the fields in order.
  public var keys: [String] { header.layout.names }
  /// The values of the fields in order.
  public var values: [Value] { withValues { Array($0) } }
  /// The names and values in order.
  public var fields: [(String, Value)] { Array(zip(keys, values)) }

  @inline(__always)
  private func withValues<Result>(_ body: (UnsafeBufferPointer<Value>) -> Result) -> Result {
    withUnsafeMutablePointers { header, values in
      body(UnsafeBufferPointer(start: values, count: header.pointee.count))
    }
  }

  /// The value with an index that the layout has.
  @inline(__always)
  subscript(place: Int) -> Value { withUnsafeMutablePointerToElements { $0[place] } }

  /// Where a value is, for as long as whoever asks keeps the record.
  @inline(__always)
  func pointer(to place: Int) -> UnsafeMutablePointer<Value> { withUnsafeMutablePointerToElements { $0 + place } }

  /// The value of a field; nil where there is none.
  public subscript(name: String) -> Value? {
    guard let place = layout.place(of: name) else { return nil }
    return self[place]
  }

  /// Sets a field, or makes it, in the record that a place holds.
  static func set(_ name: String, _ value: Value, in record: inout RecordValue) {
    if let place = record.layout.place(of: name) {
      if !isKnownUniquelyReferenced(&record) { record = record.copy(capacity: record.count) }
      record.pointer(to: place).pointee = value
    } else {
      add(name, value, to: &record)
    }
  }

  /// A new field, which must not be there yet, of the record that a place holds.
  static func add(_ name: String, _ value: Value, to record: inout RecordValue) {
    let count = record.count
    makeRoom(in: &record)
    if record.layout.isFixed, count < 16 {
      record.header.layout = record.layout.adding(name)
    } else {
      if record.layout.isFixed || !isKnownUniquelyReferenced(&record.header.layout) {
        record.header.layout = RecordLayout(copying: record.layout)
      }
      record.layout.addInPlace(name)
    }
    record.add(value)
  }

  /// The same when it is known what the layout becomes.
  static func add(_ value: Value, as layout: RecordLayout, to record: inout RecordValue) {
    makeRoom(in: &record)
    record.header.layout = layout
    record.add(value)
  }

  /// Leaves fields out of the record that a place holds; names that it does not have change nothing.
  static func remove(_ names: [String], from record: inout RecordValue) {
    let places = Set(names.compactMap { record.layout.place(of: $0) })
    guard !places.isEmpty else { return }
    if places.count == 1, let place = places.first, isKnownUniquelyReferenced(&record) {
      let values = record.pointer(to: 0)
      (values + place).deinitialize(count: 1)
      (values + place).moveInitialize(from: values + place + 1, count: record.count - place - 1)
      if !record.layout.isFixed, isKnownUniquelyReferenced(&record.header.layout) {
        record.layout.removeInPlace(place)
      } else {
        record.header.layout = record.layout.removing(places)
      }
      record.header.count &-= 1
      return
    }
    let rest = make(record.layout.removing(places), capacity: record.count - places.count)
    for place in 0..<record.count where !places.contains(place) { rest.add(record[place]) }
    record = rest
  }

  /// Makes the record one that only its place holds, with room for a further value.
  private static func makeRoom(in record: inout RecordValue) {
    let (count, capacity) = (record.count, record.header.capacity)
    let isUnique = isKnownUniquelyReferenced(&record)
    if isUnique, count < capacity { return }
    let larger = count < capacity ? capacity : max(4, count &* 2)
    guard isUnique else {
      record = record.copy(capacity: larger)
      return
    }
    let moved = make(record.layout, capacity: larger)
    moved.withUnsafeMutablePointers { header, values in
      values.moveInitialize(from: record.pointer(to: 0), count: count)
      header.pointee.count = count
    }
    record.header.count = 0
    record = moved
  }

  var isNested: Bool { withValues { $0.contains { $0.mayHoldValues } } }

  /// Moves the children that can hold values out, for `Heap.release`.
  func takeChildren(into pending: inout [Value]) {
    withUnsafeMutablePointers { header, values in
      for place in 0..<header.pointee.count {
        if values[place].mayHoldValues { pending.append(values[place]) }
      }
      values.deinitialize(count: header.pointee.count)
      header.pointee.count = 0
    }
  }

  deinit {
    if withValues({ Heap.goDeep($0) }) {
      var pending: [Value] = []
      takeChildren(into: &pending)
      Heap.release(&pending)
    } else {
      _ = withUnsafeMutablePointers { header, values in values.deinitialize(count: header.pointee.count) }
    }
  }
}
