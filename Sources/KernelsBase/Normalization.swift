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

  package static func moments(
    _ x: Floats, _ rows: Int, _ channels: Int, _ mean: MutableFloats, _ deviation: MutableFloats
  ) {
    let inverse = 1 / Float(max(rows, 1))
    vectors(channels) { c, n in
      var sum = V8.zero
      var p = x + c
      for _ in 0..<rows {
        sum += load(p, first: n)
        p += channels
      }
      let center = sum * inverse
      var squares = V8.zero
      // What rounding left in the first mean.
      var rest = V8.zero
      p = x + c
      for _ in 0..<rows {
        let d = load(p, first: n) - center
        rest += d
        squares = fma(d, d, squares)
        p += channels
      }
      let correction = rest * inverse
      store(mean + c, center + correction, first: n)
      store(deviation + c, squares - rest * correction, first: n)
    }
  }

  package static func scaleShift(
    _ x: Floats, _ rows: Int, _ channels: Int, _ scale: Floats, _ shift: Floats, _ useRelu: Bool, _ y: MutableFloats
  ) {
    let floor: Float = useRelu ? 0 : -.infinity
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
    vectors(channels) { c, n in
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
