import KernelTypes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension CPUKernels {
  /// Σ f over the values: blocks of 512 in four vectors each, blocks in double.
  @inline(__always) private static func blockedSum(_ count: Int, _ f: (Int) -> V8, _ tail: (Int) -> Float) -> Double {
    var total = 0.0
    var i = 0
    while i < count {
      let end = min(i + 512, count)
      var s0 = V8.zero
      var s1 = V8.zero
      var s2 = V8.zero
      var s3 = V8.zero
      while i + 32 <= end {
        s0 += f(i)
        s1 += f(i + 8)
        s2 += f(i + 16)
        s3 += f(i + 24)
        i += 32
      }
      while i + 8 <= end {
        s0 += f(i)
        i += 8
      }
      var rest: Float = 0
      while i < end {
        rest += tail(i)
        i += 1
      }
      total += Double(laneSum((s0 + s1) + (s2 + s3))) + Double(rest)
    }
    return total
  }

  package static func sum(_ x: Floats, _ count: Int) -> Double {
    blockedSum(count) {
      load(x + $0)
    } _: {
      x[$0]
    }
  }

  package static func sumOfSquares(_ x: Floats, _ count: Int) -> Double {
    dot(x, x, count)
  }

  package static func dot(_ a: Floats, _ b: Floats, _ count: Int) -> Double {
    blockedSum(count) {
      load(a + $0) * load(b + $0)
    } _: {
      a[$0] * b[$0]
    }
  }

  package static func rowSums(_ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats) {
    for r in 0..<rows { y[r] = Float(sum(x + r * columns, columns)) }
  }

  package static func maximum(_ x: Floats, _ count: Int) -> Float {
    var m = V8(repeating: -.infinity)
    var i = 0
    while i < count {
      m = vmax(m, load(x + i, first: min(8, count - i), fill: -.infinity))
      i += 8
    }
    return laneMaximum(m)
  }

  package static func columnSums(_ x: Floats, _ rows: Int, _ columns: Int, _ y: MutableFloats) {
    var c = 0
    while c < columns {
      let n = min(8, columns - c)
      var sum = V8.zero
      var p = x + c
      for _ in 0..<rows {
        sum += load(p, first: n)
        p += columns
      }
      store(y + c, sum, first: n)
      c += 8
    }
  }

  package static func softmax(_ x: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ y: MutableFloats) {
    for r in 0..<rows {
      let row = y + r * columns
      let total = exponentials(x + r * columns, columns, scale, row)
      let factor = Float(1 / total)
      var i = 0
      while i < columns {
        let n = min(8, columns - i)
        store(row + i, load(row + i, first: n) * factor, first: n)
        i += 8
      }
    }
  }

  /// y = exp(scale · x − max(scale · x)); the sum of y.
  @inline(__always) private static func exponentials(_ x: Floats, _ count: Int, _ scale: Float, _ y: MutableFloats)
    -> Double
  {
    let shift = greatest(x, count, scale)
    var total = 0.0
    var i = 0
    while i < count {
      let n = min(8, count - i)
      let e = vexp(load(x + i, first: n, fill: -.infinity) * scale - shift)
      if n == 8 {
        store(y + i, e)
        total += Double(laneSum(e))
      } else {
        for j in 0..<n {
          y[i + j] = e[j]
          total += Double(e[j])
        }
      }
      i += 8
    }
    return total
  }

  /// The greatest scale · x (scale > 0).
  @inline(__always) private static func greatest(_ x: Floats, _ count: Int, _ scale: Float) -> Float {
    maximum(x, count) * scale
  }

  package static func logSoftmax(_ x: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ y: MutableFloats) {
    for r in 0..<rows {
      let input = x + r * columns
      let row = y + r * columns
      let total = exponentials(input, columns, scale, row)
      let shift = greatest(input, columns, scale)
      let logTotal = Float(log(total))
      var i = 0
      while i < columns {
        let n = min(8, columns - i)
        store(row + i, load(input + i, first: n) * scale - shift - logTotal, first: n)
        i += 8
      }
    }
  }

  package static func softmaxGradient(
    _ y: Floats, _ dy: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ dx: MutableFloats
  ) {
    for r in 0..<rows {
      let start = r * columns
      let inner = Float(dot(y + start, dy + start, columns))
      var i = 0
      while i < columns {
        let n = min(8, columns - i)
        let d = load(dy + start + i, first: n) - inner
        store(dx + start + i, load(y + start + i, first: n) * d * scale, first: n)
        i += 8
      }
    }
  }

  package static func logSoftmaxGradient(
    _ y: Floats, _ dy: Floats, _ rows: Int, _ columns: Int, _ scale: Float, _ dx: MutableFloats
  ) {
    for r in 0..<rows {
      let start = r * columns
      let total = Float(sum(dy + start, columns))
      var i = 0
      while i < columns {
        let n = min(8, columns - i)
        let p = vexp(load(y + start + i, first: n))
        store(dx + start + i, (load(dy + start + i, first: n) - p * total) * scale, first: n)
        i += 8
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
