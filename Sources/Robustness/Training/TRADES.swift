import Networks
import Tensors

/// TRADES (Zhang et al. 2019): CE(p(x), y) + beta·KL(p(x) ‖ p(x')), where x' maximises the same divergence from
/// x + 0.001·N(0, I).
public struct TRADES: TrainingMethod {
  /// Weight of the divergence.
  public var beta: Double
  /// Whether the divergence has a natural forward of its own, as in the authors' code. The gradients are the same, but
  /// batch norm's running statistics move three times a step instead of twice, and dropout differs between the two.
  public var separateForward: Bool

  public init(beta: Double = 6, separateForward: Bool = false) {
    self.beta = beta
    self.separateForward = separateForward
  }

  public var description: String { "trades(beta=\(beta.shortest))" }

  public func validate(for model: Model) throws(CoreError) { try requireWeight(beta, "beta") }

  public func adversarial(_ step: TrainingStep) throws(CoreError) -> Tensor? {
    try step.maximiseDivergence()
  }

  public func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss {
    let logits = try step.forward(step.images)
    let adversarialLogits = try step.forward(adversarial ?? step.images)
    let reference = separateForward ? try step.forward(step.images) : logits
    let natural = try crossEntropy(logits, labels: step.labels)
    let robust = try klDivergence(reference, adversarialLogits)
    return StepLoss(
      total: try natural + robust * Float(beta), parts: [("natural", natural), ("robust", robust)],
      naturalLogits: logits, adversarialLogits: adversarialLogits)
  }
}

extension TrainingStep {
  /// The inner maximisation of TRADES: KL(p(x) ‖ p(x')) with p(x) held.
  func maximiseDivergence() throws(CoreError) -> Tensor {
    let reference = try model(images)
    return try maximise(from: .normal) { (logits, _) throws(CoreError) in
      try klDivergence(reference, logits, reduction: .sum)
    }
  }
}

func requireWeight(_ value: Double, _ name: String) throws(CoreError) {
  guard value >= 0, value.isFinite else {
    throw CoreError(
      .value, "\(name) is a finite number of at least 0, not \(value)", hint: "\(name)=0 leaves its term out",
      argument: name == "weight_decay" ? name : "method")
  }
}
