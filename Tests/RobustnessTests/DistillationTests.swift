import Base
import Datasets
import Networks
import Tensors
import Testing

@testable import Robustness

/// What methods with teachers have in common, and what is a method's own.
@Suite struct DistillationTests {
  private let plan = TrainingPlan(epochs: 2, batchSize: 16, learningRate: 0.05, seed: 5)
  private let attack = PGD(eps: 0.1, steps: 2)
  private let labels = (0..<12).map { $0 % 3 }

  /// Every method with teachers, by its name among those of the tests.
  static let names = TestMethods.names.filter { (try? TestMethods.method($0)) is any TaughtMethod }

  private func method(_ name: String) throws -> any TaughtMethod {
    try #require(try TestMethods.method(name) as? any TaughtMethod)
  }

  private func train(
    _ model: Model, _ method: any TrainingMethod, _ observers: [any TrainingObserver] = []
  ) throws -> TrainingReport {
    try fit(
      model, on: bars(40), method: method, attack: method.inner == nil ? nil : attack, plan: plan,
      observers: observers)
  }

  private func step(_ model: Model, _ position: TrainingPosition? = nil) throws -> TrainingStep {
    let images = try bars(12).images
    return TrainingStep(
      model: model, parameters: model.trackedParameters(),
      batch: Batch(images: images, targets: .classes(labels), ids: Array(0..<12)), attack: attack, inner: nil,
      stream: RandomStream(seed: 1, purpose: "test"),
      position: position ?? TrainingPosition(epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 1))
  }

  // MARK: Teachers

  @Test(arguments: names)
  func teachersStayAsTheyAre(_ name: String) throws {
    let method = try method(name)
    let before = method.teachers.compactMap { $0.model?.copy() }
    #expect(!before.isEmpty)
    _ = try train(network(), method)
    for (teacher, copy) in zip(method.teachers.compactMap(\.model), before) {
      #expect(teacher.hasEqualWeights(to: copy))
    }
  }

  /// A teacher that is trained, or whose statistics move, while it teaches is found at the end of the epoch.
  @Test(arguments: names)
  func aTeacherThatChangesIsRefused(_ name: String) throws {
    let method = try method(name)
    let teacher = try #require(method.teachers.last?.model)
    let error = #expect(throws: CoreError.self) {
      try train(network(), method, [Meddler(teacher)])
    }
    #expect(error?.message.contains("has changed while it taught") == true)
    #expect(error?.message.contains(method.teachers.last?.name ?? "?") == true)
  }

  /// A run is continued with the teacher with which it began, or not at all.
  @Test func aRunIsNotContinuedWithAnotherTeacher() throws {
    func run(_ teacher: Model) throws -> TrainingRun {
      try TrainingRun(network(), on: bars(40), method: RSLAD(teacher: teacher), attack: attack, plan: plan)
    }
    let state = try run(network(seed: 9)).state
    try run(network(seed: 9)).restore(state)
    let error = #expect(throws: CoreError.self) { try run(network(seed: 8)).restore(state) }
    #expect(error?.message.contains("is not the one with which the run began") == true)
  }

  @Test(arguments: names)
  func teachersThatDoNotFitAreRefusedBeforeTheFirstStep(_ name: String) throws {
    let method = try method(name)
    let student = try network()
    let wide = Layer.sequential([.flatten, .linear(Linear(3))])
    let other = try Model(Architecture(wide, classes: 3, input: [1, 9, 9]))
    let more = try Model(
      Architecture(.sequential([.flatten, .linear(Linear(4))]), classes: 4, input: [1, 8, 8]))
    #expect(throws: CoreError.self) { try method.validate(for: other) }
    #expect(throws: CoreError.self) { try method.validate(for: more) }
    for (teacher, model) in method.teachers {
      let model = try #require(model)
      #expect(throws: CoreError.self, "\(teacher)") { try method.validate(for: model) }
      let weights = model.parameters
      try model.setParameters(weights.map { try $0 * .nan })
      let error = #expect(throws: CoreError.self) { try TrainingRun(student, on: bars(12), method: method) }
      #expect(error?.kind == .numeric)
      try model.setParameters(weights)
    }
    #expect(throws: CoreError.self) { try type(of: method).init().validate() }
  }

  /// Every method takes every kind of temperature, and the loss depends on it. (Of the helper of hat, classes count, and
  /// temperatures that move begin with a number.)
  @Test(arguments: names.filter { !["igdm", "hat", "mtard with temperatures"].contains($0) })
  func everyMethodTakesEveryTemperature(_ name: String) throws {
    let settings = try method(name)
    let temperatures: [SettingValue] = [
      .number(2.5), .configured(ToEntropy(0.7)), .configured(Standardised(1.5)),
      .configured(Annealed(from: 4, to: 2)),
    ]
    var losses: [Double] = []
    for temperature in temperatures {
      let method = try changed(settings, temperature)
      try method.validate(for: network())
      let report = try train(network(), method)
      losses.append(try #require(report.epochs.last).loss)
    }
    #expect(Set(losses).count == temperatures.count, "\(losses)")
    for bad in [0, -1, .nan, .infinity, 1e39] {
      #expect(throws: CoreError.self) { try changed(settings, .number(bad)) }
    }
    #expect(throws: CoreError.self) { try changed(settings, .configured(ToEntropy(1.5))).validate(for: network()) }
    #expect(throws: CoreError.self) { try changed(settings, .configured(ToEntropy(0))) }
    #expect(throws: CoreError.self) { try changed(settings, .configured(PGD())) }
  }

  /// The method with another temperature.
  private func changed<Method: TaughtMethod>(_ method: Method, _ temperature: SettingValue) throws -> Method {
    let name = Method.settings.contains { $0.name == "T" } ? "T" : "temperature"
    return try Method(
      Method.settings.compactMap { setting in
        if setting.name == name { return (name, temperature) }
        let value = method[setting: setting.name] ?? .none
        return value == .none ? nil : (setting.name, value)
      })
  }

  /// The gradient of AdaAD's search flows through teacher and student.
  @Test func theSearchOfAdaADSeesItsTeacherMove() throws {
    let (student, teacher) = (try network(), try trained())
    let own = try step(student)
    let x = try (own.images + 0.05).tracked()
    func slope(_ answers: (Tensor) throws -> Tensor) throws -> Tensor {
      let rows = try divergences(answers(x).logSoftmax(), student(x).logSoftmax())
      return try gradients(of: rows.sum(), withRespectTo: [x])[0]
    }
    let (both, one) = (try slope { try teacher($0) }, try slope { try teacher($0).detached() })
    #expect(largest(both, one) > 1e-4)
    // One step of the method's search goes along the former.
    let far = PGD(eps: 0.2, stepSize: 0.01, steps: 1, start: .image)
    let single = TrainingStep(
      model: student, parameters: student.trackedParameters(),
      batch: Batch(images: own.images, targets: .classes(labels), ids: own.ids), attack: far,
      inner: AdaAD(teacher: teacher).inner, stream: RandomStream(seed: 1, purpose: "test"))
    let found = try AdaAD(teacher: teacher).perturbed(single) - own.images
    let at = own.images.tracked()
    let rows = try divergences(teacher(at).logSoftmax(), student(at).logSoftmax())
    let expected = try gradients(of: rows.sum(), withRespectTo: [at])[0].sign() * 0.01
    let agree = zip(found.floats(), expected.floats()).count { abs($0 - $1) < 1e-6 }
    #expect(Double(agree) > 0.9 * Double(found.count))
  }

  /// Where nothing changes the images, a teacher answers once in a run, with the bits of answering in each epoch.
  @Test(arguments: names)
  func whatATeacherAnsweredIsKept(_ name: String) throws {
    func trained(_ augmentations: [any Augmentation]) throws -> Model {
      let model = try network()
      var plan = plan
      plan.epochs = 3
      plan.augmentations = AugmentationList(augmentations)
      let method = try method(name)
      try fit(model, on: bars(40), method: method, attack: method.inner == nil ? nil : attack, plan: plan)
      return model
    }
    #expect(try trained([]).hasEqualWeights(to: trained([Still()])))
  }

  @Test func answersAreAskedForOnce() throws {
    let teacher = try network(seed: 9)
    let images = try bars(10).images
    let answers = TeacherAnswers()
    var asked = 0
    func find(_ positions: [Int]) throws -> Tensor {
      try answers.logits(of: teacher, at: positions) {
        asked += 1
        return try teacher(images.indexSelect(axis: 0, positions))
      }
    }
    let all = try teacher(images)
    let epochs = [
      [[3, 1, 4], [0, 5, 9], [2, 6, 8], [7]], [[9, 8, 7], [6, 5, 4], [3, 2, 1], [0]], [[1, 0, 2, 9]],
    ]
    for positions in epochs.joined() {
      #expect(try find(positions).isIdentical(to: all.indexSelect(axis: 0, positions)))
    }
    #expect(asked == 4)
    _ = try answers.logits(of: network(seed: 8), at: [1]) {
      asked += 1
      return all
    }
    #expect(asked == 5)
    // What holds an image twice, or images known and unknown, is asked about and answered.
    let few = TeacherAnswers()
    for positions in [[1, 1], [1, 2], [2, 3], [1, 2]] {
      let found = try few.logits(of: teacher, at: positions) { try teacher(images.indexSelect(axis: 0, positions)) }
      #expect(try found.isIdentical(to: all.indexSelect(axis: 0, positions)))
    }
  }

  // MARK: Continuing

  /// Stopped after each step, saved, and continued by another run with other models: the bits of one that was left alone.
  @Test(arguments: names + ["lbgat"], [1, 3, 5])
  func runsAreContinued(_ name: String, _ steps: Int) throws {
    func run(_ model: Model, _ method: any TrainingMethod, _ observers: [any TrainingObserver] = []) throws
      -> TrainingRun
    {
      try TrainingRun(
        model, on: bars(40), method: method, attack: method.inner == nil ? nil : attack, plan: plan,
        observers: observers)
    }
    let (whole, model, other) = (try network(), try network(), try network(seed: 77))
    let all = try run(whole, TestMethods.method(name)).run()
    let first = try run(model, TestMethods.method(name), [Halt(after: steps)])
    #expect(try first.run().steps == steps)
    let state = try first.state
    let second = try run(other, TestMethods.method(name), [Halt(after: .max)])
    try second.restore(state)
    let rest = try second.run()
    #expect(other.hasEqualWeights(to: whole))
    #expect(rest.epochs.last?.loss == all.epochs.last?.loss)
    _ = try first.run()
    #expect(model.hasEqualWeights(to: whole))
  }

  // MARK: Single methods

  /// Before it begins to doubt its teacher, IAD is ARD at temperature 1, and with an exponent of 0 it stays so.
  @Test func aTeacherThatIsTrustedIsThatOfARD() throws {
    let teacher = try trained()
    let (a, b, c, d) = (try network(), try network(), try network(), try network())
    _ = try train(a, ARD(teacher: teacher, temperature: 1, reduction: .overBatch))
    _ = try train(b, IAD(teacher: teacher))
    var blind = IAD(teacher: teacher, begin: 0)
    blind.trust = 0
    _ = try train(c, blind)
    _ = try train(d, IAD(teacher: teacher, begin: 1))
    #expect(a.hasEqualWeights(to: b))
    #expect(zip(a.parameters, c.parameters).allSatisfy { largest($0, $1) < 1e-5 })
    #expect(!a.hasEqualWeights(to: d))
  }

  /// The term of IGDM is that of the definition, and without weight nothing is added.
  @Test func igdmMatchesDifferences() throws {
    let (teacher, student) = (try trained(), try network())
    let position = TrainingPosition(epoch: 1, step: 0, stepsPerEpoch: 1, epochs: 4)
    let method = RSLAD(teacher: teacher)
    let plain = try method.loss(step(student.copy(), position)).total.item()
    let none = try IGDM(method, alpha: 0).loss(step(student.copy(), position)).total.item()
    #expect(plain == none)
    let own = try step(student.copy(), position)
    let loss = try IGDM(method, alpha: 3).loss(own)
    let matched = try #require(loss.parts.first { $0.name == "loss_differences" }).value.item()
    #expect(abs(try loss.total.item() - (plain + 3 * 0.5 * matched)) < 1e-5)
    let again = try step(student.copy(), position)
    let x = try method.perturbed(again)
    let opposite = try again.images * 2 - x
    let change = try teacher(x) - teacher(opposite)
    let logits = try again.forward(x)
    _ = try again.forward(again.images)
    let answer = try logits - again.forward(opposite)
    #expect(abs(try klDivergence(change, answer).item() - matched) < 1e-6)
    #expect(throws: CoreError.self) { try IGDM(SAAD(teacher: teacher)).validate() }
    #expect(throws: CoreError.self) { try IGDM([("method", .configured(TRADES()))]) }
  }

  /// The weight of MTARD moves by its rate towards the loss that falls more slowly.
  @Test func theWeightsOfMTARDBalance() throws {
    let (natural, robust) = (try trained(), try network(seed: 9))
    var method = MTARD(natural: natural, robust: robust)
    method.rate = 0.5
    method.drops = [1]
    let model = try network()
    let process = try method.begin(model, on: bars(12))
    var first: [Double] = []
    var weight = 0.5
    for (i, rate) in [0.5, 0.5, 0.05].enumerated() {
      let position = TrainingPosition(epoch: i / 2, step: i % 2, stepsPerEpoch: 2, epochs: 2)
      let loss = try process.loss(
        TrainingStep(
          model: model, parameters: model.trackedParameters(),
          batch: Batch(images: bars(12, seed: UInt64(i)).images, targets: .classes(labels), ids: Array(0..<12)),
          attack: attack, inner: method.inner, stream: RandomStream(seed: 1, purpose: "test"), position: position))
      let values = try loss.parts.map { try $0.value.item() }
      if first.isEmpty { first = values }
      let (n, r) = (values[0] / first[0], values[1] / first[1])
      weight -= rate * (weight - n / (n + r))
      #expect(abs(values[2] - weight) < 1e-6)
      #expect(abs(try loss.total.item() - (weight * values[0] + (1 - weight) * values[1])) < 1e-6)
    }
    #expect(weight != 0.5)
    method.temperature = .rule(ToEntropy(0.5))
    try method.validate()
    method.temperatureRate = 0.1
    let error = #expect(throws: CoreError.self) { try method.validate() }
    #expect(error?.argument == "temperature_rate")
  }

  /// SAAD weighs images by the entropy of the teacher at x', and the one of least entropy not at all.
  @Test func saadWeighsByEntropy() throws {
    let (teacher, student) = (try trained(), try network())
    let position = TrainingPosition(epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 1)
    let own = try step(student.copy(), position)
    let method = SAAD(teacher: teacher, beta: 2, igdm: 0)
    let x = try method.perturbed(own)
    let loss = try method.loss(own, at: x)
    let again = try step(student.copy(), position)
    let (a, b) = (try again.forward(x), try again.forward(again.images))
    let entropies = try entropy(teacher(x).softmax()).floats().map { Double($0) }
    let least = entropies.min() ?? 0
    let weights = entropies.map { 5 * ($0 - least) }
    let most = (weights.max() ?? 0) + 1e-8
    let robust = try klDivergence(teacher(x), a, reduction: .none).floats()
    let clean = try klDivergence(teacher(again.images), b, reduction: .none).floats()
    var expected = 0.0
    for i in 0..<12 {
      expected += weights[i] * Double(robust[i]) + 2 * (1 - weights[i] / most) * Double(clean[i])
    }
    #expect(abs(try loss.total.item() - expected / 12) < 1e-4)
  }

  /// The search of SAAD sees the teacher's answer move along its gradient.
  @Test func theSearchOfSAADBelievesTheGradient() throws {
    let (teacher, student) = (try trained(), try network())
    func found(_ slope: Double) throws -> Tensor {
      var method = SAAD(teacher: teacher)
      method.slope = slope
      return try method.perturbed(step(student))
    }
    // Without the slope it is the search of RSLAD.
    #expect(try found(0).isIdentical(to: RSLAD(teacher: teacher).perturbed(step(student))))
    #expect(try !found(5).isIdentical(to: found(0)))
  }

  /// LBGAT moves both models by the gradients of one loss, and its teacher learns.
  @Test func lbgatTrainsItsTeacherAlong() throws {
    let (student, teacher) = (try network(), try network(seed: 9))
    let (s, t) = (student.copy(), teacher.copy())
    var plan = plan
    (plan.learningRate, plan.batchSize, plan.epochs) = (0.002, 12, 1)
    let report = try fit(student, on: bars(12), method: LBGAT(teacher: teacher, beta: 2), attack: attack, plan: plan)
    #expect(report.epochs[0].parts.map(\.name) == ["loss_distance", "loss_teacher", "loss_robust"])
    // The same step by hand; the order of the examples does not matter, and dropout is all that differs.
    let stream = RandomStream(seed: plan.seed, purpose: "fit.step", 0, 0)
    let order = try bars(12).batches(of: 12, shuffledBy: RandomStream(seed: plan.seed, purpose: "fit.order", 0))[0]
    let batch = try bars(12).batch(order)
    let own = TrainingStep(
      model: s, parameters: s.trackedParameters(), batch: batch, attack: attack, inner: LBGAT(teacher: t).inner,
      stream: stream)
    let x = try own.adversarial()
    let leaves = t.trackedParameters()
    let (a, b) = (try own.forward(x), try own.forward(own.images))
    let c = try t.forward(own.images, mode: .train, parameters: leaves, dropout: own.stream(of: "teacher"))
    let loss = try mse(a, c) + crossEntropy(c, labels: own.labels) + klDivergence(b, a) * 2
    let slopes = try gradients(of: loss, withRespectTo: own.parameters + leaves)
    for (i, (before, after)) in zip(s.parameters + t.parameters, student.parameters + teacher.parameters).enumerated() {
      #expect(largest(try before - slopes[i] * 0.002, after) < 1e-6)
    }
    #expect(zip(s.buffers + t.buffers, student.buffers + teacher.buffers).allSatisfy { $0.isIdentical(to: $1) })

    plan.epochs = 6
    let longer = try fit(network(), on: bars(40), method: LBGAT(teacher: teacher), attack: attack, plan: plan)
    #expect(longer.epochs[5].parts[1].value < longer.epochs[0].parts[1].value)
    let error = #expect(throws: CoreError.self) {
      try fit(student, on: bars(40), method: LBGAT(teacher: student), attack: attack, plan: plan)
    }
    #expect(error?.argument == "method")
  }

  /// A run of LBGAT that is stopped leaves the teacher as after the last whole step.
  @Test func aStepOfLBGATIsWholeOrNothing() throws {
    let teacher = try network(seed: 9)
    let run = try TrainingRun(
      network(), on: bars(40), method: LBGAT(teacher: teacher), attack: attack, plan: plan, observers: [Halt(after: 2)])
    #expect(try run.run().steps == 2)
    let after = teacher.copy()
    // What the run is does not change with the teacher, nor by what it was at the beginning.
    let identity = LBGAT(teacher: teacher).references.map(\.settingIdentity)
    #expect(identity == LBGAT(teacher: try network(seed: 4)).references.map(\.settingIdentity))
    var late = try run.state
    let index = try #require(late.firstIndex { $0.name.hasPrefix("method.teacher.") })
    late[index].tensor = try Tensor.zeros([1])
    #expect(throws: CoreError.self) { try run.restore(late) }
    #expect(teacher.hasEqualWeights(to: after))
  }

  // MARK: LTD

  @Test func ltdRefusesWhatItWouldNotUse() throws {
    let refused: [(String, [(String, SettingValue)])] = [
      ("beta", [("on", .string("pgd_at")), ("beta", .number(6))]),
      ("beta", [("on", .string("nat")), ("beta", .number(6))]),
      ("nat_weight", [("nat_weight", .number(0.5))]),
      ("inner", [("inner", .string("soft"))]), ("inner", [("inner", .string("hard"))]),
      ("bn", [("on", .string("pgd_at")), ("bn", .string("natural"))]),
      ("forwards", [("on", .string("mart")), ("forwards", .int(2))]),
      ("inner", [("on", .string("nat")), ("inner", .string("soft")), ("teacher_input", .string("adversarial"))]),
    ]
    let teacher = try network(seed: 9)
    for (argument, settings) in refused {
      let given =
        [(name: "teacher", value: SettingValue.reference(teacher))] + settings.map { (name: $0.0, value: $0.1) }
      let error = #expect(throws: CoreError.self, "\(settings)") { try LTD(given) }
      #expect(error?.argument == argument)
    }
  }

  /// Only the forwards that are named move the running statistics; the loss is the same.
  @Test(arguments: [LTD.Framework.trades, .mart, .natural])
  func statisticsMoveWithTheForwardsNamed(_ framework: LTD.Framework) throws {
    let teacher = try network(seed: 9)
    let start = try network()
    func run(_ statistics: LTD.Statistics) throws -> (Double, [Tensor]) {
      let model = start.copy()
      var ltd = LTD(teacher: teacher, framework: framework)
      ltd.statistics = statistics
      let step = try step(model)
      let loss = try ltd.loss(step, at: (step.images * 0.5).detached())
      return (try loss.total.item(), model.buffers)
    }
    let (both, natural, adversarial) = (try run(.both), try run(.natural), try run(.adversarial))
    #expect(both.0 == natural.0 && both.0 == adversarial.0)
    let model = start.copy()
    _ = try step(model).forward(bars(12).images)
    #expect(zip(natural.1, model.buffers).allSatisfy { $0.isIdentical(to: $1) })
    let other = start.copy()
    _ = try step(other).forward(try bars(12).images * 0.5)
    #expect(zip(adversarial.1, other.buffers).allSatisfy { $0.isIdentical(to: $1) })
  }

  /// With a soft target the attack climbs away from it, and the teacher is asked once.
  @Test func theInnerTargetMayBeSoft() throws {
    let teacher = try trained()
    for framework in [LTD.Framework.pgdAT, .mart, .natural] {
      var ltd = LTD(teacher: teacher, mix: 0.3, framework: framework)
      ltd.innerTarget = .soft
      try ltd.validate()
      #expect(try train(network(), ltd).steps == 6)
      let (soft, hard) = (network, network)
      let first = try soft(0)
      try fit(first, on: bars(40), method: ltd, attack: attack, plan: plan)
      ltd.innerTarget = .hard
      let second = try hard(0)
      try fit(second, on: bars(40), method: ltd, attack: attack, plan: plan)
      #expect(!first.hasEqualWeights(to: second))
    }
  }
}

/// Moves the running statistics of a model after the second step.
private final class Meddler: TrainingObserver {
  private let model: Model

  init(_ model: Model) { self.model = model }

  func after(step: Int, _ student: Model) throws {
    guard step == 2 else { return }
    _ = try model.forward(bars(6).images, mode: .train, dropout: RandomStream(seed: 0, purpose: "meddler"))
  }
}

/// Interrupts a run after so many steps, once.
private final class Halt: TrainingObserver {
  private let steps: Int
  private var isDone = false

  init(after steps: Int) { self.steps = steps }

  func after(step: Int, _ model: Model) throws {
    guard step == steps, !isDone else { return }
    isDone = true
    throw CoreError(.interrupted, "interrupted")
  }
}

/// An augmentation that changes nothing.
private struct Still: Augmentation {
  static let name = "still"
  static let page = Page("Nothing.")
  static let settings: [Setting<Still>] = []

  func apply(_ batch: Batch, stream: RandomStream, partners: AugmentationPartners) throws(CoreError) -> Batch { batch }
}
