import Platform

/// A value that one thread at a time reaches: the one lock of the project. It is like the standard library's `Mutex`,
/// but over a lock that the thread sanitizer knows.
public final class Locked<Value>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// After the lock: a value without a size would else have the lock's address, and the thread sanitizer takes a look at the
  /// one for a look at the other.
  private var value: Value

  /// A lock that nobody holds.
  ///
  /// - Parameter value: what is guarded from now on.
  public init(_ value: sending Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs `body` with the value while no other thread has it. A `body` that asks for the same lock waits for ever.
  public func withLock<Result: ~Copyable, Failure>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
