import Base
import Networks
import Tensors

/// Low Temperature Distillation as reconstructed (Chen & Lee, arXiv 2111.02331, whose code was never published): soft
/// labels q = softmax(z_T(x)/temperature) of a frozen teacher, trained on natural images, replace one-hot labels inside an
/// adversarial training loss, while the student's temperature is 1 in training, attack and inference.
///
/// - With TRADES: H(q, p(x)) + beta·KL(p(x) ‖ p(x')), where x' maximises the divergence: the form of a published reading
///   note of the paper, which names 5 as a good temperature for wide residual networks, and the default.
/// - With PGD-AT: H(q, p(x')), where x' maximises the cross-entropy of the true class.
/// - With MART: the boosted cross-entropy with H(q, p(x')) for its first term; its second and the weights of the
///   divergence keep the labels.
/// - With natural images too: (1 - nat_weight)·H(q, p(x')) + nat_weight·H(q, p(x)).
///
/// No loss is multiplied by a squared temperature. The teacher is in evaluation mode and sees the natural (augmented)
/// image, or x'. With `mix` > 0 the target is (1 - mix)·q + mix·one-hot.
public struct LTD: DistillationMethod {
  /// The loss in which soft labels take the place of hard ones.
  public enum Framework: String, SettingChoice {
    /// The loss of TRADES; the soft labels stand in its natural term.
    case trades
    /// The loss of adversarial training.
    case pgdAT = "pgd_at"
    /// The loss of MART; the soft labels stand in its cross-entropy.
    case mart
    /// Adversarial and natural images side by side.
    case natural = "nat"
  }

  /// Which images the teacher labels.
  public enum TeacherInput: String, SettingChoice {
    /// The natural ones, as the student gets them.
    case natural
    /// Those that the attack has found.
    case adversarial
  }

  /// What the attack pulls the student away from, where it climbs a cross-entropy.
  public enum InnerTarget: String, SettingChoice {
    /// The class.
    case hard
    /// The soft label.
    case soft
  }

  /// Which forwards of the student move the running statistics of batch norm.
  public enum Statistics: String, SettingChoice {
    /// That of the natural images and that of the adversarial ones.
    case both
    /// That of the natural images alone.
    case natural
    /// That of the adversarial images alone.
    case adversarial
  }

  public static let name = "ltd"
  public static let page = Page(
    "Low Temperature Distillation as reconstructed: a teacher's soft labels inside an adversarial training loss.",
    details: """
      By default H(q, p(x)) + beta·KL(p(x) ‖ p(x')) with q = softmax(z_T(x)/temperature): the frozen teacher, usually \
      trained on natural images, sees the natural image; the student's temperature is 1 in training, attack and inference.

      - on="trades": the above; x' maximises the divergence from x + 0.001·N(0, I), and gradients flow through both of its \
      sides.
      - on="pgd_at": H(q, p(x')); x' maximises the cross-entropy from x + U(-eps, eps).
      - on="mart": MART with H(q, p(x')) in place of its cross-entropy; the term of the strongest wrong class and the \
      weights 1 - p_y(x) keep the labels. x' maximises the cross-entropy from x + 0.001·N(0, I).
      - on="nat": (1 - nat_weight)·H(q, p(x')) + nat_weight·H(q, p(x)), with the x' of pgd_at.

      H and KL are sums over classes and means over the batch; nothing is multiplied by the square of the temperature. The \
      teacher runs in evaluation mode, the attack on the student in evaluation mode. Batch norm's running statistics move \
      with the forwards of x, then x' (with forwards=3 then x again; within awp(…) with x' first).

      The method is that of Chen & Lee, arXiv 2111.02331, whose code was never published; loss and temperature follow a \
      published reading note of the paper, and no number of theirs is claimed here.
      """,
    examples: [
      ("ltd(mlp())", "ltd(mlp, temperature=5, beta=6)"),
      ("ltd(mlp(), temperature=3, on=\"pgd_at\")", "ltd(mlp, temperature=3, on=\"pgd_at\")"),
    ],
    seeAlso: ["fit", "trades", "awp", "soften", "whatif", "to_entropy", "rslad"],
    search: ["distillation", "temperature", "soft labels", "teacher", "low temperature distillation"])
  public static let settings: [Setting<LTD>] = [
    .teacher(\.teacher, note: "a trained model; its weights stay as they are."),
    .temperature(
      \.temperature, hint: "try temperature=5, or another from 1 to 10",
      note: "of the teacher. 1 is nearly one-hot for an over-confident teacher; large is nearly uniform."),
    Setting(
      "beta", \.weight, .atLeastZero(hint: "beta=0 leaves its term out"),
      note: "weight of the divergence of trades and mart; pgd_at and nat have none and refuse it.", isAlwaysShown: true),
    Setting(
      "mix", \.mix, .share(hint: "mix=0 leaves labels out"), note: "the target is (1 - mix)·q + mix·one-hot."),
    .choice("on", \.framework, note: "the loss around it: \"trades\", \"pgd_at\", \"mart\" or \"nat\"."),
    Setting(
      "nat_weight", \.naturalWeight, .share(hint: "nat_weight=0.5"),
      note: "share of the natural images in on=\"nat\"; 0.5 when left out."),
    .choice("teacher_input", \.teacherInput, note: "which image the teacher labels: \"natural\" or \"adversarial\"."),
    .choice(
      "inner", \.innerTarget,
      note: """
        what the attack of pgd_at, mart and nat climbs: the cross-entropy with the label, "hard", which it is when left \
        out, or with the target of the loss, "soft". trades climbs its divergence and refuses it.
        """),
    .choice(
      "bn", \.statistics,
      note: """
        which forwards move the running statistics of batch norm: "both", or "natural" or "adversarial" alone, with which \
        training hardly converges. pgd_at has one forward and refuses a choice.
        """),
    Setting(
      "forwards", \.forwards, .int(2...3, hint: "forwards=3 is TRADES as its authors have it"),
      note: "of trades in training mode: 2 when left out, or 3, with another of x for the divergence."),
  ]

  /// The model whose soft labels are learned; it must be given.
  public var teacher: Model?
  /// What the teacher's logits are divided by.
  public var temperature: Temperature = 5
  /// The weight of the divergence; nil stands for 6 where there is one.
  public var beta: Double?
  /// The share of one-hot labels in the target, from 0 to 1.
  public var mix = 0.0
  /// The loss around the soft labels.
  public var framework = Framework.trades
  /// The share of the natural images in `Framework.natural`, from 0 to 1; nil stands for a half.
  public var naturalWeight: Double?
  /// Which images the teacher labels.
  public var teacherInput = TeacherInput.natural
  /// What the attack pulls the student away from; nil stands for the class.
  public var innerTarget: InnerTarget?
  /// Which forwards move the running statistics of batch norm.
  public var statistics = Statistics.both
  /// Forwards of `Framework.trades` in training mode, 2 or 3; nil stands for 2.
  public var forwards: Int?
  /// Whether the forward of x' comes first, as in the code of AWP.
  private var beginsAdversarial = false

  private static let usualBeta = 6.0

  private var hasDivergence: Bool { framework == .trades || framework == .mart }

  /// The weight of the divergence that is used; nil where there is no such term.
  private var weight: Double? {
    get { hasDivergence ? beta ?? Self.usualBeta : beta }
    set { beta = newValue }
  }

  public init() {}

  /// A method with this teacher; see the settings for what the numbers mean.
  public init(
    teacher: Model, temperature: Temperature = 5, beta: Double? = nil, mix: Double = 0,
    framework: Framework = .trades, naturalWeight: Double? = nil, forwards: Int? = nil
  ) {
    self.teacher = teacher
    self.temperature = temperature
    self.beta = beta
    self.mix = mix
    self.framework = framework
    self.naturalWeight = naturalWeight
    self.forwards = forwards
  }

  /// Refuses what the loss would not use.
  public func validateTogether() throws(CoreError) {
    func refuse(_ isRefused: Bool, _ name: String, _ reason: String, _ hint: String) throws(CoreError) {
      guard isRefused else { return }
      throw CoreError(.value, "\(reason): \(name) of ltd would not be used", hint: hint, argument: name)
    }
    try refuse(
      !hasDivergence && beta != nil, "beta", "\(framework.rawValue) has no robust term",
      "leave beta out, or on=\"trades\"")
    try refuse(
      framework != .natural && naturalWeight != nil, "nat_weight",
      "\(framework.rawValue) has no share of natural images", "leave nat_weight out, or on=\"nat\"")
    try refuse(
      framework == .trades && innerTarget != nil, "inner", "the attack of trades climbs its divergence",
      "leave inner out, or on=\"pgd_at\"")
    try refuse(
      framework == .pgdAT && statistics != .both, "bn", "pgd_at has one forward, which moves the statistics",
      "leave bn out, or on=\"trades\"")
    try refuse(
      framework != .trades && forwards != nil, "forwards", "\(framework.rawValue) has no second forward of x",
      "leave forwards out, or on=\"trades\"")
    guard innerTarget != .soft || teacherInput == .natural else {
      throw CoreError(
        .value, "with teacher_input=\"adversarial\" there is no soft label before the attack has found its images",
        hint: "inner=\"hard\", or teacher_input=\"natural\"", argument: "inner")
    }
  }

  public var softening: Temperature { temperature }

  /// The inner maximisation of the loss around the soft labels.
  public var inner: InnerMaximisation? {
    switch framework {
    case .trades: TRADES().inner
    case .pgdAT, .natural: PGDAT().inner
    case .mart: MART().inner
    }
  }

  /// The code of AWP runs x' first.
  public var withPerturbedWeights: any TrainingMethod {
    var method = self
    method.beginsAdversarial = framework == .trades
    return method
  }

  /// The images of the inner maximisation, away from the class or from the soft label.
  public func perturbed(_ step: TrainingStep) throws -> Tensor {
    guard innerTarget == .soft, let inner else { return try step.adversarial() }
    let target = try target(of: step, step.taught(by: given(teacher, "teacher", of: Self.name)))
    return try step.maximise(start: inner.start, mode: inner.mode) { logits, examples in
      try crossEntropy(logits, target: target.rows(of: examples), reduction: .none)
    }
  }

  /// The loss with soft labels; its terms are its parts, where there are two.
  public func loss(_ step: TrainingStep, at adversarial: Tensor) throws -> StepLoss {
    let teacher = try given(teacher, "teacher", of: Self.name)
    let answers = try teacherInput == .natural ? step.taught(by: teacher) : step.taught(by: teacher, at: adversarial)
    let target = try target(of: step, answers)
    if framework == .pgdAT {
      let logits = try step.forward(adversarial)
      return StepLoss(total: try crossEntropy(logits, target: target), adversarialLogits: logits)
    }
    let logits = try logits(step, adversarial)
    let first: Tensor
    let second: Tensor
    var total: Tensor
    var names = ("loss_natural", "loss_robust")
    switch framework {
    case .trades:
      first = try crossEntropy(logits.natural, target: target)
      second = try klDivergence(logits.reference, logits.adversarial)
      total = try first + second * Float(beta ?? Self.usualBeta)
    case .mart:
      (first, second) = try MART.terms(step, logits.natural, logits.adversarial, target: target)
      total = try first + second * Float(beta ?? Self.usualBeta)
      names = ("loss_bce", "loss_reg")
    default:
      let share = naturalWeight ?? 0.5
      first = try crossEntropy(logits.natural, target: target)
      second = try crossEntropy(logits.adversarial, target: target)
      total = try second * Float(1 - share) + first * Float(share)
    }
    return StepLoss(
      total: total, parts: [(names.0, first), (names.1, second)], naturalLogits: logits.natural,
      adversarialLogits: logits.adversarial)
  }

  /// The forwards of x, of x for the divergence, and of x', in the order of the method.
  private func logits(
    _ step: TrainingStep, _ images: Tensor
  ) throws -> (natural: Tensor, reference: Tensor, adversarial: Tensor) {
    func natural() throws -> Tensor {
      try step.forward(step.images, movesStatistics: statistics != .adversarial)
    }
    func adversarial() throws -> Tensor { try step.forward(images, movesStatistics: statistics != .natural) }
    if beginsAdversarial {
      let adversarial = try adversarial()
      let reference = try natural()
      return (forwards == 3 ? try natural() : reference, reference, adversarial)
    }
    let first = try natural()
    let adversarialLogits = try adversarial()
    return (first, forwards == 3 ? try natural() : first, adversarialLogits)
  }

  /// The target (1 - mix)·q + mix·targets, [n, classes], from the teacher's logits.
  private func target(of step: TrainingStep, _ answers: Tensor) throws -> Tensor {
    let soft = try temperature.softness(of: answers, at: step.position).softmax(answers)
    guard mix != 0 else { return soft }
    return try soft * Float(1 - mix) + step.distributions() * Float(mix)
  }
}
