import Base
import Datasets
import Devices
import Networks
import Tensors
import Testing

@testable import Robustness

/// The Square attack beyond what every attack is held to.
@Suite struct SquareTests {
  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(24)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 8, learningRate: 0.1))
  }

  static let norms: [(Norm, eps: Double)] = [(.linf, 0.15), (.l2, 0.8), (.l1, 4)]

  /// No result depends on how the examples are cut into batches.
  @Test(arguments: norms)
  func anExampleDoesNotKnowItsBatch(_ norm: Norm, _ eps: Double) throws {
    let square = Square(eps: eps, norm: norm, queries: 60, restarts: 2)
    let whole = try data.batch(Array(0..<data.count))
    func verdicts(_ size: Int) throws -> [Verdict] {
      try stride(from: 0, to: data.count, by: size).flatMap { first in
        let part = try data.batch(Array(first..<min(first + size, data.count)))
        return try square.verdicts(
          on: model, AttackInput(images: part.images, labels: part.labels, ids: part.ids, seed: 3))
      }
    }
    let all = try verdicts(whole.labels.count)
    let broken = all.count { $0.brokenBy != nil }
    #expect(broken > 0 && broken < all.count, "the test needs both: \(broken)")
    for size in [1, 7] {
      for (one, other) in zip(try verdicts(size), all) {
        #expect(one.brokenBy == other.brokenBy && one.queries == other.queries && one.prediction == other.prediction)
        #expect(abs(one.margin - other.margin) <= 1e-4)
      }
    }
  }

  /// What is broken stays broken with more queries and more restarts, and costs no more.
  @Test func moreQueriesNeverBreakFewer() throws {
    let input = AttackInput(images: try data.images, labels: data.labels, seed: 1)
    let few = try Square(eps: 0.12, queries: 3).verdicts(on: model, input)
    let many = try Square(eps: 0.12, queries: 200).verdicts(on: model, input)
    let often = try Square(eps: 0.12, queries: 3, restarts: 3).verdicts(on: model, input)
    for (i, verdict) in few.enumerated() where verdict.brokenBy != nil {
      #expect(many[i] == verdict)
      #expect(often[i] == verdict)
    }
    #expect(many.count { $0.brokenBy != nil } > few.count { $0.brokenBy != nil })
    // The start, three squares, and the look at the result.
    #expect(few.allSatisfy { $0.brokenBy != nil || $0.queries == 5 })
    #expect(few.allSatisfy { $0.gradients == 0 })
  }

  /// With targets an example is broken when the model sees its target.
  @Test(arguments: norms)
  func targetsAreReached(_ norm: Norm, _ eps: Double) throws {
    let targets = data.labels.map { ($0 + 1) % 3 }
    var input = AttackInput(images: try data.images, labels: data.labels)
    input.targets = targets
    let square = Square(eps: 3 * eps, norm: norm, queries: 300)
    let verdicts = try square.verdicts(on: model, input)
    #expect(verdicts.contains { $0.brokenBy != nil })
    for (verdict, target) in zip(verdicts, targets) {
      #expect((verdict.brokenBy != nil) == (verdict.prediction == target))
      #expect((verdict.distance ?? 100) <= 3 * eps + norm.tolerance(of: 3 * eps, values: 64))
    }
  }

  /// Answers nothing but logits, of whole images.
  private final class BlackBox: Oracle {
    let inner: ModelOracle
    init(_ inner: ModelOracle) { self.inner = inner }
    var classes: Int { inner.classes }
    var standing: [Int] { get throws { try inner.standing } }
    func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor {
      #expect(!x.isTracked)
      return try inner.logits(x, of: examples)
    }
    func slope(of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?) throws -> Slope {
      throw CoreError(.value, "a gradient was asked for")
    }
    func leads(
      at x: Tensor, of examples: [Int], over rounds: [[Int]]
    ) throws -> (logits: Tensor, gradients: [Tensor]) {
      throw CoreError(.value, "a gradient was asked for")
    }
    func submit(_ x: Tensor, of examples: [Int]) throws { try inner.submit(x, of: examples) }
    func countKnown(of examples: [Int]) { inner.countKnown(of: examples) }
  }

  /// A search that remembers what the network makes of the best images finds the same, bit for bit, and counts the same
  /// queries.
  @Test func whatIsRememberedChangesNothing() throws {
    let model = try Model(Architecture(MNISTNet(), classes: 10, input: [1, 28, 28]), seed: 4)
    let images = try Tensor.uniform([12, 1, 28, 28], stream: RandomStream(seed: 1, purpose: "images"))
    // Squares of four pixels and less, where the network looks at patches.
    let square = Square(eps: 0.03, queries: 400, p: 0.02, restarts: 2, rescales: true)
    let labels = try model(images).argmax(axis: 1).ints()
    let batch = AttackBatch(AttackInput(images: images, labels: labels, seed: 2), eps: 0.03)
    let oracle = ModelOracle(model, for: square, batch)
    #expect(try oracle.remembering(images, side: 4) != nil)
    try square.perturb(batch, oracle)
    let whole = BlackBox(ModelOracle(model, for: square, batch))
    try square.perturb(batch, whole)
    let part = PartOracle(ModelOracle(model, for: square, batch), of: batch.all)
    try square.perturb(batch, part)
    #expect(try oracle.answer.isIdentical(to: whole.inner.answer))
    #expect(oracle.queries == whole.inner.queries)
    #expect(try oracle.standing == whole.standing && oracle.standing == part.standing)
    let broken = try batch.count - oracle.standing.count
    #expect(broken > 0 && broken < batch.count, "the test needs both: \(broken)")
  }

  /// An oracle that answers nothing but logits is enough.
  @Test(arguments: norms)
  func noGradientIsAskedFor(_ norm: Norm, _ eps: Double) throws {
    let square = Square(eps: eps, norm: norm, queries: 20, restarts: 2)
    let batch = AttackBatch(AttackInput(images: try data.images, labels: data.labels), eps: eps)
    let oracle = BlackBox(ModelOracle(model, for: square, batch))
    try square.perturb(batch, oracle)
    #expect(oracle.inner.gradients.allSatisfy { $0 == 0 })
    #expect(try oracle.standing.count < data.count)
  }

  /// Images of every shape, in ball and box.
  @Test(arguments: norms, [[1, 1, 1], [3, 1, 1], [1, 5, 9], [3, 9, 4], [2, 12, 30], [1, 6, 6], [4, 2, 1]])
  func imagesOfEveryShape(_ norm: (Norm, eps: Double), _ shape: [Int]) throws {
    let small = try Model(Architecture(.custom(.sequential([.flatten, .linear(Linear(3))])), classes: 3, input: shape))
    let images = try Tensor.uniform([5] + shape, stream: RandomStream(seed: 1, purpose: "shapes"))
    for random in [nil, ReferenceOrderRandom(seed: 4)] as [(any AttackRandom)?] {
      var input = AttackInput(images: images, labels: [0, 1, 2, 0, 1])
      input.random = random
      // The oracle checks ball and box.
      let found = try Square(eps: norm.eps, norm: norm.0, queries: 40).run(on: small, input)
      #expect(found.shape == images.shape)
    }
  }

  /// Sides are those of Python: halves are rounded to even, and the squares shrink over the queries where that is asked
  /// for.
  @Test func sidesOfSquares() {
    let square = Square()
    #expect(square.side(at: 0, height: 28, width: 28, least: 1) == 25)
    #expect(square.side(at: 11, height: 28, width: 28, least: 1) == 18)
    #expect(square.side(at: 4999, height: 28, width: 28, least: 1) == 2)
    #expect(square.side(at: 4999, height: 4, width: 4, least: 1) == 1)
    #expect(Square(p: 1).side(at: 0, height: 1, width: 1, least: 3) == 3)
    // √6.25 = 2.5 and √12.25 = 3.5.
    #expect(Square(p: 0.0625).side(at: 0, height: 10, width: 10, least: 1) == 2)
    #expect(Square(p: 0.1225).side(at: 0, height: 10, width: 10, least: 1) == 4)
    let rescaled = Square(queries: 100, rescales: true)
    #expect(rescaled.share(at: 0) == 0.8 && rescaled.share(at: 1) == 0.2 && rescaled.share(at: 99) == 0.8 / 512)
  }

  /// A query reads one margin of each example and whether logits are finite, and no image.
  @Test func aQueryReadsMargins() throws {
    let reads = try HostReads.counting {
      _ = try Square(eps: 0.1, queries: 3).run(
        on: model, AttackInput(images: data.images, labels: data.labels))
    }
    #expect(reads.allSatisfy { $0 <= 4 * data.count })
    // The bounds of the images, four looks, and the bounds of what was found.
    #expect(reads.count <= 1 + 2 * 4 + 1)
  }
}
