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
    CW(steps: 40, searchSteps: 4, learningRate: 0.05), CW(c: 10, steps: 60, searchSteps: 0, learningRate: 0.1),
    DDN(steps: 40), DDN(steps: 20, levels: nil), DDN(steps: 40, limit: .corner),
    FMN(steps: 40), FMN(norm: .linf, steps: 40), FMN(norm: .l1, steps: 40),
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

  /// Searches of the nearest image in one norm find about the same one, each with local optima of its own.
  @Test func searchesAgree() throws {
    let input = AttackInput(images: try data.images, labels: data.labels)
    func mean(_ attack: any Attack) throws -> Double {
      let lengths = try attack.norm.distance(attack.run(on: model, input), input.images)
      return lengths.reduce(0) { $0 + Double($1) } / Double(lengths.count)
    }
    let cw = try mean(CW(c: 0.1, steps: 500))
    let (ddn, fmn) = (try mean(DDN(steps: 300, levels: nil)), try mean(FMN(steps: 300)))
    #expect(abs(ddn - cw) <= 0.05 * cw && abs(fmn - cw) <= 0.05 * cw, "\(cw), \(ddn), \(fmn)")
    #expect(try mean(DeepFool()) >= 0.99 * cw)
    #expect(try mean(FMN(norm: .linf, steps: 300)) <= mean(DeepFool(norm: .linf)))
  }

  /// Values of exactly 0 and 1 move as others do; with `shrink` 1 they cannot.
  @Test func blackAndWhiteMove() throws {
    let black = try greater(data.images, Tensor.scalar(0.3)).asType(.float32)
    let input = AttackInput(images: black, labels: data.labels)
    let moving = CW(c: 10, steps: 60, searchSteps: 0, learningRate: 0.1)
    var held = moving
    held.shrink = 1
    let (moved, still) = (try moving.run(on: model, input), try held.run(on: model, input))
    #expect(still.isIdentical(to: black))
    let classes = try model(moved).argmax(axis: 1).ints()
    #expect(zip(classes, data.labels).count { $0 != $1 } >= 24)
    #expect(moved.floats().allSatisfy { $0.isFinite && $0 >= 0 && $0 <= 1 })
  }

  @Test func targetsAreReached() throws {
    let targets = data.labels.map { ($0 + 1) % 3 }
    var input = AttackInput(images: try data.images, labels: data.labels)
    input.targets = targets
    for attack in [CW(c: 1, steps: 60, searchSteps: 3, learningRate: 0.05), DDN(), FMN()] as [any Attack] {
      let classes = try model(attack.run(on: model, input)).argmax(axis: 1).ints()
      #expect(zip(classes, targets).count { $0 == $1 } >= 28, "\(attack)")
    }
  }

  @Test func theWrongClassLeadsByTheConfidence() throws {
    let input = AttackInput(images: try data.images, labels: data.labels)
    let attack = CW(c: 1, confidence: 0.5, steps: 60, searchSteps: 3, learningRate: 0.05)
    let found = try attack.run(on: model, input)
    let margins = try margin(model(found), labels: data.labels).floats()
    let before = try margin(model(input.images), labels: data.labels).floats()
    for (now, then) in zip(margins, before) where now < 0 && then >= 0 { #expect(now <= -0.5) }
    #expect(margins.count { $0 <= -0.5 } >= 24)
  }

  @Test func pointsOfDDNCanBeStored() throws {
    let grey = try (data.images * 255).round() / 255
    let found = try DDN(steps: 30).run(on: model, AttackInput(images: grey, labels: data.labels))
    #expect(found.floats().allSatisfy { abs($0 * 255 - ($0 * 255).rounded()) < 1e-3 })
  }

  /// On a sphere far outside of [0, 1] all values end at 0 or 1; the walk back from there finds a near image all the same.
  @Test func theRadiusOfDDNMayBeAnything() throws {
    let input = AttackInput(images: try data.images, labels: data.labels)
    for start in [1e30, 1e-3] {
      let found = try DDN(steps: 1200, initialRadius: start).run(on: model, input)
      #expect(found.floats().allSatisfy { $0 >= 0 && $0 <= 1 })
      let classes = try model(found).argmax(axis: 1).ints()
      #expect(zip(classes, data.labels).count { $0 != $1 } >= 30)
    }
    // Spheres that end at the farthest corner do not begin beyond it.
    let corner = try DDN(steps: 5, initialRadius: 1e30, limit: .corner).run(on: model, input)
    let open = try DDN(steps: 5, initialRadius: 1e30).run(on: model, input)
    #expect(!corner.isIdentical(to: open))
  }

  /// The sum of the steps is kept within the bound, and then lengthened; no fewer are broken that near.
  @Test func aBoundKeepsTheSearchNear() throws {
    let input = AttackInput(images: try data.images, labels: data.labels)
    for norm in [Norm.linf, .l2] {
      let bound = norm == .linf ? 0.1 : 0.5
      let found = try DeepFool(norm: norm, bound: bound).run(on: model, input)
      let near = try norm.distance(found, input.images)
      #expect(near.allSatisfy { Double($0) <= 1.02 * bound + 1e-5 })
      let free = try norm.distance(DeepFool(norm: norm).run(on: model, input), input.images)
      #expect(near.count { $0 > 0 } >= free.count { $0 > 0 && Double($0) <= bound })
    }
    let error = #expect(throws: CoreError.self) {
      try DeepFool(overshootOn: .step, bound: 0.1).run(on: model, input)
    }
    #expect(error?.argument == "bound")
  }

  @Test func otherNormsAreRefused() throws {
    let input = AttackInput(images: try data.images, labels: data.labels)
    var cw = CW()
    cw.norm = .linf
    for attack in [DeepFool(norm: .l1), cw] as [any Attack] {
      let error = #expect(throws: CoreError.self) { try attack.run(on: model, input) }
      #expect(error?.argument == "norm")
    }
  }
}
