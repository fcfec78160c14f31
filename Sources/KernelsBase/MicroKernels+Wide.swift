import KernelTypes

// With vectors of sixteen, panels two blocks of sixteen outputs wide: twelve sums of one vector each keep the
// multipliers busy. Without them a pair is never asked for.

#if LTD_WIDE
  /// Whether pairs of blocks are worked on at once.
  @inline(__always) var hasPairs: Bool { true }

  typealias V16 = SIMD16<Float>

  @inline(__always) private func load16(_ p: UnsafePointer<Float>) -> V16 {
    UnsafeRawPointer(p).loadUnaligned(as: V16.self)
  }

  @inline(__always) private func store16(_ p: UnsafeMutablePointer<Float>, _ v: V16) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: V16.self)
  }

  @inline(__always) private func fma(_ a: Float, _ b: V16, _ c: V16) -> V16 {
    c.addingProduct(V16(repeating: a), b)
  }

  @inline(__always) private func finish16(_ v: V16, _ e: KernelEpilogue, _ out: MutableFloats) {
    var v = v
    if e.masksFirst, let distance = e.maskDistance {
      v = V16.zero.replacing(with: v, where: load16(out + distance) .> 0)
    }
    if let distance = e.addendDistance { v += load16(out + distance) }
    if e.relu { v = v.replacing(with: 0, where: v .< 0) }
    if !e.masksFirst, let distance = e.maskDistance {
      v = V16.zero.replacing(with: v, where: load16(out + distance) .> 0)
    }
    store16(out, v)
  }

  /// `panel` for two blocks of sixteen outputs at once: `weights` and `weights2`, whose results lie side by side.
  @inline(never)
  func panelPair(
    _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x0: Floats, _ x1: Floats, _ x2: Floats,
    _ x3: Floats, _ x4: Floats, _ x5: Floats, _ weights: Floats, _ weights2: Floats,
    _ e: KernelEpilogue,
    _ y0: MutableFloats, _ y1: MutableFloats, _ y2: MutableFloats, _ y3: MutableFloats, _ y4: MutableFloats,
    _ y5: MutableFloats
  ) {
    var low = V16.zero
    var high = V16.zero
    if let bias = e.bias {
      low = load16(bias)
      high = load16(bias + 16)
    }
    var (c00, c10, c20, c30, c40, c50) = (low, low, low, low, low, low)
    var (c01, c11, c21, c31, c41, c51) = (high, high, high, high, high, high)
    var b = weights
    let next = weights2 - weights
    var run = 0
    while run < runCount {
      let start = runs[run]
      let (a0, a1, a2, a3, a4, a5) = (x0 + start, x1 + start, x2 + start, x3 + start, x4 + start, x5 + start)
      var k = 0
      while k < runLength {
        let b0 = load16(b)
        let b1 = load16(b + next)
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
      finish16(c00, e, y0)
      finish16(c01, e, y0 + 16)
      finish16(c10, e, y1)
      finish16(c11, e, y1 + 16)
      finish16(c20, e, y2)
      finish16(c21, e, y2 + 16)
      finish16(c30, e, y3)
      finish16(c31, e, y3 + 16)
      finish16(c40, e, y4)
      finish16(c41, e, y4 + 16)
      finish16(c50, e, y5)
      finish16(c51, e, y5 + 16)
      return
    }
    store16(y0, c00)
    store16(y0 + 16, c01)
    store16(y1, c10)
    store16(y1 + 16, c11)
    store16(y2, c20)
    store16(y2 + 16, c21)
    store16(y3, c30)
    store16(y3 + 16, c31)
    store16(y4, c40)
    store16(y4 + 16, c41)
    store16(y5, c50)
    store16(y5 + 16, c51)
  }

  /// `gradientPanel` for two blocks of sixteen outputs side by side.
  @inline(never)
  func gradientPanelPair(
    _ block: DirectGradientBlock, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats, _ x4: Floats, _ x5: Floats,
    _ dy: Floats, _ d: MutableFloats, _ step: Int
  ) {
    var (c00, c01, c10, c11, c20, c21) = (V16.zero, V16.zero, V16.zero, V16.zero, V16.zero, V16.zero)
    var (c30, c31, c40, c41, c50, c51) = (V16.zero, V16.zero, V16.zero, V16.zero, V16.zero, V16.zero)
    if !block.starts {
      (c00, c01) = (load16(d), load16(d + 16))
      (c10, c11) = (load16(d + step), load16(d + step + 16))
      (c20, c21) = (load16(d + 2 * step), load16(d + 2 * step + 16))
      (c30, c31) = (load16(d + 3 * step), load16(d + 3 * step + 16))
      (c40, c41) = (load16(d + 4 * step), load16(d + 4 * step + 16))
      (c50, c51) = (load16(d + 5 * step), load16(d + 5 * step + 16))
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
        let b0 = load16(b)
        let b1 = load16(b + 16)
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
    store16(d, c00)
    store16(d + 16, c01)
    store16(d + step, c10)
    store16(d + step + 16, c11)
    store16(d + 2 * step, c20)
    store16(d + 2 * step + 16, c21)
    store16(d + 3 * step, c30)
    store16(d + 3 * step + 16, c31)
    store16(d + 4 * step, c40)
    store16(d + 4 * step + 16, c41)
    store16(d + 5 * step, c50)
    store16(d + 5 * step + 16, c51)
  }
#else
  @inline(__always) var hasPairs: Bool { false }

  func panelPair(
    _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x0: Floats, _ x1: Floats, _ x2: Floats,
    _ x3: Floats, _ x4: Floats, _ x5: Floats, _ weights: Floats, _ weights2: Floats,
    _ e: KernelEpilogue,
    _ y0: MutableFloats, _ y1: MutableFloats, _ y2: MutableFloats, _ y3: MutableFloats, _ y4: MutableFloats,
    _ y5: MutableFloats
  ) {}

  func gradientPanelPair(
    _ block: DirectGradientBlock, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats, _ x4: Floats, _ x5: Floats,
    _ dy: Floats, _ d: MutableFloats, _ step: Int
  ) {}
#endif
