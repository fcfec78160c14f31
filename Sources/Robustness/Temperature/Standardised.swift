import Base
import Networks
import Tensors

/// For each image its logits in units of their own standard deviation, divided by one temperature: labels then depend on
/// the order and relation of the logits and not on their size. Sun et al. 2024 (arXiv 2403.01427).
///
/// The deviation is that of the authors' code: over the classes, divided by classes − 1, plus 1e-7. A mean is not
/// subtracted, which softmax would not see.
public struct Standardised: SofteningRule {
  public static let name = "standardised"
  public static let page = Page(
    "A temperature for each image: the standard deviation of its logits.",
    details: """
      Logits become z/(scale·(s + 1e-7)), s their standard deviation over the classes (divided by classes - 1): labels \
      then do not depend on how large a teacher's logits are. A student that is softened as well (ard, kd_swa, \
      defensive_distillation) has the deviation of its own logits, through which gradients flow, and the loss is \
      multiplied by scale². Logit standardisation, Sun et al. 2024 (arXiv 2403.01427).
      """,
    examples: [("ltd(mlp(), temperature=standardised(2))", "ltd(mlp, temperature=standardised(scale=2), beta=6)")],
    seeAlso: ["soften", "ltd", "to_entropy", "annealed"],
    search: ["logit standardization", "z-score", "normalised logits", "weighted deviation"])
  public static let settings: [Setting<Standardised>] = [
    Setting(
      "scale", \.scale, .positive(hint: "scale=2"), note: "the temperature of the standardised logits.",
      isAlwaysShown: true)
  ]

  /// The temperature of the standardised logits, above 0.
  public var scale = 1.0

  public init() {}

  /// A rule with this temperature of the standardised logits.
  public init(_ scale: Double) { self.scale = scale }

  /// Standard deviations are those of each one's own logits.
  public var isOwnOfEach: Bool { true }

  /// One temperature for each image; it is tracked where the logits are.
  public func softness(of logits: Tensor, at position: TrainingPosition?) throws(CoreError) -> Softness {
    // Its square root has a slope everywhere: of equal logits the deviation counts as 1e-7.
    let deviation = try logits.variance(axes: [1], keepdim: true).affine(scale: 1, offset: 1e-14).sqrt()
    return .each(try deviation.affine(scale: Float(scale), offset: Float(scale) * 1e-7), scale: scale)
  }
}
