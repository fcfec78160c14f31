import Base
import Tensors

/// TRADES (Zhang et al. 2019): CE(p(x), y) + beta·KL(p(x) ‖ p(x')), where x' maximises the same divergence from
/// x + 0.001·N(0, I).
///
/// The authors' code runs x twice in training mode, for the cross-entropy and for the divergence. The gradients are those
/// of one shared forward, but batch norm's running statistics move three times a step instead of twice (x, x', x), and
/// dropout differs between the two. Around a perturbation of weights the order of the forwards is another, that of the
/// code of AWP: x' first.
public struct TRADES: StatelessMethod {
  public static let name = "trades"
  public static let page = Page(
    "TRADES: CE(p(x), y) + beta·KL(p(x) ‖ p(x')).",
    details: """
      x' maximises the same divergence from x + 0.001·N(0, I), the model in evaluation mode, unless the attack of `fit` \
      says otherwise. Both terms are means over the batch (the divergence is not divided by the classes), and gradients \
      flow through both sides of the divergence: taking p(x) for a constant costs robustness. With forwards=3, as in the \
      authors' code, x is run once more for the divergence: the gradients are the same, but batch norm's running \
      statistics move with x, x', x instead of x, x'. Within awp(…) the order is x', x(, x), as in its code. Zhang et \
      al. 2019.
      """,
    examples: [("trades(beta=6)", "trades(beta=6)")], seeAlso: ["fit", "awp", "mart", "ltd", "pgd_at", "hat", "ikl"],
    search: ["kl", "regularisation"])
  public static let settings: [Setting<TRADES>] = [
    Setting(
      "beta", \.beta, .atLeastZero(hint: "beta=0 leaves its term out"),
      note: "weight of the robust term; 1 to 10, 6 in the paper.", isAlwaysShown: true),
    Setting(
      "forwards", \.forwards, .int(2...3, hint: "forwards=3 is the authors' code"),
      note: "in training mode: 2, x for both terms and x', or 3, with another x for the divergence."),
  ]

  /// The weight of the divergence, at least 0.
  public var beta = 6.0
  /// Forwards in training mode, 2 or 3; with 3, the divergence has a natural forward of its own.
  public var forwards = 2
  /// Whether the forward of x' comes first, as in the code of AWP.
  var beginsAdversarial = false

  public init() {}

  /// A method with this weight of the divergence.
  public init(beta: Double, forwards: Int = 2) {
    self.beta = beta
    self.forwards = forwards
  }

  /// The search by the divergence from the prediction on the clean image, from a normal start.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, loss: .klDivergence) }

  /// The code of AWP runs x' first, then x for the divergence, then x for the cross-entropy.
  public var withPerturbedWeights: any TrainingMethod {
    var method = self
    method.beginsAdversarial = true
    return method
  }

  /// The cross-entropy of the natural images and the divergence, which are the parts of the loss.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let logits = try logits(step)
    let natural = try step.crossEntropy(logits.natural)
    let robust = try klDivergence(logits.reference, logits.adversarial)
    return StepLoss(
      total: try natural + robust * Float(beta), parts: [("loss_natural", natural), ("loss_robust", robust)],
      naturalLogits: logits.natural, adversarialLogits: logits.adversarial)
  }

  /// The logits of the forwards: of x for the natural term, of x for the divergence, and of x'.
  func logits(_ step: TrainingStep) throws -> (natural: Tensor, reference: Tensor, adversarial: Tensor) {
    let images = try step.adversarial()
    if beginsAdversarial {
      let adversarial = try step.forward(images)
      let reference = try step.forward(step.images)
      return (forwards == 3 ? try step.forward(step.images) : reference, reference, adversarial)
    }
    let natural = try step.forward(step.images)
    let adversarial = try step.forward(images)
    return (natural, forwards == 3 ? try step.forward(step.images) : natural, adversarial)
  }
}
