import Base
import Tensors

/// Zero padding and a random crop of the original size, as torchvision's `RandomCrop(size, padding)`.
public struct RandomCrop: Augmentation {
  public static let name = "random_crop"
  public static let page = Page(
    "Padding with zeros and a random crop of the original size.",
    details: "torchvision's RandomCrop with padding. `crop_flip` does this and `random_flip` in one.",
    examples: [("random_crop(padding=2)", "random_crop(padding=2)")],
    seeAlso: ["random_flip", "crop_flip", "random_resized_crop", "fit"],
    search: ["data augmentation", "RandomCrop", "shift", "translate", "transforms"])
  public static let settings: [Setting<RandomCrop>] = [
    Setting(
      "padding", \.padding, .int(0...1 << 16, hint: "padding=4 is usual"),
      note: "zeros on each side: the most pixels by which an image is moved.")
  ]

  /// Zeros on each side of the image: the most pixels by which it is moved.
  public var padding = 4

  public init() {}

  /// Moves each image by numbers drawn for its id.
  public func apply(
    _ batch: Batch, stream: RandomStream, partners: AugmentationPartners
  ) throws(CoreError) -> Batch {
    try batch.moved { id in
      let draws = stream.child(id)
      return ImageMove(
        down: draws.integer(below: 2 * padding + 1, at: 0) - padding,
        right: draws.integer(below: 2 * padding + 1, at: 1) - padding, isMirrored: false)
    }
  }
}

extension Batch {
  /// The batch with each image moved as is said for its id.
  func moved(_ move: (_ id: Int) -> ImageMove) throws(CoreError) -> Batch {
    guard images.shape.count == 4, images.count > 0 else { return self }
    var moved = self
    moved.images = try images.moved(ids.map(move))
    return moved
  }
}
