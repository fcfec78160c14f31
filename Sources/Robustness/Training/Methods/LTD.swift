import Base
import Networks
import Tensors

/// Low Temperature Distillation as reconstructed (Chen & Lee, arXiv 2111.02331, whose code was never published): soft
/// labels q = softmax(z_T(x)/temperature) of a frozen teacher replace one-hot labels inside an adversarial training
/// loss, while the student's temperature is 1 in training, attack and inference.
///
/// - With TRADES: H(q, p(x)) + beta·KL(p(x) ‖ p(x')), where x' maximises the divergence.
/// - With PGD-AT: H(q, p(x')), where x' maximises the cross-entropy of the true class.
///
/// The teacher is in evaluation mode and sees the natural (augmented) image. With `mix` > 0 the target is
/// (1 - mix)·q + mix·one-hot.
public struct LTD: StatelessMethod {
  /// The loss in which soft labels take the place of hard ones.
  public enum Framework: String, SettingChoice {
    /// The loss of TRADES; the soft labels stand in its natural term.
    case trades
    /// The loss of adversarial training.
    case pgdAT = "pgd_at"
  }

  public static let name = "ltd"
  public static let page = Page(
    "Low Temperature Distillation as reconstructed: a teacher's soft labels inside an adversarial training loss.",
    details: """
      H(q, p(x)) + beta·KL(p(x) ‖ p(x')) with q = softmax(z_T(x)/temperature): the frozen teacher sees the natural image, \
      the student's temperature is 1 in training, attack and inference. The method is that of Chen & Lee, \
      arXiv 2111.02331, whose code was never published: no number of theirs is claimed here.
      """,
    examples: [("ltd(mlp(), temperature=3)", "ltd(mlp, temperature=3, beta=6)")],
    seeAlso: ["fit", "trades", "whatif", "soft_labels"],
    search: ["distillation", "temperature", "soft labels", "teacher"])
  public static let settings: [Setting<LTD>] = [
    .required("teacher", type: "model", \.teacher, note: "a trained model; its weights stay as they are."),
    Setting(
      "temperature", \.temperature, .positive(hint: "try temperature=3, or another from 1 to 10"),
      note: "of the teacher. 1 is nearly one-hot for an over-confident teacher; large is nearly uniform.",
      isAlwaysShown: true),
    Setting(
      "beta", \.weight, .atLeastZero(hint: "beta=0 leaves its term out"),
      note: "weight of the robust term of trades; pgd_at has none and refuses it.", isAlwaysShown: true),
    Setting(
      "mix", \.mix, .share(hint: "mix=0 leaves labels out"), note: "the target is (1 - mix)·q + mix·one-hot."),
    .choice("on", \.framework, note: "the loss around it, \"trades\" or \"pgd_at\"."),
  ]

  /// The model whose soft labels are learned; it must be given.
  public var teacher: Model?
  /// What the teacher's logits are divided by, above 0.
  public var temperature = 3.0
  /// The weight of the divergence; nil stands for 6 with TRADES, and is all that PGD-AT allows, which has no such term.
  public var beta: Double?
  /// The share of the one-hot label in the target, from 0 to 1.
  public var mix = 0.0
  /// The loss around the soft labels.
  public var framework = Framework.trades

  private static let usualBeta = 6.0

  /// The weight of the divergence that is used; nil where there is no such term.
  private var weight: Double? {
    get { framework == .trades ? beta ?? Self.usualBeta : beta }
    set { beta = newValue }
  }

  public init() {}

  /// A method with this teacher; see the settings for what the numbers mean.
  public init(
    teacher: Model, temperature: Double = 3, beta: Double? = nil, mix: Double = 0, framework: Framework = .trades
  ) {
    self.teacher = teacher
    self.temperature = temperature
    self.beta = beta
    self.mix = mix
    self.framework = framework
  }

  /// Refuses a weight that no term would use.
  public func validateTogether() throws(CoreError) {
    guard framework == .trades || beta == nil else {
      throw CoreError(
        .value, "pgd_at has no robust term: beta of ltd would not be used",
        hint: "leave beta out, or on=\"pgd_at\"", argument: "beta")
    }
  }

  /// Checks that the teacher fits the student: another model with the same images and classes, whose weights are
  /// finite.
  public func validate(for model: Model) throws(CoreError) {
    let teacher = try requireTeacher()
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
    if let damage = teacher.damage {
      throw CoreError(
        .numeric, "the teacher \(teacher.name) cannot give labels: \(damage)", hint: "train it anew, or load it again",
        argument: "method")
    }
  }

  /// The inner maximisation of the loss around the soft labels; they have no part in it.
  public var inner: InnerMaximisation? {
    switch framework {
    case .trades: TRADES().inner
    case .pgdAT: PGDAT().inner
    }
  }

  /// The loss with soft labels; in TRADES its two terms are its parts.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let adversarial = try step.adversarial()
    let target = try softLabels(step.images, step.distributions())
    guard framework == .trades else {
      let logits = try step.forward(adversarial)
      return StepLoss(total: try crossEntropy(logits, target: target), adversarialLogits: logits)
    }
    let logits = try step.forward(step.images)
    let adversarialLogits = try step.forward(adversarial)
    let natural = try crossEntropy(logits, target: target)
    let robust = try klDivergence(logits, adversarialLogits)
    return StepLoss(
      total: try natural + robust * Float(beta ?? Self.usualBeta),
      parts: [("loss_natural", natural), ("loss_robust", robust)],
      naturalLogits: logits, adversarialLogits: adversarialLogits)
  }

  /// The target (1 - mix)·softmax(z_T(x)/temperature) + mix·targets, [n, classes].
  ///
  /// - Parameter targets: [n, classes], one-hot or mixed.
  /// - Throws: `numeric` where the teacher's logits are not finite.
  public func softLabels(_ images: Tensor, _ targets: Tensor) throws -> Tensor {
    let teacher = try requireTeacher()
    let logits = try teacher(images)
    try requireFinite(logits, of: teacher)
    let soft = try logits.softmax(temperature: Float(temperature))
    guard mix != 0 else { return soft }
    return try soft * Float(1 - mix) + targets * Float(mix)
  }

  private func requireTeacher() throws(CoreError) -> Model {
    guard let teacher else { throw CoreError(.value, "ltd needs a teacher, a model", argument: "method") }
    return teacher
  }
}
