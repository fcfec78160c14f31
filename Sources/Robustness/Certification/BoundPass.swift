import Base
import Tensors

/// Bounds of everything that a network computes of one example, for all images of a ball around it.
///
/// Interval bounds go forward, from the box to each value. Linear bounds go backward (CROWN, Zhang et al. 2018): a linear
/// function of a value becomes one of the value before, with a line in place of each bent function, until it is one of
/// the image, whose least value in the ball is known. Where an input of a bent step may lie on both sides of the bend,
/// its own bounds are found so as well, layer by layer, since the lines depend on them.
///
/// **What is proven.** Bounds hold in real arithmetic for the network whose weights, statistics and images are the float32
/// numbers as they are. All is computed in double precision, and each rounding is paid for. The backward pass takes the
/// coefficients that it computed for the true ones and adds what the difference can amount to: for a sum of n products
/// that is at most γ_n · Σ|g|·|W|·H, where H bounds the magnitudes of the values that the coefficients meet. |W|·H comes
/// from the forward pass, so that the price is a dot product (`weights`). Results are rounded outwards by twice that.
/// What is not covered: that the network runs in float32, where logits are rounded by some 1e-6, and subnormal numbers,
/// which are given 1e-200 all together.
struct BoundPass {
  let network: BoundNetwork
  let ball: CertifiedBall
  /// Whether bounds of the inputs of bent steps are found by going backward.
  let isLinear: Bool
  /// The line below undecided ReLUs.
  let slope: LowerSlope
  private(set) var low: [[Double]] = []
  private(set) var high: [[Double]] = []
  /// What a coefficient of 1 may cost in rounding at each element of each value, in units of `gamma`.
  private(set) var weights: [[Double]] = []
  private(set) var lines: [RelaxedLines?]
  private let known: (low: [[Double]], high: [[Double]])?

  /// Bounds of all values.
  ///
  /// - Parameter known: bounds of the same values that were found before; the better of both count.
  /// - Throws: `interrupted` when the user stops it.
  init(
    _ network: BoundNetwork, _ ball: CertifiedBall, isLinear: Bool, slope: LowerSlope = .adaptive,
    known: BoundPass? = nil
  ) throws(CoreError) {
    self.network = network
    self.slope = slope
    self.known = known.map { ($0.low, $0.high) }
    self.ball = ball
    self.isLinear = isLinear
    lines = Array(repeating: nil, count: network.steps.count)
    low = [ball.low]
    high = [ball.high]
    weights = [zip(ball.low, ball.high).map { max(abs($0), abs($1)) }]
    for index in network.steps.indices { try advance(index) }
  }

  /// Lower bounds of linear functions of a value, in real arithmetic.
  ///
  /// - Parameters:
  ///   - stopsAtBends: whether bounds of the last bent steps take the place of what lies before them: interval bounds.
  ///   - lines: other lines than those of the pass, which must hold, too.
  ///   - visit: is shown the coefficients of each value that is reached, and may add to them what is at most 0 there.
  func lowerBounds(
    _ rows: CoefficientRows, at value: Int, stopsAtBends: Bool = false, lines: [RelaxedLines?]? = nil,
    visit: ((_ value: Int, _ rows: inout CoefficientRows) -> Void)? = nil
  ) throws(CoreError) -> [Double] {
    let lines = lines ?? self.lines
    var state = Descent(rows.count)
    var pending = [CoefficientRows?](repeating: nil, count: value + 1)
    pending[value] = rows
    for v in stride(from: value, through: 0, by: -1) {
      guard var g = pending[v].take() else { continue }
      try StopSignal.poll()
      visit?(v, &g)
      state.charge(g, weights[v])
      guard v > 0 else {
        ball.minimise(g, &state)
        continue
      }
      let step = network.steps[v - 1]
      if stopsAtBends, step.isBent {
        state.minimise(g, low[v], high[v])
        continue
      }
      func add(_ rows: CoefficientRows, to value: Int) {
        if let before = pending[value] { pending[value] = before + rows } else { pending[value] = rows }
      }
      let shape = network.shapes[step.input]
      switch step.operation {
      case .convolution(let layer):
        state.constant(g, repeating: layer.bias)
        add(try g.pulled(through: layer, to: shape), to: step.input)
      case .scale(let scale):
        state.constant(g, repeating: scale.shift)
        add(g.scaled(by: scale.scale), to: step.input)
      case .average(let windows): add(g.spread(over: windows, to: shape), to: step.input)
      case .sum(let other):
        add(g, to: step.input)
        add(g, to: other)
      case .activation, .maxPool:
        guard let lines = lines[v - 1] else { continue }
        add(g.relaxed(by: lines, windows: step.operation.windows, to: shape, &state), to: step.input)
      }
    }
    return state.bounds(gamma: network.gamma)
  }

  // MARK: Forward

  private mutating func advance(_ index: Int) throws(CoreError) {
    let step = network.steps[index]
    if step.isBent, isLinear { try tighten(step.input, for: index) }
    let (l, h) = (low[step.input], high[step.input])
    let reach = zip(l, h).map { max(abs($0), abs($1)) }
    let (shape, input) = (network.shapes[index + 1], network.shapes[step.input])
    let gamma = 2 * network.gamma
    var (newLow, newHigh, weight): ([Double], [Double], [Double])
    switch step.operation {
    case .convolution(let layer):
      let (centre, radius) = Self.centred(l, h)
      let sums = try layer.sums(
        of: [(centre, false), (radius, true), (reach, true)], from: input, to: shape)
      let filters = layer.bias.count
      weight = sums[2]
      for i in weight.indices { weight[i] += abs(layer.bias[i % filters]) }
      (newLow, newHigh) = (sums[0], sums[0])
      for i in newLow.indices {
        let (middle, spread) = (sums[0][i] + layer.bias[i % filters], sums[1][i] + gamma * weight[i])
        newLow[i] = middle - spread
        newHigh[i] = middle + spread
      }
    case .scale(let scale):
      (newLow, newHigh, weight) = (l, h, reach)
      let period = scale.scale.count
      for i in l.indices {
        let (s, t) = (scale.scale[i % period], scale.shift[i % period])
        newLow[i] = s * (s >= 0 ? l[i] : h[i]) + t
        newHigh[i] = s * (s >= 0 ? h[i] : l[i]) + t
        weight[i] = abs(s) * reach[i] + scale.magnitude[i % period]
      }
    case .average(let windows):
      (newLow, newHigh, weight) = (
        windows.means(of: l, from: input, to: shape), windows.means(of: h, from: input, to: shape),
        windows.means(of: reach, from: input, to: shape)
      )
    case .sum(let other):
      newLow = zip(l, low[other]).map { $0 + $1 }
      newHigh = zip(h, high[other]).map { $0 + $1 }
      weight = zip(newLow, newHigh).map { max(abs($0), abs($1)) }
    case .activation(let activation):
      let made = RelaxedLines(activation, low: l, high: h, slope)
      lines[index] = made
      newLow = l.map { activation.value($0).nextDown }
      newHigh = h.map { activation.value($0).nextUp }
      weight = made.weights(reach)
    case .maxPool(let windows):
      let elements = windows.elements(from: input, to: shape)
      let made = RelaxedLines(greatestOf: elements, low: l, high: h)
      lines[index] = made
      newLow = elements.map { $0.reduce(-.infinity) { max($0, l[$1]) } }
      newHigh = elements.map { $0.reduce(-.infinity) { max($0, h[$1]) } }
      weight = made.weights(reach)
    }
    // Outwards, by what the rounding of the sums and of the last addition may be.
    for i in newLow.indices {
      let ends = max(abs(newLow[i]), abs(newHigh[i]))
      let margin = step.isBent ? 0 : gamma * (weight[i] + ends) + 1e-200
      newLow[i] -= margin
      newHigh[i] += margin
      weight[i] += ends
    }
    if let known {
      for i in newLow.indices {
        newLow[i] = max(newLow[i], known.low[index + 1][i])
        newHigh[i] = min(newHigh[i], known.high[index + 1][i])
      }
    }
    low.append(newLow)
    high.append(newHigh)
    weights.append(weight)
  }

  /// Centres and radii of intervals, which they cover.
  private static func centred(_ low: [Double], _ high: [Double]) -> (centre: [Double], radius: [Double]) {
    let centre = zip(low, high).map { 0.5 * $0 + 0.5 * $1 }
    return (centre, centre.indices.map { max((high[$0] - centre[$0]).nextUp, (centre[$0] - low[$0]).nextUp) })
  }

  /// Bounds the elements of a value backward that lie on both sides of a bend.
  private mutating func tighten(_ value: Int, for index: Int) throws(CoreError) {
    if network.isExact[value], ball.norm == .linf { return }
    let elements = network.steps[index].undecided(
      low[value], high[value], from: network.shapes[value], to: network.shapes[index + 1])
    // Few rows at a time: they may be wide.
    let most = max(1, (1 << 21) / max(network.widest, 1))
    for first in stride(from: 0, to: elements.count, by: most) {
      let part = elements[first..<min(first + most, elements.count)]
      let rows = CoefficientRows(network.shapes[value], elements: part.map { ($0, 1) } + part.map { ($0, -1) })
      let bounds = try lowerBounds(rows, at: value)
      for (i, element) in part.enumerated() {
        low[value][element] = max(low[value][element], bounds[i])
        high[value][element] = min(high[value][element], -bounds[part.count + i])
      }
    }
  }
}

/// What a backward pass has gathered for each of its rows.
struct Descent {
  /// The part of the bound that depends on nothing further back.
  private(set) var constants: [Double]
  /// What rounding may have cost, in units of gamma.
  private(set) var errors: [Double]

  init(_ count: Int) {
    constants = [Double](repeating: 0, count: count)
    errors = constants
  }

  /// Rounded down by twice what rounding may have cost; minus infinity where that is no number.
  func bounds(gamma: Double) -> [Double] {
    zip(constants, errors).map { constant, error in
      let bound = (constant - (2 * gamma * error + 1e-200)).nextDown
      return bound.isNaN ? -.infinity : bound
    }
  }

  /// Adds to a row.
  mutating func add(_ row: Int, constant: Double = 0, error: Double = 0) {
    constants[row] += constant
    errors[row] += error
  }

  /// Pays for the rounding of coefficients.
  mutating func charge(_ rows: CoefficientRows, _ weights: [Double]) {
    rows.values.withUnsafeBufferPointer { g in
      weights.withUnsafeBufferPointer { weights in
        rows.forRuns { row, element, place, count in
          var (a, b) = (SIMD4<Double>.zero, 0.0)
          var i = 0
          while i &+ 4 <= count {
            let g = SIMD4(g[place &+ i], g[place &+ i &+ 1], g[place &+ i &+ 2], g[place &+ i &+ 3])
            let w = SIMD4(
              weights[element &+ i], weights[element &+ i &+ 1], weights[element &+ i &+ 2],
              weights[element &+ i &+ 3])
            a += g.replacing(with: -g, where: g .< 0) * w
            i &+= 4
          }
          while i < count {
            b += abs(g[place &+ i]) * weights[element &+ i]
            i &+= 1
          }
          errors[row] += a.sum() + b
        }
      }
    }
  }

  /// Adds the products of coefficients and constants, which repeat along the elements.
  mutating func constant(_ rows: CoefficientRows, repeating values: [Double]) {
    let period = values.count
    rows.values.withUnsafeBufferPointer { g in
      values.withUnsafeBufferPointer { values in
        rows.forRuns { row, element, place, count in
          var sum = 0.0
          var at = element % period
          for i in 0..<count {
            sum += g[place &+ i] * values[at]
            at &+= 1
            if at == period { at = 0 }
          }
          constants[row] += sum
        }
      }
    }
  }

  /// Adds the least values for inputs from `low` to `high`.
  mutating func minimise(_ rows: CoefficientRows, _ low: [Double], _ high: [Double]) {
    rows.values.withUnsafeBufferPointer { g in
      low.withUnsafeBufferPointer { low in
        high.withUnsafeBufferPointer { high in
          rows.forRuns { row, element, place, count in
            var sum = 0.0
            for i in 0..<count {
              let g = g[place &+ i]
              sum += g >= 0 ? g * low[element &+ i] : g * high[element &+ i]
            }
            constants[row] += sum
          }
        }
      }
    }
  }
}
