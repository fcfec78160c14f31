import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

/// What is each gradient attack's own: that one is a special case of another, what a step in L2 and L1 is, where the
/// starts lie, and which iterates count.
@Suite struct AscentTests {
  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(48)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 16, learningRate: 0.1))
  }

  private func input(eps: Double?, targets: [Int]? = nil) throws -> AttackInput {
    AttackInput(images: try data.images, labels: data.labels, ids: data.ids, eps: eps, targets: targets)
  }

  private func run(_ attack: any Attack, eps: Double? = 0.1, targets: [Int]? = nil) throws -> Tensor {
    try attack.run(on: model, input(eps: eps, targets: targets))
  }

  // MARK: One is another

  @Test func oneStepInLinfIsFGSM() throws {
    #expect(try run(FGM(norm: .linf)).isIdentical(to: run(FGSM())))
    #expect(try run(BIM(steps: 1, stepSize: 0.1)).isIdentical(to: run(FGSM())))
    #expect(try run(PGD(stepSize: 0.1, steps: 1, start: .image)).isIdentical(to: run(FGSM())))
  }

  @Test func fastFGSMIsOneStepOfPGD() throws {
    #expect(try run(RFGSM()).isIdentical(to: run(PGD(stepSize: 0.125, steps: 1))))
    #expect(try run(RFGSM(stepSize: 0.05)).isIdentical(to: run(PGD(stepSize: 0.05, steps: 1))))
  }

  @Test func withoutMomentumItIsBIM() throws {
    let momentum = try run(MIFGSM(steps: 7, decay: 0))
    #expect(try momentum.isIdentical(to: run(BIM(steps: 7, stepSize: 0.1 / 7))))
    #expect(try !run(MIFGSM(steps: 7)).isIdentical(to: momentum))
  }

  /// min(255·eps + 4, 1.25·255·eps) steps, which torchattacks takes for steps=0.
  @Test(arguments: [(8, 10), (4, 5), (16, 20), (76, 80), (255, 259), (0, 1)])
  func bimTakesKurakinsNumberOfSteps(_ levels: Int, _ steps: Int) throws {
    let eps = Double(levels) / 255
    #expect(try run(BIM(), eps: eps).isIdentical(to: run(BIM(steps: steps), eps: eps)))
  }

  @Test(arguments: [PGD.Keep.last, .best])
  func theNormOfPGDIsLinfUnlessItSays(_ keep: PGD.Keep) throws {
    #expect(try run(PGD(steps: 3, keep: keep)).isIdentical(to: run(PGD(steps: 3, norm: .linf, keep: keep))))
    #expect(try !run(PGD(steps: 3, keep: keep)).isIdentical(to: run(PGD(steps: 3, norm: .l2, keep: keep))))
  }

  // MARK: Steps

  /// In L2 the gradient at the length eps, in L1 the value with the largest slope alone, in Linf all values.
  @Test func aStepHasTheLengthOfItsNorm() throws {
    let images = try Tensor.full([3, 1, 8, 8], 0.5)
    for (norm, eps) in [(Norm.linf, 0.1), (.l2, 0.3), (.l1, 0.4)] {
      let input = AttackInput(images: images, labels: [0, 1, 2], eps: eps)
      let change = try FGM(norm: norm).run(on: model, input) - images
      for length in try norm.length(change).floats() { #expect(abs(Double(length) - eps) < 1e-5, "\(norm)") }
      let moved = change.floats().count { $0 != 0 }
      #expect(norm == .l1 ? moved == 3 : moved > 100, "\(norm) moves \(moved) values")
    }
  }

  /// Values with equal slopes share the step in L1, as in cleverhans.
  @Test func equalSlopesShareAStepInL1() throws {
    let slope = try Tensor([3, -3, 1, 0, 3, 0], shape: [1, 1, 2, 3])
    let step = try Norm.l1.steepest(slope).floats()
    #expect(zip(step, [1.0 / 3, -1.0 / 3, 0, 0, 1.0 / 3, 0] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test(arguments: [Norm.linf, .l2, .l1])
  func moreStepsGetFarther(_ norm: Norm) throws {
    let eps = norm.choose(0.1, 0.6, 4)
    func loss(_ attack: any Attack) throws -> Double {
      Double(try crossEntropy(model(run(attack, eps: eps)), labels: data.labels).item())
    }
    let clean = Double(try crossEntropy(model(data.images), labels: data.labels).item())
    let one = try loss(FGM(norm: norm))
    let many = try loss(PGD(steps: 30, start: .image, norm: norm))
    #expect(one > clean, "\(norm)")
    #expect(many > one, "\(norm)")
  }

  /// A radius beyond all images, and a step beyond float32's squares, find no less than those that just reach them.
  @Test(arguments: [Norm.l2, .l1])
  func hugeRadiiAndStepsAreNotWeaker(_ norm: Norm) throws {
    func broken(_ attack: any Attack, _ eps: Double) throws -> Int { try robust(attack, eps: eps).count { !$0 } }
    let expected = try broken(PGD(steps: 10, start: .image, norm: norm), 64)
    #expect(expected > 40)
    for eps in [1e9, 1e30, 3e38] {
      for attack in [
        PGD(steps: 10, norm: norm), PGD(stepSize: 3e38, steps: 10, start: .ball, norm: norm),
        PGD(steps: 10, start: .image, norm: norm, keep: .best), MIFPE(steps: 10, restarts: 2, norm: norm),
      ] as [any Attack] {
        #expect(try broken(attack, eps) >= 16, "\(attack) at \(eps)")
      }
    }
  }

  // MARK: Starts

  @Test(arguments: [Norm.linf, .l2, .l1], [AttackStart.uniform, .ball, .normal, .image, .unclipped])
  func startsLieInTheBall(_ norm: Norm, _ start: AttackStart) throws {
    let images = try Tensor.full([200, 1, 8, 8], 0.5)
    let eps = norm.choose(0.1, 0.4, 2)
    // A step of next to nothing leaves the start.
    let attack = PGD(stepSize: 1e-9, steps: 1, start: start, norm: norm)
    let input = AttackInput(images: images, labels: Array(repeating: 0, count: 200), eps: eps)
    let change = try attack.run(on: model, input) - images
    let lengths = try norm.length(change).floats().map { Double($0) / eps }
    #expect(lengths.allSatisfy { $0 <= 1 + 1e-5 })
    let mean = lengths.reduce(0, +) / 200
    switch (start, norm) {
    case (.image, _): #expect(mean < 1e-3)
    case (.normal, _): #expect(mean > 0 && mean < 0.1)
    // Of 64 values the largest comes near eps.
    case (_, .linf): #expect(mean > 0.95)
    // U(0, 1)·eps, which is not uniform in the ball; U(0, 1)^(1/64)·eps is.
    case (.uniform, _), (.unclipped, _): #expect(abs(mean - 0.5) < 0.08)
    case (.ball, _): #expect(abs(mean - 64.0 / 65) < 0.01)
    }
  }

  /// In L2 and L1 too, another restart has another start, and an example has the same in whatever batch it is.
  @Test(arguments: [Norm.l2, .l1], [AttackStart.uniform, .ball])
  func startsBelongToExamples(_ norm: Norm, _ start: AttackStart) throws {
    let attack = PGD(steps: 2, start: start, restarts: 2, norm: norm)
    let whole = try run(attack, eps: 0.4).floats()
    for places in [[5], [30, 2, 11]] {
      let part = try data.batch(places)
      let alone = try attack.run(
        on: model, AttackInput(images: part.images, labels: part.labels, ids: part.ids, eps: 0.4))
      let expected = places.flatMap { Array(whole[$0 * 64..<($0 + 1) * 64]) }
      #expect(zip(alone.floats(), expected).allSatisfy { abs($0 - $1) < 1e-5 })
    }
    let once = try run(PGD(stepSize: 1e-9, steps: 1, start: start, norm: norm), eps: 0.4)
    let other = AttackInput(images: try data.images, labels: data.labels, ids: data.ids, seed: 1, eps: 0.4)
    #expect(
      try !once.isIdentical(to: PGD(stepSize: 1e-9, steps: 1, start: start, norm: norm).run(on: model, other)))
  }

  // MARK: Which iterates count

  private func robust(_ attack: any Attack, eps: Double, targets: [Int]? = nil) throws -> [Bool] {
    let images = try run(attack, eps: eps, targets: targets)
    let predictions = try model(images).argmax(axis: 1).ints()
    return data.labels.indices.map { i in
      if let targets { return predictions[i] != targets[i] }
      return predictions[i] == data.labels[i]
    }
  }

  /// Steps so long that the last iterate may fall back: what broke an example on the way is not lost.
  @Test(arguments: [Norm.linf, .l2, .l1])
  func whatBrokeOnTheWayCounts(_ norm: Norm) throws {
    let (eps, step) = (norm.choose(0.12, 0.6, 4), norm.choose(0.2, 1.2, 8))
    for restarts in [1, 3] {
      func attack(_ keep: PGD.Keep, _ steps: Int) -> PGD {
        PGD(stepSize: step, steps: steps, restarts: restarts, norm: norm, keep: keep)
      }
      let best = try robust(attack(.best, 9), eps: eps)
      for steps in [1, 2, 9] {
        let last = try robust(attack(.last, steps), eps: eps)
        #expect(zip(best, last).allSatisfy { !$0 || $1 }, "\(norm): \(steps) steps broke what 9 with \"best\" did not")
      }
    }
  }

  @Test func whatIsKeptDoesNotDependOnTheBatch() throws {
    for attack in [PGD(stepSize: 0.1, steps: 6, keep: .best), MIFPE(steps: 6, restarts: 2)] as [any Attack] {
      let whole = try run(attack, eps: 0.1).floats()
      for places in [[4], [47, 1, 20]] {
        let part = try data.batch(places)
        let alone = try attack.run(
          on: model, AttackInput(images: part.images, labels: part.labels, ids: part.ids, eps: 0.1))
        let expected = places.flatMap { Array(whole[$0 * 64..<($0 + 1) * 64]) }
        #expect(zip(alone.floats(), expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(attack)")
      }
    }
  }

  /// In training nothing breaks: of all iterates the one with the largest objective is the image.
  @Test(arguments: [Norm.linf, .l2, .l1])
  func everyNormTrains(_ norm: Norm) throws {
    for keep in [PGD.Keep.last, .best] {
      let trained = try network(seed: 2)
      let eps = norm.choose(0.1, 0.5, 3)
      for (name, method) in [("pgd_at", PGDAT() as any TrainingMethod), ("trades", TRADES())] {
        let report = try fit(
          trained, on: data, method: method, attack: PGD(eps: eps, steps: 3, norm: norm, keep: keep),
          plan: TrainingPlan(epochs: 2, batchSize: 16, learningRate: 0.05))
        #expect(report.epochs.allSatisfy { $0.loss.isFinite }, "\(name) in \(norm)")
      }
    }
  }

  /// The example of the page for contributors: without momentum it is BIM, and its tests come by themselves.
  @Test func theExampleOfThePageWorks() throws {
    var attack = NIFGSM()
    try attack.validate()
    (attack.steps, attack.decay) = (7, 0)
    #expect(try run(attack).isIdentical(to: run(BIM(steps: 7, stepSize: 0.1 / 7))))
    attack.decay = 1
    #expect(try !run(attack).isIdentical(to: run(MIFGSM(steps: 7))))
  }

  // MARK: Targets

  /// With a radius that allows anything, images become what they are to become.
  @Test(arguments: [Norm.linf, .l2, .l1])
  func targetsAreReached(_ norm: Norm) throws {
    let targets = data.labels.map { ($0 + 1) % 3 }
    let eps = norm.choose(1.0, 6, 40)
    for attack in [PGD(steps: 20, norm: norm), PGD(steps: 20, norm: norm, keep: .best), MIFPE(steps: 20, norm: norm)]
      as [any Attack]
    {
      let missed = try robust(attack, eps: eps, targets: targets).count { $0 }
      #expect(missed <= 4, "\(attack): \(missed) of 48 missed")
    }
  }

  @Test func aTargetIsNotJustAnyClass() throws {
    let targets = data.labels.map { ($0 + 2) % 3 }
    for attack in [FGSM(), FGM(), RFGSM(), BIM(), MIFGSM()] as [any Attack] {
      #expect(try !run(attack, targets: targets).isIdentical(to: run(attack)), "\(attack)")
    }
  }

  // MARK: MIFPE

  /// Logits a thousand times as large leave cross-entropy without a gradient; MIFPE finds the same images.
  @Test func theSizeOfLogitsDoesNotMatter() throws {
    let cold = try model.at(temperature: 1e-3)
    let warm = try model.at(temperature: 1e3)
    let attack = MIFPE(steps: 20)
    func broken(_ model: Model, _ attack: any Attack) throws -> Int {
      let images = try attack.run(on: model, input(eps: 0.1))
      return try model(images).argmax(axis: 1).ints().enumerated().count { $0.element != data.labels[$0.offset] }
    }
    let expected = try broken(model, attack)
    #expect(expected > 0)
    #expect(try abs(broken(cold, attack) - expected) <= 1)
    #expect(try abs(broken(warm, attack) - expected) <= 1)
    #expect(try broken(cold, PGD(steps: 20, start: .image)) < expected)
  }

  /// The first start is the image itself, the others are drawn.
  @Test func onlyFurtherStartsAreDrawn() throws {
    #expect(!MIFPE().isRandom && MIFPE(restarts: 2).isRandom)
    let other = AttackInput(images: try data.images, labels: data.labels, ids: data.ids, seed: 9, eps: 0.05)
    let attack = MIFPE(steps: 5)
    #expect(try attack.run(on: model, other).isIdentical(to: run(attack, eps: 0.05)))
  }
}

extension Norm {
  /// The number that belongs to the norm.
  fileprivate func choose(_ linf: Double, _ l2: Double, _ l1: Double) -> Double {
    switch self {
    case .linf: linf
    case .l2: l2
    case .l1: l1
    }
  }
}
