import Base
import Tensors

/// FGSM from a random point of the ball, as "fast" adversarial training has it: x0 + U(-eps, eps), clipped to [0, 1],
/// one step of 1.25·eps along the sign, back into the ball and into [0, 1]. Wong et al. 2020; torchattacks calls it
/// FFGSM. (The R+FGSM of Tramèr et al. 2018 is a cousin: it steps by random signs first, and by what is left of eps
/// then.)
public struct RFGSM: Ascent {
  public static let name = "rfgsm"
  public static let page = Page(
    "FGSM from a random point of the ball: the attack of fast adversarial training.",
    details: """
      x ← clip(x0 + U(-eps, eps), 0, 1), then clip(x + step_size·sign(∇ CE), x0 ± eps, 0…1), once. Wong et al. 2020.
      """,
    examples: [("rfgsm(eps=8/255)", "rfgsm(eps=8/255)")], seeAlso: ["fgsm", "pgd", "fit"],
    search: ["r+fgsm", "ffgsm", "fast is better than free", "fast adversarial training", "random start", "one step"])
  public static let settings: [Setting<RFGSM>] = [
    .radius(\.eps),
    .distance(
      "step_size", \.stepSize, .positive(hint: "for instance step_size=10/255"), note: "1.25·eps when left out."),
  ]

  /// The radius, in units of the [0, 1] image; nil takes that of the evaluation or training.
  public var eps: Double?
  /// The length of the step, in units of the [0, 1] image; nil stands for 1.25·eps.
  public var stepSize: Double?

  public init() {}

  /// An attack with these settings; what is left out is decided where it is used.
  public init(eps: Double? = nil, stepSize: Double? = nil) { (self.eps, self.stepSize) = (eps, stepSize) }

  /// Always: the start is drawn.
  public var isRandom: Bool { true }

  /// Takes the step from a random point; all examples are submitted at once.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let x = try AttackStart.uniform.point(batch, of: batch.all)
    let ascent = GradientAscent(steps: 1, stepSize: stepSize ?? 1.25 * batch.eps)
    try oracle.submit(ascent.climb(oracle, from: x, in: batch, of: batch.all), of: batch.all)
  }
}
