import Base

/// Images that were wrong on the way and are right at the end: an attack that counts its last iterate alone misses them.
enum SilentSuccessCheck: MaskingCheck {
  static let name = "silent_success"
  static let question = "Does the attack lose what it had found?"
  static let remedy = "count every iterate, pgd(keep=\"best\"), as mifpe and apgd do, and take smaller steps"
  static let source = "Pintor et al. 2022, indicator 3; 2 % of the images"

  static func measure(_ it: Examination) throws -> Measurement {
    let wrong = try it.usualTrajectory().wrong
    let lost = wrong.count { $0.contains(true) && $0.last == false }
    return .judged(
      Double(lost) / Double(wrong.count), above: max(0.02, 2 * Double(lost).squareRoot() / Double(wrong.count)),
      note: "\(lost) of \(wrong.count) images were misclassified on the way and are right at the end")
  }
}
