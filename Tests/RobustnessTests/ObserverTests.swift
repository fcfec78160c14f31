import Base
import Datasets
import Foundation
import Networks
import Tensors
import TestSupport
import Testing

@testable import Robustness

/// What looks on while a run trains: averages, selection, early stopping, alarms; and how a step takes its batch.
@Suite struct ObserverTests {
  private var plan = TrainingPlan(epochs: 4, batchSize: 16, learningRate: 0.05, seed: 5)

  /// Averages, best model, patience and alarms continue in the same bits, wherever the run was stopped.
  @Test(arguments: [1, 2, 3, 5, 6, 8, 11])
  func allOfThemAreContinued(_ steps: Int) throws {
    for averaging in [
      WeightAveraging(.exponential(decay: 0.9, warmsUp: true)), WeightAveraging(.running(from: 2)),
      WeightAveraging(.exponential(decay: 0.9, warmsUp: false), statistics: .averaged),
    ] {
      var plan = plan
      (plan.averaging, plan.selection, plan.clip) = (averaging, .robust, 0.5)
      func run(_ model: Model, stop: Int = .max) throws -> TrainingRun {
        try TrainingRun(
          model, on: bars(40), method: PGDAT(), attack: PGD(eps: 0.1, steps: 2), plan: plan,
          validation: bars(12, seed: 9), observers: [Stop(after: stop)])
      }
      let (whole, part, other) = (try network(), try network(), try network(seed: 3))
      let all = try run(whole).run()
      let first = try run(part, stop: steps)
      _ = try first.run()
      let second = try run(other)
      try second.restore(first.state)
      let rest = try second.run()
      #expect(other.hasEqualWeights(to: whole))
      let (averaged, expected) = (try #require(rest.averaged), try #require(all.averaged))
      #expect(averaged.hasEqualWeights(to: expected), "\(averaging) after \(steps)")
      let (best, bestExpected) = (try #require(rest.best), try #require(all.best))
      #expect(best.epoch == bestExpected.epoch && best.model.hasEqualWeights(to: bestExpected.model))
      #expect(rest.epochs.map { $0.figures.map(\.value) } == all.epochs.map { $0.figures.map(\.value) })
    }
  }

  @Test func averagesAreWhatTheirFormulasSay() throws {
    let model = try network()
    let data = try bars(20)
    let average = WeightAverage(
      WeightAveraging(.exponential(decay: 0.75, warmsUp: false)), of: model, on: data, batchSize: 8, seed: 0)
    var expected = model.parameters.map { $0.floats() }
    for i in 1...5 {
      try model.setParameters(model.parameters.map { try $0 * 1.25 })
      try average.after(step: i, model)
      for (k, weights) in model.parameters.enumerated() {
        for (j, value) in weights.floats().enumerated() { expected[k][j] = 0.75 * expected[k][j] + 0.25 * value }
      }
    }
    let averaged = try #require(try average.averaged(model))
    for (weights, numbers) in zip(averaged.parameters, expected) {
      #expect(zip(weights.floats(), numbers).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
    }
    #expect(zip(averaged.buffers, model.buffers).allSatisfy { $0.isIdentical(to: $1) })
  }

  @Test func theBestModelIsKeptAndPatienceEnds() throws {
    let model = try network()
    let best = BestModel(by: .robust, patience: 2)
    func epoch(_ number: Int, _ robust: Double?) throws -> (Bool, EpochReport) {
      var report = EpochReport(
        epoch: number, loss: 1, parts: [], naturalAccuracy: 0.5, learningRate: 0.1, seconds: 1)
      if let robust { report.figures.append(("validation_robust", robust)) }
      return (try best.after(&report, model), report)
    }
    #expect(try epoch(1, 0.3).0 && epoch(2, 0.4).0)
    let weights = model.copy()
    try model.setParameters(model.parameters.map { try $0 * 2 })
    #expect(try epoch(3, nil).0 && epoch(4, 0.4).0)
    let last = try epoch(5, 0.1)
    #expect(
      !last.0
        && last.1.notes == [
          "stopped early: validation_robust was best after epoch 2; the next 2 were not better"
        ])
    #expect(best.epoch == 2)
    #expect(try #require(try best.model(like: model)).hasEqualWeights(to: weights))
  }

  @Test func alarmsAreRaisedOnce() throws {
    func notes(_ course: [(training: Double, validation: Double)]) throws -> [String] {
      let (alarm, model) = (OverfittingAlarm(), try network())
      return try course.enumerated().flatMap { i, values in
        var report = EpochReport(
          epoch: i + 1, loss: 1, parts: [], naturalAccuracy: 0.5, robustAccuracy: values.training, learningRate: 0.1,
          seconds: 1)
        report.figures.append(("validation_robust", values.validation))
        _ = try alarm.after(&report, model)
        return report.notes
      }
    }
    let collapse = try notes([(0.3, 0.3), (0.4, 0.4), (0.9, 0.02), (0.95, 0)])
    #expect(collapse.count == 1 && collapse[0].hasPrefix("alarm: catastrophic overfitting"))
    let slow = try notes([(0.4, 0.4), (0.5, 0.45), (0.6, 0.44), (0.7, 0.43), (0.8, 0.42), (0.9, 0.41)])
    #expect(slow.count == 1 && slow[0].hasPrefix("alarm: robust overfitting"))
    #expect(try notes([(0.4, 0.4), (0.5, 0.45), (0.55, 0.44), (0.56, 0.46)]).isEmpty)
  }

  /// What says nothing to all images alike resists every attack, and what was never robust has lost nothing.
  @Test func aModelThatHasNotLearnedRaisesNoAlarm() throws {
    func isCatastrophic(_ weak: Double, _ strong: Double, after best: Double = 0, n: Int = 128) -> Bool {
      OneStepProbe.Result(weak: weak, strong: strong, n: n).isCatastrophic(after: best, chance: 0.15)
    }
    #expect(isCatastrophic(0.9, 0.02) && isCatastrophic(0.6, 0.1) && isCatastrophic(0.4, 0.1, after: 0.35))
    #expect(!isCatastrophic(0.9, 0.5) && !isCatastrophic(0.6, 0.2) && !isCatastrophic(0.33, 0.07))
    #expect(!isCatastrophic(0.4, 0.1, after: 0.12) && !isCatastrophic(0.1, 0.1, after: 0.1))
    #expect(!isCatastrophic(0.5, 0.06, n: 8))
  }

  /// Which runs are looked at a second time.
  @Test func attacksOfFewStepsAreLookedAtAgain() throws {
    let data = try bars(40)
    func isLookedAt(_ method: any TrainingMethod, _ attack: (any Ascent)?) -> Bool {
      OneStepProbe(method, attack, on: data, seed: 0) != nil
    }
    #expect(isLookedAt(FastAT(), nil) && isLookedAt(NFGSM(), PGD()) && isLookedAt(AWP(FreeAT()), nil))
    #expect(isLookedAt(PGDAT(), FGSM()) && isLookedAt(TRADES(), PGD(steps: 2)))
    #expect(!isLookedAt(PGDAT(), PGD()) && !isLookedAt(Standard(), FGSM()) && !isLookedAt(PGDAT(), nil))
  }

  /// A network that learns to resist one step, of such a length that it is nothing but that.
  @Test(.enabled(if: SharedFiles.data != nil)) func catastrophicOverfittingIsSeenWithoutAValidation() throws {
    let folder = try #require(SharedFiles.data).appending(path: "fashion-mnist").path
    let data = try fashionMNIST(directory: folder, train: 2000, test: 0).train
    func notes(_ attack: any Ascent) throws -> [String] {
      let model = try Model(
        Architecture(SmallCNN(channels: [16, 16, 32, 32], features: 64), classes: 10, input: [1, 28, 28]), seed: 1)
      let plan = TrainingPlan(epochs: 12, batchSize: 64, learningRate: 0.05, seed: 0)
      return try fit(model, on: data, method: PGDAT(), attack: attack, plan: plan).epochs.flatMap(\.notes)
    }
    let found = try notes(FGSM(eps: 0.3))
    #expect(found.count == 1 && found[0].hasPrefix("alarm: catastrophic overfitting: of 128 images"), "\(found)")
    #expect(try notes(FGSM(eps: 0.05)).isEmpty)
  }

  /// The average of a run that was stopped is measured as that of one which came to its end.
  @Test func anEstimatedAverageIsThereAfterAnInterruption() throws {
    var plan = plan
    plan.averaging = WeightAveraging(.exponential(decay: 0.9, warmsUp: false), statistics: .estimated)
    let report = try TrainingRun(
      network(), on: bars(40), plan: plan, observers: [Stop(after: 5)]
    ).run()
    let averaged = try #require(report.interrupted ? report.averaged : nil)
    #expect(!averaged.buffers[0].isIdentical(to: try network().buffers[0]))
  }

  /// Without batch norm the parts of a batch add up to the batch.
  @Test(arguments: [2, 4, 16])
  func aBatchInPartsIsTheBatch(_ parts: Int) throws {
    func trained(_ shards: Int) throws -> Model {
      let model = try Model(
        Architecture(
          .custom(.sequential([.flatten, .linear(Linear(12)), .relu, .linear(Linear(3))])), classes: 3,
          input: [1, 8, 8]))
      var plan = plan
      (plan.epochs, plan.shards) = (1, shards)
      try fit(model, on: bars(40), method: PGDAT(), attack: PGD(eps: 0.1, steps: 2), plan: plan)
      return model
    }
    let (whole, inParts) = (try trained(1), try trained(parts))
    for (a, b) in zip(whole.parameters, inParts.parameters) { #expect(largest(a, b) < 1e-5) }
  }

  /// A step is as long as the clipped gradient.
  @Test func gradientsAreClipped() throws {
    func moved(_ clip: Double?) throws -> Double {
      let model = try network()
      let before = model.parameters
      var plan = plan
      (plan.epochs, plan.clip, plan.optimiser) = (1, clip, SGD(momentum: 0))
      try fit(model, on: bars(16), plan: plan)
      return zip(model.parameters, before).reduce(0.0) { sum, pair in
        sum + zip(pair.0.floats(), pair.1.floats()).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
      }.squareRoot()
    }
    let free = try moved(nil)
    #expect(abs(try moved(0.01) - 0.0005) < 1e-6)
    #expect(try moved(1e6) == free)
  }

  @Test func whatIsNotANumberIsFound() throws {
    var values = try bars(20).images.floats()
    values[64 * 7 + 3] = .nan
    let broken = try? Dataset(images: Tensor(values, shape: [20, 1, 8, 8]), labels: (0..<20).map { $0 % 3 })
    if let broken {
      let error = #expect(throws: CoreError.self) { try fit(network(), on: broken, plan: plan) }
      #expect(error?.message.contains("image 7") == true)
    }
    var fast = plan
    fast.learningRate = 1e30
    let error = #expect(throws: CoreError.self) { try fit(network(), on: bars(40), plan: fast) }
    #expect(error?.message.contains("step") == true && error?.message.contains(": ") == true)
  }

  @Test func settingsThatNothingUsesAreRefused() throws {
    func refused(_ argument: String, validation: Dataset? = nil, _ change: (inout TrainingPlan) -> Void) {
      var plan = plan
      change(&plan)
      let error = #expect(throws: CoreError.self) {
        try fit(network(), on: bars(20), plan: plan, validation: validation)
      }
      #expect(error?.argument == argument)
    }
    refused("select") { $0.selection = .natural }
    refused("patience") { $0.patience = 2 }
    refused("validate_every") { $0.validateEvery = 2 }
    refused("patience", validation: try bars(8)) { $0.patience = 2 }
    refused("select", validation: try bars(8)) { $0.selection = .robust }
    refused("ema") { $0.averaging = WeightAveraging(.exponential(decay: 1, warmsUp: false)) }
    refused("swa") { $0.averaging = WeightAveraging(.running(from: 9)) }
    refused("clip") { $0.clip = 0 }
    refused("shards") { $0.shards = 17 }
    refused("shards") { $0.shards = 3 }
    refused("sync_norm") { $0.syncsNorm = true }
  }
}
