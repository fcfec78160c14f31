import Base
import Tensors

/// ResNet-18 for CIFAR (kuangliu's `pytorch-cifar`): 3x3 stem, `shortcut.0/1`, `linear`.
public struct ResNet18: NetworkFamily {
  public static let name = "resnet18"
  public static let page = Page(
    "ResNet-18 for CIFAR (3×3 stem).", examples: [("resnet18().size", "11173962")],
    seeAlso: ["cifar_resnet34", "preactresnet18", "imagenet_resnet18"], search: ["network", "residual"])
  public static let settings: [Setting<ResNet18>] = [.planes(\.planes)]

  /// Channels of the four stages.
  public var planes: [Int]

  public init() { self.init(planes: [64, 128, 256, 512]) }

  /// A network of this size.
  ///
  /// - Parameter planes: channels of the four stages.
  public init(planes: [Int]) { self.planes = planes }

  /// The channels of the stages follow from their first convolutions.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    ResNetBlocks.cifarGuess(for: weights) { ResNet18(planes: $0) }
  }

  /// The stem, four stages of two blocks, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    ResNetBlocks.cifarNetwork(planes: planes, counts: [2, 2, 2, 2], classes: classes) {
      ResNetBlocks.cifar.basic(inputs: $0, channels: $1, stride: $2)
    }
  }
}
