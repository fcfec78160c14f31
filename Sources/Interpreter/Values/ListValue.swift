/// An ordered list of values of any kinds.
public final class ListValue {
  /// The elements in order.
  public internal(set) var items: [Value]

  /// A list of some elements.
  public init(_ items: [Value]) { self.items = items }

  /// Some elements of a list, followed by those of another.
  convenience init(_ items: ArraySlice<Value>, _ more: [Value] = []) {
    self.init(
      [Value](filling: items.count + more.count) { target, count in
        count = items.count + more.count
        guard let target = target.baseAddress else { return }
        items.withUnsafeBufferPointer { target.initialize(copying: $0) }
        more.withUnsafeBufferPointer { (target + items.count).initialize(copying: $0) }
      })
  }

  /// Where the element with an index is, which may count from the end; for as long as whoever asks keeps the list as it is.
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

extension UnsafeMutablePointer<Value> {
  /// One by one, with numbers copied in line: several times as quick as the general way, which calls a function for each.
  @inline(__always)
  fileprivate func initialize(copying values: UnsafeBufferPointer<Value>) {
    var place = 0
    while place < values.count {
      switch values[place] {
      case .int(let number): (self + place).initialize(to: .int(number))
      case .float(let number): (self + place).initialize(to: .float(number))
      case let value: (self + place).initialize(to: value)
      }
      place &+= 1
    }
  }
}
