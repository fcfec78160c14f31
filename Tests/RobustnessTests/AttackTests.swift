import Datasets
import Networks
import Robustness
import Tensors
import Testing

@Suite struct AttackTests {
  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(48)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 16, learningRate: 0.1))
  }

  func input(eps: Double, seed: UInt64 = 0) throws -> AttackInput {
    AttackInput(images: try data.images, labels: data.labels, ids: data.ids, seed: seed, eps: eps)
  }

  func loss(_ images: Tensor) throws -> Double {
    try crossEntropy(try model(images), labels: data.labels).item()
  }

  static let attacks: [any Attack] = [
    FGSM(), PGD(), PGD(steps: 3, randomStart: false), PGD(stepSize: 1, steps: 2, restarts: 3),
    PGD(objective: .klDivergence),
  ]

  @Test(arguments: attacks.indices)
  func noRadiusChangesNothing(_ i: Int) throws {
    let input = try input(eps: 0)
    #expect(try Self.attacks[i].run(on: model, input).isIdentical(to: input.images))
  }

  @Test(arguments: attacks.indices)
  func temperatureOneIsTheModelItself(_ i: Int) throws {
    let input = try input(eps: 0.1)
    let view = try model.at(temperature: 1)
    #expect(try Self.attacks[i].run(on: view, input).isIdentical(to: Self.attacks[i].run(on: model, input)))
  }

  @Test(arguments: attacks.indices)
  func imagesStayInBallAndBox(_ i: Int) throws {
    let input = try input(eps: 0.3)
    let adversarial = try Self.attacks[i].run(on: model, input)
    #expect(largest(adversarial, input.images) <= 0.3 * (1 + 1e-6))
    #expect(adversarial.floats().allSatisfy { $0 >= 0 && $0 <= 1 })
    #expect(try loss(adversarial) > loss(input.images))
  }

  @Test func anAttackPrefersItsOwnRadius() throws {
    let input = try input(eps: 0.3)
    let adversarial = try FGSM(eps: 0.01).run(on: model, input)
    #expect(largest(adversarial, input.images) <= 0.0101)
  }

  @Test func moreEffortIsNotWeaker() throws {
    let input = try input(eps: 0.1)
    let one = try loss(FGSM().run(on: model, input))
    let ten = try loss(PGD(steps: 10, randomStart: false).run(on: model, input))
    let forty = try loss(PGD(steps: 40, randomStart: false).run(on: model, input))
    #expect(ten >= one - 1e-4)
    #expect(forty >= ten - 1e-3)
    let once = try loss(PGD(steps: 3).run(on: model, input))
    let often = try loss(PGD(steps: 3, restarts: 4).run(on: model, input))
    #expect(often >= once - 1e-6)
  }

  /// An example is changed in the same way whatever batch it is in.
  @Test func resultsDoNotDependOnTheBatch() throws {
    let attack = PGD(steps: 5, restarts: 2)
    let whole = try attack.run(on: model, try input(eps: 0.1))
    for places in [[3], [40, 3, 17]] {
      let part = try data.batch(places)
      let alone = try attack.run(
        on: model, AttackInput(images: part.images, labels: part.labels, ids: part.ids, eps: 0.1))
      let expected = places.flatMap { place in Array(whole.floats()[place * 64..<(place + 1) * 64]) }
      let same = zip(alone.floats(), expected).count { abs($0 - $1) <= 1e-6 }
      #expect(Double(same) >= 0.99 * Double(expected.count))
    }
  }

  @Test func resultsDependOnSeedOnly() throws {
    let threads = Compute.threads
    defer { Compute.threads = threads }
    Compute.threads = 1
    let one = try PGD(steps: 3).run(on: model, try input(eps: 0.1))
    Compute.threads = 2
    let two = try PGD(steps: 3).run(on: model, try input(eps: 0.1))
    #expect(one.isIdentical(to: two))
    #expect(try !one.isIdentical(to: PGD(steps: 3).run(on: model, try input(eps: 0.1, seed: 1))))
  }

  @Test func attackingChangesNoWeight() throws {
    let before = model.copy()
    _ = try PGD().run(on: model, try input(eps: 0.1))
    #expect(model.hasEqualWeights(to: before))
  }

  @Test func impossibleSettingsAreErrors() throws {
    let good = try input(eps: 0.1)
    let attacks: [any Attack] = [
      FGSM(eps: -1), FGSM(eps: .nan), PGD(eps: .infinity), PGD(steps: 0), PGD(steps: -3), PGD(restarts: 0),
      PGD(stepSize: 0), PGD(stepSize: .nan), PGD(randomStart: false, objective: .klDivergence),
    ]
    for attack in attacks { #expect(throws: CoreError.self) { try attack.run(on: model, good) } }
    var inputs = [good, good, good, good, good]
    inputs[0].labels = [0]
    inputs[1].labels[0] = 3
    inputs[2].labels[0] = -1
    inputs[3].images = try good.images * 2
    inputs[4].images = try Tensor.zeros([48, 1, 4, 4])
    for input in inputs { #expect(throws: CoreError.self) { try FGSM().run(on: model, input) } }
    let broken = model.copy()
    try broken.setParameters(broken.parameters.map { try $0 * Float.nan })
    #expect(throws: CoreError.self) { try PGD().run(on: broken, good) }
  }

  @Test func noImagesAreNoProblem() throws {
    let none = AttackInput(images: try Tensor.zeros([0, 1, 8, 8]), labels: [])
    #expect(try PGD().run(on: model, none).shape == [0, 1, 8, 8])
  }
}
