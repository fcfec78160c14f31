import Base
import Tensors

/// The fast gradient method: one step of length eps from the image itself, in the direction along which a linear model
/// would get farthest in the norm. In Linf it is FGSM; in L2 the step follows the gradient, in L1 all of it goes to the
/// value with the largest slope, and values with equal slopes share it. Goodfellow et al. 2015, in the form of
/// cleverhans.
public struct FGM: Ascent {
  public static let name = "fgm"
  public static let page = Page(
    "The fast gradient method: one step of length eps in L2, L1 or Linf.",
    details: """
      x' = clip(x + eps·d, 0, 1), where d is ∇/‖∇‖₂ in L2 and sign(∇) in Linf; in L1 the value with the largest slope \
      takes all of it, and equal ones share. Goodfellow et al. 2015.
      """,
    examples: [("fgm(eps=0.5)", "fgm(eps=0.5)"), ("fgm(norm=\"l1\")", "fgm(norm=\"l1\")")],
    seeAlso: ["fgsm", "pgd", "evaluate"], search: ["one step", "fast gradient", "l2", "l1", "epsilon"])
  public static let settings: [Setting<FGM>] = [
    .radius(\.eps),
    .choice("norm", \.norm, note: "\"l2\", \"l1\" or \"linf\": how the length of the step is measured."),
  ]

  /// The radius and the length of the step, in units of the [0, 1] image; nil takes that of the evaluation or training.
  public var eps: Double?
  /// How the length of the step is measured; by default L2.
  public var norm = Norm.l2

  public init() {}

  /// One step in a ball of this radius; nil takes that of the evaluation or training.
  public init(eps: Double? = nil, norm: Norm = .l2) { (self.eps, self.norm) = (eps, norm) }

  /// Checks that the loss has a gradient at the image itself.
  public func validate(start: AttackStart, loss: AttackLoss?) throws(CoreError) { try requireSlopeAtImage(of: loss) }

  /// Takes the step from the images themselves; all examples are submitted at once.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let slope = try oracle.gradient(of: nil, at: batch.images, of: batch.all)
    let x = try norm.step(
      batch.images, along: norm == .l1 ? norm.steepest(slope) : slope, around: batch.images, step: batch.eps,
      eps: batch.eps)
    try oracle.submit(x, of: batch.all)
  }
}
