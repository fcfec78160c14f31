/// How far the gradient of a function is from central finite differences.
public struct GradientCheck: Sendable {
  /// The greatest |analytic − numeric| of all elements, divided by the greatest slope of all (at least 1e-3).
  public var deviation: Double
  /// Where it was found.
  public var element: Int
  public var analytic: Double
  public var numeric: Double
}

/// Compares the gradient of a scalar function with central finite differences, element by element.
///
/// - Parameters:
///   - x: the point, float32 with finite values.
///   - step: half the distance of the two evaluations.
///   - f: returns a tensor with one element.
public func checkGradients(
  at x: Tensor, step: Float = 1e-2, _ f: (Tensor) throws(CoreError) -> Tensor
) throws(CoreError) -> GradientCheck {
  let x = try x.asType(.float32).rowMajor()
  let start = x.tracked()
  let analytic = try gradients(of: f(start), withRespectTo: [start])[0].floats().map(Double.init)
  let values = x.floats()
  var numeric: [Double] = []
  for i in values.indices {
    try Compute.poll()
    var moved = values
    moved[i] = values[i] + step
    let (up, above) = (moved[i], try f(Tensor(moved, shape: x.shape)).item())
    moved[i] = values[i] - step
    let (down, below) = (moved[i], try f(Tensor(moved, shape: x.shape)).item())
    numeric.append((above - below) / (Double(up) - Double(down)))
  }
  let scale = Swift.max(1e-3, zip(analytic, numeric).reduce(0) { Swift.max($0, Swift.abs($1.0), Swift.abs($1.1)) })
  var worst = GradientCheck(deviation: 0, element: 0, analytic: 0, numeric: 0)
  for (i, pair) in zip(analytic, numeric).enumerated() {
    let deviation = Swift.abs(pair.0 - pair.1) / scale
    if deviation >= worst.deviation || deviation.isNaN {
      worst = GradientCheck(deviation: deviation, element: i, analytic: pair.0, numeric: pair.1)
      if deviation.isNaN { break }
    }
  }
  return worst
}
