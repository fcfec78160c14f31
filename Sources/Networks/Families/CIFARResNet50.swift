import Base
import Tensors

/// ResNet-50 for CIFAR (kuangliu's `pytorch-cifar`, and Engstrom's robust models): 3x3 stem, bottlenecks,
/// `shortcut.0/1`, `linear`. The name says CIFAR since `resnet50` is torchvision's, which is another network.
public struct CIFARResNet50: NetworkFamily {
  public static let name = "cifar_resnet50"
  public static let page = Page(
    "ResNet-50 for CIFAR (3×3 stem): bottlenecks.",
    examples: [("cifar_resnet50().size", "23520842")],
    seeAlso: ["resnet18", "cifar_resnet34", "resnet50"], search: ["network", "residual", "bottleneck", "kuangliu"])
  public static let settings: [Setting<CIFARResNet50>] = [.planes(\.planes)]

  /// Channels of the four stages; a block ends with four times as many.
  public var planes: [Int]

  public init() { self.init(planes: [64, 128, 256, 512]) }

  /// A network of this size.
  ///
  /// - Parameter planes: channels of the four stages.
  public init(planes: [Int]) { self.planes = planes }

  /// The planes are those of the first convolutions.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    ResNetBlocks.cifarGuess(for: weights) { CIFARResNet50(planes: $0) }
  }

  /// The stem, four stages of 3, 4, 6 and 3 blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    ResNetBlocks.cifarNetwork(planes: planes, counts: [3, 4, 6, 3], expansion: 4, classes: classes) {
      ResNetBlocks.cifar.bottleneck(inputs: $0, inner: $1, channels: 4 * $1, stride: $2)
    }
  }
}
