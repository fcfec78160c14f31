import Base
import KernelTypes

/// Forms of one weight tensor in the orders that the convolution kernels read, made when first needed. Valid while the
/// weights do not change: start a new one after every optimiser step, keep one for a frozen model.
package final class PackedWeights: Sendable {
  /// What the packed form depends on beside the weights.
  struct Key: Hashable, Sendable {
    enum Form: Hashable, Sendable {
      case direct
      case directGradient(phase: Int)
      case winograd, winogradGradient
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

  private let forms = Locked<[Key: Buffer]>([:])

  package init() {}

  /// The form for `key`, made by `make` the first time. What was stopped is not kept.
  func form(_ key: Key, make: () throws(KernelError) -> Buffer) throws(KernelError) -> Buffer {
    if let known = forms.withLock({ $0[key] }) { return known }
    let made = try make()
    if Threads.isStopped { return made }
    forms.withLock { $0[key] = made }
    return made
  }
}
