import Tensors

/// A height and a width.
public struct Size: Sendable, Equatable {
  public var height: Int
  public var width: Int

  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  public init(_ side: Int) { self.init(side, side) }
}

/// How a weight is drawn before training.
public enum Initialisation: String, Sendable, Equatable, CaseIterable {
  /// PyTorch's default of convolutions and linear layers: weight and bias uniform in ±1/√fan_in.
  case standard
  /// Kaiming He, normal with variance 2/fan_in; bias 0.
  case kaimingFanIn = "kaiming_fan_in"
  /// Kaiming He, normal with variance 2/fan_out; bias 0.
  case kaimingFanOut = "kaiming_fan_out"
  /// As `standard`, bias 0.
  case standardZeroBias = "standard_zero_bias"
  /// Weight and bias 0.
  case zero
}

public struct Conv2d: Sendable, Equatable {
  public var channels: Int
  public var kernel: Size
  public var stride: Size
  public var padding: Padding
  public var dilation: Size
  public var groups: Int
  public var bias: Bool
  public var initialisation: Initialisation

  /// A convolution with `channels` output channels; input channels follow from what comes before.
  public init(
    _ channels: Int, kernel: Size, stride: Size = Size(1), padding: Padding = .none, dilation: Size = Size(1),
    groups: Int = 1, bias: Bool = true, initialisation: Initialisation = .standard
  ) {
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
    self.initialisation = initialisation
  }
}

public struct Linear: Sendable, Equatable {
  public var features: Int
  public var bias: Bool
  public var initialisation: Initialisation

  /// A linear layer with `features` outputs; its inputs follow from what comes before.
  public init(_ features: Int, bias: Bool = true, initialisation: Initialisation = .standard) {
    self.features = features
    self.bias = bias
    self.initialisation = initialisation
  }
}

public struct BatchNorm: Sendable, Equatable {
  public var eps: Double
  public var momentum: Double

  public init(eps: Double = 1e-5, momentum: Double = 0.1) {
    self.eps = eps
    self.momentum = momentum
  }
}

public struct Pooling: Sendable, Equatable {
  public var kernel: Size
  public var stride: Size
  public var padding: Padding

  public init(_ kernel: Size, stride: Size? = nil, padding: Padding = .none) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
  }
}

/// A layer with the name under which its weights are stored.
public struct Child: Sendable, Equatable {
  public var name: String
  public var layer: Layer

  public init(_ name: String, _ layer: Layer) {
    self.name = name
    self.layer = layer
  }
}

/// `after(body(before(x)) + shortcut(x))`.
public struct Residual: Sendable, Equatable {
  public var before: [Child]
  public var body: [Child]
  public var shortcut: [Child]
  /// Whether the shortcut reads `before(x)` instead of `x`.
  public var shortcutReadsBefore: Bool
  public var after: [Child]

  public init(
    before: [Child] = [], body: [Child], shortcut: [Child] = [], shortcutReadsBefore: Bool = false,
    after: [Child] = []
  ) {
    self.before = before
    self.body = body
    self.shortcut = shortcut
    // Where nothing comes before, both are the same.
    self.shortcutReadsBefore = shortcutReadsBefore && !before.isEmpty
    self.after = after
  }
}

/// A layer as it is described, without weights; `Blueprint` builds it for an input shape.
public indirect enum Layer: Sendable, Equatable {
  case conv2d(Conv2d)
  case linear(Linear)
  case batchNorm(BatchNorm)
  case relu
  case leakyRelu(slope: Double)
  case silu
  case maxPool(Pooling)
  case averagePool(Pooling)
  /// Mean over height and width: [n, c, h, w] -> [n, c].
  case globalAveragePool
  /// [n, …] -> [n, product of the rest].
  case flatten
  case dropout(Double)
  /// (x - mean) / std, channel by channel.
  case normalise(mean: [Double], std: [Double])
  /// Layers one after another, with PyTorch's names "0", "1", ….
  case sequential([Layer])
  /// Layers one after another, with names of their own.
  case chain([Child])
  case residual(Residual)
}
