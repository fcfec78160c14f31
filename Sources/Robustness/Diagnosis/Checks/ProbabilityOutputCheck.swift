import Base
import Tensors

/// Outputs that are probabilities already: the softmax of a loss flattens them once more.
enum ProbabilityOutputCheck: MaskingCheck {
  static let name = "probabilities"
  static let question = "Are the outputs probabilities, not logits?"
  static let remedy = "take the softmax out of the model, or log its outputs"
  static let source = "AutoAttack checks.py: rows within [0, 1] that sum to 1"
  static let judgesAnyModel = true

  static func measure(_ it: Examination) throws -> Measurement {
    guard !it.logits.hasNonFinite else { return .unknown("logits are not finite") }
    let isProbability = try it.logits.looksLikeProbabilities()
    return .judged(
      isProbability ? 1 : 0, above: 0.5, isShare: false,
      note: isProbability ? "all rows lie within [0, 1] and sum to 1" : "the outputs are no probabilities")
  }
}
