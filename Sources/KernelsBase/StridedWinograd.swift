import KernelTypes

// Of a 3x3 convolution of stride 2, along each axis, the outer taps read every second input and form a convolution of two
// taps, F(4, 2) with the points ±a, ±b and infinity; the middle tap reads the others and multiplies them as they are.
// Four outputs so take 5 + 4 products instead of 12: positions 0–3 of an axis belong to the middle tap, 4–8 to the points.

private let a: Float = 2 / 3
private let b: Float = 3 / 2
private let a2: Float = 4 / 9
private let b2: Float = 9 / 4
private let a3: Float = 8 / 27
private let b3: Float = 27 / 8
private let sum2: Float = 4 / 9 + 9 / 4
/// 1 / (2a(a² − b²)) and 1 / (2b(b² − a²)): the factors of the weight transform.
private let ga: Float = 1 / (2 * 2 / 3 * (4 / 9 - 9 / 4))
private let gb: Float = 1 / (2 * 3 / 2 * (9 / 4 - 4 / 9))

/// Bᵀ d.
@inline(__always)
private func pointTransform(_ d0: W, _ d1: W, _ d2: W, _ d3: W, _ d4: W) -> (W, W, W, W, W) {
  let e1 = fma(-b2, d1, d3)
  let o1 = fma(a, d2, d0 * -b)
  let e2 = fma(-a2, d1, d3)
  let o2 = fma(b, d2, d0 * -a)
  return (e1 + o1, e1 - o1, e2 + o2, e2 - o2, fma(-sum2, d2, d4) + d0)
}

/// Aᵀ m.
@inline(__always)
private func outputTransform(_ m0: W, _ m1: W, _ m2: W, _ m3: W, _ m4: W) -> (W, W, W, W) {
  let s1 = m0 + m1
  let d1 = m0 - m1
  let s2 = m2 + m3
  let d2 = m2 - m3
  return (s1 + s2, fma(a, d1, d2 * b), fma(a2, s1, s2 * b2), fma(a3, d1, fma(b3, d2, m4)))
}

/// A y.
@inline(__always)
private func gradientTransform(_ y0: W, _ y1: W, _ y2: W, _ y3: W) -> (W, W, W, W, W) {
  let e = fma(a2, y2, y0)
  let o = fma(a2, y3, y1) * a
  let f = fma(b2, y2, y0)
  let p = fma(b2, y3, y1) * b
  return (e + o, e - o, f + p, f - p, y3)
}

/// The middle tap, then G of the outer ones.
@inline(__always)
func stridedWeightTransform(_ g0: V, _ middle: V, _ g1: V) -> (V, V, V, V, V, V) {
  let p = g1 * a
  let q = g1 * b
  return (middle, (g0 + p) * ga, (p - g0) * ga, (g0 + q) * gb, (q - g0) * gb, g1)
}

/// The reverse for the weight gradient.
@inline(__always)
func stridedWeightGradientTransform(_ d0: V8, _ d1: V8, _ d2: V8, _ d3: V8, _ d4: V8, _ d5: V8) -> (V8, V8, V8) {
  let first = fma(ga, d1 - d2, (d3 - d4) * gb)
  let second = fma(a * ga, d1 + d2, fma(b * gb, d3 + d4, d5))
  return (first, d0, second)
}

private typealias Pixels = UnsafeMutablePointer<Floats>

extension CPUKernels {
  /// Working space on the stack: pointers to up to 81 pixels and 81 vectors.
  @inline(__always)
  private static func withTile(_ body: (Pixels, UnsafeMutablePointer<W>) -> Void) {
    withUnsafeTemporaryAllocation(byteCount: 81 * 8 + 81 * MemoryLayout<W>.size, alignment: 64) { memory in
      guard let base = memory.baseAddress else { return }
      let pixels = base + 81 * MemoryLayout<W>.size
      body(pixels.assumingMemoryBound(to: Floats.self), base.assumingMemoryBound(to: W.self))
    }
  }

  /// Pointers to `rows` x `columns` pixels of an image from (top, left) on; `zeros` outside.
  @inline(__always)
  private static func gather(
    _ pixels: Pixels, _ image: Floats, _ top: Int, _ left: Int, _ rows: Int, _ columns: Int, _ height: Int,
    _ width: Int, _ channels: Int, _ zeros: Floats
  ) {
    for i in 0..<rows {
      let insideRow = top + i >= 0 && top + i < height
      for j in 0..<columns {
        let inside = insideRow && left + j >= 0 && left + j < width
        pixels[i * columns + j] = inside ? image + ((top + i) * width + left + j) * channels : zeros
      }
    }
  }

  package static func stridedWinogradInput(
    _ s: WinogradShape, tiles: Range<Int>, _ x: Floats, zeros: Floats, _ target: WinogradMatrices
  ) {
    let perImage = s.tileRows * s.tileColumns
    let (height, width, inputs) = (s.inputHeight, s.inputWidth, s.inputs)
    let plane = target.plane
    withTile { pixels, t in
      for tile in tiles {
        gather(
          pixels, x + tile / perImage * height * width * inputs, tile % perImage / s.tileColumns * 8 - s.padTop,
          tile % perImage % s.tileColumns * 8 - s.padLeft, 9, 9, height, width, inputs, zeros)
        let row = target.values + (tile - tiles.lowerBound) * target.step
        var c = 0
        while c < inputs {
          let lanes = min(W.scalarCount, inputs - c)
          var j = 0
          while j < 9 {
            let p = pixels + j
            t[j] = wload(p[9] + c, first: lanes)
            t[9 + j] = wload(p[27] + c, first: lanes)
            t[18 + j] = wload(p[45] + c, first: lanes)
            t[27 + j] = wload(p[63] + c, first: lanes)
            (t[36 + j], t[45 + j], t[54 + j], t[63 + j], t[72 + j]) = pointTransform(
              wload(p[0] + c, first: lanes), wload(p[18] + c, first: lanes), wload(p[36] + c, first: lanes),
              wload(p[54] + c, first: lanes), wload(p[72] + c, first: lanes))
            j += 1
          }
          var out = row + c
          var i = 0
          while i < 81 {
            wstore(out, t[i + 1])
            wstore(out + plane, t[i + 3])
            wstore(out + 2 * plane, t[i + 5])
            wstore(out + 3 * plane, t[i + 7])
            storePoints(out + 4 * plane, plane, pointTransform(t[i], t[i + 2], t[i + 4], t[i + 6], t[i + 8]))
            out += 9 * plane
            i += 9
          }
          c += W.scalarCount
        }
      }
    }
  }

  @inline(__always)
  private static func storePoints(_ out: MutableFloats, _ plane: Int, _ d: (W, W, W, W, W)) {
    wstore(out, d.0)
    wstore(out + plane, d.1)
    wstore(out + 2 * plane, d.2)
    wstore(out + 3 * plane, d.3)
    wstore(out + 4 * plane, d.4)
  }

  package static func stridedWinogradAdjointInput(
    _ s: WinogradShape, tiles: Range<Int>, _ dy: Floats, zeros: Floats, _ target: WinogradMatrices
  ) {
    let perImage = s.tileRows * s.tileColumns
    let (height, width, inputs) = (s.inputHeight, s.inputWidth, s.inputs)
    let plane = target.plane
    withTile { pixels, t in
      for tile in tiles {
        gather(
          pixels, dy + tile / perImage * height * width * inputs, tile % perImage / s.tileColumns * 4,
          tile % perImage % s.tileColumns * 4, 5, 5, height, width, inputs, zeros)
        let row = target.values + (tile - tiles.lowerBound) * target.step
        var c = 0
        while c < inputs {
          let lanes = min(W.scalarCount, inputs - c)
          var j = 0
          while j < 5 {
            let p = pixels + j
            let d0 = wload(p[0] + c, first: lanes)
            let d1 = wload(p[5] + c, first: lanes)
            let d2 = wload(p[10] + c, first: lanes)
            let d3 = wload(p[15] + c, first: lanes)
            let d4 = wload(p[20] + c, first: lanes)
            (t[j], t[5 + j], t[10 + j], t[15 + j]) = (d0, d1, d2, d3)
            (t[20 + j], t[25 + j], t[30 + j], t[35 + j], t[40 + j]) = pointTransform(d0, d1, d2, d3, d4)
            j += 1
          }
          var out = row + c
          var i = 0
          while i < 45 {
            wstore(out, t[i])
            wstore(out + plane, t[i + 1])
            wstore(out + 2 * plane, t[i + 2])
            wstore(out + 3 * plane, t[i + 3])
            storePoints(out + 4 * plane, plane, pointTransform(t[i], t[i + 1], t[i + 2], t[i + 3], t[i + 4]))
            out += 9 * plane
            i += 5
          }
          c += W.scalarCount
        }
      }
    }
  }

  package static func stridedWinogradOutput(
    _ s: WinogradShape, tiles: Range<Int>, _ product: WinogradMatrices, _ epilogue: KernelEpilogue,
    _ y: MutableFloats
  ) {
    let perImage = s.tileRows * s.tileColumns
    let (height, width, outputs) = (s.outputHeight, s.outputWidth, s.outputs)
    let plane = product.plane
    withTile { _, t in
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
          while j < 9 {
            let m = row + j * plane + c
            let r = outputTransform(
              wload(m + 36 * plane), wload(m + 45 * plane), wload(m + 54 * plane), wload(m + 63 * plane),
              wload(m + 72 * plane))
            t[j] = r.0 + wload(m)
            t[9 + j] = r.1 + wload(m + 9 * plane)
            t[18 + j] = r.2 + wload(m + 18 * plane)
            t[27 + j] = r.3 + wload(m + 27 * plane)
            j += 1
          }
          var base = W.zero
          if let bias = epilogue.bias { base = wload(bias + c, first: lanes) }
          var i = 0
          while i < rows {
            let q = i * 9
            let r = outputTransform(t[q + 4], t[q + 5], t[q + 6], t[q + 7], t[q + 8])
            t[q] += r.0 + base
            t[q + 1] += r.1 + base
            t[q + 2] += r.2 + base
            t[q + 3] += r.3 + base
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

  package static func stridedWinogradAdjointOutput(
    _ s: WinogradShape, tiles: Range<Int>, _ product: WinogradMatrices, _ epilogue: KernelEpilogue,
    _ dx: MutableFloats
  ) {
    let perImage = s.tileRows * s.tileColumns
    let (height, width, outputs) = (s.outputHeight, s.outputWidth, s.outputs)
    let plane = product.plane
    withTile { _, t in
      for tile in tiles {
        let image = dx + tile / perImage * height * width * outputs
        let top = tile % perImage / s.tileColumns * 8 - s.padTop + 1
        let left = tile % perImage % s.tileColumns * 8 - s.padLeft + 1
        let columns = max(0, -left)..<max(max(0, -left), min(8, width - left))
        let row = UnsafePointer(product.values + (tile - tiles.lowerBound) * product.step)
        var c = 0
        while c < outputs {
          let lanes = min(W.scalarCount, outputs - c)
          // Rows of dx alternate between the middle tap and the outer ones.
          var j = 0
          while j < 9 {
            let m = row + j * plane + c
            let r = outputTransform(
              wload(m + 36 * plane), wload(m + 45 * plane), wload(m + 54 * plane), wload(m + 63 * plane),
              wload(m + 72 * plane))
            t[j] = wload(m)
            t[9 + j] = r.0
            t[18 + j] = wload(m + 9 * plane)
            t[27 + j] = r.1
            t[36 + j] = wload(m + 18 * plane)
            t[45 + j] = r.2
            t[54 + j] = wload(m + 27 * plane)
            t[63 + j] = r.3
            j += 1
          }
          for i in max(0, -top)..<max(max(0, -top), min(8, height - top)) {
            let q = i * 9
            let r = outputTransform(t[q + 4], t[q + 5], t[q + 6], t[q + 7], t[q + 8])
            (t[q + 7], t[q + 5]) = (r.3, r.2)
            (t[q + 6], t[q + 4], t[q + 2]) = (t[q + 3], t[q + 2], t[q + 1])
            (t[q + 3], t[q + 1]) = (r.1, r.0)
            let out = image + ((top + i) * width + left) * outputs + c
            for j in columns { finish(t[q + j], epilogue, out + j * outputs, lanes: lanes) }
          }
          c += W.scalarCount
        }
      }
    }
  }

  package static func stridedWinogradOutputGradient(
    _ s: WinogradShape, tiles: Range<Int>, _ dy: Floats, zeros: Floats, _ target: WinogradMatrices
  ) {
    let perImage = s.tileRows * s.tileColumns
    let (height, width, outputs) = (s.outputHeight, s.outputWidth, s.outputs)
    let plane = target.plane
    withTile { pixels, t in
      for tile in tiles {
        gather(
          pixels, dy + tile / perImage * height * width * outputs, tile % perImage / s.tileColumns * 4,
          tile % perImage % s.tileColumns * 4, 4, 4, height, width, outputs, zeros)
        let row = target.values + (tile - tiles.lowerBound) * target.step
        let padded = (outputs + 15) / 16 * 16
        var c = 0
        while c < padded {
          let lanes = max(0, min(W.scalarCount, outputs - c))
          var j = 0
          while j < 4 {
            let d0 = wload(pixels[j] + c, first: lanes)
            let d1 = wload(pixels[4 + j] + c, first: lanes)
            let d2 = wload(pixels[8 + j] + c, first: lanes)
            let d3 = wload(pixels[12 + j] + c, first: lanes)
            (t[j], t[4 + j], t[8 + j], t[12 + j]) = (d0, d1, d2, d3)
            (t[16 + j], t[20 + j], t[24 + j], t[28 + j], t[32 + j]) = gradientTransform(d0, d1, d2, d3)
            j += 1
          }
          var out = row + c
          var i = 0
          while i < 36 {
            wstore(out, t[i])
            wstore(out + plane, t[i + 1])
            wstore(out + 2 * plane, t[i + 2])
            wstore(out + 3 * plane, t[i + 3])
            storePoints(out + 4 * plane, plane, gradientTransform(t[i], t[i + 1], t[i + 2], t[i + 3]))
            out += 9 * plane
            i += 4
          }
          c += W.scalarCount
        }
      }
    }
  }
}
