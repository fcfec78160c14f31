import Base

/// AdamW, as `torch.optim.AdamW` (Loshchilov and Hutter 2019): Adam with decoupled weight decay.
public struct AdamW: AdamSettings {
  public static let name = "adamw"
  public static let page = Page(
    "Adam with decoupled weight decay: for fit, or with a model for a training loop of your own.",
    details: """
      As torch.optim.AdamW (Loshchilov and Hutter 2019): before each step the weights shrink by lr·weight_decay, which the \
      means of the gradients do not see. `fit(…, optimiser=adamw(), lr=0.001)` trains with it.
      """,
    examples: [("adamw(weight_decay=0.05)", "adamw(weight_decay=0.05)")], seeAlso: ["adam", "sgd", "fit"],
    search: ["optimizer", "optimiser", "decoupled weight decay", "training loop"])
  public static let settings: [Setting<AdamW>] = commonSettings(
    decay: "lr times it is the share of each weight that is taken away.")
  public static let isDecoupled = true

  public var beta1 = 0.9
  public var beta2 = 0.999
  public var eps = 1e-8
  public var weightDecay = 0.01
  public var decaying = DecayingWeights.all

  public init() {}
}
