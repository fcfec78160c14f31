import Base
import Tensors

/// Random changes of brightness, contrast, saturation and hue in random order, as torchvision's `ColorJitter`.
public struct ColorJitter: ImageAugmentation {
  public static let name = "color_jitter"
  public static let page = Page(
    "Random changes of brightness, contrast, saturation and hue, in random order.",
    details: """
      torchvision's ColorJitter: brightness, contrast and saturation are multiplied by a number drawn from 1 - s to \
      1 + s, at least 0, and the hue is turned by a share of the circle drawn from -hue to hue. Saturation and hue \
      need images of 3 channels.
      """,
    examples: [("color_jitter(saturation=0.4, hue=0.1)", "color_jitter(saturation=0.4, hue=0.1)")],
    seeAlso: ["rand_augment", "fit"], search: ["data augmentation", "ColorJitter", "colour", "brightness", "contrast"])
  public static let settings: [Setting<ColorJitter>] = [
    Setting("brightness", \.brightness, .atLeastZero(hint: "brightness=0.4 is usual"), note: "how far it changes."),
    Setting("contrast", \.contrast, .atLeastZero(hint: "contrast=0.4 is usual"), note: "how far it changes."),
    Setting("saturation", \.saturation, .atLeastZero(hint: "saturation=0.4 is usual"), note: "how far it changes."),
    Setting("hue", \.hue, .share(hint: "hue=0.1 is usual"), note: "how far it turns, up to 0.5."),
  ]

  /// How far the brightness changes.
  public var brightness = 0.4
  /// How far the contrast changes.
  public var contrast = 0.4
  /// How far the saturation changes.
  public var saturation = 0.0
  /// How far the hue turns, as a share of the circle, up to 0.5.
  public var hue = 0.0

  public init() {}

  public func validateTogether() throws(CoreError) {
    guard hue > 0.5 else { return }
    throw CoreError(
      .value, "hue of color_jitter must be from 0 to 0.5, not \(hue.shortest)", hint: "hue=0.1 is usual",
      argument: "hue")
  }

  /// Refuses colours of images that have none.
  public func validate(for shape: [Int]) throws(CoreError) {
    guard shape[0] != 3, saturation > 0 || hue > 0 else { return }
    throw CoreError(
      .value, "saturation and hue need images of 3 channels, not \(shape[0])",
      hint: "color_jitter(brightness=0.4, contrast=0.4) is for all images", argument: "augment")
  }

  public func change(_ image: PixelImage, _ draws: inout Draws) {
    func factor(_ spread: Double, _ draws: inout Draws) -> Float {
      Float(draws.uniform(max(0, 1 - spread), 1 + spread))
    }
    let order = draws.order(4)
    let factors = [brightness, contrast, saturation].map { factor($0, &draws) }
    let turn = Float(draws.uniform(-hue, hue))
    for step in order {
      switch step {
      case 0: if brightness > 0 { image.adjustBrightness(factors[0]) }
      case 1: if contrast > 0 { image.adjustContrast(factors[1]) }
      case 2: if saturation > 0 { image.adjustSaturation(factors[2]) }
      default: if hue > 0 { image.adjustHue(turn) }
      }
    }
  }
}
