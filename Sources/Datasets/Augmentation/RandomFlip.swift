import Base
import Tensors

/// A horizontal flip of a share of the images, as torchvision's `RandomHorizontalFlip`.
public struct RandomFlip: Augmentation {
  public static let name = "random_flip"
  public static let page = Page(
    "A horizontal flip of every other image, on average.", details: "torchvision's RandomHorizontalFlip.",
    examples: [("random_flip()", "random_flip()")], seeAlso: ["random_crop", "crop_flip", "fit"],
    search: ["data augmentation", "RandomHorizontalFlip", "mirror", "transforms"])
  public static let settings: [Setting<RandomFlip>] = [
    Setting("p", \.p, .share(hint: "p=0.5 is usual"), note: "share of the images that are flipped.")
  ]

  /// The share of the images that are flipped.
  public var p = 0.5

  public init() {}

  /// Flips the images whose number is below `p`.
  public func apply(
    _ batch: Batch, stream: RandomStream, partners: AugmentationPartners
  ) throws(CoreError) -> Batch {
    try batch.moved { id in
      ImageMove(down: 0, right: 0, isMirrored: Double(stream.child(id).uniform(at: 0)) < p)
    }
  }
}
