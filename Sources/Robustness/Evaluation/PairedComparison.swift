import Base
import Platform

/// Two evaluations of the same examples, compared in pairs.
///
/// Two models, or two attacks, that are tried on the same images differ less by chance than two shares of different
/// images would: what both get right, or both wrong, says nothing. So the difference is judged by the examples in which
/// they disagree.
public struct PairedComparison: Sendable {
  /// How many examples both have, only the first, only the second, and none.
  public let both, onlyFirst, onlySecond, neither: Int

  /// Compares flag by flag.
  ///
  /// - Throws: `value` where there are not equally many.
  public init(_ first: [Bool], _ second: [Bool]) throws(CoreError) {
    guard first.count == second.count else {
      throw CoreError(.value, "\(first.count) and \(second.count) examples are no pairs")
    }
    var counts = [0, 0, 0, 0]
    for (a, b) in zip(first, second) { counts[(a ? 0 : 2) + (b ? 0 : 1)] += 1 }
    (both, onlyFirst, onlySecond, neither) = (counts[0], counts[1], counts[2], counts[3])
  }

  /// Compares what is robust, or classified correctly, in two evaluations.
  ///
  /// - Parameter natural: compares images as they are instead of under attack.
  /// - Throws: `value` unless both are of the same examples.
  public init(_ first: Evaluation, _ second: Evaluation, natural: Bool = false) throws(CoreError) {
    guard first.n == second.n, first.ids == second.ids, first.labels == second.labels,
      first.run.dataFingerprint == second.run.dataFingerprint || first.run.dataFingerprint == nil
        || second.run.dataFingerprint == nil
    else {
      throw CoreError(
        .value,
        "the evaluations are of different examples: \(first.n) of \(first.data) and \(second.n) of \(second.data)",
        hint: "evaluate both models on the same data set", argument: "b")
    }
    if let unfinished = [first, second].first(where: { !$0.isComplete }), !natural {
      throw CoreError(
        .value, "the evaluation of \(unfinished.model) is not complete: what was not attacked would count as robust",
        hint: "finish it first: the same call of evaluate continues it")
    }
    try self.init(natural ? first.natural : first.robust, natural ? second.natural : second.robust)
  }

  /// How many examples there are.
  public var n: Int { both + onlyFirst + onlySecond + neither }
  /// The share of the first less that of the second.
  public var difference: Double { n > 0 ? Double(onlyFirst - onlySecond) / Double(n) : 0 }

  /// The exact two-sided test of McNemar (1947): how probable it is that examples in which the two disagree are divided
  /// at least as unevenly, if each were as likely to favour one as the other. 1 where they never disagree.
  public var p: Double {
    let (least, discordant) = (min(onlyFirst, onlySecond), onlyFirst + onlySecond)
    guard discordant > 0 else { return 1 }
    var tail = 0.0
    let all: Double = lgamma(Double(discordant + 1)) - Double(discordant) * log(2)
    for k in 0...least {
      let ways: Double = lgamma(Double(k + 1)) + lgamma(Double(discordant - k + 1))
      tail += exp(all - ways)
    }
    return min(1, 2 * tail)
  }

  /// The 95 % confidence interval of the difference: method 10 of Newcombe (1998), from Wilson's intervals of both
  /// shares and their correlation.
  public var interval: (low: Double, high: Double) {
    guard n > 0 else { return (-1, 1) }
    let (a, b, c, d) = (Double(both), Double(onlyFirst), Double(onlySecond), Double(neither))
    let n = Double(n)
    let first = Accuracy(correct: both + onlyFirst, n: self.n)
    let second = Accuracy(correct: both + onlySecond, n: self.n)
    let product = (a + b) * (c + d) * (a + c) * (b + d)
    // The correlation, with Newcombe's correction towards 0 where it is positive.
    let excess = a * d - b * c
    let corrected = excess > n / 2 ? excess - n / 2 : excess >= 0 ? 0 : excess
    let phi = product > 0 ? corrected / product.squareRoot() : 0
    func length(_ x: Double, _ y: Double) -> Double { max(0, x * x - 2 * phi * x * y + y * y).squareRoot() }
    return (
      difference - length(first.value - first.interval.low, second.interval.high - second.value),
      difference + length(first.interval.high - first.value, second.value - second.interval.low)
    )
  }
}
