import Base
import Tensors

/// CIFAR's usual augmentation: zero padding, a random crop of the original size, and a horizontal flip of every other
/// image on average. The three numbers of an image are drawn from the stream of its id.
public struct CropFlip: Augmentation {
  public static let name = "crop_flip"
  public static let page = Page(
    "CIFAR's augmentation: padding with zeros, a random crop of the original size, and a flip of every other image.",
    examples: [("crop_flip(padding=2)", "crop_flip(padding=2)")], seeAlso: ["random_crop", "random_flip", "fit"],
    search: ["data augmentation", "RandomCrop", "RandomHorizontalFlip", "mirror", "transforms"])
  public static let settings: [Setting<CropFlip>] = [
    Setting(
      "padding", \.padding, .int(0...1 << 16, hint: "padding=4 is usual"),
      note: "zeros on each side: the most pixels by which an image is moved.")
  ]

  /// Zeros on each side of the image: the most pixels by which it is moved.
  public var padding: Int

  public init() { self.init(padding: 4) }

  /// A change of up to this many pixels.
  ///
  /// - Parameter padding: zeros on each side of the image.
  public init(padding: Int) { self.padding = padding }

  /// Moves and flips each image by numbers drawn for its id.
  public func apply(
    _ batch: Batch, stream: RandomStream, partners: AugmentationPartners
  ) throws(CoreError) -> Batch {
    try batch.moved { id in
      let draws = stream.child(id)
      return ImageMove(
        down: draws.integer(below: 2 * padding + 1, at: 0) - padding,
        right: draws.integer(below: 2 * padding + 1, at: 1) - padding,
        isMirrored: draws.integer(below: 2, at: 2) == 1)
    }
  }
}
