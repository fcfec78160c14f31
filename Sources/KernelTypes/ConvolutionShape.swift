/// The sizes of a two-dimensional convolution: input [batch, height, width, channels] (channels last), weights
/// [filters, channels / groups, kernelHeight, kernelWidth], output [batch, outputHeight, outputWidth, filters].
package struct ConvolutionShape: Sendable, Hashable {
  /// How many images.
  package var batch: Int
  /// Rows of an input image.
  package var height: Int
  /// Columns of an input image.
  package var width: Int
  /// Channels of the input.
  package var channels: Int
  /// Channels of the output.
  package var filters: Int
  /// Rows of the kernel.
  package var kernelHeight: Int
  /// Columns of the kernel.
  package var kernelWidth: Int
  /// Rows from one window to the next.
  package var strideHeight: Int
  /// Columns from one window to the next.
  package var strideWidth: Int
  /// Rows of zeros above the image.
  package var padTop: Int
  /// Rows of zeros below the image.
  package var padBottom: Int
  /// Columns of zeros left of the image.
  package var padLeft: Int
  /// Columns of zeros right of the image.
  package var padRight: Int
  /// Rows from one tap of the kernel to the next.
  package var dilationHeight: Int
  /// Columns from one tap of the kernel to the next.
  package var dilationWidth: Int
  /// Parts of the channels that do not mix.
  package var groups: Int
  /// Rows of an output image.
  package let outputHeight: Int
  /// Columns of an output image.
  package let outputWidth: Int

  /// Makes the sizes of a convolution, and works out those of its output.
  ///
  /// The caller has checked that every size is at least 0, that strides, dilations and groups are at least 1, that the
  /// kernel fits the padded input, and that no product of sizes overflows.
  package init(
    batch: Int, height: Int, width: Int, channels: Int, filters: Int, kernel: (height: Int, width: Int),
    stride: (height: Int, width: Int) = (1, 1),
    padding: (top: Int, bottom: Int, left: Int, right: Int) = (0, 0, 0, 0),
    dilation: (height: Int, width: Int) = (1, 1), groups: Int = 1
  ) {
    self.batch = batch
    self.height = height
    self.width = width
    self.channels = channels
    self.filters = filters
    kernelHeight = kernel.height
    kernelWidth = kernel.width
    strideHeight = stride.height
    strideWidth = stride.width
    padTop = padding.top
    padBottom = padding.bottom
    padLeft = padding.left
    padRight = padding.right
    dilationHeight = dilation.height
    dilationWidth = dilation.width
    self.groups = groups
    outputHeight =
      (height + padding.top + padding.bottom - dilation.height * (kernel.height - 1) - 1) / stride.height + 1
    outputWidth = (width + padding.left + padding.right - dilation.width * (kernel.width - 1) - 1) / stride.width + 1
  }

  /// Values of the input.
  package var inputCount: Int { batch * height * width * channels }
  /// Values of the output.
  package var outputCount: Int { batch * outputHeight * outputWidth * filters }
  /// Values of the weights.
  package var weightCount: Int { filters * (channels / groups) * kernelHeight * kernelWidth }
  /// Positions of the kernel.
  package var taps: Int { kernelHeight * kernelWidth }
}
