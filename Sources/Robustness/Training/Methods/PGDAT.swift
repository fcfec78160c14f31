import Base
import Networks
import Tensors

/// Adversarial training (Madry et al. 2018): cross-entropy on adversarial images only, which an attack finds from a
/// uniform start.
public struct PGDAT: StatelessMethod {
  public static let name = "pgd_at"
  public static let page = Page(
    "Adversarial training: cross-entropy of adversarial images only.",
    details: """
      The attack of `fit` finds them; unless it says otherwise, from x + U(-eps, eps) by cross-entropy. Madry et al. 2018.
      """,
    examples: [("pgd_at()", "pgd_at()")], seeAlso: ["fit", "trades", "ltd"],
    search: ["madry", "adversarial training"])
  public static let settings: [Setting<PGDAT>] = [
    .choice(
      "mode", \.mode,
      note: """
        how the model runs while the attack works: "eval", or "train" as in the code of Madry, Rice and AWP, where batch \
        norm takes the statistics of the adversarial batch and dropout drops.
        """)
  ]

  /// How the model runs while the attack works.
  public var mode = Mode.eval

  public init() {}

  /// The search by cross-entropy from a uniform start, in the mode of the settings.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .uniform, loss: .crossEntropy, mode: mode) }

  /// The cross-entropy of the adversarial images.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let logits = try step.forward(step.adversarial())
    return StepLoss(total: try step.crossEntropy(logits), adversarialLogits: logits)
  }
}
