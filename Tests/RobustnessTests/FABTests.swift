import Base
import Datasets
import Networks
import Tensors
import Testing

@testable import Robustness

/// FAB looks for the nearest image with a wrong class; runs, targets and radii are those of the official code.
@Suite struct FABTests {
  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(30)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 8, learningRate: 0.1))
  }

  private func search(_ norm: Norm, steps: Int = 20, restarts: Int = 1, nearest: Bool = true) -> BoundarySearch {
    var search = BoundarySearch()
    (search.norm, search.steps, search.restarts, search.nearest) = (norm, steps, restarts, nearest)
    return search
  }

  private func attacks(_ search: BoundarySearch) -> [any Attack] { [FAB(search), FABT(search)] }

  private func verdicts(
    _ attack: any Attack, eps: Double? = nil, seed: UInt64 = 0, of part: [Int]? = nil, targets: [Int]? = nil
  ) throws -> [Verdict] {
    let data = try part.map { try self.data.subset($0) } ?? data
    return try attack.verdicts(
      on: model,
      AttackInput(
        images: data.images, labels: data.labels, ids: part, seed: seed, eps: eps,
        targets: targets.map { targets in part.map { $0.map { targets[$0] } } ?? targets }))
  }

  @Test(arguments: Norm.allCases)
  func imagesAreAdversarialAndAsNearAsTheySay(_ norm: Norm) throws {
    for attack in attacks(search(norm)) {
      let found = try verdicts(attack)
      #expect(found.allSatisfy { $0.brokenBy != nil && $0.margin <= 0 })
      let images = try attack.run(on: model, AttackInput(images: data.images, labels: data.labels))
      let distances = try norm.distance(images, data.images)
      #expect(zip(found, distances).allSatisfy { $0.distance == Double($1) })
      #expect(zip(try model(images).argmax(axis: 1).ints(), data.labels).allSatisfy { $0 != $1 })
      // Nearer than a straight line to an image of another class.
      let straight = try norm.distance(
        data.images, data.images.indexSelect(axis: 0, data.labels.indices.map { $0 ^ 1 }))
      #expect(zip(distances, straight).allSatisfy { $0 < $1 })
    }
  }

  /// Whether an example is left alone as soon as it is broken changes distances and costs, no verdict.
  @Test(arguments: Norm.allCases, [1, 3])
  func verdictsDoNotDependOnNearest(_ norm: Norm, _ restarts: Int) throws {
    let distances = try verdicts(FAB(search(norm, steps: 5))).compactMap(\.distance).sorted()
    let eps = distances[distances.count / 2]
    for index in 0..<2 {
      let all = try verdicts(attacks(search(norm, restarts: restarts))[index], eps: eps)
      let quick = try verdicts(attacks(search(norm, restarts: restarts, nearest: false))[index], eps: eps)
      #expect(all.map { $0.brokenBy != nil } == quick.map { $0.brokenBy != nil })
      #expect(all.contains { $0.brokenBy != nil } && zip(all, quick).contains { $0.gradients > $1.gradients })
      for (a, b) in zip(all, quick) {
        #expect(try #require(a.distance) <= #require(b.distance))
        #expect(a.brokenBy != nil || a == b)
      }
    }
  }

  /// The same bits alone, in sevens, and all together, in any order.
  @Test(arguments: Norm.allCases)
  func batchesDoNotMatter(_ norm: Norm) throws {
    for nearest in [true, false] {
      for attack in attacks(search(norm, steps: 8, restarts: 2, nearest: nearest)) {
        let eps = norm == .linf ? 0.1 : norm == .l2 ? 0.5 : 3
        let whole = try verdicts(attack, eps: eps, seed: 3)
        for size in [1, 7] {
          let parts = stride(from: 0, to: data.count, by: size).map { Array($0..<min($0 + size, data.count)) }
          #expect(try parts.flatMap { try verdicts(attack, eps: eps, seed: 3, of: $0) } == whole)
        }
        let backwards = Array((0..<data.count).reversed())
        #expect(try verdicts(attack, eps: eps, seed: 3, of: backwards) == whole.reversed())
      }
    }
  }

  /// What one target has broken within the radius is not sought with the next; without a radius every one is.
  @Test func brokenExamplesAreLeftOut() throws {
    let one = FABT(search(.linf, steps: 6), classes: 1)
    let two = FABT(search(.linf, steps: 6), classes: 9)
    let eps = 0.5
    for (a, b) in zip(try verdicts(one, eps: eps), try verdicts(two, eps: eps)) where a.brokenBy != nil {
      #expect(a == b)
    }
    // Three classes have two others, however many are asked for.
    #expect(try verdicts(two).allSatisfy { $0.gradients == 12 })
    #expect(try zip(verdicts(one), verdicts(two)).allSatisfy { try #require($0.distance) >= #require($1.distance) })
  }

  @Test func restartsDependOnTheSeedAndNeverHurt() throws {
    let once = try verdicts(FAB(search(.l2, steps: 4)))
    let thrice = try verdicts(FAB(search(.l2, steps: 4, restarts: 3)))
    #expect(try zip(once, thrice).allSatisfy { try #require($0.distance) >= #require($1.distance) })
    #expect(try verdicts(FAB(search(.l2, steps: 4, restarts: 3)), seed: 1) != thrice)
    #expect(!FAB(search(.l2)).isRandom && FAB(search(.l2, restarts: 2)).isRandom)
  }

  /// Given targets, only these count.
  @Test(arguments: Norm.allCases)
  func targetsAreSought(_ norm: Norm) throws {
    let targets = data.labels.map { ($0 + 2) % 3 }
    for attack in attacks(search(norm, steps: 30)) {
      let found = try verdicts(attack, targets: targets)
      #expect(zip(found, targets).allSatisfy { $0.brokenBy == nil || $0.prediction == $1 })
      #expect(found.contains { $0.brokenBy != nil })
    }
    // The nearest of all classes is not much farther: the search may end elsewhere, in L1 far away.
    guard norm != .l1 else { return }
    let free = try verdicts(FAB(search(norm, steps: 60)))
    for (a, b) in zip(free, try verdicts(FAB(search(norm, steps: 60)), targets: targets)) {
      if let far = b.distance { #expect(try #require(a.distance) <= far * 1.25) }
    }
  }

  /// Images that the model does not recognise anyway are left alone.
  @Test func misclassifiedImagesStay() throws {
    let input = AttackInput(images: try data.images, labels: data.labels.map { ($0 + 1) % 3 })
    for attack in attacks(search(.linf)) {
      #expect(try attack.run(on: model, input).isIdentical(to: data.images))
      let found = try attack.verdicts(on: model, input)
      #expect(found.allSatisfy { $0.distance == 0 && $0.brokenBy != nil && $0.gradients == 0 })
    }
  }

  /// A model without a slope has no boundary that could be followed.
  @Test func constantModelsAreNotBroken() throws {
    let flat = model.copy()
    try flat.setParameters(flat.parameters.map { try $0 * 0 })
    let labels = data.labels.map { _ in 0 }
    for norm in Norm.allCases {
      for attack in attacks(search(norm, steps: 3)) {
        let found = try attack.verdicts(on: flat, AttackInput(images: data.images, labels: labels))
        #expect(found.allSatisfy { $0.brokenBy == nil && $0.distance == nil })
      }
    }
  }
}
