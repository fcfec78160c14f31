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

    let other = try evaluate(model, on: test, attacks: attacks, eps: 0.15, batch: 50)
    #expect(other.natural == evaluation.natural)
    #expect(zip(other.robust, evaluation.robust).count { $0 != $1 } <= 1)
  }

  /// Values of R's `binom::binom.wilson`.
  @Test func wilsonIntervals() {
    let half = Accuracy(correct: 50, n: 100).interval
    #expect(abs(half.low - 0.4038315) < 1e-6 && abs(half.high - 0.5961685) < 1e-6)
    let none = Accuracy(correct: 0, n: 10).interval
    #expect(none.low < 1e-12 && abs(none.high - 0.2775328) < 1e-6)
    let all = Accuracy(correct: 10, n: 10).interval
    #expect(abs(all.low - 0.7224672) < 1e-6 && all.high > 1 - 1e-12)
    #expect(Accuracy(correct: 0, n: 0).interval == (0, 1))
  }

  @Test func impossibleSettingsAreErrors() throws {
    let (model, data) = (try network(), try bars(6))
    #expect(throws: CoreError.self) { try evaluate(model, on: data, batch: 0) }
    #expect(throws: CoreError.self) { try evaluate(model, on: data, eps: -1) }
    #expect(throws: CoreError.self) { try evaluate(model, on: data, attacks: [PGD(steps: 0)]) }
    #expect(throws: CoreError.self) { try evaluate(model, on: data.take(0)) }
    let other = try Model(Architecture(.mlp(hidden: []), classes: 3, input: [3, 8, 8]))
    #expect(throws: CoreError.self) { try evaluate(other, on: data) }
  }
}
