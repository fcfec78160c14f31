import Base
import Tensors

/// Stochastic gradient descent over all weights of a model, with its momentum buffers. Weight decay goes to every weight,
/// batch norm and biases too, as in PyTorch.
public struct Optimiser: Sendable {
  public var settings: SGD
  /// Momentum buffers in the order of the weights; nil before the first step and without momentum.
  public private(set) var velocities: [Tensor?] = []

  public init(_ settings: SGD) { self.settings = settings }

  /// Changes the weights by one step; in place where nobody else holds them.
  public mutating func step(_ weights: inout [Tensor], gradients: [Tensor]) throws(CoreError) {
    if velocities.isEmpty { velocities = Array(repeating: nil, count: weights.count) }
    guard weights.count == gradients.count, velocities.count == weights.count else {
      throw CoreError(.value, "\(gradients.count) gradients for \(weights.count) weights")
    }
    // All weights or none.
    try StopSignal.ignoring { () throws(CoreError) in
      for i in weights.indices {
        try settings.update(&weights[i], velocity: &velocities[i], gradient: gradients[i])
      }
    }
  }
}
