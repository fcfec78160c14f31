import Base
import Networks
import Tensors

/// Adversarially Robust Distillation (Goldblum et al. 2020): the student's answer to x' is drawn to the teacher's answer to
/// the natural image, both at one temperature.
///
/// alpha·T²·KL(q ‖ p') + (1 - alpha)·CE(p(x), y) with q = softmax(z_T(x)/T) and p' = softmax(z(x')/T). The authors' code
/// averages the divergence over batch and classes, PyTorch's default, and leaves the student in training mode while the
/// attack works, from x + U(-eps, eps) that is not clipped before the first step. It runs the natural images whatever
/// alpha is, so that the running statistics see both kinds.
///
/// Its schedule has a slip that no setting repeats: both of its milestones set the rate to 0.01.
public struct ARD: DistillationMethod {
  public static let name = "ard"
  public static let page = Page(
    "Adversarially Robust Distillation: alpha·T²·KL(q(x) ‖ p(x')) + (1 - alpha)·CE(p(x), y), both sides at temperature T.",
    details: """
      q = softmax(z_T(x)/T) are the labels of a robust teacher, which sees the natural image, and the student's x' has the \
      same temperature in the loss; attacked, and used later, it is at 1. KL(q ‖ p) is the mean over batch and classes, as \
      in the authors' code (reduction="batchmean" divides by the batch alone), and multiplied by T². x' maximises the \
      cross-entropy of the label from x + U(-eps, eps), which is not clipped before the first step, with the student in \
      training mode, so that each forward of the attack moves batch norm's running statistics; then x' does, then x, \
      even where alpha=1 leaves its term out (bn="adversarial" leaves out that forward, or puts the statistics back). \
      With attack_mode="eval" the start is clipped and nothing of the attack moves them. Goldblum et al. 2020.
      """,
    examples: [("ard(mlp())", "ard(mlp, temperature=30, alpha=1)")],
    seeAlso: ["fit", "ltd", "rslad", "iad", "igdm", "soften"],
    search: ["distillation", "adversarially robust distillation", "goldblum", "teacher"])
  public static let settings: [Setting<ARD>] = [
    .teacher(\.teacher, note: "a robust model; its weights stay as they are."),
    .temperature(
      \.temperature, hint: "temperature=30", note: "of teacher and student."),
    Setting(
      "alpha", \.alpha, .share(hint: "alpha=1 is the authors' code"),
      note: "share of the divergence; the rest is that of the labels.", isAlwaysShown: true),
    .choice(
      "reduction", \.reduction,
      note: "the mean of the divergence: \"mean\" over batch and classes, or \"batchmean\" over the batch."),
    .choice("attack_mode", \.attackMode, note: "how the student runs while the attack works: \"train\" or \"eval\"."),
    .choice(
      "bn", \.statistics,
      note: "which forwards of the loss move the running statistics of batch norm: \"both\" or \"adversarial\"."),
  ]

  /// Which forwards of the loss move the running statistics of batch norm.
  public enum Statistics: String, SettingChoice {
    /// That of x' and that of x.
    case both
    /// That of x' alone.
    case adversarial
  }

  /// The model whose soft labels are learned; it must be given.
  public var teacher: Model?
  /// What the logits of teacher and student are divided by.
  public var temperature: Temperature = 30
  /// The share of the divergence, from 0 to 1.
  public var alpha = 1.0
  /// How the divergence is averaged.
  public var reduction = DivergenceMean.overClasses
  /// How the student runs while the attack works.
  public var attackMode = Mode.train
  /// Which forwards of the loss move the running statistics.
  public var statistics = Statistics.both

  public init() {}

  /// A method with this teacher; see the settings for what the numbers mean.
  public init(
    teacher: Model, temperature: Temperature = 30, alpha: Double = 1, reduction: DivergenceMean = .overClasses,
    attackMode: Mode = .train, statistics: Statistics = .both
  ) {
    self.teacher = teacher
    self.temperature = temperature
    self.alpha = alpha
    self.reduction = reduction
    self.attackMode = attackMode
    self.statistics = statistics
  }

  public var softening: Temperature { temperature }

  /// The search by cross-entropy, in the mode of the settings.
  public var inner: InnerMaximisation? {
    InnerMaximisation(start: attackMode == .train ? .unclipped : .uniform, loss: .crossEntropy, mode: attackMode)
  }

  /// The images of the search by cross-entropy.
  public func perturbed(_ step: TrainingStep) throws -> Tensor { try step.adversarial() }

  /// The divergence and the cross-entropy, which are the parts of the loss.
  public func loss(_ step: TrainingStep, at adversarial: Tensor) throws -> StepLoss {
    let answers = try step.taught(by: given(teacher, "teacher", of: Self.name))
    let logits = try step.forward(adversarial)
    let (losses, softness) = try temperature.sharedDivergences(of: logits, from: answers, at: step.position)
    let squared = try reduction(softness.timesSquare(losses), classes: logits.shape[1])
    let divergence = try reduction(losses.detached(), classes: logits.shape[1])
    var loss = StepLoss(
      total: try squared * Float(alpha), parts: [("loss_robust", divergence)], adversarialLogits: logits)
    guard alpha < 1 || statistics == .both else { return loss }
    let natural = try step.forward(step.images, movesStatistics: statistics == .both)
    loss.naturalLogits = natural
    guard alpha < 1 else { return loss }
    let hard = try step.crossEntropy(natural)
    loss.total = try loss.total + hard * Float(1 - alpha)
    loss.parts.append(("loss_natural", hard))
    return loss
  }
}
