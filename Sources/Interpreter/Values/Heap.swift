/// The kinds of value that hold other values. Freeing them is iterative: a list nested a million deep must not overflow
/// the stack when it goes.
public class Heap {
  init() {}

  /// Whether it holds values that can themselves hold values.
  var isNested: Bool { false }

  /// Moves the children that can themselves hold values out, for `release`.
  func takeChildren(into pending: inout [Heap]) {}

  /// For `deinit`: frees the children without recursion. Nothing but `pending` may hold them then, so the caller looks at
  /// them by `goDeep`, which has let go of them.
  final func freeChildren() {
    var pending: [Heap] = []
    takeChildren(into: &pending)
    Heap.release(&pending)
  }

  /// Whether freeing these could go deep; children that hold plain values only go by themselves.
  static func goDeep(_ values: [Value]) -> Bool {
    for value in values { if let child = value.heap, child.isNested { return true } }
    return false
  }

  /// Frees `pending` and, one after the other, whatever only they still hold.
  static func release(_ pending: inout [Heap]) {
    while var next = pending.popLast() {
      if isKnownUniquelyReferenced(&next) { next.takeChildren(into: &pending) }
    }
  }
}

extension Value {
  /// The reference when this kind of value can hold other values.
  @inline(__always)
  var heap: Heap? {
    switch self {
    case .list(let box): box
    case .record(let box): box
    case .function(let box): box
    default: nil
    }
  }

  @inline(__always)
  var mayHoldValues: Bool {
    switch self {
    case .list, .record, .function: true
    default: false
    }
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
    if !isKnownUniquelyReferenced(&pointee) { pointee = ListValue(pointee.items) }
  }
}

extension UnsafeMutablePointer<RecordValue> {
  @inline(__always)
  func makeUnique() {
    if !isKnownUniquelyReferenced(&pointee) { pointee = RecordValue(copying: pointee) }
  }
}
