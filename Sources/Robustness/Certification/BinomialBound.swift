import Platform

/// What counts say of a probability, and what a probability says of a radius.
enum BinomialBound {
  /// The lower end of the one-sided confidence interval of Clopper and Pearson (1934) for the probability of what was seen
  /// `count` times of `n`: the p at which as many or more are seen with probability alpha; 0 where nothing was seen.
  static func lower(_ count: Int, of n: Int, alpha: Double) -> Double {
    guard count > 0, n > 0 else { return 0 }
    if count >= n { return exp(log(alpha) / Double(n)) }
    return root { incompleteBeta($0, Double(count), Double(n - count + 1)) < alpha }
  }

  /// The number below which a standard normal number lies with probability p; infinite at 0 and 1.
  static func normalQuantile(_ p: Double) -> Double {
    guard p > 0 else { return -.infinity }
    guard p < 1 else { return .infinity }
    if p < 0.5 { return -normalQuantile(1 - p) }
    // By the upper tail, which keeps its digits near 1.
    return 40 * root { 0.5 * erfc(40 * $0 / 2.0.squareRoot()) > 1 - p }
  }

  /// Where a condition on [0, 1] that holds up to some point stops holding; the end where it holds.
  private static func root(_ holds: (Double) -> Bool) -> Double {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<200 {
      let middle = 0.5 * (low + high)
      if middle == low || middle == high { break }
      if holds(middle) { low = middle } else { high = middle }
    }
    return low
  }

  /// The regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz's method).
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let logBeta: Double = lgamma(a) + lgamma(b) - lgamma(a + b)
    let front = exp(a * log(x) + b * log1p(-x) - logBeta) / a
    func away(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
    var c = 1.0
    var d = 1 / away(1 - (a + b) * x / (a + 1))
    var fraction = d
    for m in 1...1_000_000 {
      let m = Double(m)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / away(1 + even * d)
      c = away(1 + even / c)
      fraction *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / away(1 + odd * d)
      c = away(1 + odd / c)
      fraction *= d * c
      if abs(d * c - 1) < 1e-15 { break }
    }
    return min(1, front * fraction)
  }
}
