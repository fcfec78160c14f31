import Base

/// A loss that still rises when the attack ends.
enum IncompleteAscentCheck: MaskingCheck {
  static let name = "incomplete"
  static let question = "Does the loss still rise at the end?"
  static let remedy = "more steps, and larger ones at first: pgd(steps=200), apgd(steps=200)"
  static let source = "Pintor et al. 2022, indicator 4: 5 % of the rise in the last quarter, for half of the images"

  static func measure(_ it: Examination) throws -> Measurement {
    guard it.plan.steps >= 20 else { return .unknown("\(it.plan.steps) steps are too few to see an end: steps=40") }
    let trajectory = try it.usualTrajectory()
    var (open, looked) = (0, 0)
    for (losses, wrong) in zip(trajectory.losses, trajectory.wrong) where !wrong.contains(true) {
      looked += 1
      var best = -Float.infinity
      let rising = losses.map { loss in
        best = max(best, loss)
        return best
      }
      let rise = rising[rising.count - 1] - rising[0]
      if rise > 0, rising[rising.count - 1] - rising[rising.count - 1 - it.plan.steps / 4] > 0.05 * rise { open += 1 }
    }
    guard looked > 0 else { return .unknown("the attack breaks everything") }
    let share = Double(open) / Double(looked)
    // Half of the images, and by more than two deviations: of few images, somewhat more than half are so by chance.
    return .judged(
      share, above: 0.5 + 1 / Double(looked).squareRoot(),
      note: "of \(looked) images that stand, \(open) gain more than 5 % of their rise in the last quarter of the steps")
  }
}
