import Base
import Tensors

/// Auto-PGD towards one class after another: the second attack of AutoAttack, and the strongest of it.
///
/// Each target class has runs of its own, on the examples that are still standing. An example is broken when it is
/// misclassified, whichever class it is taken for. The classes come in the order of their logits on the clean image, or
/// in that of MALT, which asks how far away each class is rather than how high its logit is.
public struct APGDT: AutoPGDAttack {
  public static let name = "apgd_t"
  public static let page = Page(
    "Auto-PGD towards one class after another.",
    details: """
      For each target class a run of `apgd` with the targeted form of its loss, on what is still standing. Croce and Hein \
      2020, arXiv 2003.01690; with order="malt" in that of Melamed et al. 2024, arXiv 2407.02240. apgd_t() is that of \
      AutoAttack; in L1 it has restarts=5, classes=5, large_eps=true.
      """,
    examples: [
      ("apgd_t(eps=8/255)", "apgd_t(eps=8/255, steps=100)"),
      ("apgd_t(order=\"malt\", classes=3)", "apgd_t(steps=100, classes=3, order=\"malt\")"),
    ],
    seeAlso: ["apgd", "pgd", "evaluate"], search: ["autopgd", "auto-pgd", "autoattack", "targeted", "malt", "dlr"])
  public static let settings: [Setting<APGDT>] = [
    .radius(\.eps), .norm, .steps,
    Setting(
      "classes", \.targets, .int(1...1_000_000, hint: "classes=9 is usual"),
      note: "how many target classes there are; all other classes where the model has no more."),
    .restarts,
    .choice(
      "loss", \.loss,
      note: """
        the targeted form of what is made large: "dlr" (difference of logits ratio), "ce" (cross-entropy), "margin", \
        "probability_margin" or "mifpe".
        """),
    .choice(
      "order", \.order,
      note: """
        which classes come first: those with the largest logits on the clean image ("logit"), or those of which the \
        difference to the logit of the true class is smallest for its slope ("malt").
        """), .rho, .eot, .largeEps,
  ]

  public var eps: Double?
  public var norm = Norm.linf
  public var steps = 100
  /// How many target classes there are, at least 1; no more than the model has others.
  public var targets = 9
  public var restarts = 1
  /// What is made large, in its targeted form.
  public var loss = Loss.dlr
  /// Which classes come first.
  public var order = Order.logit
  public var rho = 0.75
  public var eot = 1
  public var largeEps = false

  /// What it can make large.
  public enum Loss: String, SettingChoice {
    /// The difference of logits ratio.
    case dlr
    /// Cross-entropy.
    case crossEntropy = "ce"
    /// The margin of logits.
    case margin
    /// The margin of probabilities.
    case probabilityMargin = "probability_margin"
    /// Cross-entropy of scaled logits.
    case scaledCrossEntropy = "mifpe"

    var attackLoss: AttackLoss {
      switch self {
      case .dlr: .dlr
      case .crossEntropy: .crossEntropy
      case .margin: .margin
      case .probabilityMargin: .probabilityMargin
      case .scaledCrossEntropy: .scaledCrossEntropy
      }
    }
  }

  /// The order of target classes.
  public enum Order: String, SettingChoice {
    /// By their logits on the clean image, the largest first.
    case logit
    /// By (z_y − z_k) / ‖∇(z_k − z_y)‖ there, in the dual norm, the smallest first; among the 100 with the largest
    /// logits.
    case malt
  }

  public init() {}

  /// An attack with these settings; the others are at their defaults.
  public init(
    eps: Double? = nil, norm: Norm = .linf, steps: Int = 100, targets: Int = 9, restarts: Int = 1, loss: Loss = .dlr,
    order: Order = .logit
  ) {
    (self.eps, self.norm, self.steps, self.targets) = (eps, norm, steps, targets)
    (self.restarts, self.loss, self.order) = (restarts, loss, order)
  }

  /// With no more target classes than there are others, so that an evaluation says how many there were.
  public func stages(classes: Int) -> [any Attack] {
    var stage = self
    stage.targets = min(targets, max(classes - 1, 1))
    return [stage]
  }

  /// Runs towards each target class from each restart, with the examples that are still standing.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    try require(loss.attackLoss, isTargeted: true, classes: oracle.classes, argument: "loss", otherLoss: "margin")
    guard let clean = try submitWrong(of: batch, to: oracle) else { return }
    let count = min(targets, oracle.classes - 1)
    let classes = try order == .malt ? byDistance(clean, batch, oracle) : runnersUp(clean, batch, count: count)
    let runs = count * restarts
    for draw in 0..<runs {
      let standing = try oracle.standing
      if standing.isEmpty { return }
      let outcome = try run(
        loss.attackLoss, oracle, batch, of: standing, targets: standing.map { classes[$0][draw / restarts] }, draw: draw
      ) { batch.report((Double(draw) + $0) / Double(runs)) }
      try submit(outcome, of: standing, to: oracle)
    }
  }

  /// For each example that stands the other classes by MALT's score, the nearest first; for the others none.
  func byDistance(_ clean: Tensor, _ batch: AttackBatch, _ oracle: any Oracle) throws -> [[Int]] {
    var order: [[Int]] = Array(repeating: [], count: batch.count)
    let standing = try oracle.standing
    guard !standing.isEmpty else { return order }
    let classes = oracle.classes
    let candidates = try runnersUp(clean, batch, count: max(min(100, classes - 1), min(targets, classes - 1)))
    let images = try batch.rows(batch.images, of: standing)
    var slopes: [[Float]] = []
    let rounds = candidates[standing[0]].indices.map { r in standing.map { candidates[$0][r] } }
    // All in one call, unless their gradients took more than a quarter of a gigabyte.
    let most = max(1, (1 << 26) / max(images.count, 1))
    for first in stride(from: 0, to: rounds.count, by: most) {
      let part = Array(rounds[first..<min(first + most, rounds.count)])
      for gradient in try oracle.leads(at: images, of: standing, over: part).gradients {
        slopes.append(try norm.dual.length(gradient).floats())
      }
    }
    let logits = clean.floats()
    for (k, example) in standing.enumerated() {
      let own = logits[example * classes + batch.labels[example]]
      let scores = rounds.indices.map { r in
        (own - logits[example * classes + candidates[example][r]]) / (slopes[r][k] + 1e-12)
      }
      // Equal scores stay in the order of their logits.
      let ranks = rounds.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
      order[example] = ranks.map { candidates[example][$0] }
    }
    return order
  }
}
