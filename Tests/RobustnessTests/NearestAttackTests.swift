import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

/// Attacks that look for the nearest image: what they say of a distance is true, and depends on the example alone.
@Suite struct NearestAttackTests {
  static let attacks: [any Attack] = [
    DeepFool(), DeepFool(norm: .linf), DeepFool(overshootOn: .step), DeepFool(candidates: 1),
  ]

  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(32)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 16, learningRate: 0.1))
  }

  private func distances(_ attack: any Attack, batch: Int) throws -> [Double?] {
    let found = try evaluate(model, on: data, attacks: [attack], eps: attack.norm == .l1 ? 12 : 0.9, batch: batch)
    return try #require(found.attacks[0].distances)
  }

  /// Nearly every image of this small network has a neighbour that it takes for something else.
  @Test(arguments: attacks.indices)
  func theyFindOne(_ i: Int) throws {
    let found = try distances(Self.attacks[i], batch: 32)
    #expect(found.count { $0 != nil } >= 30)
  }

  @Test(arguments: attacks.indices)
  func distancesAreThoseOfTheImages(_ i: Int) throws {
    let attack = Self.attacks[i]
    let images = try data.images
    let found = try attack.run(on: model, AttackInput(images: images, labels: data.labels))
    let classes = try model(found).argmax(axis: 1).ints()
    let lengths = try attack.norm.distance(found, images)
    for (i, distance) in try distances(attack, batch: 32).enumerated() {
      #expect((distance != nil) == (classes[i] != data.labels[i]))
      if let distance { #expect(abs(distance - Double(lengths[i])) <= 1e-6) }
    }
    #expect(found.floats().allSatisfy { $0 >= 0 && $0 <= 1 })
  }

  @Test(arguments: attacks.indices)
  func resultsDependOnTheExampleAlone(_ i: Int) throws {
    let threads = Compute.threads
    defer { Compute.threads = threads }
    let whole = try distances(Self.attacks[i], batch: 32)
    for batch in [1, 7] {
      Compute.threads = batch == 1 ? 1 : 2
      #expect(try distances(Self.attacks[i], batch: batch) == whole)
    }
  }

  /// Without a slope there is no way: nothing is found, and nothing is made up.
  @Test(arguments: attacks.indices)
  func aConstantModelHasNoNearestImage(_ i: Int) throws {
    let constant = model.copy()
    try constant.setParameters(constant.parameters.map { try $0 * 0 })
    let first = try data.subset(data.labels.indices.filter { data.labels[$0] == 0 })
    let found = try evaluate(constant, on: first, attacks: [Self.attacks[i]], eps: 0.9)
    #expect(found.worstCase.value == 1)
    #expect(found.attacks[0].distances?.allSatisfy { $0 == nil } == true)
    let input = AttackInput(images: try first.images, labels: first.labels)
    #expect(try Self.attacks[i].run(on: constant, input).isIdentical(to: input.images))
    // What it gets wrong as it is needs no way.
    let second = try data.subset(data.labels.indices.filter { data.labels[$0] == 1 })
    let wrong = AttackInput(images: try second.images, labels: second.labels)
    #expect(try Self.attacks[i].run(on: constant, wrong).isIdentical(to: wrong.images))
  }

  @Test func theRadiusSaysOnlyWhatCountsAsBroken() throws {
    for attack in Self.attacks {
      let near = try evaluate(model, on: data, attacks: [attack], eps: 0.05).attacks[0]
      let far = try evaluate(model, on: data, attacks: [attack], eps: 0.9).attacks[0]
      #expect(near.distances == far.distances)
      let distances = try #require(near.distances)
      #expect(near.robust == distances.map { ($0 ?? 1) > 0.05 })
    }
  }

  /// A network of more classes than are tried, and one of two.
  @Test func candidatesAreThoseWithTheLargestLogits() throws {
    let one = try distances(DeepFool(candidates: 1), batch: 32)
    let all = try distances(DeepFool(candidates: 2), batch: 32)
    #expect(one != all)
    let best = zip(one, all).count { ($0 ?? 9) >= ($1 ?? 9) - 1e-3 }
    #expect(best >= 28, "the nearest of all boundaries is rarely farther: \(best)")
  }

  @Test func otherNormsAreRefused() throws {
    let input = AttackInput(images: try data.images, labels: data.labels)
    for attack in [DeepFool(norm: .l1)] as [any Attack] {
      let error = #expect(throws: CoreError.self) { try attack.run(on: model, input) }
      #expect(error?.argument == "norm")
    }
  }
}
