import Base
import Networks
import Tensors

/// Adversarial training (Madry et al. 2018): cross-entropy on adversarial images only, which PGD finds from a uniform
/// start with the model in evaluation mode.
public struct PGDAT: TrainingMethod {
  public static let name = "pgd_at"

  public init() {}

  public var settings: [Setting] { [] }
  public var inner: InnerMaximisation? { InnerMaximisation(start: .uniform, objective: .crossEntropy) }

  public func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss {
    let logits = try step.forward(adversarial ?? step.images)
    return StepLoss(total: try crossEntropy(logits, labels: step.labels), adversarialLogits: logits)
  }
}
