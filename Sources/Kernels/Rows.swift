import KernelTypes
import Platform

/// Reductions, softmax and layout changes over the rows of contiguous float32 matrices, split over threads.
package enum Rows {
  private static func grain(_ columns: Int) -> Int { max(1, Elementwise.grain / max(columns, 1)) }

  /// Sum of all values: chunks in double precision, added in order.
  package static func sum(_ x: UnsafePointer<Float>, count: Int) throws(KernelError) -> Double {
    let kernels = kernels
    return try total(count) { r in kernels.sum(x + r.lowerBound, r.count) }
  }

  private static func total(_ count: Int, _ f: (Range<Int>) -> Double) throws(KernelError) -> Double {
    if count <= Elementwise.grain { return f(0..<max(count, 0)) }
    let chunks = (count - 1) / Elementwise.grain + 1
    let buffer = try scratch(Double.self, chunks)
    defer { extendLifetime(buffer) }
    let parts = buffer.bytes.assumingMemoryBound(to: Double.self)
    Threads.parallelFor(count, grain: Elementwise.grain) { r in parts[r.lowerBound / Elementwise.grain] = f(r) }
    var sum = 0.0
    for i in 0..<chunks { sum += parts[i] }
    return sum
  }

  /// y[r] of x[r, ·]; ∓inf for the extrema where there are no columns.
  package static func reduceRows(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, rows: Int, columns: Int, _ y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let kernels = kernels
    if columns > 4 * Elementwise.grain { return try reduceLongRows(reduction, x, rows: rows, columns: columns, y) }
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      kernels.reduceRows(reduction, x + r.lowerBound * columns, r.count, columns, y + r.lowerBound)
    }
  }

  /// Every long row is cut into the same chunks, however many rows there are, and their results are combined in order.
  private static func reduceLongRows(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, rows: Int, columns: Int, _ y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let kernels = kernels
    let chunks = (columns - 1) / Elementwise.grain + 1
    func forEachChunk(_ body: (_ index: Int, _ start: UnsafePointer<Float>, _ count: Int) -> Void) {
      Threads.parallelFor(rows * chunks, grain: 1) { range in
        for i in range {
          let start = i % chunks * Elementwise.grain
          body(i, x + (i / chunks * columns + start), min(Elementwise.grain, columns - start))
        }
      }
    }
    if reduction == .sum {
      let buffer = try scratch(Double.self, rows * chunks)
      defer { extendLifetime(buffer) }
      let parts = buffer.bytes.assumingMemoryBound(to: Double.self)
      forEachChunk { i, start, count in parts[i] = kernels.sum(start, count) }
      for r in 0..<rows {
        var sum = 0.0
        for i in 0..<chunks { sum += parts[r * chunks + i] }
        y[r] = Float(sum)
      }
      return
    }
    let buffer = try scratch(Float.self, rows * chunks)
    defer { extendLifetime(buffer) }
    let parts = buffer.floats
    forEachChunk { i, start, count in kernels.reduceRows(reduction, start, 1, count, parts + i) }
    kernels.reduceRows(reduction, parts, rows, chunks, y)
  }

  /// y[b, c] of x[b, ·, c] for `batch` matrices [rows, columns]: chunks of rows, combined in order.
  package static func reduceColumns(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, batch: Int = 1, rows: Int, columns: Int,
    _ y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    guard columns > 0 else { return }
    let kernels = kernels
    // Enough rows that the results of a chunk are few against its values.
    let length = max(grain(columns), min(max(rows / 32, 64), 1024))
    let chunks = max(1, (rows + length - 1) / length)
    let buffer = chunks > 1 ? try scratch(Float.self, batch * chunks * columns) : nil
    defer { extendLifetime(buffer) }
    let parts = buffer?.floats ?? y
    Threads.parallelFor(batch * chunks, grain: grain(min(length, max(rows, 1)) * columns)) { range in
      for i in range {
        let start = i % chunks * length
        kernels.reduceColumns(
          reduction, x + (i / chunks * rows + start) * columns, min(length, rows - start), columns, parts + i * columns)
      }
    }
    if chunks == 1 { return }
    for b in 0..<batch {
      kernels.reduceColumns(reduction, parts + b * chunks * columns, chunks, columns, y + b * columns)
    }
  }

  /// Rows of more values are cut into pieces, so that they can be stopped.
  private static let longest = 1 << 20

  /// y = f(softmax) of rows that are cut into pieces: the results of all pieces are combined in order.
  private static func softmaxOfLongRows(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, temperature: Float, logarithm: Bool,
    _ y: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    let pieces = (columns - 1) / Elementwise.grain + 1
    for r in 0..<rows where !Threads.isStopped {
      let (x, y) = (x + r * columns, y + r * columns)
      var parts = [Double](repeating: 0, count: pieces)
      func gather(_ f: @escaping (Range<Int>) -> Double) {
        parts.withUnsafeMutableBufferPointer { buffer in
          nonisolated(unsafe) let parts = buffer
          Threads.parallelFor(columns, grain: Elementwise.grain) { parts[$0.lowerBound / Elementwise.grain] = f($0) }
        }
      }
      gather { c in
        var greatest: Float = 0
        kernels.reduceRows(.maximum, x + c.lowerBound, 1, c.count, &greatest)
        return Double(greatest)
      }
      let greatest = parts.contains(where: \.isNaN) ? Float.nan : Float(parts.max() ?? 0)
      // exp((x − greatest) / temperature), and its sum.
      gather { c in
        let y = y + c.lowerBound
        kernels.affine(x + c.lowerBound, 1, -greatest, y, c.count)
        kernels.affine(y, 1 / temperature, 0, y, c.count)
        if !logarithm {
          kernels.unary(.exp, y, y, c.count)
          return kernels.sum(y, c.count)
        }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: c.count) { exponentials in
          guard let base = exponentials.baseAddress else { return 0 }
          kernels.unary(.exp, y, base, c.count)
          return kernels.sum(base, c.count)
        }
      }
      let sum = parts.reduce(0, +)
      Threads.parallelFor(columns, grain: Elementwise.grain) { c in
        let y = y + c.lowerBound
        if logarithm {
          kernels.affine(y, 1, Float(-log(sum)), y, c.count)
        } else {
          kernels.affine(y, Float(1 / sum), 0, y, c.count)
        }
      }
    }
  }

  /// y = softmax(x / temperature) by rows.
  package static func softmax(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, temperature: Float = 1, _ y: UnsafeMutablePointer<Float>
  ) {
    if columns > longest {
      return softmaxOfLongRows(x, rows: rows, columns: columns, temperature: temperature, logarithm: false, y)
    }
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      let i = r.lowerBound * columns
      kernels.softmax(x + i, r.count, columns, 1 / temperature, y + i)
    }
  }

  /// y = log softmax(x / temperature) by rows.
  package static func logSoftmax(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, temperature: Float = 1, _ y: UnsafeMutablePointer<Float>
  ) {
    if columns > longest {
      return softmaxOfLongRows(x, rows: rows, columns: columns, temperature: temperature, logarithm: true, y)
    }
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      let i = r.lowerBound * columns
      kernels.logSoftmax(x + i, r.count, columns, 1 / temperature, y + i)
    }
  }

  /// dx from dy for y = softmax(x / temperature).
  package static func softmaxGradient(
    y: UnsafePointer<Float>, dy: UnsafePointer<Float>, rows: Int, columns: Int, temperature: Float = 1,
    _ dx: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      let i = r.lowerBound * columns
      kernels.softmaxGradient(y + i, dy + i, r.count, columns, 1 / temperature, dx + i)
    }
  }

  /// dx from dy for y = log softmax(x / temperature).
  package static func logSoftmaxGradient(
    y: UnsafePointer<Float>, dy: UnsafePointer<Float>, rows: Int, columns: Int, temperature: Float = 1,
    _ dx: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      let i = r.lowerBound * columns
      kernels.logSoftmaxGradient(y + i, dy + i, r.count, columns, 1 / temperature, dx + i)
    }
  }

  /// `batch` matrices [rows, columns] to [columns, rows].
  package static func transpose(
    _ x: UnsafePointer<Float>, batch: Int = 1, rows: Int, columns: Int, _ y: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    let size = rows * columns
    if size > longest {
      for b in 0..<batch where !Threads.isStopped {
        transposeInTiles(x + b * size, rows: rows, columns: columns, y + b * size)
      }
      return
    }
    Threads.parallelFor(batch, grain: max(1, Elementwise.grain / max(size, 1))) { r in
      for b in r { kernels.transpose(x + b * size, rows, columns, y + b * size) }
    }
  }

  private static func transposeInTiles(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, _ y: UnsafeMutablePointer<Float>
  ) {
    let tile = 32
    let (down, across) = ((rows - 1) / tile + 1, (columns - 1) / tile + 1)
    Threads.parallelFor(down * across, grain: 16) { tiles in
      for index in tiles {
        let (top, left) = (index % down * tile, index / down * tile)
        for c in left..<min(left + tile, columns) {
          for r in top..<min(top + tile, rows) { y[c &* rows &+ r] = x[r &* columns &+ c] }
        }
      }
    }
  }
}

/// Scratch memory for `count` values; hold on to it with `extendLifetime` while its pointer is in use.
func scratch<T: BitwiseCopyable>(_ type: T.Type, _ count: Int) throws(KernelError) -> Buffer {
  guard let buffer = Buffer.make(type, count: count) else {
    throw .outOfMemory(bytes: count.multipliedReportingOverflow(by: MemoryLayout<T>.stride).partialValue)
  }
  return buffer
}
