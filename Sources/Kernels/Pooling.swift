import KernelTypes

/// Two-dimensional pooling of channels-last float32 images.
package enum Pooling {
  /// y = greatest value of each window (the first of equals in row-major order; NaN wins). `argmax`, shaped as y, gets
  /// its position height index · width + width index.
  package static func maximum(
    _ s: PoolShape, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, argmax: UnsafeMutablePointer<Int32>? = nil
  ) {
    let kernels = kernels
    Threads.parallelFor(s.batch * s.outputHeight, grain: rowGrain(s)) { kernels.maximumPool(s, $0, x, y, argmax) }
  }

  /// Overwrites dx.
  package static func maximumGradient(
    _ s: PoolShape, dy: UnsafePointer<Float>, argmax: UnsafePointer<Int32>, dx: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    let size = s.height * s.width * s.channels
    let coversAll =
      s.windowsAreApart && s.outputHeight * s.strideHeight == s.height
      && s.outputWidth * s.strideWidth == s.width && s.channels >= 8
    Threads.parallelFor(s.batch, grain: imageGrain(s)) { r in
      if !coversAll { (dx + r.lowerBound * size).update(repeating: 0, count: r.count * size) }
      kernels.maximumPoolGradient(s, r, dy, argmax, dx)
    }
  }

  /// y = the values of x at the positions that `maximum` found, 0 where a window lies in the padding.
  package static func take(
    _ s: PoolShape, x: UnsafePointer<Float>, argmax: UnsafePointer<Int32>, y: UnsafeMutablePointer<Float>
  ) {
    let (channels, outputs) = (s.channels, s.outputHeight * s.outputWidth * s.channels)
    Threads.parallelFor(s.batch * outputs, grain: Elementwise.grain) { r in
      for i in r {
        let pixel = Int(argmax[i])
        y[i] = pixel < 0 ? 0 : x[(i / outputs * s.height * s.width + pixel) * channels + i % channels]
      }
    }
  }

  /// y = mean of each window, over all its positions (`countsPadding`) or those inside the image.
  package static func average(
    _ s: PoolShape, countsPadding: Bool = true, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    Threads.parallelFor(s.batch * s.outputHeight, grain: rowGrain(s)) {
      kernels.averagePool(s, $0, countsPadding, x, y)
    }
  }

  /// Overwrites dx.
  package static func averageGradient(
    _ s: PoolShape, countsPadding: Bool = true, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
  ) {
    let kernels = kernels
    let size = s.height * s.width * s.channels
    Threads.parallelFor(s.batch, grain: imageGrain(s)) { r in
      (dx + r.lowerBound * size).update(repeating: 0, count: r.count * size)
      kernels.averagePoolGradient(s, r, countsPadding, dy, dx)
    }
  }

  private static func rowGrain(_ s: PoolShape) -> Int {
    max(1, Elementwise.grain / max(1, s.outputWidth * s.channels * s.kernelHeight * s.kernelWidth))
  }

  private static func imageGrain(_ s: PoolShape) -> Int {
    max(1, Elementwise.grain / max(1, s.height * s.width * s.channels))
  }
}
