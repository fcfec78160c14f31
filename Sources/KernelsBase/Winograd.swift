import CCPU
import KernelTypes

// F(4x4, 3x3): a tile of 4x4 results from 6x6 inputs with 36 products, by evaluating polynomials at six points. Along an axis
// the results are Aᵀ((G g) · (Bᵀ d)) for the taps g and the inputs d; in two dimensions each transform is done along rows and
// columns. The points 0, ±2/3, ±3/2 and infinity keep the rounding small, and a · b = 1 saves multiplications. The functions
// below are the transforms and their transposes, which the gradient of the weights needs, for a vector of channels at a time.

/// The points ±a, ±b beside 0 and infinity; a · b = 1, which saves multiplications.
private let a: Float = 2 / 3
private let b: Float = 3 / 2
private let a2: Float = 4 / 9
private let b2: Float = 9 / 4
private let a3: Float = 8 / 27
private let b3: Float = 27 / 8
private let sum2: Float = 4 / 9 + 9 / 4
/// 1 / (2·a²·(a² − b²)) and 1 / (2·b²·(b² − a²)): the factors of the weight transform.
private let ga: Float = 1 / (2 * 4 / 9 * (4 / 9 - 9 / 4))
private let gb: Float = 1 / (2 * 9 / 4 * (9 / 4 - 4 / 9))

private typealias Six<T> = (T, T, T, T, T, T)

/// Bᵀ d.
@inline(__always)
private func inputTransform(_ d0: W, _ d1: W, _ d2: W, _ d3: W, _ d4: W, _ d5: W) -> Six<W> {
  let p = fma(-b2, d2, d4)
  let q = fma(-b2, d1, d3)
  let u = fma(-a2, d2, d4)
  let v = fma(-a2, d1, d3)
  return (
    fma(-sum2, d2, d4) + d0, fma(a, q, p), fma(-a, q, p), fma(b, v, u), fma(-b, v, u), fma(-sum2, d3, d5) + d1
  )
}

/// Aᵀ m.
@inline(__always)
private func outputTransform(_ m0: W, _ m1: W, _ m2: W, _ m3: W, _ m4: W, _ m5: W) -> (W, W, W, W) {
  let s1 = m1 + m2
  let d1 = m1 - m2
  let s2 = m3 + m4
  let d2 = m3 - m4
  return (m0 + s1 + s2, fma(a, d1, d2 * b), fma(a2, s1, s2 * b2), fma(a3, d1, fma(b3, d2, m5)))
}

/// A y.
@inline(__always)
private func gradientTransform(_ y0: W, _ y1: W, _ y2: W, _ y3: W) -> Six<W> {
  let e = fma(a2, y2, y0)
  let o = fma(a2, y3, y1) * a
  let f = fma(b2, y2, y0)
  let p = fma(b2, y3, y1) * b
  return (y0, e + o, e - o, f + p, f - p, y3)
}

/// G g.
@inline(__always)
private func weightTransform(_ g0: V, _ g1: V, _ g2: V) -> Six<V> {
  let e = fma(a2, g2, g0) * ga
  let o = g1 * (a * ga)
  let f = fma(b2, g2, g0) * gb
  let p = g1 * (b * gb)
  return (g0, e + o, e - o, f + p, f - p, g2)
}

/// Gᵀ d.
@inline(__always)
private func weightGradientTransform(_ d0: V8, _ d1: V8, _ d2: V8, _ d3: V8, _ d4: V8, _ d5: V8) -> (V8, V8, V8) {
  let s1 = (d1 + d2) * ga
  let s2 = (d3 + d4) * gb
  let t1 = (d1 - d2) * (a * ga)
  let t2 = (d3 - d4) * (b * gb)
  return (d0 + s1 + s2, t1 + t2, fma(a2, s1, fma(b2, s2, d5)))
}

private typealias Pixels = UnsafeMutablePointer<Floats>

extension CPUKernels {
  /// Working space on the stack: pointers to up to 36 pixels and 36 vectors.
  @inline(__always)
  private static func withTile<T>(_ type: T.Type, _ body: (Pixels, UnsafeMutablePointer<T>) -> Void) {
    withUnsafeTemporaryAllocation(byteCount: 36 * 8 + 36 * MemoryLayout<T>.size, alignment: 64) { memory in
      guard let base = memory.baseAddress else { return }
      let pixels = base + 36 * MemoryLayout<T>.size
      body(pixels.assumingMemoryBound(to: Floats.self), base.assumingMemoryBound(to: T.self))
    }
  }

  package static func winogradInput(
    _ s: WinogradShape, tiles: Range<Int>, _ x: Floats, zeros: Floats, _ target: WinogradMatrices
  ) {
    let perImage = s.tileRows * s.tileColumns
    let (height, width, inputs) = (s.inputHeight, s.inputWidth, s.inputs)
    let plane = target.plane
    withTile(W.self) { pixels, t in
      for tile in tiles {
        let image = x + tile / perImage * height * width * inputs
        let top = tile % perImage / s.tileColumns * 4 - s.padTop
        let left = tile % perImage % s.tileColumns * 4 - s.padLeft
        var i = 0
        while i < 6 {
          let h = top + i
          let insideRow = h >= 0 && h < height
          var j = 0
          while j < 6 {
            let w = left + j
            pixels[i * 6 + j] = insideRow && w >= 0 && w < width ? image + (h * width + w) * inputs : zeros
            j += 1
          }
          i += 1
        }
        let row = target.values + (tile - tiles.lowerBound) * target.step
        var c = 0
        while c < inputs {
          let lanes = min(W.scalarCount, inputs - c)
          var j = 0
          while j < 6 {
            let d =
              lanes == W.scalarCount
              ? inputTransform(
                wload(pixels[j] + c), wload(pixels[6 + j] + c), wload(pixels[12 + j] + c), wload(pixels[18 + j] + c),
                wload(pixels[24 + j] + c), wload(pixels[30 + j] + c))
              : inputTransform(
                wload(pixels[j] + c, first: lanes), wload(pixels[6 + j] + c, first: lanes),
                wload(pixels[12 + j] + c, first: lanes), wload(pixels[18 + j] + c, first: lanes),
                wload(pixels[24 + j] + c, first: lanes), wload(pixels[30 + j] + c, first: lanes))
            (t[j], t[6 + j], t[12 + j], t[18 + j], t[24 + j], t[30 + j]) = d
            j += 1
          }
          var out = row + c
          var i = 0
          while i < 36 {
            let d = inputTransform(t[i], t[i + 1], t[i + 2], t[i + 3], t[i + 4], t[i + 5])
            wstore(out, d.0)
            wstore(out + plane, d.1)
            wstore(out + 2 * plane, d.2)
            wstore(out + 3 * plane, d.3)
            wstore(out + 4 * plane, d.4)
            wstore(out + 5 * plane, d.5)
            out += 6 * plane
            i += 6
          }
          c += W.scalarCount
        }
      }
    }
  }

  package static func winogradOutputGradient(
    _ s: WinogradShape, tiles: Range<Int>, _ dy: Floats, zeros: Floats, _ target: WinogradMatrices
  ) {
    let perImage = s.tileRows * s.tileColumns
    let (height, width, outputs) = (s.outputHeight, s.outputWidth, s.outputs)
    let plane = target.plane
    withTile(W.self) { pixels, t in
      for tile in tiles {
        let image = dy + tile / perImage * height * width * outputs
        let top = tile % perImage / s.tileColumns * 4
        let left = tile % perImage % s.tileColumns * 4
        var i = 0
        while i < 4 {
          var j = 0
          while j < 4 {
            let (h, w) = (top + i, left + j)
            pixels[i * 4 + j] = h < height && w < width ? image + (h * width + w) * outputs : zeros
            j += 1
          }
          i += 1
        }
        let row = target.values + (tile - tiles.lowerBound) * target.step
        let padded = s.outputBlocks * 16
        var c = 0
        while c < padded {
          let lanes = max(0, min(W.scalarCount, outputs - c))
          var j = 0
          while j < 4 {
            let d =
              lanes == W.scalarCount
              ? gradientTransform(
                wload(pixels[j] + c), wload(pixels[4 + j] + c), wload(pixels[8 + j] + c), wload(pixels[12 + j] + c))
              : gradientTransform(
                wload(pixels[j] + c, first: lanes), wload(pixels[4 + j] + c, first: lanes),
                wload(pixels[8 + j] + c, first: lanes), wload(pixels[12 + j] + c, first: lanes))
            (t[j], t[4 + j], t[8 + j], t[12 + j], t[16 + j], t[20 + j]) = d
            j += 1
          }
          var out = row + c
          var i = 0
          while i < 24 {
            let d = gradientTransform(t[i], t[i + 1], t[i + 2], t[i + 3])
            wstore(out, d.0)
            wstore(out + plane, d.1)
            wstore(out + 2 * plane, d.2)
            wstore(out + 3 * plane, d.3)
            wstore(out + 4 * plane, d.4)
            wstore(out + 5 * plane, d.5)
            out += 6 * plane
            i += 4
          }
          c += W.scalarCount
        }
      }
    }
  }

  package static func winogradMultiply(
    depth: Int, rows: Int, blocks: Range<Int>, _ v: Floats, step vStep: Int, _ weights: Floats, _ m: MutableFloats,
    step mStep: Int, continues: Bool
  ) {
    let plain = KernelEpilogue(continues: continues)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 25) { memory in
      guard let start = memory.baseAddress else { return }
      // The run of a row, and the places of twelve rows.
      start[0] = 0
      let (vOffsets, mOffsets) = (start + 1, start + 13)
      for i in 0..<12 { (vOffsets[i], mOffsets[i]) = (i * vStep, i * mStep) }
      var block = blocks.lowerBound
      while block < blocks.upperBound {
        let w = weights + block * 16 * depth
        let y = m + block * 16
        let pair = hasPairs && block + 2 <= blocks.upperBound
        var row = 0
        while row < rows {
          if hasPairs, !pair, row + 12 <= rows {
            tallPanel(
              start, 1, depth, v + row * vStep, UnsafePointer(vOffsets), w, plain, y + row * mStep,
              UnsafePointer(mOffsets))
            row += 12
            continue
          }
          // A last short panel repeats its last row.
          let last = rows - 1
          let (r1, r2, r3) = (min(row + 1, last), min(row + 2, last), min(row + 3, last))
          let (r4, r5) = (min(row + 4, last), min(row + 5, last))
          if pair {
            panelPair(
              start, 1, depth, v + row * vStep, v + r1 * vStep, v + r2 * vStep, v + r3 * vStep, v + r4 * vStep,
              v + r5 * vStep, w, w + 16 * depth, plain, y + row * mStep, y + r1 * mStep, y + r2 * mStep, y + r3 * mStep,
              y + r4 * mStep, y + r5 * mStep)
          } else {
            panel(
              start, 1, depth, v + row * vStep, v + r1 * vStep, v + r2 * vStep, v + r3 * vStep, v + r4 * vStep,
              v + r5 * vStep, w, plain, y + row * mStep, y + r1 * mStep, y + r2 * mStep, y + r3 * mStep, y + r4 * mStep,
              y + r5 * mStep)
          }
          row += 6
        }
        block += pair ? 2 : 1
      }
    }
  }

  package static func winogradOutput(
    _ s: WinogradShape, tiles: Range<Int>, _ product: WinogradMatrices, _ epilogue: KernelEpilogue, _ y: MutableFloats
  ) {
    let perImage = s.tileRows * s.tileColumns
    let (height, width, outputs) = (s.outputHeight, s.outputWidth, s.outputs)
    let plane = product.plane
    withTile(W.self) { _, t in
      for tile in tiles {
        let top = tile % perImage / s.tileColumns * 4
        let left = tile % perImage % s.tileColumns * 4
        let corner = y + ((tile / perImage * height + top) * width + left) * outputs
        let rows = min(4, height - top)
        let columns = min(4, width - left)
        let row = UnsafePointer(product.values + (tile - tiles.lowerBound) * product.step)
        var c = 0
        while c < outputs {
          let lanes = min(W.scalarCount, outputs - c)
          var j = 0
          while j < 6 {
            let m = row + j * plane + c
            (t[j], t[6 + j], t[12 + j], t[18 + j]) = outputTransform(
              wload(m), wload(m + 6 * plane), wload(m + 12 * plane), wload(m + 18 * plane), wload(m + 24 * plane),
              wload(m + 30 * plane))
            j += 1
          }
          var base = W.zero
          if let bias = epilogue.bias { base = wload(bias + c, first: lanes) }
          var i = 0
          while i < rows {
            let q = i * 6
            let r = outputTransform(t[q], t[q + 1], t[q + 2], t[q + 3], t[q + 4], t[q + 5])
            (t[q], t[q + 1], t[q + 2], t[q + 3]) = (r.0 + base, r.1 + base, r.2 + base, r.3 + base)
            let out = corner + i * width * outputs + c
            var j = 0
            while j < columns {
              finish(t[q + j], epilogue, out + j * outputs, lanes: lanes)
              j += 1
            }
            i += 1
          }
          c += W.scalarCount
        }
      }
    }
  }

  package static func winogradAccumulate(
    inputs: Int, rows: Int, blocks: Range<Int>, _ input: Floats, step inputStep: Int, _ gradient: Floats,
    step gradientStep: Int, _ sums: MutableFloats, step: Int, starts: Bool
  ) {
    var zero = 0
    withUnsafePointer(to: &zero) { start in
      let block = DirectGradientBlock(
        segments: 1, columns: rows, inputOffsets: start, gradientOffsets: start, inputStep: inputStep,
        gradientStep: gradientStep, runs: start, runCount: 1, runLength: inputs, rowStep: step, starts: starts)
      accumulateWeightGradient(block, input, gradient, sums, columnBlocks: blocks, copies: nil)
    }
  }

  package static func winogradWeights(
    _ s: WinogradShape, _ weights: Floats, outputStep: Int, inputStep: Int, turned: Bool, blocks: Range<Int>,
    inputs: Range<Int>, _ packed: MutableFloats, plane: Int
  ) {
    let strided = s.isStrided
    withTile(V.self) { _, t in
      // Columns first: 6 x 3 values after the nine taps.
      let u = t + 9
      var out = packed
      for block in blocks {
        let outputs = s.outputs - block * 16
        for input in inputs {
          let source = weights + block * 16 * outputStep + input * inputStep
          for lane in 0..<16 { ltd_prefetch(source + lane * outputStep + 16 * inputStep) }
          if outputs >= 16 {
            taps(source, step: outputStep, turned: turned, t)
          } else {
            for tap in 0..<9 {
              var g = V.zero
              for lane in 0..<outputs { g[lane] = source[lane * outputStep + (turned ? 8 - tap : tap)] }
              t[tap] = g
            }
          }
          var j = 0
          while j < 3 {
            (u[j], u[3 + j], u[6 + j], u[9 + j], u[12 + j], u[15 + j]) =
              strided
              ? stridedWeightTransform(t[j], t[3 + j], t[6 + j]) : weightTransform(t[j], t[3 + j], t[6 + j])
            j += 1
          }
          var target = out
          out += 16
          var i = 0
          while i < 6 {
            let (g0, g1, g2) = (u[3 * i], u[3 * i + 1], u[3 * i + 2])
            let r = strided ? stridedWeightTransform(g0, g1, g2) : weightTransform(g0, g1, g2)
            vstore(target, r.0)
            vstore(target + plane, r.1)
            vstore(target + 2 * plane, r.2)
            vstore(target + 3 * plane, r.3)
            vstore(target + 4 * plane, r.4)
            vstore(target + 5 * plane, r.5)
            target += 6 * plane
            i += 1
          }
        }
      }
    }
  }

  /// The nine taps of sixteen outputs, a vector each.
  @inline(__always)
  private static func taps(_ source: Floats, step: Int, turned: Bool, _ t: UnsafeMutablePointer<V>) {
    // Eight taps of each output are rows to be transposed; turned, the last eight, in reverse order.
    let (first, rest) = turned ? (1, 0) : (0, 8)
    let low = columns(source + first, step)
    let high = columns(source + 8 * step + first, step)
    let p = source + rest
    let q = p + 8 * step
    let last = V(
      p[0], p[step], p[2 * step], p[3 * step], p[4 * step], p[5 * step], p[6 * step], p[7 * step],
      q[0], q[step], q[2 * step], q[3 * step], q[4 * step], q[5 * step], q[6 * step], q[7 * step])
    if turned {
      t[0] = V(lowHalf: low.7, highHalf: high.7)
      t[1] = V(lowHalf: low.6, highHalf: high.6)
      t[2] = V(lowHalf: low.5, highHalf: high.5)
      t[3] = V(lowHalf: low.4, highHalf: high.4)
      t[4] = V(lowHalf: low.3, highHalf: high.3)
      t[5] = V(lowHalf: low.2, highHalf: high.2)
      t[6] = V(lowHalf: low.1, highHalf: high.1)
      t[7] = V(lowHalf: low.0, highHalf: high.0)
    } else {
      t[0] = V(lowHalf: low.0, highHalf: high.0)
      t[1] = V(lowHalf: low.1, highHalf: high.1)
      t[2] = V(lowHalf: low.2, highHalf: high.2)
      t[3] = V(lowHalf: low.3, highHalf: high.3)
      t[4] = V(lowHalf: low.4, highHalf: high.4)
      t[5] = V(lowHalf: low.5, highHalf: high.5)
      t[6] = V(lowHalf: low.6, highHalf: high.6)
      t[7] = V(lowHalf: low.7, highHalf: high.7)
    }
    t[8] = last
  }

  /// The columns of eight rows of eight values.
  @inline(__always)
  private static func columns(_ p: Floats, _ step: Int) -> (V8, V8, V8, V8, V8, V8, V8, V8) {
    let a = pairs(load(p), load(p + step), load(p + 2 * step), load(p + 3 * step))
    let b = pairs(load(p + 4 * step), load(p + 5 * step), load(p + 6 * step), load(p + 7 * step))
    return (
      V8(lowHalf: a.0.lowHalf, highHalf: b.0.lowHalf), V8(lowHalf: a.1.lowHalf, highHalf: b.1.lowHalf),
      V8(lowHalf: a.2.lowHalf, highHalf: b.2.lowHalf), V8(lowHalf: a.3.lowHalf, highHalf: b.3.lowHalf),
      V8(lowHalf: a.0.highHalf, highHalf: b.0.highHalf), V8(lowHalf: a.1.highHalf, highHalf: b.1.highHalf),
      V8(lowHalf: a.2.highHalf, highHalf: b.2.highHalf), V8(lowHalf: a.3.highHalf, highHalf: b.3.highHalf)
    )
  }

  /// Four rows as columns of four, in each half of the vectors.
  @inline(__always)
  private static func pairs(_ a: V8, _ b: V8, _ c: V8, _ d: V8) -> (V8, V8, V8, V8) {
    let ab = (
      V8(a[0], b[0], a[1], b[1], a[4], b[4], a[5], b[5]), V8(a[2], b[2], a[3], b[3], a[6], b[6], a[7], b[7])
    )
    let cd = (
      V8(c[0], d[0], c[1], d[1], c[4], d[4], c[5], d[5]), V8(c[2], d[2], c[3], d[3], c[6], d[6], c[7], d[7])
    )
    return (
      V8(ab.0[0], ab.0[1], cd.0[0], cd.0[1], ab.0[4], ab.0[5], cd.0[4], cd.0[5]),
      V8(ab.0[2], ab.0[3], cd.0[2], cd.0[3], ab.0[6], ab.0[7], cd.0[6], cd.0[7]),
      V8(ab.1[0], ab.1[1], cd.1[0], cd.1[1], ab.1[4], ab.1[5], cd.1[4], cd.1[5]),
      V8(ab.1[2], ab.1[3], cd.1[2], cd.1[3], ab.1[6], ab.1[7], cd.1[6], cd.1[7])
    )
  }

  package static func winogradWeightGradient(
    _ s: WinogradShape, inputs: Range<Int>, _ sums: WinogradMatrices, outputStep: Int, inputStep: Int,
    _ weights: MutableFloats
  ) {
    let plane = sums.plane
    let strided = s.isStrided
    withTile(V8.self) { _, t in
      for input in inputs {
        var output = 0
        while output < s.outputs {
          let lanes = min(8, s.outputs - output)
          var j = 0
          while j < 6 {
            let d = UnsafePointer(sums.values + j * plane + input * sums.step + output)
            let (d0, d1, d2) = (load(d), load(d + 6 * plane), load(d + 12 * plane))
            let (d3, d4, d5) = (load(d + 18 * plane), load(d + 24 * plane), load(d + 30 * plane))
            (t[j], t[6 + j], t[12 + j]) =
              strided
              ? stridedWeightGradientTransform(d0, d1, d2, d3, d4, d5)
              : weightGradientTransform(d0, d1, d2, d3, d4, d5)
            j += 1
          }
          var i = 0
          while i < 3 {
            let q = i * 6
            let r =
              strided
              ? stridedWeightGradientTransform(t[q], t[q + 1], t[q + 2], t[q + 3], t[q + 4], t[q + 5])
              : weightGradientTransform(t[q], t[q + 1], t[q + 2], t[q + 3], t[q + 4], t[q + 5])
            var target = weights + output * outputStep + input * inputStep + 3 * i
            for lane in 0..<lanes {
              target[0] = r.0[lane]
              target[1] = r.1[lane]
              target[2] = r.2[lane]
              target += outputStep
            }
            i += 1
          }
          output += 8
        }
      }
    }
  }
}
