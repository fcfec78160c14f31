import Base
import Tensors

/// ResNet-50 for ImageNet as in torchvision (v1.5: the stride is on the 3x3 convolution).
public struct ResNet50: NetworkFamily {
  public static let name = "resnet50"
  public static let page = Page(
    "ResNet-50 for ImageNet as in torchvision.",
    examples: [("resnet50(width=4, classes=10).classes", "10")],
    seeAlso: ["resnet101", "wide_resnet50_2", "imagenet_resnet18", "cifar_resnet50"],
    search: ["network", "residual", "imagenet", "torchvision", "bottleneck"])
  public static let settings: [Setting<ResNet50>] = [.width(\.width)]
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
    ResNetBlocks.imageNetGuess(for: weights) { ResNet50(width: $0) }
  }

  /// The stem, four stages of 3, 4, 6 and 3 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    ResNetBlocks.imageNetNetwork(width: width, counts: [3, 4, 6, 3], expansion: 4, classes: classes) {
      ResNetBlocks.imageNet.bottleneck(inputs: $0, inner: $1, channels: 4 * $1, stride: $2)
    }
  }
}
