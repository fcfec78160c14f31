import Base
import Networks
import Tensors

/// Adaptive Adversarial Distillation (Huang et al. 2023): the teacher answers to x' too, in the attack and in the loss, so
/// that the attack looks for where the two models disagree.
///
/// alpha·KL(q(x') ‖ p(x')) + (1 - alpha)·KL(q(x) ‖ p(x)), means over batch and classes. In the attack the gradient flows
/// through the teacher and through the student; in the loss, through the student alone.
public struct AdaAD: DistillationMethod {
  public static let name = "adaad"
  public static let page = Page(
    "Adaptive Adversarial Distillation: alpha·KL(q(x') ‖ p(x')) + (1 - alpha)·KL(q(x) ‖ p(x)).",
    details: """
      q = softmax(z_T/temperature) are the labels of a robust teacher, which sees x' for x' and x for x; the student's \
      temperature is 1, no term has labels, and nothing is multiplied by the square of the temperature. KL(q ‖ p) is the \
      mean over batch and classes (reduction="batchmean" divides by the batch alone). x' maximises KL(q(x') ‖ p(x')), \
      whose gradient flows through teacher and student, from x + 0.001·N(0, I) and with both in evaluation mode; in the \
      loss it flows through the student alone. Batch norm's running statistics move with the forwards of x, then x'. A \
      step of the attack costs a forward and a backward of the teacher besides. Huang et al. 2023.
      """,
    examples: [("adaad(mlp())", "adaad(mlp, temperature=1, alpha=1)")],
    seeAlso: ["fit", "ltd", "rslad", "iad", "saad", "igdm"],
    search: ["distillation", "adaptive adversarial distillation", "teacher"])
  public static let settings: [Setting<AdaAD>] = [
    .teacher(\.teacher, note: "a robust model; its weights stay as they are."),
    .temperature(\.temperature, hint: "temperature=1", note: "of the teacher."),
    Setting(
      "alpha", \.alpha, .share(hint: "alpha=1 is the authors' code"), note: "share of the adversarial images.",
      isAlwaysShown: true),
    .choice(
      "reduction", \.reduction,
      note: "the mean of the divergence: \"mean\" over batch and classes, or \"batchmean\" over the batch."),
  ]

  /// The model whose soft labels are learned; it must be given.
  public var teacher: Model?
  /// What the teacher's logits are divided by.
  public var temperature: Temperature = 1
  /// The share of the adversarial images, from 0 to 1.
  public var alpha = 1.0
  /// How divergences are averaged.
  public var reduction = DivergenceMean.overClasses

  public init() {}

  /// A method with this teacher; see the settings for what the numbers mean.
  public init(teacher: Model, temperature: Temperature = 1, alpha: Double = 1) {
    self.teacher = teacher
    self.temperature = temperature
    self.alpha = alpha
  }

  public var softening: Temperature { temperature }

  /// The search by the divergence of the two models, from a normal start.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, loss: nil) }

  /// Images to which teacher and student answer differently.
  public func perturbed(_ step: TrainingStep) throws -> Tensor {
    let teacher = try given(teacher, "teacher", of: Self.name)
    return try step.maximise(start: .normal) { images, logits, _ in
      let answers = try teacher(images)
      // A rule's temperatures are constants here.
      let softness = try temperature.softness(of: answers.detached(), at: step.position)
      return try divergences(softness.logSoftmax(answers), logits.logSoftmax())
    }
  }

  /// The divergences of both kinds of images, which are the parts of the loss.
  public func loss(_ step: TrainingStep, at adversarial: Tensor) throws -> StepLoss {
    let teacher = try given(teacher, "teacher", of: Self.name)
    let natural = try step.taught(by: teacher)
    let moved = try step.taught(by: teacher, at: adversarial)
    let logits = try step.forward(step.images)
    let adversarialLogits = try step.forward(adversarial)
    func divergence(_ logits: Tensor, _ answers: Tensor) throws -> Tensor {
      try reduction(
        temperature.divergences(of: logits, from: answers, at: step.position), classes: logits.shape[1])
    }
    let (first, second) = (try divergence(logits, natural), try divergence(adversarialLogits, moved))
    return StepLoss(
      total: try second * Float(alpha) + first * Float(1 - alpha),
      parts: [("loss_natural", first), ("loss_robust", second)], naturalLogits: logits,
      adversarialLogits: adversarialLogits)
  }
}
