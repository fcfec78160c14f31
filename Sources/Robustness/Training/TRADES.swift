import Base
import Networks
import Tensors

/// TRADES (Zhang et al. 2019): CE(p(x), y) + beta·KL(p(x) ‖ p(x')), where x' maximises the same divergence from
/// x + 0.001·N(0, I).
public struct TRADES: TrainingMethod {
  public static let name = "trades"
  /// Weight of the divergence.
  public var beta: Double
  /// Whether the divergence has a natural forward of its own, as in the authors' code. The gradients are the same, but
  /// batch norm's running statistics move three times a step instead of twice, and dropout differs between the two.
  public var separateForward: Bool

  public init(beta: Double = 6, separateForward: Bool = false) {
    self.beta = beta
    self.separateForward = separateForward
  }

  public var settings: [Setting] { [.beta(beta)] }
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, objective: .klDivergence) }

  public func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss {
    let logits = try step.forward(step.images)
    let adversarialLogits = try step.forward(adversarial ?? step.images)
    let reference = separateForward ? try step.forward(step.images) : logits
    let natural = try crossEntropy(logits, labels: step.labels)
    let robust = try klDivergence(reference, adversarialLogits)
    return StepLoss(
      total: try natural + robust * Float(beta), parts: [("loss_natural", natural), ("loss_robust", robust)],
      naturalLogits: logits, adversarialLogits: adversarialLogits)
  }
}

extension Setting {
  /// The weight of a robust term.
  static func beta(_ value: Double) -> Setting {
    Setting("beta", .number(value), .atLeastZero(hint: "beta=0 leaves its term out"))
  }
}
