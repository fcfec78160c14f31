import Base

/// A search without gradients that breaks what all attacks by gradients have left.
///
/// AutoAttack warns where Square breaks 0.2 % of all images after its other attacks, which honest networks do, too: one
/// whose robustness is known has 0.4 %. So the limit is on the survivors, and only what restarts of mifpe leave counts.
enum BlackBoxCheck: MaskingCheck {
  static let name = "black_box"
  static let question = "Does a search without gradients break what gradients do not?"
  static let remedy = "evaluate it with square(queries=5000), too, and look for a layer that hides its slope"
  static let source = "Athalye et al. 2018, sign 2; more than 1 % of the survivors, by the lower 95 % limit"

  static func measure(_ it: Examination) throws -> Measurement {
    let usual = try it.usual().broken
    let rescued = try it.rescued().broken
    let standing = zip(usual, rescued).map { !$0 && !$1 }
    let survivors = standing.count { $0 }
    guard survivors > 0 else { return .unknown("gradients break everything") }
    let square = Square(norm: it.norm, queries: it.plan.queries)
    let found = try it.outcome(square, among: standing).broken.count { $0 }
    let low = BinomialBound.lower(found, of: survivors, alpha: 0.05)
    return .judged(
      low, above: 0.01,
      note: "square breaks \(found) of the \(survivors) that pgd and mifpe with four more starts leave: "
        + "at least \((100 * low).fixed(2)) % with 95 % confidence")
  }
}
