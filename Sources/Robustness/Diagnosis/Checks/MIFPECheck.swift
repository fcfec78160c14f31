import Base

/// The same attack on logits that are divided by the gap of each image: where that rescues it, the size of logits was in
/// its way.
enum MIFPECheck: MaskingCheck {
  static let name = "mifpe"
  static let question = "Does an attack that does not depend on the size of logits break more?"
  static let remedy = "report the accuracy under mifpe(restarts=10)"
  static let source = "MIFPE, CVPR 2023; 1.5 points of accuracy, as loss_swap"

  static func measure(_ it: Examination) throws -> Measurement {
    let usual = try it.usual().broken
    let rescued = try it.outcome(MIFPE(steps: it.plan.steps, norm: it.norm)).broken
    return it.judgedGain(
      of: rescued, over: usual, least: LossSwapCheck.threshold,
      note: "the cross-entropy leaves \(it.leaves(usual)), mifpe \(it.leaves(rescued))")
  }
}
