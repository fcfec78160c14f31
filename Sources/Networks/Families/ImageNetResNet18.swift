import Base
import Tensors

/// ResNet-18 for ImageNet as in torchvision. The name says ImageNet since `resnet18` is the one of CIFAR.
public struct ImageNetResNet18: NetworkFamily {
  public static let name = "imagenet_resnet18"
  public static let page = Page(
    "ResNet-18 for ImageNet as in torchvision (7×7 stem).",
    examples: [("imagenet_resnet18().size", "11689512")],
    seeAlso: ["imagenet_resnet34", "resnet50", "resnet18"],
    search: ["network", "residual", "imagenet", "torchvision", "resnet18"])
  public static let settings: [Setting<ImageNetResNet18>] = [.width(\.width)]
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
    ResNetBlocks.imageNetGuess(for: weights) { ImageNetResNet18(width: $0) }
  }

  /// The stem, four stages of 2, 2, 2 and 2 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    ResNetBlocks.imageNetNetwork(width: width, counts: [2, 2, 2, 2], classes: classes) {
      ResNetBlocks.imageNet.basic(inputs: $0, channels: $1, stride: $2)
    }
  }
}
