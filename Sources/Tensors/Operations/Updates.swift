import Base
import Devices
import Platform

/// Settings of one step of stochastic gradient descent, as PyTorch's SGD.
public struct SGDUpdate: Sendable, Hashable {
  /// How far a step goes.
  public var learningRate: Float
  /// The share of the last step's direction that is kept; 0 for none.
  public var momentum: Float
  /// What is added to the gradient for each unit of weight.
  public var weightDecay: Float
  /// The share of the weights that is kept before the step: 1 but for decoupled weight decay.
  public var kept: Float
  /// Whether the step looks ahead by Nesterov's momentum.
  public var nesterov: Bool

  /// Plain gradient descent, unless more is given.
  public init(
    learningRate: Float, momentum: Float = 0, weightDecay: Float = 0, kept: Float = 1, nesterov: Bool = false
  ) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.kept = kept
    self.nesterov = nesterov
  }

  /// g' = g + weightDecay · w; v = momentum · v + g' (g' in the first step); w = kept · w − rate · (nesterov ? g' +
  /// momentum · v : v). In place where nobody else holds the weights, and to the end, whatever is to be stopped.
  ///
  /// - Parameters:
  ///   - velocity: the moving sum, nil before the first step; stays nil without momentum.
  public func apply(to weights: inout Tensor, velocity: inout Tensor?, gradient: Tensor) throws(CoreError) {
    guard weights.dtype == .float32, gradient.dtype == .float32, weights.shape == gradient.shape else {
      throw CoreError(
        .shape, "a gradient of shape \(gradient.shape) does not fit weights of shape \(weights.shape)")
    }
    if let velocity, velocity.shape != weights.shape {
      throw CoreError(.shape, "a velocity of shape \(velocity.shape) does not fit weights of shape \(weights.shape)")
    }
    try StopSignal.ignoring { () throws(CoreError) in try move(&weights, &velocity, gradient) }
  }

  private func move(_ weights: inout Tensor, _ velocity: inout Tensor?, _ gradient: Tensor) throws(CoreError) {
    let gradient = try gradient.inLayout(weights.layout)
    try weights.makeUnique()
    if momentum != 0 {
      var sum: Tensor
      if let last = velocity.take() { sum = last } else { sum = try Tensor.zeros(weights.shape) }
      sum = try sum.inLayout(weights.layout)
      try sum.makeUnique()
      try step(weights, sum, gradient)
      velocity = sum
    } else {
      try step(weights, nil, gradient)
    }
  }

  private func step(_ weights: Tensor, _ velocity: Tensor?, _ gradient: Tensor) throws(CoreError) {
    try device.sgd(
      weights.storage, velocity: velocity?.storage, gradient.storage, count: weights.count, rate: learningRate,
      momentum: momentum, weightDecay: weightDecay, kept: kept, nesterov: nesterov)
  }
}

/// Settings of one step of Adam, as PyTorch's Adam and AdamW.
public struct AdamUpdate: Sendable, Hashable {
  /// How far a step goes.
  public var learningRate: Double
  /// The share of the mean gradient that is kept from step to step.
  public var beta1: Double
  /// The share of the mean square of the gradient that is kept from step to step.
  public var beta2: Double
  /// What is added to the root of the mean square.
  public var eps: Double
  /// What is added to the gradient for each unit of weight.
  public var weightDecay: Double
  /// The share of the weights that is kept before the step: 1 but for decoupled weight decay.
  public var kept: Double

  /// Settings of a step; nothing is checked.
  public init(
    learningRate: Double, beta1: Double, beta2: Double, eps: Double, weightDecay: Double = 0, kept: Double = 1
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.eps = eps
    self.weightDecay = weightDecay
    self.kept = kept
  }

  /// g' = g + weightDecay · w; m += (1 − beta1) · (g' − m); v = beta2 · v + (1 − beta2) · g'²; w = kept · w −
  /// rate / (1 − beta1ᵗ) · m / (√v / √(1 − beta2ᵗ) + eps). To the end, whatever is to be stopped.
  ///
  /// - Parameters:
  ///   - moments: m and v, nil before the first step.
  ///   - number: t, the number of this step from 1.
  public func apply(
    to weights: inout Tensor, moments: inout (mean: Tensor, square: Tensor)?, gradient: Tensor, number: Int
  ) throws(CoreError) {
    guard weights.dtype == .float32, gradient.dtype == .float32, weights.shape == gradient.shape else {
      throw CoreError(
        .shape, "a gradient of shape \(gradient.shape) does not fit weights of shape \(weights.shape)")
    }
    if let moments, moments.mean.shape != weights.shape || moments.square.shape != weights.shape {
      throw CoreError(
        .shape, "moments of shape \(moments.mean.shape) do not fit weights of shape \(weights.shape)")
    }
    let step = AdamStep(
      size: Float(learningRate / (1 - pow(beta1, Double(number)))),
      root: Float((1 - pow(beta2, Double(number))).squareRoot()), beta1: Float(beta1), beta2: Float(beta2),
      eps: Float(eps), weightDecay: Float(weightDecay), kept: Float(kept))
    try StopSignal.ignoring { () throws(CoreError) in
      let gradient = try gradient.inLayout(weights.layout)
      var mean: Tensor
      var square: Tensor
      if let last = moments {
        (mean, square) = (try last.mean.inLayout(weights.layout), try last.square.inLayout(weights.layout))
      } else {
        (mean, square) = (
          try Tensor.zeros(weights.shape).inLayout(weights.layout),
          try Tensor.zeros(weights.shape).inLayout(weights.layout)
        )
      }
      moments = nil
      try weights.makeUnique()
      try mean.makeUnique()
      try square.makeUnique()
      try device.adam(
        weights.storage, mean: mean.storage, square: square.storage, gradient.storage, count: weights.count, step)
      moments = (mean, square)
    }
  }
}

/// One ascent step of a sign attack: x + step · sign(gradient), limited to the Linf ball of radius eps around `center`
/// and then to low…high. A negative step descends; where the gradient is 0 or NaN an element stays, within the limits. Not
/// recorded.
///
/// - Parameters: float32 tensors of one shape; step and eps in units of x.
public func signStep(
  _ x: Tensor, gradient: Tensor, center: Tensor, step: Float, eps: Float, low: Float = 0, high: Float = 1
) throws(CoreError) -> Tensor {
  guard x.dtype == .float32, gradient.dtype == .float32, center.dtype == .float32 else {
    throw CoreError(
      .type,
      "signStep needs float32 tensors, not \(x.dtype.shortName), \(gradient.dtype.shortName) and \(center.dtype.shortName)"
    )
  }
  guard x.shape == gradient.shape, x.shape == center.shape else {
    throw CoreError(.shape, "signStep needs equal shapes, not \(x.shape), \(gradient.shape) and \(center.shape)")
  }
  let layout = commonLayout(x.shape, [gradient, x])
  let (from, slope, middle) = (try x.inLayout(layout), try gradient.inLayout(layout), try center.inLayout(layout))
  let y = try from.similar()
  try device.signStep(
    from.storage, slope.storage, middle.storage, step: step, eps: eps, low: low, high: high, y.storage, count: y.count)
  return y
}
