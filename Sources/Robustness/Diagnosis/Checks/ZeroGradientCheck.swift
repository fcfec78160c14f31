import Base
import Tensors

/// Gradients that are zero everywhere where an attack begins: a softmax that is saturated in float32, or a layer without
/// slope.
///
/// Confident networks have zero gradients that hide nothing. So those count where the margin of the logits has none
/// either, and those where an attack on logits brought to scale breaks what the cross-entropy leaves.
enum ZeroGradientCheck: MaskingCheck {
  static let name = "zero_gradients"
  static let question = "Do zero gradients hide what can be broken?"
  static let remedy = "mifpe(), which brings logits to scale; bpda(net, …) for a layer without slope"
  static let source = "Pintor et al. 2022, indicator 1; 0.5 points of accuracy"

  static func measure(_ it: Examination) throws -> Measurement {
    let flat = try it.naturalSlopes().largest.map { $0 == 0 }
    var withoutSlope = flat.map { _ in false }
    if flat.contains(true) {
      try it.forBatches { part, batch in
        let slope = try it.model.slope(at: batch.images) { (logits, rows) throws(CoreError) in
          try margin(logits, labels: Array(batch.labels[rows]))
        }
        for (i, size) in try zip(part, Norm.linf.length(slope.gradient).floats()) { withoutSlope[i] = size == 0 }
      }
    }
    let hidden = try it.hidden(behind: flat)
    let counted = zip(withoutSlope, hidden).count { $0 || $1 }
    return it.judgedCount(
      counted,
      note:
        "\(flat.count { $0 }) of \(flat.count) gradients of the cross-entropy are zero everywhere; of these margins have "
        + "none for \(withoutSlope.count { $0 }) either, and mifpe breaks \(hidden.count { $0 }) that it leaves")
  }
}

extension Examination {
  /// The examples of these that the cross-entropy leaves and that the same attack breaks on logits brought to scale.
  func hidden(behind examples: [Bool]) throws -> [Bool] {
    guard examples.contains(true) else { return examples }
    let usual = try usual().broken
    let rescued = try outcome(MIFPE(steps: plan.steps, norm: norm)).broken
    return examples.indices.map { examples[$0] && !usual[$0] && rescued[$0] }
  }

  /// Flags more than 0.5 % of all examples, and more than chance would have.
  func judgedCount(_ count: Int, note: String) -> Measurement {
    let n = Double(n)
    return .judged(Double(count) / n, above: max(0.005, 2 * Double(count).squareRoot() / n), note: note)
  }
}
