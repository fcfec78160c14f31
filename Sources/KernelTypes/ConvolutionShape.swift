/// The sizes of a two-dimensional convolution: input [batch, height, width, channels] (channels last), weights
/// [filters, channels / groups, kernelHeight, kernelWidth], output [batch, outputHeight, outputWidth, filters].
package struct ConvolutionShape: Sendable, Hashable {
  package var batch: Int
  package var height: Int
  package var width: Int
  package var channels: Int
  package var filters: Int
  package var kernelHeight: Int
  package var kernelWidth: Int
  package var strideHeight: Int
  package var strideWidth: Int
  package var padTop: Int
  package var padBottom: Int
  package var padLeft: Int
  package var padRight: Int
  package var dilationHeight: Int
  package var dilationWidth: Int
  package var groups: Int
  package let outputHeight: Int
  package let outputWidth: Int

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

  package var inputCount: Int { batch * height * width * channels }
  package var outputCount: Int { batch * outputHeight * outputWidth * filters }
  package var weightCount: Int { filters * (channels / groups) * kernelHeight * kernelWidth }
  package var taps: Int { kernelHeight * kernelWidth }
}
