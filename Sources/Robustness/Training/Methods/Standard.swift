import Base
import Tensors

/// Ordinary training: cross-entropy on natural images.
public struct Standard: StatelessMethod {
  public static let name = "standard"
  public static let page = Page(
    "Standard training: cross-entropy of natural images.", examples: [("standard()", "standard()")],
    seeAlso: ["fit", "pgd_at", "trades", "ltd"], search: ["natural", "erm"])
  public static let settings: [Setting<Standard>] = []

  public init() {}

  /// No search: the method sees natural images only.
  public var inner: InnerMaximisation? { nil }

  /// The cross-entropy of the natural images.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let logits = try step.forward(step.images)
    return StepLoss(total: try step.crossEntropy(logits), naturalLogits: logits)
  }
}
