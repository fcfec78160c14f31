import Base
import Tensors

/// The pre-activation ResNet-18 of DeepMind's robust models (Gowal et al. 2020), with swish and the padding of
/// TensorFlow. Its shortcuts are 3x3 convolutions, which read what the block reads and not its batch norm.
public struct SwishPreActResNet18: NetworkFamily {
  public static let name = "swish_preactresnet18"
  public static let page = Page(
    "The pre-activation ResNet-18 of DeepMind's robust models: swish, 3×3 shortcuts, the padding of TensorFlow.",
    details: """
      Gowal et al. 2020; DMPreActResNet in RobustBench. The models of CIFAR-10 have mean=[0.4914, 0.4822, 0.4465], \
      std=[0.2471, 0.2435, 0.2616], which is not the default here.
      """,
    examples: [("swish_preactresnet18(planes=[8, 16, 32, 64]).size", "197682")],
    seeAlso: ["preactresnet18", "swish_wideresnet"],
    search: ["network", "residual", "deepmind", "DMPreActResNet", "silu", "gowal"])
  public static let settings: [Setting<SwishPreActResNet18>] = [
    .activation(\.activation), .planes(\.planes), .momentum(\.momentum),
  ]

  /// Channels of the four stages.
  public var planes = [64, 128, 256, 512]
  /// What comes after each batch norm.
  public var activation = SwishActivation.swish
  /// The share of a batch in the running statistics.
  public var momentum = 0.01

  public init() {}

  /// The planes are those of the first convolutions; the activation leaves no trace.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let channels = weights["conv_2d.weight", 1], let classes = weights["logits.weight", 0],
      let planes = weights.sizes(0, (0..<4).map { "layer_\($0).0.conv_2d_1.weight" })
    else { return [] }
    return SwishActivation.allCases.map { activation in
      var family = SwishPreActResNet18()
      (family.planes, family.activation) = (planes, activation)
      return Guess(
        family, classes: classes, input: [channels, usualInput.size, usualInput.size],
        assumed: [Guess.usualSize(of: Self.self), "momentum=0.01"])
    }
  }

  /// The stem, four stages of two blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    .chain(
      [Child("conv_2d", .conv3x3(planes[0]))] + .stages(planes, name: { "layer_\($0)" }, block) + [
        Child("batchnorm", norm), Child("relu", activation.layer), Child("", .globalAveragePool),
        Child("logits", .linear(Linear(classes))),
      ])
  }

  private var norm: Layer { .batchNorm(BatchNorm(momentum: momentum)) }

  private func block(_ inputs: Int, _ channels: Int, _ stride: Int) -> Layer {
    let changes = stride != 1 || inputs != channels
    return .residual(
      Residual(
        before: [Child("batchnorm_0", norm), Child("relu_0", activation.layer)],
        body: [
          Child("conv_2d_1", .sameConv3x3(channels, stride: stride)), Child("batchnorm_1", norm),
          Child("relu_1", activation.layer), Child("conv_2d_2", .conv3x3(channels)),
        ],
        shortcut: changes ? [Child("shortcut", .sameConv3x3(channels, stride: stride))] : []))
  }
}
