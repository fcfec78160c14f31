import KernelTypes

/// Projections of points of the box [0, 1] onto hyperplanes, row by row: the bits of a row do not depend on the others.
package enum Projection {
  private static func grain(_ columns: Int) -> Int { max(1, Elementwise.grain / max(columns * 16, 1)) }

  /// d[r] = the shortest displacement in the norm that lowers ⟨w[r], t[r]⟩ by amounts[r] within the box.
  package static func ontoHyperplanes(
    _ norm: BoxNorm, _ t: UnsafePointer<Float>, _ w: UnsafePointer<Float>, amounts: UnsafePointer<Float>, rows: Int,
    columns: Int, _ d: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { range in
      for r in range {
        let i = r * columns
        kernels.projectOntoHyperplane(norm, t + i, w + i, amounts[r], columns, d + i)
      }
    }
  }

  /// y[r] = the step of FAB from x[r] around center[r], distances[r] = its distance from the centre.
  package static func boundaryStep(
    _ step: BoundaryStep, _ x: UnsafePointer<Float>, center: UnsafePointer<Float>, _ w: UnsafePointer<Float>,
    leads: UnsafePointer<Float>, rows: Int, columns: Int, _ y: UnsafeMutablePointer<Float>,
    distances: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { range in
      for r in range {
        let i = r * columns
        distances[r] = kernels.boundaryStep(step, x + i, center + i, w + i, leads[r], columns, y + i)
      }
    }
  }
}
