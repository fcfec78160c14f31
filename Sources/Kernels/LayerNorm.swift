import KernelTypes

/// Layer normalisation of the rows of a matrix, each by its own mean and variance. A row is worked on as a whole, so that
/// its bits do not depend on the other rows.
package enum LayerNorm {
  private static func grain(_ columns: Int) -> Int { max(1, Elementwise.grain / max(columns, 1)) }

  /// y = (x − mean) / √(variance + eps) · weight + bias.
  package static func forward(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, weight: UnsafePointer<Float>?, bias: UnsafePointer<Float>?,
    eps: Float, _ y: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      let i = r.lowerBound * columns
      kernels.layerNorm(x + i, r.count, columns, weight, bias, eps, y + i)
    }
  }

  /// dx from dy.
  package static func gradient(
    _ x: UnsafePointer<Float>, dy: UnsafePointer<Float>, rows: Int, columns: Int, weight: UnsafePointer<Float>?,
    eps: Float, _ dx: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      let i = r.lowerBound * columns
      kernels.layerNormGradient(x + i, dy + i, r.count, columns, weight, eps, dx + i)
    }
  }
}
