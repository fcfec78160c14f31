import Base
import Tensors

/// Probabilities that round to 1: the cross-entropy is 0 there, and an attack that climbs it hardly moves.
///
/// Confident networks have many of these on clean images, and are none the worse for it as long as attacks get away. So
/// only those count that the cross-entropy leaves and that the same attack breaks on logits brought to scale.
enum SaturationCheck: MaskingCheck {
  static let name = "saturation"
  static let question = "Does a saturated softmax hide what can be broken?"
  static let remedy = "mifpe(), or pgd(objective=\"margin\"): losses that do not pass the softmax"
  static let source = "Carlini and Wagner 2017; 0.5 points of accuracy"

  static func measure(_ it: Examination) throws -> Measurement {
    let largest = try it.logits.softmax(axis: 1).max(axes: [1]).floats()
    let saturated = it.positions.map { largest[$0] >= 1 - 1e-7 }
    let hidden = try it.hidden(behind: saturated).count { $0 }
    return it.judgedCount(
      hidden,
      note:
        "\(saturated.count { $0 }) of \(it.positions.count) probabilities round to 1; mifpe breaks \(hidden) of these that "
        + "the cross-entropy leaves")
  }
}
