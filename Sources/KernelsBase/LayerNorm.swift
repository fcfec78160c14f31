import KernelTypes

extension CPUKernels {
  /// Mean of a row, and one over its deviation.
  @inline(__always) private static func moments(_ x: Floats, _ columns: Int, _ eps: Float) -> (Float, Float) {
    let mean = Float(sum(x, columns) / Double(columns))
    let squares = blockedSum(columns) { i, n in
      let d = vload(x + i, first: n, fill: mean) - mean
      return d * d
    }
    return (mean, Float(1 / (squares / Double(columns) + Double(eps)).squareRoot()))
  }

  package static func layerNorm(
    _ x: Floats, _ rows: Int, _ columns: Int, _ weight: Floats?, _ bias: Floats?, _ eps: Float, _ y: MutableFloats
  ) {
    for r in 0..<rows {
      let (x, y) = (x + r * columns, y + r * columns)
      let (mean, inverse) = moments(x, columns, eps)
      var i = 0
      while i < columns {
        let n = min(16, columns - i)
        var v = (vload(x + i, first: n) - mean) * inverse
        if let weight { v *= vload(weight + i, first: n) }
        if let bias { v += vload(bias + i, first: n) }
        vstore(y + i, v, first: n)
        i += 16
      }
    }
  }

  package static func layerNormGradient(
    _ x: Floats, _ dy: Floats, _ rows: Int, _ columns: Int, _ weight: Floats?, _ eps: Float, _ dx: MutableFloats
  ) {
    for r in 0..<rows {
      let (x, dy, dx) = (x + r * columns, dy + r * columns, dx + r * columns)
      let (mean, inverse) = moments(x, columns, eps)
      // With g = dy · weight and the normalised h: dx = (g − mean(g) − h · mean(g · h)) / deviation.
      let along = Float(
        blockedSum(columns) { i, n in
          let g = vload(dy + i, first: n)
          return if let weight { g * vload(weight + i, first: n) } else { g }
        } / Double(columns))
      let across = Float(
        blockedSum(columns) { i, n in
          let g = vload(dy + i, first: n)
          let h = (vload(x + i, first: n) - mean) * inverse
          return if let weight { g * vload(weight + i, first: n) * h } else { g * h }
        } / Double(columns))
      var i = 0
      while i < columns {
        let n = min(16, columns - i)
        var g = vload(dy + i, first: n)
        if let weight { g *= vload(weight + i, first: n) }
        let h = (vload(x + i, first: n) - mean) * inverse
        vstore(dx + i, (g - along - h * across) * inverse, first: n)
        i += 16
      }
    }
  }
}
