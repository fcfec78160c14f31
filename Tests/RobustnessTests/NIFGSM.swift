import Base
import Robustness
import Tensors

/// The momentum method with a look ahead: the gradient is taken at x + step_size·decay·g, where the momentum g will
/// lead, and then g ← decay·g + ∇/‖∇‖₁, x ← clip(x + step_size·sign(g), x0 ± eps, 0…1). Lin et al. 2020.
public struct NIFGSM: Attack {
  public static let name = "ni_fgsm"
  public static let page = Page(
    "The fast gradient sign method with Nesterov's momentum.",
    details: """
      The gradient is that at x + step_size·decay·g; g ← decay·g + ∇/‖∇‖₁, x ← clip(x + step_size·sign(g), x0 ± eps, \
      0…1), `steps` times from the image itself. Lin et al. 2020.
      """,
    examples: [("ni_fgsm(eps=8/255)", "ni_fgsm(eps=8/255, steps=10)")], seeAlso: ["mi_fgsm", "pgd", "evaluate"],
    search: ["nesterov", "momentum", "transfer"])
  public static let settings: [Setting<NIFGSM>] = [
    .radius(\.eps),
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=10 is usual"), note: "gradient steps.", isAlwaysShown: true),
    .distance(
      "step_size", \.stepSize, .positive(hint: "for instance step_size=2/255"), note: "eps/steps when left out."),
    Setting(
      "decay", \.decay, .atLeastZero(hint: "decay=1 is usual"), note: "share of the earlier gradients that stays."),
  ]

  public var eps: Double?
  public var steps = 10
  /// Length of one step; nil is eps/steps.
  public var stepSize: Double?
  /// Share of the earlier gradients that stays in the next step.
  public var decay = 1.0

  public init() {}

  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let step = stepSize ?? batch.eps / Double(steps)
    var (x, momentum) = (batch.images, try Tensor.zeros(batch.images.shape))
    for _ in 0..<steps {
      let ahead = try x + momentum * Float(step * decay)
      let gradient = try oracle.gradient(of: nil, at: ahead, of: batch.all)
      momentum = try momentum * Float(decay) + gradient / Norm.l1.length(gradient).clip(min: 1e-12)
      x = try norm.step(x, along: momentum, around: batch.images, step: step, eps: batch.eps)
    }
    try oracle.submit(x, of: batch.all)
  }
}
