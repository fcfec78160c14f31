import Base
import Datasets
import Networks
import Tensors

/// What a step asks of the run that it belongs to, for a method that moves the weights within a step.
package protocol StepHost: AnyObject {
  /// Keeps weights and optimiser as they are before the step, so that a step that fails leaves nothing of itself.
  func hold() throws
  /// Moves the weights by one step of the optimiser.
  func move(by gradients: [Tensor?], at position: TrainingPosition) throws
  /// An optimiser with the settings of the run that has not made a step, for a further model.
  func makeOptimiser() -> any Optimiser
  /// The learning rate, and the momentum where the schedule sets it.
  func rates(at position: TrainingPosition) -> (rate: Double, momentum: Double?)
}

/// One step as a method sees it: a batch, the model with tracked weights, and the attack.
///
/// It is all that a method may use, so that no method has a loop of its own: images are found by `adversarial` or
/// `maximise`, logits come from `forward`, and the loss that the method returns is differentiated by the run. Dropout
/// draws by the number of the forward within the step, an attack by example and restart. The running statistics of
/// batch norm move with each forward in training mode, so the order of the forwards is part of a method.
///
/// A method may take its loss twice (AWP): what does not depend on the weights that are moved in between, the images of
/// the attack and the answers of a teacher, is found once (`found`), in the order in which it is asked for.
public final class TrainingStep {
  /// The model that is trained; a method runs it by `forward`, not by calling it.
  public let model: Model
  /// The model's weights; gradients are taken with respect to them. Those that are frozen are no leaves.
  public private(set) var parameters: [Tensor]
  let batch: Batch
  private let attack: any Ascent
  private let inner: InnerMaximisation?
  private let stream: RandomStream
  private let random: any AttackRandom
  private let host: (any StepHost)?
  private let given: Tensor?
  /// Whether the attack runs on `parameters` instead of the model's own weights.
  private var isElsewhere = false
  private var forwards = 0
  /// What was found in this step, and how much of it this evaluation of the loss has asked for.
  package private(set) var found: [Tensor] = []
  private var asked = 0
  private var isMaking = false
  /// What is known of the answers of teachers; nil where the images are not those of the data set.
  var known: KnownAnswers?
  /// The answers of teachers to the natural images, which do not depend on the weights either.
  var answers: [ObjectIdentifier: Tensor] = [:]
  private var isRehearsing = false
  /// Whether it is a shard of a batch, whose weights are those of the whole.
  var isShard = false
  /// What the shards of the batch tell each other, where batch norm takes the statistics of all of them.
  var shared: (any SharedStatistics)?
  /// What the gradients go to as they are found; nil where nobody waits for them.
  var sum: RankSum?
  /// The buffers after the last attack, whose moves of the running statistics are the step's own.
  private var buffersAfterAttack: [Tensor]?
  /// By how much the weights are displaced until the optimiser has moved them; nil where they are not.
  package private(set) var displacement: [Tensor?]?

  /// Where the step stands in its run.
  public let position: TrainingPosition

  /// A step; `TrainingRun` makes those of a run, tests make their own.
  ///
  /// - Parameters:
  ///   - inner: how `adversarial` has images made.
  ///   - stream: what dropout draws from, and the attack where `random` says nothing else.
  ///   - adversarial: images to take instead of those that the attack finds.
  ///   - position: where the step stands in its run; by default the only step of a run.
  ///   - host: the run.
  package init(
    model: Model, parameters: [Tensor], batch: Batch, attack: any Ascent, inner: InnerMaximisation?,
    stream: RandomStream, random: (any AttackRandom)? = nil, adversarial: Tensor? = nil,
    position: TrainingPosition = TrainingPosition(epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 1),
    host: (any StepHost)? = nil
  ) {
    self.position = position
    self.model = model
    self.parameters = parameters
    self.batch = batch
    self.attack = attack
    self.inner = inner
    self.stream = stream
    self.random = random ?? PerExampleRandom(stream) { (-1 - 2 * $0, -2 - 2 * $0) }
    given = adversarial
    self.host = host
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

  /// The mean cross-entropy of logits [n, classes] with smoothed targets, whether these are classes or distributions.
  ///
  /// - Parameters:
  ///   - smoothing: share of the target that does not depend on the label, from 0 to 1.
  ///   - convention: who has that share.
  public func crossEntropy(
    _ logits: Tensor, smoothing: Double, convention: SmoothingConvention = .uniform
  ) throws -> Tensor {
    let share = Float(smoothing)
    switch targets {
    case .classes(let labels):
      return try Tensors.crossEntropy(logits, labels: labels, labelSmoothing: share, convention: convention)
    case .soft(let rows) where convention == .others && share != 0:
      // Linear in the target: what a class lacks of 1 is what it has of the share of the others.
      let other = share / Float(max(logits.shape[1] - 1, 1))
      return try Tensors.crossEntropy(logits, target: rows.affine(scale: 1 - share - other, offset: other))
    case .soft(let rows): return try Tensors.crossEntropy(logits, target: rows, labelSmoothing: share)
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
    return try model.forward(
      images, mode: .train, parameters: parameters, dropout: stream.child(forwards), sharing: shared)
  }

  // MARK: Images

  /// Adversarial images as the method prescribes them (`TrainingMethod.inner`); an error where it prescribes none.
  /// It comes before the forwards of the loss, which move the running statistics of batch norm.
  ///
  /// - Parameter radius: the share of the attack's radius that is used, from 0 to 1.
  public func adversarial(radius: Double = 1) throws -> Tensor {
    guard let inner else {
      throw CoreError(
        .value, "this method prescribes no attack: it trains on natural images",
        hint: "say where the attack begins: start=\"uniform\"", argument: "method")
    }
    guard inner.loss == .crossEntropy, case .soft(let rows) = targets else {
      return try maximise(start: inner.start, mode: inner.mode, radius, loss: inner.loss, objective: nil)
    }
    return try maximise(start: inner.start, mode: inner.mode, radius, loss: nil) { logits, examples in
      let target = examples.elementsEqual(0..<rows.shape[0]) ? rows : try rows.indexSelect(axis: 0, examples)
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
    try maximise(start: start, mode: mode, 1, loss: nil, objective: objective)
  }

  /// Images that make an objective large which looks at them, too: at what another model answers to them.
  ///
  /// - Parameter objective: images [k, c, h, w] and logits [k, classes] of these examples to one value each, [k]; the
  ///   gradient flows through both.
  func maximise(
    start: AttackStart, mode: Mode = .eval, imageObjective objective: @escaping ModelOracle.ImageObjective
  ) throws -> Tensor {
    try maximise(start: start, mode: mode, 1, loss: nil, imageObjective: objective)
  }

  private func maximise(
    start: AttackStart, mode: Mode, _ share: Double, loss: AttackLoss?, objective: ModelOracle.Objective?
  ) throws -> Tensor {
    try maximise(
      start: start, mode: mode, share, loss: loss,
      imageObjective: objective.map { objective in { _, logits, examples in try objective(logits, examples) } })
  }

  private func maximise(
    start: AttackStart, mode: Mode, _ share: Double, loss: AttackLoss?, imageObjective: ModelOracle.ImageObjective?
  ) throws -> Tensor {
    // An attack in training mode is made all the same: it moves the running statistics.
    if let given, mode == .eval { return given }
    return try search {
      var input = AttackInput(images: images, labels: labels, ids: ids)
      input.random = random
      let batch = AttackBatch(input, eps: attack.radius(nil) * share, start: start, isTraining: true)
      let oracle = ModelOracle(
        model, for: attack, batch,
        training: ModelOracle.Training(
          mode: mode, dropout: stream.child(-1), parameters: isElsewhere ? parameters.map { $0.detached() } : nil,
          loss: loss, objective: imageObjective, shared: shared))
      try attack.perturb(batch, oracle)
      return try oracle.answer
    }
  }

  /// Images of a search of the method's own, which is made once in a step; the running statistics that it moves stay
  /// moved.
  ///
  /// - Parameter find: the search; it asks `slope`, and may go wherever the method has it go.
  public func search(_ find: () throws -> Tensor) throws -> Tensor {
    try once {
      let images = try find()
      buffersAfterAttack = model.buffers
      return given ?? images
    }
  }

  /// The radius that the attack of `fit` has in a norm.
  ///
  /// - Parameter own: the method's own radius, which goes before.
  /// - Returns: the usual radius of the norm where nobody has one.
  /// - Throws: `value` where the attack has one in another norm.
  public func radius(_ own: Double?, in norm: Norm) throws(CoreError) -> Double {
    if let own { return own }
    guard attack.norm == norm || attack.eps == nil else {
      throw CoreError(
        .value, "the radius of \(attack) is in \(attack.norm.rawValue), that of the method in \(norm.rawValue)",
        hint: "give the method a radius of its own: eps=8/255", argument: "method")
    }
    return attack.eps ?? norm.usualRadius
  }

  /// Random numbers like the images, uniform from `low` up to `high`, excluded: of each example its own, which do not
  /// depend on its batch.
  ///
  /// - Parameter draw: another one has other numbers.
  public func uniform(_ low: Double, _ high: Double, draw: Int = 0) throws(CoreError) -> Tensor {
    try random.uniform(Float(low), Float(high), like: images, ids: ids, draw: draw)
  }

  /// The slope of the mean cross-entropy of images [n, c, h, w] with the targets, like them, for a search of the
  /// method's own.
  ///
  /// - Parameter mode: how the model runs; in training mode batch norm's running statistics move.
  public func slope(at images: Tensor, mode: Mode) throws -> Tensor {
    try StopSignal.poll()
    let x = images.detached().tracked()
    let logits: Tensor
    if mode == .train {
      defer { forwards += 1 }
      // No gradient of the weights is wanted.
      logits = try model.forward(
        x, mode: .train, parameters: isElsewhere ? parameters.map { $0.detached() } : nil,
        dropout: stream.child(forwards), sharing: shared)
    } else {
      logits = try isElsewhere ? model.forward(x, mode: .eval, parameters: parameters) : model(x)
    }
    try requireFinite(logits, of: model)
    return try Tensors.gradients(of: crossEntropy(logits), withRespectTo: [x])[0]
  }

  // MARK: The loss again

  /// Something that does not depend on the weights: it is made when first asked for, and remembered where the loss of
  /// the step is taken again. The answers of a teacher are such.
  public func once(_ make: () throws -> Tensor) throws -> Tensor {
    // What is asked for while something is made is part of it.
    if isMaking { return try make() }
    defer { asked += 1 }
    if asked < found.count { return found[asked] }
    isMaking = true
    defer { isMaking = false }
    let made = try make()
    found.append(made)
    return made
  }

  /// The gradients of a loss with respect to the weights, in the order of the model's, without anything that the loss
  /// leaves behind: the running statistics of batch norm are as before, or as the attack has moved them, and the loss
  /// is taken again afterwards with the same images. Weights that are frozen have none.
  ///
  /// - Parameter loss: the loss of this step; what its process keeps is for the caller to put back.
  public func rehearse(_ loss: () throws -> StepLoss) throws -> [Tensor?] {
    try requireNoRehearsal()
    let before = model.buffers
    let first = asked
    buffersAfterAttack = nil
    isRehearsing = true
    defer { isRehearsing = false }
    let gradients = try gradients(of: loss().total)
    try model.setBuffers(buffersAfterAttack ?? before)
    asked = first
    return gradients
  }

  /// The gradients of a loss with respect to the weights, in the order of the model's; weights that are frozen have none.
  func gradients(of loss: Tensor) throws(CoreError) -> [Tensor?] {
    guard let sum else { return try model.gradients(of: loss, at: parameters).weights }
    try sum.begin()
    return try model.gradients(of: loss, at: parameters) { (index, gradient) throws(CoreError) in
      try sum.take(gradient, at: index)
    }.weights
  }

  /// Displaces the weights until the optimiser has moved them: it moves the displaced ones, and the displacement is
  /// taken off afterwards (AWP). Forwards of the step run at the displaced weights from now on.
  ///
  /// - Parameter displacement: for each weight what is added to it; nil for those that stay.
  public func displace(by displacement: [Tensor?]) throws {
    try requireOwnWeights()
    try host?.hold()
    parameters = []
    try model.displace(by: displacement)
    parameters = model.trackedParameters()
    self.displacement = displacement
  }

  /// Keeps weights and optimiser as they are, so that a step that fails after the optimiser has moved them leaves nothing
  /// of itself.
  package func hold() throws { try host?.hold() }

  /// Sets weights, in the order of the model's, from which the optimiser moves on; forwards of the step run at them from
  /// now on.
  ///
  /// - Parameter weights: nil for those that stay.
  /// - Throws: `shape` where one does not fit; `value` while the loss is rehearsed.
  package func assign(_ weights: [Tensor?]) throws {
    try requireOwnWeights()
    try hold()
    let own = model.parameters
    try model.setParameters(zip(own, weights).map { $1 ?? $0 })
    parameters = model.trackedParameters()
  }

  /// Takes the displacement off the weights, which the optimiser has moved.
  package func takeOffDisplacement() throws(CoreError) {
    guard let displacement else { return }
    self.displacement = nil
    try model.displace(by: displacement, isBack: true)
  }

  /// An optimiser like that of the run, for a model that is trained along.
  ///
  /// - Throws: `value` where the step belongs to no run.
  func makeOptimiser() throws(CoreError) -> any Optimiser { try requireHost().makeOptimiser() }

  /// The learning rate of the step, and the momentum where the schedule sets it.
  ///
  /// - Throws: `value` where the step belongs to no run.
  func rates() throws(CoreError) -> (rate: Double, momentum: Double?) { try requireHost().rates(at: position) }

  /// What dropout of a model that is trained along draws from.
  func stream(of name: String) -> RandomStream { stream.child(name.utf8.reduce(-3) { $0 &- Int($1) }) }

  private func requireHost() throws(CoreError) -> any StepHost {
    guard let host else {
      throw CoreError(.value, "a step outside of a run has no optimiser to move the weights")
    }
    return host
  }

  /// Lets go of the weights, which are about to move; `takeWeights` comes before the loss is taken again.
  func dropWeights() { parameters = [] }

  /// Has the loss taken at the weights as the model has them now.
  func takeWeights() { parameters = model.trackedParameters() }

  /// Refuses to move the weights where that is not for this step to do.
  private func requireOwnWeights() throws(CoreError) {
    guard !isShard else {
      throw CoreError(
        .value, "the weights cannot be moved by a shard of a batch: the others would not know",
        hint: "leave shards out, and take a smaller batch", argument: "shards")
    }
    try requireNoRehearsal()
  }

  private func requireNoRehearsal() throws(CoreError) {
    guard isRehearsing else { return }
    throw CoreError(
      .value, "the weights cannot be moved while the loss is rehearsed: it is taken again afterwards",
      hint: "move them before, or after", argument: "method")
  }

  /// The same step at other weights, forward and attack.
  ///
  /// - Parameter parameters: leaves of the shapes and in the order of the model's.
  public func at(_ parameters: [Tensor]) -> TrainingStep {
    let step = TrainingStep(
      model: model, parameters: parameters, batch: batch, attack: attack, inner: inner,
      stream: stream, random: random, adversarial: given, position: position, host: host)
    step.isElsewhere = true
    step.forwards = forwards
    (step.isShard, step.shared) = (isShard, shared)
    return step
  }

  // MARK: Several updates

  /// Moves the weights by one step of the optimiser, for a method that does so several times with a batch (Free-AT).
  /// The loss that the method returns moves them once more, unless it says that it `isApplied`.
  ///
  /// - Parameters:
  ///   - part: which of the updates of this step it is, from 0, and of how many: the schedule counts them as steps.
  ///   - images: further leaves of which the gradients are wanted.
  /// - Returns: the gradients of the further leaves.
  /// - Throws: `value` where the step belongs to no run.
  @discardableResult
  public func apply(
    _ loss: StepLoss, part: (index: Int, of: Int) = (0, 1), gradientsOf images: [Tensor] = []
  ) throws -> [Tensor] {
    try requireOwnWeights()
    let host = try requireHost()
    try host.hold()
    let (gradients, further) = try model.gradients(of: loss.total, at: parameters, and: images)
    parameters = []
    var position = position
    position.stepsPerEpoch *= part.of
    position.step = position.step * part.of + part.index
    try host.move(by: gradients, at: position)
    parameters = model.trackedParameters()
    return further
  }
}

extension Model {
  /// Adds to each weight what there is for it.
  func displace(by displacement: [Tensor?], isBack: Bool = false) throws(CoreError) {
    try updateParameters { (weights) throws(CoreError) in
      try StopSignal.ignoring { () throws(CoreError) in
        for (i, change) in displacement.enumerated() {
          guard let change else { continue }
          weights[i] = try isBack ? weights[i] - change : weights[i] + change
        }
      }
    }
  }
}
