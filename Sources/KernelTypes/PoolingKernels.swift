/// The sizes of a two-dimensional pooling: input [batch, height, width, channels], channels last.
package struct PoolShape: Sendable, Hashable {
  package var batch: Int
  package var height: Int
  package var width: Int
  package var channels: Int
  package var kernelHeight: Int
  package var kernelWidth: Int
  package var strideHeight: Int
  package var strideWidth: Int
  package var padTop: Int
  package var padLeft: Int
  package let outputHeight: Int
  package let outputWidth: Int

  /// The caller has checked the sizes, as for `ConvolutionShape`; padding is less than the kernel.
  package init(
    batch: Int, height: Int, width: Int, channels: Int, kernel: (height: Int, width: Int),
    stride: (height: Int, width: Int), padding: (top: Int, bottom: Int, left: Int, right: Int) = (0, 0, 0, 0)
  ) {
    self.batch = batch
    self.height = height
    self.width = width
    self.channels = channels
    kernelHeight = kernel.height
    kernelWidth = kernel.width
    strideHeight = stride.height
    strideWidth = stride.width
    padTop = padding.top
    padLeft = padding.left
    outputHeight = (height + padding.top + padding.bottom - kernel.height) / stride.height + 1
    outputWidth = (width + padding.left + padding.right - kernel.width) / stride.width + 1
  }

  package var inputCount: Int { batch * height * width * channels }
  package var outputCount: Int { batch * outputHeight * outputWidth * channels }
}

/// Pooling of the output rows `rows` of all images together (row = image · outputHeight + output row).
package protocol PoolingKernels {
  static func maximumPool(
    _ s: PoolShape, _ rows: Range<Int>, _ x: Floats, _ y: MutableFloats, _ argmax: UnsafeMutablePointer<Int32>?)
  static func averagePool(
    _ s: PoolShape, _ rows: Range<Int>, _ countsPadding: Bool, _ x: Floats, _ y: MutableFloats)
  /// Adds to dx, for whole images.
  static func maximumPoolGradient(
    _ s: PoolShape, _ images: Range<Int>, _ dy: Floats, _ argmax: UnsafePointer<Int32>, _ dx: MutableFloats)
  static func averagePoolGradient(
    _ s: PoolShape, _ images: Range<Int>, _ countsPadding: Bool, _ dy: Floats, _ dx: MutableFloats)
}
