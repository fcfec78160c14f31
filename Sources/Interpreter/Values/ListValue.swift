/// An ordered list of values of any kinds.
public final class ListValue {
  public internal(set) var items: [Value]

  public init(_ items: [Value]) { self.items = items }

  /// Where the element at a place is, which may count from the end; for as long as whoever asks keeps the list as it is.
  @inline(__always)
  func pointer(at place: Int) -> UnsafeMutablePointer<Value>? {
    items.withUnsafeBufferPointer { items in
      let resolved = place < 0 ? place &+ items.count : place
      guard resolved >= 0, resolved < items.count else { return nil }
      return items.baseAddress.map { UnsafeMutablePointer(mutating: $0 + resolved) }
    }
  }

  var isNested: Bool { items.contains { $0.mayHoldValues } }

  /// Moves the children that can hold values out, for `Heap.release`.
  func takeChildren(into pending: inout [Value]) {
    for item in items where item.mayHoldValues { pending.append(item) }
    items = []
  }

  deinit {
    guard items.withUnsafeBufferPointer({ Heap.goDeep($0) }) else { return }
    var pending: [Value] = []
    takeChildren(into: &pending)
    Heap.release(&pending)
  }
}
