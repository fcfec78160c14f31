import Base
import Tensors

/// ResNet-34 for ImageNet as in torchvision. The name says ImageNet since there is one of CIFAR.
public struct ImageNetResNet34: NetworkFamily {
  public static let name = "imagenet_resnet34"
  public static let page = Page(
    "ResNet-34 for ImageNet as in torchvision (7×7 stem).",
    examples: [("imagenet_resnet34(width=4, classes=10).size", "85022")],
    seeAlso: ["imagenet_resnet18", "resnet50", "cifar_resnet34"],
    search: ["network", "residual", "imagenet", "torchvision", "resnet34"])
  public static let settings: [Setting<ImageNetResNet34>] = [.width(\.width)]
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
    ResNetBlocks.imageNetGuess(for: weights) { ImageNetResNet34(width: $0) }
  }

  /// The stem, four stages of 3, 4, 6 and 3 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    ResNetBlocks.imageNetNetwork(width: width, counts: [3, 4, 6, 3], classes: classes) {
      ResNetBlocks.imageNet.basic(inputs: $0, channels: $1, stride: $2)
    }
  }
}
