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
@discardableResult
public func fit(
  _ model: Model, on data: Dataset, method: any TrainingMethod = Standard(), attack: (any Ascent)? = nil,
  plan: TrainingPlan = TrainingPlan(), validation: Dataset? = nil, observers: [any TrainingObserver] = [],
  checkpoints: CheckpointFolder? = nil, resume: TrainingReport? = nil, records: TrainingRecords = TrainingRecords(),
  progress: (any Progress)? = nil
) throws -> TrainingReport {
  let run = try TrainingRun(
    model, on: data, method: method, attack: attack, plan: plan, validation: validation, observers: observers,
    checkpoints: checkpoints, records: records)
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
  private let model: Model
  private let data: Dataset
  private let method: any TrainingMethod
  private let attack: any Ascent
  private let plan: TrainingPlan
  private let observers: [any TrainingObserver]
  private let average: WeightAverage?
  private let best: BestModel?
  private let process: any TrainingProcess
  private let optimiser: any Optimiser
  /// What teachers have answered to the images of the data set.
  private let answers = TeacherAnswers()
  /// The next step.
  private var epoch = 0
  private var step = 0
  private var totals = EpochTotals()
  /// What the epochs so far have measured.
  private var history: [EpochReport] = []
  /// The learning rates that the user has set in the epoch under way.
  private var rateChanges: [RateChange] = []
  /// Who is told of each step, and how long the user has let the run wait so far.
  private var watch: TrainingWatch?
  private var waited = 0.0
  /// Whether an observer or the method has ended the run before its last epoch.
  private var isEnded = false
  private let checkpoints: CheckpointFolder?
  private let records: TrainingRecords
  private let validation: Dataset?
  /// The fingerprint of the weights that the run began with, where checkpoints are kept.
  private let startWeights: String?
  /// The fingerprint of the weights that a run began with which this one continues.
  private var firstWeights: String?
  /// What functions of method and attack know from outside, as it was when the run began.
  private let known: [TrainingDescription.Field]
  /// The description without the weights, once it was needed.
  private var described: TrainingDescription?
  /// The weights and the optimiser before the step under way, once its method has moved them within it. Holding the
  /// weights costs a copy, so that they are held only then.
  private var moved: (weights: [Tensor], optimiser: NamedTensors)?

  /// A run at its beginning: no step is done, and the weights are as they are.
  ///
  /// - Throws: `.value` and `.shape` for settings that do not fit or would not be used. Everything is checked here,
  ///   before any work starts.
  public init(
    _ model: Model, on data: Dataset, method: any TrainingMethod = Standard(), attack: (any Ascent)? = nil,
    plan: TrainingPlan = TrainingPlan(), validation: Dataset? = nil, observers: [any TrainingObserver] = [],
    checkpoints: CheckpointFolder? = nil, records: TrainingRecords = TrainingRecords()
  ) throws {
    try plan.validate()
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
    self.model = model
    self.data = data
    self.method = method
    self.attack = used ?? PGD()
    self.plan = plan
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
    startWeights = checkpoints == nil && records.ledger == nil ? nil : model.fingerprint
    known =
      try method.knownFields(as: "method", leaving: model) + self.attack.knownFields(as: "attack", leaving: model)
  }

  /// The attack that training and validation use; nil for none.
  ///
  /// - Throws: `.value` where there is one that neither uses, or that a method cannot use.
  private static func requireUse(
    of attack: (any Ascent)?, by method: any TrainingMethod, _ validation: Dataset?
  ) throws -> (any Ascent)? {
    guard let inner = method.inner else {
      guard attack == nil || validation != nil else {
        guard !method.searchesItself else {
          throw CoreError(
            .value, "\(method) finds its images itself, and there is no validation that would use the attack",
            hint: "leave attack out, or give validation=…; the radius is a setting of the method: eps=8/255",
            argument: "attack")
        }
        throw CoreError(
          .value, "\(method) trains without an attack, and there is no validation that would use it",
          hint: "leave attack out, or give validation=…, or method=pgd_at()", argument: "attack")
      }
      return attack
    }
    let attack = attack ?? PGD()
    do throws(CoreError) { try attack.validate(start: inner.start, loss: inner.loss) } catch {
      var error = error.prefixed("\(method) with \(attack)")
      error.argument = "attack"
      throw error
    }
    return attack
  }

  /// Refuses batches of one image where batch norm would have a single value for each channel.
  private static func requireStatistics(_ model: Model, _ data: Dataset, _ plan: TrainingPlan) throws {
    let sizes = [min(plan.batchSize, data.count), (data.count - 1) % plan.batchSize + 1]
    // The last part of a batch that is taken in parts.
    let least = sizes.map { size in (size - 1) % ((size - 1) / plan.accumulate + 1) + 1 }.min()
    guard least == 1, !model.buffers.isEmpty else { return }
    _ = try model.copy().forward(
      data.batch([0]).images, mode: .train, dropout: RandomStream(seed: plan.seed, purpose: "fit.one"))
  }

  /// Refuses settings of a plan that nothing would use.
  private static func requireUse(
    of plan: TrainingPlan, _ validation: Dataset?, isAttacked: Bool, by method: any TrainingMethod
  ) throws(CoreError) {
    if validation == nil {
      let unused =
        plan.selection != nil
        ? "select" : plan.patience != nil ? "patience" : plan.validateEvery != 1 ? "validate_every" : nil
      if let unused {
        throw CoreError(
          .value, "without a validation \(unused) would not be used",
          hint: "validation=0.1 holds a tenth of the data out",
          argument: unused)
      }
    }
    if plan.patience != nil, plan.selection == nil {
      throw CoreError(
        .value, "patience waits for a better model, but nothing says which is better", hint: "select=\"robust\"",
        argument: "patience")
    }
    if plan.selection == .robust, !isAttacked {
      throw CoreError(
        .value, "the validation is not attacked: select=\"robust\" would choose nothing",
        hint: "give attack=pgd(…), or select=\"natural\"", argument: "select")
    }
    if plan.accumulate > 1, method.movesWeights || method is AWP {
      throw CoreError(
        .value, "\(method) moves the weights within a step, so that its batches cannot be taken in parts",
        hint: "leave accumulate out, and take a smaller batch", argument: "accumulate")
    }
  }

  /// The same attack on the margin of the logits; nil where it has no choice, or is that one.
  private static func onMargin(_ attack: any Ascent) -> (any Attack)? {
    func changed<Own: Ascent>(_ attack: Own) -> (any Attack)? {
      guard attack[setting: "objective"] != nil else { return nil }
      let given = Own.settings.map { setting in
        (
          name: setting.name,
          value: setting.name == "objective" ? .string("margin") : attack[setting: setting.name] ?? .none
        )
      }
      guard let other = try? Own(given), !other.isEqual(to: attack) else { return nil }
      return other
    }
    return changed(attack)
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
    let continued = try continueFromFolder(progress)
    let first = stepsDone
    let wasFinished = isFinished
    if first > 0, !wasFinished, let change = lastRateChange {
      progress?.note("\(change.sentence), and stays that, not lr=\(plan.learningRate.shortest)")
    }
    let steered = progress as? any TrainingProgress
    watch = steered.map { TrainingWatch($0, classNames: data.classNames) }
    defer { watch = nil }
    var interrupted = false
    let recorder = try beginRecords(continues: first > 0 || continued)
    recorder.record(history) { progress?.note("warning: \($0)") }
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
          if let every = checkpoints?.every, stepsDone % every == 0, step < stepsPerEpoch { try save(progress) }
          if let steered { try follow(steered, recorder) }
        }
        try end(epoch: began, since: (start, first), progress)
        watch?.endEpoch()
        recorder.record(history) { progress?.note("warning: \($0)") }
        if checkpoints?.every == nil || stepsDone % (checkpoints?.every ?? 1) == 0 || isFinished { try save(progress) }
      }
    } catch  where isInterruption(error) {
      interrupted = true
      try StopSignal.ignoring { try save(progress) }
    }
    recorder.end(isComplete: isFinished, model, warnings: history.flatMap(\.notes) + rateChanges.map(\.sentence)) {
      progress?.note("warning: \($0)")
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
  private var clock: Double { monotonicSeconds() - waited }

  /// Does what the user asks for between two steps.
  private func follow(_ progress: any TrainingProgress, _ recorder: TrainingRecorder) throws {
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
  private func saveNow(_ progress: any TrainingProgress) throws -> String {
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
  private var learningRate: Double { lastRateChange?.rate ?? plan.learningRate }

  private var lastRateChange: RateChange? {
    rateChanges.last ?? history.last { !$0.rateChanges.isEmpty }?.rateChanges.last
  }

  /// Ends an epoch: what was measured is reported. Where that is interrupted, the epoch has not ended, and its end is
  /// done again when the run continues.
  ///
  /// - Parameters:
  ///   - began: when the epoch began.
  ///   - start: when this call began, and after which step.
  private func end(epoch began: Double, since start: (seconds: Double, step: Int), _ progress: (any Progress)?) throws {
    try requireFiniteWeights()
    let kept = (process: try process.state, observers: try observers.map { try $0.state })
    let weights = model.state
    do {
      var result = totals.report(epoch: epoch + 1, learningRate: rates(at: last).rate)
      let reason = try process.after(epoch: last, model)
      var continues = reason == nil
      for observer in observers { continues = try observer.after(&result, model) && continues }
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

  private var position: TrainingPosition {
    TrainingPosition(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch, epochs: plan.epochs)
  }

  /// The last step of the epoch.
  private var last: TrainingPosition {
    TrainingPosition(epoch: epoch, step: stepsPerEpoch - 1, stepsPerEpoch: stepsPerEpoch, epochs: plan.epochs)
  }

  // MARK: One step

  /// Does one step, the whole of it or nothing.
  private func train(_ positions: [Int]) throws {
    let (buffers, kept) = (model.buffers, try process.state)
    defer { moved = nil }
    do {
      try StopSignal.poll()
      var totals = self.totals
      let (gradients, displacement) = try gradients(positions, &totals)
      if let gradients { try move(by: gradients, at: position) }
      if let displacement { try model.displace(by: displacement, isBack: true) }
      // The step is done: what follows the weights is not left halfway.
      try StopSignal.ignoring { try process.after(step: position, model) }
      self.totals = totals
    } catch {
      try StopSignal.ignoring {
        try model.setBuffers(buffers)
        try process.restore(kept)
        if let moved {
          try model.setParameters(moved.weights)
          try optimiser.restore(moved.optimiser)
        }
      }
      throw error
    }
  }

  package func hold() throws {
    if moved == nil { moved = (model.parameters, try optimiser.state) }
  }

  package func move(by gradients: [Tensor?], at position: TrainingPosition) throws {
    let (rate, momentum) = rates(at: position)
    let gradients = try clipped(gradients)
    try model.updateParameters { (weights) throws(CoreError) in
      try optimiser.step(&weights, gradients: gradients, rate: rate, momentum: momentum)
    }
  }

  package func makeOptimiser() -> any Optimiser { plan.optimiser.makeOptimiser() }

  package func rates(at position: TrainingPosition) -> (rate: Double, momentum: Double?) {
    (plan.schedule.learningRate(learningRate, at: position), plan.schedule.momentum(at: position))
  }

  /// Gradients whose length is at most `clip`, as `torch.nn.utils.clip_grad_norm_` scales them: by clip/(length + 1e-6).
  private func clipped(_ gradients: [Tensor?]) throws -> [Tensor?] {
    guard let clip = plan.clip else { return gradients }
    let squares = try Tensor.items(gradients.compactMap { $0 }.map { try ($0 * $0).sum() })
    let length = squares.reduce(0, +).squareRoot()
    guard length.isFinite else {
      throw CoreError(.numeric, "the length of the gradients became \(length)", hint: divergenceHint)
    }
    let share = clip / (length + 1e-6)
    return share < 1 ? try gradients.map { try $0.map { try $0 * Float(share) } } : gradients
  }

  /// The gradients of the loss with respect to the weights, nil where the method has moved these itself, and by how
  /// much they are displaced. When it returns, nothing of the step holds the weights any more: the optimiser can change
  /// them in place.
  private func gradients(
    _ positions: [Int], _ totals: inout EpochTotals
  ) throws -> (gradients: [Tensor?]?, displacement: [Tensor?]?) {
    guard plan.accumulate > 1, positions.count > 1 else {
      return try gradients(of: positions, part: 0, &totals)
    }
    var sums: [Tensor?]?
    let size = (positions.count - 1) / plan.accumulate + 1
    for (part, start) in stride(from: 0, to: positions.count, by: size).enumerated() {
      let some = Array(positions[start..<min(start + size, positions.count)])
      let (gradients, displacement) = try gradients(of: some, part: part, &totals)
      guard let gradients, displacement == nil else {
        throw CoreError(
          .value, "\(method) moves the weights within a step, so that its batches cannot be taken in parts",
          hint: "leave accumulate out, and take a smaller batch", argument: "accumulate")
      }
      // The loss is a mean over the batch: each part has its share of it.
      let share = Float(some.count) / Float(positions.count)
      let shares = try gradients.map { try $0.map { try $0 * share } }
      sums =
        try sums.map { try zip($0, shares).map { sum, own in try sum.flatMap { sum in try own.map { try sum + $0 } } } }
        ?? shares
    }
    return (sums, nil)
  }

  /// The gradients of a part of a batch.
  private func gradients(
    of positions: [Int], part: Int, _ totals: inout EpochTotals
  ) throws -> (gradients: [Tensor?]?, displacement: [Tensor?]?) {
    let batch = try plan.augmentations.apply(try data.batch(positions), of: data, seed: plan.seed, epoch: epoch)
    let step = step(batch, part: part)
    if plan.augmentations.items.isEmpty { step.known = KnownAnswers(answers: answers, positions: positions) }
    do {
      let loss = try process.loss(step)
      let value = try loss.total.item()
      guard value.isFinite else {
        throw diverged("the loss became \(value)", at: position, try origin(of: batch, part))
      }
      let gradients = try loss.isApplied ? nil : model.gradients(of: loss.total, at: step.parameters)
      // A method that never looks at natural images says nothing about them; one more forward does.
      let natural = if let logits = loss.naturalLogits { logits } else { try model(batch.images) }
      let judged = try totals.add(loss, value: value, natural: natural, labels: batch.labels, of: model)
      watch?.add(
        batch, value: value, judged: judged, adversarial: step.found.first { $0.shape == batch.images.shape },
        logits: loss.adversarialLogits)
      return (gradients, step.displacement)
    } catch let error as CoreError where error.kind == .numeric && error.hint != divergenceHint {
      throw diverged(error.message, at: position)
    }
  }

  /// The step under way with a batch, or with a part of one. What the attack draws is keyed by the examples alone.
  private func step(_ batch: Batch, part: Int) -> TrainingStep {
    let stream = RandomStream(seed: plan.seed, purpose: "fit.step", epoch, step)
    return TrainingStep(
      model: model, parameters: model.trackedParameters(), batch: batch, attack: attack, inner: method.inner,
      stream: part == 0 ? stream : stream.child(-1_000_000_000 - part),
      random: part == 0 ? nil : PerExampleRandom(stream) { (-1 - 2 * $0, -2 - 2 * $0) }, position: position, host: self)
  }

  /// Where in a step that failed the first number stands that is not finite, in words: in an image, a weight, or what a
  /// layer returns. The step is taken once more for it, and looked at after every operation.
  private func origin(of batch: Batch, _ part: Int) throws -> String? {
    if let damage = model.damage { return damage }
    if batch.images.hasNonFinite, let image = batch.images.floats().firstIndex(where: { !$0.isFinite }) {
      let id = batch.ids[image / max(1, batch.images.count / batch.ids.count)]
      throw CoreError(
        .value, "image \(id) of \(data.name) has values that are not numbers", hint: "leave it out, or mend it",
        argument: "data")
    }
    var settings = RunSettings.ofThread
    settings.checksFinite = true
    do {
      try settings.carry { _ = try process.loss(step(batch, part: part)) }
    } catch let error as CoreError where error.kind == .numeric {
      return error.message
    }
    return nil
  }

  /// Whether the user has stopped the run, whoever noticed it: the core, or a function of the language.
  private func isInterruption(_ error: any Error) -> Bool {
    (error as? CoreError)?.kind == .interrupted || StopSignal.reasonOfThread == .interrupted
  }

  // MARK: Divergence

  private var divergenceHint: String {
    let newest = checkpoints?.newest.map { "; the last good checkpoint is '\($0)'" } ?? ""
    return
      "lower the learning rate (lr=\(learningRate.shortest) now), and begin with a fresh model: the weights of "
      + "this one led there\(newest)"
  }

  /// - Parameter origin: where it began.
  private func diverged(_ what: String, at position: TrainingPosition, _ origin: String? = nil) -> CoreError {
    let place = "in epoch \(position.epoch + 1), step \(position.step + 1)"
    return CoreError(.numeric, "\(what) \(place)" + (origin.map { ": \($0)" } ?? ""), hint: divergenceHint)
  }

  /// The last step of an epoch has no loss after it that would tell.
  private func requireFiniteWeights() throws(CoreError) {
    guard let damage = model.damage else { return }
    throw diverged("the weights became useless, \(damage),", at: last)
  }
}

// MARK: - Saving

extension TrainingRun {
  /// The model, the optimiser, what the method and the observers keep, what was measured, and the position.
  public var state: NamedTensors {
    get throws(CoreError) {
      var state: NamedTensors = [
        ("epoch", try Tensor(ints: [epoch], shape: [])), ("step", try Tensor(ints: [step], shape: [])),
        ("ended", try Tensor(ints: [isEnded ? 1 : 0], shape: [])), ("history", try TextTensor.tensor(history.text)),
      ]
      func add(_ part: String, _ tensors: NamedTensors) { state += tensors.map { ("\(part).\($0.name)", $0.tensor) } }
      if !rateChanges.isEmpty { state.append((TrainingState.rates, try rateChanges.tensor())) }
      add("totals", try totals.state)
      add("model", model.state)
      add("optimiser", try optimiser.state)
      add("method", try process.state)
      for (i, observer) in observers.enumerated() { add("observer\(i)", try observer.state) }
      return state
    }
  }

  /// Continues from a state that a run with the same settings had.
  ///
  /// - Throws: `value` and `shape` for a state of another model, method, optimiser or plan; then nothing has changed.
  public func restore(_ state: NamedTensors) throws(CoreError) {
    let before = try self.state
    do throws(CoreError) { try take(state) } catch {
      try take(before)
      throw error
    }
  }

  /// Takes on the parts of a state one after the other.
  private func take(_ state: NamedTensors) throws(CoreError) {
    var parts: [Substring: NamedTensors] = [:]
    for (name, tensor) in state {
      guard let point = name.firstIndex(of: ".") else { continue }
      parts[name[..<point], default: []].append((String(name[name.index(after: point)...]), tensor))
    }
    func number(_ name: String, _ limit: Int) throws(CoreError) -> Int {
      guard let tensor = state.first(where: { $0.name == name })?.tensor, tensor.dtype == .int64,
        let number = tensor.ints().first, number >= 0, number <= limit
      else { throw CoreError(.value, "the \(name) of this state is not one of this run") }
      return number
    }
    let (epoch, step) = (try number("epoch", plan.epochs), try number("step", stepsPerEpoch))
    let isEnded = try number("ended", 1) == 1
    guard let text = state.first(where: { $0.name == "history" }) else {
      throw CoreError(.value, "the history of this state is not one of this run")
    }
    let history = try [EpochReport](text: TextTensor.text(text.tensor))
    var rates: [RateChange] = []
    if let tensor = state.first(where: { $0.name == TrainingState.rates })?.tensor {
      rates = try [RateChange](tensor, steps: epoch * stepsPerEpoch + step)
    }
    let totals = try EpochTotals(parts["totals"] ?? [])
    try model.setState(parts["model"] ?? [])
    try optimiser.restore(parts["optimiser"] ?? [])
    try process.restore(parts["method"] ?? [])
    for (i, observer) in observers.enumerated() { try observer.restore(parts["observer\(i)"] ?? []) }
    (self.epoch, self.step, self.totals, self.history, self.isEnded) = (epoch, step, totals, history, isEnded)
    rateChanges = rates
  }

  /// Continues a run that was interrupted in this process.
  ///
  /// - Throws: `value` for the report of a run that has ended, and for one of a run with other settings, which are named.
  public func resume(_ report: TrainingReport) throws {
    guard let state = report.state, let (data, validation) = state.examples else {
      throw CoreError(
        .value, "this report is of a run that has come to its end: there is nothing to resume",
        hint: "leave resume out to train further from the weights of the model", argument: "resume")
    }
    var differences = try description(withData: false).differences(from: state.description)
    if try !data.isSame(as: self.data) { differences.append("data is another") }
    if let validation, let own = self.validation, try !validation.isSame(as: own) {
      differences.append("validation is another")
    }
    guard differences.isEmpty else {
      throw CoreError(
        .value, "the run of this report was begun with other settings: \(differences.joined(separator: "; "))",
        hint: "give the same settings, or leave resume out", argument: "resume")
    }
    try restore(state.tensors)
  }

  /// Continues after the newest checkpoint of the folder, where there is one.
  private func continueFromFolder(_ progress: (any Progress)?) throws -> Bool {
    guard let checkpoints, stepsDone == 0, let state = try checkpoints.load(warn: { progress?.note("warning: \($0)") })
    else { return false }
    var description = try description(withData: true)
    description.fields.append(.init(TrainingDescription.weights, startWeights ?? ""))
    var differences = description.differences(from: state.description, leaving: [TrainingDescription.weights])
    // At the prompt the model has moved already: to where the checkpoint stands.
    let own = Dictionary(model.state.map { ("model.\($0.name)", $0.tensor) }) { first, _ in first }
    if differences.isEmpty, !description.differences(from: state.description).isEmpty,
      !state.tensors.allSatisfy({ name, tensor in
        !name.hasPrefix("model.") || own[name]?.isIdentical(to: tensor) == true
      })
    {
      differences.append("the weights with which the model begins are others")
    }
    guard differences.isEmpty else {
      throw CoreError(
        .value,
        "'\(checkpoints.path)' holds a run that was begun with other settings: \(differences.joined(separator: "; "))",
        hint: "give the same settings, or another folder", argument: "checkpoint")
    }
    firstWeights = state.description.fields.first { $0.name == TrainingDescription.weights }?.value
    try restore(state.tensors)
    if isFinished {
      progress?.note("the run in '\(checkpoints.path)' is finished: its report and its weights are read")
    } else {
      progress?.note("continues after step \(stepsDone) of \(plan.epochs * stepsPerEpoch) ('\(checkpoints.path)')")
    }
    return true
  }

  /// Where the run stands.
  ///
  /// - Parameter weights: the fingerprint of the weights at the beginning, for a state that outlives the process.
  private func position(with weights: String?) throws -> TrainingState {
    var description = try description(withData: weights != nil)
    if let weights { description.fields.append(.init(TrainingDescription.weights, weights)) }
    return TrainingState(
      description: description, tensors: try state, step: stepsDone, isFinished: isFinished,
      examples: weights == nil ? (data, validation) : nil)
  }

  /// What decides where the run ends, but for the weights with which it begins.
  private func description(withData: Bool) throws -> TrainingDescription {
    if withData, let described { return described }
    var fields: [TrainingDescription.Field] = [.init("model", model.architecture.call)]
    if model.temperature != 1 { fields.append(.init("temperature of the model", Double(model.temperature).shortest)) }
    if !model.frozen.isEmpty {
      fields.append(
        .init("frozen weights", model.frozen.sorted().map { model.parameterNames[$0] }.joined(separator: " ")))
    }
    if withData { fields.append(.init("data", try data.identity)) }
    fields += [
      .init("method", method.identity), .init("attack", attack.identity), .init("epochs", "\(plan.epochs)"),
      .init("batch", "\(plan.batchSize)"), .init("lr", plan.learningRate.shortest),
      .init("optimiser", plan.optimiser.identity),
      .init("schedule", (plan.schedule as? WarmupSchedule)?.schedule?.identity ?? plan.schedule.identity),
      .init("augment", "[\(plan.augmentations.items.map(\.identity).joined(separator: ", "))]"),
      .init("seed", "\(plan.seed)"),
    ]
    // By the argument of `fit` that makes it.
    if let warmup = plan.schedule as? WarmupSchedule { fields.append(.init("warmup", "\(warmup.epochs)")) }
    if let validation { fields.append(.init("validation", withData ? try validation.identity : "given")) }
    for observer in observers { fields += observer.settings }
    fields += known
    let made = TrainingDescription(fields)
    if withData { described = made }
    return made
  }

  /// Begins what is kept of the run in a ledger and in a folder of curves.
  private func beginRecords(continues: Bool) throws -> TrainingRecorder {
    guard let ledger = records.ledger else { return try TrainingRecorder(nil, records.curves, continues: continues) }
    var description = try description(withData: true)
    description.fields.append(.init(TrainingDescription.weights, firstWeights ?? startWeights ?? ""))
    let record = try ledger.begin(
      TrainingEntry(
        description: description, model: model.name, startFingerprint: firstWeights ?? startWeights ?? "",
        data: data.name, dataFingerprint: try data.contentDigits, classNames: data.classNames, n: data.count,
        batch: plan.batchSize,
        method: method.description, command: records.command, continues: continues))
    return try TrainingRecorder(record, records.curves, continues: continues)
  }

  private func save(_ progress: (any Progress)?) throws {
    guard let checkpoints else { return }
    // Weights that are useless are no place to continue from.
    guard model.damage == nil else { return }
    checkpoints.save(try position(with: firstWeights ?? startWeights ?? "")) { progress?.note("warning: \($0)") }
  }
}
