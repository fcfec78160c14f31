import Networks
import Tensors

/// Ordinary training: cross-entropy on natural images.
public struct Standard: TrainingMethod {
  public init() {}

  public var description: String { "standard()" }
  public var needsAttack: Bool { false }

  public func adversarial(_ step: TrainingStep) throws(CoreError) -> Tensor? { nil }

  public func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss {
    let logits = try step.forward(step.images)
    return StepLoss(total: try crossEntropy(logits, labels: step.labels), naturalLogits: logits)
  }
}
