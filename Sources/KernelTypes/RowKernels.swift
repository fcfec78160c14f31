/// What many values become; the extrema are NaN if any value is.
package enum Reduction: Sendable, CaseIterable { case sum, maximum, minimum }

/// Kernels over the contiguous rows of a matrix.
package protocol RowKernels {
  /// y[r] of x[r, ·]: sums in a fixed blocked order; ∓inf for the extrema of nothing.
  static func reduceRows(_ reduction: Reduction, _ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats)
  /// y[c] of x[·, c].
  static func reduceColumns(_ reduction: Reduction, _ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats)
  /// Sum of all values, in a fixed blocked order, in double precision between blocks of 512.
  static func sum(_ x: Floats, _ count: Int) -> Double
  /// y = softmax(x · scale) by rows.
  static func softmax(_ x: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ y: MutableFloats)
  /// y = log softmax(x · scale) by rows.
  static func logSoftmax(_ x: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ y: MutableFloats)
  /// dx = scale · y · (dy − Σ dy · y) by rows, y = softmax(x · scale).
  static func softmaxGradient(
    _ y: Floats, _ dy: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ dx: MutableFloats)
  /// dx = scale · (dy − exp(y) · Σ dy) by rows, y = log softmax(x · scale).
  static func logSoftmaxGradient(
    _ y: Floats, _ dy: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ dx: MutableFloats)
  /// [rows, columns] to [columns, rows].
  static func transpose(_ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats)
}
