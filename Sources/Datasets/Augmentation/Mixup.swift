import Base
import Tensors

/// Each image is mixed with another, and so are their targets (Zhang et al. 2018).
public struct Mixup: Augmentation {
  public static let name = "mixup"
  public static let page = Page(
    "Each image and its target are mixed with those of another example.",
    details: """
      x ← w·x + (1 − w)·x', y ← w·y + (1 − w)·y' with w drawn from the beta distribution with both parameters alpha. \
      Zhang et al. 2018, "mixup: Beyond empirical risk minimization". The other example is drawn from all of the data \
      set, for each example by itself, where the authors' code mixes a batch with a permutation of itself and one w: \
      so the result does not depend on the batch. What stands before it in a list is done to both images first.
      """,
    examples: [("mixup(alpha=0.2)", "mixup(alpha=0.2)")], seeAlso: ["cutmix", "fit", "augmented"],
    search: ["data augmentation", "mix", "soft labels", "beta", "interpolation"])
  public static let settings: [Setting<Mixup>] = [
    Setting(
      "alpha", \.alpha, .positive(hint: "alpha=1 is usual for CIFAR-10, 0.2 for ImageNet"),
      note: "parameter of the beta distribution: the smaller, the less is mixed.", isAlwaysShown: true),
    Setting("p", \.p, .share(hint: "p=1 mixes all"), note: "share of the images that are mixed."),
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
    } pixels: { image, partner, weight, _ in
      for i in image.pixels.indices { image.pixels[i] = weight * image.pixels[i] + (1 - weight) * partner[i] }
      return weight
    }
  }
}

extension Batch {
  /// The batch with each example mixed with one that is drawn for it.
  ///
  /// - Parameters:
  ///   - weight: draws the share of the example itself; at 1 it stays as it is.
  ///   - pixels: changes the image, given the pixels of its partner, and returns the share of the example's target.
  func mixed(
    with partners: AugmentationPartners, stream: RandomStream, weight: (inout Draws) -> Float,
    pixels: (PixelImage, _ partner: UnsafeBufferPointer<Float>, _ weight: Float, inout Draws) -> Float
  ) throws(CoreError) -> Batch {
    guard images.shape.count == 4, images.count > 0 else { return self }
    var draws = ids.map { Draws(stream.child($0)) }
    var (positions, weights): ([Int], [Float]) = ([], [])
    for i in draws.indices {
      positions.append(draws[i].integer(below: partners.count))
      weights.append(weight(&draws[i]))
    }
    // What stays as it is needs no partner.
    let mixedPlaces = weights.indices.filter { weights[$0] < 1 }
    var places = [Int](repeating: 0, count: count)
    for (place, i) in mixedPlaces.enumerated() { places[i] = place }
    let others = try partners.read(mixedPlaces.map { positions[$0] })
    let values = others.images.floats()
    let size = images.count / count
    var shares = weights
    let before = draws
    var mixed = self
    mixed.images = try withoutActuallyEscaping(pixels) { pixels throws(CoreError) in
      try values.withUnsafeBufferPointer { (values) throws(CoreError) in
        try shares.withUnsafeMutableBufferPointer { (shares) throws(CoreError) in
          // Each image writes its own share only.
          nonisolated(unsafe) let (values, shares) = (values, shares)
          return try images.changed { image, i in
            guard weights[i] < 1 else { return }
            var draws = before[i]
            let partner = UnsafeBufferPointer(rebasing: values[places[i] * size..<(places[i] + 1) * size])
            shares[i] = pixels(image, partner, weights[i], &draws)
          }
        }
      }
    }
    let (own, foreign) = (rows(classes: partners.classes), others.rows(classes: partners.classes))
    var rows = own
    for i in mixedPlaces {
      for k in 0..<partners.classes {
        let place = i * partners.classes + k
        rows[place] = shares[i] * own[place] + (1 - shares[i]) * foreign[places[i] * partners.classes + k]
      }
    }
    mixed.targets = .soft(try Tensor(rows, shape: [count, partners.classes]))
    // What the true distribution of a mixed image would be, nobody knows.
    mixed.posterior = nil
    return mixed
  }

  /// The targets as rows of probabilities, one after another.
  func rows(classes: Int) -> [Float] {
    switch targets {
    case .soft(let rows): return rows.floats()
    case .classes(let labels):
      var rows = [Float](repeating: 0, count: labels.count * classes)
      for (i, label) in labels.enumerated() { rows[i * classes + label] = 1 }
      return rows
    }
  }
}
