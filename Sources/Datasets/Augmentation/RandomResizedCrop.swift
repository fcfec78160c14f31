import Base
import Platform
import Tensors

/// A random part of the image, of random area and shape, stretched to the size of the image: torchvision's
/// `RandomResizedCrop` with bilinear interpolation.
public struct RandomResizedCrop: ImageAugmentation {
  public static let name = "random_resized_crop"
  public static let page = Page(
    "A random part of each image, stretched to the size of the image.",
    details: """
      torchvision's RandomResizedCrop (Szegedy et al. 2015), bilinear: a part with an area drawn from `scale` and a \
      quotient of width and height drawn from `ratio`, uniform in its logarithm; where ten draws do not fit into the \
      image, the largest central part of an allowed shape.
      """,
    examples: [("random_resized_crop(scale=[0.5, 1])", "random_resized_crop(scale=[0.5, 1])")],
    seeAlso: ["random_crop", "fit"], search: ["data augmentation", "RandomResizedCrop", "zoom", "imagenet"])
  public static let settings: [Setting<RandomResizedCrop>] = [
    Setting("scale", \.scale, note: "least and greatest share of the area, above 0 and up to 1."),
    Setting("ratio", \.ratio, note: "least and greatest quotient of width and height."),
  ]

  /// Least and greatest share of the area.
  public var scale = [0.08, 1]
  /// Least and greatest quotient of width and height.
  public var ratio = [0.75, 4 / 3.0]

  public init() {}

  public func validateTogether() throws(CoreError) {
    try checkRange(scale, "scale", of: Self.name, within: 1, hint: "scale=[0.08, 1] is usual")
    try checkRange(ratio, "ratio", of: Self.name, within: 100, hint: "ratio=[0.75, 1.333] is usual")
  }

  public func change(_ image: PixelImage, _ draws: inout Draws) {
    let part = part(of: image, &draws)
    let old = Array(image.pixels)
    let stepY = Double(part.height) / Double(image.height)
    let stepX = Double(part.width) / Double(image.width)
    let columns = (0..<image.width).map { Sample($0, step: stepX, size: part.width) }
    for row in 0..<image.height {
      let y = Sample(row, step: stepY, size: part.height)
      for channel in 0..<image.channels {
        let start = channel * image.area
        let top = start + (part.top + y.first) * image.width + part.left
        let bottom = start + (part.top + y.second) * image.width + part.left
        for (column, x) in columns.enumerated() {
          let upper = old[top + x.first] * (1 - x.weight) + old[top + x.second] * x.weight
          let lower = old[bottom + x.first] * (1 - x.weight) + old[bottom + x.second] * x.weight
          image[channel, row, column] = min(max(upper * (1 - y.weight) + lower * y.weight, 0), 1)
        }
      }
    }
  }

  /// The two pixels between which a pixel of the stretched image lies, and the weight of the second.
  private struct Sample {
    let first: Int
    let second: Int
    let weight: Float

    init(_ index: Int, step: Double, size: Int) {
      let position = max(0, (Double(index) + 0.5) * step - 0.5)
      first = min(Int(position), size - 1)
      second = min(first + 1, size - 1)
      weight = Float(position - Double(first))
    }
  }

  private func part(of image: PixelImage, _ draws: inout Draws) -> (top: Int, left: Int, height: Int, width: Int) {
    let (height, width) = (Double(image.height), Double(image.width))
    for _ in 0..<10 {
      let area = height * width * draws.uniform(scale[0], scale[1])
      let shape = exp(draws.uniform(log(ratio[0]), log(ratio[1])))
      let w = (area * shape).squareRoot().rounded(.toNearestOrEven)
      let h = (area / shape).squareRoot().rounded(.toNearestOrEven)
      guard w >= 1, h >= 1, w <= width, h <= height else { continue }
      let top = draws.integer(below: image.height - Int(h) + 1)
      return (top, draws.integer(below: image.width - Int(w) + 1), Int(h), Int(w))
    }
    var (h, w) = (image.height, image.width)
    if width / height < ratio[0] {
      h = min(h, max(1, Int((width / ratio[0]).rounded(.toNearestOrEven))))
    } else if width / height > ratio[1] {
      w = min(w, max(1, Int((height * ratio[1]).rounded(.toNearestOrEven))))
    }
    return ((image.height - h) / 2, (image.width - w) / 2, h, w)
  }
}

/// Checks a pair of bounds: above 0, in order, and not beyond `most`.
func checkRange(
  _ range: [Double], _ name: String, of owner: String, within most: Double, hint: String
) throws(CoreError) {
  guard range.count == 2, range[0] > 0, range[0] <= range[1], range[1] <= most else {
    throw CoreError(
      .value,
      "\(name) of \(owner) must be two numbers above 0 and up to \(most.shortest), the smaller first, not "
        + range.setting.text, hint: hint, argument: name)
  }
}
