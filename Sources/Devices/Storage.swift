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
  private let cache = Locked<Cached>(Cached())
  private struct Cached: @unchecked Sendable { var value: AnyObject? }

  /// Memory of `count` elements, not initialised.
  /// - Throws: `memory` or `limit` when there is not as much.
  package init(_ dtype: DType, count: Int) throws(CoreError) {
    memory = try device.allocate(byteCount: Swift.max(count, 1) &* dtype.stride)
  }

  /// What the device made from the values and may use again, made by `make` on first use.
  package func derived<T: AnyObject>(_ type: T.Type, _ make: () -> T) -> T {
    cache.withLock { cached in
      if let value = cached.value as? T { return value }
      let value = make()
      cached.value = value
      return value
    }
  }

  /// Drops what was derived; called when the values have changed, or when nobody will read them again soon.
  package func forgetDerived() { cache.withLock { $0.value = nil } }
}
