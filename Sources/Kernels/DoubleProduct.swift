import COpenBLAS

/// Matrix products in double precision on the calling thread, for what has to be proven rather than trained: tensors are
/// float32, and no operation of theirs comes here.
package enum DoubleProduct {
  /// c[rows, columns] = a[rows, inner] · b, row-major and dense.
  ///
  /// - Parameter transposeB: whether b is stored [columns, inner], not [inner, columns].
  package static func multiply(
    rows: Int, columns: Int, inner: Int, transposeB: Bool, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>,
    _ c: UnsafeMutablePointer<Double>
  ) {
    guard rows > 0, columns > 0 else { return }
    guard inner > 0 else {
      c.update(repeating: 0, count: rows * columns)
      return
    }
    Threads.prepare()
    cblas_dgemm(
      CblasRowMajor, CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, blasint(truncatingIfNeeded: rows),
      blasint(truncatingIfNeeded: columns), blasint(truncatingIfNeeded: inner), 1, a,
      blasint(truncatingIfNeeded: inner), b, blasint(truncatingIfNeeded: transposeB ? inner : columns), 0, c,
      blasint(truncatingIfNeeded: columns))
  }
}
