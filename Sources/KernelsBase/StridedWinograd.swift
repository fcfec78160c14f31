import KernelTypes

// Of a 3x3 convolution of stride 2, along each axis, the outer taps read every second input and form a convolution of two
// taps, F(4, 2) with the points ±a, ±b and infinity; the middle tap reads the others and multiplies them as they are.
// Four outputs so take 5 + 4 products instead of 12: places 0–3 of an axis belong to the middle tap, 4–8 to the points.

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
private func pointTransform(_ d0: V8, _ d1: V8, _ d2: V8, _ d3: V8, _ d4: V8) -> (V8, V8, V8, V8, V8) {
  let e1 = fma(-b2, d1, d3)
  let o1 = fma(a, d2, d0 * -b)
  let e2 = fma(-a2, d1, d3)
  let o2 = fma(b, d2, d0 * -a)
  return (e1 + o1, e1 - o1, e2 + o2, e2 - o2, fma(-sum2, d2, d4) + d0)
}

/// Aᵀ m.
@inline(__always)
private func outputTransform(_ m0: V8, _ m1: V8, _ m2: V8, _ m3: V8, _ m4: V8) -> (V8, V8, V8, V8) {
  let s1 = m0 + m1
  let d1 = m0 - m1
  let s2 = m2 + m3
  let d2 = m2 - m3
  return (s1 + s2, fma(a, d1, d2 * b), fma(a2, s1, s2 * b2), fma(a3, d1, fma(b3, d2, m4)))
}

/// A y.
@inline(__always)
private func gradientTransform(_ y0: V8, _ y1: V8, _ y2: V8, _ y3: V8) -> (V8, V8, V8, V8, V8) {
  let e = fma(a2, y2, y0)
  let o = fma(a2, y3, y1) * a
  let f = fma(b2, y2, y0)
  let p = fma(b2, y3, y1) * b
  return (e + o, e - o, f + p, f - p, y3)
}

/// The middle tap, then G of the outer ones.
@inline(__always)
func stridedWeightTransform(_ g0: V8, _ middle: V8, _ g1: V8) -> (V8, V8, V8, V8, V8, V8) {
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
  private static func withTile(_ body: (Pixels, UnsafeMutablePointer<V8>) -> Void) {
    withUnsafeTemporaryAllocation(byteCount: 81 * 8 + 81 * 32, alignment: 32) { memory in
      guard let base = memory.baseAddress else { return }
      body((base + 81 * 32).assumingMemoryBound(to: Floats.self), base.assumingMemoryBound(to: V8.self))
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
          let lanes = min(8, inputs - c)
          var j = 0
          while j < 9 {
            let p = pixels + j
            t[j] = load(p[9] + c, first: lanes)
            t[9 + j] = load(p[27] + c, first: lanes)
            t[18 + j] = load(p[45] + c, first: lanes)
            t[27 + j] = load(p[63] + c, first: lanes)
            (t[36 + j], t[45 + j], t[54 + j], t[63 + j], t[72 + j]) = pointTransform(
              load(p[0] + c, first: lanes), load(p[18] + c, first: lanes), load(p[36] + c, first: lanes),
              load(p[54] + c, first: lanes), load(p[72] + c, first: lanes))
            j += 1
          }
          var out = row + c
          var i = 0
          while i < 81 {
            store(out, t[i + 1])
            store(out + plane, t[i + 3])
            store(out + 2 * plane, t[i + 5])
            store(out + 3 * plane, t[i + 7])
            storePoints(out + 4 * plane, plane, pointTransform(t[i], t[i + 2], t[i + 4], t[i + 6], t[i + 8]))
            out += 9 * plane
            i += 9
          }
          c += 8
        }
      }
    }
  }

  @inline(__always)
  private static func storePoints(_ out: MutableFloats, _ plane: Int, _ d: (V8, V8, V8, V8, V8)) {
    store(out, d.0)
    store(out + plane, d.1)
    store(out + 2 * plane, d.2)
    store(out + 3 * plane, d.3)
    store(out + 4 * plane, d.4)
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
          let lanes = min(8, inputs - c)
          var j = 0
          while j < 5 {
            let p = pixels + j
            let d0 = load(p[0] + c, first: lanes)
            let d1 = load(p[5] + c, first: lanes)
            let d2 = load(p[10] + c, first: lanes)
            let d3 = load(p[15] + c, first: lanes)
            let d4 = load(p[20] + c, first: lanes)
            (t[j], t[5 + j], t[10 + j], t[15 + j]) = (d0, d1, d2, d3)
            (t[20 + j], t[25 + j], t[30 + j], t[35 + j], t[40 + j]) = pointTransform(d0, d1, d2, d3, d4)
            j += 1
          }
          var out = row + c
          var i = 0
          while i < 45 {
            store(out, t[i])
            store(out + plane, t[i + 1])
            store(out + 2 * plane, t[i + 2])
            store(out + 3 * plane, t[i + 3])
            storePoints(out + 4 * plane, plane, pointTransform(t[i], t[i + 1], t[i + 2], t[i + 3], t[i + 4]))
            out += 9 * plane
            i += 5
          }
          c += 8
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
          let lanes = min(8, outputs - c)
          var j = 0
          while j < 9 {
            let m = row + j * plane + c
            let r = outputTransform(
              load(m + 36 * plane), load(m + 45 * plane), load(m + 54 * plane), load(m + 63 * plane),
              load(m + 72 * plane))
            t[j] = r.0 + load(m)
            t[9 + j] = r.1 + load(m + 9 * plane)
            t[18 + j] = r.2 + load(m + 18 * plane)
            t[27 + j] = r.3 + load(m + 27 * plane)
            j += 1
          }
          var base = V8.zero
          if let bias = epilogue.bias { base = load(bias + c, first: lanes) }
          var i = 0
          while i < rows {
            let q = i * 9
            let r = outputTransform(t[q + 4], t[q + 5], t[q + 6], t[q + 7], t[q + 8])
            let out = corner + i * width * outputs + c
            finish(r.0 + t[q] + base, epilogue, out, lanes: lanes)
            if columns > 1 { finish(r.1 + t[q + 1] + base, epilogue, out + outputs, lanes: lanes) }
            if columns > 2 { finish(r.2 + t[q + 2] + base, epilogue, out + 2 * outputs, lanes: lanes) }
            if columns > 3 { finish(r.3 + t[q + 3] + base, epilogue, out + 3 * outputs, lanes: lanes) }
            i += 1
          }
          c += 8
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
        let row = UnsafePointer(product.values + (tile - tiles.lowerBound) * product.step)
        var c = 0
        while c < outputs {
          let lanes = min(8, outputs - c)
          // Rows of dx alternate between the middle tap and the outer ones.
          var j = 0
          while j < 9 {
            let m = row + j * plane + c
            let r = outputTransform(
              load(m + 36 * plane), load(m + 45 * plane), load(m + 54 * plane), load(m + 63 * plane),
              load(m + 72 * plane))
            t[j] = load(m)
            t[9 + j] = r.0
            t[18 + j] = load(m + 9 * plane)
            t[27 + j] = r.1
            t[36 + j] = load(m + 18 * plane)
            t[45 + j] = r.2
            t[54 + j] = load(m + 27 * plane)
            t[63 + j] = r.3
            j += 1
          }
          for i in max(0, -top)..<max(max(0, -top), min(8, height - top)) {
            let q = i * 9
            let r = outputTransform(t[q + 4], t[q + 5], t[q + 6], t[q + 7], t[q + 8])
            let out = image + ((top + i) * width + left) * outputs + c
            let inside = { (column: Int) in left + column >= 0 && left + column < width }
            if inside(0) { finish(t[q], epilogue, out, lanes: lanes) }
            if inside(1) { finish(r.0, epilogue, out + outputs, lanes: lanes) }
            if inside(2) { finish(t[q + 1], epilogue, out + 2 * outputs, lanes: lanes) }
            if inside(3) { finish(r.1, epilogue, out + 3 * outputs, lanes: lanes) }
            if inside(4) { finish(t[q + 2], epilogue, out + 4 * outputs, lanes: lanes) }
            if inside(5) { finish(r.2, epilogue, out + 5 * outputs, lanes: lanes) }
            if inside(6) { finish(t[q + 3], epilogue, out + 6 * outputs, lanes: lanes) }
            if inside(7) { finish(r.3, epilogue, out + 7 * outputs, lanes: lanes) }
          }
          c += 8
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
          let lanes = max(0, min(8, outputs - c))
          var j = 0
          while j < 4 {
            let d0 = load(pixels[j] + c, first: lanes)
            let d1 = load(pixels[4 + j] + c, first: lanes)
            let d2 = load(pixels[8 + j] + c, first: lanes)
            let d3 = load(pixels[12 + j] + c, first: lanes)
            (t[j], t[4 + j], t[8 + j], t[12 + j]) = (d0, d1, d2, d3)
            (t[16 + j], t[20 + j], t[24 + j], t[28 + j], t[32 + j]) = gradientTransform(d0, d1, d2, d3)
            j += 1
          }
          var out = row + c
          var i = 0
          while i < 36 {
            store(out, t[i])
            store(out + plane, t[i + 1])
            store(out + 2 * plane, t[i + 2])
            store(out + 3 * plane, t[i + 3])
            storePoints(out + 4 * plane, plane, gradientTransform(t[i], t[i + 1], t[i + 2], t[i + 3]))
            out += 9 * plane
            i += 4
          }
          c += 8
        }
      }
    }
  }
}
