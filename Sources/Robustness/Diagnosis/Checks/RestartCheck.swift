import Base

/// An attack whose result depends on where it begins: one start is then too few.
enum RestartCheck: MaskingCheck {
  static let name = "restarts"
  static let question = "Do random starts break more?"
  static let remedy = "more starts: mifpe(restarts=20), pgd(restarts=20); until more change nothing"
  static let source = "Carlini et al. 2019, section 5; 2 points of accuracy, since more can only find more"

  static func measure(_ it: Examination) throws -> Measurement {
    let usual = try it.usual().broken
    var drawn = it.ascent()
    (drawn.start, drawn.restarts) = (.uniform, 4)
    let more = zip(usual, try it.outcome(drawn, among: usual.map { !$0 }).broken).map { $0 || $1 }
    return it.judgedGain(
      of: more, over: usual, least: 0.02,
      note: "one start leaves \(it.leaves(usual)), four more starts \(it.leaves(more))")
  }
}
