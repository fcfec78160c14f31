import Base

/// How far the gradient of a function is from central finite differences.
public struct GradientCheck: Sendable {
  /// The greatest |analytic − numeric| of the elements compared, divided by the greatest slope of all, or by the slope
  /// that float32 values of the function, right to five units, show to a hundredth, where that is more (at least 1e-3).
  public var deviation: Double
  /// Where it was found, in row-major order.
  public var element: Int
  /// The gradient by differentiation there.
  public var analytic: Double
  /// The slope by finite differences there, of the step that agreed best.
  public var numeric: Double
  /// How many elements were compared.
  public var compared: Int
}

/// Compares the gradient of a scalar function with central finite differences, element by element.
///
/// Values are float32, their differences and quotients float64. Where the two disagree by more than a thousandth, other
/// steps are tried and the best counts: a wrong gradient fits none of them, but rounding spoils small steps, and kinks such
/// as those of relu and bends spoil large ones.
///
/// - Parameters:
///   - x: the point, float32 with finite values.
///   - elements: the positions compared, in row-major order; all when nil.
///   - step: half the distance of the two evaluations, of elements up to 1; relative to the element beyond.
///   - f: returns a tensor with one element.
public func checkGradients(
  at x: Tensor, elements: [Int]? = nil, step: Float = 1e-2, _ f: (Tensor) throws -> Tensor
) throws -> GradientCheck {
  let x = try x.asType(.float32).rowMajor()
  let start = x.tracked()
  let result = try f(start)
  let rounding = Double(Float(try result.item()).ulp) / Double(step)
  let analytic = try gradients(of: result, withRespectTo: [start])[0].floats().map(Double.init)
  let values = x.floats()

  func slope(_ element: Int, _ step: Float) throws -> Double {
    try StopSignal.poll()
    let step = step * Swift.max(1, Swift.abs(values[element]))
    var moved = values
    moved[element] = values[element] + step
    let (up, above) = (moved[element], try f(Tensor(moved, shape: x.shape)).item())
    moved[element] = values[element] - step
    let (down, below) = (moved[element], try f(Tensor(moved, shape: x.shape)).item())
    return (above - below) / (Double(up) - Double(down))
  }

  let elements = elements ?? Array(values.indices)
  var numeric: [Double] = []
  for element in elements { numeric.append(try slope(element, step)) }
  let floor = rounding.isFinite ? Swift.max(1e-3, 512 * rounding) : 1e-3
  let scale = (analytic + numeric).reduce(floor) { $1.isFinite ? Swift.max($0, Swift.abs($1)) : $0 }
  var worst = GradientCheck(
    deviation: 0, element: elements.first ?? 0, analytic: 0, numeric: 0, compared: elements.count)
  for (i, element) in elements.enumerated() {
    var best = (slope: numeric[i], deviation: Swift.abs(analytic[element] - numeric[i]) / scale)
    for factor: Float in [0x1p-2, 0x1p2, 0x1p-4, 0x1p4, 0x1p-6, 0x1p-8] where !(best.deviation <= 1e-3) {
      let other = try slope(element, step * factor)
      let deviation = Swift.abs(analytic[element] - other) / scale
      if deviation < best.deviation || best.deviation.isNaN { best = (other, deviation) }
    }
    if best.deviation >= worst.deviation || best.deviation.isNaN {
      (worst.deviation, worst.element) = (best.deviation, element)
      (worst.analytic, worst.numeric) = (analytic[element], best.slope)
      if best.deviation.isNaN { break }
    }
  }
  return worst
}
