import Foundation
import KernelTypes
import Kernels
import Testing

@Suite struct ElementwiseTests {
  /// The distance of `value` from `exact` in units of the last place of the nearest float.
  private func ulps(_ value: Float, _ exact: Double) -> Double {
    let nearest = Float(exact)
    if nearest.isNaN || value.isNaN { return nearest.isNaN && value.isNaN ? 0 : .infinity }
    if nearest.isInfinite || value.isInfinite { return nearest == value ? 0 : .infinity }
    return abs(Double(value) - exact) / Double(max(nearest.ulp, Float.leastNonzeroMagnitude))
  }

  private func apply(_ operation: UnaryOperation, _ x: [Float]) -> [Float] {
    var y = [Float](repeating: .nan, count: x.count)
    Elementwise.unary(operation, x, &y, count: x.count)
    return y
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  @Test(arguments: InstructionSet.available)
  func functionsAreAccurate(_ set: InstructionSet) {
    let wide =
      values(4000).map { $0 * 100 } + values(4000, seed: 5).map { $0 * 3 } + values(999, seed: 6).map { $0 * 1e-3 }
    let positive =
      wide.map { abs($0) + 1e-30 } + [
        1, 1.0000001, 0.99999994, Float(bitPattern: 0x1_16c2), 3e38, 0.70710677, 1.4142135,
      ]
    let unit = values(3001, seed: 7) + [0.999, -0.9999, 1e-6, -1e-8, 1e-20]
    InstructionSet.with(set) {
      func worst(_ operation: UnaryOperation, _ x: [Float], _ exact: (Double) -> Double) -> Double {
        zip(x, apply(operation, x)).map { ulps($1, exact(Double($0))) }.max() ?? 0
      }
      func limit(_ error: Double, _ most: Double) { #expect(error <= most) }
      limit(worst(.exp, wide, { exp($0) }), 1.2)
      limit(worst(.log, positive, { log($0) }), 1.5)
      limit(worst(.log1p, positive + unit, { log1p($0) }), 2.5)
      limit(worst(.tanh, wide, { tanh($0) }), 3)
      limit(worst(.atanh, unit, { atanh($0) }), 4)
      limit(worst(.sigmoid, wide.filter { $0 > -85 }, { sigmoid($0) }), 3)
      limit(worst(.softplus, wide, { softplus($0) }), 3)
      limit(worst(.silu, wide.filter { abs($0) < 80 }, { $0 * sigmoid($0) }), 4)
      limit(worst(.gelu, wide.filter { abs($0) < 12 }, { $0 * erfc(-$0 / 2.0.squareRoot()) / 2 }), 200)
      limit(worst(.gelu, wide.filter { $0 > -2 }, { $0 * erfc(-$0 / 2.0.squareRoot()) / 2 }), 8)
      limit(worst(.squareRoot, positive, { $0.squareRoot() }), 0.5)
      limit(worst(.reciprocal, positive.filter { $0 > 1e-37 }, { 1 / $0 }), 0.5)
      limit(worst(.sine, wide, { sin($0) }), 1)
      limit(worst(.errorFunction, wide, { erf($0) }), 1)
      limit(worst(.arctangent, wide, { atan($0) }), 1)
      limit(worst(.floor, wide, { $0.rounded(.down) }), 0)
      limit(worst(.round, wide, { $0.rounded(.toNearestOrEven) }), 0)
    }
  }

  @Test(arguments: InstructionSet.available)
  func specialValuesFollowIEEE(_ set: InstructionSet) {
    let x: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, 200, -200]
    InstructionSet.with(set) {
      func check(_ operation: UnaryOperation, _ expected: [Float]) {
        let y = apply(operation, x)
        for (value, wanted) in zip(y, expected) {
          #expect(value == wanted || (value.isNaN && wanted.isNaN), "\(operation): \(y)")
        }
      }
      check(.exp, [.nan, .infinity, 0, 1, 1, .infinity, 0])
      check(.log, [.nan, .infinity, .nan, -.infinity, -.infinity, Float(log(200.0)), .nan])
      check(.tanh, [.nan, 1, -1, 0, 0, 1, -1])
      check(.sigmoid, [.nan, 1, 0, 0.5, 0.5, 1, 0])
      check(.softplus, [.nan, .infinity, 0, Float(log(2.0)), Float(log(2.0)), 200, 0])
      check(.relu, [.nan, .infinity, 0, 0, 0, 200, 0])
      check(.relu6, [.nan, 6, 0, 0, 0, 6, 0])
      check(.gelu, [.nan, .infinity, .nan, 0, 0, 200, 0])
      check(.sign, [.nan, 1, -1, 0, 0, 1, -1])
      check(.absolute, [.nan, .infinity, .infinity, 0, 0, 200, 200])
      check(.log1p, [.nan, .infinity, .nan, 0, 0, Float(log1p(200.0)), .nan])
      let other: [Float] = [1, .nan, .nan, 1, 1, .nan, 3]
      var y = [Float](repeating: 0, count: 7)
      Elementwise.binary(.maximum, x, other, &y, count: 7)
      #expect(y[0].isNaN && y[1].isNaN && y[2].isNaN && y[3] == 1 && y[5].isNaN && y[6] == 3)
      Elementwise.binary(.minimum, x, other, &y, count: 7)
      #expect(y[0].isNaN && y[1].isNaN && y[3] == 0 && y[6] == -200)
      Elementwise.clip(x, -1, 1, &y, count: 7)
      #expect(y[0].isNaN && y[1] == 1 && y[2] == -1 && y[3] == 0)
    }
  }

  @Test(arguments: [0, 1, 7, 8, 9, 33, 16_384, 40_001])
  func binaryOperationsBroadcast(_ count: Int) {
    let a = values(count)
    let b = values(count, seed: 2)
    var y = [Float](repeating: .nan, count: count)
    Elementwise.binary(.subtract, a, b, &y, count: count)
    #expect(y == zip(a, b).map { $0 - $1 })
    let scalar: [Float] = [0.75]
    scalar.withUnsafeBufferPointer { s in
      a.withUnsafeBufferPointer { p in
        guard let s = s.baseAddress, let p = p.baseAddress else { return }
        Elementwise.binary(
          .multiply, .row(p), .scalar(s), &y, rows: 1, columns: count)
      }
    }
    #expect(y == a.map { $0 * 0.75 })
    let rows = 3
    var z = [Float](repeating: .nan, count: rows * count)
    let column: [Float] = [1, 2, 3]
    a.withUnsafeBufferPointer { p in
      column.withUnsafeBufferPointer { c in
        guard let p = p.baseAddress, let c = c.baseAddress else { return }
        Elementwise.binary(.add, .row(p), .column(c), &z, rows: rows, columns: count)
      }
    }
    #expect(z == column.flatMap { c in a.map { $0 + c } })
  }

  @Test func gradientsOfFunctions() {
    let x = values(100).map { $0 * 4 }
    let dy = values(100, seed: 2)
    func check(_ operation: BinaryOperation, saved: [Float], _ slope: (Double) -> Double) {
      var dx = [Float](repeating: .nan, count: 100)
      Elementwise.binary(operation, saved, dy, &dx, count: 100)
      #expect(relativeError(dx, zip(x, dy).map { slope(Double($0)) * Double($1) }) < 1e-6, "\(operation)")
    }
    check(.reluGradient, saved: x) { $0 > 0 ? 1 : 0 }
    check(.absoluteGradient, saved: x) { $0 > 0 ? 1 : -1 }
    check(.sigmoidGradient, saved: apply(.sigmoid, x)) { sigmoid($0) * (1 - sigmoid($0)) }
    check(.tanhGradient, saved: apply(.tanh, x)) { 1 - tanh($0) * tanh($0) }
    check(.softplusGradient, saved: x) { sigmoid($0) }
    check(.relu6Gradient, saved: x.map { $0 * 2 }) { $0 > 0 && $0 < 3 ? 1 : 0 }
    check(.geluGradient, saved: x) {
      erfc(-$0 / 2.0.squareRoot()) / 2 + $0 * exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot()
    }
    check(.siluGradient, saved: x) { sigmoid($0) * (1 + $0 * (1 - sigmoid($0))) }
  }

  @Test func signStepStaysInTheBall() {
    let center = values(1000).map { ($0 + 1) / 2 }
    let gradient = values(1000, seed: 2)
    var x = center
    for _ in 0..<20 {
      Elementwise.signStep(
        x, gradient: gradient, center: center, step: 0.01, eps: 0.05, low: 0, high: 1, &x, count: 1000)
    }
    for i in 0..<1000 {
      let wanted = min(max(center[i] + (gradient[i] > 0 ? 0.05 : -0.05), 0), 1)
      #expect(abs(x[i] - wanted) < 1e-6)
    }
  }

  @Test(arguments: [false, true])
  func sgdAsDefined(_ nesterov: Bool) {
    let gradient = values(21)
    var w = values(21, seed: 2)
    var v = [Float](repeating: 0, count: 21)
    var (ws, vs) = (w, v)
    for _ in 0..<3 {
      Elementwise.sgd(
        &w, velocity: &v, gradient: gradient, count: 21, rate: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: nesterov
      )
      for i in 0..<21 {
        let g = gradient[i] + 0.01 * ws[i]
        vs[i] = 0.9 * vs[i] + g
        ws[i] -= 0.1 * (nesterov ? g + 0.9 * vs[i] : vs[i])
      }
    }
    #expect(relativeError(w, ws.map(Double.init)) < 1e-6)
    #expect(relativeError(v, vs.map(Double.init)) < 1e-6)
  }
}

extension Elementwise.Operand {
  fileprivate static func scalar(_ value: UnsafePointer<Float>) -> Self { Self(value, rowStep: 0, columnStep: 0) }
  /// One value for each column.
  fileprivate static func row(_ values: UnsafePointer<Float>) -> Self { Self(values, rowStep: 0, columnStep: 1) }
  /// One value for each row.
  fileprivate static func column(_ values: UnsafePointer<Float>) -> Self { Self(values, rowStep: 1, columnStep: 0) }
}
