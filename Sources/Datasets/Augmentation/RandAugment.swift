import Base
import Tensors

/// Some of fourteen operations with one strength (Cubuk et al. 2019), as torchvision's `RandAugment`.
public struct RandAugment: ImageAugmentation {
  public static let name = "rand_augment"
  public static let page = Page(
    "Some of fourteen operations on each image, all of one strength.",
    details: """
      torchvision's RandAugment (Cubuk et al. 2019): each operation is one of identity, shear and translation along x \
      and y, rotation, brightness, color, contrast, sharpness, posterize, solarize, autocontrast and equalize, with \
      the sign drawn where there is one. What an image loses at its border becomes 0; color leaves images that are not \
      RGB as they are. Posterize and equalize work on 256 levels.
      """,
    examples: [("rand_augment(magnitude=5)", "rand_augment(n=2, magnitude=5)")],
    seeAlso: ["trivial_augment", "color_jitter", "fit"],
    search: ["data augmentation", "RandAugment", "autoaugment", "policy"])
  public static let settings: [Setting<RandAugment>] = [
    Setting(
      "n", \.n, .int(1...14, hint: "n=2 is usual"), note: "operations on each image.", isAlwaysShown: true),
    Setting(
      "magnitude", \.magnitude, .int(0...30, hint: "magnitude=9 is usual"),
      note: "how strong they are, from 0 to 30.", isAlwaysShown: true),
  ]

  /// Operations on each image.
  public var n = 2
  /// How strong they are, from 0 to 30.
  public var magnitude = 9

  public init() {}

  public func change(_ image: PixelImage, _ draws: inout Draws) {
    let range = PolicyOperation.Range(
      shear: 0.3, translation: { 150 / 331.0 * Double($0) }, degrees: 30, colour: 0.9, bits: 4)
    for _ in 0..<n {
      let operations = PolicyOperation.allCases
      operations[draws.integer(below: operations.count)].apply(to: image, level: magnitude, range, &draws)
    }
  }
}
