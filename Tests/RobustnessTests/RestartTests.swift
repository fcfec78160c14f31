import Datasets
import Networks
import Robustness
import Tensors
import Testing

/// More attack, never more robust: restarts and further attacks break examples, and never mend them.
@Suite struct RestartTests {
  /// Models that are unsure between ten classes: the largest cross-entropy is then often that of an image that is still
  /// classified correctly, while another start has broken it.
  static let cases: [(seed: UInt64, loss: AttackLoss?, start: AttackStart?)] = [
    (1, nil, nil), (2, nil, .normal), (3, .klDivergence, nil), (4, .crossEntropy, .uniform),
    (5, .klDivergence, .normal), (6, nil, nil),
  ]

  let data: Dataset

  init() throws { data = try glyphs(n: 400, test: 0, seed: 3, size: 8).train }

  private func model(_ seed: UInt64) throws -> Model {
    let model = try Model(Architecture(MLP(hidden: [12]), classes: 10, input: [1, 8, 8]), seed: seed)
    try fit(model, on: data, plan: TrainingPlan(epochs: 4, batchSize: 20, learningRate: 0.05, seed: seed))
    return model
  }

  @Test(arguments: cases.indices)
  func robustAccuracyNeverRises(_ i: Int) throws {
    let (seed, loss, start) = Self.cases[i]
    let model = try model(seed)
    func attack(_ restarts: Int) -> PGD { PGD(steps: 1, start: start, restarts: restarts, loss: loss) }
    var standing: [Bool]?
    for restarts in [1, 2, 3, 5, 10] {
      let robust = try evaluate(model, on: data, attacks: [attack(restarts)], eps: 0.05, seed: seed).attacks[0].robust
      if let standing { #expect(zip(standing, robust).allSatisfy { $0 || !$1 }, "\(restarts) restarts mend examples") }
      standing = robust
    }
    let attacks: [any Attack] = [FGSM(), attack(1), attack(3), PGD(steps: 3, start: .image)]
    var robust = [Bool](repeating: true, count: data.count)
    for n in attacks.indices {
      let evaluation = try evaluate(model, on: data, attacks: Array(attacks[...n]), eps: 0.05, seed: n > 0 ? seed : nil)
      #expect(zip(robust, evaluation.robust).allSatisfy { $0 || !$1 }, "\(n + 1) attacks mend examples")
      robust = evaluation.robust
    }
  }

  /// Restart k is the same however many there are: with each further one, an image stays or gets better.
  @Test(arguments: cases.indices)
  func restartsAreNested(_ i: Int) throws {
    let (seed, loss, start) = Self.cases[i]
    let model = try model(seed)
    let input = AttackInput(images: try data.images, labels: data.labels, seed: seed, eps: 0.05)
    func run(_ restarts: Int) throws -> (rows: [[Float]], broken: [Bool], loss: [Float]) {
      let images = try PGD(steps: 2, start: start, restarts: restarts, loss: loss).run(on: model, input)
      let logits = try model(images)
      let (values, size) = (images.floats(), data.imageSize)
      return (
        (0..<data.count).map { Array(values[$0 * size..<($0 + 1) * size]) },
        try correct(logits, data.labels, of: model).map { !$0 },
        try crossEntropy(logits, labels: data.labels, reduction: .none).floats()
      )
    }
    var before = try run(1)
    for restarts in 2...4 {
      let after = try run(restarts)
      for e in 0..<data.count where before.rows[e] != after.rows[e] {
        #expect(!before.broken[e], "example \(e) was broken already")
        #expect(after.broken[e] || after.loss[e] > before.loss[e], "example \(e) got worse")
      }
      before = after
    }
  }

  /// Images are worked on in pieces: no bit depends on how many there are.
  @Test func manyImagesAreSplit() throws {
    let model = try model(1)
    let attack = PGD(steps: 2, restarts: 2)
    let whole = try attack.run(on: model, AttackInput(images: try data.images, labels: data.labels, ids: data.ids))
    for (first, last) in [(0, 250), (250, 400)] {
      let part = try data.batch(Array(first..<last))
      let alone = try attack.run(on: model, AttackInput(images: part.images, labels: part.labels, ids: part.ids))
      #expect(try alone.isIdentical(to: whole.slice(axis: 0, first, last)))
    }
  }
}
