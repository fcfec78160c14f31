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
/// does. B-MTARD, its successor, has temperatures of both teachers as well, which move by a fixed amount in each step until
/// the mean entropies of their labels agree. Weight, temperatures and first losses are the state of a run.
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
      weight_natural is w_nat. With temperature_rate=0.001 it is \
      B-MTARD: after each step each teacher's temperature, from `temperature` on and from 1 to 10, moves by that much, down \
      for the one whose labels have the larger mean entropy (with log(q + 1e-5)) in the batch, up for the other. \
      temperature=to_entropy(…) makes entropies agree for each image. Zhao et al. 2022 (arXiv 2306.16170).
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
      note: "epochs after which both rates are divided by 10, as the authors' learning rate is."),
    Setting(
      "temperature_rate", \.temperatureRate, .atLeastZero(hint: "temperature_rate=0.001"),
      note: "how far the teachers' temperatures move in a step; 0 leaves them, 0.001 is B-MTARD."),
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
  /// How far the teachers' temperatures move in a step; 0 leaves them.
  public var temperatureRate = 0.0

  public init() {}

  /// A method with these teachers.
  public init(natural: Model, robust: Model, temperature: Temperature = 1) {
    self.natural = natural
    self.robust = robust
    self.temperature = temperature
  }

  /// Temperatures that move begin with a number.
  public func validateTogether() throws(CoreError) {
    guard temperatureRate > 0, case .rule(let rule) = temperature else { return }
    throw CoreError(
      .value, "\(rule) finds the temperatures: temperature_rate of mtard would not be used",
      hint: "temperature=1, or leave temperature_rate out", argument: "temperature_rate")
  }

  public var teachers: [(name: String, model: Model?)] { [("natural", natural), ("robust", robust)] }
  public var softening: Temperature { temperature }

  /// The search by cross-entropy, from a normal start.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, loss: .crossEntropy) }

  /// The weights of both losses move with each of them.
  public var shardObstacle: (reason: String, hint: String)? { remembersLosses }

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
    /// The temperatures of the next step, where they move.
    private var temperatures: (natural: Double, robust: Double)

    init(_ settings: MTARD) {
      self.settings = settings
      watch = Watch(settings.teachers)
      let begin = if case .fixed(let temperature) = settings.temperature { temperature } else { 1.0 }
      temperatures = (begin, begin)
    }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      let adversarial = try step.adversarial()
      let natural = try step.taught(by: given(settings.natural, "natural", of: MTARD.name))
      let moved = try step.taught(by: given(settings.robust, "robust", of: MTARD.name), at: adversarial)
      let adversarialLogits = try step.forward(adversarial)
      let logits = try step.forward(step.images)
      let isMoving = settings.temperatureRate > 0
      func labels(_ answers: Tensor, _ temperature: Double) throws -> (q: Tensor, logs: Tensor) {
        let found: Temperature = isMoving ? .fixed(temperature) : settings.temperature
        let q = try found.softness(of: answers, at: step.position).softmax(answers)
        return (q, try q.affine(scale: 1, offset: 1e-5).log())
      }
      func divergence(_ logits: Tensor, _ label: (q: Tensor, logs: Tensor)) throws -> Tensor {
        let rows = try (label.q * (label.logs - logits.logSoftmax())).sum(axes: [1])
        return try DivergenceMean.overClasses(rows, classes: logits.shape[1])
      }
      let (own, other) = (try labels(natural, temperatures.natural), try labels(moved, temperatures.robust))
      let (clean, robust) = (try divergence(logits, own), try divergence(adversarialLogits, other))
      let values = try Tensor.items([clean.detached(), robust.detached()])
      balance((values[0], values[1]), at: step.position)
      if isMoving {
        let sharpness = try Tensor.items([(own.q * own.logs).sum(), (other.q * other.logs).sum()])
        adapt(by: sharpness[0] - sharpness[1], at: step.position)
      }
      return StepLoss(
        total: try robust * Float(1 - weight) + clean * Float(weight),
        parts: [
          ("loss_natural", clean), ("loss_robust", robust), ("weight_natural", try .scalar(Float(weight))),
        ], naturalLogits: logits, adversarialLogits: adversarialLogits)
    }

    /// Moves the temperatures of labels of which the natural ones are sharper by so much.
    private func adapt(by difference: Double, at position: TrainingPosition) {
      guard difference != 0 else { return }
      let rate = settings.temperatureRate * slowing(position) * (difference > 0 ? 1 : -1)
      temperatures.natural = min(max(temperatures.natural + rate, 1), 10)
      temperatures.robust = min(max(temperatures.robust - rate, 1), 10)
    }

    /// What is left of a rate.
    private func slowing(_ position: TrainingPosition) -> Double {
      pow(0.1, Double(settings.drops.count { $0 <= position.epoch }))
    }

    /// Moves the weight by the pace of the losses.
    private func balance(_ now: (natural: Double, robust: Double), at position: TrainingPosition) {
      let first = first ?? now
      self.first = first
      let rate = settings.rate * slowing(position)
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
        var numbers = [
          ("weight", weight), ("temperature_natural", temperatures.natural),
          ("temperature_robust", temperatures.robust),
        ]
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
      let own = ["weight", "temperature_natural", "temperature_robust", "first_natural", "first_robust"]
      for (name, tensor) in state where own.contains(name) {
        guard tensor.dtype == .int64, tensor.count == 1, let bits = tensor.ints().first else {
          throw CoreError(.shape, "'\(name)' of a training run must be one whole number")
        }
        numbers[name] = Double(bitPattern: UInt64(truncatingIfNeeded: bits))
      }
      guard let weight = numbers["weight"], let natural = numbers["temperature_natural"],
        let robust = numbers["temperature_robust"]
      else {
        throw CoreError(.value, "this is the state of a run with other teachers")
      }
      try watch.restore(state.filter { !own.contains($0.name) })
      self.weight = weight
      temperatures = (natural, robust)
      first = nil
      if let natural = numbers["first_natural"], let robust = numbers["first_robust"] { first = (natural, robust) }
    }
  }
}
