import Base
import Networks
import Tensors

/// Projected sign-gradient ascent in the Linf ball: x <- clip(x + stepSize·sign(∇x L), x0 ± eps, [0, 1]), `steps` times;
/// the last iterate is returned. Madry et al. 2018.
package struct ProjectedGradient {
  /// Logits to what is to grow, for each example or as a sum over the batch, which keeps examples apart.
  package typealias Objective = (_ logits: Tensor, LossReduction) throws(CoreError) -> Tensor

  package var eps: Double
  package var stepSize: Double
  package var steps: Int

  package init(eps: Double, stepSize: Double, steps: Int) {
    self.eps = eps
    self.stepSize = stepSize
    self.steps = steps
  }

  /// - Parameters:
  ///   - images: the centre of the ball.
  ///   - start: where the ascent begins; it may lie a little outside of ball and box before the first step.
  ///   - positions: what errors call the images.
  /// - Throws: `.numeric` where logits or the gradient of an image are not finite.
  package func ascend(
    _ model: Model, from start: Tensor, around images: Tensor, positions: [Int], objective: Objective
  ) throws(CoreError) -> Tensor {
    var x = start
    for _ in 0..<steps {
      try StopSignal.poll()
      let tracked = x.detached().tracked()
      let logits = try model(tracked)
      try requireFinite(logits, "logits", of: model, at: positions)
      let gradient = try gradients(of: objective(logits, .sum), withRespectTo: [tracked])[0]
      // A NaN has no sign: the image would silently stay where it is.
      try requireFinite(gradient, "gradients", of: model, at: positions)
      x = try signStep(x, gradient: gradient, center: images, step: Float(stepSize), eps: Float(eps))
    }
    return x
  }
}
