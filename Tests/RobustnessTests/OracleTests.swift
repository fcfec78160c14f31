import Base
import Datasets
import Networks
import Synchronization
import Tensors
import Testing

@testable import Robustness

/// What an attack asks for is counted, what is settled is left out, and other oracles answer in a model's place.
@Suite struct OracleTests {
  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(24)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 8, learningRate: 0.1))
  }

  private func batch(_ eps: Double) throws -> AttackBatch {
    AttackBatch(AttackInput(images: try data.images, labels: data.labels), eps: eps)
  }

  private func verdicts(_ attack: any Attack, eps: Double) throws -> [Verdict] {
    try attack.verdicts(on: model, AttackInput(images: data.images, labels: data.labels, eps: eps))
  }

  @Test func queriesAndGradientsAreCounted() throws {
    // Ten steps, and one look at the result.
    #expect(try verdicts(PGD(), eps: 0).allSatisfy { $0.gradients == 10 && $0.queries == 11 })
    // The divergence needs the clean images as well.
    #expect(try verdicts(PGD(steps: 3, loss: .klDivergence), eps: 0.01).allSatisfy { $0.queries == 5 })
  }

  /// One forward, and as many gradients as there are rounds, each the same as when it is asked for alone.
  @Test func leadsOfManyClassesComeFromOneForward() throws {
    let batch = try batch(0.1)
    let oracle = ModelOracle(model, for: PGD(), batch)
    let rounds = (0..<3).map { k in batch.all.map { _ in k } }
    let leads = try oracle.leads(at: batch.images, of: batch.all, over: rounds)
    #expect(leads.gradients.count == 3)
    #expect(oracle.queries.allSatisfy { $0 == 1 } && oracle.gradients.allSatisfy { $0 == 3 })
    for (targets, gradient) in zip(rounds, leads.gradients) {
      let alone = try oracle.leads(at: batch.images, of: batch.all, over: [targets])
      #expect(alone.gradients[0].isIdentical(to: gradient))
      #expect(alone.logits.isIdentical(to: leads.logits))
      let x = batch.images.tracked()
      let lead = try model(x).gather(axis: 1, targets) - model(x).gather(axis: 1, batch.labels)
      #expect(largest(try gradients(of: lead.sum(), withRespectTo: [x])[0], gradient) <= 1e-5)
    }
  }

  /// A restart costs nothing for an example that an earlier one has broken, and gives the same image with and without it.
  @Test func settledExamplesAreLeftOut() throws {
    let verdicts = try verdicts(PGD(steps: 2, restarts: 4), eps: 0.25)
    let broken = verdicts.filter { $0.brokenBy != nil }
    #expect(!broken.isEmpty && broken.count < verdicts.count, "the test needs both: \(broken.count)")
    for verdict in verdicts {
      let restarts = verdict.brokenBy.map { $0 + 1 } ?? 4
      #expect(verdict.gradients == 2 * restarts)
      #expect(verdict.queries == 3 * restarts)
    }
  }

  @Test func verdictsSayWhatTheModelSaysOfTheImagesKept() throws {
    let attack = PGD(steps: 3, restarts: 3)
    let input = AttackInput(images: try data.images, labels: data.labels, eps: 0.25)
    let images = try attack.run(on: model, input)
    let logits = try model(images)
    let classes = try logits.argmax(axis: 1).ints()
    let margins = try margin(logits, labels: data.labels).floats()
    for (i, verdict) in try attack.verdicts(on: model, input).enumerated() {
      #expect(verdict.id == i && verdict.label == data.labels[i])
      #expect(verdict.prediction == classes[i])
      #expect((verdict.brokenBy != nil) == (classes[i] != data.labels[i]))
      #expect(verdict.margin == Double(margins[i]))
      #expect((verdict.distance ?? 1) <= 0.25 + 1e-6)
    }
  }

  @Test func theFirstImageThatBreaksIsKept() throws {
    let batch = try batch(1)
    let oracle = ModelOracle(model, for: FGSM(), batch)
    let other = try batch.images.flip(axes: [2])
    try oracle.submit(other, of: batch.all)
    let before = try oracle.standing
    #expect(before.count < batch.count)
    try oracle.submit(batch.images, of: batch.all)
    #expect(try oracle.standing == before)
    let kept = try oracle.answer
    let size = data.imageSize
    for i in batch.all where !before.contains(i) {
      #expect(Array(kept.floats()[i * size..<(i + 1) * size]) == Array(other.floats()[i * size..<(i + 1) * size]))
    }
  }

  /// Every example has a row, also one that the attack never handed anything in for.
  @Test func whatIsLeftOutStands() throws {
    struct Lazy: Attack {
      static let name = "lazy"
      static let page = Page("Attacks every third image.")
      static let settings: [Setting<Lazy>] = []
      var eps: Double? { nil }
      func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
        let some = batch.all.filter { $0 % 3 == 1 }
        try oracle.submit(try batch.rows(batch.images, of: some) * 0, of: some)
      }
    }
    let verdicts = try verdicts(Lazy(), eps: 1)
    #expect(verdicts.map(\.id) == Array(0..<data.count))
    let natural = try correct(model(data.images), data.labels, of: model)
    for (i, verdict) in verdicts.enumerated() where i % 3 != 1 {
      #expect((verdict.brokenBy == nil) == natural[i])
      #expect(verdict.distance == 0 && verdict.queries == 1)
    }
    // An evaluation attacks only what is right, so that the indices are those of the examples that stand.
    let robust = try evaluate(model, on: data, attacks: [Lazy()], eps: 1).attacks[0].robust
    for (k, i) in natural.indices.filter({ natural[$0] }).enumerated() where k % 3 != 1 { #expect(robust[i]) }
  }

  @Test func aTargetIsClimbedTo() throws {
    let batch = try batch(0.3)
    let oracle = ModelOracle(model, for: FGSM(), batch)
    let targets = data.labels.map { ($0 + 1) % 3 }
    var x = batch.images
    for _ in 0..<20 {
      let slope = try oracle.gradient(of: .crossEntropy, at: x, of: batch.all, targets: targets)
      x = try Norm.linf.step(x, along: slope, around: batch.images, step: 0.05, eps: 0.3)
    }
    func loss(_ images: Tensor) throws -> Double { try crossEntropy(model(images), labels: targets).item() }
    #expect(try loss(x) < loss(batch.images))
    #expect(throws: CoreError.self) {
      try oracle.gradient(of: .klDivergence, at: x, of: batch.all, targets: targets)
    }
  }

  /// Of a model and itself, a transfer is the attack; of another model, it takes that one's gradients.
  @Test func transferTakesTheGradientsOfTheSurrogate() throws {
    let batch = try batch(0.2)
    let other = try network(seed: 5)
    func images(_ surrogate: Model) throws -> Tensor {
      let target = ModelOracle(model, for: PGD(), batch)
      try PGD(steps: 3).perturb(
        batch, TransferOracle(target: target, surrogate: ModelOracle(surrogate, for: PGD(), batch)))
      return try target.answer
    }
    let input = AttackInput(images: batch.images, labels: batch.labels, eps: 0.2)
    #expect(try images(model).isIdentical(to: PGD(steps: 3).run(on: model, input)))
    #expect(try images(other).isIdentical(to: PGD(steps: 3).run(on: other, input)))
  }

  @Test func expectationsAreMeansOfAnswers() throws {
    let batch = try batch(0.2)
    func random() -> ModelOracle {
      ModelOracle(
        model.copy(), for: PGD(), batch,
        training: ModelOracle.Training(mode: .train, dropout: RandomStream(seed: 3, purpose: "test")))
    }
    let single = random()
    var sum = try single.gradient(of: nil, at: batch.images, of: batch.all)
    for _ in 0..<2 { sum = try sum + single.gradient(of: nil, at: batch.images, of: batch.all) }
    let inner = random()
    let mean = try EOTOracle(inner, passes: 3).gradient(of: nil, at: batch.images, of: batch.all)
    #expect(try mean.isIdentical(to: sum / 3))
    #expect(inner.gradients.allSatisfy { $0 == 3 })
    #expect(throws: CoreError.self) { try EOTOracle(inner, passes: 0) }
    #expect(try !mean.isIdentical(to: random().gradient(of: nil, at: batch.images, of: batch.all)))
  }
}
