import Base
import Datasets
import Networks
import Synchronization
import Tensors
import Testing

@testable import Robustness

/// A run is continued bit for bit from what it saves, whatever keeps something in it.
@Suite struct TrainingRunTests {
  private let plan = TrainingPlan(
    epochs: 3, batchSize: 16, learningRate: 0.05, optimiser: SGD(weightDecay: 1e-4), seed: 5)

  private func run(_ model: Model, _ method: any TrainingMethod, _ observers: [any TrainingObserver] = []) throws
    -> TrainingRun
  {
    try TrainingRun(
      model, on: bars(40), method: method, attack: PGD(eps: 0.1, steps: 2), plan: plan, observers: observers)
  }

  /// Stopped after each number of steps, saved, and continued by another run with another model.
  @Test(arguments: 1...9)
  func aRunIsContinuedFromItsState(_ steps: Int) throws {
    for method in [TRADES(beta: 2), Averaging(), Twice()] as [any TrainingMethod] {
      let whole = try network()
      let all = try run(whole, method).run()
      let model = try network()
      let first = try run(model, method, [Stop(after: steps)])
      let part = try first.run()
      #expect(part.interrupted && part.steps == steps)
      let state = try first.state

      let other = try network(seed: 77)
      let second = try run(other, method, [Stop(after: .max)])
      try second.restore(state)
      #expect(second.stepsDone == steps)
      let rest = try second.run()
      #expect(other.hasEqualWeights(to: whole), "\(method) after \(steps)")
      #expect(rest.epochs.last?.loss == all.epochs.last?.loss)
      #expect(rest.epochs.last?.naturalAccuracy == all.epochs.last?.naturalAccuracy)
      // So does the run itself.
      _ = try first.run()
      #expect(model.hasEqualWeights(to: whole))
    }
  }

  /// What of a state is the same however often the run was stopped: the history has seconds.
  private func bits(_ state: NamedTensors) -> NamedTensors {
    state.filter { item in ["model.", "optimiser.", "method.", "totals."].contains { item.name.hasPrefix($0) } }
  }

  /// Every method of the list, stopped in each epoch and at the end of one.
  @Test(arguments: TestMethods.names, [1, 3, 5, 8])
  func everyMethodIsContinued(_ name: String, _ steps: Int) throws {
    var plan = plan
    // Squares of logits grow.
    if name == "lbgat" { plan.learningRate = 0.005 }
    func run(_ model: Model, _ steps: Int) throws -> TrainingRun {
      let attack = TestMethods.isAdversarial(name) ? PGD(eps: 0.1, steps: 2) : nil
      return try TrainingRun(
        model, on: bars(40), method: TestMethods.method(name), attack: attack, plan: plan,
        observers: [Stop(after: steps)])
    }
    let whole = try network()
    let all = try run(whole, .max)
    let report = try all.run()
    let first = try run(network(), steps)
    #expect(try first.run().interrupted)
    let other = try network(seed: 77)
    let second = try run(other, .max)
    try second.restore(first.state)
    let rest = try second.run()
    #expect(other.hasEqualWeights(to: whole))
    #expect(rest.epochs.last?.loss == report.epochs.last?.loss)
    // What the method keeps is the same, too.
    let (kept, expected) = (bits(try second.state), bits(try all.state))
    #expect(kept.map(\.name) == expected.map(\.name))
    for (a, b) in zip(kept, expected) { #expect(a.tensor.isIdentical(to: b.tensor), "\(a.name)") }
  }

  /// Ctrl-C at any moment of a step leaves nothing of it: the run continues to the same bits.
  @Test(arguments: TestMethods.names)
  func everyMethodIsInterruptedAtAnyMoment(_ name: String) throws {
    var plan = plan
    plan.epochs = 2
    func run(_ model: Model) throws -> TrainingRun {
      let attack = TestMethods.isAdversarial(name) ? PGD(eps: 0.1, steps: 2) : nil
      return try TrainingRun(model, on: bars(40), method: TestMethods.method(name), attack: attack, plan: plan)
    }
    let whole = try network()
    let all = try run(whole)
    _ = try all.run()
    let model = try network()
    let broken = try run(model)
    var stops = 0
    // Each run gets a little farther than the one before.
    for look in stride(from: 3, to: 1000, by: 13) {
      let signal = StopSignal()
      let looks = Looks()
      signal.atEveryLook { [unowned signal] in if looks.next() == look { signal.raise(.interrupted) } }
      if try !signal.carry({ try broken.run() }).interrupted { break }
      stops += 1
    }
    _ = try broken.run()
    #expect(stops > 3)
    #expect(model.hasEqualWeights(to: whole))
    for (a, b) in zip(bits(try broken.state), bits(try all.state)) {
      #expect(a.tensor.isIdentical(to: b.tensor), "\(a.name)")
    }
  }

  /// sat keeps one target for each image.
  @Test func imagesThatAreMixedHaveNoTargetOfTheirOwn() throws {
    var plan = plan
    plan.augmentations = AugmentationList([Mixing(share: 0.2)])
    let error = #expect(throws: CoreError.self) {
      try fit(network(), on: bars(32), method: SAT(start: 2), attack: PGD(eps: 0.1, steps: 1), plan: plan)
    }
    #expect(error?.argument == "method")
  }

  /// A method that moves the weights, or perturbs them, cannot be perturbed itself.
  @Test func awpRefusesWhatMovesTheWeights() throws {
    for method in [FreeAT(), AWP(TRADES())] as [any TrainingMethod] {
      let error = #expect(throws: CoreError.self) { try AWP(method).validate() }
      #expect(error?.argument == "method")
    }
    let own = try network()
    let before = own.copy()
    #expect(throws: CoreError.self) { try run(own, AWP(Twice())).run() }
    #expect(own.hasEqualWeights(to: before))
  }

  /// With gamma 0 the perturbation is none, and before its time there is none.
  @Test func awpPerturbsFromItsEpochOn() throws {
    func trained(_ method: any TrainingMethod) throws -> Model {
      let model = try network()
      _ = try run(model, method).run()
      return model
    }
    var reordered = TRADES(beta: 2)
    reordered.beginsAdversarial = true
    let same = try trained(reordered)
    #expect(try trained(AWP(TRADES(beta: 2), gamma: 0)).hasEqualWeights(to: same))
    #expect(try trained(AWP(TRADES(beta: 2), gamma: 0.1, warmup: 3)).hasEqualWeights(to: same))
    #expect(try !trained(AWP(TRADES(beta: 2), gamma: 0.1, warmup: 2)).hasEqualWeights(to: same))
  }

  @Test func aStateOfSomethingElseIsRefused() throws {
    let first = try run(network(), Averaging(), [Stop(after: 2)])
    _ = try first.run()
    let state = try first.state
    func refuse(_ state: NamedTensors) throws {
      let model = try network()
      let before = model.copy()
      let run = try run(model, Averaging())
      #expect(throws: CoreError.self) { try run.restore(state) }
      #expect(model.hasEqualWeights(to: before) && run.stepsDone == 0)
    }
    try refuse([])
    try refuse(state.filter { $0.name != "epoch" })
    let late = try Tensor(ints: [1000], shape: [])
    try refuse(state.map { (name: $0.name, tensor: $0.name == "step" ? late : $0.tensor) })
    try refuse(state.filter { !$0.name.hasPrefix("model.") })
    try refuse(state.filter { !$0.name.hasPrefix("method.") })
    let natural = try run(network(), TRADES())
    #expect(throws: CoreError.self) { try natural.restore(state) }
  }

  /// A step that fails after the method has moved the weights leaves nothing of itself.
  @Test func aStepIsWholeOrNothing() throws {
    let (model, other) = (try network(), try network())
    let method = Twice()
    method.failing.step = 4
    let report = try run(model, method).run()
    #expect(report.interrupted && report.steps == 4)
    let first = try run(other, Twice(), [Stop(after: 4)])
    _ = try first.run()
    #expect(model.hasEqualWeights(to: other))
  }

  /// Two updates with one batch are two steps of the optimiser.
  @Test func applyMovesTheWeights() throws {
    let (model, other) = (try network(), try network())
    _ = try run(model, Twice(), [Stop(after: 1)]).run()
    _ = try run(other, Standard2(), [Stop(after: 1)]).run()
    #expect(!model.hasEqualWeights(to: other))
  }

  /// The loss at other weights, and an attack on them, as AWP needs it; the model keeps its own.
  @Test func aStepCanBeTakenElsewhere() throws {
    let model = try network()
    let weights = model.parameters
    let images = try bars(12).images
    func step(_ model: Model) -> TrainingStep {
      TrainingStep(
        model: model, parameters: model.trackedParameters(),
        batch: Batch(images: images, targets: .classes((0..<12).map { $0 % 3 }), ids: Array(0..<12)),
        attack: PGD(eps: 0.1, steps: 2), inner: TRADES().inner,
        stream: RandomStream(seed: 1, purpose: "test"))
    }
    var moved: [Tensor] = []
    for weight in weights { moved.append(try weight * 1.5) }
    let there = step(model).at(moved.map { $0.tracked() })
    let other = model.copy()
    try other.setParameters(moved)
    let own = step(other)
    #expect(try there.adversarial().isIdentical(to: own.adversarial()))
    #expect(try there.forward(images).isIdentical(to: own.forward(images)))
    #expect(try !there.adversarial().isIdentical(to: step(model).adversarial()))
    #expect(zip(model.parameters, weights).allSatisfy { $0.isIdentical(to: $1) })
  }

  /// In training mode batch norm takes the statistics of the attacked batch, and dropout drops.
  @Test func theAttackRunsInTheModeOfTheMethod() throws {
    func trained(_ mode: Mode) throws -> Model {
      let model = try network()
      _ = try run(model, PGDAT(attackMode: mode), [Stop(after: 3)]).run()
      return model
    }
    #expect(try !trained(.eval).hasEqualWeights(to: trained(.train)))
    #expect(try trained(.train).hasEqualWeights(to: trained(.train)))
  }

  /// Mixed images have distributions as targets: every loss and every attack takes them, and one-hot ones are classes.
  @Test(arguments: FitTests.methods.filter { $0 != "sat" })
  func targetsMayBeDistributions(_ name: String) throws {
    func trained(_ share: Float) throws -> (Model, TrainingReport) {
      let model = try network()
      var plan = plan
      plan.epochs = 1
      plan.augmentations = AugmentationList(share < 0 ? [] : [Mixing(share: share)])
      let attack = FitTests().isAdversarial(name) ? PGD(eps: 0.1, steps: 2) : nil
      return (model, try fit(model, on: bars(32), method: FitTests().method(name), attack: attack, plan: plan))
    }
    let (classes, oneHot, mixed) = (try trained(-1), try trained(0), try trained(0.4))
    #expect(abs(classes.1.epochs[0].loss - oneHot.1.epochs[0].loss) < 1e-5)
    let isBlind = TestMethods.labelless.contains(name)
    #expect((abs(mixed.1.epochs[0].loss - oneHot.1.epochs[0].loss) > 1e-3) == !isBlind)
    #expect(mixed.0.hasEqualWeights(to: oneHot.0) == isBlind)
  }

  @Test func anObserverCanEndTheRun() throws {
    let report = try run(network(), TRADES(), [OneEpoch()]).run()
    #expect(report.epochs.count == 1 && !report.interrupted)
  }
}

/// Leaves the images and gives a share of each target to the next class.
private struct Mixing: Augmentation {
  static let name = "mixing"
  static let page = Page("Soft targets.")
  static let settings: [Setting<Mixing>] = []
  var share: Float = 0

  init() {}
  init(share: Float) { self.share = share }

  func apply(
    _ batch: Batch, stream: RandomStream, partners: AugmentationPartners
  ) throws(CoreError) -> Batch {
    var batch = batch
    let next = try Tensor.oneHot(batch.labels.map { ($0 + 1) % 3 }, classes: 3)
    batch.targets = .soft(try Tensor.oneHot(batch.labels, classes: 3) * (1 - share) + next * share)
    return batch
  }
}

/// Counts looks at a signal, whichever thread looks.
private final class Looks: Sendable {
  private let count = Atomic(0)
  func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}

/// Ends the run as Ctrl-C does, once.
final class Stop: TrainingObserver {
  private let steps: Int
  private var isDone = false

  init(after steps: Int) { self.steps = steps }

  func after(step: Int, _ model: Model) throws {
    guard step == steps, !isDone else { return }
    isDone = true
    throw CoreError(.interrupted, "interrupted")
  }
}

private final class OneEpoch: TrainingObserver {
  func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool { false }
}

private struct Standard2: StatelessMethod {
  static let name = "standard2"
  static let page = Page("Standard training, for tests.")
  static let settings: [Setting<Standard2>] = []
  var inner: InnerMaximisation? { InnerMaximisation(start: .uniform, loss: .crossEntropy) }
  func loss(_ step: TrainingStep) throws -> StepLoss { try Standard().loss(step) }
}

/// Moves the weights twice with each batch.
private struct Twice: StatelessMethod {
  static let name = "twice"
  static let page = Page("Two steps a batch.")
  static let settings: [Setting<Twice>] = []
  let failing = Failing()
  var inner: InnerMaximisation? { InnerMaximisation(start: .uniform, loss: .crossEntropy) }

  final class Failing {
    var step = Int.max
    var steps = 0
  }

  func loss(_ step: TrainingStep) throws -> StepLoss {
    try step.apply(Standard().loss(step))
    failing.steps += 1
    if failing.steps > failing.step { throw CoreError(.interrupted, "interrupted") }
    return try Standard().loss(step)
  }
}

/// Keeps a moving average of the loss, and weighs the loss by it: a method with a memory.
private struct Averaging: TrainingMethod {
  static let name = "averaging"
  static let page = Page("Weighs the loss by what it was.")
  static let settings: [Setting<Averaging>] = []
  var inner: InnerMaximisation? { InnerMaximisation(start: .uniform, loss: .crossEntropy) }

  func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess { Process() }

  final class Process: TrainingProcess {
    private var average = 1.0

    var state: NamedTensors {
      get throws(CoreError) {
        [("average", try Tensor(ints: [Int(bitPattern: UInt(average.bitPattern))], shape: []))]
      }
    }

    func restore(_ state: NamedTensors) throws(CoreError) {
      guard state.map(\.name) == ["average"], let bits = state.first?.tensor.ints().first else {
        throw CoreError(.value, "no average")
      }
      average = Double(bitPattern: UInt64(bitPattern: Int64(bits)))
    }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      let loss = try crossEntropy(step.forward(step.images), labels: step.labels)
      average = 0.7 * average + 0.3 * (try loss.item())
      return StepLoss(total: try loss * Float(1 / (1 + average)))
    }
  }
}
