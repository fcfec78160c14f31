import Base
import Datasets
import Networks
import Tensors

/// A run that outlives its process: its state, its checkpoints, and its record in a ledger.
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
  func take(_ state: NamedTensors) throws(CoreError) {
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
  func continueFromFolder(_ progress: (any Progress)?) throws -> Bool {
    guard let checkpoints, stepsDone == 0,
      let state = try newestCheckpoint(in: checkpoints, warn: { progress?.warn($0) })
    else { return false }
    return try uninterrupted { try `continue`(from: state, checkpoints, progress) }
  }

  private func `continue`(
    from state: TrainingState, _ checkpoints: CheckpointFolder, _ progress: (any Progress)?
  ) throws -> Bool {
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
  func position(with weights: String?) throws -> TrainingState {
    var description = try description(withData: weights != nil)
    if let weights { description.fields.append(.init(TrainingDescription.weights, weights)) }
    return TrainingState(
      description: description, tensors: try state, step: stepsDone, isFinished: isFinished,
      examples: weights == nil ? (data, validation) : nil)
  }

  /// What decides where the run ends, but for the weights with which it begins.
  func description(withData: Bool) throws -> TrainingDescription {
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
    if let clip = plan.clip { fields.append(.init("clip", clip.shortest)) }
    if plan.shards > 1 { fields.append(.init("shards", "\(plan.shards)")) }
    if plan.syncsNorm { fields.append(.init("sync_norm", "true")) }
    if plan.validateEvery > 1 { fields.append(.init("validate_every", "\(plan.validateEvery)")) }
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
  func beginRecords(continues: Bool) throws -> TrainingRecorder {
    guard let ranks else { return try ownRecords(continues: continues) }
    return try beginRecords(ranks) { try ownRecords(continues: continues) }
  }

  private func ownRecords(continues: Bool) throws -> TrainingRecorder {
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

  func save(_ progress: (any Progress)?) throws {
    guard let checkpoints, ranks?.isFirst != false else { return }
    // Weights that are useless are no place to continue from.
    guard model.damage == nil else { return }
    let state = try position(with: firstWeights ?? startWeights ?? "")
    RunSettings.alone { checkpoints.save(state) { progress?.warn($0) } }
  }
}
