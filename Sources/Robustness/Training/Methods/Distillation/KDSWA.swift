import Base
import Networks
import Tensors

/// Smoothing of logits by two teachers (Chen et al. 2021, "Robust overfitting may be mitigated by properly learned
/// smoothening"): PGD-AT whose labels are mixed with the answers of a natural and of a robust teacher to x'. The authors
/// average weights besides (SWA), which is an average of `fit`, not of the method.
public struct KDSWA: DistillationMethod {
  public static let name = "kd_swa"
  public static let page = Page(
    "Two teachers that smooth logits: PGD-AT with soft labels of a natural and of a robust model, both of which see x'.",
    details: """
      hard·CE(p(x'), y) + soft_natural·T²·H(q_n(x'), p(x')) + soft_robust·T²·H(q_r(x'), p(x')), where the soft \
      cross-entropies H have teacher and student at the same temperature T, are means over the batch and multiplied by T², \
      as in the authors' code. Both teachers see x', in evaluation mode. \
      x' maximises the cross-entropy of the label from x + U(-eps, eps), with the student in training mode: each forward \
      of the attack moves batch norm's running statistics, then that of x' does. The authors average weights from epoch \
      55 on (SWA). Chen et al. 2021.
      """,
    examples: [("kd_swa(mlp(), mlp())", "kd_swa(mlp, mlp, temperature=2)")],
    seeAlso: ["fit", "ltd", "ard", "pgd_at", "igdm", "soften"],
    search: ["distillation", "robust overfitting", "learned smoothening", "self-training", "swa", "teacher"])
  public static let settings: [Setting<KDSWA>] = [
    .teacher(\.natural, named: "natural", note: "a model trained on natural images; its weights stay as they are."),
    .teacher(\.robust, named: "robust", note: "a robust model; its weights stay as they are."),
    .temperature(\.temperature, hint: "temperature=2", note: "of teachers and student."),
    Setting("hard", \.hard, .atLeastZero(hint: "hard=0.3"), note: "weight of the labels."),
    Setting(
      "soft_natural", \.softNatural, .atLeastZero(hint: "soft_natural=0.1"), note: "weight of the natural teacher."),
    Setting("soft_robust", \.softRobust, .atLeastZero(hint: "soft_robust=0.6"), note: "weight of the robust teacher."),
    .choice("attack_mode", \.attackMode, note: "how the student runs while the attack works: \"train\" or \"eval\"."),
  ]

  /// The model trained on natural images; it must be given.
  public var natural: Model?
  /// The robust model; it must be given.
  public var robust: Model?
  /// What the logits of teachers and student are divided by.
  public var temperature: Temperature = 2
  /// The weight of the labels.
  public var hard = 0.3
  /// The weight of the natural teacher.
  public var softNatural = 0.1
  /// The weight of the robust teacher.
  public var softRobust = 0.6
  /// How the student runs while the attack works.
  public var attackMode = Mode.train

  public init() {}

  /// A method with these teachers and this temperature.
  ///
  /// - Parameter weights: of the labels, of the natural teacher and of the robust one.
  public init(
    natural: Model, robust: Model, temperature: Temperature = 2, weights: [Double] = [0.3, 0.1, 0.6]
  ) {
    self.natural = natural
    self.robust = robust
    self.temperature = temperature
    if weights.count == 3 { (hard, softNatural, softRobust) = (weights[0], weights[1], weights[2]) }
  }

  public var teachers: [(name: String, model: Model?)] { [("natural", natural), ("robust", robust)] }
  /// The robust teacher.
  public var teacher: Model? { robust }
  public var softening: Temperature { temperature }

  /// The search by cross-entropy from a uniform start, in the mode of the settings.
  public var inner: InnerMaximisation? {
    InnerMaximisation(start: .uniform, loss: .crossEntropy, mode: attackMode)
  }

  /// The images of the search by cross-entropy.
  public func perturbed(_ step: TrainingStep) throws -> Tensor { try step.adversarial() }

  /// The cross-entropies with labels and teachers, which are the parts of the loss.
  public func loss(_ step: TrainingStep, at adversarial: Tensor) throws -> StepLoss {
    let answers = try [
      step.taught(by: given(natural, "natural", of: Self.name), at: adversarial),
      step.taught(by: given(robust, "robust", of: Self.name), at: adversarial),
    ]
    let logits = try step.forward(adversarial)
    let labels = try step.crossEntropy(logits)
    let soft = try answers.map { try temperature.sharedCrossEntropies(of: logits, with: $0, at: step.position) }
    let total =
      try labels * Float(hard) + soft[0].softness.timesSquare(soft[0].losses).mean() * Float(softNatural)
      + soft[1].softness.timesSquare(soft[1].losses).mean() * Float(softRobust)
    return StepLoss(
      total: total,
      parts: [
        ("loss_labels", labels), ("loss_natural_teacher", try soft[0].losses.mean()),
        ("loss_robust_teacher", try soft[1].losses.mean()),
      ], adversarialLogits: logits)
  }
}
