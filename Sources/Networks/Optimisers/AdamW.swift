import Base

/// AdamW, as `torch.optim.AdamW` (Loshchilov and Hutter 2019): Adam with decoupled weight decay.
public struct AdamW: OptimiserSettings {
  public static let name = "adamw"
  public static let page = Page(
    "Adam with decoupled weight decay: for fit, or with a model for a training loop of your own.",
    details: """
      As torch.optim.AdamW (Loshchilov and Hutter 2019): before each step the weights shrink by lr·weight_decay, which the \
      means of the gradients do not see. `fit(…, optimiser=adamw(), lr=0.001)` trains with it.
      """,
    examples: [("adamw(weight_decay=0.05)", "adamw(weight_decay=0.05)")], seeAlso: ["adam", "sgd", "fit"],
    search: ["optimizer", "optimiser", "decoupled weight decay", "training loop"])
  public static let settings: [Setting<AdamW>] = [
    Setting("beta1", \.beta1, .belowOne(hint: "beta1=0.9"), note: "share of the mean gradient that is kept."),
    Setting("beta2", \.beta2, .belowOne(hint: "beta2=0.999"), note: "share of the mean square that is kept."),
    Setting("eps", \.eps, .positive(hint: "eps=1e-8"), note: "added to the root of the mean square."),
    Setting(
      "weight_decay", \.weightDecay, .atLeastZero(hint: "weight_decay=0 leaves its term out"),
      note: "lr times it is the share of each weight that is taken away.", isAlwaysShown: true),
    .choice("decaying", \.decaying, note: "which weights decay: \"all\", or \"matrices\", without norms and biases."),
  ]

  /// The share of the mean gradient that is kept, from 0 to below 1.
  public var beta1 = 0.9
  /// The share of the mean square of the gradient that is kept, from 0 to below 1.
  public var beta2 = 0.999
  /// What is added to the root of the mean square, above 0.
  public var eps = 1e-8
  /// The rate times it is the share of each weight that is taken away, at least 0.
  public var weightDecay = 0.01
  /// Which weights decay.
  public var decaying = DecayingWeights.all

  public init() {}

  private var decay: WeightDecay { WeightDecay(share: weightDecay, isDecoupled: true, weights: decaying) }

  /// Refuses a choice of weights to decay where none does.
  public func validateTogether() throws(CoreError) {
    try decay.validate(of: Self.name, [("decaying", decaying != .all)])
  }

  /// Refuses a beta1 of its own where the schedule sets one for each step, as PyTorch's OneCycleLR does.
  public func validate(with schedule: any LearningRateSchedule) throws(CoreError) {
    try refuse("beta1", beta1 == Self().beta1 ? nil : beta1, with: schedule)
  }

  /// An optimiser that has not made a step yet.
  public func makeOptimiser() -> any Optimiser {
    AdamOptimiser(beta1: beta1, beta2: beta2, eps: eps, decay: decay)
  }
}
