import Base
import Platform
import Tensors

/// Random points of the ball: what an attack without any idea finds.
///
/// Where random points break what attacks by gradients do not, the gradients are to blame (Carlini et al. 2019). Sample k
/// of an example is the same however many there are, and what a sample has broken is tried no further.
public struct Noise: Attack {
  public static let name = "noise"
  public static let page = Page(
    "Random search: images drawn uniformly from the ball.",
    details: """
      An example is broken if any of the samples is misclassified; of one that none breaks, the sample with the largest \
      loss is kept. It finds little: where it breaks what pgd does not, gradients are masked. Samples outside of [0, 1] \
      are clipped.
      """,
    examples: [("noise(eps=8/255)", "noise(eps=8/255, samples=100)")], seeAlso: ["square", "pgd", "evaluate"],
    search: ["random search", "gradient masking", "sanity check", "uniform noise", "gaussian"])
  public static let settings: [Setting<Noise>] = [
    .radius(\.eps),
    .choice("norm", \.norm, note: "\"linf\", \"l2\" or \"l1\": the norm of the ball."),
    Setting(
      "samples", \.samples, .int(1...10_000_000, hint: "samples=100 is usual"),
      note: "how many images are tried for each example.", isAlwaysShown: true),
  ]

  /// The radius, in units of the [0, 1] image; nil takes that of the evaluation.
  public var eps: Double?
  /// The norm of the ball.
  public var norm = Norm.linf
  /// How many images are tried for each example.
  public var samples = 100

  public init() {}

  /// An attack with these settings.
  public init(eps: Double? = nil, norm: Norm = .linf, samples: Int = 100) {
    (self.eps, self.norm, self.samples) = (eps, norm, samples)
  }

  public var isRandom: Bool { true }
  public var takesTargets: Bool { true }

  /// Submits one sample after another of what is still standing.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    for sample in 0..<samples {
      try StopSignal.poll()
      let standing = try oracle.standing
      if standing.isEmpty { return }
      batch.report(Double(sample) / Double(samples))
      let images = try batch.rows(batch.images, of: standing)
      try oracle.submit((images + change(batch, standing, sample)).clip(min: 0, max: 1), of: standing)
    }
  }

  /// Images [n, c, h, w] moved to a random point of their balls, and into [0, 1].
  ///
  /// - Parameters:
  ///   - ids: keys of the random numbers, one for each image.
  ///   - draw: which point.
  func moved(_ images: Tensor, ids: [Int], eps: Double, seed: UInt64, draw: Int = 0) throws -> Tensor {
    let input = AttackInput(images: images, labels: ids.map { _ in 0 }, ids: ids, seed: seed)
    let batch = AttackBatch(input, eps: eps)
    return try (images + change(batch, batch.all, draw)).clip(min: 0, max: 1)
  }

  /// A point of the ball for each example, each point as likely. Two draws are numbered for each sample, so that what is
  /// made of both is independent.
  private func change(_ batch: AttackBatch, _ examples: [Int], _ sample: Int) throws -> Tensor {
    guard norm != .linf, batch.images.count > 0 else {
      return try batch.uniform(-batch.eps, batch.eps, of: examples, draw: 2 * sample)
    }
    let size = batch.images.count / batch.count
    let rows = [examples.count, 1, 1, 1]
    switch norm {
    case .linf, .l2:
      // A direction, and a distance whose power is uniform.
      let normal = try batch.normal(deviation: 1, of: examples, draw: 2 * sample)
      let shares = try batch.few(1, of: examples, draw: 2 * sample + 1).map {
        Float(batch.eps) * Float(pow(Double($0), 1 / Double(size)))
      }
      return try normal / Norm.l2.length(normal).clip(min: 1e-12) * Tensor(shares, shape: rows)
    case .l1:
      // Exponential numbers of either sign, divided by their sum with one more.
      let uniform = try batch.uniform(-1, 1, of: examples, draw: 2 * sample)
      let sizes = try (1 - uniform.abs()).clip(min: 1e-12).log().neg()
      let more = try batch.few(1, of: examples, draw: 2 * sample + 1).map { -log(max(1 - $0, 1e-12)) }
      let total = try Norm.l1.length(sizes) + Tensor(more, shape: rows)
      return try uniform.sign() * sizes / total.clip(min: 1e-12) * Float(batch.eps)
    }
  }
}
