import Base
import Datasets
import Networks
import Tensors

/// Indirect Gradient Distillation (Lee et al. 2023, arXiv 2312.03286) around a method that distils: teacher and student
/// shall change alike from x − d to x + d, with d = x' − x, which stands for the gradients at x without a second
/// derivative.
///
/// alpha·(e/E)·KL(softmax(t(x + d) − t(x − d)) ‖ softmax(s(x + d) − s(x − d))) is added to the loss, in epoch e of E, counted
/// from 1. x + d is x', whose forward the method has made already; the authors' code makes another.
public struct IGDM: TaughtMethod {
  public static let name = "igdm"
  public static let page = Page(
    "Adds to a method that distils that teacher and student change alike from 2x - x' to x'.",
    details: """
      alpha·(e/E)·KL(softmax(z_T(x') - z_T(2x - x')) ‖ softmax(z(x') - z(2x - x'))) is added to the loss of the method, the \
      mean over the batch, in epoch e of E counted from 1: its weight grows from next to nothing to alpha. Temperatures are \
      1 here, whatever those of the method are. x' are the images of the method, 2x - x' lie on the other side of x and are \
      not clipped. Batch norm's running statistics move with the forwards of the method and then with that of 2x - x'; the \
      authors' code runs x' once more for this term. Within awp(…) it is part of the loss. Lee et al. 2023 (arXiv \
      2312.03286).
      """,
    examples: [
      ("igdm(rslad(mlp()))", "igdm(rslad(mlp, temperature=1), alpha=1)"),
      ("igdm(adaad(mlp()), alpha=20)", "igdm(adaad(mlp, temperature=1, alpha=1), alpha=20)"),
    ], seeAlso: ["fit", "ard", "rslad", "adaad", "saad", "ltd"],
    search: ["distillation", "gradient matching", "indirect gradient", "teacher"])
  public static let settings: [Setting<IGDM>] = [
    .wrapped(
      "method", type: "method", \.method, expected: "a method that distils", hint: "igdm(rslad(teacher))",
      note: "the method whose loss it is added to: ltd, ard, rslad, adaad or iad of a teacher."),
    Setting(
      "alpha", \.alpha, .atLeastZero(hint: "alpha=1"),
      note:
        "weight of the term in the last epoch: with saad's code 1 for CIFAR-10 and 10 for 100 classes, with adaad 20.",
      isAlwaysShown: true),
  ]

  /// The method whose loss it is added to; it must be given.
  public var method: (any DistillationMethod)?
  /// The weight of the term in the last epoch.
  public var alpha = 1.0

  public init() {}

  /// The term around a method.
  public init(_ method: any DistillationMethod, alpha: Double = 1) {
    self.method = method
    self.alpha = alpha
  }

  /// Checks the method within.
  public func validateTogether() throws(CoreError) {
    let method = try inside()
    try method.validate()
    guard !(method is SAAD) else {
      throw CoreError(
        .value, "saad has this term already", hint: "saad(teacher, igdm=\(alpha.shortest))", argument: "method")
    }
  }

  private func inside() throws(CoreError) -> any DistillationMethod {
    try requireWithin(method, "method", type: "method")
  }

  public var teachers: [(name: String, model: Model?)] { method?.teachers ?? [] }
  public var softening: Temperature { method?.softening ?? 1 }
  /// That of the method within.
  public var inner: InnerMaximisation? { method?.inner }
  /// Checks the method within.
  public func validate(for model: Model) throws(CoreError) { try inside().validate(for: model) }
  /// The term around the form of the method within.
  public var withPerturbedWeights: any TrainingMethod {
    var own = self
    own.method = method?.withPerturbedWeights as? any DistillationMethod ?? method
    return own
  }

  /// The loss of the method within, and the matched differences, which are one more part.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let method = try inside()
    let adversarial = try method.perturbed(step)
    var loss = try method.loss(step, at: adversarial)
    guard alpha > 0 else { return loss }
    let teacher = try given(method.teacher, "teacher", of: Self.name)
    let logits = try loss.adversarialLogits ?? step.forward(adversarial)
    let matched = try step.matchedDifferences(
      teacher, 1, at: adversarial, answers: step.taught(by: teacher, at: adversarial), logits: logits
    ).mean()
    loss.total = try loss.total + matched * Float(alpha * step.position.shareOfEpochs)
    loss.parts.append(("loss_differences", matched))
    return loss
  }
}

extension TrainingStep {
  /// KL between the changes of teacher and student from 2x − x' to x', of each example, [n].
  ///
  /// - Parameters:
  ///   - temperature: of the teacher's change.
  ///   - answers: those of the teacher to x'.
  ///   - logits: those of the student for x'.
  func matchedDifferences(
    _ teacher: Model, _ temperature: Temperature, at adversarial: Tensor, answers: Tensor, logits: Tensor
  ) throws -> Tensor {
    let opposite = try images * 2 - adversarial
    let change = try answers - taught(by: teacher, at: opposite)
    return try temperature.divergences(of: logits - forward(opposite), from: change, at: position)
  }
}

extension TrainingPosition {
  /// The number of the epoch, counted from 1, as a share of all.
  var shareOfEpochs: Double { Double(epoch + 1) / Double(max(epochs, 1)) }
}
