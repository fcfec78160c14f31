import Base
import Tensors

/// The basic iterative method (I-FGSM): steps along the sign of the gradient from the image itself, each back into the
/// ball and into [0, 1]. Kurakin et al. 2017. It is PGD without a random start, image by image: torchattacks clips to
/// max(x0 − eps, 0) from below and to x0 + eps, then 1, from above, which is the same box.
public struct BIM: Ascent {
  public static let name = "bim"
  public static let page = Page(
    "The basic iterative method: FGSM in small steps, from the image itself.",
    details: """
      x ← clip(x + step_size·sign(∇ CE), x0 ± eps, 0…1), `steps` times from x0: pgd(random_start=false) with the number \
      of steps of Kurakin et al. 2017.
      """,
    examples: [("bim(eps=8/255, steps=10)", "bim(eps=8/255, steps=10)")], seeAlso: ["fgsm", "pgd", "mi_fgsm"],
    search: ["i-fgsm", "iterative", "kurakin", "linf"])
  public static let settings: [Setting<BIM>] = [
    .radius(\.eps),
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=10 is usual"),
      note: "gradient steps; when left out min(255·eps + 4, 1.25·255·eps), which is 10 for eps 8/255."),
    .distance(
      "step_size", \.stepSize, .positive(hint: "for instance step_size=2/255"),
      note: "2.5·eps/steps when left out, which is 2/255 for eps 8/255 and 10 steps."),
  ]

  /// The radius, in units of the [0, 1] image; nil takes that of the evaluation or training.
  public var eps: Double?
  /// How many steps are taken; nil stands for min(255·eps + 4, 1.25·255·eps), and at least 1.
  public var steps: Int?
  /// The length of one step, in units of the [0, 1] image; nil stands for 2.5·eps/steps.
  public var stepSize: Double?

  public init() {}

  /// An attack with these settings; what is left out is decided where it is used.
  public init(eps: Double? = nil, steps: Int? = nil, stepSize: Double? = nil) {
    (self.eps, self.steps, self.stepSize) = (eps, steps, stepSize)
  }

  /// Checks that the loss has a gradient at the image itself.
  public func validate(start: AttackStart, loss: AttackLoss?) throws(CoreError) { try requireSlopeAtImage(of: loss) }

  /// Climbs from the images themselves; all examples are submitted at once.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let levels = 255 * batch.eps
    // Whole grey levels times 1/255 may come out a rounding error below.
    let steps = steps ?? max(Int(min(levels + 4, 1.25 * levels) + 1e-9), 1)
    let ascent = GradientAscent(steps: steps, stepSize: stepSize ?? 2.5 * batch.eps / Double(steps))
    try oracle.submit(ascent.climb(oracle, from: batch.images, in: batch, of: batch.all), of: batch.all)
  }
}
