import Base
import Tensors

/// Projected gradient ascent: step after step along the slope of a loss, back into the ball and into [0, 1]; the last
/// iterate counts. Madry et al. 2018.
///
/// FGSM is one step of it, PGD ten; an attack that only turns the slope before it steps, as momentum does, gives a
/// `direction`.
public struct GradientAscent {
  public var steps: Int
  /// Length of one step, in the attack's norm.
  public var stepSize: Double
  public var norm = Norm.linf
  /// What is climbed; nil is the oracle's own loss.
  public var loss: AttackLoss?

  public init(steps: Int, stepSize: Double, norm: Norm = .linf, loss: AttackLoss? = nil) {
    self.steps = steps
    self.stepSize = stepSize
    self.norm = norm
    self.loss = loss
  }

  /// - Parameters:
  ///   - start: [k, c, h, w], where it begins; it may lie a little outside of ball and box before the first step.
  ///   - examples: to which the k images belong.
  ///   - direction: what a step follows, from the gradient [k, c, h, w]; the gradient itself when left out.
  /// - Returns: [k, c, h, w].
  public func climb(
    _ oracle: any Oracle, from start: Tensor, in batch: AttackBatch, of examples: [Int],
    direction: (_ gradient: Tensor) throws -> Tensor = { $0 }
  ) throws -> Tensor {
    let centre = try batch.rows(batch.images, of: examples)
    var x = start
    for _ in 0..<steps {
      let slope = try direction(oracle.gradient(of: loss, at: x, of: examples))
      x = try norm.step(x, along: slope, around: centre, step: stepSize, eps: batch.eps)
    }
    return x
  }
}
