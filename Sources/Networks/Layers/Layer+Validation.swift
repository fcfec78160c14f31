import Tensors

extension Layer {
  /// Layers may lie in each other at most so deep.
  package static let depthLimit = 64

  /// Checks the settings of this layer, without those of the layers in it.
  package func validate() throws(CoreError) {
    switch self {
    case .conv2d(let conv):
      guard conv.channels > 0, conv.channels <= 1 << 32, conv.groups > 0 else {
        throw CoreError(
          .value, "a convolution with \(conv.channels) output channels in \(conv.groups) groups",
          hint: "both must be positive")
      }
      try Self.check(kernel: conv.kernel, conv.stride, conv.padding, conv.dilation)
    case .linear(let linear):
      guard linear.features > 0, linear.features <= 1 << 32 else {
        throw CoreError(.value, "a linear layer with \(linear.features) outputs", hint: "give a positive number")
      }
    case .batchNorm(let norm):
      guard norm.eps > 0, norm.eps.isFinite, norm.momentum >= 0, norm.momentum <= 1 else {
        throw CoreError(
          .value, "batch norm needs eps > 0 and momentum from 0 to 1, not \(norm.eps) and \(norm.momentum)")
      }
    case .leakyRelu(let slope):
      guard slope.isFinite else { throw CoreError(.value, "a leaky relu with the slope \(slope)") }
    case .maxPool(let pooling), .averagePool(let pooling):
      try Self.check(kernel: pooling.kernel, pooling.stride, pooling.padding, Size(1))
    case .dropout(let p):
      guard p >= 0, p < 1 else { throw CoreError(.value, "dropout needs a share of at least 0 and below 1, not \(p)") }
    case .normalise(let mean, let std):
      guard mean.count == std.count, mean.allSatisfy(\.isFinite), std.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw CoreError(
          .value, "a normalisation with mean \(mean) and std \(std)",
          hint: "give one finite mean and one positive standard deviation for each channel")
      }
    case .relu, .silu, .globalAveragePool, .flatten, .sequential, .chain, .residual: break
    }
  }

  private static func check(
    kernel: Size, _ stride: Size, _ padding: Padding, _ dilation: Size
  ) throws(CoreError) {
    let limit = 1 << 20
    let positive = [kernel, stride, dilation].flatMap { [$0.height, $0.width] }
    let sides = [padding.top, padding.bottom, padding.left, padding.right]
    guard positive.allSatisfy({ $0 > 0 && $0 < limit }), sides.allSatisfy({ $0 >= 0 && $0 < limit }) else {
      throw CoreError(
        .value,
        "kernel [\(kernel.height), \(kernel.width)], stride [\(stride.height), \(stride.width)], padding \(sides), dilation [\(dilation.height), \(dilation.width)]",
        hint: "kernel, stride and dilation must be positive, padding not negative, all below \(limit)")
    }
  }
}
