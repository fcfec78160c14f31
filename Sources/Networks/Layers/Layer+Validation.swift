import Base
import Tensors

extension Layer {
  /// How deep layers may lie in each other, at most.
  package static let depthLimit = 64

  /// Checks the settings of this layer, without those of the layers in it.
  ///
  /// - Throws: `value`, which names the setting.
  package func validate() throws(CoreError) {
    switch self {
    case .conv2d(let conv):
      try Self.check(conv.channels, "channels", of: "conv2d")
      try Self.check(conv.groups, "groups", of: "conv2d")
      try Self.check(kernel: conv.kernel, conv.stride, conv.padding, conv.dilation, of: "conv2d")
    case .linear(let linear):
      try Self.check(linear.features, "features", of: "linear")
    case .batchNorm(let norm):
      guard norm.eps > 0, norm.eps.isFinite else {
        throw CoreError(
          .value, "eps of batch norm must be a positive number, not \(norm.eps)", hint: "eps=1e-5 is usual",
          argument: "eps")
      }
      guard norm.momentum >= 0, norm.momentum <= 1 else {
        throw CoreError(
          .value, "momentum of batch norm must be from 0 to 1, not \(norm.momentum)", hint: "momentum=0.1 is usual",
          argument: "momentum")
      }
    case .layerNorm(let eps):
      guard eps > 0, eps.isFinite else {
        throw CoreError(
          .value, "eps of layer norm must be a positive number, not \(eps)", hint: "eps=1e-5 is usual",
          argument: "eps")
      }
    case .attention(let attention): try Self.check(attention.heads, "heads", limit: 1 << 16, of: "attention")
    case .leakyRelu(let slope):
      guard slope.isFinite else {
        throw CoreError(
          .value, "slope of leaky_relu must be a finite number, not \(slope)", hint: "slope=0.01 is usual",
          argument: "slope")
      }
    case .maxPool(let pooling): try Self.check(pooling, of: "max_pool")
    case .averagePool(let pooling): try Self.check(pooling, of: "avg_pool")
    case .dropout(let p): try Self.check(share: p, of: "dropout")
    case .dropout2d(let p): try Self.check(share: p, of: "dropout2d")
    case .quantise(let levels):
      guard (2...65536).contains(levels) else {
        throw CoreError(
          .value, "levels of quantise must be from 2 to 65536, not \(levels)",
          hint: "levels=256 is what an image of bytes has", argument: "levels")
      }
    case .meanSparse(let mean, let width):
      guard mean.count == width.count else {
        throw CoreError(
          .value, "mean_sparse must have as many means as widths, not \(mean.count) and \(width.count)",
          hint: "give one of each for every channel", argument: "width")
      }
      guard mean.allSatisfy({ Float($0).isFinite }) else {
        throw CoreError(
          .value, "the means of mean_sparse must be finite float32 numbers, not \(mean)",
          hint: "mean_sparse([0.1], [0.2]) for one channel", argument: "mean")
      }
      guard width.allSatisfy({ $0 >= 0 && Float($0).isFinite }) else {
        throw CoreError(
          .value, "the widths of mean_sparse must be finite float32 numbers of at least 0, not \(width)",
          hint: "a width of 0 leaves its channel as it is", argument: "width")
      }
    case .gaussianNoise(let std):
      guard std >= 0, std.isFinite, Float(std).isFinite else {
        throw CoreError(
          .value, "std of gaussian_noise must be a finite number of at least 0, not \(std)",
          hint: "gaussian_noise(0.1) adds normal numbers of deviation 0.1", argument: "std")
      }
    case .normalise(let mean, let std):
      guard mean.count == std.count else {
        throw CoreError(
          .value, "a normalisation must have as many means as standard deviations, not \(mean.count) and \(std.count)",
          hint: "give one of each for every channel")
      }
      guard mean.allSatisfy({ abs($0) <= 2 }) else {
        throw CoreError(
          .value, "the means of a normalisation must be from -2 to 2, not \(mean)", hint: Self.unitsHint,
          argument: "mean")
      }
      guard std.allSatisfy({ $0 > 0 && $0 <= 2 }) else {
        throw CoreError(
          .value, "the standard deviations of a normalisation must be above 0 and at most 2, not \(std)",
          hint: Self.unitsHint, argument: "std")
      }
    case .relu, .silu, .globalAveragePool, .flatten, .sequential, .chain, .residual: break
    case .relu6, .gelu, .classToken, .firstToken: break
    }
  }

  private static func check(
    kernel: Size, _ stride: Size, _ padding: Padding, _ dilation: Size, of layer: String
  ) throws(CoreError) {
    for (name, size) in [("kernel", kernel), ("stride", stride), ("dilation", dilation)] {
      try check(size.height, name, limit: sizeLimit, of: layer)
      try check(size.width, name, limit: sizeLimit, of: layer)
    }
    for side in [padding.top, padding.bottom, padding.left, padding.right] {
      try check(side, "padding", from: 0, limit: sizeLimit, of: layer)
    }
  }

  private static func check(_ pooling: Pooling, of layer: String) throws(CoreError) {
    let (kernel, padding) = (pooling.kernel, pooling.padding)
    try check(kernel: kernel, pooling.stride, padding, Size(1), of: layer)
    guard max(padding.top, padding.bottom) < kernel.height, max(padding.left, padding.right) < kernel.width else {
      throw CoreError(
        .value, "padding of \(layer) must be less than its kernel [\(kernel.height), \(kernel.width)]",
        hint: "use at most padding=\(min(kernel.height, kernel.width) - 1)", argument: "padding")
    }
  }

  private static let sizeLimit = 1 << 20

  /// What is given for images of bytes is beyond these limits, and would make every image the same grey.
  private static let unitsHint = "in units of the [0, 1] image: 125.3/255"

  private static func check(share p: Double, of layer: String) throws(CoreError) {
    guard p >= 0, p < 1 else {
      throw CoreError(
        .value, "p of \(layer) must be at least 0 and below 1, not \(p)", hint: "p=0.5 drops half of the values",
        argument: "p")
    }
  }

  private static func check(
    _ value: Int, _ name: String, from low: Int = 1, limit: Int = 1 << 32, of layer: String
  ) throws(CoreError) {
    guard value >= low, value <= limit else {
      throw CoreError(.value, "\(name) of \(layer) must be from \(low) to \(limit), not \(value)", argument: name)
    }
  }
}
