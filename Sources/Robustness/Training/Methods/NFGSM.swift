import Base
import Networks
import Tensors

/// N-FGSM (de Jorge et al. 2022): one step of FGSM from a point with more noise than the ball has room for, without a
/// way back into the ball.
///
/// x̃ = clip(x + U(−k·eps, k·eps), 0, 1), x' = clip(x̃ + step·sign(∇ CE), 0, 1). It does not overfit catastrophically
/// where FAST-AT does. The model is in training mode throughout, as in the authors' code.
public struct NFGSM: StatelessMethod {
  public static let name = "n_fgsm"
  public static let page = Page(
    "N-FGSM: one step of FGSM from strong noise, without a way back into the ball.",
    details: """
      x' = clip(clip(x + U(-k·eps, k·eps), 0, 1) + step_size·sign(∇ CE), 0, 1): the image may lie as far as k·eps + \
      step_size from x. The loss is the mean CE(p(x'), y). The model is in training mode during the step, too, so that \
      batch norm's running statistics move with the noisy point and with x'. The method finds its images itself: the \
      attack of `fit` gives the radius where eps is left out, and is otherwise for the validation. de Jorge et al. 2022.
      """,
    examples: [("n_fgsm()", "n_fgsm()"), ("n_fgsm(eps=8/255, k=2)", "n_fgsm(eps=8/255)")],
    seeAlso: ["fit", "fast_at", "free_at", "pgd_at"],
    search: ["noise fgsm", "catastrophic overfitting", "one step", "fast"])
  public static let settings: [Setting<NFGSM>] = [
    .ownRadius(\.eps),
    .distance("step_size", \.stepSize, .positive(hint: "for instance step_size=8/255"), note: "eps when left out."),
    Setting("k", \.k, .atLeastZero(hint: "k=2 is usual"), note: "the reach of the noise, in radii."),
    .choice(
      "attack_mode", \.attackMode,
      note: "how the model runs during the step: \"train\" as in the authors' code, or \"eval\"."),
  ]

  /// The radius in units of the [0, 1] image; nil takes that of the attack of `fit`.
  public var eps: Double?
  /// The length of the step, in units of the [0, 1] image; nil stands for eps.
  public var stepSize: Double?
  /// The reach of the noise, in radii.
  public var k = 2.0
  /// How the model runs during the step.
  public var attackMode = Mode.train

  public init() {}

  /// A method with these settings.
  public init(eps: Double? = nil, stepSize: Double? = nil, k: Double = 2, attackMode: Mode = .train) {
    self.eps = eps
    self.stepSize = stepSize
    self.k = k
    self.attackMode = attackMode
  }

  /// No search by the attack of `fit`.
  public var inner: InnerMaximisation? { nil }
  /// It does.
  public var searchesItself: Bool { true }

  /// The cross-entropy of the images that the step leads to.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let eps = try step.radius(eps, in: .linf)
    let images = try step.search {
      let start = try (step.images + step.uniform(-k * eps, k * eps)).clip(min: 0, max: 1)
      let slope = try step.slope(at: start, mode: attackMode)
      let length = Float(stepSize ?? eps)
      // The only ball is that of the step itself.
      return try signStep(start, gradient: slope, center: start, step: length, eps: length)
    }
    let logits = try step.forward(images)
    return StepLoss(total: try step.crossEntropy(logits), adversarialLogits: logits)
  }
}
