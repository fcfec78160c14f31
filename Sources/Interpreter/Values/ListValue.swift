/// An ordered list of values of any kinds.
public final class ListValue: Heap {
  public internal(set) var items: [Value]

  public init(_ items: [Value]) { self.items = items }

  override func takeChildren(into pending: inout [Heap]) {
    for item in items { if let child = item.heap { pending.append(child) } }
    items = []
  }

  override var isNested: Bool { items.contains { $0.mayHoldValues } }

  deinit { if Heap.goDeep(items) { freeChildren() } }
}
