import Datasets
import Networks
import Tensors

/// How long and how fast to train.
public struct TrainingPlan: Sendable {
  public var epochs: Int
  public var batchSize: Int
  /// The highest learning rate; `schedule` says how it changes.
  public var learningRate: Double
  public var momentum: Double
  public var weightDecay: Double
  public var nesterov: Bool
  public var schedule: LearningRateSchedule
  public var augmentation: Augmentation
  /// Key of everything drawn at random: order, starts, dropout, augmentation.
  public var seed: UInt64

  public init(
    epochs: Int = 10, batchSize: Int = 128, learningRate: Double = 0.01, momentum: Double = 0.9,
    weightDecay: Double = 0, nesterov: Bool = false, schedule: LearningRateSchedule = .constant,
    augmentation: Augmentation = .none, seed: UInt64 = 0
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.nesterov = nesterov
    self.schedule = schedule
    self.augmentation = augmentation
    self.seed = seed
  }

  func validate() throws(CoreError) {
    guard epochs >= 1, epochs <= 1_000_000 else {
      throw CoreError(.value, "epochs is from 1 to 1000000, not \(epochs)", hint: "epochs=10", argument: "epochs")
    }
    guard batchSize >= 1 else {
      throw CoreError(.value, "batch is at least 1, not \(batchSize)", hint: "batch=128", argument: "batch")
    }
    guard learningRate > 0, learningRate.isFinite else {
      throw CoreError(
        .value, "the learning rate is a positive number, not \(learningRate)", hint: "lr=0.01", argument: "lr")
    }
    guard momentum >= 0, momentum < 1 else {
      throw CoreError(
        .value, "momentum is at least 0 and below 1, not \(momentum)", hint: "momentum=0.9", argument: "momentum")
    }
    try requireWeight(weightDecay, "weight_decay")
  }
}

/// Trains a model.
///
/// The same seed gives the same bits for any number of threads. A step that is interrupted leaves the model as the step
/// before it did, and the report says so; nothing is thrown then.
///
/// - Parameters:
///   - method: the loss and the inner maximisation; standard training where nothing is given.
///   - attack: radius, step size and number of steps of the inner maximisation; the method chooses start and objective.
///   - validation: examples on which the model is measured after each epoch, under `attack`.
/// - Throws: `.value` and `.shape` for settings that do not fit, `.numeric` when the loss is no longer finite.
@discardableResult
public func fit(
  _ model: Model, on data: Dataset, method: any TrainingMethod = Standard(), attack: PGD = PGD(),
  plan: TrainingPlan = TrainingPlan(), validation: Dataset? = nil, progress: (any Progress)? = nil
) throws(CoreError) -> TrainingReport {
  try plan.validate()
  try attack.validate()
  try method.validate(for: model)
  try requireFitting(data, model)
  if let validation { try requireFitting(validation, model) }

  defer { progress?.finish() }
  var trainer = Trainer(model: model, data: data, method: method, attack: attack, plan: plan, progress: progress)
  let clock = ContinuousClock()
  let start = clock.now
  var report = TrainingReport(
    method: method.description, epochs: [], steps: 0, seconds: 0, interrupted: false)
  do throws(CoreError) {
    for epoch in 0..<plan.epochs {
      let began = clock.now
      var result = try trainer.train(epoch: epoch)
      if let validation {
        result.validation = try evaluate(
          model, on: validation, attacks: method.needsAttack ? [attack] : [], eps: trainer.eps, seed: plan.seed)
      }
      result.seconds = seconds(clock.now - began)
      report.epochs.append(result)
      progress?.note(result.line(of: plan.epochs))
    }
  } catch  where error.kind == .interrupted {
    report.interrupted = true
  }
  report.steps = trainer.steps
  report.seconds = seconds(clock.now - start)
  return report
}

/// The state of a run between its steps.
private struct Trainer {
  let model: Model
  let data: Dataset
  let method: any TrainingMethod
  let attack: PGD
  let plan: TrainingPlan
  let progress: (any Progress)?
  private let start = ContinuousClock.now
  let eps: Double
  var steps = 0
  private var optimiser: Optimiser

  init(
    model: Model, data: Dataset, method: any TrainingMethod, attack: PGD, plan: TrainingPlan, progress: (any Progress)?
  ) {
    self.model = model
    self.data = data
    self.method = method
    self.attack = attack
    self.plan = plan
    self.progress = progress
    eps = attack.eps ?? 8.0 / 255
    optimiser = Optimiser(
      SGD(
        learningRate: Float(plan.learningRate), momentum: Float(plan.momentum),
        weightDecay: Float(plan.weightDecay), nesterov: plan.nesterov))
  }

  private var stepsPerEpoch: Int { (data.count - 1) / plan.batchSize + 1 }

  mutating func train(epoch: Int) throws(CoreError) -> EpochReport {
    let batches = data.batches(
      of: plan.batchSize, shuffledBy: RandomStream(seed: plan.seed, purpose: "fit.order", epoch))
    var totals = EpochTotals()
    for (step, places) in batches.enumerated() {
      let position = TrainingPosition(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch, epochs: plan.epochs)
      try train(places, at: position, totals: &totals)
      steps += 1
      report(epoch: epoch + 1, totals)
    }
    return totals.report(epoch: epoch + 1, learningRate: rate(epoch: epoch))
  }

  private func report(epoch: Int, _ totals: EpochTotals) {
    let total = plan.epochs * stepsPerEpoch
    let left = seconds(ContinuousClock.now - start) / Double(max(steps, 1)) * Double(total - steps)
    progress?.update(
      title: "fit epoch \(epoch)/\(plan.epochs)", done: steps, total: total, fields: totals.fields, secondsLeft: left)
  }

  private func rate(epoch: Int) -> Double {
    plan.schedule.learningRate(
      plan.learningRate,
      at: TrainingPosition(
        epoch: epoch, step: stepsPerEpoch - 1, stepsPerEpoch: stepsPerEpoch, epochs: plan.epochs))
  }

  private mutating func train(
    _ places: [Int], at position: TrainingPosition, totals: inout EpochTotals
  ) throws(CoreError) {
    let buffers = model.buffers
    do throws(CoreError) {
      try Compute.poll()
      let gradients = try gradients(places, at: position, totals: &totals)
      optimiser.settings.learningRate = Float(plan.schedule.learningRate(plan.learningRate, at: position))
      optimiser.settings.momentum = Float(plan.schedule.momentum(at: position) ?? plan.momentum)
      try model.updateParameters { (weights) throws(CoreError) in try optimiser.step(&weights, gradients: gradients) }
    } catch {
      try model.setBuffers(buffers)
      throw error
    }
  }

  /// Of the loss with respect to the weights. When it returns, nothing of the step holds the weights any more: the
  /// optimiser can change them in place.
  private func gradients(
    _ places: [Int], at position: TrainingPosition, totals: inout EpochTotals
  ) throws(CoreError) -> [Tensor] {
    let part = try data.batch(places)
    let images = try plan.augmentation.apply(
      part.images, ids: part.ids, stream: RandomStream(seed: plan.seed, purpose: "fit.augment", position.epoch))
    let step = TrainingStep(
      model: model, parameters: model.trackedParameters(), images: images, labels: part.labels, ids: part.ids,
      ascent: attack.ascent(eps: eps),
      stream: RandomStream(seed: plan.seed, purpose: "fit.step", position.epoch, position.step))
    let adversarial = try method.adversarial(step)
    let loss = try method.loss(step, adversarial: adversarial)
    let value = try loss.total.item()
    guard value.isFinite else {
      throw CoreError(
        .numeric, "the loss became \(value) in epoch \(position.epoch + 1), step \(position.step + 1)",
        hint: "lower the learning rate (lr=\(plan.learningRate) now), or check the images for NaN")
    }
    let gradients = try Tensors.gradients(of: loss.total, withRespectTo: step.parameters)
    // A method that never looks at natural images says nothing about them; one more forward does.
    let natural = if let logits = loss.naturalLogits { logits } else { try model(images) }
    try totals.add(loss, value: value, natural: natural, labels: part.labels)
    return gradients
  }
}

/// Sums over the examples of an epoch.
private struct EpochTotals {
  private var n = 0
  private var loss = 0.0
  private var parts: [(name: String, value: Double)] = []
  private var natural = 0
  private var adversarial: Int?

  mutating func add(_ step: StepLoss, value: Double, natural: Tensor, labels: [Int]) throws(CoreError) {
    let count = Double(labels.count)
    n += labels.count
    loss += value * count
    if parts.isEmpty { parts = step.parts.map { ($0.name, 0) } }
    for (i, part) in step.parts.enumerated() where i < parts.count {
      parts[i].value += try part.value.item() * count
    }
    self.natural += try correct(natural, labels).count { $0 }
    if let logits = step.adversarialLogits {
      adversarial = (adversarial ?? 0) + (try correct(logits, labels).count { $0 })
    }
  }

  var fields: [(name: String, value: Double)] {
    let n = Double(max(self.n, 1))
    var fields = [(name: "loss", value: loss / n), ("natural", Double(natural) / n)]
    if let adversarial { fields.append(("adversarial", Double(adversarial) / n)) }
    return fields
  }

  func report(epoch: Int, learningRate: Double) -> EpochReport {
    let n = Double(max(self.n, 1))
    return EpochReport(
      epoch: epoch, loss: loss / n, parts: parts.map { ($0.name, $0.value / n) },
      naturalAccuracy: Double(natural) / n, adversarialAccuracy: adversarial.map { Double($0) / n },
      learningRate: learningRate, seconds: 0)
  }
}
