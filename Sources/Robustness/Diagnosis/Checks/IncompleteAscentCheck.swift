import Base

/// A loss that still rises when the attack ends, of images that more steps break.
///
/// The loss of a network that is unsure of all its answers rises slowly to the end and leads nowhere, so that a rise alone is no
/// finding.
enum IncompleteAscentCheck: MaskingCheck {
  static let name = "incomplete"
  static let question = "Does the loss still rise at the end, where more steps break the image?"
  static let remedy = "more steps, and larger ones at first: pgd(steps=200), apgd(steps=200)"
  static let source =
    "Pintor et al. 2022, indicator 4: 5 % of the rise in the last quarter; 0.5 % of the images looked at"

  static func measure(_ it: Examination) throws -> Measurement {
    guard it.plan.steps >= 20 else { return .unknown("\(it.plan.steps) steps are too few to see an end: steps=40") }
    let trajectory = try it.usualTrajectory()
    var rises: [Bool] = []
    var looked = 0
    for (losses, wrong) in zip(trajectory.losses, trajectory.wrong) {
      var best = -Float.infinity
      let rising = losses.map { loss in
        best = max(best, loss)
        return best
      }
      let rise = rising[rising.count - 1] - rising[0]
      let last = rising[rising.count - 1] - rising[rising.count - 1 - it.plan.steps / 4]
      let stands = !wrong.contains(true)
      if stands { looked += 1 }
      rises.append(stands && rise > 0 && last > 0.05 * rise)
    }
    guard looked > 0 else { return .unknown("the attack breaks everything") }
    let longer = StepConvergenceCheck.longer(it)
    let broken = try it.outcome(longer).broken
    let found = zip(rises, broken).count { $0 && $1 }
    let n = Double(rises.count)
    return .judged(
      Double(found) / n, above: max(0.005, 2 * Double(found).squareRoot() / n),
      note:
        "of \(looked) images that stand, \(rises.count { $0 }) gain more than 5 % of their rise in the last quarter of the "
        + "steps; \(longer.steps) steps break \(found) of these")
  }
}
