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
    func size(_ value: Int) -> Int32 { Int32(truncatingIfNeeded: value) }
    ltd_dgemm(
      false, transposeB, size(rows), size(columns), size(inner), a, size(inner), b, size(transposeB ? inner : columns),
      false, c, size(columns))
  }
}
