extension Array {
  /// An array of up to `capacity` elements that `body` writes.
  ///
  /// It is the standard `init(unsafeUninitializedCapacity:initializingWith:)` but for no elements at all: that one writes the
  /// count of the one empty array that all threads share, which the thread sanitizer rightly calls a race.
  ///
  /// - Parameter body: initialises elements from the first on, and says how many.
  @inlinable
  @inline(__always)
  package init<Failure>(
    filling capacity: Int, _ body: (inout UnsafeMutableBufferPointer<Element>, inout Int) throws(Failure) -> Void
  ) throws(Failure) {
    if capacity > 0 {
      try self.init(unsafeUninitializedCapacity: capacity, initializingWith: body)
    } else {
      self = []
    }
  }
}
