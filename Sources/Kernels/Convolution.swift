import KernelTypes

/// Packed forms of one weight tensor, made when first needed. Valid while the weights do not change: start a new one
/// after every optimiser step, keep one for a frozen model.
package final class PackedWeights: Sendable {
  package init() {}
}

/// Two-dimensional convolution over channels-last float32 images, with OIHW weights.
package enum Convolution {
  /// y[n,p,q,k] = bias[k] + Σ x[n, p·stride − pad + r·dilation, …, c] · weight[k,c,r,s].
  package static func forward(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights? = nil,
    bias: UnsafePointer<Float>? = nil, y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    visit(s) { yi, k, xi, wi in
      if wi < 0 { y[yi] = bias?[k] ?? 0 } else if xi >= 0 { y[yi] += x[xi] * weight[wi] }
    }
  }

  /// dx from dy: the adjoint of `forward` in x. Overwrites dx.
  package static func inputGradient(
    _ s: ConvolutionShape, dy: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights? = nil,
    dx: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    dx.update(repeating: 0, count: s.inputCount)
    visit(s) { yi, _, xi, wi in if wi >= 0 && xi >= 0 { dx[xi] += dy[yi] * weight[wi] } }
  }

  /// The gradients of the weights (OIHW) and of the bias. Overwrites dw and db.
  package static func weightGradient(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
    db: UnsafeMutablePointer<Float>? = nil
  ) throws(KernelError) {
    dw.update(repeating: 0, count: s.weightCount)
    db?.update(repeating: 0, count: s.filters)
    visit(s) { yi, k, xi, wi in
      if wi < 0 { db?[k] += dy[yi] } else if xi >= 0 { dw[wi] += dy[yi] * x[xi] }
    }
  }

  private static func visit(_ s: ConvolutionShape, _ body: (Int, Int, Int, Int) -> Void) {
    let groupChannels = s.channels / s.groups
    let groupFilters = s.filters / s.groups
    for n in 0..<s.batch {
      for p in 0..<s.outputHeight {
        for q in 0..<s.outputWidth {
          for k in 0..<s.filters {
            let yi = ((n * s.outputHeight + p) * s.outputWidth + q) * s.filters + k
            body(yi, k, -1, -1)
            for c in 0..<groupChannels {
              for r in 0..<s.kernelHeight {
                for t in 0..<s.kernelWidth {
                  let h = p * s.strideHeight - s.padTop + r * s.dilationHeight
                  let w = q * s.strideWidth - s.padLeft + t * s.dilationWidth
                  let inside = h >= 0 && h < s.height && w >= 0 && w < s.width
                  let channel = (k / groupFilters) * groupChannels + c
                  body(
                    yi, k, inside ? ((n * s.height + h) * s.width + w) * s.channels + channel : -1,
                    ((k * groupChannels + c) * s.kernelHeight + r) * s.kernelWidth + t)
                }
              }
            }
          }
        }
      }
    }
  }
}
