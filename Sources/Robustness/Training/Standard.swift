import Base
import Networks
import Tensors

/// Ordinary training: cross-entropy on natural images.
public struct Standard: TrainingMethod {
  public static let name = "standard"

  public init() {}

  public var settings: [Setting] { [] }
  public var inner: InnerMaximisation? { nil }

  public func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss {
    let logits = try step.forward(step.images)
    return StepLoss(total: try crossEntropy(logits, labels: step.labels), naturalLogits: logits)
  }
}
