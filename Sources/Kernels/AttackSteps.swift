import KernelTypes

/// Steps of attacks on the rows of a matrix, each an example with a step size of its own. A row is worked on as a whole,
/// so that its bits do not depend on the other rows.
package enum AttackSteps {
  private static func grain(_ columns: Int) -> Int { max(1, Elementwise.grain / max(columns, 1)) }

  /// A step with momentum in the Linf ball, or in that of L2 (`AttackKernels`).
  package static func momentum(
    _ x: UnsafePointer<Float>, previous: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
    center: UnsafePointer<Float>, steps: UnsafePointer<Float>, share: Float, eps: Float, isSign: Bool,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      for row in r {
        let i = row * columns
        if isSign {
          kernels.momentumSignStep(
            x + i, previous + i, gradient + i, center + i, step: steps[row], share: share, eps: eps, y + i, columns)
        } else {
          kernels.momentumNormalStep(
            x + i, previous + i, gradient + i, center + i, step: steps[row], share: share, eps: eps, y + i, columns)
        }
      }
    }
  }

  /// A step in the L1 ball along the values with the greatest slopes (`AttackKernels`).
  package static func sparse(
    _ x: UnsafePointer<Float>, gradient: UnsafePointer<Float>, center: UnsafePointer<Float>,
    steps: UnsafePointer<Float>, ranks: UnsafePointer<Float>, eps: Float, _ y: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: max(1, grain(columns) / 8)) { r in
      for row in r {
        let i = row * columns
        let rank = min(max(Int(exactly: ranks[row].rounded(.towardZero)) ?? 0, 0), columns - 1)
        kernels.sparseStep(x + i, gradient + i, center + i, step: steps[row], rank: rank, eps: eps, y + i, columns)
      }
    }
  }

  /// The nearest points of the L1 ball around the center and of the box 0…1 (`AttackKernels`).
  package static func nearestInL1(
    _ x: UnsafePointer<Float>, center: UnsafePointer<Float>, eps: Float, _ y: UnsafeMutablePointer<Float>,
    rows: Int, columns: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: max(1, grain(columns) / 8)) { r in
      for row in r {
        let i = row * columns
        kernels.nearestInL1(x + i, center + i, eps: eps, y + i, columns)
      }
    }
  }

  /// y[r] = x[r] in the rows where the mask is true; the others stay.
  package static func copyRows(
    _ x: UnsafePointer<Float>, where mask: UnsafePointer<UInt8>, to y: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int
  ) {
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      for row in r where mask[row] != 0 { (y + row * columns).update(from: x + row * columns, count: columns) }
    }
  }
}
