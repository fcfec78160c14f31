import Base
import Networks
import Tensors

/// Adversarial training (Madry et al. 2018): cross-entropy on adversarial images only, which an attack finds from a
/// uniform start.
///
/// Codes differ in how the model runs meanwhile. Those of Madry, Rice and AWP leave it in training mode, so that each
/// forward of the attack moves the running statistics of batch norm; Bag of Tricks (Pang et al. 2021) recommends
/// evaluation mode, which is the default here. With smoothed labels the attack still climbs the cross-entropy of the
/// labels themselves, as in Bag of Tricks.
public struct PGDAT: StatelessMethod {
  public static let name = "pgd_at"
  public static let page = Page(
    "Adversarial training: cross-entropy of adversarial images only.",
    details: """
      The attack of `fit` finds them; unless it says otherwise, from x + U(-eps, eps) by cross-entropy. The loss is the \
      mean over the batch, with one forward, that of the adversarial images, which moves the running statistics of batch \
      norm; with attack_mode="train" each forward of the attack moves them before. Labels that are smoothed are so in \
      the loss alone, not in the attack: smoothing=s and convention are those of standard(…). Madry et al. 2018.
      """,
    examples: [("pgd_at()", "pgd_at()"), ("pgd_at(smoothing=0.2)", "pgd_at(smoothing=0.2)")],
    seeAlso: ["fit", "trades", "awp", "fast_at", "adr", "ltd"],
    search: ["madry", "adversarial training", "label smoothing", "bag of tricks"])
  public static let settings: [Setting<PGDAT>] = [
    .choice(
      "attack_mode", \.attackMode,
      note: """
        how the model runs while the attack works: "eval", or "train" as in the code of Madry, Rice and AWP, where batch \
        norm takes the statistics of the adversarial batch and dropout drops.
        """),
    Setting(
      "smoothing", \.smoothing, .share(hint: "smoothing=0.2"),
      note: "share of the target that does not depend on the label, from 0 to 1."),
    .choice(
      "convention", \.convention,
      note: "who has the smoothed share: \"uniform\", all classes alike, or \"others\", all but the label."),
  ]

  /// How the model runs while the attack works.
  public var attackMode = Mode.eval
  /// Share of the target that does not depend on the label, from 0 to 1.
  public var smoothing = 0.0
  /// Which classes have that share.
  public var convention = SmoothingConvention.uniform

  public init() {}

  /// A method with this mode of the attack and labels smoothed so.
  public init(attackMode: Mode = .eval, smoothing: Double = 0, convention: SmoothingConvention = .uniform) {
    self.attackMode = attackMode
    self.smoothing = smoothing
    self.convention = convention
  }

  /// A convention of smoothing is for labels that are smoothed.
  public func validateTogether() throws(CoreError) { try requireUse(of: convention, smoothing: smoothing) }

  /// The search by cross-entropy from a uniform start, in the mode of the settings.
  public var inner: InnerMaximisation? {
    InnerMaximisation(start: .uniform, loss: .crossEntropy, mode: attackMode)
  }

  /// The cross-entropy of the adversarial images.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let logits = try step.forward(step.adversarial())
    return StepLoss(
      total: try step.crossEntropy(logits, smoothing: smoothing, convention: convention), adversarialLogits: logits)
  }
}
