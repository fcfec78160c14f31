import Base
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

  func input(eps: Double?, seed: UInt64 = 0) throws -> AttackInput {
    AttackInput(images: try data.images, labels: data.labels, ids: data.ids, seed: seed, eps: eps)
  }

  func loss(_ images: Tensor) throws -> Double {
    try crossEntropy(try model(images), labels: data.labels).item()
  }

  /// Every attack of the list, and what else PGD can be.
  static let attacks: [any Attack] =
    Attacks.all.map { attack in
      if attack == CW.self { return CW(steps: 20, searchSteps: 4, learningRate: 0.1) }
      return attack == APGDT.self ? APGDT(loss: .margin) : attack.init()
    }
    + [PGD(steps: 3, start: .image), PGD(stepSize: 1, steps: 2, restarts: 3), PGD(loss: .klDivergence)]

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

  /// The stated tolerance: max |x' - x| ≤ eps + 1e-6 in float32, for every radius in grey levels.
  @Test func imagesStayInTheBallOfEveryRadius() throws {
    let attacks: [any Attack] = [FGSM(), PGD(steps: 2), PGD(stepSize: 1, steps: 2, start: .normal)]
    for k in 0...255 {
      let eps = Double(k) / 255
      let input = try input(eps: eps)
      for attack in attacks {
        let distance = largest(try attack.run(on: model, input), input.images)
        #expect(Double(distance) <= eps + 1e-6)
      }
    }
  }

  /// An attack that leaves its ball, or the box, is found out.
  @Test(arguments: [Float(0.11), -0.25, 1e-5])
  func leavingTheBallIsAnError(_ step: Float) throws {
    struct Careless: Attack {
      static let name = "careless"
      static let page = Page("Leaves its ball.")
      static let settings: [Setting<Careless>] = []
      var eps: Double? { nil }
      var step: Float = 0
      func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
        try oracle.submit(batch.images + (Float(batch.eps) + step), of: batch.all)
      }
    }
    var careless = Careless()
    careless.step = step
    let images = try Tensor.full([48, 1, 8, 8], 0.5)
    let input = AttackInput(images: images, labels: data.labels, eps: 0.1)
    let error = #expect(throws: CoreError.self) { try careless.run(on: model, input) }
    #expect(error?.message.contains("left its ball") == true)
  }

  @Test func anAttackWithARadiusTakesNoOther() throws {
    let input = try input(eps: nil)
    let adversarial = try FGSM(eps: 0.01).run(on: model, input)
    #expect(largest(adversarial, input.images) <= 0.0101)
  }

  @Test func moreEffortIsNotWeaker() throws {
    let input = try input(eps: 0.1)
    let one = try loss(FGSM().run(on: model, input))
    let ten = try loss(PGD(steps: 10, start: .image).run(on: model, input))
    let forty = try loss(PGD(steps: 40, start: .image).run(on: model, input))
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
      PGD(stepSize: 0), PGD(stepSize: .nan), PGD(start: .image, loss: .klDivergence),
      PGD(start: .image, restarts: 2),
    ]
    for attack in attacks { #expect(throws: CoreError.self) { try attack.run(on: model, good) } }
    var inputs = [good, good, good, good, good]
    inputs[0].labels = [0]
    inputs[1].labels[0] = 3
    inputs[2].labels[0] = -1
    inputs[3].images = try good.images * 2
    inputs[4].images = try Tensor.zeros([48, 1, 4, 4])
    for input in inputs { #expect(throws: CoreError.self) { try FGSM().run(on: model, input) } }
    for other in [FGSM(eps: 0.2), PGD(eps: 0.15)] as [any Attack] {
      let error = #expect(throws: CoreError.self) { try other.run(on: model, good) }
      #expect(error?.argument == "eps")
    }
  }

  /// A NaN has neither class nor sign: nothing is attacked as if it had.
  @Test(arguments: attacks.indices, [Float.nan, .infinity])
  func logitsThatAreNotFiniteAreAnError(_ i: Int, _ value: Float) throws {
    let broken = model.copy()
    try broken.setParameters(broken.parameters.map { try $0 * value })
    let error = #expect(throws: CoreError.self) { try Self.attacks[i].run(on: broken, input(eps: 0.1)) }
    #expect(error?.kind == .numeric)
    #expect(error?.message.contains("48 of 48 images") == true, "\(error?.message ?? "")")
  }

  @Test func equalSettingsAreEqualAttacks() {
    for (i, a) in Self.attacks.enumerated() {
      for (k, b) in Self.attacks.enumerated() { #expect(a.isEqual(to: b) == (i == k)) }
    }
    #expect(!PGD(eps: 8.0 / 255).isEqual(to: PGD(eps: 8.0 / 255 + 1e-12)))
  }

  @Test func noImagesAreNoProblem() throws {
    let none = AttackInput(images: try Tensor.zeros([0, 1, 8, 8]), labels: [])
    #expect(try PGD().run(on: model, none).shape == [0, 1, 8, 8])
  }
}
