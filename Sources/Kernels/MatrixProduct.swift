import COpenBLAS
import KernelTypes

/// The sizes of batched products c[rows, columns] = a[rows, inner] · b[inner, columns], float32, row-major, dense.
package struct MatrixShape: Sendable, Hashable {
  /// Rows of a and c.
  package var rows: Int
  /// Columns of b and c.
  package var columns: Int
  /// Columns of a and rows of b, over which is summed.
  package var inner: Int
  /// Whether a is stored [inner, rows].
  package var transposeA: Bool
  /// Whether b is stored [columns, inner].
  package var transposeB: Bool
  /// How many products there are.
  package var batch: Int
  /// Values from one matrix a of the batch to the next; 0 repeats the same one.
  package var stepA: Int
  /// Values from one matrix b of the batch to the next; 0 repeats the same one.
  package var stepB: Int

  /// The sizes of products of dense matrices, which follow each other in memory unless the steps say otherwise.
  package init(
    rows: Int, columns: Int, inner: Int, transposeA: Bool = false, transposeB: Bool = false, batch: Int = 1,
    stepA: Int? = nil, stepB: Int? = nil
  ) {
    self.rows = rows
    self.columns = columns
    self.inner = inner
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.batch = batch
    self.stepA = stepA ?? rows * inner
    self.stepB = stepB ?? inner * columns
  }
}

/// Matrix products: large ones by the panels of the convolutions, the others by single-threaded OpenBLAS on fixed blocks.
///
/// OpenBLAS would share a product among threads of its own, and then sum in another order for another number of them. So it
/// runs on one thread, and the product is cut here, along its longer side, into blocks whose ends depend on the sizes alone;
/// the pool shares the blocks. A block runs in strips of some ten milliseconds, between which it can be stopped.
package enum MatrixProduct {
  /// c = a · b.
  package static func multiply(
    _ s: MatrixShape, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
  ) {
    guard s.batch > 0, s.rows > 0, s.columns > 0 else { return }
    let size = s.rows * s.columns
    guard s.inner > 0 else {
      c.update(repeating: 0, count: s.batch * size)
      return
    }
    if suitsPanels(s), (try? DirectConvolution.multiply(s, a, b, c)) != nil { return }
    let splitRows = s.rows >= s.columns
    let length = splitRows ? s.rows : s.columns
    let block = blockLength(length, work: Double(s.rows) * Double(s.columns) * Double(s.inner))
    let blocks = (length - 1) / block + 1
    Threads.parallelFor(s.batch * blocks, grain: 1) { range in
      for index in range {
        let start = index % blocks * block
        let part = start..<min(start + block, length)
        let batch = index / blocks
        multiplyInStrips(
          s, rows: splitRows ? part : 0..<s.rows, columns: splitRows ? 0..<s.columns : part, a + batch * s.stepA,
          b + batch * s.stepB, c + batch * size)
      }
    }
  }

  /// Whether the panels are faster: sizes for which packing the second matrix and short last panels cost little.
  private static func suitsPanels(_ s: MatrixShape) -> Bool {
    s.batch == 1 && !s.transposeA && s.rows >= 192 && (64...8192).contains(s.columns) && (64...4096).contains(s.inner)
      && InstructionSet.current != .base
  }

  /// Blocks of eight million multiplications or more, at most four unless they are longer than 512 (each packs the whole
  /// other operand); multiples of 48.
  private static func blockLength(_ length: Int, work: Double) -> Int {
    let blocks = max(1, Int(min(work / 8e6, Double(max(4, length / 512)))))
    return ((length - 1) / blocks / 48 + 1) * 48
  }

  /// A block in strips of at most a billion multiplications, some ten milliseconds each, between which it can be stopped.
  /// Where they end depends on the sizes alone.
  private static func multiplyInStrips(
    _ s: MatrixShape, rows: Range<Int>, columns: Range<Int>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>
  ) {
    /// Lengths of which a strip has at most `work` multiplications, if that leaves each at least `least` long.
    func strip(_ length: Int, others: Int, least: Int) -> Int {
      let most = max(least, 1_000_000_000 / max(others, 1))
      return most >= length ? length : max(least, most / 48 * 48)
    }
    let depth = strip(s.inner, others: min(rows.count, 480) * min(columns.count, 480), least: 960)
    let height = strip(rows.count, others: depth * min(columns.count, 480), least: 480)
    let width = strip(columns.count, others: depth * height, least: 480)
    for first in stride(from: 0, to: s.inner, by: depth) {
      for top in stride(from: rows.lowerBound, to: rows.upperBound, by: height) {
        for left in stride(from: columns.lowerBound, to: columns.upperBound, by: width) {
          if Threads.isStopped { return }
          multiplyBlock(
            s, rows: top..<min(top + height, rows.upperBound), columns: left..<min(left + width, columns.upperBound),
            inner: first..<min(first + depth, s.inner), a, b, c, first > 0)
        }
      }
    }
  }

  private static func multiplyBlock(
    _ s: MatrixShape, rows: Range<Int>, columns: Range<Int>, inner: Range<Int>, _ a: UnsafePointer<Float>,
    _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool
  ) {
    ltd_sgemm(
      s.transposeA, s.transposeB, size(rows.count), size(columns.count), size(inner.count),
      a + rows.lowerBound * (s.transposeA ? 1 : s.inner) + inner.lowerBound * (s.transposeA ? s.rows : 1),
      size(s.transposeA ? s.rows : s.inner),
      b + columns.lowerBound * (s.transposeB ? s.inner : 1) + inner.lowerBound * (s.transposeB ? 1 : s.columns),
      size(s.transposeB ? s.inner : s.columns),
      accumulate, c + rows.lowerBound * s.columns + columns.lowerBound, size(s.columns))
  }

  private static func size(_ value: Int) -> Int32 { Int32(truncatingIfNeeded: value) }
}
