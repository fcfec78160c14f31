import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

@Suite struct EvaluationTests {
  @Test func accuraciesFitTogether() throws {
    let data = try bars(60)
    let model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 5, batchSize: 20, learningRate: 0.1))
    let test = try bars(50, seed: 1)
    let attacks: [any Attack] = [FGSM(), PGD(steps: 5), FGSM(eps: 0), FGSM(eps: 1)]
    let evaluation = try evaluate(model, on: test, attacks: attacks, eps: 0.15, batch: 7)
    #expect(evaluation.n == 50)
    #expect(evaluation.attacks.map(\.eps) == [0.15, 0.15, 0, 1])
    #expect(evaluation.attacks[2].robust == evaluation.natural)
    #expect(evaluation.naturalAccuracy.value > 0.9)
    #expect(evaluation.attacks[3].accuracy.value < evaluation.naturalAccuracy.value)
    for (i, robust) in evaluation.robust.enumerated() {
      #expect(robust == (evaluation.natural[i] && evaluation.attacks.allSatisfy { $0.robust[i] }))
    }
    #expect(evaluation.worstCase.correct <= evaluation.attacks.map(\.accuracy.correct).min() ?? 0)
    #expect(evaluation.attacks.map(\.attack) == ["fgsm()", "pgd(steps=5)", "fgsm(eps=0)", "fgsm(eps=1)"])

    for label in 0..<3 {
      let part = evaluation.only(label)
      #expect(part.n == test.labels.count { $0 == label })
      #expect(part.natural == zip(evaluation.natural, test.labels).filter { $1 == label }.map(\.0))
    }
    #expect((0..<3).map { evaluation.only($0).worstCase.correct }.reduce(0, +) == evaluation.worstCase.correct)

    let other = try evaluate(model, on: test, attacks: attacks, eps: 0.15, batch: 50)
    #expect(other.natural == evaluation.natural)
    #expect(zip(other.robust, evaluation.robust).count { $0 != $1 } <= 1)
  }

  @Test func equalAttacksAreTwoRows() throws {
    let evaluation = try evaluate(
      network(), on: bars(9), attacks: [PGD(steps: 2), FGSM(), PGD(steps: 2), PGD(steps: 2)])
    #expect(evaluation.attacks.map(\.attack) == ["pgd(steps=2)", "fgsm()", "pgd(steps=2) #2", "pgd(steps=2) #3"])
  }

  /// The error says of how many images the logits are not finite, and which is the first.
  @Test func aFewImagesWithoutLogitsAreCounted() throws {
    // Large weights overflow where two bright pixels meet.
    let model = try Model(Architecture(MLP(hidden: []), classes: 3, input: [1, 8, 8]))
    var weights = [Float](repeating: 0, count: 3 * 64)
    weights[0] = 3e38
    weights[1] = 3e38
    try model.setParameters([Tensor(weights, shape: [3, 64]), model.parameters[1]])
    var pixels = [Float](repeating: 0, count: 20 * 64)
    for i in [7, 11, 12] { (pixels[i * 64], pixels[i * 64 + 1]) = (1, 1) }
    let data = try Dataset(images: Tensor(pixels, shape: [20, 1, 8, 8]), labels: (0..<20).map { $0 % 3 })
    for batch in [1, 8, 250] {
      let error = #expect(throws: CoreError.self) { try evaluate(model, on: data, batch: batch) }
      #expect(error?.message.contains("not finite for 3 of 20 images, first for image 7") == true)
    }
    let input = AttackInput(images: try data.images, labels: data.labels)
    let error = #expect(throws: CoreError.self) { try FGSM().run(on: model, input) }
    #expect(error?.message.contains("not finite for 3 of 20 images, first for image 7") == true)
  }

  /// What no attack would use is refused.
  @Test func unusedSettingsAreErrors() throws {
    let (model, data) = (try network(), try bars(6))
    func argument(_ body: () throws -> Evaluation) -> String? {
      #expect(throws: CoreError.self) { _ = try body() }?.argument
    }
    #expect(argument { try evaluate(model, on: data, eps: 0.1) } == "eps")
    #expect(argument { try evaluate(model, on: data, attacks: [FGSM(eps: 0.1)], eps: 0.2) } == "eps")
    #expect(argument { try evaluate(model, on: data, seed: 1) } == "seed")
    #expect(argument { try evaluate(model, on: data, attacks: [FGSM(), PGD(start: .image)], seed: 1) } == "seed")
    #expect(try evaluate(model, on: data, attacks: [FGSM(), PGD(eps: 0.1)], eps: 0.2, seed: 1).attacks.count == 2)
  }

  /// Values of R's `binom::binom.wilson`.
  @Test func wilsonIntervals() {
    let half = Accuracy(correct: 50, n: 100).interval
    #expect(abs(half.low - 0.4038315) < 1e-6 && abs(half.high - 0.5961685) < 1e-6)
    let none = Accuracy(correct: 0, n: 10).interval
    #expect(none.low == 0 && abs(none.high - 0.2775328) < 1e-6)
    let all = Accuracy(correct: 10, n: 10).interval
    #expect(abs(all.low - 0.7224672) < 1e-6 && all.high == 1)
    #expect(Accuracy(correct: 0, n: 0).interval == (0, 1))
  }

  @Test func impossibleSettingsAreErrors() throws {
    let (model, data) = (try network(), try bars(6))
    #expect(throws: CoreError.self) { try evaluate(model, on: data, batch: 0) }
    #expect(throws: CoreError.self) { try evaluate(model, on: data, eps: -1) }
    #expect(throws: CoreError.self) { try evaluate(model, on: data, attacks: [PGD(steps: 0)]) }
    #expect(throws: CoreError.self) { try evaluate(model, on: data.take(0)) }
    let other = try Model(Architecture(MLP(hidden: []), classes: 3, input: [3, 8, 8]))
    #expect(throws: CoreError.self) { try evaluate(other, on: data) }
  }
}
