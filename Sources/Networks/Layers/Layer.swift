import Tensors

/// A height and a width, in pixels.
public struct Size: Sendable, Equatable {
  /// The size along axis 2 of images.
  public var height: Int
  /// The size along axis 3 of images.
  public var width: Int

  /// Sizes in pixels; what takes them checks that they are at least 1.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  /// The same height and width.
  public init(_ side: Int) { self.init(side, side) }
}

/// How a weight is drawn before training.
public enum Initialisation: String, Sendable, Equatable, CaseIterable {
  /// PyTorch's default of convolutions and linear layers: weight and bias uniform in ±1/√fan_in.
  case standard
  /// He's initialisation (2015) by the inputs: normal with variance 2/fan_in; bias 0.
  case kaimingFanIn = "kaiming_fan_in"
  /// He's initialisation (2015) by the outputs: normal with variance 2/fan_out; bias 0.
  case kaimingFanOut = "kaiming_fan_out"
  /// Weights as in `standard`; bias 0.
  case standardZeroBias = "standard_zero_bias"
  /// Weight and bias 0.
  case zero
  /// Weights normal with deviation 0.01, as torchvision's classifiers; bias 0.
  case normal001 = "normal_0.01"
  /// Weights normal with deviation 0.02, as in transformers; bias 0.
  case normal002 = "normal_0.02"
}

/// A two-dimensional convolution: [n, c, h, w] to [n, channels, h', w'], as PyTorch's Conv2d.
public struct Conv2d: Sendable, Equatable {
  /// The number of output channels.
  public var channels: Int
  /// Height and width of the kernel.
  public var kernel: Size
  /// The distance of neighbouring windows, in pixels.
  public var stride: Size
  /// Zeros around the images; none where `isSame` says how many there are.
  public var padding: Padding
  /// Whether the images get as many zeros as make the output ⌈size / stride⌉ long, as TensorFlow's SAME: half of them on
  /// each side, the odd one on the right and below.
  public var isSame: Bool
  /// The distance of neighbouring taps of the kernel, in pixels.
  public var dilation: Size
  /// Into how many groups input and output channels are cut, each convolved on its own.
  public var groups: Int
  /// Whether a number of its own is added to each output.
  public var bias: Bool
  /// How the weights are drawn.
  public var initialisation: Initialisation

  /// A convolution with `channels` output channels; input channels follow from what comes before.
  public init(
    _ channels: Int, kernel: Size, stride: Size = Size(1), padding: Padding = .none, isSame: Bool = false,
    dilation: Size = Size(1), groups: Int = 1, bias: Bool = true, initialisation: Initialisation = .standard
  ) {
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.padding = isSame ? .none : padding
    self.isSame = isSame
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
    self.initialisation = initialisation
  }
}

/// A linear layer: [n, inputs] to [n, features], as PyTorch's Linear.
public struct Linear: Sendable, Equatable {
  /// The number of outputs.
  public var features: Int
  /// Whether a number of its own is added to each output.
  public var bias: Bool
  /// How the weights are drawn.
  public var initialisation: Initialisation

  /// A linear layer with `features` outputs; its inputs follow from what comes before.
  public init(_ features: Int, bias: Bool = true, initialisation: Initialisation = .standard) {
    self.features = features
    self.bias = bias
    self.initialisation = initialisation
  }
}

/// Batch normalisation of each channel of images [n, c, h, w] or of each feature [n, f], as PyTorch's BatchNorm2d and
/// BatchNorm1d, with scale and shift.
public struct BatchNorm: Sendable, Equatable {
  /// What is added to the variance.
  public var eps: Double
  /// The share of the batch in the running statistics, at each forward in training.
  public var momentum: Double

  /// PyTorch's defaults.
  public init(eps: Double = 1e-5, momentum: Double = 0.1) {
    self.eps = eps
    self.momentum = momentum
  }
}

/// Attention of tokens [n, tokens, features] to one another, as timm's `Attention`: each head compares queries with keys,
/// softmax(q · kᵀ / √size), and mixes values by that; queries, keys and values come from one linear layer, "qkv", and
/// the results pass another, "proj".
public struct Attention: Sendable, Equatable {
  /// How many heads share the features.
  public var heads: Int
  /// How the weights of both linear layers are drawn.
  public var initialisation: Initialisation

  /// Attention of this many heads, which must divide the features of the tokens.
  public init(heads: Int, initialisation: Initialisation = .standard) {
    self.heads = heads
    self.initialisation = initialisation
  }
}

/// The windows of a pooling layer: [n, c, h, w] to [n, c, h', w'].
public struct Pooling: Sendable, Equatable {
  /// Height and width of a window.
  public var kernel: Size
  /// The distance of neighbouring windows, in pixels.
  public var stride: Size
  /// What is put around the images: −infinity for the greatest value; zeros, which count, for the mean.
  public var padding: Padding

  /// Windows of this size.
  ///
  /// - Parameter stride: the kernel's size if nil, so that windows touch and do not overlap.
  public init(_ kernel: Size, stride: Size? = nil, padding: Padding = .none) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
  }
}

/// A layer with the name under which its weights are stored.
public struct Child: Sendable, Equatable {
  /// The name, which is empty for a layer without weights, and where the layer's own names shall stand without one
  /// before them.
  public var name: String
  /// The layer.
  public var layer: Layer

  /// A layer and its name.
  public init(_ name: String, _ layer: Layer) {
    self.name = name
    self.layer = layer
  }
}

/// A residual block: `after(body(before(x)) + shortcut(x))`.
public struct Residual: Sendable, Equatable {
  /// What both ways may share.
  public var before: [Child]
  /// The way with the weights; its results have the shape of the shortcut's.
  public var body: [Child]
  /// The other way; nothing for the identity.
  public var shortcut: [Child]
  /// Whether the shortcut reads `before(x)` instead of `x`.
  public var shortcutReadsBefore: Bool
  /// What is done to the sum.
  public var after: [Child]

  /// A block of these parts; those left out are the identity.
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
///
/// A description is a value: it can be compared, printed, stored in a file and used in several networks. It says
/// nothing of sizes that follow from what comes before. The set of kinds is closed, so that every walk over layers
/// (building, running, text, JSON, comparing) handles each of them.
public indirect enum Layer: Sendable, Equatable {
  /// A convolution of images.
  case conv2d(Conv2d)
  /// A linear layer, of [n, features].
  case linear(Linear)
  /// Batch normalisation of images, or of features.
  case batchNorm(BatchNorm)
  /// max(x, 0).
  case relu
  /// x where x > 0, slope · x elsewhere.
  case leakyRelu(slope: Double)
  /// x · sigmoid(x).
  case silu
  /// min(max(x, 0), 6).
  case relu6
  /// x · Φ(x), with the exact normal distribution function.
  case gelu
  /// Each token, or each example of features, less its mean and divided by its deviation, with scale and shift.
  case layerNorm(eps: Double)
  /// Attention of tokens to one another.
  case attention(Attention)
  /// The pixels of images [n, c, h, w] as tokens [n, 1 + h · w, c], after a learned one, "cls_token"; to all of them
  /// learned positions, "pos_embed", are added.
  case classToken
  /// The first token: [n, tokens, features] -> [n, features].
  case firstToken
  /// The greatest value of each window.
  case maxPool(Pooling)
  /// The mean of each window.
  case averagePool(Pooling)
  /// Mean over height and width: [n, c, h, w] -> [n, c].
  case globalAveragePool
  /// [n, …] -> [n, product of the rest].
  case flatten
  /// Dropout: in training each value becomes 0 with this probability p, and the others grow by 1 / (1 − p).
  case dropout(Double)
  /// Dropout of whole channels of images: in training each becomes 0 with this probability p, and the others grow by
  /// 1 / (1 − p).
  case dropout2d(Double)
  /// x rounded to the nearest multiple of 1 / (levels - 1): of values in [0, 1], this many levels. Its gradient is zero
  /// everywhere.
  case quantise(levels: Int)
  /// The mean of its channel where x is nearer to it than the width of the channel, x elsewhere; the gradient is zero
  /// where it is the mean. MeanSparse (Amini et al. 2024), whose widths are a multiple of the channels' deviations.
  case meanSparse(mean: [Double], width: [Double])
  /// x + a normal number of this standard deviation for each value, in evaluation too: a model with it answers at random.
  case gaussianNoise(std: Double)
  /// (x - mean) / std, channel by channel.
  case normalise(mean: [Double], std: [Double])
  /// Layers one after another, with PyTorch's names "0", "1", ….
  case sequential([Layer])
  /// Layers one after another, with names of their own.
  case chain([Child])
  /// A sum of two ways.
  case residual(Residual)
}
