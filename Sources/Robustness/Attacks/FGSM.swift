import Networks
import Tensors

/// Fast gradient sign method: x' = clip(x + eps·sign(∇x CE), [0, 1]). Goodfellow et al. 2015.
public struct FGSM: Attack {
  public var eps: Double?

  public init(eps: Double? = nil) { self.eps = eps }

  public var description: String { eps.map { "fgsm(eps=\($0.asRadius))" } ?? "fgsm()" }

  public func validate() throws(CoreError) {
    if let eps { try requireRadius(eps) }
  }

  public func perturb(_ model: Model, _ input: AttackInput, eps: Double) throws(CoreError) -> Tensor {
    try ProjectedGradient(eps: eps, stepSize: eps, steps: 1).ascend(
      model, from: input.images, around: input.images,
      objective: AttackObjective.crossEntropy.function(model, images: input.images, labels: input.labels))
  }
}
