import Base
import Networks
import Tensors

/// Fast gradient sign method: x' = clip(x + eps·sign(∇x CE), [0, 1]). Goodfellow et al. 2015.
public struct FGSM: Attack {
  public static let name = "fgsm"
  public var eps: Double?

  public init(eps: Double? = nil) { self.eps = eps }

  public var settings: [Setting] { [Setting("eps", eps.map { .radius($0) } ?? .unset, usual: .unset, .radius)] }
  public var isRandom: Bool { false }

  public func perturb(_ model: Model, _ input: AttackInput, eps: Double) throws(CoreError) -> Tensor {
    try ProjectedGradient(eps: eps, stepSize: eps, steps: 1).ascend(
      model, from: input.images, around: input.images, positions: input.positions,
      objective: AttackObjective.crossEntropy.loss(model, images: input.images, labels: input.labels))
  }
}
