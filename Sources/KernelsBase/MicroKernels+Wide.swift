import CCPU
import KernelTypes

// With vectors of sixteen, panels two blocks of sixteen outputs wide, or twelve pixels tall where there is one block:
// twelve sums of one vector each keep the multipliers busy. Without such vectors neither is asked for.

#if LTD_WIDE
  /// Whether pairs of blocks are worked on at once.
  @inline(__always) var hasPairs: Bool { true }

  @inline(__always) private func multiplyAdd(_ a: Float, _ b: V, _ c: V) -> V {
    c.addingProduct(V(repeating: a), b)
  }

  /// The first `lanes` of sixteen outputs after everything of the epilogue but the bias.
  @_transparent
  func finish(_ v: V, _ e: KernelEpilogue, _ out: MutableFloats, lanes: Int) {
    if lanes == 16 && !e.changes { return vstore(out, v) }
    var v = v
    if e.masksFirst, let distance = e.maskDistance {
      v = V.zero.replacing(with: v, where: ltd_load_first16(out + distance, lanes, 0) .> 0)
    }
    if let distance = e.addendDistance { v += ltd_load_first16(out + distance, lanes, 0) }
    if e.relu { v = vrelu(v) }
    if !e.masksFirst, let distance = e.maskDistance {
      v = V.zero.replacing(with: v, where: ltd_load_first16(out + distance, lanes, 0) .> 0)
    }
    ltd_store_first16(out, v, lanes)
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
    var low = V.zero
    var high = V.zero
    if let bias = e.bias {
      low = vload(bias)
      high = vload(bias + 16)
    }
    var (c00, c10, c20, c30, c40, c50) = (low, low, low, low, low, low)
    var (c01, c11, c21, c31, c41, c51) = (high, high, high, high, high, high)
    if e.continues {
      (c00, c10, c20, c30, c40, c50) = (vload(y0), vload(y1), vload(y2), vload(y3), vload(y4), vload(y5))
      (c01, c11, c21) = (vload(y0 + 16), vload(y1 + 16), vload(y2 + 16))
      (c31, c41, c51) = (vload(y3 + 16), vload(y4 + 16), vload(y5 + 16))
    }
    var b = weights
    let next = weights2 - weights
    var run = 0
    while run < runCount {
      let start = runs[run]
      let (a0, a1, a2, a3, a4, a5) = (x0 + start, x1 + start, x2 + start, x3 + start, x4 + start, x5 + start)
      var k = 0
      while k < runLength {
        let b0 = vload(b)
        let b1 = vload(b + next)
        b += 16
        c00 = multiplyAdd(a0[k], b0, c00)
        c01 = multiplyAdd(a0[k], b1, c01)
        c10 = multiplyAdd(a1[k], b0, c10)
        c11 = multiplyAdd(a1[k], b1, c11)
        c20 = multiplyAdd(a2[k], b0, c20)
        c21 = multiplyAdd(a2[k], b1, c21)
        c30 = multiplyAdd(a3[k], b0, c30)
        c31 = multiplyAdd(a3[k], b1, c31)
        c40 = multiplyAdd(a4[k], b0, c40)
        c41 = multiplyAdd(a4[k], b1, c41)
        c50 = multiplyAdd(a5[k], b0, c50)
        c51 = multiplyAdd(a5[k], b1, c51)
        k += 1
      }
      run += 1
    }
    if e.changes {
      finish(c00, e, y0, lanes: 16)
      finish(c01, e, y0 + 16, lanes: 16)
      finish(c10, e, y1, lanes: 16)
      finish(c11, e, y1 + 16, lanes: 16)
      finish(c20, e, y2, lanes: 16)
      finish(c21, e, y2 + 16, lanes: 16)
      finish(c30, e, y3, lanes: 16)
      finish(c31, e, y3 + 16, lanes: 16)
      finish(c40, e, y4, lanes: 16)
      finish(c41, e, y4 + 16, lanes: 16)
      finish(c50, e, y5, lanes: 16)
      finish(c51, e, y5 + 16, lanes: 16)
      return
    }
    vstore(y0, c00)
    vstore(y0 + 16, c01)
    vstore(y1, c10)
    vstore(y1 + 16, c11)
    vstore(y2, c20)
    vstore(y2 + 16, c21)
    vstore(y3, c30)
    vstore(y3 + 16, c31)
    vstore(y4, c40)
    vstore(y4 + 16, c41)
    vstore(y5, c50)
    vstore(y5 + 16, c51)
  }

  /// `panel` for twelve pixels, those at `offsets` from `x`, whose results go to `targets` from `y`.
  @inline(never)
  func tallPanel(
    _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x: Floats, _ offsets: UnsafePointer<Int>,
    _ weights: Floats, _ e: KernelEpilogue, _ y: MutableFloats, _ targets: UnsafePointer<Int>
  ) {
    var bias = V.zero
    if let values = e.bias { bias = vload(values) }
    var (c0, c1, c2, c3, c4, c5) = (bias, bias, bias, bias, bias, bias)
    var (c6, c7, c8, c9, c10, c11) = (bias, bias, bias, bias, bias, bias)
    if e.continues {
      (c0, c1, c2) = (vload(y + targets[0]), vload(y + targets[1]), vload(y + targets[2]))
      (c3, c4, c5) = (vload(y + targets[3]), vload(y + targets[4]), vload(y + targets[5]))
      (c6, c7, c8) = (vload(y + targets[6]), vload(y + targets[7]), vload(y + targets[8]))
      (c9, c10, c11) = (vload(y + targets[9]), vload(y + targets[10]), vload(y + targets[11]))
    }
    var b = weights
    var run = 0
    while run < runCount {
      let start = x + runs[run]
      let (a0, a1, a2) = (start + offsets[0], start + offsets[1], start + offsets[2])
      let (a3, a4, a5) = (start + offsets[3], start + offsets[4], start + offsets[5])
      let (a6, a7, a8) = (start + offsets[6], start + offsets[7], start + offsets[8])
      let (a9, a10, a11) = (start + offsets[9], start + offsets[10], start + offsets[11])
      var k = 0
      while k < runLength {
        let w = vload(b)
        b += 16
        c0 = multiplyAdd(a0[k], w, c0)
        c1 = multiplyAdd(a1[k], w, c1)
        c2 = multiplyAdd(a2[k], w, c2)
        c3 = multiplyAdd(a3[k], w, c3)
        c4 = multiplyAdd(a4[k], w, c4)
        c5 = multiplyAdd(a5[k], w, c5)
        c6 = multiplyAdd(a6[k], w, c6)
        c7 = multiplyAdd(a7[k], w, c7)
        c8 = multiplyAdd(a8[k], w, c8)
        c9 = multiplyAdd(a9[k], w, c9)
        c10 = multiplyAdd(a10[k], w, c10)
        c11 = multiplyAdd(a11[k], w, c11)
        k += 1
      }
      run += 1
    }
    if e.changes {
      finish(c0, e, y + targets[0], lanes: 16)
      finish(c1, e, y + targets[1], lanes: 16)
      finish(c2, e, y + targets[2], lanes: 16)
      finish(c3, e, y + targets[3], lanes: 16)
      finish(c4, e, y + targets[4], lanes: 16)
      finish(c5, e, y + targets[5], lanes: 16)
      finish(c6, e, y + targets[6], lanes: 16)
      finish(c7, e, y + targets[7], lanes: 16)
      finish(c8, e, y + targets[8], lanes: 16)
      finish(c9, e, y + targets[9], lanes: 16)
      finish(c10, e, y + targets[10], lanes: 16)
      finish(c11, e, y + targets[11], lanes: 16)
      return
    }
    vstore(y + targets[0], c0)
    vstore(y + targets[1], c1)
    vstore(y + targets[2], c2)
    vstore(y + targets[3], c3)
    vstore(y + targets[4], c4)
    vstore(y + targets[5], c5)
    vstore(y + targets[6], c6)
    vstore(y + targets[7], c7)
    vstore(y + targets[8], c8)
    vstore(y + targets[9], c9)
    vstore(y + targets[10], c10)
    vstore(y + targets[11], c11)
  }

  /// `gradientPanel` for two blocks of sixteen outputs side by side.
  @inline(never)
  func gradientPanelPair(
    _ block: DirectGradientBlock, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats, _ x4: Floats, _ x5: Floats,
    _ dy: Floats, _ d: MutableFloats, _ step: Int
  ) {
    var (c00, c01, c10, c11, c20, c21) = (V.zero, V.zero, V.zero, V.zero, V.zero, V.zero)
    var (c30, c31, c40, c41, c50, c51) = (V.zero, V.zero, V.zero, V.zero, V.zero, V.zero)
    if !block.starts {
      (c00, c01) = (vload(d), vload(d + 16))
      (c10, c11) = (vload(d + step), vload(d + step + 16))
      (c20, c21) = (vload(d + 2 * step), vload(d + 2 * step + 16))
      (c30, c31) = (vload(d + 3 * step), vload(d + 3 * step + 16))
      (c40, c41) = (vload(d + 4 * step), vload(d + 4 * step + 16))
      (c50, c51) = (vload(d + 5 * step), vload(d + 5 * step + 16))
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
        let b0 = vload(b)
        let b1 = vload(b + 16)
        c00 = multiplyAdd(x0[k], b0, c00)
        c01 = multiplyAdd(x0[k], b1, c01)
        c10 = multiplyAdd(x1[k], b0, c10)
        c11 = multiplyAdd(x1[k], b1, c11)
        c20 = multiplyAdd(x2[k], b0, c20)
        c21 = multiplyAdd(x2[k], b1, c21)
        c30 = multiplyAdd(x3[k], b0, c30)
        c31 = multiplyAdd(x3[k], b1, c31)
        c40 = multiplyAdd(x4[k], b0, c40)
        c41 = multiplyAdd(x4[k], b1, c41)
        c50 = multiplyAdd(x5[k], b0, c50)
        c51 = multiplyAdd(x5[k], b1, c51)
        k += inputStep
        b += gradientStep
        left -= 1
      }
      segment += 1
    }
    vstore(d, c00)
    vstore(d + 16, c01)
    vstore(d + step, c10)
    vstore(d + step + 16, c11)
    vstore(d + 2 * step, c20)
    vstore(d + 2 * step + 16, c21)
    vstore(d + 3 * step, c30)
    vstore(d + 3 * step + 16, c31)
    vstore(d + 4 * step, c40)
    vstore(d + 4 * step + 16, c41)
    vstore(d + 5 * step, c50)
    vstore(d + 5 * step + 16, c51)
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

  func tallPanel(
    _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x: Floats, _ offsets: UnsafePointer<Int>,
    _ weights: Floats, _ e: KernelEpilogue, _ y: MutableFloats, _ targets: UnsafePointer<Int>
  ) {}

  func gradientPanelPair(
    _ block: DirectGradientBlock, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats, _ x4: Floats, _ x5: Floats,
    _ dy: Floats, _ d: MutableFloats, _ step: Int
  ) {}
#endif
