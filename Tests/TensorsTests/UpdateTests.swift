import Tensors
import TestSupport
import Testing

@Suite struct UpdateTests {
  /// PyTorch's SGD written out for one number.
  @Test(arguments: [(Float(0), Float(0), false), (0.9, 0, false), (0.9, 5e-4, false), (0.9, 5e-4, true)])
  func sgd(momentum: Float, weightDecay: Float, nesterov: Bool) throws {
    let optimiser = SGDUpdate(learningRate: 0.1, momentum: momentum, weightDecay: weightDecay, nesterov: nesterov)
    var weights = try sample([40])
    let before = weights
    var velocity: Tensor?
    var expected = weights.floats()
    var moving = [Float](repeating: 0, count: 40)
    for step in 0..<3 {
      let gradient = try sample([40], "gradient \(step)")
      try optimiser.apply(to: &weights, velocity: &velocity, gradient: gradient)
      for (i, g) in gradient.floats().enumerated() {
        let decayed = g + weightDecay * expected[i]
        moving[i] = momentum * moving[i] + decayed
        expected[i] -= 0.1 * (nesterov ? decayed + momentum * moving[i] : moving[i])
      }
      expectEqual(weights, try Tensor(expected), tolerance: 1e-6)
    }
    #expect((velocity == nil) == (momentum == 0))
    expectEqual(before, try sample([40]), "copies keep the old weights")
    expectError(.shape, containing: "[3]", "[40]") {
      try optimiser.apply(to: &weights, velocity: &velocity, gradient: Tensor.zeros([3]))
    }
  }

  @Test func signStepStaysInBallAndBox() throws {
    let x = try Tensor([0.5, 0.5, 0.5, 0.02, 0.99, 0.5])
    let g = try Tensor([1, -1, 0, -1, 1, .nan])
    let y = try signStep(x, gradient: g, center: x, step: 0.1, eps: 0.03).floats()
    #expect(Array(y[..<5]) == [0.53, 0.47, 0.5, 0, 1])
    let image = try sample([2, 3, 4, 4]).sigmoid()
    let slope = try sample([2, 3, 4, 4], "g")
    let plain = try signStep(image, gradient: slope, center: image, step: 0.01, eps: 0.1)
    let mixed = try signStep(image, gradient: slope.forConvolutions(), center: image, step: 0.01, eps: 0.1)
    #expect(mixed.isIdentical(to: plain))
  }

  @Test func changedWeightsAreSeenByConvolutions() throws {
    let x = try sample([1, 16, 8, 8])
    var w = try sample([16, 16, 3, 3], "w")
    _ = try conv2d(x, w, padding: Padding(1))
    var velocity: Tensor?
    try SGDUpdate(learningRate: 1).apply(to: &w, velocity: &velocity, gradient: sample([16, 16, 3, 3], "g"))
    let fresh = try Tensor(w.floats(), shape: w.shape)
    #expect(try conv2d(x, w, padding: Padding(1)).isIdentical(to: conv2d(x, fresh, padding: Padding(1))))
    try w.assign(starts: [0], stops: [1], .scalar(0))
    #expect(try conv2d(x, w, padding: Padding(1)).slice(axis: 1, 0, 1).abs().max().item() == 0)
  }
}
