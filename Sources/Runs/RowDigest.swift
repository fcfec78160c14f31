import Base
import Robustness

/// What a row of evidence is checked by when it is read: 16 hexadecimal digits made of all that it says. It finds what a
/// disk has lost, and is no protection against a forger.
enum RowDigest {
  static func of(_ verdict: NaturalVerdict, position: Int, id: Int, label: Int) -> String {
    digest([position, id, label, verdict.prediction] + right(verdict.right), [verdict.margin])
  }

  static func of(_ verdict: Verdict, position: Int, attack: Int) -> String {
    digest(
      [
        attack, position, verdict.id, verdict.label, verdict.prediction, verdict.brokenBy ?? -1, verdict.queries,
        verdict.gradients, verdict.foundAfterQueries, verdict.foundAfterGradients, verdict.beganFlat ? 1 : 0,
        verdict.isDisputed ? 1 : 0,
      ] + right(verdict.right), [verdict.distance ?? -1, verdict.margin])
  }

  static func of(_ image: ArraySlice<Float>) -> String { digest([image.count], image.map { Double($0) }) }

  /// Rows of models that answer alike each time say no more than they did before there were others.
  private static func right(_ answers: Int?) -> [Int] { answers.map { [$0] } ?? [] }

  private static func digest(_ numbers: [Int], _ reals: [Double]) -> String {
    var hash = Hash64()
    for number in numbers { hash.absorb(UInt64(bitPattern: Int64(number))) }
    for real in reals { hash.absorb(real.bitPattern) }
    return hash.digits
  }
}
