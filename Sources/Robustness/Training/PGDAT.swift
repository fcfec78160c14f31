import Networks
import Tensors

/// Adversarial training (Madry et al. 2018): cross-entropy on adversarial images only, which PGD finds from a uniform
/// start with the model in evaluation mode.
public struct PGDAT: TrainingMethod {
  public init() {}

  public var description: String { "pgd_at()" }

  public func adversarial(_ step: TrainingStep) throws(CoreError) -> Tensor? {
    try step.maximise(from: .uniform) { (logits, _) throws(CoreError) in
      try crossEntropy(logits, labels: step.labels, reduction: .sum)
    }
  }

  public func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss {
    let logits = try step.forward(adversarial ?? step.images)
    return StepLoss(total: try crossEntropy(logits, labels: step.labels), adversarialLogits: logits)
  }
}
