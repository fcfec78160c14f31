import Base
import Tensors

/// ResNet-101 for ImageNet as in torchvision: ResNet-50 with 23 blocks in the third stage.
public struct ResNet101: NetworkFamily {
  public static let name = "resnet101"
  public static let page = Page(
    "ResNet-101 for ImageNet as in torchvision.",
    examples: [("resnet101(width=4, classes=10).classes", "10")],
    seeAlso: ["resnet50", "wide_resnet50_2"],
    search: ["network", "residual", "imagenet", "torchvision", "bottleneck"])
  public static let settings: [Setting<ResNet101>] = [.width(\.width)]
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
    ResNetBlocks.imageNetGuess(for: weights) { ResNet101(width: $0) }
  }

  /// The stem, four stages of 3, 4, 23 and 3 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    ResNetBlocks.imageNetNetwork(width: width, counts: [3, 4, 23, 3], expansion: 4, classes: classes) {
      ResNetBlocks.imageNet.bottleneck(inputs: $0, inner: $1, channels: 4 * $1, stride: $2)
    }
  }
}
