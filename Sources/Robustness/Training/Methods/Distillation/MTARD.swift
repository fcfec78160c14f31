import Base
import Datasets
import Networks
import Platform
import Tensors

/// Multi-Teacher Adversarial Robustness Distillation (Zhao et al. 2022, arXiv 2306.16170): a robust teacher for x', a natural
/// one for x, and weights that keep the two losses falling at the same pace.
///
/// w_adv·K(q_r(x'), p(x')) + w_nat·K(q_n(x), p(x)), w_adv = 1 − w_nat, K as in RSLAD: the mean over batch and classes of
/// q·(log(q + 1e-5) − log p). In each step, before its loss, w_nat ← w_nat − rate·(w_nat − r_nat/(r_adv + r_nat)) with r =
/// (K/K₀)^beta, K₀ that of the first step; w_nat begins at 1/2. The rate falls to a tenth where the authors' learning rate
/// does. The weight and the first losses are the state of a run.
public struct MTARD: TaughtMethod {
  public static let name = "mtard"
  public static let page = Page(
    "Multi-Teacher Adversarial Robustness Distillation: a robust teacher for x', a natural one for x, with weights that balance.",
    details: """
      w_adv·KL(q_r(x') ‖ p(x')) + w_nat·KL(q_n(x) ‖ p(x)) with w_adv = 1 - w_nat: the robust teacher sees x', the natural \
      one x, both at the temperature and the student at 1. KL(q ‖ p) is the mean over batch and classes of q·(log(q + \
      1e-5) - log p), as in rslad, not multiplied by the square of the temperature. In each step w_nat moves by the rate \
      towards r_nat/(r_adv + r_nat), r = (KL/its first value)^beta, from 1/2; the rate is divided by 10 after each epoch in \
      drops. x' maximises the cross-entropy of the label from x + 0.001·N(0, I), with the student in evaluation mode. Batch \
      norm's running statistics move with the forwards of x', then x. loss_natural and loss_robust are the divergences, \
      weight_natural is w_nat. The later B-MTARD also moves the teachers' temperatures until their entropies agree: \
      temperature=to_entropy(…) makes them agree for each image. Zhao et al. 2022 (arXiv 2306.16170).
      """,
    examples: [("mtard(mlp(), mlp())", "mtard(mlp, mlp, temperature=1)")],
    seeAlso: ["fit", "rslad", "kd_swa", "ltd", "to_entropy"],
    search: ["distillation", "multi-teacher", "balance", "accuracy and robustness", "teacher"])
  public static let settings: [Setting<MTARD>] = [
    .teacher(\.natural, named: "natural", note: "a model trained on natural images; its weights stay as they are."),
    .teacher(\.robust, named: "robust", note: "a robust model; its weights stay as they are."),
    .temperature(\.temperature, hint: "temperature=1", note: "of the teachers."),
    Setting(
      "rate", \.rate, .share(hint: "rate=0.025"), note: "how fast the weights move; 0 keeps them at 1/2."),
    Setting(
      "beta", \.beta, .atLeastZero(hint: "beta=1"), note: "how much the pace of the losses counts; 0 keeps 1/2."),
    Setting(
      "drops", \.drops, .ints(1...1_000_000, hint: "drops=[215, 260, 285]"),
      note: "epochs after which the rate is divided by 10, as the authors' learning rate is."),
  ]

  /// The model trained on natural images; it must be given.
  public var natural: Model?
  /// The robust model; it must be given.
  public var robust: Model?
  /// What the logits of the teachers are divided by.
  public var temperature: Temperature = 1
  /// How fast the weights move.
  public var rate = 0.025
  /// How much the pace of the losses counts.
  public var beta = 1.0
  /// The epochs after which the rate is divided by 10.
  public var drops = [215, 260, 285]

  public init() {}

  /// A method with these teachers.
  public init(natural: Model, robust: Model, temperature: Temperature = 1) {
    self.natural = natural
    self.robust = robust
    self.temperature = temperature
  }

  public var teachers: [(name: String, model: Model?)] { [("natural", natural), ("robust", robust)] }
  public var softening: Temperature { temperature }

  /// The search by cross-entropy, from a normal start.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, loss: .crossEntropy) }

  /// A process that keeps the weights.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess { Process(self) }

  /// The loss of a first step.
  public func loss(_ step: TrainingStep) throws -> StepLoss { try Process(self).loss(step) }

  private final class Process: TrainingProcess {
    private let settings: MTARD
    private let watch: Watch
    private var weight = 0.5
    /// The divergences of the first step; nil before it.
    private var first: (natural: Double, robust: Double)?

    init(_ settings: MTARD) {
      self.settings = settings
      watch = Watch(settings.teachers)
    }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      let adversarial = try step.adversarial()
      let natural = try step.taught(by: given(settings.natural, "natural", of: MTARD.name))
      let moved = try step.taught(by: given(settings.robust, "robust", of: MTARD.name), at: adversarial)
      let adversarialLogits = try step.forward(adversarial)
      let logits = try step.forward(step.images)
      func divergence(_ logits: Tensor, _ answers: Tensor) throws -> Tensor {
        let q = try settings.temperature.softness(of: answers, at: step.position).softmax(answers)
        let rows = try (q * (q.affine(scale: 1, offset: 1e-5).log() - logits.logSoftmax())).sum(axes: [1])
        return try DivergenceMean.overClasses(rows, classes: logits.shape[1])
      }
      let (clean, robust) = (try divergence(logits, natural), try divergence(adversarialLogits, moved))
      let values = try Tensor.items([clean.detached(), robust.detached()])
      balance((values[0], values[1]), at: step.position)
      return StepLoss(
        total: try robust * Float(1 - weight) + clean * Float(weight),
        parts: [
          ("loss_natural", clean), ("loss_robust", robust), ("weight_natural", try .scalar(Float(weight))),
        ], naturalLogits: logits, adversarialLogits: adversarialLogits)
    }

    /// Moves the weight by the pace of the losses.
    private func balance(_ now: (natural: Double, robust: Double), at position: TrainingPosition) {
      let first = first ?? now
      self.first = first
      let drops = settings.drops.count { $0 <= position.epoch }
      let rate = settings.rate * pow(0.1, Double(drops))
      let (natural, robust) = (
        pow(now.natural / first.natural, settings.beta), pow(now.robust / first.robust, settings.beta)
      )
      let aim = natural / (natural + robust)
      // A loss of 0 from the first step on has no pace.
      if aim.isFinite { weight -= rate * (weight - aim) }
    }

    func after(epoch position: TrainingPosition, _ model: Model) throws -> String? {
      try watch.check()
      return nil
    }

    var state: NamedTensors {
      get throws(CoreError) {
        var numbers = [("weight", weight)]
        if let first { numbers += [("first_natural", first.natural), ("first_robust", first.robust)] }
        var state: NamedTensors = []
        for (name, number) in numbers {
          state.append((name, try Tensor(ints: [Int(truncatingIfNeeded: number.bitPattern)], shape: [])))
        }
        return try state + watch.state
      }
    }

    func restore(_ state: NamedTensors) throws(CoreError) {
      var numbers: [String: Double] = [:]
      let own = ["weight", "first_natural", "first_robust"]
      for (name, tensor) in state where own.contains(name) {
        guard tensor.dtype == .int64, tensor.count == 1, let bits = tensor.ints().first else {
          throw CoreError(.shape, "'\(name)' of a training run must be one whole number")
        }
        numbers[name] = Double(bitPattern: UInt64(truncatingIfNeeded: bits))
      }
      guard let weight = numbers["weight"] else {
        throw CoreError(.value, "this is the state of a run with other teachers")
      }
      try watch.restore(state.filter { !own.contains($0.name) })
      self.weight = weight
      first = nil
      if let natural = numbers["first_natural"], let robust = numbers["first_robust"] { first = (natural, robust) }
    }
  }
}
