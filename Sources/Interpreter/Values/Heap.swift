/// The kinds of value that hold other values. Freeing them is iterative: a list nested a million deep must not overflow
/// the stack when it goes.
public class Heap {
  init() {}

  /// Moves the children that can themselves hold values out, for `release`.
  func takeChildren(into pending: inout [Heap]) {}

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
