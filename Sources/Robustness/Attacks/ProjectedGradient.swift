import Networks
import Tensors

/// Projected sign-gradient ascent in the Linf ball: x <- clip(x + stepSize·sign(∇x L), x0 ± eps, [0, 1]), `steps` times;
/// the last iterate is returned. Madry et al. 2018.
package struct ProjectedGradient {
  /// Logits and the images they belong to, to the scalar that is to grow. A sum over the batch keeps examples apart.
  package typealias Objective = (_ logits: Tensor, _ images: Tensor) throws(CoreError) -> Tensor

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
  package func ascend(
    _ model: Model, from start: Tensor, around images: Tensor, objective: Objective
  ) throws(CoreError) -> Tensor {
    var x = start
    for _ in 0..<steps {
      try Compute.poll()
      let gradient = try Self.gradient(model, at: x, objective: objective)
      x = try signStep(x, gradient: gradient, center: images, step: Float(stepSize), eps: Float(eps))
    }
    return x
  }

  /// Gradient of the objective with respect to the images.
  package static func gradient(
    _ model: Model, at images: Tensor, objective: Objective
  ) throws(CoreError) -> Tensor {
    let tracked = images.detached().tracked()
    let value = try objective(try model(tracked), tracked)
    return try gradients(of: value, withRespectTo: [tracked])[0]
  }
}
