import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

/// Random points of the ball.
@Suite struct NoiseTests {
  /// The ball of half the volume holds half of the points, in every norm.
  @Test(arguments: [Norm.linf, .l2, .l1])
  func pointsAreUniformInTheBall(_ norm: Norm) throws {
    let model = try Model(
      Architecture(.custom(.sequential([.flatten, .linear(Linear(3))])), classes: 3, input: [1, 2, 2]))
    let images = try Tensor.full([2000, 1, 2, 2], 0.5)
    let input = AttackInput(images: images, labels: Array(repeating: 0, count: 2000), seed: 5)
    let found = try Noise(eps: 0.3, norm: norm, samples: 1).run(on: model, input)
    let distances = try norm.distance(found, images)
    #expect(distances.allSatisfy { $0 <= 0.3 + 1e-6 })
    let near = distances.count { Double($0) <= 0.3 * 0.5.squareRoot().squareRoot() }
    // Five standard deviations.
    #expect(abs(near - 1000) < 112, "\(near)")
    for value in try found.mean(axes: [0]).floats() { #expect(abs(value - 0.5) < 0.02) }
  }

  /// No result depends on how the examples are cut into batches, and more samples never break fewer.
  @Test(arguments: [Norm.linf, .l2, .l1])
  func anExampleDoesNotKnowItsBatch(_ norm: Norm) throws {
    let data = try bars(24)
    let model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 8, learningRate: 0.1))
    func images(_ size: Int, _ samples: Int) throws -> [Float] {
      try stride(from: 0, to: data.count, by: size).flatMap { first in
        let part = try data.batch(Array(first..<min(first + size, data.count)))
        return try Noise(eps: norm == .linf ? 0.3 : 2, norm: norm, samples: samples).run(
          on: model, AttackInput(images: part.images, labels: part.labels, ids: part.ids, seed: 3)
        ).floats()
      }
    }
    let whole = try images(24, 6)
    for size in [1, 7] { #expect(try images(size, 6) == whole) }
    func broken(_ values: [Float]) throws -> [Bool] {
      try correct(model(Tensor(values, shape: [24, 1, 8, 8])), data.labels, of: model).map { !$0 }
    }
    for (few, many) in zip(try broken(images(24, 2)), try broken(whole)) { #expect(!few || many) }
  }
}
