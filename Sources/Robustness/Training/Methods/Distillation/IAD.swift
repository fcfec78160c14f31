import Base
import Networks
import Tensors

/// Introspective Adversarial Distillation (Zhu et al. 2022): the student trusts its teacher as far as the teacher knows the
/// label of x', and itself for the rest.
///
/// With one teacher it is IAD-I, KL(q(x) ‖ p(x')) + mean (1 − A)·KL(p(x) ‖ p(x')), with two it is IAD-II, where the teacher
/// sees x', its divergence is weighted by A, and labels and a natural teacher have shares. A = q_y(x')^trust, which no
/// gradient flows through. In IAD-I the teacher's term has no weight A: the paper has one, the authors' code has none.
///
/// In the code some forwards of the student are made and not used (x' and x once more in each step), which moves batch norm's
/// running statistics once more and changes nothing else; they are not made here.
public struct IAD: DistillationMethod {
  public static let name = "iad"
  public static let page = Page(
    "Introspective Adversarial Distillation: a teacher is trusted as far as it knows the label of x'.",
    details: """
      With one teacher, IAD-I: T²·KL(q(x) ‖ p(x')) + mean (1 - A)·KL(p(x) ‖ p(x')), with A = q_y(x')^trust at temperature \
      1; the first `begin` epochs (60) have the first term alone. The teacher of the first term sees the natural image.

      With natural=…, IAD-II: 0.25·CE(p(x'), y) + 0.5·T²·[A·KL(q(x') ‖ p(x')) + (1 - A)·KL(p(x) ‖ p(x'))] + \
      0.25·T²·KL(q_n(x') ‖ p(x')), both teachers at x'; the first `begin` epochs (40) have A = 1.

      Divergences are sums over classes and means over the batch; those from teachers have both sides at the temperature \
      and are multiplied by its square, that of the student from itself is at 1, and its gradient flows through both \
      sides. x' maximises the cross-entropy of the label from x + U(-eps, eps), not clipped before the first step, with \
      the student in training mode: each forward of the attack moves batch norm's running statistics, then that of x' \
      does, then in IAD-I and where it is needed that of x. The authors' code makes further forwards that it does not use. \
      Zhu et al. 2022 (ICLR).
      """,
    examples: [("iad(mlp())", "iad(mlp, temperature=1)"), ("iad(mlp(), begin=0)", "iad(mlp, temperature=1, begin=0)")],
    seeAlso: ["fit", "ard", "adaad", "rslad", "igdm"],
    search: ["distillation", "introspective", "reliable teacher", "akd2", "teacher"])
  public static let settings: [Setting<IAD>] = [
    .teacher(\.teacher, note: "a robust model; its weights stay as they are."),
    Setting(
      "natural", type: "model | none", expected: "a model, or none",
      note: "a model trained on natural images, which makes it IAD-II.",
      read: { $0.natural.map { .reference($0) } ?? .none },
      write: { iad, value in
        switch value {
        case .none: iad.natural = nil
        case .reference(let made):
          guard let model = made as? Model else { return false }
          iad.natural = model
        default: return false
        }
        return true
      }),
    .temperature(\.temperature, hint: "temperature=1", note: "of teachers and student."),
    Setting(
      "begin", \.begin, .int(0...1_000_000, hint: "begin=60"),
      note: "epochs in which the teacher is trusted whole; when left out 60, with two teachers 40."),
    Setting(
      "trust", \.trust, .atLeastZero(hint: "trust=0.1"),
      note: "exponent of the teacher's probability of the label; 0 trusts it always."),
    .choice("attack_mode", \.attackMode, note: "how the student runs while the attack works: \"train\" or \"eval\"."),
  ]

  /// The robust model; it must be given.
  public var teacher: Model?
  /// A model trained on natural images; nil for IAD-I.
  public var natural: Model?
  /// What the logits of teachers and student are divided by.
  public var temperature: Temperature = 1
  /// The epochs in which the teacher is trusted whole; nil stands for 60, with two teachers 40.
  public var begin: Int?
  /// The exponent of the teacher's probability of the label.
  public var trust = 0.1
  /// How the student runs while the attack works.
  public var attackMode = Mode.train

  public init() {}

  /// A method with this teacher; see the settings for what the numbers mean.
  public init(teacher: Model, natural: Model? = nil, temperature: Temperature = 1, begin: Int? = nil) {
    self.teacher = teacher
    self.natural = natural
    self.temperature = temperature
    self.begin = begin
  }

  public var teachers: [(name: String, model: Model?)] {
    [("teacher", teacher)] + (natural.map { [("natural", $0)] } ?? [])
  }
  public var softening: Temperature { temperature }

  /// The search by cross-entropy, in the mode of the settings.
  public var inner: InnerMaximisation? {
    InnerMaximisation(start: attackMode == .train ? .unclipped : .uniform, loss: .crossEntropy, mode: attackMode)
  }

  /// The images of the search by cross-entropy.
  public func perturbed(_ step: TrainingStep) throws -> Tensor { try step.adversarial() }

  /// The divergences from teachers and from the student itself, which are parts of the loss.
  public func loss(_ step: TrainingStep, at adversarial: Tensor) throws -> StepLoss {
    let teacher = try given(teacher, "teacher", of: Self.name)
    let isTrusting = step.position.epoch < begin ?? (natural == nil ? 60 : 40)
    let moved = try isTrusting && natural == nil ? nil : step.taught(by: teacher, at: adversarial)
    let answers =
      try natural == nil ? step.taught(by: teacher) : moved ?? step.taught(by: teacher, at: adversarial)
    let other = try natural.map { try step.taught(by: $0, at: adversarial) }
    let logits = try step.forward(adversarial)
    func divergence(_ answers: Tensor) throws -> Tensor {
      let (losses, softness) = try temperature.sharedDivergences(of: logits, from: answers, at: step.position)
      return try softness.timesSquare(losses)
    }
    let taught = try divergence(answers)
    var loss = StepLoss(total: taught, parts: [], adversarialLogits: logits)
    // IAD-I has a natural forward in each step, as the authors' code; IAD-II where it is needed.
    if natural == nil || !isTrusting { loss.naturalLogits = try step.forward(step.images) }
    var own = try Tensor.zeros([logits.shape[0]])
    var shares = try Tensor.full([logits.shape[0]], 1)
    if !isTrusting, let moved, let natural = loss.naturalLogits {
      let known = try (moved.softmax() * step.distributions()).sum(axes: [1])
      shares = try (known.clip(min: 1e-38).log() * Float(trust)).exp()
      own = try divergences(natural.logSoftmax(), logits.logSoftmax()) * shares.affine(scale: -1, offset: 1)
    }
    guard let other else {
      loss.total = try (taught + own).mean()
      loss.parts = [("loss_teacher", try taught.mean()), ("loss_self", try own.mean())]
      return loss
    }
    let hard = try step.crossEntropy(logits)
    let second = try divergence(other).mean()
    // T² weights the divergence from itself too, as in the authors' code, where it is 1.
    let first = try (taught * shares + temperature.squared(own, answers, at: step.position)).mean()
    loss.total = try hard * 0.25 + first * 0.5 + second * 0.25
    loss.parts = [("loss_labels", hard), ("loss_robust_teacher", first), ("loss_natural_teacher", second)]
    return loss
  }
}

extension Temperature {
  /// Losses [n] times the square of a teacher's temperature.
  fileprivate func squared(
    _ losses: Tensor, _ teacher: Tensor, at position: TrainingPosition
  ) throws(CoreError) -> Tensor {
    try softness(of: teacher, at: position).timesSquare(losses)
  }
}
