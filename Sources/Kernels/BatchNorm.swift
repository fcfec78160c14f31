import KernelTypes

/// Batch normalisation over a contiguous matrix [rows, channels]; a channels-last image batch has batch · height · width
/// rows. The affine parameters may be absent (weight 1, bias 0).
package enum BatchNorm {
  private static func grain(_ channels: Int) -> Int { max(1, 8192 / max(channels, 1)) }
  /// Rows per chunk of the sums over rows: chunks fit the second-level cache.
  private static func sumGrain(_ channels: Int) -> Int { max(1, (1 << 15) / max(channels, 1)) }

  /// Mean and biased variance of every channel. Chunks of rows are combined in order in double precision (Chan et al.).
  package static func statistics(
    _ x: UnsafePointer<Float>, rows: Int, channels: Int, mean: UnsafeMutablePointer<Float>,
    variance: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let kernels = kernels
    let grain = sumGrain(channels)
    let chunks = rows == 0 ? 0 : (rows - 1) / grain + 1
    let buffer = try scratch(Float.self, 2 * max(chunks, 1) * channels)
    defer { extendLifetime(buffer) }
    let means = buffer.floats
    let deviations = means + chunks * channels
    Threads.parallelFor(rows, grain: grain) { r in
      let part = r.lowerBound / grain * channels
      kernels.moments(x + r.lowerBound * channels, r.count, channels, means + part, deviations + part)
    }
    for c in 0..<channels {
      var seen = 0.0
      var center = 0.0
      var squares = 0.0
      for i in 0..<chunks {
        let count = Double(min(grain, rows - i * grain))
        let delta = Double(means[i * channels + c]) - center
        let total = seen + count
        center += delta * (count / total)
        squares += Double(deviations[i * channels + c]) + delta * delta * (seen * count / total)
        seen = total
      }
      mean[c] = rows == 0 ? .nan : Float(center)
      variance[c] = rows == 0 ? .nan : Float(squares / seen)
    }
  }

  /// y = (x − mean) / √(variance + eps) · weight + bias, plus an addend of the same shape where there is one, then ReLU if
  /// asked.
  package static func forward(
    _ x: UnsafePointer<Float>, rows: Int, channels: Int, mean: UnsafePointer<Float>, variance: UnsafePointer<Float>,
    weight: UnsafePointer<Float>?, bias: UnsafePointer<Float>?, eps: Float, addend: UnsafePointer<Float>? = nil,
    relu: Bool = false, y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let buffer = try scratch(Float.self, 2 * channels)
    defer { extendLifetime(buffer) }
    let scale = buffer.floats
    let shift = scale + channels
    fold(channels, mean, variance, weight, bias, eps, scale: scale, shift: shift)
    scaleShift(x, rows: rows, channels: channels, scale: scale, shift: shift, addend: addend, relu: relu, y: y)
  }

  /// The scale and shift by which `forward` multiplies and adds.
  private static func fold(
    _ channels: Int, _ mean: UnsafePointer<Float>, _ variance: UnsafePointer<Float>, _ weight: UnsafePointer<Float>?,
    _ bias: UnsafePointer<Float>?, _ eps: Float, scale: UnsafeMutablePointer<Float>, shift: UnsafeMutablePointer<Float>
  ) {
    for c in 0..<channels {
      let factor = (weight?[c] ?? 1) / (variance[c] + eps).squareRoot()
      scale[c] = factor
      shift[c] = (bias?[c] ?? 0) - mean[c] * factor
    }
  }

  /// y = x · scale + shift by channel, plus an addend where there is one, then ReLU if asked.
  private static func scaleShift(
    _ x: UnsafePointer<Float>, rows: Int, channels: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    addend: UnsafePointer<Float>? = nil, relu: Bool = false, y: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(rows, grain: grain(channels)) { r in
      let i = r.lowerBound * channels
      kernels.scaleShift(x + i, r.count, channels, scale, shift, addend: addend.map { $0 + i }, relu, y + i)
    }
  }

  /// Gradients of `forward`. `training`: mean and variance are the batch's own, so that dx accounts for them; else they
  /// are constants. `relu`: dy is the gradient after the fused ReLU. Any of dx, dWeight, dBias may be absent.
  package static func backward(
    training: Bool, _ x: UnsafePointer<Float>, dy: UnsafePointer<Float>, rows: Int, channels: Int,
    mean: UnsafePointer<Float>, variance: UnsafePointer<Float>, weight: UnsafePointer<Float>?,
    bias: UnsafePointer<Float>?, eps: Float, relu: Bool = false, dx: UnsafeMutablePointer<Float>?,
    dWeight: UnsafeMutablePointer<Float>? = nil, dBias: UnsafeMutablePointer<Float>? = nil
  ) throws(KernelError) {
    let kernels = kernels
    let grain = sumGrain(channels)
    let chunks = rows == 0 ? 0 : (rows - 1) / grain + 1
    let buffer = try scratch(Float.self, (4 + 2 * chunks) * channels)
    defer { extendLifetime(buffer) }
    let scale = buffer.floats
    let shift = scale + channels
    let slope = shift + channels
    let offset = slope + channels
    let sums = offset + channels
    let products = sums + chunks * channels
    fold(channels, mean, variance, weight, bias, eps, scale: scale, shift: shift)
    slope.update(repeating: 0, count: channels)
    offset.update(repeating: 0, count: channels)
    if training || dWeight != nil || dBias != nil {
      Threads.parallelFor(rows, grain: grain) { r in
        let i = r.lowerBound * channels
        let part = r.lowerBound / grain * channels
        kernels.gradientSums(
          x + i, dy + i, r.count, channels, mean, scale, shift, relu, sums + part, products + part)
      }
      for c in 0..<channels {
        var sum = 0.0
        var product = 0.0
        for i in 0..<chunks {
          sum += Double(sums[i * channels + c])
          product += Double(products[i * channels + c])
        }
        let inverse = 1 / (Double(variance[c]) + Double(eps)).squareRoot()
        dBias?[c] = Float(sum)
        dWeight?[c] = Float(product * inverse)
        if training {
          // dx = scale · (dy − Σdy/n − (x − mean) · Σdy(x − mean) / (n · (variance + eps)))
          let factor = -Double(scale[c]) * product * inverse * inverse / Double(rows)
          slope[c] = Float(factor)
          offset[c] = Float(-Double(scale[c]) * sum / Double(rows) - factor * Double(mean[c]))
        }
      }
    }
    guard let dx else { return }
    if !training, !relu {
      // Nothing of x is left, whose NaN and infinities are not those of the gradient.
      return scaleShift(dy, rows: rows, channels: channels, scale: scale, shift: offset, y: dx)
    }
    Threads.parallelFor(rows, grain: self.grain(channels)) { r in
      let i = r.lowerBound * channels
      kernels.inputGradient(x + i, dy + i, r.count, channels, scale, shift, slope, offset, relu, dx + i)
    }
  }
}
