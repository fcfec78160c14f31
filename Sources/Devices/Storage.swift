import Base

/// The memory of one or several tensors on the device.
///
/// A storage knows neither shape nor type: a `View` says how its elements are seen, and several tensors may share it.
/// It is written by the operation that makes it and is read-only afterwards, except for operations in place on a storage
/// that only one tensor holds. What a device has made from the values, such as weights in the order that its convolutions
/// read, stays with the storage until the values change.
package final class Storage: @unchecked Sendable {
  /// What the device allocated.
  package let memory: AnyObject
  private var cached: AnyObject?
  /// Guards what is derived of all storages: they are made by the thousand, each with a lock of its own would cost more
  /// than many an operation, and few are ever derived from.
  private static let cache = Locked(())

  /// Memory of `count` elements, not initialised.
  /// - Throws: `memory` or `limit` when there is not as much.
  package init(_ dtype: DType, count: Int) throws(CoreError) {
    memory = try device.allocate(byteCount: Swift.max(count, 1) &* dtype.stride)
  }

  /// What the device made from the values and may use again.
  ///
  /// - Parameter make: makes it on first use; it must be quick and derive nothing itself, for no storage can be asked
  ///   meanwhile.
  package func derived<T: AnyObject>(_ type: T.Type, _ make: () -> T) -> T {
    Self.cache.withLock { _ in
      if let value = cached as? T { return value }
      let value = make()
      cached = value
      return value
    }
  }

  /// Drops what was derived; called when the values have changed, or when nobody will read them again soon.
  package func forgetDerived() { Self.cache.withLock { _ in cached = nil } }
}
