import Base
import Tensors

/// Gradients that turn within the ball: one at the image says nothing of its neighbours. It is what one-step training
/// ends in when it overfits.
enum LinearityCheck: MaskingCheck {
  static let name = "linearity"
  static let question = "Do gradients turn within the ball?"
  static let remedy = "many small steps and many starts, mifpe(restarts=20); one step says nothing here"
  static let source = "Andriushchenko and Flammarion 2020 (GradAlign): a cosine below 0.2"

  static func measure(_ it: Examination) throws -> Measurement {
    var (sum, count) = (0.0, 0)
    try it.forBatches(Examination.sample) { _, batch in
      let near = try Noise(norm: it.norm).moved(batch.images, ids: batch.ids, eps: it.eps, seed: it.plan.seed)
      let here = try it.slope(at: batch.images, batch.labels).gradient
      let there = try it.slope(at: near, batch.labels).gradient
      let axes = [1, 2, 3]
      // Lengths are taken of scaled gradients, whose squares do not underflow.
      let (a, b) = (try scaled(here), try scaled(there))
      let products = try (a * b).sum(axes: axes).floats()
      let lengths = try (a * a).sum(axes: axes).sqrt().floats()
      let others = try (b * b).sum(axes: axes).sqrt().floats()
      for i in products.indices where lengths[i] > 0 && others[i] > 0 && products[i].isFinite {
        sum += Double(products[i] / (lengths[i] * others[i]))
        count += 1
      }
    }
    let looked = min(it.positions.count, Examination.sample)
    guard 2 * count >= looked else { return .unknown("most gradients are zero: they have no direction") }
    return .judged(
      1 - sum / Double(count), above: 0.8, isShare: false,
      note: "the cosine between the gradients at the image and at a random point of the ball is "
        + "\((sum / Double(count)).fixed(2)) on average")
  }

  private static func scaled(_ gradient: Tensor) throws -> Tensor {
    try gradient / Norm.linf.length(gradient).clip(min: 1e-37)
  }
}
