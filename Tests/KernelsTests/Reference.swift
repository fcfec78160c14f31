import KernelTypes
import Kernels

/// Reproducible values in −1…1.
func values(_ count: Int, seed: UInt64 = 1) -> [Float] {
  var state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
  }
}

/// √(Σ (a − b)² / Σ b²), 0 for two empty or zero arrays.
func relativeError(_ a: [Float], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  var difference = 0.0
  var size = 0.0
  for (x, y) in zip(a, b) {
    difference += (Double(x) - y) * (Double(x) - y)
    size += y * y
  }
  return size == 0 ? difference.squareRoot() : (difference / size).squareRoot()
}

/// Convolution and its adjoints by their definition, in double precision.
struct ReferenceConvolution {
  let shape: ConvolutionShape

  /// Calls `body` with the places of y, x and weight of every product.
  private func visit(_ body: (Int, Int, Int) -> Void) {
    let s = shape
    let groupChannels = s.channels / s.groups
    let groupFilters = s.filters / s.groups
    for n in 0..<s.batch {
      for p in 0..<s.outputHeight {
        for q in 0..<s.outputWidth {
          for r in 0..<s.kernelHeight {
            for t in 0..<s.kernelWidth {
              let h = p * s.strideHeight - s.padTop + r * s.dilationHeight
              let w = q * s.strideWidth - s.padLeft + t * s.dilationWidth
              guard h >= 0, h < s.height, w >= 0, w < s.width else { continue }
              for k in 0..<s.filters {
                for c in 0..<groupChannels {
                  body(
                    ((n * s.outputHeight + p) * s.outputWidth + q) * s.filters + k,
                    ((n * s.height + h) * s.width + w) * s.channels + k / groupFilters * groupChannels + c,
                    ((k * groupChannels + c) * s.kernelHeight + r) * s.kernelWidth + t)
                }
              }
            }
          }
        }
      }
    }
  }

  func forward(_ x: [Float], _ weight: [Float], _ bias: [Float]?) -> [Double] {
    var y = (0..<shape.outputCount).map { Double(bias?[$0 % shape.filters] ?? 0) }
    visit { yi, xi, wi in y[yi] += Double(x[xi]) * Double(weight[wi]) }
    return y
  }

  func inputGradient(_ dy: [Float], _ weight: [Float]) -> [Double] {
    var dx = [Double](repeating: 0, count: shape.inputCount)
    visit { yi, xi, wi in dx[xi] += Double(dy[yi]) * Double(weight[wi]) }
    return dx
  }

  func weightGradient(_ x: [Float], _ dy: [Float]) -> (dw: [Double], db: [Double]) {
    var dw = [Double](repeating: 0, count: shape.weightCount)
    var db = [Double](repeating: 0, count: shape.filters)
    visit { yi, xi, wi in dw[wi] += Double(x[xi]) * Double(dy[yi]) }
    for (i, value) in dy.enumerated() { db[i % shape.filters] += Double(value) }
    return (dw, db)
  }
}
