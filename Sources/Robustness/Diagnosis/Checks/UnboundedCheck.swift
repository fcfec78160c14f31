import Base

/// An attack that fails although it may change the image into any other.
enum UnboundedCheck: MaskingCheck {
  static let name = "unbounded"
  static let question = "Do examples stand although every image is allowed?"
  static let remedy = "the attack is broken or blind here: mifpe(), square(), bpda(net, …), transfer(…)"
  static let source = "Athalye et al. 2018, sign 3; Pintor et al. 2022, indicator 6; 1 % of the examples"

  static func measure(_ it: Examination) throws -> Measurement {
    var attack = it.ascent()
    attack.steps = max(100, it.plan.steps)
    attack.stepSize = it.wholeRadius / 40
    // What the size of logits is in the way of is for other checks.
    let usual = try it.outcome(attack, eps: it.wholeRadius).broken
    let scaled = MIFPE(steps: attack.steps, norm: it.norm)
    let rescued = try it.outcome(scaled, eps: it.wholeRadius, among: usual.map { !$0 }).broken
    let left = zip(usual, rescued).count { !$0 && !$1 }
    let share = Double(left) / Double(it.positions.count)
    return .judged(
      share, above: max(0.01, 2 * Double(left).squareRoot() / Double(it.positions.count)),
      note: "\(left) of \(it.positions.count) stand after \(attack.steps) steps of pgd and as many of mifpe")
  }
}
