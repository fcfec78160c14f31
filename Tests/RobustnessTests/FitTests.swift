import Base
import Datasets
import Networks
import Robustness
import Synchronization
import Tensors
import Testing

@Suite(.serialized) struct FitTests {
  let plan = TrainingPlan(epochs: 3, batchSize: 20, learningRate: 0.05, optimiser: SGD(weightDecay: 1e-4), seed: 5)
  let attack = PGD(eps: 0.1, steps: 3)

  static let methods = TestMethods.names
  static let adversarial = TestMethods.adversarial

  func method(_ name: String) throws -> any TrainingMethod { try TestMethods.method(name) }
  /// Squared differences of logits are steep: what compares them learns in small steps.
  func plan(for name: String) -> TrainingPlan {
    var plan = plan
    if name == "lbgat" { plan.learningRate = 0.002 }
    return plan
  }
  func isAdversarial(_ name: String) -> Bool { TestMethods.isAdversarial(name) }

  @Test(arguments: methods)
  func trainingLowersTheLoss(_ name: String) throws {
    let model = try network()
    let before = model.copy()
    let report = try fit(
      model, on: bars(66), method: method(name), attack: isAdversarial(name) ? attack : nil, plan: plan(for: name))
    #expect(report.epochs.map(\.epoch) == [1, 2, 3])
    #expect(report.steps == 12)
    #expect(!report.interrupted)
    #expect(report.epochs[2].loss < report.epochs[0].loss)
    #expect(report.epochs[2].naturalAccuracy > 0.5)
    #expect((report.epochs[0].robustAccuracy != nil) == TestMethods.seesAdversarial(name))
    if name.hasPrefix("trades") || name == "ltd" {
      #expect(report.epochs[0].parts.map(\.name) == ["loss_natural", "loss_robust"])
    }
    #expect(!model.hasEqualWeights(to: before))
  }

  @Test(arguments: methods)
  func sameSeedSameBits(_ name: String) throws {
    let threads = Compute.threads
    defer { Compute.threads = threads }
    func run(_ threads: Int, seed: UInt64 = 5) throws -> Model {
      Compute.threads = threads
      let model = try network()
      var plan = plan
      plan.seed = seed
      plan.epochs = 2
      plan.augmentations = AugmentationList([CropFlip()])
      try fit(model, on: bars(50), method: method(name), attack: isAdversarial(name) ? attack : nil, plan: plan)
      return model
    }
    let one = try run(1)
    #expect(try one.hasEqualWeights(to: run(2)))
    #expect(try !one.hasEqualWeights(to: run(1, seed: 6)))
  }

  @Test func theTeacherStaysAsItIs() throws {
    let teacher = try network(seed: 9)
    let before = teacher.copy()
    try fit(network(), on: bars(40), method: LTD(teacher: teacher), attack: attack, plan: plan)
    #expect(teacher.hasEqualWeights(to: before))
  }

  @Test func softLabelsAreSofterAtHigherTemperature() throws {
    let images = try bars(6).images
    let teacher = try network(seed: 3)
    func labels(_ temperature: Temperature) throws -> [Float] {
      try softLabels(of: teacher, on: .images(images), temperature: temperature).floats()
    }
    let (sharp, soft) = (try labels(0.5), try labels(50))
    #expect(soft.allSatisfy { abs($0 - 1 / 3) < 0.05 })
    #expect((sharp.max() ?? 0) > (soft.max() ?? 1))
  }

  /// What was trained before the interruption stays, and no half of a step.
  @Test func interruptionKeepsTheLastStep() throws {
    let data = try bars(80)
    let model = try network()
    let report = try fit(model, on: data, method: Interrupted(after: 6), attack: attack, plan: plan)
    #expect(report.interrupted)
    #expect(report.steps == 6)
    #expect(report.epochs.count == 1)

    let later = try network()
    try fit(later, on: data, method: Interrupted(after: 7), attack: attack, plan: plan)
    #expect(!later.hasEqualWeights(to: model))
    let again = try network()
    try fit(again, on: data, method: Interrupted(after: 6, beforeForward: true), attack: attack, plan: plan)
    #expect(again.hasEqualWeights(to: model))
  }

  @Test func progressCountsEveryStep() throws {
    let counted = Counter()
    try fit(network(), on: bars(66), plan: plan, progress: counted)
    #expect(counted.steps.load(ordering: .relaxed) == 12)
    #expect(counted.finished.load(ordering: .relaxed) == 1)
    #expect(counted.notes.load(ordering: .relaxed) == 3)
  }

  @Test func validationIsMeasuredAfterEachEpoch() throws {
    let report = try fit(
      network(), on: bars(66), method: TRADES(), attack: attack, plan: plan, validation: bars(30, seed: 1))
    #expect(report.epochs.allSatisfy { $0[figure: "validation_natural"] != nil })
    #expect(report.epochs.allSatisfy { $0[figure: "validation_robust"] != nil })
  }

  /// The attack runs on the validation of every method; without one, no robust accuracy is reported.
  @Test(arguments: methods)
  func validationIsAttackedWhateverTheMethod(_ name: String) throws {
    let test = try bars(60, seed: 1)
    let attack = PGD(eps: 0.35, steps: 5)
    let model = try network()
    let report = try fit(
      model, on: bars(66), method: method(name), attack: attack, plan: plan(for: name), validation: test)
    let last = try #require(report.epochs.last)
    let own = try evaluate(model, on: test, attacks: [attack], seed: plan.seed)
    #expect(last[figure: "validation_robust"] == own.worstCase.value)
    #expect(last[figure: "validation_natural"] == own.naturalAccuracy.value)
    if name == "standard" { #expect(own.worstCase.correct < own.naturalAccuracy.correct) }
    #expect(
      report.epochs[0].accuracies.map(\.name)
        == ["natural"] + (TestMethods.seesAdversarial(name) ? ["robust"] : []) + [
          "validation_natural", "validation_robust",
        ])

    let without = try fit(network(), on: bars(30), method: method(name), plan: plan(for: name), validation: test)
    #expect(without.epochs[0].accuracies.contains { $0.name == "validation_robust" } == isAdversarial(name))
  }

  /// Every setting of the attack changes what a method that uses it trains, or is refused by name.
  @Test(arguments: adversarial)
  func everySettingOfTheAttackIsUsed(_ name: String) throws {
    func train(_ attack: PGD) throws -> Model {
      let model = try network()
      try fit(model, on: bars(40), method: method(name), attack: attack, plan: TrainingPlan(epochs: 1, batchSize: 20))
      return model
    }
    let usual = try train(PGD(eps: 0.1, steps: 3))
    let others = [
      PGD(eps: 0.2, steps: 3), PGD(eps: 0.1, steps: 4), PGD(eps: 0.1, stepSize: 0.01, steps: 3),
      PGD(eps: 0.1, steps: 3, restarts: 5), PGD(eps: 0.1, steps: 3, start: .image),
      PGD(eps: 0.1, steps: 3, start: .normal),
      PGD(eps: 0.1, steps: 3, start: .uniform), PGD(eps: 0.1, steps: 3, loss: .crossEntropy),
      PGD(eps: 0.1, steps: 3, loss: .klDivergence),
    ]
    let inner = try #require(try method(name).inner)
    for attack in others {
      // What the method prescribes anyway.
      let isUsual =
        attack.start == inner.start || attack.loss != nil && attack.loss == inner.loss
        // No image is so near to an end of [0, 1] that a start would be clipped.
        || attack.start == .uniform && inner.start == .unclipped
      do {
        let model = try train(attack)
        #expect(model.hasEqualWeights(to: usual) == isUsual, "\(attack)")
      } catch let error as CoreError {
        #expect(attack.start == .image && inner.loss == .klDivergence && error.argument == "attack")
      }
    }
  }

  /// Standard training has no use for an attack but in its validation.
  @Test func anAttackThatNobodyUsesIsAnError() throws {
    let error = #expect(throws: CoreError.self) { try fit(network(), on: bars(12), attack: attack) }
    #expect(error?.argument == "attack")
    try fit(network(), on: bars(12), attack: attack, plan: TrainingPlan(epochs: 1), validation: bars(6))
  }

  /// FGSM begins at the clean image: with an objective that is flat there it would follow rounding errors.
  @Test func aStepFromTheCleanImageNeedsASlopeThere() throws {
    let error = #expect(throws: CoreError.self) { try fit(network(), on: bars(12), method: TRADES(), attack: FGSM()) }
    #expect(error?.argument == "attack")
    try fit(network(), on: bars(12), method: PGDAT(), attack: FGSM(), plan: TrainingPlan(epochs: 1))
  }

  @Test func methodsCheckTheirSettingsWhenMade() throws {
    let teacher = try network()
    let methods: [(any TrainingMethod, String)] = [
      (TRADES(beta: -1), "beta"), (TRADES(beta: .nan), "beta"), (TRADES(beta: .infinity), "beta"),
      (TRADES(beta: 1e39), "beta"), (MART(beta: -1), "beta"), (MART(beta: .nan), "beta"),
      (Standard(smoothing: 1.5), "smoothing"), (Standard(smoothing: .nan), "smoothing"),
      (LTD(teacher: teacher, temperature: 0), "temperature"),
      (LTD(teacher: teacher, temperature: 1e-50), "temperature"),
      (LTD(teacher: teacher, temperature: .fixed(.nan)), "temperature"),
      (LTD(teacher: teacher, temperature: 1e39), "temperature"), (LTD(teacher: teacher, mix: 2), "mix"),
      (LTD(teacher: teacher, mix: -0.1), "mix"), (LTD(teacher: teacher, mix: .nan), "mix"),
      (LTD(teacher: teacher, beta: -1), "beta"), (LTD(teacher: teacher, beta: 6, framework: .pgdAT), "beta"),
    ]
    for (method, argument) in methods {
      let error = #expect(throws: CoreError.self) { try method.validate() }
      #expect(error?.argument == argument, "\(method)")
    }
  }

  /// The last step of an epoch has no loss after it that would tell.
  @Test func weightsThatAreNotFiniteAreAnError() throws {
    let data = try bars(12)
    let plan = TrainingPlan(epochs: 1, batchSize: 12, learningRate: 1e30, optimiser: SGD(weightDecay: 1e20))
    let error = #expect(throws: CoreError.self) { try fit(network(), on: data, plan: plan) }
    #expect(error?.kind == .numeric)
    #expect(error?.message.contains("epoch 1, step 1") == true, "\(error?.message ?? "")")
  }

  @Test func whatHoldsNaNIsNotTrainedOrTaughtBy() throws {
    let broken = try network()
    var weights = broken.parameters
    weights[0] = try weights[0] * Float.nan
    try broken.setParameters(weights)
    let own = #expect(throws: CoreError.self) { try fit(broken, on: bars(12)) }
    #expect(own?.argument == "model")
    let taught = #expect(throws: CoreError.self) { try fit(network(), on: bars(12), method: LTD(teacher: broken)) }
    #expect(taught?.argument == "method")
  }

  @Test func divergenceIsAnErrorThatSaysWhere() throws {
    var plan = plan
    plan.learningRate = 1e30
    let error = #expect(throws: CoreError.self) { try fit(network(), on: bars(66), plan: plan) }
    #expect(error?.kind == .numeric)
    #expect(error?.message.contains("epoch 1, step") == true)
  }

  @Test func impossibleSettingsAreErrors() throws {
    let data = try bars(12)
    let plans = [
      TrainingPlan(epochs: 0), TrainingPlan(epochs: Int.max), TrainingPlan(batchSize: 0),
      TrainingPlan(learningRate: 0), TrainingPlan(learningRate: .nan), TrainingPlan(optimiser: SGD(momentum: 1)),
      TrainingPlan(optimiser: SGD(weightDecay: -1)), TrainingPlan(learningRate: 1e-50),
      TrainingPlan(optimiser: SGD(weightDecay: 1e39)),
      TrainingPlan(optimiser: SGD(momentum: 0.9), schedule: OneCycleSchedule()),
    ]
    for plan in plans { #expect(throws: CoreError.self) { try fit(network(), on: data, plan: plan) } }
    let model = try network()
    let methods: [any TrainingMethod] = [
      TRADES(beta: -1), TRADES(beta: .nan), LTD(teacher: model), LTD(teacher: try network(), temperature: 0),
      LTD(teacher: try network(), mix: 2),
      LTD(teacher: try Model(Architecture(MLP(hidden: []), classes: 4, input: [1, 8, 8]))),
    ]
    for method in methods { #expect(throws: CoreError.self) { try fit(model, on: data, method: method) } }
    #expect(throws: CoreError.self) { try fit(model, on: data, method: TRADES(), attack: PGD(steps: 0)) }
    let other = try Model(Architecture(MLP(hidden: []), classes: 3, input: [1, 4, 4]))
    #expect(throws: CoreError.self) { try fit(other, on: data) }
    let fewer = try Model(Architecture(MLP(hidden: []), classes: 2, input: [1, 8, 8]))
    #expect(throws: CoreError.self) { try fit(fewer, on: data) }
  }

  /// Distributions as labels go through every method, and whatever counts takes their most probable classes.
  @Test(arguments: methods)
  func softLabelsTrain(_ name: String) throws {
    let data = try bars(33)
    let rows = data.labels.flatMap { label in (0..<3).map { Float($0 == label ? 0.8 : 0.1) } }
    let soft = try Dataset(images: data.images, softLabels: Tensor(rows, shape: [33, 3]))
    let model = try network()
    let report = try fit(
      model, on: soft, method: method(name), attack: isAdversarial(name) ? attack : nil,
      plan: TrainingPlan(epochs: 1, batchSize: 11, learningRate: 0.05, seed: 5))
    #expect(report.steps == 3 && report.epochs.allSatisfy { $0.loss.isFinite })
    #expect(try evaluate(model, on: soft).natural == evaluate(model, on: data).natural)
  }

  @Test func distributionsMustBeOverTheClassesOfTheModel() throws {
    let four = try Model(Architecture(MLP(hidden: []), classes: 4, input: [1, 8, 8]))
    let data = try bars(9)
    _ = try fit(four, on: data, plan: TrainingPlan(epochs: 1))
    let soft = try Dataset(images: data.images, softLabels: .full([9, 3], 1 / 3.0))
    #expect(throws: CoreError.self) { try fit(four, on: soft, plan: TrainingPlan(epochs: 1)) }
    #expect(throws: CoreError.self) { try fit(four, on: data, plan: TrainingPlan(epochs: 1, augmentations: [Mixup()])) }
  }

  @Test func aBatchLargerThanTheDataIsTheData() throws {
    let report = try fit(network(), on: bars(9), plan: TrainingPlan(epochs: 2, batchSize: Int.max))
    #expect(report.steps == 2)
  }
}

/// TRADES that the user stops, at the beginning of a step or when batch norm has already moved.
private struct Interrupted: StatelessMethod {
  static let name = "interrupted"
  static let page = Page("Is interrupted.")
  static let settings: [Setting<Interrupted>] = []
  let inner = TRADES().inner
  var beforeForward = false
  let left = Count()

  final class Count { var steps = 0 }

  init() {}

  init(after steps: Int, beforeForward: Bool = false) {
    left.steps = steps
    self.beforeForward = beforeForward
  }

  func loss(_ step: TrainingStep) throws -> StepLoss {
    if left.steps == 0, beforeForward { throw CoreError(.interrupted, "interrupted") }
    let loss = try TRADES().loss(step)
    if left.steps == 0 { throw CoreError(.interrupted, "interrupted") }
    left.steps -= 1
    return loss
  }
}

private final class Counter: Progress {
  let steps = Atomic(0)
  let finished = Atomic(0)
  let notes = Atomic(0)

  func update(
    title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
  ) { steps.store(done, ordering: .relaxed) }
  func note(_ line: String) { notes.add(1, ordering: .relaxed) }
  func finish() { finished.add(1, ordering: .relaxed) }
}
