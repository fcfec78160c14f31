import Base

/// Adam, as `torch.optim.Adam` (Kingma and Ba 2015): a mean of the gradients over the root of a mean of their squares.
/// Weight decay is added to the gradient.
public struct Adam: AdamSettings {
  public static let name = "adam"
  public static let page = Page(
    "Adam: for fit, or with a model for a training loop of your own.",
    details: """
      As torch.optim.Adam (Kingma and Ba 2015): a step of lr along a mean of the gradients, over the root of a mean of \
      their squares. Weight decay is added to the gradient; adamw takes it from the weights. \
      `fit(…, optimiser=adam(), lr=0.001)` trains with it, and \"adam\" stands for it at its defaults; a loop of your own \
      uses `step = adam(net, lr=0.001)` as it does sgd's.
      """,
    examples: [("adam(beta2=0.98)", "adam(beta2=0.98)")], seeAlso: ["adamw", "sgd", "fit"],
    search: ["optimizer", "optimiser", "moment", "adaptive learning rate", "training loop"])
  public static let settings: [Setting<Adam>] = commonSettings(
    decay: "share of each weight that is added to its gradient.")
  public static let isDecoupled = false

  public var beta1 = 0.9
  public var beta2 = 0.999
  public var eps = 1e-8
  public var weightDecay = 0.0
  public var decaying = DecayingWeights.all

  public init() {}
}
