import Base
import KernelTypes
import Kernels

// Projections of the rows of float32 tensors onto hyperplanes within the box [0, 1].
extension CPUDevice {
  func projectOntoHyperplanes(
    _ norm: BoxNorm, _ t: Storage, _ w: Storage, amounts: Storage, rows: Int, columns: Int, _ d: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Projection.ontoHyperplanes(
        norm, t.floats, w.floats, amounts: amounts.floats, rows: rows, columns: columns, d.floats)
    }
  }

  func boundaryStep(
    _ step: BoundaryStep, _ x: Storage, center: Storage, _ w: Storage, leads: Storage, rows: Int, columns: Int,
    _ y: Storage, distances: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Projection.boundaryStep(
        step, x.floats, center: center.floats, w.floats, leads: leads.floats, rows: rows, columns: columns, y.floats,
        distances: distances.floats)
    }
  }
}
