/// Bytes of the strings that are being put together, one after the other.
struct TextBuffer {
  private var first = UnsafeMutablePointer<UInt8>.allocate(capacity: TextBuffer.initialCapacity)
  private var capacity = TextBuffer.initialCapacity
  private(set) var count = 0

  private static let initialCapacity = 4096

  func deallocate() { first.deallocate() }

  /// Makes the buffer as it was at first.
  mutating func reset() {
    deallocate()
    self = TextBuffer()
  }

  mutating func truncate(to count: Int) { self.count = count }

  func text(from start: Int) -> String {
    String(decoding: UnsafeBufferPointer(start: first + start, count: count - start), as: UTF8.self)
  }

  @inline(__always)
  mutating func append(_ bytes: UnsafePointer<UInt8>, _ length: Int) {
    reserve(length)
    (first + count).update(from: bytes, count: length)
    count &+= length
  }

  mutating func append(_ text: String) {
    text.withBytes { bytes in
      if let start = bytes.baseAddress { append(start, bytes.count) }
    }
  }

  mutating func appendDigits(of number: Int) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      guard let start = digits.baseAddress else { return }
      var place = 20
      var rest = number.magnitude
      repeat {
        place &-= 1
        start[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      if number < 0 {
        place &-= 1
        start[place] = UInt8(ascii: "-")
      }
      append(start + place, 20 &- place)
    }
  }

  @inline(__always)
  private mutating func reserve(_ length: Int) {
    if length > capacity &- count { grow(length) }
  }

  @inline(never)
  private mutating func grow(_ length: Int) {
    capacity = max(capacity * 2, count + length)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: first, count: count)
    first.deallocate()
    first = larger
  }
}
