import Base
import Tensors

/// TRADES (Zhang et al. 2019): CE(p(x), y) + beta·KL(p(x) ‖ p(x')), where x' maximises the same divergence from
/// x + 0.001·N(0, I).
public struct TRADES: StatelessMethod {
  public static let name = "trades"
  public static let page = Page(
    "TRADES: CE(p(x), y) + beta·KL(p(x) ‖ p(x')).",
    details: """
      x' maximises the same divergence from x + 0.001·N(0, I), unless the attack of `fit` says otherwise. Zhang et al. 2019.
      """,
    examples: [("trades(beta=6)", "trades(beta=6)")], seeAlso: ["fit", "ltd", "pgd_at"],
    search: ["kl", "regularisation"])
  public static let settings: [Setting<TRADES>] = [
    Setting(
      "beta", \.beta, .atLeastZero(hint: "beta=0 leaves its term out"),
      note: "weight of the robust term; 1 to 10, 6 in the paper.", isAlwaysShown: true)
  ]

  /// The weight of the divergence, at least 0.
  public var beta = 6.0
  /// Whether the divergence has a natural forward of its own, as in the authors' code. The gradients are the same, but
  /// batch norm's running statistics move three times a step instead of twice, and dropout differs between the two.
  public var separateForward = false

  public init() {}

  /// A method with this weight of the divergence.
  public init(beta: Double, separateForward: Bool = false) {
    self.beta = beta
    self.separateForward = separateForward
  }

  /// The search by the divergence from the prediction on the clean image, from a normal start.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, loss: .klDivergence) }

  /// The cross-entropy of the natural images and the divergence, which are the parts of the loss.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let adversarial = try step.adversarial()
    let logits = try step.forward(step.images)
    let adversarialLogits = try step.forward(adversarial)
    let reference = separateForward ? try step.forward(step.images) : logits
    let natural = try step.crossEntropy(logits)
    let robust = try klDivergence(reference, adversarialLogits)
    return StepLoss(
      total: try natural + robust * Float(beta), parts: [("loss_natural", natural), ("loss_robust", robust)],
      naturalLogits: logits, adversarialLogits: adversarialLogits)
  }
}
