import Platform

/// Bytes that travel between ranks: they stay where they are for as long as somebody holds them.
public final class Message: @unchecked Sendable {
  /// The bytes.
  public let bytes: UnsafeMutableRawBufferPointer

  /// Zeros, to be written over.
  public init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 64)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// A copy of these elements, which must be numbers.
  public convenience init<Element: BitwiseCopyable>(_ elements: [Element]) {
    self.init(byteCount: elements.count * MemoryLayout<Element>.stride)
    elements.withUnsafeBytes { bytes.copyMemory(from: $0) }
  }

  /// The bytes as numbers.
  public func elements<Element: BitwiseCopyable>(_ type: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    bytes.assumingMemoryBound(to: type)
  }

  deinit { bytes.deallocate() }
}

/// What has begun to travel. It holds its messages until it is done.
public protocol Delivery: AnyObject {
  /// Whether the messages of all ranks have come, and its own can be written again. Asking also keeps it going.
  ///
  /// - Throws: `io` where another rank is gone.
  func isDone() throws(CoreError) -> Bool
}

extension Delivery {
  /// Waits until it is done, and gives the processor away meanwhile.
  ///
  /// - Parameter seconds: how long; nil for as long as the others take.
  /// - Throws: `io` where another rank is gone, or does not come in time.
  public func wait(within seconds: Double? = nil) throws(CoreError) {
    let begin = monotonicSeconds()
    var looks = 0
    while try !isDone() {
      looks += 1
      if looks > 1000 { usleep(50) } else if looks > 50 { sched_yield() }
      if let seconds, looks.isMultiple(of: 64), monotonicSeconds() - begin > seconds {
        throw CoreError(.io, "the other ranks have not come within \(seconds.shortest) s")
      }
    }
  }
}
