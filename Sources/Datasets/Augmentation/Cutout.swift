import Base
import Tensors

/// A square of zeros in each image (DeVries and Taylor 2017).
public struct Cutout: ImageAugmentation {
  public static let name = "cutout"
  public static let page = Page(
    "A square of each image is set to 0.",
    details: """
      The middle of the square is any pixel of the image, so that part of it may lie outside. DeVries and Taylor 2017, \
      "Improved regularization of convolutional neural networks with Cutout": 16 pixels for CIFAR-10, 8 for CIFAR-100.
      """,
    examples: [("cutout(size=8)", "cutout(size=8)")], seeAlso: ["random_erasing", "cutmix", "fit"],
    search: ["data augmentation", "mask", "occlusion", "erase"])
  public static let settings: [Setting<Cutout>] = [
    Setting(
      "size", \.size, .int(1...1 << 16, hint: "size=16 is usual for CIFAR-10"), note: "side of the square in pixels.",
      isAlwaysShown: true)
  ]

  /// The side of the square in pixels.
  public var size = 16

  public init() {}

  /// Refuses a square that covers every image whole.
  public func validate(for shape: [Int]) throws(CoreError) {
    guard size >= 2 * max(shape[1], shape[2]) else { return }
    throw CoreError(
      .value, "a square of \(size) pixels covers all of an image of \(shape[1])×\(shape[2])",
      hint: "size=\(max(1, shape[1] / 2)) covers a quarter of it", argument: "augment")
  }

  public func change(_ image: PixelImage, _ draws: inout Draws) {
    let top = draws.integer(below: image.height) - size / 2
    let left = draws.integer(below: image.width) - size / 2
    image.fill(rows: top..<top + size, columns: left..<left + size, with: 0)
  }
}
