import Base
import Tensors

/// A rectangle of each image comes from another, and the targets are mixed by area (Yun et al. 2019).
public struct Cutmix: Augmentation {
  public static let name = "cutmix"
  public static let page = Page(
    "A rectangle of each image comes from another example, and the targets are mixed by area.",
    details: """
      The rectangle has the shape of the image and a share 1 − w of its area, with w drawn from the beta distribution \
      with both parameters alpha; its middle is any pixel, and what lies outside does not count. Yun et al. 2019, \
      "CutMix: Regularization strategy to train strong classifiers". The other example is drawn as in `mixup`.
      """,
    examples: [("cutmix(p=0.5)", "cutmix(alpha=1, p=0.5)")], seeAlso: ["mixup", "cutout", "fit", "augmented"],
    search: ["data augmentation", "mix", "soft labels", "patch"])
  public static let settings: [Setting<Cutmix>] = [
    Setting(
      "alpha", \.alpha, .positive(hint: "alpha=1 is usual"), note: "parameter of the beta distribution.",
      isAlwaysShown: true),
    Setting("p", \.p, .share(hint: "p=0.5 is that of the authors"), note: "share of the images that are mixed."),
  ]
  public static let mixesImages = true

  /// Both parameters of the beta distribution.
  public var alpha = 1.0
  /// The share of the images that are mixed.
  public var p = 1.0

  public init() {}

  public func apply(
    _ batch: Batch, stream: RandomStream, partners: AugmentationPartners
  ) throws(CoreError) -> Batch {
    try batch.mixed(with: partners, stream: stream) { draws in
      draws.chance(p) ? Float(draws.beta(alpha)) : 1
    } pixels: { image, partner, weight, draws in
      let side = (1 - Double(weight)).squareRoot()
      // Halves, as the authors cut: sides are even.
      let (down, right) = (Int(Double(image.height) * side) / 2, Int(Double(image.width) * side) / 2)
      let (y, x) = (draws.integer(below: image.height), draws.integer(below: image.width))
      let rows = (y - down..<y + down).clamped(to: 0..<image.height)
      let columns = (x - right..<x + right).clamped(to: 0..<image.width)
      for channel in 0..<image.channels {
        for row in rows {
          for column in columns {
            image[channel, row, column] = partner[(channel * image.height + row) * image.width + column]
          }
        }
      }
      return 1 - Float(rows.count * columns.count) / Float(image.area)
    }
  }
}
