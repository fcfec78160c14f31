/// Elements in order that never change. Reading one counts no references, as reading an array in a property does; the
/// reader sees to it that the owner stays.
struct FixedArray<Element: BitwiseCopyable>: @unchecked Sendable {
  private final class Storage {
    let first: UnsafeMutablePointer<Element>

    init(_ elements: [Element]) {
      first = .allocate(capacity: max(1, elements.count))
      first.initialize(from: elements, count: elements.count)
    }

    deinit { first.deallocate() }
  }

  private let storage: Storage
  let first: UnsafeMutablePointer<Element>
  let count: Int

  init(_ elements: [Element]) {
    storage = Storage(elements)
    first = storage.first
    count = elements.count
  }

  var all: [Element] { Array(UnsafeBufferPointer(start: first, count: count)) }

  @inline(__always)
  subscript(place: Int) -> Element { first[place] }
}
