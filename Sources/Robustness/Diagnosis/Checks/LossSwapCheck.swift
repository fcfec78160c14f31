import Base
import Tensors

/// Other losses that find more than the cross-entropy: soft labels and high temperatures flatter attacks by that loss
/// alone.
enum LossSwapCheck: MaskingCheck {
  static let name = "loss_swap"
  static let question = "Does another loss break more than the cross-entropy?"
  static let remedy = "report the accuracy under margins: pgd(objective=\"margin\"), apgd(loss=\"dlr\"), mifpe()"
  static let source = "Carlini et al. 2019; 1.5 points of accuracy, twice what networks of known robustness show"

  static func measure(_ it: Examination) throws -> Measurement {
    let usual = try it.usual().broken
    var losses: [AttackLoss] = [.margin, .probabilityMargin]
    if it.model.classes >= AttackLoss.dlr.leastClasses(isTargeted: false) { losses.append(.dlr) }
    var best = usual
    var rows = [Measurement.Row("ce", ["left": Double(usual.count { !$0 })])]
    for loss in losses {
      let broken = try it.outcome(it.ascent(loss)).broken
      let (net, deviation) = it.gain(of: broken, over: usual)
      rows.append(
        .init(loss.rawValue, ["left": Double(broken.count { !$0 })], isFlagged: net > max(threshold, deviation)))
      if broken.count(where: { $0 }) > best.count(where: { $0 }) { best = broken }
    }
    let found = rows.map { "\($0.name) \(Int($0["left"] ?? 0))" }.joined(separator: ", ")
    return it.judgedGain(of: best, over: usual, least: threshold, note: "left of \(it.n): \(found)", rows: rows)
  }

  /// The points of accuracy by which another loss may be better.
  static let threshold = 0.015
}
