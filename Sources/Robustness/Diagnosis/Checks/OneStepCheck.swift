import Base

/// One step of the whole radius that breaks more than many small ones: the loss surface is crooked.
enum OneStepCheck: MaskingCheck {
  static let name = "one_step"
  static let question = "Does one step break what many do not?"
  static let remedy = "more steps of another size, random starts, and mifpe(restarts=10); was it trained with one step?"
  static let source = "Athalye et al. 2018, sign 1; 0.5 points of accuracy"

  static func measure(_ it: Examination) throws -> Measurement {
    let many = try it.usual().broken
    let norm = it.norm
    let one = try it.outcome(PGD(stepSize: it.eps, steps: 1, start: .image, norm: norm)).broken
    return it.judgedGain(
      of: one, over: many, least: 0.005,
      note: "one step leaves \(it.leaves(one)), \(it.plan.steps) steps \(it.leaves(many))")
  }
}
