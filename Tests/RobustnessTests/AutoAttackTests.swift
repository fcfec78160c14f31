import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

@Suite struct AutoAttackTests {
  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(48)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 16, learningRate: 0.1))
  }

  private static func auto(_ change: (inout AutoAttack) -> Void) -> AutoAttack {
    var attack = AutoAttack()
    change(&attack)
    return attack
  }

  @Test func versionsAreThoseOfTheOriginal() {
    let standard = ["apgd(steps=100)", "apgd_t(steps=100)", "fab_t(steps=100, nearest=false)", "square(queries=5000)"]
    #expect(AutoAttack().stages(classes: 10).map(\.description) == standard)
    let plus = Self.auto { $0.version = .plus }.stages(classes: 10).map(\.description)
    #expect(
      plus == [
        "apgd(steps=100, restarts=5)", "apgd(steps=100, restarts=5, loss=\"dlr\")",
        "fab(steps=100, restarts=5, nearest=false)", standard[3], standard[1], standard[2],
      ])
    let rand = Self.auto { $0.version = .rand }.stages(classes: 10).map(\.description)
    #expect(rand == ["apgd(steps=100, eot=20)", "apgd(steps=100, loss=\"dlr\", eot=20)"])
    let sparse = Self.auto { $0.norm = .l1 }.stages(classes: 10).map(\.description)
    #expect(
      sparse == [
        "apgd(norm=\"l1\", steps=100, restarts=5, large_eps=true)",
        "apgd_t(norm=\"l1\", steps=100, classes=5, large_eps=true)", "fab_t(norm=\"l1\", steps=100, nearest=false)",
        "square(norm=\"l1\", queries=5000)",
      ])
    let fast = Self.auto { $0.order = .fast }.stages(classes: 10).map(\.description)
    #expect(fast == ["mifpe(steps=40)", "apgd_t(steps=100, classes=3, order=\"malt\")"] + standard)
  }

  /// With few classes there are as many targets as there are others, and a loss that needs no more.
  @Test(arguments: [2, 3, 4, 7])
  func fewClasses(_ classes: Int) throws {
    for version in [AutoAttack.Version.standard, .plus, .rand] {
      let stages = Self.auto { $0.version = version }.stages(classes: classes).map(\.description)
      for stage in stages where stage.hasPrefix("apgd_t") {
        #expect(stage.contains("classes=\(classes - 1)"))
        #expect(stage.contains("loss=\"margin\"") == (classes < 4))
      }
      #expect(stages.contains { $0.contains("\"dlr\"") } == (version != .standard && classes >= 3))
    }
  }

  /// A list is the worst case of its attacks, example by example, however the survivors are put together.
  @Test(arguments: [1, 7, 48])
  func aListIsTheWorstCase(_ batch: Int) throws {
    let attacks: [any Attack] = [FGSM(), PGD(steps: 3), Square(queries: 40), FABT(BoundarySearch(), classes: 2)]
    let list = Self.auto { $0.attacks = attacks }
    let single = try evaluate(model, on: data, attacks: attacks, eps: 0.25)
    let together = try evaluate(model, on: data, attacks: [list], eps: 0.25, batch: batch)
    #expect(together.robust == single.robust)
    #expect(together.attacks.count == 4)
    // The accuracies are cumulative.
    var flags = single.natural
    for (outcome, one) in zip(together.attacks, single.attacks) {
      flags = zip(flags, one.robust).map { $0 && $1 }
      #expect(outcome.robust == flags)
    }
    let images = try list.run(
      on: model, AttackInput(images: data.images, labels: data.labels, ids: data.ids, eps: 0.25))
    #expect(largest(images, try data.images) <= 0.25 + 1e-6)
    let right = zip(try model(images).argmax(axis: 1).ints(), data.labels).map { $0 == $1 }
    #expect(right == together.robust)
  }

  @Test func theFullSetFindsWhatItsPartsFind() throws {
    let full = try evaluate(model, on: data, attacks: [AutoAttack()], eps: 0.2)
    #expect(full.warnings.contains { $0.contains("3 classes") })
    let fast = try evaluate(model, on: data, attacks: [Self.auto { $0.order = .fast }], eps: 0.2)
    #expect(full.robust == fast.robust)
    #expect(full.attacks.allSatisfy { $0.accuracy.correct >= full.worstCase.correct })
  }

  /// In compatible mode numbers are drawn in the order of the original: the same twice, and another seed has others.
  @Test func compatibleNumbersAreTheGenerators() throws {
    let start = PGD(steps: 1)
    func images(_ seed: UInt64, _ compat: AutoAttack.Compatibility?) throws -> Tensor {
      let list = Self.auto { ($0.attacks, $0.compat, $0.seed) = ([start], compat, seed) }
      return try list.run(on: model, AttackInput(images: data.images, labels: data.labels, eps: 0.1))
    }
    #expect(try images(0, .autoAttack).isIdentical(to: images(0, .autoAttack)))
    #expect(try !images(0, .autoAttack).isIdentical(to: images(1, .autoAttack)))
    #expect(try !images(0, .autoAttack).isIdentical(to: images(0, nil)))
    var generator = TorchGenerator(seed: 0)
    let draws = try Tensor(generator.uniform(48 * 64, from: -0.1, to: 0.1), shape: [48, 1, 8, 8])
    var input = AttackInput(images: try data.images, labels: data.labels, eps: 0.1)
    input.random = Given(draws)
    #expect(try images(0, .autoAttack).isIdentical(to: start.run(on: model, input)))
  }

  private struct Given: AttackRandom {
    let numbers: Tensor
    init(_ numbers: Tensor) { self.numbers = numbers }
    func uniform(_ low: Float, _ high: Float, like images: Tensor, ids: [Int], draw: Int) throws(CoreError) -> Tensor {
      numbers
    }
    func normal(deviation: Float, like images: Tensor, ids: [Int], draw: Int) throws(CoreError) -> Tensor { numbers }
  }

  @Test func contradictionsAreErrors() {
    let wrong = [
      Self.auto { ($0.attacks, $0.version) = ([FGSM()], .standard) },
      Self.auto { ($0.attacks, $0.order) = ([FGSM()], .fast) },
      Self.auto { ($0.order, $0.compat) = (.fast, .autoAttack) },
      Self.auto { $0.attacks = [APGD(norm: .l2), FGSM()] },
      Self.auto { ($0.norm, $0.attacks) = (.l2, [FGSM()]) },
      Self.auto { ($0.eps, $0.attacks) = (0.1, [FGSM(eps: 0.2)]) },
      Self.auto { $0.attacks = [PGD(steps: 0)] },
    ]
    for attack in wrong {
      #expect(throws: CoreError.self) { try attack.validate() }
    }
    // Two seeds: one would not be used.
    #expect(throws: CoreError.self) {
      _ = try evaluate(model, on: data, attacks: [Self.auto { $0.seed = 1 }], eps: 0.1, seed: 2)
    }
  }
}
