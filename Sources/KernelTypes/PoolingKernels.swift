/// The sizes of a two-dimensional pooling: input [batch, height, width, channels], channels last.
package struct PoolShape: Sendable, Hashable {
  /// How many images.
  package var batch: Int
  /// Rows of an input image.
  package var height: Int
  /// Columns of an input image.
  package var width: Int
  /// Channels of input and output.
  package var channels: Int
  /// Rows of a window.
  package var kernelHeight: Int
  /// Columns of a window.
  package var kernelWidth: Int
  /// Rows from one window to the next.
  package var strideHeight: Int
  /// Columns from one window to the next.
  package var strideWidth: Int
  /// Rows of padding above the image.
  package var padTop: Int
  /// Columns of padding left of the image.
  package var padLeft: Int
  /// Rows of an output image.
  package let outputHeight: Int
  /// Columns of an output image.
  package let outputWidth: Int

  /// Whether windows lie side by side within the image, so that no value is in two of them.
  package var windowsAreApart: Bool {
    kernelHeight == strideHeight && kernelWidth == strideWidth && padTop == 0 && padLeft == 0
      && outputHeight * strideHeight <= height && outputWidth * strideWidth <= width
  }

  /// Makes the sizes of a pooling, and works out those of its output. The caller has checked the sizes, as for
  /// `ConvolutionShape`; padding is less than the kernel.
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

  /// Values of the input.
  package var inputCount: Int { batch * height * width * channels }
  /// Values of the output.
  package var outputCount: Int { batch * outputHeight * outputWidth * channels }
}

/// Pooling of the output rows `rows` of all images together (row = image · outputHeight + output row).
package protocol PoolingKernels {
  /// y = the greatest value of each window; `argmax`, when wanted, which pixel of its image that is.
  static func maximumPool(
    _ s: PoolShape, _ rows: Range<Int>, _ x: Floats, _ y: MutableFloats, _ argmax: UnsafeMutablePointer<Int32>?)
  /// y = the mean of each window, over all of it (`countsPadding`) or over what lies inside the image.
  static func averagePool(
    _ s: PoolShape, _ rows: Range<Int>, _ countsPadding: Bool, _ x: Floats, _ y: MutableFloats)
  /// Adds the gradient of `maximumPool` to dx, for whole images.
  static func maximumPoolGradient(
    _ s: PoolShape, _ images: Range<Int>, _ dy: Floats, _ argmax: UnsafePointer<Int32>, _ dx: MutableFloats)
  /// Adds the gradient of `averagePool` to dx, for whole images.
  static func averagePoolGradient(
    _ s: PoolShape, _ images: Range<Int>, _ countsPadding: Bool, _ dy: Floats, _ dx: MutableFloats)
}
