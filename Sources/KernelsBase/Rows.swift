import KernelTypes
import Platform

extension CPUKernels {
  /// Σ f over the values: blocks of 2048 in four vectors each, blocks in double. `f` takes the start and the length of a
  /// vector, and returns zeros beyond it.
  @inline(__always) static func blockedSum(_ count: Int, _ f: (Int, Int) -> V) -> Double {
    var total = 0.0
    var i = 0
    while i < count {
      let end = min(i + 2048, count)
      var (s0, s1, s2, s3) = (V.zero, V.zero, V.zero, V.zero)
      while i < end {
        // The sums take turns.
        (s0, s1, s2, s3) = (s1, s2, s3, s0 + f(i, min(16, end - i)))
        i += 16
      }
      i = end
      total += Double(laneSum((s0 + s1) + (s2 + s3)))
    }
    return total
  }

  package static func sum(_ x: Floats, _ count: Int) -> Double {
    blockedSum(count) { vload(x + $0, first: $1) }
  }

  /// Σ a · b.
  private static func dot(_ a: Floats, _ b: Floats, _ count: Int) -> Double {
    blockedSum(count) { vload(a + $0, first: $1) * vload(b + $0, first: $1) }
  }

  package static func reduceRows(
    _ reduction: Reduction, _ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats
  ) {
    switch reduction {
    case .sum: for r in 0..<rows { y[r] = Float(sum(x + r * columns, columns)) }
    case .maximum: for r in 0..<rows { y[r] = greatest(x + r * columns, columns, 1, findsNaN: true) }
    case .minimum: for r in 0..<rows { y[r] = -greatest(x + r * columns, columns, -1, findsNaN: true) }
    }
  }

  /// The greatest factor · x; NaNs are passed over unless sought.
  @inline(__always) private static func greatest(_ x: Floats, _ count: Int, _ factor: Float, findsNaN: Bool) -> Float {
    let least = V(repeating: -.infinity)
    var (m0, m1, m2, m3) = (least, least, least, least)
    var wrong = SIMDMask<I>(repeating: false)
    var i = 0
    while i + 64 <= count {
      let (x0, x1, x2, x3) = (vload(x + i), vload(x + i + 16), vload(x + i + 32), vload(x + i + 48))
      m0 = greater(m0, x0 * factor)
      m1 = greater(m1, x1 * factor)
      m2 = greater(m2, x2 * factor)
      m3 = greater(m3, x3 * factor)
      if findsNaN { wrong .|= ((x0 .!= x0) .| (x1 .!= x1)) .| ((x2 .!= x2) .| (x3 .!= x3)) }
      i += 64
    }
    while i < count {
      let x0 = vload(x + i, first: min(16, count - i), fill: -.infinity * factor)
      m0 = greater(m0, x0 * factor)
      if findsNaN { wrong .|= x0 .!= x0 }
      i += 16
    }
    return any(wrong) ? .nan : laneMaximum(greater(greater(m0, m1), greater(m2, m3)))
  }

  package static func reduceColumns(
    _ reduction: Reduction, _ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats
  ) {
    switch reduction {
    case .sum: columnSums(x, rows, columns, y)
    case .maximum:
      y.update(repeating: -.infinity, count: columns)
      for r in 0..<rows { binary(.maximum, y, 1, x + r * columns, 1, y, columns) }
    case .minimum:
      y.update(repeating: .infinity, count: columns)
      for r in 0..<rows { binary(.minimum, y, 1, x + r * columns, 1, y, columns) }
    }
  }

  /// Eight rows at a time.
  private static func columnSums(_ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats) {
    y.update(repeating: 0, count: columns)
    var p = x
    var left = rows
    while left >= 8 {
      var c = 0
      while c < columns {
        let n = min(16, columns - c)
        let q = p + c
        let a = vload(q, first: n) + vload(q + columns, first: n)
        let b = vload(q + 2 * columns, first: n) + vload(q + 3 * columns, first: n)
        let d = vload(q + 4 * columns, first: n) + vload(q + 5 * columns, first: n)
        let e = vload(q + 6 * columns, first: n) + vload(q + 7 * columns, first: n)
        vstore(y + c, vload(y + c, first: n) + ((a + b) + (d + e)), first: n)
        c += 16
      }
      p += 8 * columns
      left -= 8
    }
    while left > 0 {
      binary(.add, y, 1, p, 1, y, columns)
      p += columns
      left -= 1
    }
  }

  package static func softmax(_ x: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ y: MutableFloats) {
    for r in 0..<rows {
      let (x, y) = (x + r * columns, y + r * columns)
      let shift = greatest(x, columns, scale, findsNaN: false)
      let total = exponentials(x, columns, scale, shift, y)
      affine(y, Float(1 / total), 0, y, columns)
    }
  }

  /// The sum of exp(scale · x − shift), which are written to y if it is given.
  @inline(__always) private static func exponentials(
    _ x: Floats, _ count: Int, _ scale: Float, _ shift: Float, _ y: MutableFloats?
  ) -> Double {
    var total = 0.0
    var i = 0
    while i < count {
      let end = min(i + 2048, count)
      var sum = V.zero
      while i < end {
        let n = min(16, end - i)
        let e = vexp(vload(x + i, first: n, fill: -.infinity) * scale - shift)
        if let y { vstore(y + i, e, first: n) }
        sum += e
        i += 16
      }
      i = end
      total += Double(laneSum(sum))
    }
    return total
  }

  package static func logSoftmax(_ x: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ y: MutableFloats) {
    for r in 0..<rows {
      let (x, y) = (x + r * columns, y + r * columns)
      let shift = greatest(x, columns, scale, findsNaN: false)
      let logTotal = Float(log(exponentials(x, columns, scale, shift, nil)))
      var i = 0
      while i < columns {
        let n = min(16, columns - i)
        vstore(y + i, vload(x + i, first: n) * scale - shift - logTotal, first: n)
        i += 16
      }
    }
  }

  package static func softmaxGradient(
    _ y: Floats, _ dy: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ dx: MutableFloats
  ) {
    for r in 0..<rows {
      let (y, dy, dx) = (y + r * columns, dy + r * columns, dx + r * columns)
      let inner = Float(dot(y, dy, columns))
      var i = 0
      while i < columns {
        let n = min(16, columns - i)
        let d = vload(dy + i, first: n) - inner
        vstore(dx + i, vload(y + i, first: n) * d * scale, first: n)
        i += 16
      }
    }
  }

  package static func logSoftmaxGradient(
    _ y: Floats, _ dy: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ dx: MutableFloats
  ) {
    for r in 0..<rows {
      let (y, dy, dx) = (y + r * columns, dy + r * columns, dx + r * columns)
      let total = Float(sum(dy, columns))
      var i = 0
      while i < columns {
        let n = min(16, columns - i)
        let p = vexp(vload(y + i, first: n))
        vstore(dx + i, (vload(dy + i, first: n) - p * total) * scale, first: n)
        i += 16
      }
    }
  }

  package static func transpose(_ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats) {
    var r = 0
    while r + 8 <= rows {
      var c = 0
      while c + 8 <= columns {
        transposeBlock(x + r * columns + c, columns, y + c * rows + r, rows)
        c += 8
      }
      while c < columns {
        for i in 0..<8 { y[c * rows + r + i] = x[(r + i) * columns + c] }
        c += 1
      }
      r += 8
    }
    while r < rows {
      for c in 0..<columns { y[c * rows + r] = x[r * columns + c] }
      r += 1
    }
  }

  @inline(__always) private static func transposeBlock(_ x: Floats, _ xStep: Int, _ y: MutableFloats, _ yStep: Int) {
    for c in 0..<8 {
      store(
        y + c * yStep,
        V8(
          x[c], x[xStep + c], x[2 * xStep + c], x[3 * xStep + c], x[4 * xStep + c], x[5 * xStep + c],
          x[6 * xStep + c], x[7 * xStep + c]))
    }
  }
}
