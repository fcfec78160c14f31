import Base
import Networks
import Tensors

/// HAT, helper-based adversarial training (Rade and Moosavi-Dezfooli 2022): TRADES, with helper examples beyond the
/// adversarial ones, which a standard network labels:
///
///     CE(p(x), y) + beta·KL(p(x) ‖ p(x')) + gamma·CE(p(x_h), y_h)
///
/// where x_h = x + h·(x' − x), which is not clipped to [0, 1], and y_h is what the helper takes x' for, in evaluation
/// mode. The forwards in training mode are x, x', x_h, in this order.
public struct HAT: TaughtMethod {
  public static let name = "hat"
  public static let page = Page(
    "HAT: TRADES, and helper examples that a standard network labels.",
    details: """
      CE(p(x), y) + beta·KL(p(x) ‖ p(x')) + gamma·CE(p(x_h), y_h), all means over the batch. x' is that of TRADES; \
      x_h = x + h·(x' - x), not clipped to [0, 1]; y_h is the class that the helper sees in x'. Gradients flow through \
      both sides of the divergence, none through the helper, which is in evaluation mode. Batch norm's running statistics \
      move with x, x', x_h. Without more data the authors take beta=2.5, gamma=0.5, with more beta=3.5. loss_natural, \
      loss_robust and loss_help are the parts of the loss. Rade and Moosavi-Dezfooli 2022.
      """,
    examples: [("hat(mlp(), beta=2.5)", "hat(mlp, beta=2.5, gamma=0.5)")], seeAlso: ["fit", "trades", "ltd"],
    search: ["helper", "excessive margin", "trade-off"])
  public static let settings: [Setting<HAT>] = [
    .required("helper", type: "model", \.helper, note: "a network of ordinary training; its weights stay as they are."),
    Setting(
      "beta", \.beta, .atLeastZero(hint: "beta=0 leaves its term out"), note: "weight of the divergence.",
      isAlwaysShown: true),
    Setting(
      "gamma", \.gamma, .atLeastZero(hint: "gamma=0 leaves its term out"), note: "weight of the helper examples.",
      isAlwaysShown: true),
    Setting(
      "h", \.h, .positive(hint: "h=2 is usual"), note: "how far helper examples lie, in lengths of x' - x."),
  ]

  /// The model that labels helper examples; it must be given.
  public var helper: Model?
  /// The weight of the divergence, at least 0.
  public var beta = 2.5
  /// The weight of the helper examples, at least 0.
  public var gamma = 0.5
  /// How far helper examples lie, in lengths of x' − x; above 0.
  public var h = 2.0

  public init() {}

  /// A method with this helper; see the settings for what the numbers mean.
  public init(helper: Model, beta: Double = 2.5, gamma: Double = 0.5, h: Double = 2) {
    self.helper = helper
    self.beta = beta
    self.gamma = gamma
    self.h = h
  }

  /// That of TRADES.
  public var inner: InnerMaximisation? { TRADES().inner }

  /// The helper.
  public var teachers: [(name: String, model: Model?)] { [("helper", helper)] }
  /// Its classes are taken, which are the same at any temperature.
  public var softening: Temperature { 1 }

  /// The three terms, which are the parts of the loss.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let helper = try given(helper, "helper", of: Self.name)
    let images = try step.adversarial()
    let further = try step.once { try step.images + (images - step.images) * Float(h) }
    let seen = try step.taught(by: helper, at: images).argmax(axis: 1)
    let logits = try step.forward(step.images)
    let adversarial = try step.forward(images)
    let natural = try step.crossEntropy(logits)
    let robust = try klDivergence(logits, adversarial)
    let help = try crossEntropy(step.forward(further), labels: seen.ints())
    return StepLoss(
      total: try natural + robust * Float(beta) + help * Float(gamma),
      parts: [("loss_natural", natural), ("loss_robust", robust), ("loss_help", help)],
      naturalLogits: logits, adversarialLogits: adversarial)
  }
}
