import Base
import Datasets
import Foundation
import Networks
import Tensors
import Testing

@testable import Robustness

/// Models that answer at random: what an answer depends on, what attacks see of them, and the rate by which they are
/// judged, against its closed form.
@Suite struct RandomModelTests {
  /// A linear classifier of two classes behind noise: z_1 − z_0 = weight · (x + noise) + bias.
  private static func linear(_ weight: [Float], bias: Float = 0, std: Double) throws -> Model {
    let model = try Model(
      Architecture(
        .sequential([.gaussianNoise(std: std), .flatten, .linear(Linear(2))]), input: [1, 1, weight.count]))
    try model.setParameters([
      Tensor(weight.map { -$0 / 2 } + weight.map { $0 / 2 }, shape: [2, weight.count]),
      Tensor([-bias / 2, bias / 2], shape: [2]),
    ])
    return model
  }

  private static func normalCDF(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  /// Layers with noise before and between them.
  private static func noisy(_ std: Double = 0.3, seed: UInt64 = 0) throws -> Model {
    try Model(
      Architecture(
        .sequential([
          .gaussianNoise(std: std), .conv2d(Conv2d(6, kernel: Size(3))), .relu, .maxPool(Pooling(Size(2))),
          .gaussianNoise(std: std / 2), .flatten, .linear(Linear(3)),
        ]), input: [1, 8, 8]), seed: seed)
  }

  @Test func aDrawIsAFunctionOfTheImage() throws {
    let model = try Self.noisy()
    #expect(model.isRandom)
    let images = try bars(600).images
    let all = try model(images, NoiseDraws(3))
    #expect(try all.isIdentical(to: model(images, NoiseDraws(3))))
    #expect(!(try all.isIdentical(to: model(images, NoiseDraws(4)))))
    #expect(!(try all.isIdentical(to: model(images, NoiseDraws(3, seed: 1)))))
    for i in [0, 249, 250, 599] {
      #expect(try model(images.slice(axis: 0, i, i + 1), NoiseDraws(3)).isIdentical(to: all.slice(axis: 0, i, i + 1)))
    }
    // A draw for each image, in another order.
    let order = (0..<600).map { ($0 * 7) % 600 }
    let mixed = try model(images.indexSelect(axis: 0, order), NoiseDraws(of: order.map { $0 % 5 }))
    for draw in 0..<5 {
      let rows = order.indices.filter { order[$0] % 5 == draw }
      let alone = try model(images, NoiseDraws(draw)).indexSelect(axis: 0, rows.map { order[$0] })
      #expect(try mixed.indexSelect(axis: 0, rows).isIdentical(to: alone))
    }
    // Layer by layer, with weights that are handed in, it is the same noise.
    let parts = try images.slice(axis: 0, 0, 20)
    let byLayers = try model.forward(parts, mode: .eval, parameters: model.parameters, draws: NoiseDraws(3))
    #expect(try largest(byLayers, all.slice(axis: 0, 0, 20)) < 1e-5)
    // The gradient has the noise of its forward, which is constant: that of the differences.
    let slope = try model.slope(at: parts, draws: NoiseDraws(3)) { (logits, _) throws(CoreError) in
      try logits.slice(axis: 1, 0, 1).sum(axes: [1])
    }
    #expect(try slope.logits.isIdentical(to: all.slice(axis: 0, 0, 20)))
    let tracked = parts.tracked()
    let loss = try model.forward(tracked, mode: .eval, parameters: model.parameters, draws: NoiseDraws(3))
      .slice(axis: 1, 0, 1).sum()
    #expect(try largest(gradients(of: loss, withRespectTo: [tracked])[0], slope.gradient) < 1e-5)
    #expect(try model.remembering(parts, side: 2) == nil)
  }

  @Test func noiseOfNothingIsNone() throws {
    let silent = try Self.noisy(0)
    #expect(!silent.isRandom)
    #expect(try evaluate(silent, on: bars(6), attacks: [FGSM()]).run.answers == nil)
    for std in [-0.1, .nan, .infinity, 1e300] {
      #expect(throws: CoreError.self) { _ = try Self.noisy(std) }
    }
  }

  /// The noise has the deviation that it says, and is independent from image to image and from draw to draw.
  @Test func noiseIsNormal() throws {
    let model = try Self.linear([1] + [Float](repeating: 0, count: 63), std: 0.7)
    let images = try bars(300).images.reshape([300, 1, 1, 64])
    let clean = images.floats()
    var sums = [Double](repeating: 0, count: 3)
    var last = [Double](repeating: 0, count: 300)
    for draw in 0..<20 {
      let logits = try model(images, NoiseDraws(draw)).floats()
      let noise = (0..<300).map { (i: Int) -> Double in Double(2 * logits[2 * i + 1] - clean[64 * i]) / 0.7 }
      for i in 0..<300 {
        sums[0] += noise[i]
        sums[1] += noise[i] * noise[i]
        sums[2] += noise[i] * (last[i] + noise[(i + 1) % 300])
      }
      last = noise
    }
    let means = sums.map { $0 / 6000 }
    #expect(abs(means[0]) < 0.06)
    #expect(abs(means[1] - 1) < 0.1)
    #expect(abs(means[2]) < 0.08)
  }

  /// P(right) = Φ(margin / (std · ‖w‖₂)), and under the worst image in the ball the margin is less by eps · ‖w‖₁.
  @Test func ratesAreThoseOfTheClosedForm() throws {
    let weight: [Float] = [1, -2, 0.5, 1.5]
    let (length, sum, std, eps) = ((1 + 4 + 0.25 + 2.25).squareRoot(), 5.0, 0.2, 0.05)
    let model = try Self.linear(weight, bias: 0.1, std: std)
    let stream = RandomStream(seed: 4, purpose: "points")
    let x = try Tensor.uniform([120, 1, 1, 4], from: 0.2, to: 0.8, stream: stream)
    let scores = x.floats()
    let leads = (0..<120).map { i in
      (0..<4).reduce(0.1) { $0 + Double(weight[$1]) * Double(scores[4 * i + $1]) }
    }
    let data = try Dataset(images: x, labels: leads.map { $0 > 0 ? 1 : 0 })
    var plan = EvaluationPlan([EOT(PGD(steps: 10), n: 3), FGSM()])
    (plan.radii, plan.forwards) = ([eps], 200)
    let found = try evaluate(model, on: data, plan)
    let natural = try #require(found.naturalRate)
    let attacked = try #require(found.rates)
    func check(_ rate: AnswerRate, less: Double) {
      let truth = leads.map { Self.normalCDF((abs($0) - less) / (std * length)) }
      let mean = truth.reduce(0, +) / 120
      // Of 24,000 answers.
      let deviation = (truth.reduce(0) { $0 + $1 * (1 - $1) } / 200).squareRoot() / 120
      #expect(abs(rate.value - mean) < 4 * deviation, "\(rate.value) \(mean)")
      for (right, p) in zip(rate.right, truth) {
        #expect(abs(Double(right) / 200 - p) < 5 * (p * (1 - p) / 200).squareRoot() + 0.02)
      }
      #expect(rate.interval.low < mean && mean < rate.interval.high)
    }
    check(natural, less: 0)
    for rate in attacked { check(rate, less: eps * sum) }
    let worst = try #require(found.worstCaseRate)
    // The choice between two attacks that find the same is no selection by luck.
    check(worst, less: eps * sum)
    // AutoAttack's rule is the first answer.
    for outcome in found.attacks {
      for verdict in outcome.verdicts.compactMap({ $0 }) {
        #expect((verdict.brokenBy == nil) == (verdict.prediction == verdict.label) && !verdict.isDisputed)
      }
    }
    #expect(found.attacks[0].standing == natural.right.indices.map { natural.right[$0] > 0 || found.natural[$0] })
    #expect(abs(found.attacks[0].accuracy.value - attacked[0].value) < 0.15)
  }

  /// Gradients of one draw are mostly noise; the mean of many shows the way.
  @Test func eotFindsMore() throws {
    let (data, test) = try glyphs(n: 600, test: 200, seed: 1)
    let model = try Model(
      Architecture(
        .sequential([
          .gaussianNoise(std: 0.3), .flatten, .linear(Linear(32)), .relu, .gaussianNoise(std: 0.5), .linear(Linear(10)),
        ]), input: [1, 28, 28]), seed: 1)
    try fit(model, on: data, plan: TrainingPlan(epochs: 10, batchSize: 50, learningRate: 0.1))
    var plan = EvaluationPlan([FGSM(), EOT(FGSM(), n: 20)])
    (plan.radii, plan.forwards) = ([0.03], 20)
    let found = try evaluate(model, on: test, plan)
    let (rates, worst) = (try #require(found.rates), try #require(found.worstCaseRate))
    #expect(rates[1].value < rates[0].value - 0.015, "\(rates.map(\.value))")
    #expect(worst.value <= rates[1].value)
  }

  private static let attacks: [any Attack] = {
    var targeted = APGDT(steps: 3, targets: 2)
    targeted.loss = .margin
    var apgd = APGD(steps: 5)
    apgd.eot = 2
    return [
      PGD(steps: 3, restarts: 2), PGD(steps: 4, keep: .best), EOT(FGSM(), n: 3), apgd,
      Square(queries: 20),
      MIFPE(steps: 3), DeepFool(), targeted,
    ]
  }()

  /// No verdict depends on the batch that an example is in.
  @Test(arguments: attacks.indices)
  func batchesChangeNothing(_ index: Int) throws {
    let data = try bars(24)
    let model = try Self.noisy(0.2)
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 8, learningRate: 0.1))
    var plan = EvaluationPlan([Self.attacks[index]])
    (plan.radii, plan.forwards, plan.batch, plan.seed) = ([0.1], 5, 24, 2)
    let whole = try evaluate(model, on: data, plan)
    plan.batch = 5
    let parts = try evaluate(model, on: data, plan)
    #expect(whole.naturalVerdicts == parts.naturalVerdicts)
    #expect(whole.attacks.map(\.verdicts) == parts.attacks.map(\.verdicts))
    #expect(whole.attacks[0].verdicts.allSatisfy { $0.map { $0.right != nil } ?? true })
    plan.seed = 3
    #expect(try evaluate(model, on: data, plan).naturalVerdicts != whole.naturalVerdicts)
  }

  /// The version for such models is run as it is named, and other attacks are warned of.
  @Test func autoAttackKnowsSuchModels() throws {
    let data = try bars(9)
    let model = try Self.noisy(0.2)
    var rand = AutoAttack()
    rand.version = .rand
    let found = try evaluate(model, on: data, attacks: [rand], eps: 0.05, forwards: 3)
    #expect(found.attacks.count == 2 && found.warnings.allSatisfy { !$0.contains("differently") })
    // Twenty gradients at each of 101 points.
    let gradients = Set(found.attacks[0].verdicts.compactMap { $0?.gradients })
    #expect(gradients.contains(2020) && gradients.isSubset(of: [0, 2020]), "\(gradients)")
    #expect(try evaluate(model, on: data, attacks: [FGSM()]).warnings.contains { $0.contains("differently") })
    #expect(try evaluate(model, on: data, attacks: [EOT(FGSM())]).warnings.allSatisfy { !$0.contains("differently") })
  }

  @Test func whatIsNotUsedIsRefused() throws {
    let (plain, noisy, data) = (try network(), try Self.noisy(), try bars(6))
    #expect(throws: CoreError.self) { try evaluate(plain, on: data, forwards: 3) }
    for forwards in [0, -1, 1_000_001] {
      let error = #expect(throws: CoreError.self) { try evaluate(noisy, on: data, forwards: forwards) }
      #expect(error?.argument == "forwards")
    }
    #expect(try evaluate(noisy, on: data, seed: 4, forwards: 2).run.answers == RandomAnswers(forwards: 2, seed: 4))
    #expect(throws: CoreError.self) { try evaluate(plain, on: data, seed: 4) }
    let error = #expect(throws: CoreError.self) { try certify(noisy, on: data, eps: 0.01) }
    #expect(error?.message.contains("noise") == true)
  }

  /// Training adds noise of the step, and the same seed trains the same bits.
  @Test func itTrains() throws {
    let data = try bars(24)
    for method in [Standard(), PGDAT()] as [any TrainingMethod] {
      let models = try (0..<2).map { _ in
        let model = try Self.noisy(0.2)
        try fit(model, on: data, method: method, plan: TrainingPlan(epochs: 3, batchSize: 8, learningRate: 0.1))
        return model
      }
      #expect(models[0].hasEqualWeights(to: models[1]))
    }
  }

  /// With one answer to each example, or with the same answers to it each time, the interval is Wilson's; with answers
  /// that do not depend on the example it is that of all of them; and it covers what it should.
  @Test func intervals() throws {
    let one = AnswerRate(right: [1, 0, 1, 1, 0, 1, 1, 1], forwards: 1)
    let wilson = Accuracy(correct: 6, n: 8).interval
    #expect(abs(one.interval.low - wilson.low) < 1e-12 && abs(one.interval.high - wilson.high) < 1e-12)
    let same = AnswerRate(right: [20, 0, 20, 20, 0, 20, 20, 20], forwards: 20)
    #expect(same.interval == one.interval && same.brokenInADraw == 2)
    let equal = AnswerRate(right: [10, 10, 10, 10], forwards: 20)
    #expect(equal.interval == Accuracy(correct: 40, n: 80).interval)
    #expect(AnswerRate(right: [], forwards: 20).interval == (0, 1))
    #expect(AnswerRate(right: [5, 5], forwards: 5).interval.high == 1)
    for (low, high) in [(0.0, 1.0), (0.6, 1.0), (0.9, 1.0)] {
      let (runs, truth) = (600, (low + high) / 2)
      var covered = 0
      for run in 0..<runs {
        let stream = RandomStream(seed: 9, purpose: "coverage", run, Int(low * 10))
        let right = (0..<60).map { i in
          let p = low + (high - low) * Double(stream.uniform(at: i))
          let draws = stream.child(i)
          return (0..<10).count { Double(draws.uniform(at: $0)) < p }
        }
        let interval = AnswerRate(right: right, forwards: 10).interval
        if interval.low <= truth, truth <= interval.high { covered += 1 }
      }
      #expect(Double(covered) / Double(runs) > 0.925, "\(low): \(covered)")
    }
  }
}
