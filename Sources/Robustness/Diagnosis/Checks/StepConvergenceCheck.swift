import Base

/// An attack that still finds more with more steps: what it has left says nothing yet.
enum StepConvergenceCheck: MaskingCheck {
  static let name = "steps"
  static let question = "Do four times as many steps break more?"
  static let remedy = "as many steps as it takes until more change nothing: pgd(steps=1000), apgd(steps=500)"
  static let source = "Carlini et al. 2019, section 5; 2 points of accuracy, since more can only find more"

  static func measure(_ it: Examination) throws -> Measurement {
    let usual = try it.usual().broken
    let longer = Self.longer(it)
    let more = try it.outcome(longer).broken
    return it.judgedGain(
      of: more, over: usual, least: 0.02,
      note: "\(it.plan.steps) steps leave \(it.leaves(usual)), \(longer.steps) steps \(it.leaves(more))")
  }

  /// The usual ascent, four times as long in half as large steps.
  static func longer(_ it: Examination) -> PGD {
    var longer = it.ascent()
    longer.steps = 4 * it.plan.steps
    longer.stepSize = it.stepSize(in: it.eps) / 2
    return longer
  }
}
