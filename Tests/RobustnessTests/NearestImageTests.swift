import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

/// What holds for every attack that looks for the nearest image, and for targets.
@Suite struct NearestImageTests {
  /// Walks from each image along a line of grey, and hands in images in an order that must not matter.
  private struct Walk: Attack {
    static let name = "walk"
    static let page = Page("Makes images brighter.")
    static let settings: [Setting<Walk>] = [.radius(\.eps)]
    var eps: Double?
    var isBackwards = false
    var isMinimal: Bool { true }
    func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
      let steps = (1...20).map { Float($0) / 20 }
      for step in isBackwards ? steps.reversed() : steps {
        try oracle.submit((batch.images * (1 - step) + step), of: batch.all)
      }
    }
  }

  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(48)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 16, learningRate: 0.1))
  }

  @Test func theNearestIsKept() throws {
    var backwards = Walk()
    backwards.isBackwards = true
    let input = AttackInput(images: try data.images, labels: data.labels)
    let found = try Walk().run(on: model, input)
    #expect(try found.isIdentical(to: backwards.run(on: model, input)))
    let predictions = try model(found).argmax(axis: 1).ints()
    let distances = try Norm.linf.distance(found, data.images)
    // A white image has one class: of the other two classes each image must have been broken.
    #expect(zip(predictions, data.labels).count { $0 != $1 } >= 32)
    let evaluation = try evaluate(model, on: data, attacks: [Walk()], eps: 0.5)
    for i in data.labels.indices where evaluation.natural[i] {
      let isBroken = predictions[i] != data.labels[i]
      let distance = try #require(evaluation.attacks[0].distances)[i]
      #expect(isBroken ? distance == Double(distances[i]) : distance == nil)
      #expect(evaluation.robust[i] == !(isBroken && distances[i] <= 0.5))
    }
  }

  /// Images may be handed in for examples in any order.
  @Test func theOrderOfExamplesDoesNotMatter() throws {
    struct Turned: Attack {
      static let name = "turned"
      static let page = Page("Makes images brighter, the last one first.")
      static let settings: [Setting<Turned>] = []
      var eps: Double? { 0.3 }
      func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
        let turned = Array(batch.all.reversed())
        let images = try batch.rows(batch.images, of: turned)
        try oracle.submit((images + 0.3).clip(min: 0, max: 1), of: turned)
      }
    }
    let found = try Turned().run(on: model, AttackInput(images: data.images, labels: data.labels))
    #expect(try found.isIdentical(to: (data.images + 0.3).clip(min: 0, max: 1)))
  }

  /// With a radius, what lies farther away is not handed out.
  @Test func theRadiusIsKept() throws {
    let input = AttackInput(images: try data.images, labels: data.labels, eps: 0.3)
    let found = try Walk().run(on: model, input)
    #expect(largest(found, try data.images) <= 0.3)
    let all = try Walk().run(on: model, AttackInput(images: data.images, labels: data.labels))
    #expect(largest(all, try data.images) > 0.3)
  }

  @Test func targetsAreReached() throws {
    let images = try data.images
    let targets = data.labels.map { ($0 + 1) % 3 }
    let attack = PGD(steps: 40)
    let found = try attack.run(
      on: model, AttackInput(images: images, labels: data.labels, eps: 0.5, targets: targets))
    let predictions = try model(found).argmax(axis: 1).ints()
    #expect(zip(predictions, targets).count { $0 == $1 } >= 40)
    for targets in [[0], data.labels, data.labels.map { _ in 3 }, data.labels.map { _ in -1 }] {
      #expect(throws: CoreError.self) {
        try attack.run(on: model, AttackInput(images: images, labels: data.labels, targets: targets))
      }
    }
    #expect(throws: CoreError.self) {
      try Walk().run(on: model, AttackInput(images: images, labels: data.labels, targets: targets))
    }
  }
}
