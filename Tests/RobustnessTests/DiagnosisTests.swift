import Base
import Datasets
import Networks
import Tensors
import TestSupport
import Testing

@testable import Robustness

/// A diagnosis flags what is masked, says nothing of what is not, and says what it cannot judge.
@Suite struct DiagnosisTests {
  let data: Dataset

  init() throws { data = try bars(120) }

  private func diagnosis(
    _ model: Model, _ checks: [String] = [], eps: Double = 0.15, on data: Dataset? = nil
  ) throws -> Diagnosis {
    try diagnose(model, on: data ?? self.data, DiagnosisPlan(eps: eps, queries: 100, checks: checks))
  }

  /// Layers between the image and a linear network that has learned the data.
  private func behind(_ layers: [Layer], epochs: Int = 12) throws -> Model {
    let model = try Model(
      Architecture(.sequential(layers + [.flatten, .linear(Linear(3))]), classes: 3, input: [1, 8, 8]), seed: 3)
    try fit(model, on: data, plan: TrainingPlan(epochs: epochs, batchSize: 16, learningRate: 0.05))
    return model
  }

  @Test func anHonestNetworkPasses() throws {
    let model = try behind([])
    let found = try diagnosis(model)
    #expect(found.flags == [], "\(found.summary)")
    #expect(found.findings(.unknown).isEmpty)
    #expect(found.findings.count == MaskingChecks.all.count && found.findings.count >= 18)
    #expect(found.summary.hasPrefix("None of the") && found.summary.contains("no proof"))
    let usual = try #require(found.usual)
    #expect(found.lowest <= usual && usual <= found.natural)
    // Nothing depends on what was asked for besides.
    #expect(try diagnosis(model, ["mifpe"]).findings == found.findings.filter { $0.check == "mifpe" })
    #expect(try diagnosis(model).findings == found.findings)
  }

  /// Every check has a name of its own, ends its sentences alike, and says where its threshold is from.
  @Test func everyCheckIsDescribed() {
    #expect(Set(MaskingChecks.all.map { $0.name }).count == MaskingChecks.all.count)
    for check in MaskingChecks.all {
      #expect(check.question.hasSuffix("?") && !check.remedy.hasSuffix(".") && !check.source.isEmpty, "\(check.name)")
      #expect(MaskingChecks.named(check.name) != nil)
    }
  }

  @Test(arguments: [1e-4, 1e4])
  func aTemperatureIsSeen(scale: Double) throws {
    let model = try behind([])
    let found = try diagnosis(
      model.at(temperature: Float(1 / scale)), ["zero_gradients", "vanishing_gradients", "temperature", "mifpe"],
      eps: 0.25)
    if scale > 1 { #expect(found.flags.contains("zero_gradients"), "\(found.summary)") }
    let table = try #require(found.findings.last).measurement.rows
    #expect(table.count == TemperatureCheck.scales.count || scale != 1)
    let left = table.compactMap { $0["rescued"] }
    #expect((left.max() ?? 0) - (left.min() ?? 0) <= 1, "\(left)")
  }

  @Test func roundingIsSeen() throws {
    let found = try diagnosis(behind([.quantise(levels: 5)]), eps: 0.3)
    for check in ["zero_gradients", "straight_through", "finite_differences", "black_box"] {
      #expect(found.flags.contains(check), "\(check): \(found.summary)")
    }
    #expect(found.lowest < found.usual ?? 0)
    #expect(found.summary.contains("must not be reported"))
  }

  @Test func aLayerThatCutsIsSeen() throws {
    let found = try diagnosis(behind([.meanSparse(mean: [0.3], width: [0.25])]), eps: 0.2)
    #expect(found.flags.contains("straight_through"), "\(found.summary)")
    #expect(found.summary.contains("must not be reported"))
  }

  /// Logits a hundred times as large as they were learned: the student of a defensive distillation at T = 100.
  @Test func defensiveDistillationIsSeen() throws {
    let (teacher, student) = (try behind([], epochs: 1), try behind([], epochs: 1))
    let plan = TrainingPlan(epochs: 12, batchSize: 16, learningRate: 500)
    try fit(teacher.at(temperature: 100), on: data, plan: plan)
    try fit(student, on: data, method: DefensiveDistillation(teacher: teacher, temperature: 100), plan: plan)
    let found = try diagnosis(student, ["zero_gradients", "saturation", "mifpe", "temperature"], eps: 0.3)
    #expect(found.flags.contains("mifpe") && found.flags.contains("temperature"), "\(found.summary)")
    #expect(found.flags.contains("zero_gradients") || found.flags.contains("saturation"), "\(found.summary)")
  }

  /// Robust training by different targets is none.
  @Test(arguments: ["pgd_at", "trades", "ltd"])
  func robustTrainingIsNotFlagged(name: String) throws {
    let model = try behind([], epochs: 1)
    let attack = PGD(eps: 0.1, steps: 5)
    let plan = TrainingPlan(epochs: 8, batchSize: 16, learningRate: 0.05)
    switch name {
    case "pgd_at": try fit(model, on: data, method: PGDAT(), attack: attack, plan: plan)
    case "trades": try fit(model, on: data, method: TRADES(), attack: attack, plan: plan)
    default: try fit(model, on: data, method: LTD(teacher: behind([])), attack: attack, plan: plan)
    }
    let found = try diagnosis(model, eps: 0.05)
    #expect(found.flags == [], "\(found.summary)")
  }

  /// What the attacks that a diagnosis suggests leave is no more than anything that it has tried.
  @Test func adaptiveAttacksFollowTheFindings() throws {
    let model = try behind([.quantise(levels: 5)])
    let found = try diagnosis(model, eps: 0.3)
    let attacks = try adaptiveAttacks(on: model, flags: found.flags, norm: .linf)
    #expect(attacks.contains { $0 is Transfer } && attacks.contains { ($0 as? Square)?.queries == 5000 })
    let left = try evaluate(model, on: data, attacks: attacks, eps: 0.3).worstCase.correct
    #expect(left <= found.lowest)
    #expect(try adaptiveAttacks(on: behind([]), flags: [], norm: .l2).count == 3)
    #expect(
      try adaptiveAttacks(on: behind([.gaussianNoise(std: 0.1)]), flags: [], norm: .linf).allSatisfy { $0 is EOT })
    try found.requireSame(model, data, norm: .linf, eps: 0.3)
    #expect(throws: CoreError.self) { try found.requireSame(model, data, norm: .l2, eps: 0.3) }
  }

  @Test func plantedImagesAreFound() throws {
    let model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 2, batchSize: 16, learningRate: 0.02))
    let found = try diagnosis(model, ["binarisation"])
    #expect(found.findings[0].verdict != .flag, "\(found.findings[0].measurement.note)")
    let cold = try diagnosis(model.at(temperature: 1e-5), ["binarisation"])
    #expect(cold.flags == ["binarisation"], "\(cold.findings[0].measurement.note)")
  }

  @Test func aConstantInTheLogitsIsSeen() throws {
    let shifted = try behind([])
    var weights = shifted.parameters
    weights[1] = try weights[1] + 1e7
    try shifted.setParameters(weights)
    #expect(try diagnosis(shifted, ["centred_logits"]).flags == ["centred_logits"])
    weights[1] = try weights[1] - 1e7
    try shifted.setParameters(weights)
    #expect(try diagnosis(shifted, ["centred_logits"]).flags == [])
  }

  @Test func classesWithoutImagesAreSeen() throws {
    // A class that no image has, just below what the images have: the first that an attack comes to.
    let wide = try Model(
      Architecture(.sequential([.flatten, .linear(Linear(4))]), classes: 4, input: [1, 8, 8]), seed: 3)
    let narrow = try behind([])
    let least = try narrow(data.images).max(axes: [1]).min().item()
    try wide.setParameters([
      concat([narrow.parameters[0], Tensor.zeros([1, 64])], axis: 0),
      concat([narrow.parameters[1], Tensor([Float(least) - 0.01], shape: [1])], axis: 0),
    ])
    #expect(try diagnosis(narrow, ["dummy_classes"], eps: 0.3).flags == [])
    let found = try diagnosis(wide, ["dummy_classes"], eps: 0.3)
    #expect(found.flags == ["dummy_classes"], "\(found.findings[0].measurement.note)")
  }

  /// Labels that leave little to be sure of have the cross-entropy follow all classes at once, and find less.
  @Test func smoothedLabelsFlatterTheCrossEntropy() throws {
    let (train, test) = try glyphs(n: 600, test: 400, seed: 1)
    func trained(_ method: Standard) throws -> Model {
      let model = try Model(
        Architecture(.sequential([.flatten, .linear(Linear(10))]), classes: 10, input: [1, 28, 28]), seed: 1)
      try fit(model, on: train, method: method, plan: TrainingPlan(epochs: 10, batchSize: 32, learningRate: 0.05))
      return model
    }
    let checks = ["loss_swap", "mifpe", "temperature"]
    let smoothed = try diagnosis(trained(Standard(smoothing: 0.5)), checks, eps: 0.06, on: test)
    #expect(smoothed.flags == checks, "\(smoothed.summary)")
    let plain = try diagnosis(trained(Standard()), checks, eps: 0.06, on: test)
    #expect(plain.flags == [], "\(plain.summary)")
  }

  // MARK: What cannot be judged

  @Test func aConstantModelCannotBeJudged() throws {
    let constant = try behind([])
    try constant.setParameters([Tensor.zeros([3, 64]), Tensor([2, 0, 0], shape: [3])])
    let found = try diagnosis(constant)
    #expect(found.flags == [])
    #expect(found.findings(.unknown).contains { $0.measurement.note.contains("the same to every image") })
    #expect(found.usual == nil)
  }

  @Test func aModelOfOneClassCannotBeJudged() throws {
    let single = try behind([])
    try single.setParameters([single.parameters[0] * 1e-3, Tensor([9, 0, 0], shape: [3])])
    let found = try diagnosis(single)
    #expect(found.flags == [], "\(found.summary)")
    #expect(found.findings(.unknown).contains { $0.measurement.note.contains("the class 0 to every image") })
  }

  @Test func dataOfOneClassAreJudged() throws {
    let positions = data.labels.indices.filter { data.labels[$0] == 1 }
    let part = try Dataset(
      images: data.batch(positions).images, labels: positions.map { _ in 1 }, classNames: data.classNames)
    #expect(try diagnosis(behind([]), on: part).flags == [])
  }

  @Test func numbersThatAreNoneAreFlagged() throws {
    let broken = try behind([])
    try broken.setParameters([broken.parameters[0], Tensor([.nan, 0, 0], shape: [3])])
    let found = try diagnosis(broken)
    #expect(found.flags == ["non_finite"])
    #expect(found.findings.filter { $0.verdict == .pass }.isEmpty, "\(found.summary)")
  }

  @Test func aModelThatAnswersAtRandomIsFlagged() throws {
    let random = try behind([.gaussianNoise(std: 0.2)])
    let found = try diagnosis(random)
    #expect(found.flags == ["stochastic"])
    #expect(found.findings.first { $0.check == "mifpe" }?.verdict == .unknown)
  }

  @Test func impossibleSettingsAreErrors() throws {
    let model = try behind([])
    for plan in [
      DiagnosisPlan(eps: 0), DiagnosisPlan(eps: .nan), DiagnosisPlan(eps: 2), DiagnosisPlan(eps: 0.1, steps: 0),
      DiagnosisPlan(eps: 0.1, queries: 0), DiagnosisPlan(eps: 0.1, checks: ["no"]),
    ] {
      #expect(throws: CoreError.self) { try diagnose(model, on: data, plan) }
    }
  }

  // MARK: Ends

  @Test func namedChecksMustPass() throws {
    let found = try diagnosis(behind([.gaussianNoise(std: 0.2)]), ["stochastic", "steps", "probabilities"])
    try found.require(["probabilities"])
    try found.require([])
    for names in [["stochastic"], ["steps"], ["flag"], ["probabilities", "flag"]] {
      #expect(throws: CoreError.self) { try found.require(names) }
    }
  }

  /// Ctrl-C leaves what was found by then.
  @Test func itEndsWithWhatItHas() throws {
    final class Stopper: Progress {
      let signal: StopSignal
      init(_ signal: StopSignal) { self.signal = signal }
      func update(
        title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
      ) {
        if title == "diagnose loss_swap" { signal.raise(.interrupted) }
      }
      func note(_ line: String) {}
      func finish() {}
    }
    let signal = StopSignal()
    let model = try behind([])
    let found = try signal.carry {
      try diagnose(model, on: data, DiagnosisPlan(eps: 0.15), progress: Stopper(signal))
    }
    #expect(found.isInterrupted && found.findings.count == MaskingChecks.all.count)
    #expect(found.findings.first { $0.check == "one_step" }?.verdict == .pass)
    #expect(found.findings.first { $0.check == "loss_swap" }?.verdict == .unknown)
    #expect(found.summary.hasSuffix("It was stopped before its end."))
  }

  // MARK: Real networks

  /// A network whose robustness is known: masked at some temperatures, and never for what rescues.
  @Test(.enabled(if: SharedFiles.data != nil, "needs LTD_DATA"))
  func theKnownNetworkIsJudgedRightly() throws {
    let folder = try #require(SharedFiles.data)
    let path = folder.appending(path: "checkpoints/kolter_wong_fashion_mnist.pth").path
    let model = try Model.load(path)
    let test = try fashionMNIST(directory: folder.appending(path: "fashion-mnist").path, train: 1, test: 200).test
    let some = test
    let found = try diagnose(
      model, on: some,
      DiagnosisPlan(eps: 0.1, checks: ["loss_swap", "mifpe", "temperature", "finite_differences", "binarisation"]))
    #expect(found.flags == [], "\(found.summary)")
    let table = try #require(found.findings.first { $0.check == "temperature" }).measurement.rows
    #expect(Set(table.compactMap { $0["rescued"] }).count == 1)
    let flagged = table.filter(\.isFlagged).compactMap { $0["scale"] }
    #expect(flagged.contains(1000) && flagged.contains(1e4) && !flagged.contains(1) && !flagged.contains(10))
    let cold = try diagnose(
      model.at(temperature: 1e-3), on: some,
      DiagnosisPlan(eps: 0.1, checks: ["zero_gradients", "saturation", "temperature"]))
    #expect(cold.flags == ["zero_gradients", "saturation", "temperature"], "\(cold.summary)")
  }
}
