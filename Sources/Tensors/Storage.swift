import Base

/// The memory of one or several tensors on the device. Written by the operation that makes it, read-only afterwards,
/// except through operations in place on a storage that only one tensor holds.
package final class Storage: @unchecked Sendable {
  /// What the device allocated.
  package let memory: AnyObject
  /// What the device made from the values and may use again, such as packed convolution weights.
  private let cache = Locked<Cached>(Cached())
  private struct Cached: @unchecked Sendable { var value: AnyObject? }

  package init(_ dtype: DType, count: Int) throws(CoreError) {
    memory = try device.allocate(byteCount: Swift.max(count, 1) &* dtype.stride)
  }

  /// The derived form, made by `make` on first use.
  package func derived<T: AnyObject>(_ type: T.Type, _ make: () -> T) -> T {
    cache.withLock { cached in
      if let value = cached.value as? T { return value }
      let value = make()
      cached.value = value
      return value
    }
  }

  /// To be called when the values have changed.
  package func forgetDerived() { cache.withLock { $0.value = nil } }
}
