import Base
import Tensors

/// NaN and infinite logits or gradients: an attack that follows them goes nowhere, and NaN is never the largest logit.
enum NonFiniteCheck: MaskingCheck {
  static let name = "non_finite"
  static let question = "Are logits or gradients not finite?"
  static let remedy = "find the layer that overflows; nothing that was measured of such a model means anything"
  static let source = "Pintor et al. 2022, indicator 1 (unavailable gradients)"
  static let judgesAnyModel = true

  static func measure(_ it: Examination) throws -> Measurement {
    let n = Double(max(it.n, 1))
    let rows = it.logits.floats()
    let classes = max(it.model.classes, 1)
    let bad = stride(from: 0, to: rows.count, by: classes).count { first in
      rows[first..<min(first + classes, rows.count)].contains { !$0.isFinite }
    }
    guard bad == 0 else {
      return .judged(Double(bad) / n, above: 0, note: "logits of \(bad) of \(it.n) images are not finite")
    }
    let steep = try it.naturalSlopes().largest.count { !$0.isFinite }
    return .judged(Double(steep) / n, above: 0, note: "\(steep) of \(it.positions.count) gradients are not finite")
  }
}
