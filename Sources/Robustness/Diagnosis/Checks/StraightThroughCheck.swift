import Base
import Networks

/// The gradient that passes layers that round or cut as if they were not there: where it finds more, their own gradient
/// hid it.
enum StraightThroughCheck: MaskingCheck {
  static let name = "straight_through"
  static let question = "Does a gradient that passes straight through layers without slope break more?"
  static let remedy = "report transfer(mifpe(restarts=5), from=bpda(net, …)) with the names of these layers"
  static let source = "Athalye et al. 2018 (BPDA); 0.5 points of accuracy"

  static func measure(_ it: Examination) throws -> Measurement {
    let layers = try it.model.steppedLayers()
    guard !layers.isEmpty else {
      return .judged(0, above: 0.005, note: "every layer of the network has a slope")
    }
    let view = try it.model.bpda(layers)
    let usual = try it.usual().broken
    let straight = try it.outcome(Transfer(it.ascent(), from: view)).broken
    let scaled = try it.outcome(Transfer(MIFPE(steps: it.plan.steps, norm: it.norm), from: view)).broken
    let best = straight.count { $0 } > scaled.count { $0 } ? straight : scaled
    return it.judgedGain(
      of: best, over: usual, least: 0.005,
      note: "the gradient leaves \(it.leaves(usual)), straight through \(layers.joined(separator: ", ")) "
        + it.leaves(best))
  }
}
