import Base
import Kernels

extension CPUDevice {
  func momentumStep(
    _ x: Storage, previous: Storage, _ gradient: Storage, _ center: Storage, steps: Storage, share: Float, eps: Float,
    isSign: Bool, _ y: Storage, rows: Int, columns: Int
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      AttackSteps.momentum(
        x.floats, previous: previous.floats, gradient: gradient.floats, center: center.floats, steps: steps.floats,
        share: share, eps: eps, isSign: isSign, y.floats, rows: rows, columns: columns)
    }
  }

  func sparseStep(
    _ x: Storage, _ gradient: Storage, _ center: Storage, steps: Storage, ranks: Storage, eps: Float, _ y: Storage,
    rows: Int, columns: Int
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      AttackSteps.sparse(
        x.floats, gradient: gradient.floats, center: center.floats, steps: steps.floats, ranks: ranks.floats, eps: eps,
        y.floats, rows: rows, columns: columns)
    }
  }

  func nearestInL1(
    _ x: Storage, _ center: Storage, eps: Float, _ y: Storage, rows: Int, columns: Int
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      AttackSteps.nearestInL1(
        x.floats, center: center.floats, eps: eps, y.floats, rows: rows, columns: columns)
    }
  }

  func copyRows(_ x: Storage, where mask: Storage, to y: Storage, rows: Int, columns: Int) throws(CoreError) {
    try kernel { () throws(KernelError) in
      AttackSteps.copyRows(x.floats, where: mask.bools, to: y.floats, rows: rows, columns: columns)
    }
  }
}
