import KernelTypes

// The innermost loops of convolutions: panels of six pixels by sixteen outputs, whose twelve or more sums stay in registers
// while the values of the windows go by. Each value is multiplied with sixteen weights that lie side by side. What the
// epilogue does to a result is done here, before it is stored.

/// Eight outputs after everything of the epilogue but the bias.
@inline(__always)
func finish(_ v: V8, _ e: KernelEpilogue, _ out: MutableFloats) {
  var v = v
  if e.masksFirst, let distance = e.maskDistance {
    v = V8.zero.replacing(with: v, where: load(out + distance) .> 0)
  }
  if let distance = e.addendDistance { v += load(out + distance) }
  if e.relu { v = vrelu(v) }
  if !e.masksFirst, let distance = e.maskDistance {
    v = V8.zero.replacing(with: v, where: load(out + distance) .> 0)
  }
  store(out, v)
}

/// The same for some of them.
@inline(never)
func finish(_ v: V8, _ e: KernelEpilogue, _ out: MutableFloats, first lanes: Int) {
  for i in 0..<lanes {
    var value = v[i]
    let passes = e.maskDistance.map { out[i + $0] > 0 } ?? true
    if e.masksFirst && !passes { value = 0 }
    if let distance = e.addendDistance { value += out[i + distance] }
    if e.relu && value < 0 { value = 0 }
    if !e.masksFirst && !passes { value = 0 }
    out[i] = value
  }
}

/// The first `lanes` outputs after the epilogue but the bias.
@inline(__always)
func finish(_ v: V8, _ e: KernelEpilogue, _ out: MutableFloats, lanes: Int) {
  if lanes < 8 {
    finish(v, e, out, first: lanes)
  } else if e.changes {
    finish(v, e, out)
  } else {
    store(out, v)
  }
}

/// Six pixels by sixteen outputs in registers over every run.
@inline(never)
func panel(
  _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats,
  _ x4: Floats, _ x5: Floats, _ weights: Floats, _ e: KernelEpilogue, _ y0: MutableFloats, _ y1: MutableFloats,
  _ y2: MutableFloats, _ y3: MutableFloats, _ y4: MutableFloats, _ y5: MutableFloats
) {
  var low = V8.zero
  var high = V8.zero
  if let bias = e.bias {
    low = load(bias)
    high = load(bias + 8)
  }
  var (c00, c10, c20, c30, c40, c50) = (low, low, low, low, low, low)
  var (c01, c11, c21, c31, c41, c51) = (high, high, high, high, high, high)
  if e.continues {
    (c00, c10, c20, c30, c40, c50) = (load(y0), load(y1), load(y2), load(y3), load(y4), load(y5))
    (c01, c11, c21) = (load(y0 + 8), load(y1 + 8), load(y2 + 8))
    (c31, c41, c51) = (load(y3 + 8), load(y4 + 8), load(y5 + 8))
  }
  var b = weights
  var run = 0
  while run < runCount {
    let start = runs[run]
    let (a0, a1, a2, a3, a4, a5) = (x0 + start, x1 + start, x2 + start, x3 + start, x4 + start, x5 + start)
    var k = 0
    while k < runLength {
      let b0 = load(b)
      let b1 = load(b + 8)
      b += 16
      c00 = fma(a0[k], b0, c00)
      c01 = fma(a0[k], b1, c01)
      c10 = fma(a1[k], b0, c10)
      c11 = fma(a1[k], b1, c11)
      c20 = fma(a2[k], b0, c20)
      c21 = fma(a2[k], b1, c21)
      c30 = fma(a3[k], b0, c30)
      c31 = fma(a3[k], b1, c31)
      c40 = fma(a4[k], b0, c40)
      c41 = fma(a4[k], b1, c41)
      c50 = fma(a5[k], b0, c50)
      c51 = fma(a5[k], b1, c51)
      k += 1
    }
    run += 1
  }
  if e.changes {
    finish(c00, e, y0)
    finish(c01, e, y0 + 8)
    finish(c10, e, y1)
    finish(c11, e, y1 + 8)
    finish(c20, e, y2)
    finish(c21, e, y2 + 8)
    finish(c30, e, y3)
    finish(c31, e, y3 + 8)
    finish(c40, e, y4)
    finish(c41, e, y4 + 8)
    finish(c50, e, y5)
    finish(c51, e, y5 + 8)
    return
  }
  store(y0, c00)
  store(y0 + 8, c01)
  store(y1, c10)
  store(y1 + 8, c11)
  store(y2, c20)
  store(y2 + 8, c21)
  store(y3, c30)
  store(y3 + 8, c31)
  store(y4, c40)
  store(y4 + 8, c41)
  store(y5, c50)
  store(y5 + 8, c51)
}

/// Six weights by sixteen outputs in registers over every pixel.
@inline(never)
func gradientPanel(
  _ block: DirectGradientBlock, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats, _ x4: Floats, _ x5: Floats,
  _ dy: Floats, _ d: MutableFloats, _ step: Int
) {
  var (c00, c01, c10, c11, c20, c21) = (V8.zero, V8.zero, V8.zero, V8.zero, V8.zero, V8.zero)
  var (c30, c31, c40, c41, c50, c51) = (V8.zero, V8.zero, V8.zero, V8.zero, V8.zero, V8.zero)
  if !block.starts {
    (c00, c01) = (load(d), load(d + 8))
    (c10, c11) = (load(d + step), load(d + step + 8))
    (c20, c21) = (load(d + 2 * step), load(d + 2 * step + 8))
    (c30, c31) = (load(d + 3 * step), load(d + 3 * step + 8))
    (c40, c41) = (load(d + 4 * step), load(d + 4 * step + 8))
    (c50, c51) = (load(d + 5 * step), load(d + 5 * step + 8))
  }
  let inputStep = block.inputStep
  let gradientStep = block.gradientStep
  let inputOffsets = block.inputOffsets
  let gradientOffsets = block.gradientOffsets
  let segments = block.segments
  let columns = block.columns
  var segment = 0
  while segment < segments {
    var k = inputOffsets[segment]
    var b = dy + gradientOffsets[segment]
    var left = columns
    while left > 0 {
      let b0 = load(b)
      let b1 = load(b + 8)
      c00 = fma(x0[k], b0, c00)
      c01 = fma(x0[k], b1, c01)
      c10 = fma(x1[k], b0, c10)
      c11 = fma(x1[k], b1, c11)
      c20 = fma(x2[k], b0, c20)
      c21 = fma(x2[k], b1, c21)
      c30 = fma(x3[k], b0, c30)
      c31 = fma(x3[k], b1, c31)
      c40 = fma(x4[k], b0, c40)
      c41 = fma(x4[k], b1, c41)
      c50 = fma(x5[k], b0, c50)
      c51 = fma(x5[k], b1, c51)
      k += inputStep
      b += gradientStep
      left -= 1
    }
    segment += 1
  }
  store(d, c00)
  store(d + 8, c01)
  store(d + step, c10)
  store(d + step + 8, c11)
  store(d + 2 * step, c20)
  store(d + 2 * step + 8, c21)
  store(d + 3 * step, c30)
  store(d + 3 * step + 8, c31)
  store(d + 4 * step, c40)
  store(d + 4 * step + 8, c41)
  store(d + 5 * step, c50)
  store(d + 5 * step + 8, c51)
}

/// The dot products of eight pixels with one output's weights, vectors of eight along the runs.
@inline(never)
func dots(
  _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats,
  _ x4: Floats, _ x5: Floats, _ x6: Floats, _ x7: Floats, _ weights: Floats
) -> V8 {
  var (c0, c1, c2, c3) = (V8.zero, V8.zero, V8.zero, V8.zero)
  var (c4, c5, c6, c7) = (V8.zero, V8.zero, V8.zero, V8.zero)
  let whole = runLength & ~7
  let rest = runLength & 7
  var w = weights
  var run = 0
  while run < runCount {
    var k = runs[run]
    let end = k + whole
    while k < end {
      let v = load(w)
      c0 = fma(load(x0 + k), v, c0)
      c1 = fma(load(x1 + k), v, c1)
      c2 = fma(load(x2 + k), v, c2)
      c3 = fma(load(x3 + k), v, c3)
      c4 = fma(load(x4 + k), v, c4)
      c5 = fma(load(x5 + k), v, c5)
      c6 = fma(load(x6 + k), v, c6)
      c7 = fma(load(x7 + k), v, c7)
      w += 8
      k += 8
    }
    if rest > 0 {
      let v = load(w)
      c0 = fma(load(x0 + k, first: rest), v, c0)
      c1 = fma(load(x1 + k, first: rest), v, c1)
      c2 = fma(load(x2 + k, first: rest), v, c2)
      c3 = fma(load(x3 + k, first: rest), v, c3)
      c4 = fma(load(x4 + k, first: rest), v, c4)
      c5 = fma(load(x5 + k, first: rest), v, c5)
      c6 = fma(load(x6 + k, first: rest), v, c6)
      c7 = fma(load(x7 + k, first: rest), v, c7)
      w += 8
    }
    run += 1
  }
  return V8(
    laneSum(c0), laneSum(c1), laneSum(c2), laneSum(c3), laneSum(c4), laneSum(c5), laneSum(c6), laneSum(c7))
}

/// The dot products of four pixels with the weights of three outputs (`step` apart); lanes 0–3 are pixels.
@inline(never)
func dots3(
  _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats,
  _ weights: Floats, _ step: Int
) -> (SIMD4<Float>, SIMD4<Float>, SIMD4<Float>) {
  var (c00, c01, c02, c03) = (V8.zero, V8.zero, V8.zero, V8.zero)
  var (c10, c11, c12, c13) = (V8.zero, V8.zero, V8.zero, V8.zero)
  var (c20, c21, c22, c23) = (V8.zero, V8.zero, V8.zero, V8.zero)
  var w = weights
  var run = 0
  while run < runCount {
    var k = runs[run]
    let end = k + runLength
    while k < end {
      let lanes = min(8, end - k)
      let a0 = load(w)
      let a1 = load(w + step)
      let a2 = load(w + 2 * step)
      var x = lanes == 8 ? load(x0 + k) : load(x0 + k, first: lanes)
      c00 = fma(x, a0, c00)
      c10 = fma(x, a1, c10)
      c20 = fma(x, a2, c20)
      x = lanes == 8 ? load(x1 + k) : load(x1 + k, first: lanes)
      c01 = fma(x, a0, c01)
      c11 = fma(x, a1, c11)
      c21 = fma(x, a2, c21)
      x = lanes == 8 ? load(x2 + k) : load(x2 + k, first: lanes)
      c02 = fma(x, a0, c02)
      c12 = fma(x, a1, c12)
      c22 = fma(x, a2, c22)
      x = lanes == 8 ? load(x3 + k) : load(x3 + k, first: lanes)
      c03 = fma(x, a0, c03)
      c13 = fma(x, a1, c13)
      c23 = fma(x, a2, c23)
      w += 8
      k += 8
    }
    run += 1
  }
  return (
    SIMD4(laneSum(c00), laneSum(c01), laneSum(c02), laneSum(c03)),
    SIMD4(laneSum(c10), laneSum(c11), laneSum(c12), laneSum(c13)),
    SIMD4(laneSum(c20), laneSum(c21), laneSum(c22), laneSum(c23))
  )
}
