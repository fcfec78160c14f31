import Base
import Tensors

/// The least difference of two logits over a ball, as branch and bound sees it: a tree of cases, in each of which some
/// undecided activations are on one side of their bend.
///
/// In a case the bound is a function of the slopes of the lines below undecided activations, and of a multiplier for each
/// activation that the case decides (the constraint that its input has that sign, taken into the objective; Wang et al.
/// 2021, β-CROWN). Any slopes and multipliers give a bound that holds, so they are improved by their gradients, which one
/// walk forward through the relaxed network gives: the derivative of the bound by a slope is the coefficient that the
/// activation's result had times the input that it has there.
struct BranchProblem: Sendable {
  /// An activation on one side of its bend.
  struct Side: Sendable, Equatable {
    /// Its place in `undecided`.
    var index: Int
    /// Whether its input is above 0.
    var isAbove: Bool
  }

  /// A case of the tree.
  struct Branch: Sendable {
    var sides: [Side] = []
    /// A multiplier for each side.
    var multipliers: [Double] = []
    /// The slope of the line below each undecided activation.
    var slopes: [Double]
    /// The best bound so far.
    var bound = -Double.infinity
    /// How much is lost by each undecided activation, at the best bound.
    var scores: [Double] = []
    /// An image near where the relaxed network takes its least value, with channels last.
    var image: [Double] = []
  }

  /// Bounds of all values, for the whole ball.
  let pass: BoundPass
  /// The difference of logits.
  let objective: CoefficientRows
  /// The activations that may lie on both sides of their bend: step and element.
  let undecided: [(step: Int, element: Int)]
  /// The range of each undecided activation's places in `undecided`, by step.
  private let places: [Int: Range<Int>]

  init(_ pass: BoundPass, _ objective: CoefficientRows) {
    self.pass = pass
    self.objective = objective
    var undecided: [(step: Int, element: Int)] = []
    var places: [Int: Range<Int>] = [:]
    for (index, step) in pass.network.steps.enumerated() {
      guard case .activation(let activation) = step.operation, activation.hasOneBend else { continue }
      let first = undecided.count
      for element in pass.low[step.input].indices
      where pass.low[step.input][element] < 0 && pass.high[step.input][element] > 0 {
        undecided.append((index, element))
      }
      places[index] = first..<undecided.count
    }
    (self.undecided, self.places) = (undecided, places)
  }

  /// The whole ball as one case, with the slopes of the pass.
  var root: Branch {
    Branch(slopes: undecided.map { pass.lines[$0.step]?.lowerSlope[$0.element] ?? 0 })
  }

  /// A case in two: an activation below and above its bend.
  func parts(of branch: Branch, at index: Int) -> [Branch] {
    [false, true].map { isAbove in
      var part = branch
      part.sides.append(Side(index: index, isAbove: isAbove))
      part.multipliers.append(0)
      return part
    }
  }

  /// The bound of a case with its slopes and multipliers as they are.
  func evaluated(_ branch: Branch) throws(CoreError) -> Double {
    try descend(branch, lines(of: branch)).bound
  }

  /// A case with slopes and multipliers that are improved in a number of steps, or until the bound is above 0.
  func improved(_ start: Branch, steps: Int) throws(CoreError) -> Branch {
    var branch = start
    var best = start
    best.bound = -.infinity
    let count = branch.slopes.count
    var first = [Double](repeating: 0, count: count + branch.sides.count)
    var second = first
    let sideOf = Dictionary(branch.sides.map { ($0.index, $0) }, uniquingKeysWith: { a, _ in a })
    var lines = lines(of: branch)
    var rate = 1.0
    var mean: [Double] = []
    for step in 1...max(steps, 1) {
      let found = try descend(branch, lines)
      let ascent = try climb(found, lines)
      if found.bound > best.bound {
        best = branch
        best.bound = found.bound
        best.scores = scores(found, lines, sideOf)
      }
      // The mean of the later worst images approaches where the relaxed network is least, which lies between corners.
      let weight = step <= steps / 2 ? 1 : 1 / Double(step - steps / 2)
      if mean.isEmpty { mean = ascent.image }
      for i in mean.indices { mean[i] += weight * (ascent.image[i] - mean[i]) }
      if best.bound > 0 || step == steps { break }
      // Adam, upwards.
      func move(_ i: Int, _ gradient: Double) -> Double {
        first[i] = 0.9 * first[i] + 0.1 * gradient
        second[i] = 0.999 * second[i] + 0.001 * gradient * gradient
        let (m, v) = (first[i] / (1 - Self.power(0.9, step)), second[i] / (1 - Self.power(0.999, step)))
        return m / (v.squareRoot() + 1e-12)
      }
      for i in 0..<count where sideOf[i] == nil {
        let (at, element) = undecided[i]
        let coefficient = found.coefficients[at]?[element] ?? 0
        guard coefficient > 0 else { continue }
        let least = pass.network.steps[at].leastSlope
        branch.slopes[i] =
          min(1, max(least, branch.slopes[i] + 0.3 * rate * move(i, coefficient * (ascent.inputs[at]?[element] ?? 0))))
        lines[at]?.lowerSlope[element] = branch.slopes[i]
      }
      for (k, side) in branch.sides.enumerated() {
        let (at, element) = undecided[side.index]
        let input = ascent.inputs[at]?[element] ?? 0
        let move = move(count + k, side.isAbove ? -input : input)
        branch.multipliers[k] = max(0, branch.multipliers[k] + 0.1 * rate * found.scale * move)
      }
      rate *= 0.95
    }
    best.image = mean
    return best
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }

  // MARK: One bound

  /// The lines of a case.
  private func lines(of branch: Branch) -> [RelaxedLines?] {
    var lines = pass.lines
    for (i, place) in undecided.enumerated() { lines[place.step]?.lowerSlope[place.element] = branch.slopes[i] }
    for side in branch.sides {
      let (step, element) = undecided[side.index]
      lines[step]?.decide(element, slope: side.isAbove ? 1 : pass.network.steps[step].leastSlope)
    }
    return lines
  }

  private struct Found {
    var bound: Double
    /// The coefficients of the results of each bent step.
    var coefficients: [Int: [Double]] = [:]
    /// The coefficients of the image.
    var image: [Double] = []
    /// The size of coefficients before undecided activations.
    var scale = 0.0
  }

  private func descend(_ branch: Branch, _ lines: [RelaxedLines?]) throws(CoreError) -> Found {
    let network = pass.network
    var found = Found(bound: 0)
    var multipliers: [Int: [(element: Int, value: Double)]] = [:]
    for (side, multiplier) in zip(branch.sides, branch.multipliers) where multiplier > 0 {
      let (step, element) = undecided[side.index]
      multipliers[network.steps[step].input, default: []].append((element, side.isAbove ? -multiplier : multiplier))
    }
    var (total, terms) = (0.0, 0)
    found.bound = try pass.lowerBounds(objective, at: network.steps.count, lines: lines) { value, rows in
      for (element, multiplier) in multipliers[value] ?? [] { rows.add(multiplier, to: element) }
      if value == 0 { found.image = rows.whole() }
      guard value > 0, network.steps[value - 1].isBent else { return }
      let coefficients = rows.whole()
      for place in places[value - 1] ?? 0..<0 {
        total += abs(coefficients[undecided[place].element])
        terms += 1
      }
      found.coefficients[value - 1] = coefficients
    }[0]
    found.scale = terms > 0 ? total / Double(terms) : 1
    return found
  }

  /// The relaxed network at its worst image: the inputs of the bent steps there.
  private func climb(
    _ found: Found, _ lines: [RelaxedLines?]
  ) throws(CoreError) -> (image: [Double], inputs: [Int: [Double]]) {
    let network = pass.network
    let image = found.image.indices.map { i in found.image[i] >= 0 ? pass.ball.low[i] : pass.ball.high[i] }
    var values = [image]
    var inputs: [Int: [Double]] = [:]
    for (index, step) in network.steps.enumerated() {
      let x = values[step.input]
      let (input, shape) = (network.shapes[step.input], network.shapes[index + 1])
      switch step.operation {
      case .convolution(let layer):
        var sums = try layer.sums(of: [(x, false)], from: input, to: shape)[0]
        let filters = layer.bias.count
        for i in sums.indices { sums[i] += layer.bias[i % filters] }
        values.append(sums)
      case .scale(let scale):
        let period = scale.scale.count
        values.append(x.indices.map { x[$0] * scale.scale[$0 % period] + scale.shift[$0 % period] })
      case .average(let windows): values.append(windows.means(of: x, from: input, to: shape))
      case .sum(let other): values.append(zip(x, values[other]).map { $0 + $1 })
      case .activation, .maxPool:
        inputs[index] = x
        guard let lines = lines[index] else { return (image, inputs) }
        let g = found.coefficients[index]
        values.append(
          (0..<shape.count).map { i in
            let x = x[lines.source?[i] ?? i]
            return (g?[i] ?? 0) >= 0
              ? lines.lowerSlope[i] * x + lines.lowerIntercept[i] : lines.upperSlope[i] * x + lines.upperIntercept[i]
          })
      }
    }
    return (image, inputs)
  }

  /// How much of the bound each undecided activation may cost: what its two lines leave between them, weighted by its
  /// coefficient (after Bunel et al. 2020).
  private func scores(_ found: Found, _ lines: [RelaxedLines?], _ sides: [Int: Side]) -> [Double] {
    undecided.indices.map { i in
      guard sides[i] == nil else { return -1 }
      let (step, element) = undecided[i]
      guard let line = lines[step], let g = found.coefficients[step]?[element] else { return 0 }
      let input = pass.network.steps[step].input
      let (l, u) = (pass.low[input][element], pass.high[input][element])
      if g < 0 { return -g * line.upperIntercept[element] }
      let slope = line.lowerSlope[element]
      return g * min(max((1 - slope) * u, slope * -l), -l, u)
    }
  }
}
