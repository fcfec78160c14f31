/// Freeing values that hold other values, without recursion.
///
/// Swift frees a list by freeing its elements, which free theirs: a list nested a million deep would overflow the stack
/// when it goes. So each class that holds values asks `goDeep` in its `deinit`. Values that hold no further values go by
/// themselves; otherwise the class moves its children into a list of pending ones with `takeChildren`, and `release` frees
/// these one after the other, each adding its own children to the same list.
///
/// A new class that holds values needs `isNested`, `takeChildren`, and a case in each of the switches here. The second half
/// of the file is the direct way to what a variable holds, which lets the evaluator change a list where it is.
enum Heap {
  /// Whether freeing these could go deep; children that hold plain values only go by themselves.
  @inline(__always)
  static func goDeep(_ values: UnsafeBufferPointer<Value>) -> Bool {
    for value in values where value.isNested { return true }
    return false
  }

  /// Frees `pending` and, one after the other, whatever only they still hold.
  static func release(_ pending: inout [Value]) {
    while var next = pending.popLast() {
      withUnsafeMutablePointer(to: &next) { next in
        if let list = next.list {
          if isKnownUniquelyReferenced(&list.pointee) { list.pointee.takeChildren(into: &pending) }
        } else if let record = next.record {
          if isKnownUniquelyReferenced(&record.pointee) { record.pointee.takeChildren(into: &pending) }
        } else if let function = next.function {
          if isKnownUniquelyReferenced(&function.pointee) { function.pointee.takeChildren(into: &pending) }
        }
      }
    }
  }
}

extension Value {
  /// Whether this kind of value can hold others.
  @inline(__always)
  var mayHoldValues: Bool {
    switch self {
    case .list, .record, .function: true
    default: false
    }
  }

  /// Whether it holds values that can themselves hold values.
  @inline(__always)
  var isNested: Bool {
    switch self {
    case .list(let list): list.isNested
    case .record(let record): record.isNested
    case .function(let function): function.isNested
    default: false
    }
  }
}

extension Value {
  /// Whether this is an object that no other value refers to.
  var isOnlyReference: Bool {
    // Looked at through its address: a copy of the reference would count.
    var address: UnsafeMutableRawPointer
    switch self {
    case .object(let object): address = Unmanaged.passUnretained(object).toOpaque()
    default: return false
    }
    return withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: HostObject.self, capacity: 1) { isKnownUniquelyReferenced(&$0.pointee) }
    }
  }

  /// As `HostObject.overwrite`.
  func overwrite(with op: BinaryOperator, _ other: Value, reversed: Bool) throws(LTDError) -> Bool {
    guard case .object(let object) = self else { return false }
    return try fromHost { try object.overwrite(with: op, other, reversed: reversed) }
  }
}

/// Direct ways to what a variable holds. The reference of a value stands at its start, before the byte that tells the kind
/// (a test holds that), so that a list in a variable is changed where it is and nothing is counted.
extension UnsafeMutablePointer<Value> {
  /// The value, with numbers copied in line.
  @inline(__always)
  var copied: Value {
    switch pointee {
    case .int(let number): .int(number)
    case .float(let number): .float(number)
    default: pointee
    }
  }

  @inline(__always)
  private func reference<T: AnyObject>(_ type: T.Type) -> UnsafeMutablePointer<T> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: T.self)
  }

  /// The list in a variable that holds one.
  @inline(__always)
  var list: UnsafeMutablePointer<ListValue>? {
    if case .list = pointee { reference(ListValue.self) } else { nil }
  }

  @inline(__always)
  var record: UnsafeMutablePointer<RecordValue>? {
    if case .record = pointee { reference(RecordValue.self) } else { nil }
  }

  @inline(__always)
  var string: UnsafeMutablePointer<StringValue>? {
    if case .string = pointee { reference(StringValue.self) } else { nil }
  }

  @inline(__always)
  var object: UnsafeMutablePointer<HostObject>? {
    if case .object = pointee { reference(HostObject.self) } else { nil }
  }

  @inline(__always)
  var function: UnsafeMutablePointer<FunctionValue>? {
    if case .function = pointee { reference(FunctionValue.self) } else { nil }
  }
}

extension UnsafeMutablePointer<ListValue> {
  /// Makes the list one that only this place holds, so that it can be changed.
  @inline(__always)
  func makeUnique() {
    if !isKnownUniquelyReferenced(&pointee) { pointee = ListValue(pointee.items[...]) }
  }
}

extension UnsafeMutablePointer<RecordValue> {
  @inline(__always)
  func makeUnique() {
    if !isKnownUniquelyReferenced(&pointee) { pointee = pointee.copy(capacity: pointee.count) }
  }

  /// Where a field is in the record, which only this place holds then.
  ///
  /// - Parameter makesField: makes it where there is none.
  @inline(__always)
  func pointer(to name: String, _ makesField: Bool) -> UnsafeMutablePointer<Value>? {
    if let place = pointee.layout.place(of: name) {
      makeUnique()
      return pointee.pointer(to: place)
    }
    guard makesField else { return nil }
    RecordValue.add(name, .none, to: &pointee)
    return pointee.pointer(to: pointee.count &- 1)
  }
}
