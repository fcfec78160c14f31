import Base
import Datasets
import Networks
import Tensors

/// One step of a run: the gradients of a batch, or of its parts, and what the optimiser makes of them.
extension TrainingRun {
  /// Does one step, the whole of it or nothing.
  func train(_ positions: [Int]) throws {
    let (buffers, kept) = (model.buffers, try process.state)
    defer { moved = nil }
    do {
      // Ranks agree on an interruption once each has done its shards.
      if ranks == nil { try StopSignal.poll() }
      var totals = self.totals
      let (gradients, displacement) = try gradients(positions, &totals)
      try uninterrupted {
        if let gradients { try move(by: gradients, at: position) }
        if let displacement { try model.displace(by: displacement, isBack: true) }
      }
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
  func clipped(_ gradients: [Tensor?]) throws -> [Tensor?] {
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
  func gradients(
    _ positions: [Int], _ totals: inout EpochTotals
  ) throws -> (gradients: [Tensor?]?, displacement: [Tensor?]?) {
    if plan.shards > 1 { return try shardedGradients(positions, &totals) }
    let step = try begin(positions, part: 0)
    let found = try measure(step, part: 0)
    totals.add(found.part)
    return (found.gradients, step.displacement)
  }

  /// A step with the images at these positions, which is about to begin.
  func begin(_ positions: [Int], part: Int) throws -> TrainingStep {
    let batch = try plan.augmentations.apply(try data.batch(positions), of: data, seed: plan.seed, epoch: epoch)
    let step = step(batch, part: part)
    if plan.augmentations.items.isEmpty { step.known = KnownAnswers(answers: answers, positions: positions) }
    return step
  }

  /// Takes the loss of a step.
  ///
  /// - Returns: its gradients with respect to the weights, nil where the method has moved these itself, and what it adds to
  ///   the sums of the epoch.
  func measure(_ step: TrainingStep, part: Int) throws -> (gradients: [Tensor?]?, part: EpochTotals.Part) {
    let batch = step.batch
    do {
      let loss = try process.loss(step)
      let value = try loss.total.item()
      guard value.isFinite else {
        throw diverged("the loss became \(value)", at: position, try origin(of: batch, part))
      }
      let gradients = try loss.isApplied ? nil : step.gradients(of: loss.total)
      // A method that never looks at natural images says nothing about them; one more forward does.
      let natural = if let logits = loss.naturalLogits { logits } else { try model(batch.images) }
      let measured = try EpochTotals.part(of: loss, value: value, natural: natural, labels: batch.labels, of: model)
      watch?.add(
        batch, value: value, judged: measured.judged,
        adversarial: step.found.first { $0.shape == batch.images.shape }, logits: loss.adversarialLogits)
      return (gradients, measured.part)
    } catch let error as CoreError where error.kind == .numeric && error.hint != divergenceHint {
      throw diverged(error.message, at: position)
    }
  }

  /// The step under way with a batch, or with a part of one. What the attack draws is keyed by the examples alone.
  func step(_ batch: Batch, part: Int) -> TrainingStep {
    let stream = RandomStream(seed: plan.seed, purpose: "fit.step", epoch, step)
    return TrainingStep(
      model: model, parameters: model.trackedParameters(), batch: batch, attack: attack, inner: method.inner,
      stream: part == 0 ? stream : stream.child(-1_000_000_000 - part),
      random: part == 0 ? nil : PerExampleRandom(stream) { (-1 - 2 * $0, -2 - 2 * $0) }, position: position, host: self)
  }

  /// Where in a step that failed the first number stands that is not finite, in words: in an image, a weight, or what a
  /// layer returns. The step is taken once more for it, and looked at after every operation.
  func origin(of batch: Batch, _ part: Int) throws -> String? {
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
  func isInterruption(_ error: any Error) -> Bool {
    (error as? CoreError)?.kind == .interrupted || StopSignal.reasonOfThread == .interrupted
  }

  // MARK: Divergence

  var divergenceHint: String {
    let newest = checkpoints?.newest.map { "; the last good checkpoint is '\($0)'" } ?? ""
    return
      "lower the learning rate (lr=\(learningRate.shortest) now), and begin with a fresh model: the weights of "
      + "this one led there\(newest)"
  }

  /// - Parameter origin: where it began.
  func diverged(_ what: String, at position: TrainingPosition, _ origin: String? = nil) -> CoreError {
    let place = "in epoch \(position.epoch + 1), step \(position.step + 1)"
    return CoreError(.numeric, "\(what) \(place)" + (origin.map { ": \($0)" } ?? ""), hint: divergenceHint)
  }

  /// The last step of an epoch has no loss after it that would tell.
  func requireFiniteWeights() throws(CoreError) {
    guard let damage = model.damage else { return }
    throw diverged("the weights became useless, \(damage),", at: last)
  }
}
