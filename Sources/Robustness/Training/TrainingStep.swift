import Base
import Datasets
import Networks
import Tensors

/// One step as a method sees it: a batch, the model with tracked weights, and the attack.
///
/// It is all that a method may use, so that no method has a loop of its own: images are found by `adversarial` or
/// `maximise`, logits come from `forward`, and the loss that the method returns is differentiated by the run. Dropout
/// draws by the number of the forward within the step, an attack by example and restart. The running statistics of
/// batch norm move with each forward in training mode, so the order of the forwards is part of a method.
public final class TrainingStep {
  /// The model that is trained; a method runs it by `forward`, not by calling it.
  public let model: Model
  /// The model's weights; gradients are taken with respect to them. Those that are frozen are no leaves.
  public private(set) var parameters: [Tensor]
  private let batch: Batch
  private let attack: any Ascent
  private let inner: InnerMaximisation?
  private let stream: RandomStream
  private let random: any AttackRandom
  private let update: ((TrainingStep, StepLoss) throws -> [Tensor])?
  private let given: Tensor?
  /// Whether the attack runs on `parameters` instead of the model's own weights.
  private var isElsewhere = false
  private var forwards = 0

  /// A step; `TrainingRun` makes those of a run, tests make their own.
  ///
  /// - Parameters:
  ///   - inner: how `adversarial` has images made.
  ///   - stream: what dropout draws from, and the attack where `random` says nothing else.
  ///   - adversarial: images to take instead of those that the attack finds.
  ///   - update: one step of the optimiser with a loss; it returns the new weights as leaves.
  package init(
    model: Model, parameters: [Tensor], batch: Batch, attack: any Ascent, inner: InnerMaximisation?,
    stream: RandomStream, random: (any AttackRandom)? = nil, adversarial: Tensor? = nil,
    update: ((TrainingStep, StepLoss) throws -> [Tensor])? = nil
  ) {
    self.model = model
    self.parameters = parameters
    self.batch = batch
    self.attack = attack
    self.inner = inner
    self.stream = stream
    self.random = random ?? PerExampleRandom(stream) { (-1 - 2 * $0, -2 - 2 * $0) }
    given = adversarial
    self.update = update
  }

  /// The images of the batch [n, c, h, w], augmented, values in [0, 1].
  public var images: Tensor { batch.images }
  /// What the images are to be classified as: classes, or distributions where an augmentation has mixed images.
  public var targets: Targets { batch.targets }
  /// The class of each image; of a distribution, the most probable one.
  public var labels: [Int] { batch.labels }
  /// The ids of the examples, as in `Dataset.ids`: they key the random numbers of the attack.
  public var ids: [Int] { batch.ids }

  /// The mean cross-entropy of logits [n, classes] with the targets, whether these are classes or distributions.
  public func crossEntropy(_ logits: Tensor) throws -> Tensor {
    switch targets {
    case .classes(let labels): try Tensors.crossEntropy(logits, labels: labels)
    case .soft(let rows): try Tensors.crossEntropy(logits, target: rows)
    }
  }

  /// The targets as distributions, [n, classes].
  public func distributions() throws -> Tensor {
    switch targets {
    case .classes(let labels): try .oneHot(labels, classes: model.classes)
    case .soft(let rows): rows
    }
  }

  /// Tracked logits [n, classes] in training mode: batch norm uses and records the statistics of this batch.
  public func forward(_ images: Tensor) throws -> Tensor {
    defer { forwards += 1 }
    return try model.forward(images, mode: .train, parameters: parameters, dropout: stream.child(forwards))
  }

  /// Adversarial images as the method prescribes them (`TrainingMethod.inner`); an error where it prescribes none.
  /// It comes before the forwards of the loss, which move the running statistics of batch norm.
  public func adversarial() throws -> Tensor {
    if let given { return given }
    guard let inner else {
      throw CoreError(
        .value, "this method prescribes no attack: it trains on natural images",
        hint: "say where the attack begins: start=\"uniform\"", argument: "method")
    }
    guard inner.loss == .crossEntropy, case .soft(let rows) = targets else {
      return try maximise(start: inner.start, mode: inner.mode, loss: inner.loss, objective: nil)
    }
    return try maximise(start: inner.start, mode: inner.mode) { logits, examples in
      let target = examples.count == rows.shape[0] ? rows : try rows.indexSelect(axis: 0, examples)
      return try Tensors.crossEntropy(logits, target: target, reduction: .none)
    }
  }

  /// Images [n, c, h, w] within the attack's ball that make an objective large, whatever it is.
  ///
  /// - Parameters:
  ///   - start: where the attack begins, unless it says otherwise.
  ///   - mode: how the model runs meanwhile; in training mode batch norm's running statistics move with each forward.
  ///   - objective: logits [k, classes] of these examples to one value each, [k]; used unless the attack has its own.
  public func maximise(
    start: AttackStart, mode: Mode = .eval, objective: @escaping ModelOracle.Objective
  ) throws -> Tensor {
    try maximise(start: start, mode: mode, loss: nil, objective: objective)
  }

  private func maximise(
    start: AttackStart, mode: Mode, loss: AttackLoss?, objective: ModelOracle.Objective?
  ) throws -> Tensor {
    var input = AttackInput(images: images, labels: labels, ids: ids)
    input.random = random
    let batch = AttackBatch(input, eps: attack.radius(nil), start: start, isTraining: true)
    let oracle = ModelOracle(
      model, for: attack, batch,
      training: ModelOracle.Training(
        mode: mode, dropout: stream.child(-1), parameters: isElsewhere ? parameters.map { $0.detached() } : nil,
        loss: loss, objective: objective))
    try attack.perturb(batch, oracle)
    return try oracle.answer
  }

  /// The same step at other weights, forward and attack, as AWP needs it.
  ///
  /// - Parameter parameters: leaves of the shapes and in the order of the model's.
  public func at(_ parameters: [Tensor]) -> TrainingStep {
    let step = TrainingStep(
      model: model, parameters: parameters, batch: batch, attack: attack, inner: inner,
      stream: stream, random: random, adversarial: given, update: update)
    step.isElsewhere = true
    step.forwards = forwards
    return step
  }

  /// Moves the weights by one step of the optimiser, for a method that does so several times with a batch (Free-AT).
  /// The loss that the method returns moves them once more.
  ///
  /// - Throws: `value` where the step belongs to no run.
  public func apply(_ loss: StepLoss) throws {
    guard let update else { throw CoreError(.value, "a step outside of a run has no optimiser to move the weights") }
    parameters = try update(self, loss)
  }
}
