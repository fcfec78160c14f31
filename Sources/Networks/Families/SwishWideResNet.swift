import Base
import Tensors

/// The WideResNet of DeepMind's robust models (Gowal et al. 2020), with swish and the padding of TensorFlow.
///
/// It differs from `WideResNet` in more than the names of its weights: where a 3x3 convolution has stride 2, a row is
/// added below and a column on the right, and none above and on the left. Normalisation is a setting here as in every
/// family; DeepMind's own models have CIFAR-10's mean and deviation, and RobustBench's class writes these into the file.
public struct SwishWideResNet: NetworkFamily {
  public static let name = "swish_wideresnet"
  public static let page = Page(
    "The wide residual network of DeepMind's robust models: swish, and the padding of TensorFlow.",
    details: """
      Gowal et al. 2020; DMWideResNet in RobustBench, and the networks that Rebuffi, Wang and others trained. Those of \
      CIFAR-10 have mean=[0.4914, 0.4822, 0.4465], std=[0.2471, 0.2435, 0.2616], which is not the default here.
      """,
    examples: [("swish_wideresnet(depth=10, widen=1).size", "77850")],
    seeAlso: ["wideresnet", "swish_preactresnet18"],
    search: ["network", "wrn", "residual", "deepmind", "DMWideResNet", "silu", "gowal", "rebuffi"])
  public static let settings: [Setting<SwishWideResNet>] = [
    Setting(
      "depth", \.depth, .int(10...1000, hint: depthHint), note: "layers, 6n + 4; WRN-28-10 and WRN-70-16 are usual.",
      isAlwaysShown: true),
    Setting(
      "widen", \.widen, .int(1...1000, hint: "widen=10 is usual"), note: "factor of the widths 16, 32, 64.",
      isAlwaysShown: true),
    .activation(\.activation), .momentum(\.momentum),
  ]
  public static let leadingSettings = 2

  /// Layers: 6n + 4.
  public var depth = 28
  /// Factor of the widths 16, 32 and 64.
  public var widen = 10
  /// What comes after each batch norm.
  public var activation = SwishActivation.swish
  /// The share of a batch in the running statistics.
  public var momentum = 0.01

  public init() {}

  private static let depthHint = "depth=28, or another of 10, 16, 22, 34, 70 and so on, to 1000"

  /// Checks that the depth is 6n + 4.
  public func validateTogether() throws(CoreError) {
    guard depth % 6 == 4 else {
      throw CoreError(
        .value, "depth of swish_wideresnet must be 6n + 4, not \(depth)", hint: Self.depthHint, argument: "depth")
    }
  }

  /// The sizes are those of the first stage; the activation leaves no trace.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let channels = weights["init_conv.weight", 1], let classes = weights["logits.weight", 0],
      let width = weights["layer.0.block.0.conv_0.weight", 0], width % 16 == 0
    else { return [] }
    let blocks = weights.run { "layer.0.block.\($0).conv_0.weight" }
    return SwishActivation.allCases.map { activation in
      var family = SwishWideResNet()
      (family.depth, family.widen, family.activation) = (6 * blocks + 4, width / 16, activation)
      return Guess(
        family, classes: classes, input: [channels, usualInput.size, usualInput.size],
        assumed: [Guess.usualSize(of: Self.self), "momentum=0.01"])
    }
  }

  /// The stem, three stages of (depth - 4) / 6 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    var children = [Child("init_conv", .conv3x3(16))]
    var inputs = 16
    var groups: [Layer] = []
    for group in 0..<3 {
      let channels = widen * (16 << group)
      var blocks: [Layer] = []
      for i in 0..<(depth - 4) / 6 {
        blocks.append(block(inputs: inputs, channels: channels, stride: group > 0 && i == 0 ? 2 : 1))
        inputs = channels
      }
      groups.append(.chain([Child("block", .sequential(blocks))]))
    }
    children += [
      Child("layer", .sequential(groups)), Child("batchnorm", norm), Child("relu", activation.layer),
      Child("", .globalAveragePool), Child("logits", .linear(Linear(classes))),
    ]
    return .chain(children)
  }

  private var norm: Layer { .batchNorm(BatchNorm(momentum: momentum)) }

  private func block(inputs: Int, channels: Int, stride: Int) -> Layer {
    let changes = inputs != channels
    return .residual(
      Residual(
        before: [Child("batchnorm_0", norm), Child("relu_0", activation.layer)],
        body: [
          Child("conv_0", .sameConv3x3(channels, stride: stride)), Child("batchnorm_1", norm),
          Child("relu_1", activation.layer), Child("conv_1", .conv3x3(channels)),
        ],
        shortcut: changes ? [Child("shortcut", .conv1x1(channels, stride: stride))] : [],
        shortcutReadsBefore: changes))
  }
}

/// The activation of DeepMind's networks.
public enum SwishActivation: String, SettingChoice {
  /// x · sigmoid(x).
  case swish
  /// max(x, 0).
  case relu

  var layer: Layer {
    switch self {
    case .swish: .silu
    case .relu: .relu
    }
  }
}

extension Layer {
  /// A 3x3 convolution without bias and with the padding that TensorFlow calls SAME: of images of even size with stride
  /// 2 on the right and below only.
  static func sameConv3x3(_ channels: Int, stride: Int) -> Layer {
    .conv2d(Conv2d(channels, kernel: Size(3), stride: Size(stride), isSame: true, bias: false))
  }
}

extension Setting where Owner: NetworkFamily {
  /// What comes after each batch norm of DeepMind's networks.
  static func activation(_ path: WritableKeyPath<Owner, SwishActivation> & Sendable) -> Setting {
    .choice(
      "activation", path, note: "\"swish\" (x · sigmoid(x)) or \"relu\", after each batch norm.", isAlwaysShown: true)
  }

  /// The momentum of the batch norms of DeepMind's networks.
  static func momentum(_ path: WritableKeyPath<Owner, Double> & Sendable) -> Setting {
    Setting(
      "momentum", path, .share(hint: "momentum=0.01 is usual"),
      note: """
        share of a batch in the running statistics of batch norm; 0.01 where such networks are trained (Rade, Wang), 0.1 \
        in the class that DeepMind published to load them.
        """)
  }
}
