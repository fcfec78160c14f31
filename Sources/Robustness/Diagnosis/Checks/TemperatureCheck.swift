import Base
import Networks

/// The same network at other temperatures, whose classes are all the same: what an attack finds must not depend on it.
///
/// The table shows what the cross-entropy leaves at each scale of the logits, and what mifpe does, which is the same
/// everywhere. Any network is masked at some of these scales; what is judged is the one that it has.
enum TemperatureCheck: MaskingCheck {
  static let name = "temperature"
  static let question = "Does the attack break more at another temperature?"
  static let remedy = "attack at the temperature of the best row, at(net, T=…), or with mifpe() at any"
  static let source = "arXiv 2402.17509 (calibrate before attacking); 1.5 points of accuracy, as loss_swap"

  /// By what the logits are multiplied.
  static let scales = [1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000, 1e4]

  static func measure(_ it: Examination) throws -> Measurement {
    let usual = try it.usual().broken
    var best = (scale: 1.0, broken: usual)
    var rows: [Measurement.Row] = []
    let attack = MIFPE(steps: it.plan.steps, norm: it.norm)
    var (least, most) = (Int.max, 0)
    for scale in scales {
      let view: Model?
      do { view = scale == 1 ? nil : try it.model.at(temperature: Float(1 / scale)) } catch { continue }
      let found = scale == 1 ? try it.usual() : try it.outcome(it.ascent(), on: view)
      let rescued = try it.outcome(attack, on: view)
      let (net, deviation) = it.gain(of: rescued.broken, over: found.broken)
      rows.append(
        .init(
          "logits x \(scale.general(4))",
          [
            "scale": scale, "ce": Double(found.left), "without_gradient": Double(found.beganFlat.count { $0 }),
            "rescued": Double(rescued.left),
          ], isFlagged: net > max(LossSwapCheck.threshold, deviation)))
      (least, most) = (min(least, rescued.left), max(most, rescued.left))
      if found.broken.count(where: { $0 }) > best.broken.count(where: { $0 }) { best = (scale, found.broken) }
    }
    let spread = most > least ? "; mifpe from \(least) to \(most)" : "; mifpe \(least) at all"
    return it.judgedGain(
      of: best.broken, over: usual, least: LossSwapCheck.threshold,
      note: "as it is the cross-entropy leaves \(it.leaves(usual)), with logits x \(best.scale.general(4)) "
        + it.leaves(best.broken) + spread, rows: rows)
  }
}
