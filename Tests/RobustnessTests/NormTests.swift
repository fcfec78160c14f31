import Base
import Robustness
import Tensors
import Testing

/// Distances, projections and steps of each norm against their definitions.
@Suite struct NormTests {
  static let norms = Array(Norm.allCases)
  private let shape = [5, 2, 3, 4]

  private func random(_ purpose: String, _ scale: Float = 1) throws -> Tensor {
    try Tensor.normal(shape, deviation: scale, stream: RandomStream(seed: 1, purpose: purpose))
  }

  private func rows(_ x: Tensor) -> [[Double]] {
    let values = x.floats().map(Double.init)
    return (0..<shape[0]).map { Array(values[$0 * 24..<($0 + 1) * 24]) }
  }

  private func length(_ row: [Double], _ norm: Norm) -> Double {
    switch norm {
    case .linf: row.map(abs).max() ?? 0
    case .l2: row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    case .l1: row.reduce(0) { $0 + abs($1) }
    }
  }

  @Test(arguments: norms)
  func distancesAreThoseOfTheDefinition(_ norm: Norm) throws {
    let (a, b) = (try random("a"), try random("b"))
    let expected = zip(rows(a), rows(b)).map { length(zip($0, $1).map { $0 - $1 }, norm) }
    for (found, expected) in zip(try norm.distance(a, b), expected) { #expect(abs(Double(found) - expected) < 1e-5) }
  }

  /// What comes out lies in the ball; what lay there stays; no point of the ball is nearer in the Euclidean sense.
  @Test(arguments: norms, [0, 0.3, 2.5, 1000])
  func projectionsAreTheNearestPoints(_ norm: Norm, _ eps: Double) throws {
    let (x, center) = (try random("x"), try random("center"))
    let projected = try norm.project(x, around: center, eps: eps)
    #expect(try norm.distance(projected, center).allSatisfy { Double($0) <= eps * (1 + 1e-5) + 1e-6 })
    let again = try norm.project(projected, around: center, eps: eps)
    #expect(zip(again.floats(), projected.floats()).allSatisfy { abs($0 - $1) < 1e-4 })
    let distance = try Norm.l2.distance(x, projected)
    for k in 0..<50 {
      let change = try norm.steepest(random("other \(k)")) * Float(eps)
      let other = try center + change * Float(k) / 49
      #expect(try norm.distance(other, center).allSatisfy { Double($0) <= eps * (1 + 1e-5) + 1e-6 })
      #expect(zip(try Norm.l2.distance(x, other), distance).allSatisfy { $0 >= $1 - 1e-4 }, "\(norm), eps \(eps)")
    }
  }

  /// Of all changes of length 1, none has a larger inner product with the slope.
  @Test(arguments: norms)
  func stepsAreSteepest(_ norm: Norm) throws {
    let slope = try random("slope")
    let step = try norm.steepest(slope)
    #expect(try norm.length(step).floats().allSatisfy { abs($0 - 1) < 1e-4 })
    let gain = try (slope * step).sum(axes: [1, 2, 3]).floats()
    for k in 0..<50 {
      let other = try random("other \(k)")
      let inner = try (slope * (other / norm.length(other))).sum(axes: [1, 2, 3]).floats()
      #expect(zip(inner, gain).allSatisfy { $0 <= $1 + 1e-4 })
    }
    #expect(try norm.steepest(slope * 0).floats().allSatisfy { $0 == 0 })
  }

  @Test(arguments: norms)
  func aStepEndsInBallAndBox(_ norm: Norm) throws {
    let center = try Tensor.uniform(shape, from: 0, to: 1, stream: RandomStream(seed: 1, purpose: "box"))
    let x = try norm.step(center, along: random("slope"), around: center, step: 3, eps: 0.4)
    #expect(try norm.distance(x, center).allSatisfy { Double($0) <= 0.4 + norm.tolerance(of: 0.4, values: 64) })
    #expect(x.floats().allSatisfy { $0 >= 0 && $0 <= 1 })
  }

  @Test func aRadiusAboveOneIsGreyLevelsInLinfOnly() throws {
    #expect(throws: CoreError.self) { try Norm.linf.require(radius: 8) }
    try Norm.l2.require(radius: 8)
    for norm in Self.norms {
      for eps in [-1, .nan, .infinity, 1e39] { #expect(throws: CoreError.self) { try norm.require(radius: eps) } }
    }
  }
}
