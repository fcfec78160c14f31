import Base
import Datasets
import Networks
import Tensors

/// Trains a model; `TrainingRun` says how, and throws what this throws.
///
/// - Parameters:
///   - method: the loss and the inner maximisation; standard training where nothing is given.
///   - attack: the attack of the inner maximisation and of the validation; nil stands for `PGD()` where the method
///     trains on adversarial images. What it leaves open, start and objective, the method prescribes.
///   - validation: examples on which the model is measured after each epoch, under the attack.
///   - checkpoints: where the run leaves itself, and continues from by itself.
///   - records: where what is measured is kept.
///   - resume: the report of a run that was interrupted, which this one continues.
///   - ranks: the processes that train the model together; nil for this one alone.
@discardableResult
public func fit(
  _ model: Model, on data: Dataset, method: any TrainingMethod = Standard(), attack: (any Ascent)? = nil,
  plan: TrainingPlan = TrainingPlan(), validation: Dataset? = nil, observers: [any TrainingObserver] = [],
  checkpoints: CheckpointFolder? = nil, resume: TrainingReport? = nil, records: TrainingRecords = TrainingRecords(),
  ranks: (any Communicator)? = nil, progress: (any Progress)? = nil
) throws -> TrainingReport {
  let run = try TrainingRun(
    model, on: data, method: method, attack: attack, plan: plan, validation: validation, observers: observers,
    checkpoints: checkpoints, records: records, ranks: ranks)
  if let resume { try run.resume(resume) }
  return try run.run(progress: progress)
}

/// One training of a model: what is settled when it begins, and how far it has come.
///
/// The same seed gives the same bits for any number of threads, and for any way of being interrupted: a step that does
/// not come to its end leaves the model, and all that the run keeps, as the step before it did. `state` is what has to
/// be saved; a run with the same settings that has restored it continues as if it had never stopped. The run alone
/// moves weights, epochs and totals; the method computes losses, the optimiser makes steps, and observers look on, each
/// of which saves what it keeps itself. Whatever is drawn is keyed by the seed, the epoch and the step, never by what
/// came before.
public final class TrainingRun: Resumable, StepHost {
  let model: Model
  let data: Dataset
  let method: any TrainingMethod
  let attack: any Ascent
  let plan: TrainingPlan
  let observers: [any TrainingObserver]
  let average: WeightAverage?
  let best: BestModel?
  let process: any TrainingProcess
  let optimiser: any Optimiser
  /// What teachers have answered to the images of the data set.
  let answers = TeacherAnswers()
  /// The next step.
  var epoch = 0
  var step = 0
  var totals = EpochTotals()
  /// What the epochs so far have measured.
  var history: [EpochReport] = []
  /// The learning rates that the user has set in the epoch under way.
  var rateChanges: [RateChange] = []
  /// Who is told of each step, and how long the user has let the run wait so far.
  var watch: TrainingWatch?
  var waited = 0.0
  /// Whether an observer or the method has ended the run before its last epoch.
  var isEnded = false
  let checkpoints: CheckpointFolder?
  let records: TrainingRecords
  let validation: Dataset?
  /// The processes that share the shards of each batch; nil where this one is alone.
  let ranks: (any Communicator)?
  /// The fingerprint of the weights that the run began with, where checkpoints are kept.
  let startWeights: String?
  /// The fingerprint of the weights that a run began with which this one continues.
  var firstWeights: String?
  /// What functions of method and attack know from outside, as it was when the run began.
  let known: [TrainingDescription.Field]
  /// The description without the weights, once it was needed.
  var described: TrainingDescription?
  /// The weights and the optimiser before the step under way, once its method has moved them within it. Holding the
  /// weights costs a copy, so that they are held only then.
  var moved: (weights: [Tensor], optimiser: NamedTensors)?

  /// A run at its beginning: no step is done, and the weights are as they are.
  ///
  /// - Throws: `.value` and `.shape` for settings that do not fit or would not be used. Everything is checked here,
  ///   before any work starts.
  public init(
    _ model: Model, on data: Dataset, method: any TrainingMethod = Standard(), attack: (any Ascent)? = nil,
    plan: TrainingPlan = TrainingPlan(), validation: Dataset? = nil, observers: [any TrainingObserver] = [],
    checkpoints: CheckpointFolder? = nil, records: TrainingRecords = TrainingRecords(),
    ranks: (any Communicator)? = nil
  ) throws {
    try plan.validate()
    try Self.requireShards(of: plan, for: ranks)
    try plan.augmentations.validate(for: data)
    try method.validate()
    try attack?.validate()
    try method.validate(for: model)
    try model.requireTrainable()
    try requireFitting(data, model)
    if let validation { try requireFitting(validation, model, argument: "validation") }
    guard data.classCount == model.classes || !(data.hasSoftLabels || plan.augmentations.mixesImages) else {
      throw CoreError(
        .value,
        "the targets are distributions over the \(data.classCount) classes of \(data.name), but the model "
          + "\(model.name) knows \(model.classes)",
        hint: "make the model with classes=\(data.classCount), or the data set with classes=\(model.classes)",
        argument: "data")
    }
    let used = try Self.requireUse(of: attack, by: method, validation)
    try Self.requireUse(of: plan, validation, isAttacked: used != nil, by: method)
    if let damage = model.damage {
      throw CoreError(
        .numeric, "the model \(model.name) cannot be trained: \(damage)", hint: "make it anew, or load it again",
        argument: "model")
    }
    try Self.requireStatistics(model, data, plan)
    try Self.requireStatistics(of: model, plan, method, used)
    self.model = model
    self.data = data
    self.method = method
    self.attack = used ?? PGD()
    self.plan = plan
    self.ranks = ranks.flatMap { $0.size > 1 ? $0 : nil }
    var own: [any TrainingObserver] = []
    average = plan.averaging.map {
      WeightAverage($0, of: model, on: data, batchSize: plan.batchSize, seed: plan.seed)
    }
    best = plan.selection.map { BestModel(by: $0, patience: plan.patience) }
    if let average { own.append(average) }
    if let validation {
      // The margin beside the loss of the attack: one of them may have no gradient where the other has.
      let margin = plan.selection == .robust ? used.flatMap { Self.onMargin($0) } : nil
      let attacks: [any Attack] = (used.map { [$0] } ?? []) + (margin.map { [$0] } ?? [])
      own.append(
        Validation(
          validation, attacks: attacks, seed: plan.seed, every: plan.validateEvery, epochs: plan.epochs,
          needsLoss: plan.selection == .loss, average: average))
      if let best { own.append(best) }
    }
    let probe = OneStepProbe(method, used, on: validation ?? data, seed: plan.seed)
    if probe != nil || validation != nil && used != nil { own.append(OverfittingAlarm(probe: probe)) }
    self.observers = own + observers
    process = try method.begin(model, on: data)
    optimiser = plan.optimiser.makeOptimiser()
    self.checkpoints = checkpoints
    self.validation = validation
    self.records = records
    startWeights = checkpoints == nil && records.ledger == nil && self.ranks == nil ? nil : model.fingerprint
    known =
      try method.knownFields(as: "method", leaving: model) + self.attack.knownFields(as: "attack", leaving: model)
  }

  // MARK: Running

  /// The optimiser steps of one epoch.
  public var stepsPerEpoch: Int { (data.count - 1) / plan.batchSize + 1 }
  /// The optimiser steps done so far, over all calls.
  public var stepsDone: Int { epoch * stepsPerEpoch + step }
  /// Whether nothing is left to do.
  public var isFinished: Bool { isEnded || epoch >= plan.epochs }

  /// Trains to the end, or until the user stops it. Where a folder of checkpoints was given that has some, the run
  /// continues after the newest one that is whole.
  ///
  /// - Returns: what the run has done. After an interruption the report says so, and nothing is thrown; `run`
  ///   continues.
  /// - Throws: `.numeric` when loss, logits or weights are no longer finite; `.value` where the checkpoints are of a run
  ///   with other settings.
  public func run(progress: (any Progress)? = nil) throws -> TrainingReport {
    defer { progress?.finish() }
    waited = 0
    let start = clock
    try model.beginTraining()
    defer { model.endTraining() }
    try requireSameRun()
    let continued = try continueFromFolder(progress)
    let first = stepsDone
    let wasFinished = isFinished
    if first > 0, !wasFinished, let change = lastRateChange {
      progress?.note("\(change.sentence), and stays that, not lr=\(plan.learningRate.shortest)")
    }
    // What one rank is told by its keys the others would not know.
    let steered = ranks == nil ? progress as? any TrainingProgress : nil
    watch = steered.map { TrainingWatch($0, classNames: data.classNames) }
    defer { watch = nil }
    var interrupted = false
    let recorder = try beginRecords(continues: first > 0 || continued)
    recorder.record(history) { progress?.warn($0) }
    do {
      while !isFinished {
        let began = clock
        let batches = data.batches(
          of: plan.batchSize, shuffledBy: RandomStream(seed: plan.seed, purpose: "fit.order", epoch))
        while step < stepsPerEpoch {
          watch?.begin()
          try train(batches[step])
          let used = rates(at: position).rate
          step += 1
          // What follows the weights step by step is not left a step behind.
          try StopSignal.ignoring { for observer in observers { try observer.after(step: stepsDone, model) } }
          watch?.end(learningRate: used, highest: learningRate)
          let share = (clock - start) / Double(stepsDone - first)
          let total = plan.epochs * stepsPerEpoch
          progress?.update(
            title: "fit epoch \(epoch + 1)/\(plan.epochs)", done: stepsDone, total: total, fields: totals.fields,
            secondsLeft: share * Double(total - stepsDone))
          if let every = checkpoints?.every, stepsDone % every == 0, step < stepsPerEpoch {
            try uninterrupted { try save(progress) }
          }
          if let steered { try follow(steered, recorder) }
        }
        try end(epoch: began, since: (start, first), progress)
        watch?.endEpoch()
        recorder.record(history) { progress?.warn($0) }
        if checkpoints?.every == nil || stepsDone % (checkpoints?.every ?? 1) == 0 || isFinished {
          try uninterrupted { try save(progress) }
        }
      }
    } catch  where isInterruption(error) {
      interrupted = true
      try StopSignal.ignoring {
        try save(progress)
        // None leaves, and ends the others, before the first one has written.
        _ = try ranks?.meet(.kept)
      }
      if ranks != nil { StopSignal.raiseOfThread(.interrupted) }
    }
    recorder.end(isComplete: isFinished, model, warnings: history.flatMap(\.notes) + rateChanges.map(\.sentence)) {
      progress?.warn($0)
    }
    // What Ctrl-C has ended is the training: the average is what it has led to.
    let averaged: Model?
    do { averaged = try average?.averaged(model) } catch  where isInterruption(error) {
      averaged = try StopSignal.ignoring { try average?.averaged(model) }
    }
    let best = try best.flatMap { best in try best.model(like: model).map { (model: $0, epoch: best.epoch) } }
    if !interrupted, let line = history.gap(best: best?.epoch) { progress?.note(line) }
    return TrainingReport(
      method: method.description, epochs: history, laterRateChanges: rateChanges, steps: stepsDone - first,
      seconds: clock - start, interrupted: interrupted,
      state: interrupted ? try StopSignal.ignoring { try position(with: nil) } : nil,
      continuedAfter: continued || wasFinished ? first : nil, wasFinished: wasFinished,
      number: recorder.number, averaged: averaged, best: best)
  }

  /// Seconds, without those in which the user let the run wait.
  var clock: Double { monotonicSeconds() - waited }

  /// Does what the user asks for between two steps.
  func follow(_ progress: any TrainingProgress, _ recorder: TrainingRecorder) throws {
    while true {
      let asked = monotonicSeconds()
      let order: TrainingOrder?
      do {
        defer {
          let seconds = monotonicSeconds() - asked
          waited += seconds
          recorder.leaveOut(seconds: seconds)
        }
        order = try progress.nextOrder()
      }
      switch order {
      case nil: return
      case .save: progress.answer(try saveNow(progress))
      case .learningRate(let rate):
        do throws(CoreError) { try requireLearningRate(rate, of: "fit") } catch {
          progress.answer("not changed: \(error.message)")
          continue
        }
        guard rate != learningRate else {
          progress.answer("the learning rate is \(rate.shortest) already")
          continue
        }
        let change = RateChange(step: stepsDone, rate: rate)
        // Of two rates without a step between them the first was never used.
        rateChanges.removeAll { $0.step == change.step }
        rateChanges.append(change)
        progress.answer(change.sentence)
      }
    }
  }

  /// Writes a checkpoint because the user wants one.
  ///
  /// - Returns: what became of it.
  func saveNow(_ progress: any TrainingProgress) throws -> String {
    guard let checkpoints else {
      return "not saved: this run has no folder of checkpoints, which checkpoint=\"run1\" would give it"
    }
    if let damage = model.damage { return "not saved: the weights are useless, \(damage)" }
    try save(progress)
    guard checkpoints.isWritten(stepsDone), let newest = checkpoints.newest else {
      return "not saved: the folder '\(checkpoints.path)' cannot be written to"
    }
    return "saved: \(newest.split(separator: "/").last ?? "")"
  }

  /// The highest learning rate: that of the plan, or what the user has set since.
  var learningRate: Double { lastRateChange?.rate ?? plan.learningRate }

  var lastRateChange: RateChange? {
    rateChanges.last ?? history.last { !$0.rateChanges.isEmpty }?.rateChanges.last
  }

  /// Ends an epoch: what was measured is reported. Where that is interrupted, the epoch has not ended, and its end is
  /// done again when the run continues.
  ///
  /// - Parameters:
  ///   - began: when the epoch began.
  ///   - start: when this call began, and after which step.
  func end(epoch began: Double, since start: (seconds: Double, step: Int), _ progress: (any Progress)?) throws {
    try requireFiniteWeights()
    let kept = try uninterrupted { (process: try process.state, observers: try observers.map { try $0.state }) }
    let weights = model.state
    do {
      let (observed, reason, continues) = try agreed(.epoch, epoch) {
        var result = totals.report(epoch: epoch + 1, learningRate: rates(at: last).rate)
        let reason = try process.after(epoch: last, model)
        var continues = reason == nil
        for observer in observers { continues = try observer.after(&result, model) && continues }
        return (result, reason, continues)
      }
      var result = observed
      result.seconds = clock - began
      if let reason { result.notes.append(reason) }
      let share = (clock - start.seconds) / Double(max(1, stepsDone - start.step))
      progress?.note(
        result.line(of: plan.epochs, secondsLeft: share * Double((plan.epochs - epoch - 1) * stepsPerEpoch)))
      for note in result.notes { progress?.note(note) }
      result.rateChanges = rateChanges
      result.notes += rateChanges.map(\.sentence)
      history.append(result)
      (epoch, step, totals, rateChanges, isEnded) = (epoch + 1, 0, EpochTotals(), [], !continues)
    } catch {
      try StopSignal.ignoring {
        try model.setState(weights)
        try process.restore(kept.process)
        for (observer, state) in zip(observers, kept.observers) { try observer.restore(state) }
      }
      throw error
    }
  }

  var position: TrainingPosition {
    TrainingPosition(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch, epochs: plan.epochs)
  }

  /// The last step of the epoch.
  var last: TrainingPosition {
    TrainingPosition(epoch: epoch, step: stepsPerEpoch - 1, stepsPerEpoch: stepsPerEpoch, epochs: plan.epochs)
  }
}
