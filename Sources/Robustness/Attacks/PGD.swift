import Base
import Tensors

/// Projected gradient descent in the ball of a norm (Madry et al. 2018). Without a random start it is BIM (I-FGSM).
///
/// The last iterate of each restart counts, as in torchattacks, foolbox and cleverhans, unless all shall. In L2 a step
/// follows ∇/(‖∇‖₂ + 1e-10), and the start is that of torchattacks and of AWP, N(0, I) scaled to U(0, 1)·eps, which is
/// not uniform in the ball (`AttackStart`); in L1 it follows ∇/‖∇‖₁, as in foolbox.
///
/// An example is broken if any restart breaks it, and the image that did it first is kept; of an example that none
/// breaks, the start with the largest loss is kept. Restart k draws the same numbers however many there are, and leaves
/// out what earlier ones have broken: more restarts never break fewer examples.
public struct PGD: Ascent {
  public static let name = "pgd"
  public static let page = Page(
    "Projected gradient descent in the ball of a norm.",
    details: """
      x ← clip(x + step_size·sign(∇ L), x0 ± eps, 0…1), `steps` times, from x0 + U(-eps, eps). Madry et al. 2018. In L2 and \
      L1 the step is step_size·∇/‖∇‖, and the ball is that of the norm. In `fit` the method says where it starts and what L \
      is, unless random_start and objective do.
      """,
    examples: [
      ("pgd(eps=8/255, steps=20)", "pgd(eps=8/255, steps=20)"), ("pgd(steps=5) == pgd(steps=5)", "true"),
    ],
    seeAlso: ["fgsm", "evaluate", "perturb"],
    search: ["bim", "i-fgsm", "madry", "linf", "restarts", "epsilon", "autoattack", "trades start"])
  public static let settings: [Setting<PGD>] = [
    .radius(\.eps),
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=10 is usual"), note: "gradient steps of each start.",
      isAlwaysShown: true),
    .distance(
      "step_size", \.stepSize, .positive(hint: "for instance step_size=2/255"),
      note: "2.5·eps/steps when left out, which is 2/255 for eps 8/255 and 10 steps."),
    Setting(
      "random_start", type: "bool | string | none", expected: "true, false, \"normal\", \"ball\" or \"unclipped\"",
      words: AttackStart.allCases.compactMap { if case .string(let word) = $0.isRandom { word } else { nil } },
      hint: "random_start=\"normal\" begins as TRADES does",
      note: """
        true begins at x0 + U(-eps, eps), in L2 and L1 in a random direction at the distance U(0, 1)·eps; "ball" is uniform \
        in the ball, "normal" x0 + 0.001·N(0, I) as TRADES has it, "unclipped" begins outside of [0, 1], too, as ARD has it, \
        false at the image itself (BIM). When left out: true, and in `fit` as the method says.
        """,
      read: { $0.start?.isRandom ?? .none },
      write: { pgd, value in
        pgd.start = AttackStart(isRandom: value)
        return pgd.start != nil || value == .none
      }),
    Setting(
      "restarts", \.restarts, .int(1...1_000_000, hint: "restarts=1 attacks once"),
      note: """
        an example is broken if any of them breaks it; of one that none breaks, the start with the largest loss is kept. \
        More restarts never break fewer.
        """),
    .choice(
      "objective", \.loss,
      note: """
        "ce" (cross-entropy), "kl" (divergence from the clean prediction, as in TRADES), "dlr" (difference of logits \
        ratio), "margin" (of logits), "probability_margin" (of probabilities) or "mifpe" (cross-entropy of logits divided by \
        their gap). When left out: "ce", and in `fit` as the method says.
        """),
    .choice("norm", \.norm, note: "\"linf\", \"l2\" or \"l1\": the norm of ball and step."),
    .choice(
      "keep", \.keep,
      note: """
        "last": the last iterate of each start counts; "best": all do, an example that one breaks is left out of the steps \
        that follow, and of one that none breaks the largest loss is kept.
        """),
  ]

  /// The radius, in units of the [0, 1] image; nil takes that of the evaluation or training.
  public var eps: Double?
  /// Gradient steps of each restart.
  public var steps = 10
  /// The length of one step, in units of the [0, 1] image; nil stands for 2.5·eps/steps.
  public var stepSize: Double?
  /// Where each restart begins; nil takes the batch's: uniform, and in training what the method prescribes.
  public var start: AttackStart?
  /// How many starts there are, at least 1.
  public var restarts = 1
  /// The loss that is climbed; nil takes the oracle's: cross-entropy, and in training what the method prescribes.
  public var loss: AttackLoss?
  /// The norm of ball and step; by default Linf.
  public var norm = Norm.linf
  /// Which iterates count; by default the last of each start.
  public var keep = Keep.last

  /// Which iterates of an ascent count.
  public enum Keep: String, SettingChoice {
    /// The last one, whatever those before it did.
    case last
    /// All: what breaks an example settles it, else the one with the largest loss is kept.
    case best
  }

  public init() {}

  /// An attack with these settings; what is left out is decided where it is used.
  public init(
    eps: Double? = nil, stepSize: Double? = nil, steps: Int = 10, start: AttackStart? = nil, restarts: Int = 1,
    loss: AttackLoss? = nil, norm: Norm = .linf, keep: Keep = .last
  ) {
    self.eps = eps
    self.steps = steps
    self.stepSize = stepSize
    self.start = start
    self.restarts = restarts
    self.loss = loss
    self.norm = norm
    self.keep = keep
  }

  /// Whether the start is drawn; one that is left to a method counts as drawn.
  public var isRandom: Bool { start != .image }

  /// Checks the settings as they are used outside of training.
  public func validateTogether() throws(CoreError) { try validate(start: .uniform, loss: .crossEntropy) }

  /// Checks that the start has a gradient, and that restarts differ.
  public func validate(start prescribed: AttackStart, loss: AttackLoss?) throws(CoreError) {
    guard (start ?? prescribed) == .image else { return }
    if (self.loss ?? loss) == .klDivergence {
      throw CoreError(
        .value, "the KL objective has no gradient at the clean image",
        hint: "use random_start=true or random_start=\"normal\" with objective=\"kl\"", argument: "random_start")
    }
    guard restarts == 1 else {
      throw CoreError(
        .value, "without a random start all \(restarts) restarts are the same",
        hint: "leave restarts out, or random_start=false", argument: "restarts")
    }
  }

  /// Climbs from each restart with the examples that are still standing.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let ascent = GradientAscent(
      steps: steps, stepSize: stepSize ?? 2.5 * batch.eps / Double(steps), norm: norm, loss: loss)
    for restart in 0..<restarts {
      let standing = try oracle.standing
      if standing.isEmpty { return }
      let x = try (start ?? batch.start).point(batch, of: standing, in: norm, draw: restart)
      let report = { batch.report((Double(restart) + $0) / Double(restarts)) }
      switch keep {
      case .last:
        try oracle.submit(ascent.climb(oracle, from: x, in: batch, of: standing, report: report), of: standing)
      case .best: try ascent.search(oracle, from: x, in: batch, of: standing, report: report)
      }
    }
  }
}

extension AttackStart {
  /// The start that `random_start` asks for; nil for a value that it does not take.
  fileprivate init?(isRandom: SettingValue) {
    switch isRandom {
    case .bool(true): self = .uniform
    case .bool(false): self = .image
    case .string("normal"): self = .normal
    case .string("ball"): self = .ball
    case .string("unclipped"): self = .unclipped
    default: return nil
    }
  }

  fileprivate var isRandom: SettingValue {
    switch self {
    case .uniform: .bool(true)
    case .image: .bool(false)
    case .normal: .string("normal")
    case .ball: .string("ball")
    case .unclipped: .string("unclipped")
    }
  }
}
