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

  /// Every method takes every kind of temperature, and the loss depends on it.
  @Test(arguments: names)
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
