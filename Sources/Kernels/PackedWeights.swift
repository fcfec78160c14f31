import Base
import KernelTypes
import Synchronization

/// Forms of one weight tensor in the orders that the convolution kernels read, made when first needed.
///
/// Kernels read weights in blocks of sixteen outputs, or transformed by Winograd's matrices, and the adjoint reads them in
/// another order than the forward pass. Making a form costs a pass over the weights, which is little for one large batch and
/// much for many small ones. A form depends on the weights and on the kernel's shape, not on the size of the images. It is
/// valid while the weights do not change: a storage forgets its forms with its values, and a network that is trained drops
/// them at once, because they take several times the memory of the weights.
package final class PackedWeights: Sendable {
  /// What the packed form depends on beside the weights.
  struct Key: Hashable, Sendable {
    enum Form: Hashable, Sendable {
      case direct
      case directGradient(phase: Int)
      case winograd, winogradGradient, depthwise
    }
    var form: Form
    var shape: ConvolutionShape

    init(_ form: Form, _ shape: ConvolutionShape) {
      self.form = form
      // The layout does not depend on the size of the images.
      self.shape = ConvolutionShape(
        batch: 0, height: 0, width: 0, channels: shape.channels, filters: shape.filters,
        kernel: (shape.kernelHeight, shape.kernelWidth), stride: (shape.strideHeight, shape.strideWidth),
        padding: (shape.padTop, 0, shape.padLeft, 0), dilation: (shape.dilationHeight, shape.dilationWidth),
        groups: shape.groups)
    }
  }

  /// The most bytes that large forms, of all weights of the process together, take.
  private static let mostLarge = 256 << 20
  private static let large = Atomic<Int>(0)

  private let forms = Locked<[Key: Buffer]>([:])
  /// Bytes of the large forms kept here.
  private let ownLarge = Atomic<Int>(0)

  /// Makes a set without any form yet.
  package init() {}

  deinit { Self.large.subtract(ownLarge.load(ordering: .relaxed), ordering: .relaxed) }

  /// A form that is known, whatever it takes.
  func known(_ key: Key) -> Buffer? { forms.withLock { $0[key] } }

  /// The form for `key`, which takes many bytes: nil where the process keeps as many as it may.
  func largeForm(
    _ key: Key, bytes: Int, make: () throws(KernelError) -> Buffer
  ) throws(KernelError) -> Buffer? {
    if let known = known(key) { return known }
    guard Self.large.add(bytes, ordering: .relaxed).newValue <= Self.mostLarge else {
      Self.large.subtract(bytes, ordering: .relaxed)
      return nil
    }
    var isKept = false
    defer { if !isKept { Self.large.subtract(bytes, ordering: .relaxed) } }
    let made = try form(key, make: make)
    isKept = known(key) === made
    if isKept { ownLarge.add(bytes, ordering: .relaxed) }
    return made
  }

  /// The form for `key`, made by `make` the first time. What was stopped is not kept.
  func form(_ key: Key, make: () throws(KernelError) -> Buffer) throws(KernelError) -> Buffer {
    if let known = known(key) { return known }
    let made = try make()
    if Threads.isStopped { return made }
    forms.withLock { $0[key] = made }
    return made
  }
}
