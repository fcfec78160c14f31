/// How steep the line below an undecided ReLU is.
enum LowerSlope: Sendable {
  /// 0 or 1, whichever leaves less area between the lines (CROWN, Zhang et al. 2018).
  case adaptive
  /// As the chord above (Fast-Lin, Weng et al. 2018; Wong & Kolter 2018).
  case parallel
}

/// Two lines for each element of a bent step, below and above its function wherever its input may be.
///
/// The lines hold in real arithmetic: slopes are whatever rounding makes of them, and intercepts are chosen for these
/// slopes and rounded outwards. Above an undecided ReLU lies the chord, and below it a line through 0 (`LowerSlope`).
struct RelaxedLines {
  var lowerSlope: [Double]
  var lowerIntercept: [Double]
  var upperSlope: [Double]
  var upperIntercept: [Double]
  /// The element of the input that each element of the result is bounded by; nil where they are the same.
  var source: [Int]?

  private let lower: LowerSlope

  private init(count: Int, _ lower: LowerSlope) {
    self.lower = lower
    let zeros = [Double](repeating: 0, count: count)
    (lowerSlope, lowerIntercept, upperSlope, upperIntercept) = (zeros, zeros, zeros, zeros)
  }

  /// Lines of an activation for inputs from `low` to `high`.
  init(_ activation: BoundNetwork.Activation, low: [Double], high: [Double], _ lower: LowerSlope) {
    self.init(count: low.count, lower)
    for i in low.indices { set(i, activation, low[i], high[i]) }
  }

  /// Lines of the greatest value of each window: below it, the input with the greatest lower bound; above it, the same input
  /// where no other can exceed it, else the greatest upper bound.
  init(greatestOf windows: [[Int]], low: [Double], high: [Double]) {
    self.init(count: windows.count, .adaptive)
    var source = [Int](repeating: 0, count: windows.count)
    for (i, elements) in windows.enumerated() {
      guard var best = elements.first else { continue }
      for element in elements where low[element] > low[best] { best = element }
      source[i] = best
      lowerSlope[i] = 1
      if elements.allSatisfy({ $0 == best || high[$0] <= low[best] }) {
        upperSlope[i] = 1
      } else {
        upperIntercept[i] = elements.reduce(-.infinity) { max($0, high[$1]) }
      }
    }
    self.source = source
  }

  /// Sets the lines of one element for an input from `l` to `u`.
  mutating func set(_ i: Int, _ activation: BoundNetwork.Activation, _ l: Double, _ u: Double) {
    switch activation {
    case .relu: setRamp(i, l, u, slope: 0)
    case .leakyRelu(let slope): setRamp(i, l, u, slope: slope)
    case .relu6:
      if u <= 6 { return setRamp(i, l, u, slope: 0) }
      if l >= 6 { return put(i, 0, 6, 0, 6) }
      if l >= 0 {
        // Concave: a chord below, one of its ends above.
        let chord = (6 - l) / (u - l)
        let intercept = min((l - (chord * l).nextUp).nextDown, (6 - (chord * u).nextUp).nextDown)
        return u - 6 > 6 - l ? put(i, chord, intercept, 0, 6) : put(i, chord, intercept, 1, 0)
      }
      let above = 6 / (6 - l)
      let upper = max(-(above * l).nextDown, (6 - (above * 6).nextDown).nextUp)
      let below = u >= -l ? 6 / u : 0
      put(i, below, min(0, (6 - (below * u).nextUp).nextDown), above, upper)
    }
  }

  /// max(x, slope · x), with a slope from 0 to 1.
  private mutating func setRamp(_ i: Int, _ l: Double, _ u: Double, slope: Double) {
    if l >= 0 { return put(i, 1, 0, 1, 0) }
    if u <= 0 { return put(i, slope, 0, slope, 0) }
    let chord = min(1, (u - slope * l) / (u - l))
    let intercept = max(0, ((chord - slope).nextUp * -l).nextUp, (u - (chord * u).nextDown).nextUp)
    put(i, lower == .parallel ? chord : u >= -l ? 1 : slope, 0, chord, intercept)
  }

  /// Makes one line of both, through 0: the element is on one side of its bend.
  mutating func decide(_ i: Int, slope: Double) { put(i, slope, 0, slope, 0) }

  private mutating func put(_ i: Int, _ ls: Double, _ li: Double, _ us: Double, _ ui: Double) {
    lowerSlope[i] = ls
    lowerIntercept[i] = li
    upperSlope[i] = us
    upperIntercept[i] = ui
  }
}
