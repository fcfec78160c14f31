import Base
import Tensors

/// Answers that change much under noise: gradients at one point then say little of the next.
enum UnstableLossCheck: MaskingCheck {
  static let name = "unstable"
  static let question = "Do logits jump about near the images?"
  static let remedy = "average gradients over noise, or smooth the model: square(), mifpe(restarts=20)"
  static let source = "Pintor et al. 2022, indicator 2, of the margin; a mean relative change above 0.5"

  static func measure(_ it: Examination) throws -> Measurement {
    var (sum, count) = (0.0, 0)
    try it.forBatches(Examination.sample) { _, batch in
      let here = try margin(it.model(batch.images), labels: batch.labels).floats()
      var change = here.map { _ in 0.0 }
      for draw in 0..<8 {
        let near = try Noise(norm: it.norm).moved(
          batch.images, ids: batch.ids, eps: it.eps / 2, seed: it.plan.seed, draw: draw)
        let there = try margin(it.model(near), labels: batch.labels).floats()
        for i in here.indices { change[i] += Double(abs(there[i] - here[i])) / 8 }
      }
      for i in here.indices where here[i] > 0 {
        sum += min(change[i] / Double(here[i]), 1)
        count += 1
      }
    }
    guard count > 0 else { return .unknown("no image has a margin above 0") }
    return .judged(
      sum / Double(count), above: 0.5, isShare: false,
      note: "noise of half the radius changes margins by \((100 * sum / Double(count)).fixed(0)) % on average")
  }
}
