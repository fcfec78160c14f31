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
@discardableResult
public func fit(
  _ model: Model, on data: Dataset, method: any TrainingMethod = Standard(), attack: (any Ascent)? = nil,
  plan: TrainingPlan = TrainingPlan(), validation: Dataset? = nil, observers: [any TrainingObserver] = [],
  progress: (any Progress)? = nil
) throws -> TrainingReport {
  try TrainingRun(
    model, on: data, method: method, attack: attack, plan: plan, validation: validation, observers: observers
  ).run(progress: progress)
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
  private let process: any TrainingProcess
  private let optimiser: any Optimiser
  /// The next step.
  private var epoch = 0
  private var step = 0
  private var totals = EpochTotals()
  /// The weights and the optimiser before the step under way, once its method has moved them within it. Holding the
  /// weights costs a copy, so that they are held only then.
  private var moved: (weights: [Tensor], optimiser: NamedTensors)?

  /// A run at its beginning: no step is done, and the weights are as they are.
  ///
  /// - Throws: `.value` and `.shape` for settings that do not fit or would not be used. Everything is checked here,
  ///   before any work starts.
  public init(
    _ model: Model, on data: Dataset, method: any TrainingMethod = Standard(), attack: (any Ascent)? = nil,
    plan: TrainingPlan = TrainingPlan(), validation: Dataset? = nil, observers: [any TrainingObserver] = []
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
    if let damage = model.damage {
      throw CoreError(
        .numeric, "the model \(model.name) cannot be trained: \(damage)", hint: "make it anew, or load it again",
        argument: "model")
    }
    self.model = model
    self.data = data
    self.method = method
    self.attack = used ?? PGD()
    self.plan = plan
    self.observers =
      (validation.map { [Validation($0, attack: used, seed: plan.seed)] as [any TrainingObserver] } ?? []) + observers
    process = try method.begin(model, on: data)
    optimiser = plan.optimiser.makeOptimiser()
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
            hint: "leave attack out, or give validation=…; the method has eps and step_size", argument: "attack")
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

  // MARK: Running

  /// The optimiser steps of one epoch.
  public var stepsPerEpoch: Int { (data.count - 1) / plan.batchSize + 1 }
  /// The optimiser steps done so far, over all calls.
  public var stepsDone: Int { epoch * stepsPerEpoch + step }

  /// Trains to the end, or until the user stops it.
  ///
  /// - Returns: what this call has done. After an interruption the report says so, and nothing is thrown; `run`
  ///   continues.
  /// - Throws: `.numeric` when loss, logits or weights are no longer finite.
  public func run(progress: (any Progress)? = nil) throws -> TrainingReport {
    defer { progress?.finish() }
    let start = monotonicSeconds()
    let first = stepsDone
    var report = TrainingReport(method: method.description, epochs: [], steps: 0, seconds: 0, interrupted: false)
    do {
      while epoch < plan.epochs {
        let began = monotonicSeconds()
        let batches = data.batches(
          of: plan.batchSize, shuffledBy: RandomStream(seed: plan.seed, purpose: "fit.order", epoch))
        while step < stepsPerEpoch {
          try train(batches[step])
          step += 1
          for observer in observers { try observer.after(step: stepsDone, model) }
          let share = (monotonicSeconds() - start) / Double(stepsDone - first)
          let total = plan.epochs * stepsPerEpoch
          progress?.update(
            title: "fit epoch \(epoch + 1)/\(plan.epochs)", done: stepsDone, total: total, fields: totals.fields,
            secondsLeft: share * Double(total - stepsDone))
        }
        try requireFiniteWeights()
        var result = totals.report(
          epoch: epoch + 1, learningRate: plan.schedule.learningRate(plan.learningRate, at: last))
        let reason = try process.after(epoch: last, model)
        var continues = reason == nil
        for observer in observers { continues = try observer.after(&result, model) && continues }
        result.seconds = monotonicSeconds() - began
        report.epochs.append(result)
        progress?.note(result.line(of: plan.epochs))
        if let reason { progress?.note(reason) }
        (epoch, step, totals) = (epoch + 1, 0, EpochTotals())
        if !continues { break }
      }
    } catch  where isInterruption(error) {
      report.interrupted = true
    }
    report.steps = stepsDone - first
    report.seconds = monotonicSeconds() - start
    return report
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
    try model.updateParameters { (weights) throws(CoreError) in
      try optimiser.step(&weights, gradients: gradients, rate: rate, momentum: momentum)
    }
  }

  package func makeOptimiser() -> any Optimiser { plan.optimiser.makeOptimiser() }

  package func rates(at position: TrainingPosition) -> (rate: Double, momentum: Double?) {
    (plan.schedule.learningRate(plan.learningRate, at: position), plan.schedule.momentum(at: position))
  }

  /// The gradients of the loss with respect to the weights, nil where the method has moved these itself, and by how
  /// much they are displaced. When it returns, nothing of the step holds the weights any more: the optimiser can change
  /// them in place.
  private func gradients(
    _ positions: [Int], _ totals: inout EpochTotals
  ) throws -> (gradients: [Tensor?]?, displacement: [Tensor?]?) {
    let part = try plan.augmentations.apply(try data.batch(positions), of: data, seed: plan.seed, epoch: epoch)
    let step = TrainingStep(
      model: model, parameters: model.trackedParameters(), batch: part, attack: attack, inner: method.inner,
      stream: RandomStream(seed: plan.seed, purpose: "fit.step", epoch, step), position: position, host: self)
    do {
      let loss = try process.loss(step)
      let value = try loss.total.item()
      guard value.isFinite else { throw diverged("the loss became \(value)", at: position) }
      let gradients = try loss.isApplied ? nil : model.gradients(of: loss.total, at: step.parameters)
      // A method that never looks at natural images says nothing about them; one more forward does.
      let natural = if let logits = loss.naturalLogits { logits } else { try model(part.images) }
      try totals.add(loss, value: value, natural: natural, labels: part.labels, of: model)
      return (gradients, step.displacement)
    } catch let error as CoreError where error.kind == .numeric && error.hint != divergenceHint {
      throw diverged(error.message, at: position)
    }
  }

  /// Whether the user has stopped the run, whoever noticed it: the core, or a function of the language.
  private func isInterruption(_ error: any Error) -> Bool {
    (error as? CoreError)?.kind == .interrupted || StopSignal.reasonOfThread == .interrupted
  }

  // MARK: Divergence

  private var divergenceHint: String {
    "lower the learning rate (lr=\(plan.learningRate.shortest) now), and begin with a fresh model: the weights of this one "
      + "led there"
  }

  private func diverged(_ what: String, at position: TrainingPosition) -> CoreError {
    CoreError(
      .numeric, "\(what) in epoch \(position.epoch + 1), step \(position.step + 1)", hint: divergenceHint)
  }

  /// The last step of an epoch has no loss after it that would tell.
  private func requireFiniteWeights() throws(CoreError) {
    guard let damage = model.damage else { return }
    throw diverged("the weights became useless, \(damage),", at: last)
  }
}

// MARK: - Saving

extension TrainingRun {
  /// The model, the optimiser, what the method and the observers keep, and the position.
  public var state: NamedTensors {
    get throws(CoreError) {
      var state: NamedTensors = [
        ("epoch", try Tensor(ints: [epoch], shape: [])), ("step", try Tensor(ints: [step], shape: [])),
      ]
      func add(_ part: String, _ tensors: NamedTensors) { state += tensors.map { ("\(part).\($0.name)", $0.tensor) } }
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
    func part(_ name: String) -> NamedTensors {
      state.filter { $0.name.hasPrefix(name + ".") }.map { (String($0.name.dropFirst(name.utf8.count + 1)), $0.tensor) }
    }
    func number(_ name: String, _ limit: Int) throws(CoreError) -> Int {
      guard let tensor = state.first(where: { $0.name == name })?.tensor, tensor.dtype == .int64,
        let number = tensor.ints().first, number >= 0, number <= limit
      else { throw CoreError(.value, "the \(name) of this state is not one of this run") }
      return number
    }
    let (epoch, step) = (try number("epoch", plan.epochs), try number("step", stepsPerEpoch))
    let totals = try EpochTotals(part("totals"))
    try model.setState(part("model"))
    try optimiser.restore(part("optimiser"))
    try process.restore(part("method"))
    for (i, observer) in observers.enumerated() { try observer.restore(part("observer\(i)")) }
    (self.epoch, self.step, self.totals) = (epoch, step, totals)
  }
}
