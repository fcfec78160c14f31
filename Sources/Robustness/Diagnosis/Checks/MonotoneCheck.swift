import Base

/// Robust accuracy that rises with the radius: a larger ball holds the smaller one, so that the attack has failed.
enum MonotoneCheck: MaskingCheck {
  static let name = "monotone"
  static let question = "Does the attack break less in a larger ball?"
  static let remedy = "more steps and starts at the larger radius; what was found in the smaller ball breaks there, too"
  static let source = "Carlini et al. 2019, section 5; 0.5 points of accuracy"

  static func measure(_ it: Examination) throws -> Measurement {
    var rows: [Measurement.Row] = []
    var last: [Bool]?
    var worst = (net: -Double.infinity, threshold: 0.0, note: "")
    for factor in [0.25, 0.5, 1, 2, 4] {
      let eps = min(it.eps * factor, it.wholeRadius)
      var attack = it.ascent()
      attack.stepSize = it.stepSize(in: eps)
      let found = factor == 1 ? try it.usual() : try it.outcome(attack, eps: eps)
      if let last {
        let (net, deviation) = it.gain(of: last, over: found.broken)
        let threshold = max(0.005, deviation)
        if net - threshold > worst.net - worst.threshold {
          worst = (
            net, threshold,
            "\(it.leaves(last)) are left before, \(it.leaves(found.broken)) at eps=\(eps.asRadius)"
          )
        }
        rows.append(
          .init("eps=\(eps.asRadius)", ["eps": eps, "left": Double(found.left)], isFlagged: net > threshold))
      } else {
        rows.append(.init("eps=\(eps.asRadius)", ["eps": eps, "left": Double(found.left)]))
      }
      last = found.broken
      if eps == it.wholeRadius { break }
    }
    guard rows.count > 1 else { return .unknown("there is no radius to compare with") }
    let left = rows.map { "\(Int($0["left"] ?? 0))" }.joined(separator: ", ")
    return .judged(
      worst.net, above: worst.threshold,
      note: worst.net > worst.threshold ? worst.note : "from \(rows[0].name) on there are left: \(left)", rows: rows)
  }
}
