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

  /// Three steps of torch.optim.Adam (lr 0.1, betas 0.8 and 0.95, weight decay 0.01) and AdamW (weight decay 0.05), by
  /// PyTorch 2.13.
  @Test(arguments: [
    (
      false,
      [
        [0.90000004, -1.89999998, 2.90000010, 0.40000021], [0.95797873, -1.86784720, 2.80313349, 0.32211295],
        [0.98964417, -1.90740836, 2.82096267, 0.27983880],
      ] as [[Float]]
    ),
    (
      true,
      [
        [0.89499998, -1.88999999, 2.88500023, 0.49750000], [0.94647533, -1.85391629, 2.77354002, 0.42059880],
        [0.97698343, -1.88358569, 2.77582884, 0.37462613],
      ]
    ),
  ])
  func adam(isDecoupled: Bool, expected: [[Float]]) throws {
    let update =
      isDecoupled
      ? AdamUpdate(learningRate: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, kept: 1 - 0.1 * 0.05)
      : AdamUpdate(learningRate: 0.1, beta1: 0.8, beta2: 0.95, eps: 1e-8, weightDecay: 0.01)
    let gradients: [[Float]] = [[0.1, -0.2, 0.3, 0], [-0.4, 0.1, 0.2, 1], [0.05, 0.3, -0.6, -0.2]]
    var weights = try Tensor([1, -2, 3, 0.5] as [Float])
    let before = weights
    var moments: (mean: Tensor, square: Tensor)?
    for (i, gradient) in gradients.enumerated() {
      try update.apply(to: &weights, moments: &moments, gradient: Tensor(gradient), number: i + 1)
      expectEqual(weights, try Tensor(expected[i]), tolerance: 2e-6)
    }
    expectEqual(before, try Tensor([1, -2, 3, 0.5] as [Float]), "copies keep the old weights")
    expectError(.shape, containing: "[3]", "[4]") {
      try update.apply(to: &weights, moments: &moments, gradient: Tensor.zeros([3]), number: 4)
    }
  }

  /// Decoupled weight decay shrinks the weights, and no momentum remembers it.
  @Test func decoupledDecay() throws {
    var weights = try sample([40])
    var expected = weights.floats()
    var velocity: Tensor?
    var moving = [Float](repeating: 0, count: 40)
    for step in 0..<3 {
      let gradient = try sample([40], "gradient \(step)")
      try SGDUpdate(learningRate: 0.1, momentum: 0.9, kept: 0.95).apply(
        to: &weights, velocity: &velocity, gradient: gradient)
      for (i, g) in gradient.floats().enumerated() {
        moving[i] = 0.9 * moving[i] + g
        expected[i] = 0.95 * expected[i] - 0.1 * moving[i]
      }
      expectEqual(weights, try Tensor(expected), tolerance: 1e-6)
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
