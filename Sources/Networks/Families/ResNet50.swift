import Base
import Tensors

/// ResNet-50 for ImageNet as in torchvision (v1.5: the stride is on the 3x3 convolution).
public struct ResNet50: NetworkFamily {
  public static let name = "resnet50"
  public static let page = Page(
    "ResNet-50 for ImageNet as in torchvision.", examples: [("resnet50(width=4, classes=10).classes", "10")],
    seeAlso: ["resnet18"], search: ["network", "residual", "imagenet", "torchvision"])
  public static let settings: [Setting<ResNet50>] = [
    Setting(
      "width", \.width, .int(1...1 << 12, hint: "width=64 is torchvision's"),
      note: "channels of the first stage; 64 in ResNet-50, 128 in its wide form.")
  ]
  public static let usualClasses = 1000
  public static let usualInput = (channels: 3, size: 224)

  /// Channels of the first stage; 64 in torchvision.
  public var width: Int

  public init() { self.init(width: 64) }

  /// A network of this size.
  ///
  /// - Parameter width: channels of the first stage.
  public init(width: Int) { self.width = width }

  /// The width is that of the stem.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let width = weights["conv1.weight", 0], let channels = weights["conv1.weight", 1],
      let classes = weights["fc.weight", 0]
    else { return [] }
    return [
      Guess(
        ResNet50(width: width), classes: classes, input: [channels, usualInput.size, usualInput.size],
        assumed: [Guess.usualSize(of: Self.self)])
    ]
  }

  /// The stem, four stages of 3, 4, 6 and 3 bottlenecks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    let stem = Conv2d(
      width, kernel: Size(7), stride: Size(2), padding: Padding(3), bias: false, initialisation: .kaimingFanOut)
    var children = [
      Child("conv1", .conv2d(stem)), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
      Child("", .maxPool(Pooling(Size(3), stride: Size(2), padding: Padding(1)))),
    ]
    var inputs = width
    for (group, count) in [3, 4, 6, 3].enumerated() {
      let inner = width << group
      var blocks: [Layer] = []
      for i in 0..<count {
        blocks.append(bottleneck(inputs: inputs, inner: inner, stride: group > 0 && i == 0 ? 2 : 1))
        inputs = 4 * inner
      }
      children.append(Child("layer\(group + 1)", .sequential(blocks)))
    }
    return .chain(children + [Child("", .globalAveragePool), Child("fc", .linear(Linear(classes)))])
  }

  private func bottleneck(inputs: Int, inner: Int, stride: Int) -> Layer {
    let changes = stride != 1 || inputs != 4 * inner
    let he = Initialisation.kaimingFanOut
    let shortcut: Layer = .sequential([
      .conv1x1(4 * inner, stride: stride, initialisation: he), .batchNorm(BatchNorm()),
    ])
    return .residual(
      Residual(
        body: [
          Child("conv1", .conv1x1(inner, initialisation: he)), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
          Child("conv2", .conv3x3(inner, stride: stride, initialisation: he)), Child("bn2", .batchNorm(BatchNorm())),
          Child("", .relu),
          Child("conv3", .conv1x1(4 * inner, initialisation: he)), Child("bn3", .batchNorm(BatchNorm())),
        ],
        shortcut: changes ? [Child("downsample", shortcut)] : [], after: [Child("", .relu)]))
  }
}
