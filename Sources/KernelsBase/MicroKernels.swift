import KernelTypes

/// Six pixels by sixteen outputs in registers over every run.
@inline(never)
func panel(
  _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats,
  _ x4: Floats, _ x5: Floats, _ weights: Floats, _ bias: Floats?, _ y0: MutableFloats, _ y1: MutableFloats,
  _ y2: MutableFloats, _ y3: MutableFloats, _ y4: MutableFloats, _ y5: MutableFloats
) {
  var low = V8.zero
  var high = V8.zero
  if let bias {
    low = load(bias)
    high = load(bias + 8)
  }
  var (c00, c10, c20, c30, c40, c50) = (low, low, low, low, low, low)
  var (c01, c11, c21, c31, c41, c51) = (high, high, high, high, high, high)
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
  var (c00, c01) = (load(d), load(d + 8))
  var (c10, c11) = (load(d + step), load(d + step + 8))
  var (c20, c21) = (load(d + 2 * step), load(d + 2 * step + 8))
  var (c30, c31) = (load(d + 3 * step), load(d + 3 * step + 8))
  var (c40, c41) = (load(d + 4 * step), load(d + 4 * step + 8))
  var (c50, c51) = (load(d + 5 * step), load(d + 5 * step + 8))
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
