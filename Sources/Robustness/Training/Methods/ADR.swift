import Base
import Datasets
import Networks
import Platform
import Tensors

/// ADR, annealing self-distillation rectification (Wu et al. 2024): PGD-AT whose labels are softened by a moving average
/// of the network itself.
///
/// With p = softmax(z_EMA(x)/T) of the average in evaluation mode: λ_i = clip(λ − (max p − p_y), 0, 1), so that where the
/// average is wrong the label counts more, and the target is λ_i·p + (1 − λ_i)·label. T falls and λ rises as half a
/// cosine over the steps of the run. The average moves after each step, weights and running statistics alike, by
/// `decay`, without a warm-up. Targets take the place of labels in the search, too, unless `attack_target` says
/// otherwise.
public struct ADR: TrainingMethod {
  /// What the search climbs.
  public enum AttackTarget: String, SettingChoice {
    /// The cross-entropy with the rectified target.
    case soft
    /// The cross-entropy with the label.
    case label
  }

  public static let name = "adr"
  public static let page = Page(
    "ADR: adversarial training with labels that a moving average of the network softens.",
    details: """
      The loss is the mean CE(p(x'), target), target = λ_i·q + (1 - λ_i)·label, q = softmax(z(x)/T) of a moving average \
      of the network in evaluation mode, on the natural image, without T² and without a gradient; \
      λ_i = clip(λ - (max q - q_y), 0, 1). T goes from temperature[0] to temperature[1] and λ from lambda[0] to lambda[1] \
      as half a cosine over all steps. x' climbs the same cross-entropy from x + U(-eps, eps), in evaluation mode. Batch \
      norm's running statistics move with x' alone; the average follows weights and running statistics. Wu et al. 2024; \
      their numbers: temperature [2.5, 2] and lambda [0.7, 0.95] for ResNet-18 on CIFAR-10, [1.5, 1] on CIFAR-100.
      """,
    examples: [("adr()", "adr()"), ("awp(adr(), gamma=0.005)", "awp(adr(), gamma=0.005)")],
    seeAlso: ["fit", "pgd_at", "ltd", "sat", "awp"],
    search: ["self-distillation", "ema teacher", "annealing", "rectification", "soft labels", "mean teacher"])
  public static let settings: [Setting<ADR>] = [
    .pair(
      "temperature", \.temperature, .positive(hint: "temperature=[2.5, 2]"), note: "at the beginning and at the end."),
    .pair(
      "lambda", \.lambda, .share(hint: "lambda=[0.7, 0.95]"),
      note: "the greatest share of the average's prediction in the target, at the beginning and at the end."),
    Setting(
      "decay", \.decay, .belowOne(hint: "decay=0.995"), note: "share of the average that stays at each step."),
    .choice(
      "attack_target", \.attackTarget, note: "what the search climbs the cross-entropy of: \"soft\" or \"label\"."),
  ]

  /// The temperature at the beginning and at the end.
  public var temperature = [2.5, 2.0]
  /// The greatest share of the average's prediction, at the beginning and at the end.
  public var lambda = [0.7, 0.95]
  /// The share of the average that stays at each step.
  public var decay = 0.995
  /// What the search climbs.
  public var attackTarget = AttackTarget.soft

  public init() {}

  /// A method with these schedules.
  public init(
    temperature: [Double] = [2.5, 2], lambda: [Double] = [0.7, 0.95], decay: Double = 0.995,
    attackTarget: AttackTarget = .soft
  ) {
    self.temperature = temperature
    self.lambda = lambda
    self.decay = decay
    self.attackTarget = attackTarget
  }

  /// From a uniform start, by the cross-entropy of the label, or of the target, which each step says.
  public var inner: InnerMaximisation? {
    InnerMaximisation(start: .uniform, loss: attackTarget == .label ? .crossEntropy : nil)
  }

  /// Begins a run with an average that is the model as it is.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess { Process(self, model.copy()) }

  /// The value of a pair at a step: half a cosine from the first to the second.
  static func value(of pair: [Double], at position: TrainingPosition) -> Double {
    guard let first = pair.first, let last = pair.last else { return 0 }
    let share = Double(position.iteration) / Double(max(position.iterations, 1))
    return last + 0.5 * (first - last) * (1 + cos(Double.pi * share))
  }

  private final class Process: TrainingProcess {
    private let method: ADR
    private let average: Model

    init(_ method: ADR, _ average: Model) { (self.method, self.average) = (method, average) }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      let target = try step.once { try self.target(step) }
      let images =
        try method.attackTarget == .label
        ? step.adversarial()
        : step.maximise(start: .uniform) { logits, examples in
          try crossEntropy(logits, target: target.rows(of: examples), reduction: .none)
        }
      let logits = try step.forward(images)
      return StepLoss(total: try crossEntropy(logits, target: target), adversarialLogits: logits)
    }

    private func target(_ step: TrainingStep) throws -> Tensor {
      let logits = try average(step.images)
      try requireFinite(logits, of: average)
      let labels = try step.distributions()
      let p = try logits.softmax(temperature: Float(ADR.value(of: method.temperature, at: step.position)))
      let lead = try p.max(axes: [1], keepdim: true) - (p * labels).sum(axes: [1], keepdim: true)
      let share = try (Float(ADR.value(of: method.lambda, at: step.position)) - lead).clip(min: 0, max: 1)
      return try p * share + labels * (1 - share)
    }

    func after(step position: TrainingPosition, _ model: Model) throws {
      let share = Float(method.decay)
      func mean(_ old: [Tensor], _ new: [Tensor]) throws(CoreError) -> [Tensor] {
        var means: [Tensor] = []
        for (old, new) in zip(old, new) {
          // Counters are not averaged.
          means.append(try old.dtype == .float32 ? old * share + new * (1 - share) : new)
        }
        return means
      }
      try average.setParameters(mean(average.parameters, model.parameters))
      try average.setBuffers(mean(average.buffers, model.buffers))
    }

    var state: NamedTensors { average.state.named("average") }

    func restore(_ state: NamedTensors) throws(CoreError) { try average.setState(state.part("average")) }
  }
}

extension Setting {
  /// Two numbers, at the beginning and at the end of a run.
  static func pair(
    _ name: String, _ path: WritableKeyPath<Owner, [Double]> & Sendable, _ rule: SettingRule, note: String
  ) -> Setting {
    Setting(
      name, type: "list", expected: "two numbers, [at the beginning, at the end]", note: note,
      read: { $0[keyPath: path].setting },
      write: { owner, value in
        guard let pair = [Double](setting: value), pair.count == 2 else { return false }
        owner[keyPath: path] = pair
        return true
      },
      check: { (owner) throws(CoreError) in
        for number in owner[keyPath: path] { try rule.check(.number(number), name: name, of: Owner.name) }
      })
  }
}
