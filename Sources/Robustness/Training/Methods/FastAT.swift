import Base
import Datasets
import Networks
import Tensors

/// Fast adversarial training (Wong et al. 2020): one step of FGSM from a random point of the ball, whose length is 1.25
/// times the radius, and cross-entropy where it leads.
///
/// The model is in training mode throughout, as in the authors' code: the forward of the step takes the statistics of
/// its batch and moves the running ones. Training so may fail all at once (catastrophic overfitting): accuracy under
/// FGSM rises, and that under PGD falls to nothing within an epoch. The guard of the authors' code measures accuracy
/// under PGD with 5 steps of eps/4 on the epoch's first batch, after each epoch; where it is more than 20 points below
/// that of the epoch before, training ends with the weights of the epoch before. Unlike there, the guard runs the model
/// in evaluation mode, so that measuring changes nothing.
public struct FastAT: TrainingMethod {
  public static let name = "fast_at"
  public static let page = Page(
    "Fast adversarial training: one step of FGSM from a random point, with a guard against catastrophic overfitting.",
    details: """
      x' = clip(clip(x + U(-eps, eps), 0, 1) + step_size·sign(∇ CE), x ± eps, 0…1), and the loss is the mean CE(p(x'), y). \
      The model is in training mode during the step, too, so that batch norm's running statistics move with the random \
      point and with x'. The method finds its images itself: the attack of `fit` gives the radius where eps is left out, \
      and is otherwise for the validation. Wong et al. 2020 train 15 epochs at lr=0.2 with the schedule "triangle".
      """,
    examples: [("fast_at()", "fast_at()"), ("fast_at(eps=8/255, guard=false)", "fast_at(eps=8/255, guard=false)")],
    seeAlso: ["fit", "n_fgsm", "free_at", "pgd_at", "rfgsm"],
    search: ["fgsm", "catastrophic overfitting", "fast is better than free", "fgsm-rs", "one step"])
  public static let settings: [Setting<FastAT>] = [
    .ownRadius(\.eps),
    .distance(
      "step_size", \.stepSize, .positive(hint: "for instance step_size=10/255"), note: "1.25·eps when left out."),
    .choice(
      "attack_mode", \.attackMode,
      note: "how the model runs during the step: \"train\" as in the authors' code, or \"eval\"."),
    Setting(
      "guard", type: "bool | float", expected: "true, false or a number from 0 to 1", hint: "guard=0.2",
      note: """
        after each epoch: by how much accuracy under PGD-5 on the epoch's first batch may fall before training ends with \
        the weights of the epoch before; true is 0.2, false never ends it.
        """,
      read: { $0.threshold.map { .number($0) } ?? .bool(false) },
      write: { method, value in
        if case .bool(let isOn) = value {
          method.threshold = isOn ? usualThreshold : nil
          return true
        }
        guard let number = Double(setting: value) else { return false }
        method.threshold = number
        return true
      },
      check: { (method) throws(CoreError) in
        guard let threshold = method.threshold else { return }
        try SettingRule.share(hint: "guard=0.2").check(.number(threshold), name: "guard", of: name)
      }),
  ]

  /// The radius in units of the [0, 1] image; nil takes that of the attack of `fit`.
  public var eps: Double?
  /// The length of the step, in units of the [0, 1] image; nil stands for 1.25·eps.
  public var stepSize: Double?
  /// How the model runs during the step.
  public var attackMode = Mode.train
  /// By how much the guard's accuracy may fall, from 0 to 1; nil never ends the run.
  public var threshold: Double? = usualThreshold

  private static let usualThreshold = 0.2

  public init() {}

  /// A method with these settings.
  public init(
    eps: Double? = nil, stepSize: Double? = nil, attackMode: Mode = .train, threshold: Double? = 0.2
  ) {
    self.eps = eps
    self.stepSize = stepSize
    self.attackMode = attackMode
    self.threshold = threshold
  }

  /// No search by the attack of `fit`.
  public var inner: InnerMaximisation? { nil }
  /// It does.
  public var searchesItself: Bool { true }

  /// The guard remembers the first batch of an epoch.
  public var shardObstacle: (reason: String, hint: String)? {
    threshold == nil ? nil : ("remembers the first batch of each epoch", "fast_at(guard=false), or leave shards out")
  }

  /// Begins a run, in which the guard keeps the weights of the epoch before.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess { Process(self) }

  private final class Process: TrainingProcess {
    private let method: FastAT
    private var monitor: OverfittingGuard?

    init(_ method: FastAT) {
      self.method = method
      monitor = method.threshold.map { OverfittingGuard(threshold: $0) }
    }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      let eps = try step.radius(method.eps, in: .linf)
      monitor?.see(step, eps: eps)
      let images = try step.search {
        let start = try (step.images + step.uniform(-eps, eps)).clip(min: 0, max: 1)
        let slope = try step.slope(at: start, mode: method.attackMode)
        return try signStep(
          start, gradient: slope, center: step.images, step: Float(method.stepSize ?? 1.25 * eps), eps: Float(eps))
      }
      let logits = try step.forward(images)
      return StepLoss(total: try step.crossEntropy(logits), adversarialLogits: logits)
    }

    func after(epoch position: TrainingPosition, _ model: Model) throws -> String? {
      try monitor?.after(epoch: position, model)
    }

    var state: NamedTensors { get throws(CoreError) { try monitor?.state ?? [] } }

    func restore(_ state: NamedTensors) throws(CoreError) {
      if let monitor { try monitor.restore(state) } else { try state.require([]) }
    }
  }
}

extension Setting where Owner: TrainingMethod {
  /// The radius of a method that finds its images itself.
  static func ownRadius(_ path: WritableKeyPath<Owner, Double?> & Sendable) -> Setting {
    .distance(
      "eps", path,
      note: "radius in units of the [0, 1] image; when left out, that of the attack of `fit`, and without one 8/255."
    ) { (owner) throws(CoreError) in
      if let eps = owner[keyPath: path] { try Norm.linf.require(radius: eps) }
    }
  }
}

/// Looks for catastrophic overfitting after each epoch, on the first batch of it, and keeps the weights to return to.
final class OverfittingGuard {
  private let threshold: Double
  private var batch: (images: Tensor, labels: [Int], ids: [Int], eps: Double)?
  private var accuracy = 0.0
  private var weights: NamedTensors = []

  init(threshold: Double) { self.threshold = threshold }

  /// Takes the first batch of an epoch.
  func see(_ step: TrainingStep, eps: Double) {
    if step.position.step == 0 { batch = (step.images, step.labels, step.ids, eps) }
  }

  /// Measures, and sets the weights back where accuracy fell too far.
  ///
  /// - Returns: why the run ends.
  func after(epoch position: TrainingPosition, _ model: Model) throws -> String? {
    guard let batch else { return nil }
    var input = AttackInput(images: batch.images, labels: batch.labels, ids: batch.ids)
    input.seed = UInt64(truncatingIfNeeded: position.epoch)
    // Augmentation may leave values a rounding error outside.
    input.images = try batch.images.clip(min: 0, max: 1)
    let attacked = try PGD(eps: batch.eps, stepSize: max(batch.eps / 4, 1e-6), steps: 5).run(on: model, input)
    let now = Double(try correct(model(attacked), batch.labels, of: model).count { $0 }) / Double(batch.labels.count)
    if now - accuracy < -threshold, !weights.isEmpty {
      let (before, lost) = (accuracy.rounded(to: 3), now.rounded(to: 3))
      try model.setState(weights)
      return "catastrophic overfitting in epoch \(position.epoch + 1): accuracy under PGD-5 fell from \(before) to "
        + "\(lost); the weights are those of epoch \(position.epoch)"
    }
    (accuracy, weights) = (now, model.state)
    return nil
  }

  var state: NamedTensors {
    get throws(CoreError) {
      var state: NamedTensors = [("accuracy", try NamedTensors.bits(of: accuracy))] + weights.named("weights")
      if let batch {
        state += [
          ("batch.images", batch.images), ("batch.labels", try Tensor(ints: batch.labels, shape: [batch.labels.count])),
          ("batch.ids", try Tensor(ints: batch.ids, shape: [batch.ids.count])),
          ("batch.eps", try NamedTensors.bits(of: batch.eps)),
        ]
      }
      return state
    }
  }

  func restore(_ state: NamedTensors) throws(CoreError) {
    let accuracy = try state.number("accuracy")
    let parts = state.part("batch")
    batch =
      try parts.isEmpty
      ? nil
      : (
        parts.tensor("images"), parts.tensor("labels", .int64).ints(), parts.tensor("ids", .int64).ints(),
        parts.number("eps")
      )
    (self.accuracy, weights) = (accuracy, state.part("weights"))
  }
}
