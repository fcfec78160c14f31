import Base
import Tensors

/// Projected gradient ascent: step after step along the slope of a loss, back into the ball and into [0, 1]; the last
/// iterate counts. Madry et al. 2018.
///
/// FGSM is one step of it, PGD ten; an attack that only turns the slope before it steps, as momentum does, gives a
/// `direction`. The norm decides both the direction of a step of given length and the way back into the ball. Nothing
/// is kept between steps and nothing is submitted: what becomes of the last iterate is for the attack to say.
public struct GradientAscent {
  /// How many steps are taken.
  public var steps: Int
  /// The length of one step in the norm, in units of the [0, 1] image.
  public var stepSize: Double
  /// The norm of the ball and of the step, by default Linf.
  public var norm = Norm.linf
  /// The loss that is climbed; nil stands for the oracle's own.
  public var loss: AttackLoss?

  /// An ascent; where it begins and which examples it is for is said to `climb`.
  ///
  /// - Parameters:
  ///   - stepSize: length of one step, in units of the [0, 1] image.
  ///   - loss: what is climbed; nil stands for the oracle's own loss.
  public init(steps: Int, stepSize: Double, norm: Norm = .linf, loss: AttackLoss? = nil) {
    self.steps = steps
    self.stepSize = stepSize
    self.norm = norm
    self.loss = loss
  }

  /// Climbs from a start, within the ball around the images of the batch.
  ///
  /// - Parameters:
  ///   - start: [k, c, h, w], where it begins; it may lie a little outside of ball and box before the first step.
  ///   - examples: to which the k images belong.
  ///   - direction: what a step follows, from the gradient [k, c, h, w]; the gradient itself when left out.
  /// - Returns: the last iterate [k, c, h, w], which lies in the ball and in [0, 1].
  /// - Throws: what the oracle throws.
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
