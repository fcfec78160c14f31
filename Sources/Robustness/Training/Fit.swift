import Base
import Datasets
import Networks
import Tensors

/// How long and how fast to train.
public struct TrainingPlan: Sendable {
  public var epochs: Int
  public var batchSize: Int
  /// The highest learning rate; `schedule` says how it changes.
  public var learningRate: Double
  public var optimiser: any OptimiserSettings
  public var schedule: any LearningRateSchedule
  /// Of the training images; nil for none.
  public var augmentation: (any Augmentation)?
  /// Key of everything drawn at random: order, starts, dropout, augmentation.
  public var seed: UInt64

  public init(
    epochs: Int = 10, batchSize: Int = 128, learningRate: Double = 0.01, optimiser: any OptimiserSettings = SGD(),
    schedule: any LearningRateSchedule = ConstantSchedule(), augmentation: (any Augmentation)? = nil, seed: UInt64 = 0
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.optimiser = optimiser
    self.schedule = schedule
    self.augmentation = augmentation
    self.seed = seed
  }

  func validate() throws(CoreError) {
    func check(_ name: String, _ value: Setting.Value, _ rule: Setting.Rule) throws(CoreError) {
      try rule.check(value, name: name, of: "fit")
    }
    try check("epochs", .int(epochs), .int(1...1_000_000, hint: "epochs=10"))
    guard batchSize >= 1 else {
      throw CoreError(.value, "batch must be at least 1, not \(batchSize)", hint: "batch=128", argument: "batch")
    }
    try requireLearningRate(learningRate, of: "fit")
    try optimiser.validate()
    try schedule.validate()
    try optimiser.validate(with: schedule)
    try augmentation?.validate()
  }
}

/// Trains a model.
///
/// The same seed gives the same bits for any number of threads. A step that is interrupted leaves the model as the step
/// before it did, and the report says so; nothing is thrown then.
///
/// - Parameters:
///   - method: the loss and the inner maximisation; standard training where nothing is given.
///   - attack: of the inner maximisation, and of the validation; nil is `PGD()` where the method trains on adversarial
///     images. What it leaves open, start and objective, the method prescribes.
///   - validation: examples on which the model is measured after each epoch, under the attack.
/// - Throws: `.value` and `.shape` for settings that do not fit or would not be used, `.numeric` when loss, logits or
///   weights are no longer finite. Everything is checked before any work starts.
@discardableResult
public func fit(
  _ model: Model, on data: Dataset, method: any TrainingMethod = Standard(), attack: PGD? = nil,
  plan: TrainingPlan = TrainingPlan(), validation: Dataset? = nil, progress: (any Progress)? = nil
) throws(CoreError) -> TrainingReport {
  try plan.validate()
  try method.validate()
  try attack?.validate()
  try method.validate(for: model)
  try requireFitting(data, model)
  if let validation { try requireFitting(validation, model, argument: "validation") }
  let used = try requireUse(of: attack, by: method, validation)
  if let damage = model.damage {
    throw CoreError(
      .numeric, "the model \(model.name) cannot be trained: \(damage)", hint: "make it anew, or load it again",
      argument: "model")
  }

  defer { progress?.finish() }
  var trainer = Trainer(model: model, data: data, method: method, attack: used ?? PGD(), plan: plan, progress: progress)
  let clock = ContinuousClock()
  let start = clock.now
  var report = TrainingReport(
    method: method.description, epochs: [], steps: 0, seconds: 0, interrupted: false)
  do throws(CoreError) {
    for epoch in 0..<plan.epochs {
      let began = clock.now
      var result = try trainer.train(epoch: epoch)
      try trainer.requireFiniteWeights(epoch: epoch)
      if let validation {
        result.validation = try evaluate(
          model, on: validation, attacks: used.map { [$0] } ?? [], seed: used?.isRandom == true ? plan.seed : nil)
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

/// The attack that training and validation use; nil for none.
///
/// - Throws: `.value` where there is one that neither uses, or that a method cannot use.
private func requireUse(
  of attack: PGD?, by method: any TrainingMethod, _ validation: Dataset?
) throws(CoreError) -> PGD? {
  guard let inner = method.inner else {
    guard attack == nil || validation != nil else {
      throw CoreError(
        .value, "\(method) trains without an attack, and there is no validation that would use it",
        hint: "leave attack out, or give validation=…, or method=pgd_at()", argument: "attack")
    }
    return attack
  }
  let attack = attack ?? PGD()
  do throws(CoreError) { try attack.completed(by: inner).validateTogether() } catch {
    var error = error.prefixed("\(method) with \(attack)")
    error.argument = "attack"
    throw error
  }
  return attack
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
  var steps = 0
  private let optimiser: any Optimiser

  init(
    model: Model, data: Dataset, method: any TrainingMethod, attack: PGD, plan: TrainingPlan, progress: (any Progress)?
  ) {
    self.model = model
    self.data = data
    self.method = method
    self.attack = attack
    self.plan = plan
    self.progress = progress
    optimiser = plan.optimiser.makeOptimiser()
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
      try StopSignal.poll()
      let gradients = try gradients(places, at: position, totals: &totals)
      try model.updateParameters { (weights) throws(CoreError) in
        try optimiser.step(
          &weights, gradients: gradients, rate: plan.schedule.learningRate(plan.learningRate, at: position),
          momentum: plan.schedule.momentum(at: position))
      }
    } catch {
      try StopSignal.ignoring { () throws(CoreError) in try model.setBuffers(buffers) }
      throw error
    }
  }

  private var divergenceHint: String {
    "lower the learning rate (lr=\(plan.learningRate.shortest) now), and begin with a fresh model: the weights of this one led there"
  }

  private func diverged(_ what: String, at position: TrainingPosition) -> CoreError {
    CoreError(
      .numeric, "\(what) in epoch \(position.epoch + 1), step \(position.step + 1)", hint: divergenceHint)
  }

  /// The last step of an epoch has no loss after it that would tell.
  func requireFiniteWeights(epoch: Int) throws(CoreError) {
    guard let damage = model.damage else { return }
    throw diverged(
      "the weights became useless, \(damage),",
      at: TrainingPosition(
        epoch: epoch, step: stepsPerEpoch - 1, stepsPerEpoch: stepsPerEpoch, epochs: plan.epochs))
  }

  /// Of the loss with respect to the weights. When it returns, nothing of the step holds the weights any more: the
  /// optimiser can change them in place.
  private func gradients(
    _ places: [Int], at position: TrainingPosition, totals: inout EpochTotals
  ) throws(CoreError) -> [Tensor] {
    var part = try data.batch(places)
    if let augmentation = plan.augmentation {
      part = try augmentation.apply(
        part, stream: RandomStream(seed: plan.seed, purpose: "fit.augment", position.epoch))
    }
    let step = TrainingStep(
      model: model, parameters: model.trackedParameters(), images: part.images, labels: part.labels, ids: part.ids,
      attack: attack,
      stream: RandomStream(seed: plan.seed, purpose: "fit.step", position.epoch, position.step))
    do throws(CoreError) {
      let adversarial = try method.adversarial(step)
      let loss = try method.loss(step, adversarial: adversarial)
      let value = try loss.total.item()
      guard value.isFinite else { throw diverged("the loss became \(value)", at: position) }
      let gradients = try Tensors.gradients(of: loss.total, withRespectTo: step.parameters)
      // A method that never looks at natural images says nothing about them; one more forward does.
      let natural = if let logits = loss.naturalLogits { logits } else { try model(part.images) }
      try totals.add(loss, value: value, natural: natural, labels: part.labels, of: model)
      return gradients
    } catch  where error.kind == .numeric && error.hint != divergenceHint {
      throw diverged(error.message, at: position)
    }
  }
}

/// Sums over the examples of an epoch.
private struct EpochTotals {
  private var n = 0
  private var loss = 0.0
  private var parts: [(name: String, value: Double)] = []
  private var natural = 0
  private var adversarial: Int?

  mutating func add(
    _ step: StepLoss, value: Double, natural: Tensor, labels: [Int], of model: Model
  ) throws(CoreError) {
    let count = Double(labels.count)
    n += labels.count
    loss += value * count
    if parts.isEmpty { parts = step.parts.map { ($0.name, 0) } }
    for (i, value) in try Tensor.items(step.parts.map(\.value)).enumerated() where i < parts.count {
      parts[i].value += value * count
    }
    self.natural += try correct(natural, labels, of: model).count { $0 }
    if let logits = step.adversarialLogits {
      adversarial = (adversarial ?? 0) + (try correct(logits, labels, of: model).count { $0 })
    }
  }

  var fields: [(name: String, value: Double)] {
    let n = Double(max(self.n, 1))
    var fields = [(name: "loss", value: loss / n), ("natural", Double(natural) / n)]
    if let adversarial { fields.append(("robust", Double(adversarial) / n)) }
    return fields
  }

  func report(epoch: Int, learningRate: Double) -> EpochReport {
    let n = Double(max(self.n, 1))
    return EpochReport(
      epoch: epoch, loss: loss / n, parts: parts.map { ($0.name, $0.value / n) },
      naturalAccuracy: Double(natural) / n, robustAccuracy: adversarial.map { Double($0) / n },
      learningRate: learningRate, seconds: 0)
  }
}
