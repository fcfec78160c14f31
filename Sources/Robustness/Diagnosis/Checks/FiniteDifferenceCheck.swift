import Base
import Tensors

/// Gradients against differences: the lead of the runner-up at two points near the image, along random directions.
///
/// Where a layer jumps, differences grow by steps that no gradient sees, and no change of the loss brings them back. The
/// kinks of ReLUs do the opposite: over a distance they make a network flatter than its gradient says. So what is measured
/// is how much more differences change than gradients say, from -1 over 0, where they agree, to 1, where gradients say
/// nothing at all. The distances are small shares of the radius, since steps may be too wide for the smallest to cross.
enum FiniteDifferenceCheck: MaskingCheck {
  static let name = "finite_differences"
  static let question = "Do logits change more than their gradients say?"
  static let remedy = "bpda(net, …) for the layer that rounds or cuts; square() needs no gradients at all"
  static let source =
    "Athalye et al. 2018 (shattered gradients); networks with slopes have at most 0, MeanSparse 0.13 and more"

  private static let directions = 6

  static func measure(_ it: Examination) throws -> Measurement {
    var rows: [Measurement.Row] = []
    for share in [0.01, 0.1, 0.25] {
      let excesses = try excesses(it, over: share * it.eps).sorted()
      guard !excesses.isEmpty else { continue }
      let median = excesses[excesses.count / 2]
      rows.append(
        .init(
          "eps x \(share.general(3))",
          ["distance": share * it.eps, "excess": median, "examples": Double(excesses.count)],
          isFlagged: median > threshold))
    }
    guard let worst = rows.max(by: { ($0["excess"] ?? 0) < ($1["excess"] ?? 0) }), let excess = worst["excess"] else {
      return .unknown("the logits do not change near the images, neither by gradients nor by differences")
    }
    return .judged(
      excess, above: threshold, isShare: false,
      note: "over \(worst.name) differences are \(words(excess)) what gradients say (median of "
        + "\(Int(worst["examples"] ?? 0)) images)", rows: rows)
  }

  private static let threshold = 0.05

  private static func words(_ excess: Double) -> String {
    excess >= 0.999 ? "there, and nothing is" : "\(((1 + excess) / (1 - excess)).fixed(2)) times"
  }

  /// (differences − derivatives) / (differences + derivatives) of each example, of root mean squares over directions;
  /// where both are 0 there is none.
  private static func excesses(_ it: Examination, over distance: Double) throws -> [Double] {
    var excesses: [Double] = []
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
      var (derived, differed) = (labels.map { _ in 0.0 }, labels.map { _ in 0.0 })
      let size = Double(it.data.imageSize)
      let length = it.norm == .linf ? 1 : it.norm == .l2 ? size.squareRoot() : size
      for draw in 0..<directions {
        let step =
          try PerExampleRandom(seed: it.plan.seed).uniform(
            -1, 1, like: batch.images, ids: batch.ids, draw: 1 << 21 + draw
          ).sign() * Float(distance / length)
        let ahead = try lead(it.model(batch.images + step), 0..<labels.count).floats()
        let back = try lead(it.model(batch.images - step), 0..<labels.count).floats()
        let slopes = try (gradient * step).sum(axes: [1, 2, 3]).floats()
        for i in labels.indices {
          let (difference, slope) = (Double(ahead[i]) - Double(back[i]), 2 * Double(slopes[i]))
          derived[i] += slope * slope
          differed[i] += difference * difference
        }
      }
      for i in labels.indices where derived[i] + differed[i] > 0 {
        let (slope, difference) = (derived[i].squareRoot(), differed[i].squareRoot())
        excesses.append((difference - slope) / (difference + slope))
      }
    }
    return 10 * excesses.count >= looked ? excesses : []
  }
}
