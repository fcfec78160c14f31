import Base
import Networks
import Tensors

/// Robust Soft Label Adversarial Distillation (Zi et al. 2021): the answers of a robust teacher to the natural images are
/// the labels of natural and adversarial images alike, in the loss and in the attack.
///
/// 5/6·K(x') + 1/6·K(x), where K(u) is the mean over batch and classes of q·(log(q + 1e-5) − log p(u)) with q = softmax
/// z_T(x): the constant is that of the authors' code, which takes the logarithm of probabilities. On data of 100 classes
/// the authors multiply K by 10, which is `scale`.
public struct RSLAD: DistillationMethod {
  public static let name = "rslad"
  public static let page = Page(
    "Robust Soft Label Adversarial Distillation: alpha·KL(q(x) ‖ p(x')) + (1 - alpha)·KL(q(x) ‖ p(x)).",
    details: """
      q = softmax(z_T(x)/temperature) are the labels of a robust teacher, which sees the natural image; the student's \
      temperature is 1, no term has labels, and nothing is multiplied by the square of the temperature. KL(q ‖ p) is \
      q·(log(q + 1e-5) - log p), the constant of the authors' code, averaged over batch and classes (reduction="batchmean" \
      divides by the batch alone); scale=10 is the authors' for CIFAR-100. x' maximises KL(q ‖ p(x')) from x + \
      0.001·N(0, I), with the student in evaluation mode. Batch norm's running statistics move with the forwards of x', \
      then x. Zi et al. 2021.
      """,
    examples: [("rslad(mlp())", "rslad(mlp, temperature=1)")],
    seeAlso: ["fit", "ltd", "ard", "adaad", "igdm", "soften"],
    search: ["distillation", "robust soft labels", "teacher"])
  public static let settings: [Setting<RSLAD>] = [
    .teacher(\.teacher, note: "a robust model; its weights stay as they are."),
    .temperature(\.temperature, hint: "temperature=1", note: "of the teacher."),
    Setting(
      "alpha", \.alpha, .share(hint: "alpha=5/6"), note: "share of the adversarial images; 5/6 in the paper."),
    Setting("scale", \.scale, .positive(hint: "scale=1"), note: "what the loss is multiplied by."),
    .choice(
      "reduction", \.reduction,
      note: "the mean of the divergence: \"mean\" over batch and classes, or \"batchmean\" over the batch."),
  ]

  /// The model whose soft labels are learned; it must be given.
  public var teacher: Model?
  /// What the teacher's logits are divided by.
  public var temperature: Temperature = 1
  /// The share of the adversarial images, from 0 to 1.
  public var alpha = 5.0 / 6
  /// What the loss is multiplied by.
  public var scale = 1.0
  /// How divergences are averaged.
  public var reduction = DivergenceMean.overClasses

  public init() {}

  /// A method with this teacher; see the settings for what the numbers mean.
  public init(teacher: Model, temperature: Temperature = 1, alpha: Double = 5.0 / 6) {
    self.teacher = teacher
    self.temperature = temperature
    self.alpha = alpha
  }

  public var softening: Temperature { temperature }

  /// The search by the divergence from the teacher, from a normal start.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, loss: nil) }

  /// Images whose answers diverge from the soft labels.
  public func perturbed(_ step: TrainingStep) throws -> Tensor {
    let answers = try step.taught(by: given(teacher, "teacher", of: Self.name))
    let logQ = try temperature.softness(of: answers, at: step.position).logSoftmax(answers)
    return try step.maximise(start: .normal) { logits, examples in
      try divergences(logQ.rows(of: examples), logits.logSoftmax())
    }
  }

  /// The divergences of both kinds of images, which are the parts of the loss.
  public func loss(_ step: TrainingStep, at adversarial: Tensor) throws -> StepLoss {
    let answers = try step.taught(by: given(teacher, "teacher", of: Self.name))
    let q = try temperature.softness(of: answers, at: step.position).softmax(answers)
    let logQ = try q.affine(scale: 1, offset: 1e-5).log()
    let adversarialLogits = try step.forward(adversarial)
    let logits = try step.forward(step.images)
    func divergence(_ logits: Tensor) throws -> Tensor {
      try reduction((q * (logQ - logits.logSoftmax())).sum(axes: [1]), classes: logits.shape[1])
    }
    let (robust, natural) = (try divergence(adversarialLogits), try divergence(logits))
    return StepLoss(
      total: try (robust * Float(alpha) + natural * Float(1 - alpha)) * Float(scale),
      parts: [("loss_natural", natural), ("loss_robust", robust)], naturalLogits: logits,
      adversarialLogits: adversarialLogits)
  }
}
