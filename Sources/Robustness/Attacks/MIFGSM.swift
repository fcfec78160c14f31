import Base
import Tensors

/// The momentum iterative method: g ← decay·g + ∇/‖∇‖₁, x ← clip(x + step_size·sign(g), x0 ± eps, 0…1), from the image
/// itself. Dong et al. 2018.
///
/// torchattacks divides the gradient by the mean of its sizes instead of their sum: a constant that sign drops. Where a
/// gradient is zero it divides by zero; here such a gradient adds nothing. foolbox does not divide at all, which is
/// another method.
public struct MIFGSM: Ascent {
  public static let name = "mi_fgsm"
  public static let page = Page(
    "The momentum iterative fast gradient sign method.",
    details: """
      g ← decay·g + ∇/‖∇‖₁, x ← clip(x + step_size·sign(g), x0 ± eps, 0…1), `steps` times from the image itself. Its \
      images transfer to other models better than those of pgd. Dong et al. 2018.
      """,
    examples: [("mi_fgsm(eps=8/255)", "mi_fgsm(eps=8/255, steps=10)")], seeAlso: ["bim", "pgd", "evaluate"],
    search: ["momentum", "transfer", "mifgsm"])
  public static let settings: [Setting<MIFGSM>] = [
    .radius(\.eps),
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=10 is usual"), note: "gradient steps.", isAlwaysShown: true),
    .distance(
      "step_size", \.stepSize, .positive(hint: "for instance step_size=2/255"), note: "eps/steps when left out."),
    Setting(
      "decay", \.decay, .atLeastZero(hint: "decay=1 is usual"),
      note: "share of the earlier gradients that stays; 0 makes it bim."),
  ]

  /// The radius, in units of the [0, 1] image; nil takes that of the evaluation or training.
  public var eps: Double?
  /// Gradient steps.
  public var steps = 10
  /// The length of one step, in units of the [0, 1] image; nil stands for eps/steps.
  public var stepSize: Double?
  /// Share of the earlier gradients that stays in the next step.
  public var decay = 1.0

  public init() {}

  /// An attack with these settings; what is left out is decided where it is used.
  public init(eps: Double? = nil, steps: Int = 10, stepSize: Double? = nil, decay: Double = 1) {
    (self.eps, self.steps, self.stepSize, self.decay) = (eps, steps, stepSize, decay)
  }

  /// Checks that the loss has a gradient at the image itself.
  public func validate(start: AttackStart, loss: AttackLoss?) throws(CoreError) { try requireSlopeAtImage(of: loss) }

  /// Climbs from the images themselves; all examples are submitted at once.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    var momentum: Tensor?
    let ascent = GradientAscent(steps: steps, stepSize: stepSize ?? batch.eps / Double(steps))
    let x = try ascent.climb(oracle, from: batch.images, in: batch, of: batch.all) { gradient in
      let fresh = try gradient / Norm.l1.length(gradient).clip(min: 1e-12)
      momentum = try momentum.map { try $0 * Float(decay) + fresh } ?? fresh
      return momentum ?? fresh
    }
    try oracle.submit(x, of: batch.all)
  }
}
