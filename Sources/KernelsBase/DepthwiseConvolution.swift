import KernelTypes

// Convolutions whose channels do not mix: vectors run along the channels. Four pixels share each vector of weights, and
// sixty-four channels at a time keep what they read in the nearest cache.

extension CPUKernels {
  package static func depthwise(
    _ row: DepthwiseRow, _ x: Floats, _ weights: Floats, _ epilogue: KernelEpilogue, _ y: MutableFloats
  ) {
    var first = 0
    while first < row.channels {
      let end = min(first + 64, row.channels)
      var p = 0
      while p < row.pixels {
        let count = min(4, row.pixels - p)
        let (input, output) = (x + p * row.inputStep, y + p * row.outputStep)
        var c = first
        while c < end {
          let n = min(16, end - c)
          if count == 4, n == 16 {
            fourPixels(row, input + c, weights + c, epilogue, output + c, c)
          } else {
            for i in 0..<count {
              onePixel(row, input + i * row.inputStep + c, weights + c, epilogue, output + i * row.outputStep + c, c, n)
            }
          }
          c += 16
        }
        p += 4
      }
      first = end
    }
  }

  @inline(__always) private static func fourPixels(
    _ row: DepthwiseRow, _ x: Floats, _ weights: Floats, _ e: KernelEpilogue, _ y: MutableFloats, _ channel: Int
  ) {
    let start = if let bias = e.bias { vload(bias + channel) } else { V.zero }
    var (s0, s1, s2, s3) = (start, start, start, start)
    let step = row.inputStep
    var t = 0
    while t < row.tapCount {
      let tap = row.taps[t]
      let (w, p) = (vload(weights + tap.weight), x + tap.input)
      s0 = fma(vload(p), w, s0)
      s1 = fma(vload(p + step), w, s1)
      s2 = fma(vload(p + 2 * step), w, s2)
      s3 = fma(vload(p + 3 * step), w, s3)
      t += 1
    }
    let out = row.outputStep
    if e.changes {
      finishBoth(s0, e, y)
      finishBoth(s1, e, y + out)
      finishBoth(s2, e, y + 2 * out)
      finishBoth(s3, e, y + 3 * out)
    } else {
      vstore(y, s0)
      vstore(y + out, s1)
      vstore(y + 2 * out, s2)
      vstore(y + 3 * out, s3)
    }
  }

  /// The first `n` channels of one pixel; each sum is formed as in `fourPixels`.
  private static func onePixel(
    _ row: DepthwiseRow, _ x: Floats, _ weights: Floats, _ e: KernelEpilogue, _ y: MutableFloats, _ channel: Int,
    _ n: Int
  ) {
    var sum = if let bias = e.bias { vload(bias + channel, first: n) } else { V.zero }
    for t in 0..<row.tapCount {
      let tap = row.taps[t]
      sum = fma(vload(x + tap.input, first: n), vload(weights + tap.weight), sum)
    }
    finish(sum.lowHalf, e, y, lanes: min(n, 8))
    if n > 8 { finish(sum.highHalf, e, y + 8, lanes: n - 8) }
  }

  package static func depthwiseWeightGradient(
    _ row: DepthwiseRow, _ x: Floats, _ dy: Floats, _ sums: MutableFloats
  ) {
    var c = 0
    while c < row.channels {
      let n = min(16, row.channels - c)
      var t = 0
      while t < row.tapCount {
        let taps = min(3, row.tapCount - t)
        if taps == 3, n == 16 {
          threeTaps(row, row.taps + t, x + c, dy + c, sums + c)
        } else {
          for i in t..<t + taps { oneTap(row, row.taps[i], x + c, dy + c, sums + c, n) }
        }
        t += taps
      }
      c += 16
    }
  }

  @inline(__always) private static func threeTaps(
    _ row: DepthwiseRow, _ taps: UnsafePointer<DepthwiseTap>, _ x: Floats, _ dy: Floats, _ sums: MutableFloats
  ) {
    let (d0, d1, d2) = (sums + taps[0].weight, sums + taps[1].weight, sums + taps[2].weight)
    var (s0, s1, s2) = (vload(d0), vload(d1), vload(d2))
    var (x0, x1, x2) = (x + taps[0].input, x + taps[1].input, x + taps[2].input)
    var g = dy
    var left = row.pixels
    while left > 0 {
      let d = vload(g)
      s0 = fma(vload(x0), d, s0)
      s1 = fma(vload(x1), d, s1)
      s2 = fma(vload(x2), d, s2)
      x0 += row.inputStep
      x1 += row.inputStep
      x2 += row.inputStep
      g += row.outputStep
      left -= 1
    }
    vstore(d0, s0)
    vstore(d1, s1)
    vstore(d2, s2)
  }

  private static func oneTap(
    _ row: DepthwiseRow, _ tap: DepthwiseTap, _ x: Floats, _ dy: Floats, _ sums: MutableFloats, _ n: Int
  ) {
    var sum = vload(sums + tap.weight, first: n)
    for p in 0..<row.pixels {
      sum = fma(vload(x + tap.input + p * row.inputStep, first: n), vload(dy + p * row.outputStep, first: n), sum)
    }
    vstore(sums + tap.weight, sum, first: n)
  }
}

/// Sixteen outputs after everything of the epilogue but the bias.
@inline(__always)
private func finishBoth(_ v: V, _ e: KernelEpilogue, _ y: MutableFloats) {
  finish(v.lowHalf, e, y)
  finish(v.highHalf, e, y + 8)
}
