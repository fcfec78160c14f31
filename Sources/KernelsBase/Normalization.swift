import KernelTypes

extension CPUKernels {
  /// Calls `body` with the first channel and the number of lanes of every vector of channels; the constant 8 lets the
  /// whole vectors do without tests.
  @inline(__always)
  private static func vectors(_ channels: Int, _ body: (Int, Int) -> Void) {
    var c = 0
    while c + 8 <= channels {
      body(c, 8)
      c += 8
    }
    if c < channels { body(c, channels - c) }
  }

  /// Calls `wide` for every 32 channels, whose rows are read side by side, and `narrow` for the vectors that are left.
  @inline(__always)
  private static func columns(_ channels: Int, wide: (Int) -> Void, narrow: (Int, Int) -> Void) {
    var c = 0
    while c + 32 <= channels {
      wide(c)
      c += 32
    }
    while c < channels {
      narrow(c, min(8, channels - c))
      c += 8
    }
  }

  package static func moments(
    _ x: Floats, _ rows: Int, _ channels: Int, _ mean: MutableFloats, _ deviation: MutableFloats
  ) {
    let inverse = 1 / Float(max(rows, 1))
    // `rest`: what rounding left in the first mean.
    func finish(_ c: Int, _ n: Int, _ center: V8, _ rest: V8, _ squares: V8) {
      let correction = rest * inverse
      store(mean + c, center + correction, first: n)
      store(deviation + c, squares - rest * correction, first: n)
    }
    columns(channels) { c in
      var (s0, s1, s2, s3) = (V8.zero, V8.zero, V8.zero, V8.zero)
      var p = x + c
      for _ in 0..<rows {
        s0 += load(p)
        s1 += load(p + 8)
        s2 += load(p + 16)
        s3 += load(p + 24)
        p += channels
      }
      let (m0, m1, m2, m3) = (s0 * inverse, s1 * inverse, s2 * inverse, s3 * inverse)
      var (q0, q1, q2, q3) = (V8.zero, V8.zero, V8.zero, V8.zero)
      var (r0, r1, r2, r3) = (V8.zero, V8.zero, V8.zero, V8.zero)
      p = x + c
      for _ in 0..<rows {
        let (d0, d1, d2, d3) = (load(p) - m0, load(p + 8) - m1, load(p + 16) - m2, load(p + 24) - m3)
        r0 += d0
        q0 = fma(d0, d0, q0)
        r1 += d1
        q1 = fma(d1, d1, q1)
        r2 += d2
        q2 = fma(d2, d2, q2)
        r3 += d3
        q3 = fma(d3, d3, q3)
        p += channels
      }
      finish(c, 8, m0, r0, q0)
      finish(c + 8, 8, m1, r1, q1)
      finish(c + 16, 8, m2, r2, q2)
      finish(c + 24, 8, m3, r3, q3)
    } narrow: { c, n in
      var sum = V8.zero
      var p = x + c
      for _ in 0..<rows {
        sum += load(p, first: n)
        p += channels
      }
      let center = sum * inverse
      var (squares, rest) = (V8.zero, V8.zero)
      p = x + c
      for _ in 0..<rows {
        let d = load(p, first: n) - center
        rest += d
        squares = fma(d, d, squares)
        p += channels
      }
      finish(c, n, center, rest, squares)
    }
  }

  package static func scaleShift(
    _ x: Floats, _ rows: Int, _ channels: Int, _ scale: Floats, _ shift: Floats, addend: Floats?, _ useRelu: Bool,
    _ y: MutableFloats
  ) {
    let floor: Float = useRelu ? 0 : -.infinity
    if let addend {
      for r in 0..<rows {
        let row = r * channels
        vectors(channels) { c, n in
          let v =
            fma(load(x + row + c, first: n), load(scale + c, first: n), load(shift + c, first: n))
            + load(addend + row + c, first: n)
          store(y + row + c, v.replacing(with: floor, where: v .< floor), first: n)
        }
      }
      return
    }
    for r in 0..<rows {
      let row = r * channels
      vectors(channels) { c, n in
        let v = fma(load(x + row + c, first: n), load(scale + c, first: n), load(shift + c, first: n))
        store(y + row + c, v.replacing(with: floor, where: v .< floor), first: n)
      }
    }
  }

  /// dy, or 0 where ReLU(x · scale + shift) was off.
  @inline(__always) private static func masked(_ dy: V8, _ x: V8, _ scale: V8, _ shift: V8, _ relu: Bool) -> V8 {
    relu ? V8.zero.replacing(with: dy, where: fma(x, scale, shift) .> 0) : dy
  }

  package static func gradientSums(
    _ x: Floats, _ dy: Floats, _ rows: Int, _ channels: Int, _ mean: Floats, _ scale: Floats, _ shift: Floats,
    _ relu: Bool, _ sumDy: MutableFloats, _ sumDyX: MutableFloats
  ) {
    columns(channels) { c in
      let (m0, m1, m2, m3) = (load(mean + c), load(mean + c + 8), load(mean + c + 16), load(mean + c + 24))
      let (a0, a1, a2, a3) = (load(scale + c), load(scale + c + 8), load(scale + c + 16), load(scale + c + 24))
      let (b0, b1, b2, b3) = (load(shift + c), load(shift + c + 8), load(shift + c + 16), load(shift + c + 24))
      var (s0, s1, s2, s3) = (V8.zero, V8.zero, V8.zero, V8.zero)
      var (p0, p1, p2, p3) = (V8.zero, V8.zero, V8.zero, V8.zero)
      var i = c
      for _ in 0..<rows {
        let (v0, v1, v2, v3) = (load(x + i), load(x + i + 8), load(x + i + 16), load(x + i + 24))
        let d0 = masked(load(dy + i), v0, a0, b0, relu)
        let d1 = masked(load(dy + i + 8), v1, a1, b1, relu)
        let d2 = masked(load(dy + i + 16), v2, a2, b2, relu)
        let d3 = masked(load(dy + i + 24), v3, a3, b3, relu)
        s0 += d0
        p0 = fma(d0, v0 - m0, p0)
        s1 += d1
        p1 = fma(d1, v1 - m1, p1)
        s2 += d2
        p2 = fma(d2, v2 - m2, p2)
        s3 += d3
        p3 = fma(d3, v3 - m3, p3)
        i += channels
      }
      store(sumDy + c, s0)
      store(sumDy + c + 8, s1)
      store(sumDy + c + 16, s2)
      store(sumDy + c + 24, s3)
      store(sumDyX + c, p0)
      store(sumDyX + c + 8, p1)
      store(sumDyX + c + 16, p2)
      store(sumDyX + c + 24, p3)
    } narrow: { c, n in
      let (center, s, b) = (load(mean + c, first: n), load(scale + c, first: n), load(shift + c, first: n))
      var sum = V8.zero
      var product = V8.zero
      var i = c
      for _ in 0..<rows {
        let v = load(x + i, first: n)
        let d = masked(load(dy + i, first: n), v, s, b, relu)
        sum += d
        product = fma(d, v - center, product)
        i += channels
      }
      store(sumDy + c, sum, first: n)
      store(sumDyX + c, product, first: n)
    }
  }

  package static func inputGradient(
    _ x: Floats, _ dy: Floats, _ rows: Int, _ channels: Int, _ scale: Floats, _ shift: Floats, _ slope: Floats,
    _ offset: Floats, _ relu: Bool, _ dx: MutableFloats
  ) {
    for r in 0..<rows {
      let row = r * channels
      vectors(channels) { c, n in
        let v = load(x + row + c, first: n)
        let s = load(scale + c, first: n)
        let d = masked(load(dy + row + c, first: n), v, s, load(shift + c, first: n), relu)
        store(
          dx + row + c, fma(d, s, fma(v, load(slope + c, first: n), load(offset + c, first: n))), first: n)
      }
    }
  }
}
