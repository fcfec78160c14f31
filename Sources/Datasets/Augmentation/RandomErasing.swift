import Base
import Platform
import Tensors

/// A rectangle of zeros in a share of the images (Zhong et al. 2017), as torchvision's `RandomErasing`.
public struct RandomErasing: ImageAugmentation {
  public static let name = "random_erasing"
  public static let page = Page(
    "A rectangle of random area and shape is set to 0, in every other image on average.",
    details: """
      torchvision's RandomErasing (Zhong et al. 2017): the area is drawn from `scale`, the quotient of height and width \
      from `ratio`, uniform in its logarithm; where ten draws do not fit, the image stays as it is.
      """,
    examples: [("random_erasing(p=0.25)", "random_erasing(p=0.25)")], seeAlso: ["cutout", "fit"],
    search: ["data augmentation", "RandomErasing", "mask", "occlusion"])
  public static let settings: [Setting<RandomErasing>] = [
    Setting("p", \.p, .share(hint: "p=0.5 is usual"), note: "share of the images that are changed."),
    Setting("scale", \.scale, note: "least and greatest share of the area."),
    Setting("ratio", \.ratio, note: "least and greatest quotient of height and width."),
  ]

  /// The share of the images that are changed.
  public var p = 0.5
  /// Least and greatest share of the area.
  public var scale = [0.02, 0.33]
  /// Least and greatest quotient of height and width.
  public var ratio = [0.3, 3.3]

  public init() {}

  public func validateTogether() throws(CoreError) {
    try checkRange(scale, "scale", of: Self.name, within: 1, hint: "scale=[0.02, 0.33] is usual")
    try checkRange(ratio, "ratio", of: Self.name, within: 100, hint: "ratio=[0.3, 3.3] is usual")
  }

  public func change(_ image: PixelImage, _ draws: inout Draws) {
    guard draws.chance(p) else { return }
    for _ in 0..<10 {
      let area = Double(image.area) * draws.uniform(scale[0], scale[1])
      let shape = exp(draws.uniform(log(ratio[0]), log(ratio[1])))
      let height = Int((area * shape).squareRoot().rounded(.toNearestOrEven))
      let width = Int((area / shape).squareRoot().rounded(.toNearestOrEven))
      guard height < image.height, width < image.width else { continue }
      let top = draws.integer(below: image.height - height + 1)
      let left = draws.integer(below: image.width - width + 1)
      return image.fill(rows: top..<top + height, columns: left..<left + width, with: 0)
    }
  }
}
