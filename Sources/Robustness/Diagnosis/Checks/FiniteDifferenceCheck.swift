import Base
import Tensors

/// Gradients against differences: the lead of the runner-up at two points near the image, along random directions.
///
/// A layer whose output is constant in pieces has a gradient that says nothing of its steps, and no change of the loss
/// brings it back. Differences see the steps. They are taken over a small distance, where honest networks are straight,
/// and over a quarter of the radius, where even pieces that are wide enough to hide from the first show.
enum FiniteDifferenceCheck: MaskingCheck {
  static let name = "finite_differences"
  static let question = "Do gradients disagree with differences?"
  static let remedy = "bpda(net, …) for the layer that rounds or cuts; square() needs no gradients at all"
  static let source = "Athalye et al. 2018 (shattered gradients): a median relative error above 0.5"

  static func measure(_ it: Examination) throws -> Measurement {
    var rows: [Measurement.Row] = []
    for (scale, isWide) in [(0.01, false), (0.25, true)] {
      let errors = try errors(it, over: scale * it.eps, onlyFlat: isWide)
      guard !errors.isEmpty else { continue }
      let median = errors.sorted()[errors.count / 2]
      rows.append(
        .init(
          "eps x \(scale.general(3))", ["distance": scale * it.eps, "error": median, "examples": Double(errors.count)],
          isFlagged: median > 0.5))
    }
    guard let worst = rows.max(by: { ($0["error"] ?? 0) < ($1["error"] ?? 0) }), let error = worst["error"] else {
      return .unknown("the logits do not change near the images, neither by gradients nor by differences")
    }
    return .judged(
      error, above: 0.5, isShare: false,
      note:
        "over \(worst.name) the derivative along random directions is off by \((100 * error).fixed(0)) % (median of "
        + "\(Int(worst["examples"] ?? 0)) images)", rows: rows)
  }

  /// For each example, how far derivatives are from differences, from 0 to 1; where both are 0 there is none.
  ///
  /// - Parameter onlyFlat: whether only examples count whose derivatives are 0: over a wide distance others are bent.
  private static func errors(_ it: Examination, over distance: Double, onlyFlat: Bool) throws -> [Double] {
    var errors: [Double] = []
    var looked = 0
    try it.forBatches(Examination.sample) { _, batch in
      let labels = batch.labels
      looked += labels.count
      let ranks = try it.model(batch.images).topk(2, axis: 1).places.ints()
      let others = labels.indices.map { ranks[2 * $0] == labels[$0] ? ranks[2 * $0 + 1] : ranks[2 * $0] }
      func lead(_ logits: Tensor, _ rows: Range<Int>) throws(CoreError) -> Tensor {
        try logits.gather(axis: 1, Array(others[rows])) - logits.gather(axis: 1, Array(labels[rows]))
      }
      let gradient = try it.model.slope(at: batch.images, of: lead).gradient
      var (off, derived, differed) = (labels.map { _ in 0.0 }, labels.map { _ in 0.0 }, labels.map { _ in 0.0 })
      let size = Double(it.data.imageSize)
      for draw in 0..<4 {
        let signs = try PerExampleRandom(seed: it.plan.seed).uniform(
          -1, 1, like: batch.images, ids: batch.ids, draw: 1 << 21 + draw
        ).sign()
        let length = it.norm == .linf ? 1 : it.norm == .l2 ? size.squareRoot() : size
        let step = try signs * Float(distance / length)
        let ahead = try lead(it.model(batch.images + step), 0..<labels.count).floats()
        let back = try lead(it.model(batch.images - step), 0..<labels.count).floats()
        let slopes = try (gradient * step).sum(axes: [1, 2, 3]).floats()
        for i in labels.indices {
          let (difference, slope) = (Double(ahead[i]) - Double(back[i]), 2 * Double(slopes[i]))
          off[i] += (difference - slope) * (difference - slope)
          derived[i] += slope * slope
          differed[i] += difference * difference
        }
      }
      for i in labels.indices where derived[i] + differed[i] > 0 && (!onlyFlat || derived[i] == 0) {
        errors.append(off[i].squareRoot() / (derived[i].squareRoot() + differed[i].squareRoot()))
      }
    }
    return 10 * errors.count >= looked ? errors : []
  }
}
