import Base
import Platform
import Tensors

/// Decoupled direction and norm (Rony et al. 2019): a walk on a sphere around the image whose radius follows the model.
///
/// Each step goes along the unit gradient of the cross-entropy, with a length that falls from 1 to 0.01 along a cosine,
/// and is then put onto the sphere of the example's radius: that shrinks by the share gamma where the point was broken,
/// and grows by it where not. The nearest broken point is kept. Where the gradient is exactly 0 a direction is drawn.
///
/// Published programs differ in how far the radius grows where nothing is found. In advertorch nothing holds
/// it: on a sphere far outside of [0, 1] every value ends at 0 or 1 by the sign of its change, and among those
/// corners one is broken sooner or later. The authors' fast_adversarial and adversarial-library, and foolbox, stop at
/// the farthest corner of [0, 1] (`limit`), where the walk can stay without an end. Nothing holds it here unless asked.
///
/// The length of step i is that of the cosine at i, as in adversarial-library; advertorch begins at i + 1, which differs
/// by a step in all. Points are rounded to 256 levels, so that the image can be stored.
public struct DDN: Attack {
  public static let name = "ddn"
  public static let page = Page(
    "Decoupled direction and norm: the nearest image in L2, by a walk on a sphere whose radius adapts.",
    details: """
      Along the unit gradient of the cross-entropy, then onto the sphere of the example's radius, which shrinks by gamma \
      where the point was broken and grows where not. The radius of an evaluation says only what counts as broken. Rony \
      et al. 2019.
      """,
    examples: [("ddn(steps=1000)", "ddn(steps=1000)")], seeAlso: ["cw", "deepfool", "evaluate", "perturb"],
    search: ["minimum norm", "l2", "decoupled", "rony", "distance", "closest"])
  public static let settings: [Setting<DDN>] = [
    .reach(\.eps),
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=100 is usual, 1000 thorough"), note: "gradient steps.",
      isAlwaysShown: true),
    Setting(
      "init_eps", \.initialRadius, .positive(hint: "init_eps=1 is usual"),
      note: "radius of the first sphere, in units of the [0, 1] image."),
    Setting(
      "gamma", \.gamma, .belowOne(hint: "gamma=0.05 is usual"),
      note: "share by which the radius shrinks or grows at each step."),
    Setting(
      "levels", \.levels, .int(2...65536, hint: "levels=256, or none"),
      note: "how many values a pixel can have: points are rounded to them; none does not round."),
    .choice(
      "limit", \.limit,
      note: """
        "open" lets the radius grow until something is found, as in advertorch; "corner" stops it at the \
        farthest corner of [0, 1], as in adversarial-library and foolbox, which finds nothing for some images.
        """),
  ]

  /// How far the radius may grow.
  public enum Limit: String, SettingChoice {
    /// Until something is found.
    case open
    /// To the corner of [0, 1] that is farthest from the image.
    case corner
  }

  /// The radius within which an image counts as broken; nil takes that of the evaluation, and without one any counts.
  public var eps: Double?
  /// Gradient steps.
  public var steps = 100
  /// Radius of the first sphere.
  public var initialRadius = 1.0
  /// Share by which the radius shrinks or grows at each step.
  public var gamma = 0.05
  /// How many values a pixel can have; nil does not round.
  public var levels: Int? = 256
  /// How far the radius may grow.
  public var limit = Limit.open

  public init() {}

  /// An attack with these settings.
  public init(
    eps: Double? = nil, steps: Int = 100, initialRadius: Double = 1, gamma: Double = 0.05, levels: Int? = 256,
    limit: Limit = .open
  ) {
    (self.eps, self.steps, self.initialRadius) = (eps, steps, initialRadius)
    (self.gamma, self.levels, self.limit) = (gamma, levels, limit)
  }

  /// Distance is Euclidean.
  public var norm: Norm { .l2 }
  /// It looks for the nearest image.
  public var isMinimal: Bool { true }
  /// It can seek a class.
  public var takesTargets: Bool { true }
  /// Where a gradient is 0, the direction is drawn.
  public var isRandom: Bool { true }

  /// Walks with all examples that are not broken as they are; the nearest images are submitted at the end.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let search = NearestSearch(batch, oracle)
    let examples = try search.unbroken()
    guard !examples.isEmpty else { return }
    var nearest = try NearestImages(of: examples, in: batch)
    let origin = nearest.origin
    // From 1e9 on, a change in float32 ends in the same corners as with any longer one.
    let most = try limit == .corner ? nearest.farthest(.l2) : Tensor.full(nearest.distance.shape, 1e9)
    var radius = try minimum(Tensor.full(most.shape, Float(min(initialRadius, 1e9))), most)
    var x = origin
    for step in 0..<steps {
      let change = try x - origin
      let slope = try oracle.slope(of: .crossEntropy, at: x, of: examples, targets: nil)
      let isBroken = try search.isBroken(slope.logits, examples)
      try nearest.take(x, at: Norm.l2.length(change), where: isBroken)
      let share = (1 + cos(Double.pi * Double(step) / Double(steps))) / 2
      let direction = try search.direction(slope.gradient, of: examples, draw: step)
      let moved = try change + direction * Float(0.01 + 0.99 * share)
      radius = try minimum(
        whereSelect(isBroken, radius * Float(1 - gamma), radius * Float(1 + gamma)), most)
      x = try (origin + moved * (radius / Norm.l2.length(moved).clip(min: 1e-12))).clip(min: 0, max: 1)
      if let levels { x = try (x * Float(levels - 1)).round() / Float(levels - 1) }
      batch.report(Double(step + 1) / Double(steps))
    }
    try nearest.submit(to: oracle)
  }
}
