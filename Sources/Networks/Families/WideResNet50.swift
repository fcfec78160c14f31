import Base
import Tensors

/// Wide ResNet-50-2 for ImageNet as in torchvision (Zagoruyko & Komodakis 2016): ResNet-50 whose 3x3 convolutions have
/// twice as many channels, and the blocks as many at their ends.
public struct WideResNet50: NetworkFamily {
  public static let name = "wide_resnet50_2"
  public static let page = Page(
    "Wide ResNet-50-2 for ImageNet as in torchvision.",
    examples: [("wide_resnet50_2(width=4, classes=10).classes", "10")],
    seeAlso: ["resnet50", "resnet101", "wideresnet"],
    search: ["network", "residual", "imagenet", "torchvision", "wrn-50-2", "bottleneck"])
  public static let settings: [Setting<WideResNet50>] = [.width(\.width)]
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
    ResNetBlocks.imageNetGuess(for: weights) { WideResNet50(width: $0) }
  }

  /// The stem, four stages of 3, 4, 6 and 3 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    ResNetBlocks.imageNetNetwork(width: width, counts: [3, 4, 6, 3], expansion: 4, classes: classes) {
      ResNetBlocks.imageNet.bottleneck(inputs: $0, inner: 2 * $1, channels: 4 * $1, stride: $2)
    }
  }
}
