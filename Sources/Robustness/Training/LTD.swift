import Networks
import Tensors

/// Low Temperature Distillation as reconstructed (Chen & Lee, arXiv 2111.02331, whose code was never published): soft
/// labels q = softmax(z_T(x)/temperature) of a frozen teacher replace one-hot labels inside an adversarial training loss,
/// while the student's temperature is 1 in training, attack and inference.
///
/// - With TRADES: H(q, p(x)) + beta·KL(p(x) ‖ p(x')), where x' maximises the divergence.
/// - With PGD-AT: H(q, p(x')), where x' maximises the cross-entropy of the true class.
///
/// The teacher is in evaluation mode and sees the natural (augmented) image. With `mix` > 0 the target is
/// (1 - mix)·q + mix·one-hot.
public struct LTD: TrainingMethod {
  /// The loss in which soft labels take the place of hard ones.
  public enum Framework: String, Sendable, CaseIterable {
    case trades
    case pgdAT = "pgd_at"
  }

  public var teacher: Model
  public var temperature: Double
  public var beta: Double
  public var mix: Double
  public var framework: Framework

  public init(
    teacher: Model, temperature: Double = 3, beta: Double = 6, mix: Double = 0, framework: Framework = .trades
  ) {
    self.teacher = teacher
    self.temperature = temperature
    self.beta = beta
    self.mix = mix
    self.framework = framework
  }

  public var description: String {
    var parts = [teacher.name, "temperature=\(temperature.shortest)"]
    if framework == .trades { parts.append("beta=\(beta.shortest)") }
    if mix != 0 { parts.append("mix=\(mix.shortest)") }
    if framework != .trades { parts.append("on=\"\(framework.rawValue)\"") }
    return "ltd(\(parts.joined(separator: ", ")))"
  }

  public func validate(for model: Model) throws(CoreError) {
    try requireWeight(beta, "beta")
    guard temperature > 0, temperature.isFinite else {
      throw CoreError(
        .value, "a temperature is a positive number, not \(temperature)", hint: "try temperature=3, or from 1 to 10",
        argument: "method")
    }
    guard mix >= 0, mix <= 1 else {
      throw CoreError(
        .value, "mix of ltd is from 0 to 1, not \(mix)", hint: "mix=0 leaves labels out", argument: "method")
    }
    guard !teacher.sharesWeights(with: model) else {
      throw CoreError(
        .value, "a model cannot be its own teacher", hint: "give a copy of it as the teacher: copy(model)",
        argument: "method")
    }
    guard teacher.classes == model.classes, teacher.architecture.input == model.architecture.input else {
      throw CoreError(
        .shape,
        "the teacher reads \(teacher.architecture.input) and knows \(teacher.classes) classes, the student reads \(model.architecture.input) and knows \(model.classes)",
        hint: "make the student for the images and classes of its teacher", argument: "method")
    }
  }

  public func adversarial(_ step: TrainingStep) throws(CoreError) -> Tensor? {
    switch framework {
    case .trades: try step.maximiseDivergence()
    case .pgdAT: try PGDAT().adversarial(step)
    }
  }

  public func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss {
    let target = try softLabels(step.images, step.labels)
    guard framework == .trades else {
      let logits = try step.forward(adversarial ?? step.images)
      return StepLoss(total: try crossEntropy(logits, target: target), adversarialLogits: logits)
    }
    let logits = try step.forward(step.images)
    let adversarialLogits = try step.forward(adversarial ?? step.images)
    let natural = try crossEntropy(logits, target: target)
    let robust = try klDivergence(logits, adversarialLogits)
    return StepLoss(
      total: try natural + robust * Float(beta), parts: [("natural", natural), ("robust", robust)],
      naturalLogits: logits, adversarialLogits: adversarialLogits)
  }

  /// (1 - mix)·softmax(z_T(x)/temperature) + mix·one-hot, [n, classes].
  public func softLabels(_ images: Tensor, _ labels: [Int]) throws(CoreError) -> Tensor {
    let soft = try teacher(images).softmax(temperature: Float(temperature))
    guard mix != 0 else { return soft }
    return try soft * Float(1 - mix) + Tensor.oneHot(labels, classes: teacher.classes) * Float(mix)
  }
}
