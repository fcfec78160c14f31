import Base
import Tensors

/// The pre-activation ResNet-18 of CIFAR (He et al. 2016), in the three forms that share their key names.
public struct PreActResNet18: NetworkFamily {
  public static let name = "preactresnet18"
  public static let page = Page(
    "The pre-activation ResNet-18 of CIFAR.", examples: [("preactresnet18().size", "11172170")],
    seeAlso: ["wideresnet", "resnet18"], search: ["network", "residual"])
  public static let settings: [Setting<PreActResNet18>] = [
    .choice(
      "variant", \.variant,
      note: """
        "activated" (shortcuts read relu(bn1(x)), batch norm before pooling: Rice, AWP), "raw_bn" (shortcuts read x, \
        batch norm before pooling: Wong) or "raw" (shortcuts read x, no batch norm before pooling: RobustBench).
        """, isAlwaysShown: true),
    .planes(\.planes),
  ]

  /// What the shortcuts read, and whether the last block is normalised.
  public enum Variant: String, SettingChoice {
    /// Shortcuts read the raw block input; no batch norm before pooling (RobustBench's `PreActBlock`).
    case raw
    /// Shortcuts read the raw block input; relu(bn(x)) before pooling (Wong et al. 2020).
    case rawNormalised = "raw_bn"
    /// Shortcuts read relu(bn1(x)); relu(bn(x)) before pooling (Rice et al. 2020, AWP; RobustBench's `PreActBlockV2`).
    case activated = "activated"
  }

  /// Channels of the four stages.
  public var planes: [Int]
  /// The form, one of three.
  public var variant: Variant

  public init() { self.init(variant: .activated) }

  /// A network of this size and form.
  ///
  /// - Parameters:
  ///   - planes: channels of the four stages.
  ///   - variant: which of the three forms it has.
  public init(planes: [Int] = [64, 128, 256, 512], variant: Variant = .activated) {
    self.planes = planes
    self.variant = variant
  }

  /// Without a batch norm before pooling it is the raw form. With one, all three have the same names.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let channels = weights["conv1.weight", 1], let classes = weights["linear.weight", 0],
      let planes = weights.sizes(0, (1...4).map { "layer\($0).0.conv1.weight" })
    else { return [] }
    let variants: [Variant] = weights["bn.weight"] == nil ? [.raw] : [.activated, .rawNormalised, .raw]
    return variants.map {
      Guess(
        PreActResNet18(planes: planes, variant: $0), classes: classes,
        input: [channels, usualInput.size, usualInput.size], assumed: [Guess.usualSize(of: Self.self)])
    }
  }

  /// The batch norm before pooling, which files of the raw form hold unused.
  public var unusedNames: [String] { variant == .raw ? ["bn."] : [] }

  /// The stem, four stages of two blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    var children = [Child("conv1", .conv3x3(planes[0]))] + .stages(planes, block)
    if variant != .raw { children += [Child("bn", .batchNorm(BatchNorm())), Child("", .relu)] }
    children += [Child("", .globalAveragePool), Child("linear", .linear(Linear(classes)))]
    return .chain(children)
  }

  private func block(_ inputs: Int, _ channels: Int, _ stride: Int) -> Layer {
    let changes = stride != 1 || inputs != channels
    return .residual(
      Residual(
        before: [Child("bn1", .batchNorm(BatchNorm())), Child("", .relu)],
        body: [
          Child("conv1", .conv3x3(channels, stride: stride)), Child("bn2", .batchNorm(BatchNorm())),
          Child("", .relu), Child("conv2", .conv3x3(channels)),
        ],
        shortcut: changes ? [Child("shortcut", .sequential([.conv1x1(channels, stride: stride)]))] : [],
        shortcutReadsBefore: changes && variant == .activated))
  }
}
