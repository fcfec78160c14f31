import Base
import Tensors

/// A constant that is added to all logits changes nothing but their digits: where float32 has none left for the gap of an
/// image, gradients are those of rounding.
enum CentredLogitsCheck: MaskingCheck {
  static let name = "centred_logits"
  static let question = "Does a constant in the logits change what an attack finds?"
  static let remedy = "take the constant out of the last layer: weights and bias less their mean over the classes"
  static let source = "advertorch issue 63; 1 % of the examples"

  static func measure(_ it: Examination) throws -> Measurement {
    let usual = try it.usualTrajectory().broken
    let centred = try it.trajectory { (logits) throws(CoreError) in
      try logits - logits.mean(axes: [1], keepdim: true).detached()
    }.broken
    let changed = zip(usual, centred).count { $0 != $1 }
    let classes = it.model.classes
    let rows = it.logits.floats()
    let coarse = it.positions.count { position in
      let row = rows[position * classes..<(position + 1) * classes].sorted(by: >)
      let largest = max(abs(row[0]), abs(row[classes - 1]))
      return largest.ulp > 0.01 * (row[0] - row[1])
    }
    return .judged(
      max(Double(changed) / Double(usual.count), Double(coarse) / Double(it.positions.count)), above: 0.01,
      note:
        "centred logits change \(changed) of \(usual.count) verdicts; for \(coarse) of \(it.positions.count) images "
        + "float32 has less than two digits of the gap between the two largest")
  }
}
