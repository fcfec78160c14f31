import KernelTypes

/// Reductions, softmax and layout changes over the rows of contiguous float32 matrices, split over threads.
package enum Rows {
  private static func grain(_ columns: Int) -> Int { max(1, Elementwise.grain / max(columns, 1)) }

  /// Sum of all values: chunks in double precision, added in order.
  package static func sum(_ x: UnsafePointer<Float>, count: Int) throws(KernelError) -> Double {
    let kernels = kernels
    return try total(count) { r in kernels.sum(x + r.lowerBound, r.count) }
  }

  /// Sum of squares of all values.
  package static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) throws(KernelError) -> Double {
    let kernels = kernels
    return try total(count) { r in kernels.sumOfSquares(x + r.lowerBound, r.count) }
  }

  /// Sum of a·b over all values.
  package static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) throws(KernelError)
    -> Double
  {
    let kernels = kernels
    return try total(count) { r in kernels.dot(a + r.lowerBound, b + r.lowerBound, r.count) }
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

  /// y[r] = Σ x[r, ·].
  package static func sums(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, _ y: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { r in
      kernels.rowSums(x + r.lowerBound * columns, r.count, columns, y + r.lowerBound)
    }
  }

  /// y[r] = greatest of x[r, ·]; NaN if any is NaN; −inf where there are no columns.
  package static func maxima(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, _ y: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(columns)) { chunk in
      for r in chunk { y[r] = kernels.maximum(x + r * columns, columns) }
    }
  }

  /// y[c] = Σ x[·, c]: chunks of rows, added in order in double precision.
  package static func columnSums(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, _ y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    guard columns > 0 else { return }
    let kernels = kernels
    let grain = grain(columns)
    let chunks = rows == 0 ? 0 : (rows - 1) / grain + 1
    let buffer = try scratch(Float.self, max(chunks, 1) * columns)
    defer { extendLifetime(buffer) }
    let parts = buffer.floats
    Threads.parallelFor(rows, grain: grain) { r in
      kernels.columnSums(x + r.lowerBound * columns, r.count, columns, parts + r.lowerBound / grain * columns)
    }
    for c in 0..<columns {
      var sum = 0.0
      for i in 0..<chunks { sum += Double(parts[i * columns + c]) }
      y[c] = Float(sum)
    }
  }

  /// y = softmax(x / temperature) by rows.
  package static func softmax(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, temperature: Float = 1, _ y: UnsafeMutablePointer<Float>
  ) {
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
    Threads.parallelFor(batch, grain: max(1, Elementwise.grain / max(size, 1))) { r in
      for b in r { kernels.transpose(x + b * size, rows, columns, y + b * size) }
    }
  }

  /// Images [batch, channels, height · width] to channels last.
  package static func channelsLast(
    _ x: UnsafePointer<Float>, batch: Int, channels: Int, pixels: Int, _ y: UnsafeMutablePointer<Float>
  ) {
    transpose(x, batch: batch, rows: channels, columns: pixels, y)
  }

  /// Images [batch, height · width, channels] to channels first.
  package static func channelsFirst(
    _ x: UnsafePointer<Float>, batch: Int, channels: Int, pixels: Int, _ y: UnsafeMutablePointer<Float>
  ) {
    transpose(x, batch: batch, rows: pixels, columns: channels, y)
  }
}

/// Scratch memory for `count` values; hold on to it with `extendLifetime` while its pointer is in use.
func scratch<T: BitwiseCopyable>(_ type: T.Type, _ count: Int) throws(KernelError) -> Buffer {
  guard let buffer = Buffer.make(type, count: count) else {
    throw .outOfMemory(bytes: count.multipliedReportingOverflow(by: MemoryLayout<T>.stride).partialValue)
  }
  return buffer
}
