import Base
import Datasets
import Networks
import Tensors

/// Adversarial weight perturbation (Wu et al. 2020) around another method: the loss is taken, and the weights are moved,
/// where a small change of the weights makes the loss of the batch large.
///
/// In each step, once the images are found: the gradient g of the method's loss, in training mode, whose running
/// statistics are dropped; v = g·‖w‖/(‖g‖ + 1e-20) for each weight of more than one axis whose name contains "weight",
/// which leaves out biases and those of norms; the loss and its gradient at w + gamma·v; the step of the optimiser, weight
/// decay included, from w + gamma·v; and gamma·v is taken off again. The running statistics of the step are those of the
/// forwards at the perturbed weights.
///
/// The authors' code takes v from the difference that one step of a plain gradient ascent makes in a copy of the model,
/// whose rate falls out in the scaling: it is the same but for the rounding of that difference, which is not repeated
/// here.
public struct AWP: TrainingMethod {
  public static let name = "awp"
  public static let page = Page(
    "Adversarial weight perturbation around another method.",
    details: """
      With g the gradient of the method's loss, v = g·‖w‖/(‖g‖ + 1e-20) for each weight of a convolution or linear layer \
      (not of biases and norms): the loss, its gradient and the whole step of the optimiser, weight decay included, are \
      taken at w + gamma·v, and gamma·v is subtracted afterwards. The images are found once, at w. Batch norm's running \
      statistics move with the forwards at w + gamma·v alone; losses and accuracies that are reported are those at \
      w + gamma·v. A step costs one more forward and backward of the loss. Any method can be inside, one of your own \
      too, but for another awp(…) and for those that move the weights themselves. Wu et al. 2020.
      """,
    examples: [
      ("awp(trades(beta=6), gamma=0.005)", "awp(trades(beta=6), gamma=0.005)"),
      ("awp(pgd_at(), gamma=0.01)", "awp(pgd_at(), gamma=0.01)"),
    ], seeAlso: ["fit", "trades", "pgd_at", "mart", "ltd"],
    search: ["weight perturbation", "trades-awp", "sharpness", "sam", "flat minimum", "robust overfitting"])
  public static let settings: [Setting<AWP>] = [
    .wrapped(
      "method", type: "method", \.method, hint: "awp(trades(), …)",
      note: "the method whose loss it is: trades(), pgd_at(), mart(), ltd(teacher), or one of your own."),
    Setting(
      "gamma", \.gamma, .atLeastZero(hint: "gamma=0.005"),
      note: """
        length of the perturbation as a share of that of the weight; in the paper 0.005 with trades, 0.01 with pgd_at.
        """, isAlwaysShown: true),
    Setting(
      "warmup", \.warmup, .int(0...1_000_000, hint: "warmup=9"),
      note: """
        epochs at the beginning without a perturbation. The authors' TRADES code begins with the tenth epoch, which is \
        warmup=9, their PGD-AT code with the first.
        """),
  ]

  /// The method within; nil while it is missing.
  public var method: (any TrainingMethod)?
  /// The length of the perturbation, as a share of the length of the weight.
  public var gamma = 0.005
  /// Epochs at the beginning without a perturbation.
  public var warmup = 0

  public init() {}

  /// A perturbation of this length around a method.
  public init(_ method: any TrainingMethod, gamma: Double = 0.005, warmup: Int = 0) {
    self.method = method
    self.gamma = gamma
    self.warmup = warmup
  }

  /// Checks the method within, and that it leaves the weights to the run.
  public func validateTogether() throws(CoreError) {
    let method = try inside()
    try method.validate()
    guard !(method is AWP) else {
      throw CoreError(
        .value, "awp around awp: the weights are perturbed once a step", hint: "awp(trades(), gamma=0.005)",
        argument: "method")
    }
    guard !method.movesWeights else {
      throw CoreError(
        .value, "\(method) moves the weights several times a step: awp has no place to perturb them",
        hint: "awp(pgd_at(), gamma=0.01)", argument: "method")
    }
  }

  private func inside() throws(CoreError) -> any TrainingMethod {
    try requireWithin(method, "method", type: "method")
  }

  /// That of the method within.
  public var inner: InnerMaximisation? { method?.inner }
  /// That of the method within.
  public var searchesItself: Bool { method?.searchesItself ?? false }
  /// Checks the method within.
  public func validate(for model: Model) throws(CoreError) { try method?.validate(for: model) }

  /// That of the method within: the perturbation itself is that of the whole batch.
  public var shardObstacle: (reason: String, hint: String)? { method?.shardObstacle }

  /// Begins a run of the method within.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess {
    Process(self, try inside().withPerturbedWeights.begin(model, on: data))
  }

  private final class Process: DisplacingProcess {
    private let settings: AWP
    private let process: any TrainingProcess

    init(_ settings: AWP, _ process: any TrainingProcess) { (self.settings, self.process) = (settings, process) }

    var state: NamedTensors { get throws(CoreError) { try process.state } }
    func restore(_ state: NamedTensors) throws(CoreError) { try process.restore(state) }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      guard displaces(at: step.position), !step.isShard else { return try process.loss(step) }
      let kept = try process.state
      let gradients = try step.rehearse { try process.loss(step) }
      try process.restore(kept)
      try step.displace(by: displacement(of: step.model, along: gradients))
      return try process.loss(step)
    }

    func displaces(at position: TrainingPosition) -> Bool { position.epoch >= settings.warmup && settings.gamma > 0 }

    func displacement(of model: Model, along gradients: [Tensor?]) throws(CoreError) -> [Tensor?] {
      var changes: [Tensor?] = []
      for (i, weight) in model.parameters.enumerated() {
        guard let gradient = gradients[i], weight.rank > 1, model.parameterNames[i].contains("weight") else {
          changes.append(nil)
          continue
        }
        let length = try weight.square().sum().sqrt() / (gradient.square().sum().sqrt() + 1e-20)
        changes.append(try gradient * length * Float(settings.gamma))
      }
      return changes
    }

    func after(step position: TrainingPosition, _ model: Model) throws { try process.after(step: position, model) }
    func after(epoch position: TrainingPosition, _ model: Model) throws -> String? {
      try process.after(epoch: position, model)
    }
  }
}
