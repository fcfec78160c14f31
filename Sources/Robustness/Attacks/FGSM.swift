import Base
import Tensors

/// Fast gradient sign method: x' = clip(x + eps·sign(∇x CE), 0, 1). Goodfellow et al. 2015.
public struct FGSM: Ascent {
  public static let name = "fgsm"
  public static let page = Page(
    "The fast gradient sign method: one step of size eps.",
    details: "x' = clip(x + eps·sign(∇ CE), 0, 1). Goodfellow et al. 2015.",
    examples: [("fgsm(eps=8/255)", "fgsm(eps=8/255)")], seeAlso: ["pgd", "evaluate"],
    search: ["one step", "gradient sign", "epsilon"])
  public static let settings: [Setting<FGSM>] = [.radius(\.eps)]

  /// The radius and the length of the step, in units of the [0, 1] image; nil takes that of the evaluation or training.
  public var eps: Double?

  public init() {}

  /// One step in a ball of this radius; nil takes that of the evaluation or training.
  public init(eps: Double? = nil) { self.eps = eps }

  /// Checks that the loss has a gradient at the image itself.
  public func validate(start: AttackStart, loss: AttackLoss?) throws(CoreError) { try requireSlopeAtImage(of: loss) }

  /// Takes the step from the images themselves; all examples are submitted at once.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let x = try GradientAscent(steps: 1, stepSize: batch.eps).climb(
      oracle, from: batch.images, in: batch, of: batch.all)
    try oracle.submit(x, of: batch.all)
  }
}
