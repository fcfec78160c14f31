import Base
import Networks
import Tensors

/// Answers that change from one question to the next: an attack then follows a gradient of another model than the one
/// that judges it.
enum StochasticCheck: MaskingCheck {
  static let name = "stochastic"
  static let question = "Does the model answer differently when it is asked again?"
  static let remedy = "average gradients: eot(mifpe(), n=20), and judge by the rate of evaluate(…, forwards=20)"
  static let source = "Athalye et al. 2018; AutoAttack checks.py: 1e-4 between normalised answers"
  static let judgesAnyModel = true

  static func measure(_ it: Examination) throws -> Measurement {
    let count = min(it.n, 250)
    let images = try it.data.batch(Array(0..<count)).images
    let first = try it.model(images, NoiseDraws(0, seed: it.plan.seed))
    var most: Float = 0
    for draw in 1...3 {
      let again = try it.model(images, NoiseDraws(draw, seed: it.plan.seed))
      guard !again.hasNonFinite, !first.hasNonFinite else { return .unknown("logits are not finite") }
      let scaled = try [first, again].map { try $0 / (Norm.l2.length($0) + 1e-10) }
      most = try max(most, Norm.l2.distance(scaled[0], scaled[1]).max() ?? 0)
    }
    return .judged(
      Double(most), above: 1e-4, isShare: false, note: "the largest change of normalised logits over three more answers"
    )
  }
}
