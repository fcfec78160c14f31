import KernelTypes

/// Why a kernel did not run.
package enum KernelError: Error, Sendable, Equatable {
  /// Scratch memory of this many bytes could not be had.
  case outOfMemory(bytes: Int)
}
