import Base
import Platform
import Tensors

/// Fast minimum norm (Pintor et al. 2021): steps along the slope of the margin, in a ball whose radius is estimated.
///
/// While an example was never broken, its radius is where the linearised model has its boundary, |margin|/‖slope‖ beyond
/// the present distance. After that it shrinks by gamma where the point is broken, and grows by it where not. The step is
/// a unit step along the slope, in L2 whatever the norm; the change is then put into the ball of the norm, and into
/// [0, 1]. The length of the steps and gamma fall along cosines. The nearest broken point is kept.
///
/// In L2 the change is put onto the sphere, lengthened as well as shortened. That is a quirk of adversarial-library,
/// where a minimum with 1 is taken of the wrong number, and it finds more than a projection into the ball: with 100 steps an image
/// for 199 of 199 digits on a LeNet5 trained against PGD, where the ball found 121. (foolbox's form divides a length by
/// itself and projects nowhere.)
public struct FMN: Attack {
  public static let name = "fmn"
  public static let page = Page(
    "Fast minimum norm: the nearest image, in a ball whose radius is estimated from the slope of the margin.",
    details: """
      Unit steps along the slope of the margin, within a radius that is estimated until the first success, then shrinks by \
      gamma at each success and grows at each failure; in L2 points lie on the sphere, as in adversarial-library. The \
      radius of an evaluation says only what counts as broken. Pintor et al. 2021.
      """,
    examples: [("fmn(norm=\"linf\")", "fmn(norm=\"linf\", steps=100)")],
    seeAlso: ["ddn", "cw", "deepfool", "evaluate", "perturb"],
    search: ["minimum norm", "fast", "pintor", "distance", "closest", "l1", "l2", "linf"])
  public static let settings: [Setting<FMN>] = [
    .choice("norm", \.norm, note: "\"l2\", \"linf\" or \"l1\": how distance is measured."),
    .reach(\.eps),
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=100 is usual"), note: "gradient steps.", isAlwaysShown: true),
    Setting(
      "step_size", \.stepSize, .positive(hint: "step_size=1 is usual"),
      note: "length of the first step in L2, in units of the [0, 1] image; the last is a hundredth of it."),
    Setting(
      "gamma", \.gamma, .belowOne(hint: "gamma=0.05 is usual"),
      note: "share by which the radius shrinks or grows at the first step; at the last it is 0.001."),
  ]

  /// How distance is measured.
  public var norm = Norm.l2
  /// The radius within which an image counts as broken; nil takes that of the evaluation, and without one any counts.
  public var eps: Double?
  /// Gradient steps.
  public var steps = 100
  /// Length of the first step.
  public var stepSize = 1.0
  /// Share by which the radius shrinks or grows at the first step.
  public var gamma = 0.05

  public init() {}

  /// An attack with these settings.
  public init(norm: Norm = .l2, eps: Double? = nil, steps: Int = 100, stepSize: Double = 1, gamma: Double = 0.05) {
    (self.norm, self.eps, self.steps, self.stepSize, self.gamma) = (norm, eps, steps, stepSize, gamma)
  }

  /// It looks for the nearest image.
  public var isMinimal: Bool { true }
  /// It can seek a class.
  public var takesTargets: Bool { true }

  /// Steps with all examples that are not broken as they are; the nearest images are submitted at the end.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let search = NearestSearch(batch, oracle)
    let examples = try search.unbroken()
    guard oracle.classes > 1, !examples.isEmpty else { return }
    var nearest = try NearestImages(of: examples, in: batch)
    let origin = nearest.origin
    let farthest = try nearest.farthest(norm)
    var radius = farthest
    var wasFound = try less(farthest, Tensor.scalar(-1))
    var x = origin
    for step in 0..<steps {
      let share = (1 + cos(Double.pi * Double(step) / Double(steps))) / 2
      let length = stepSize * (0.01 + 0.99 * share)
      let gamma = min(0.001, gamma) + (gamma - min(0.001, gamma)) * share
      let change = try x - origin
      let distance = try norm.length(change)
      let lead = try search.lead(at: x, of: examples)
      wasFound = try logicalOr(wasFound, lead.isBroken)
      try nearest.take(x, at: distance, where: lead.isBroken)
      let estimate = try distance + lead.value.abs() / norm.dual.length(lead.gradient).clip(min: 1e-12)
      let grown = try whereSelect(wasFound, radius * Float(1 + gamma), estimate)
      let shrunk = try minimum(radius * Float(1 - gamma), nearest.distance)
      radius = try minimum(whereSelect(lead.isBroken, shrunk, grown), farthest)
      let unit = try lead.gradient / Norm.l2.length(lead.gradient).clip(min: 1e-12)
      let moved = try change + unit * Float(length)
      let held =
        norm == .l2
        ? try moved * (radius / norm.length(moved).clip(min: 1e-12)) : try norm.project(moved, radii: radius)
      x = try (origin + held).clip(min: 0, max: 1)
      batch.report(Double(step + 1) / Double(steps))
    }
    try nearest.submit(to: oracle)
  }
}
