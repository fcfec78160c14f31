import Base
import Tensors

/// Auto-PGD (Croce and Hein 2020): ascent without a step size to choose, the first attack of AutoAttack.
///
/// Each restart runs on the examples that are still standing, and each example leaves a run once it is misclassified.
/// What is misclassified as it is, is handed in as it is. See `AutoPGD` for the run itself.
public struct APGD: AutoPGDAttack {
  public static let name = "apgd"
  public static let page = Page(
    "Auto-PGD: ascent with momentum that finds its step sizes itself.",
    details: """
      It begins with steps of 2·eps (in L1: eps), and halves them where they no longer pay, example by example. Croce and \
      Hein 2020, arXiv 2003.01690; in L1 Croce and Hein 2021, arXiv 2103.01208. apgd(loss="ce") and apgd(loss="dlr") are \
      those of AutoAttack, with restarts=5 in its "plus" version. With the targets of `perturb` it climbs the targeted form \
      of its loss.
      """,
    examples: [
      ("apgd(eps=8/255)", "apgd(eps=8/255, steps=100)"),
      ("apgd(norm=\"l2\", loss=\"dlr\")", "apgd(norm=\"l2\", steps=100, loss=\"dlr\")"),
    ],
    seeAlso: ["apgd_t", "pgd", "evaluate"],
    search: ["autopgd", "auto-pgd", "autoattack", "apgd-ce", "apgd-dlr", "step size", "pma", "mifpe"])
  public static let settings: [Setting<APGD>] = [
    .radius(\.eps), .norm, .steps, .restarts,
    .choice(
      "loss", \.loss,
      note: """
        what is made large: "ce" (cross-entropy), "dlr" (difference of logits ratio), "dlr_targeted" (its targeted form, \
        towards the class with the second largest logit of the clean image), "margin" (of logits), "probability_margin" \
        (of probabilities, arXiv 2411.15210) or "mifpe" (cross-entropy of the logits divided by the gap between the two \
        largest).
        """), .rho, .eot, .largeEps,
  ]

  public var eps: Double?
  public var norm = Norm.linf
  public var steps = 100
  public var restarts = 1
  /// What is made large.
  public var loss = Loss.crossEntropy
  public var rho = 0.75
  public var eot = 1
  public var largeEps = false

  /// What it can make large: the losses of attacks that begin anywhere, and one that chooses a target for each example.
  public enum Loss: String, SettingChoice {
    /// Cross-entropy.
    case crossEntropy = "ce"
    /// The difference of logits ratio.
    case dlr
    /// Its targeted form, towards the class with the second largest logit of the clean image.
    case targetedDLR = "dlr_targeted"
    /// The margin of logits.
    case margin
    /// The margin of probabilities.
    case probabilityMargin = "probability_margin"
    /// Cross-entropy of scaled logits.
    case scaledCrossEntropy = "mifpe"

    var attackLoss: AttackLoss {
      switch self {
      case .crossEntropy: .crossEntropy
      case .dlr, .targetedDLR: .dlr
      case .margin: .margin
      case .probabilityMargin: .probabilityMargin
      case .scaledCrossEntropy: .scaledCrossEntropy
      }
    }
  }

  public init() {}

  /// An attack with these settings; the others are at their defaults.
  public init(eps: Double? = nil, norm: Norm = .linf, steps: Int = 100, restarts: Int = 1, loss: Loss = .crossEntropy) {
    (self.eps, self.norm, self.steps, self.restarts, self.loss) = (eps, norm, steps, restarts, loss)
  }

  /// Its loss has a targeted form.
  public var takesTargets: Bool { true }

  /// Climbs from each restart with the examples that are still standing.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let isTargeted = loss == .targetedDLR || batch.targets != nil
    try require(loss.attackLoss, isTargeted: isTargeted, classes: oracle.classes, argument: "loss", otherLoss: "ce")
    guard let clean = try submitWrong(of: batch, to: oracle) else { return }
    let runnerUps = loss == .targetedDLR && batch.targets == nil ? try runnersUp(clean, batch, count: 1) : nil
    for restart in 0..<restarts {
      let standing = try oracle.standing
      if standing.isEmpty { return }
      let outcome = try run(
        loss.attackLoss, oracle, batch, of: standing,
        targets: runnerUps.map { targets in standing.map { targets[$0][0] } },
        draw: restart
      ) { batch.report((Double(restart) + $0) / Double(restarts)) }
      try submit(outcome, of: standing, to: oracle)
    }
  }
}
