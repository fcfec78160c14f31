import Base
import Devices

// The types of the devices that everyone who computes with tensors needs.

/// The type of a tensor's elements.
public typealias DType = Devices.DType
/// A stream of random numbers, keyed by seed and purpose.
public typealias RandomStream = Devices.RandomStream
/// Settings of the core that hold for the whole process: threads and memory.
public typealias Compute = Devices.Compute
/// The norm in which points move as little as possible.
package typealias BoxNorm = Devices.BoxNorm
/// The settings of a step of FAB.
package typealias BoundaryStep = Devices.BoundaryStep
/// A move of a window of a changed image.
package typealias WindowMove = Devices.WindowMove
/// The norms in which windows are moved.
package typealias WindowNorm = Devices.WindowNorm
/// A square of pixels of one image.
package typealias ImageSquare = Devices.ImageSquare
/// Where patches of images belong.
package typealias PatchPlaces = Devices.PatchPlaces

/// Calls `make` once for each of some pieces of work that know nothing of each other, on all threads, and returns the
/// results in their order. A result must not depend on which thread makes it.
package func concurrently<Result: Sendable>(
  _ count: Int, _ make: (Int) throws(CoreError) -> Result
) throws(CoreError) -> [Result] {
  let results = Locked([Result?](repeating: nil, count: count))
  try device.concurrently(count) { (i) throws(CoreError) in
    let result = try make(i)
    results.withLock { $0[i] = result }
  }
  return results.withLock { $0.compactMap { $0 } }
}
