import Base
import Tensors

/// WideResNet-depth-widen (Zagoruyko & Komodakis 2016) with the key names of TRADES and RobustBench.
public struct WideResNet: NetworkFamily {
  public static let name = "wideresnet"
  public static let page = Page(
    "A wide residual network as in TRADES.", examples: [("wideresnet(depth=10, widen=1).size", "77850")],
    seeAlso: ["preactresnet18"], search: ["network", "wrn", "residual"])
  public static let settings: [Setting<WideResNet>] = [
    Setting(
      "depth", \.depth, .int(10...1000, hint: depthHint), note: "layers, 6n + 4; WRN-28-10 and WRN-34-10 are usual.",
      isAlwaysShown: true),
    Setting(
      "widen", \.widen, .int(1...1000, hint: "widen=10 is usual"), note: "factor of the widths 16, 32, 64.",
      isAlwaysShown: true),
    Setting(
      "dropout", \.dropout, .belowOne(hint: "dropout=0 is that of published robust models"),
      note: "share dropped in training between the two convolutions of a block; 0 in published robust models."),
  ]
  public static let leadingSettings = 2

  /// Layers: 6n + 4.
  public var depth: Int
  /// Factor of the widths 16, 32 and 64.
  public var widen: Int
  /// Share of dropout between the two convolutions of a block; 0 in all published robust models.
  public var dropout: Double

  public init() { self.init(depth: 28) }

  /// A network of these sizes, by default WRN-28-10.
  ///
  /// - Parameters:
  ///   - depth: layers, 6n + 4.
  ///   - widen: factor of the widths 16, 32 and 64.
  ///   - dropout: share dropped in training between the two convolutions of a block.
  public init(depth: Int = 28, widen: Int = 10, dropout: Double = 0) {
    self.depth = depth
    self.widen = widen
    self.dropout = dropout
  }

  private static let depthHint = "depth=28, or another of 10, 16, 22, 34, 40 and so on, to 1000"

  /// Depth and width follow from the first stage.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let channels = weights["conv1.weight", 1], let classes = weights["fc.weight", 0],
      let width = weights["block1.layer.0.conv1.weight", 0], width % 16 == 0
    else { return [] }
    let blocks = weights.run { "block1.layer.\($0).conv1.weight" }
    return [
      Guess(
        WideResNet(depth: 6 * blocks + 4, widen: width / 16), classes: classes,
        input: [channels, usualInput.size, usualInput.size], assumed: [Guess.usualSize(of: Self.self), "dropout=0"])
    ]
  }

  /// A second copy of the first stage, which the published code defines and never runs.
  public var unusedNames: [String] { ["sub_block1."] }

  /// Checks that the depth is 6n + 4.
  public func validateTogether() throws(CoreError) {
    guard depth % 6 == 4 else {
      throw CoreError(
        .value, "depth of wideresnet must be 6n + 4, not \(depth)", hint: Self.depthHint, argument: "depth")
    }
  }

  /// The stem, three stages of (depth - 4) / 6 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    var children = [Child("conv1", .conv3x3(16, initialisation: .kaimingFanOut))]
    var inputs = 16
    for group in 0..<3 {
      let channels = widen * (16 << group)
      var blocks: [Layer] = []
      for i in 0..<(depth - 4) / 6 {
        let stride = group > 0 && i == 0 ? 2 : 1
        blocks.append(block(inputs: i == 0 ? inputs : channels, channels: channels, stride: stride))
      }
      children.append(Child("block\(group + 1)", .chain([Child("layer", .sequential(blocks))])))
      inputs = channels
    }
    return .chain(
      children + [
        Child("bn1", .batchNorm(BatchNorm())), Child("", .relu), Child("", .globalAveragePool),
        Child("fc", .linear(Linear(classes, initialisation: .standardZeroBias))),
      ])
  }

  private func block(inputs: Int, channels: Int, stride: Int) -> Layer {
    let changes = inputs != channels
    var body = [
      Child("conv1", .conv3x3(channels, stride: stride, initialisation: .kaimingFanOut)),
      Child("bn2", .batchNorm(BatchNorm())), Child("", .relu),
    ]
    if dropout > 0 { body.append(Child("", .dropout(dropout))) }
    body.append(Child("conv2", .conv3x3(channels, initialisation: .kaimingFanOut)))
    return .residual(
      Residual(
        before: [Child("bn1", .batchNorm(BatchNorm())), Child("", .relu)], body: body,
        shortcut: changes
          ? [Child("convShortcut", .conv1x1(channels, stride: stride, initialisation: .kaimingFanOut))] : [],
        shortcutReadsBefore: changes))
  }
}
