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
