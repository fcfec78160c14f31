import Base
import Tensors

/// ResNet-34 for CIFAR (kuangliu's `pytorch-cifar`): the names and blocks of `ResNet18`, and more of these. The name
/// says CIFAR since torchvision's ResNet-34, which is another network, has the plain one elsewhere.
public struct CIFARResNet34: NetworkFamily {
  public static let name = "cifar_resnet34"
  public static let page = Page(
    "ResNet-34 for CIFAR (3×3 stem): the sister of resnet18.",
    examples: [("cifar_resnet34().size", "21282122")],
    seeAlso: ["resnet18", "cifar_resnet50", "imagenet_resnet34"],
    search: ["network", "residual", "resnet34", "kuangliu"])
  public static let settings: [Setting<CIFARResNet34>] = [.planes(\.planes)]

  /// Channels of the four stages.
  public var planes: [Int]

  public init() { self.init(planes: [64, 128, 256, 512]) }

  /// A network of this size.
  ///
  /// - Parameter planes: channels of the four stages.
  public init(planes: [Int]) { self.planes = planes }

  /// The planes are those of the first convolutions.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    ResNetBlocks.cifarGuess(for: weights) { CIFARResNet34(planes: $0) }
  }

  /// The stem, four stages of 3, 4, 6 and 3 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    ResNetBlocks.cifarNetwork(planes: planes, counts: [3, 4, 6, 3], classes: classes) {
      ResNetBlocks.cifar.basic(inputs: $0, channels: $1, stride: $2)
    }
  }
}
