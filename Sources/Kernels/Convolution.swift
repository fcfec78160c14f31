import KernelTypes

/// Two-dimensional convolution over channels-last float32 images, with OIHW weights.
package enum Convolution {
  /// y[n,p,q,k] = Σ x[n, p · stride − pad + r · dilation, …, c] · weight[k,c,r,s], finished by the epilogue.
  package static func forward(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights? = nil,
    epilogue: KernelEpilogue = KernelEpilogue(), y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    if DepthwiseConvolution.suits(s) {
      return try DepthwiseConvolution.forward(s, x: x, weight: weight, packed: packed, epilogue: epilogue, y: y)
    }
    if !isByWindow(s) {
      return try WinogradConvolution.forward(s, x: x, weight: weight, packed: packed, epilogue: epilogue, y: y)
    }
    try DirectConvolution.forward(s, x: x, weight: weight, packed: packed, epilogue: epilogue, y: y)
  }

  /// Whether each output of `forward` is one sum over its window, in the same order wherever in the image that is. Winograd
  /// rounds equal windows differently, so that ties of a later max pooling fall elsewhere than with the sums of the
  /// definition; on flat image backgrounds that shows in the gradients of nets with few channels.
  package static func isByWindow(_ s: ConvolutionShape) -> Bool { !(usesWinograd(s) && s.channels >= 64) }

  /// dx from dy: the adjoint of `forward` in x, finished by the epilogue. Overwrites dx.
  package static func inputGradient(
    _ s: ConvolutionShape, dy: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights? = nil,
    epilogue: KernelEpilogue = KernelEpilogue(), dx: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    if usesWinograd(s) {
      return try WinogradConvolution.inputGradient(
        s, dy: dy, weight: weight, packed: packed, epilogue: epilogue, dx: dx)
    }
    if DepthwiseConvolution.suits(s) {
      return try DepthwiseConvolution.inputGradient(
        s, dy: dy, weight: weight, packed: packed, epilogue: epilogue, dx: dx)
    }
    try DirectConvolution.inputGradient(s, dy: dy, weight: weight, packed: packed, epilogue: epilogue, dx: dx)
  }

  /// The gradients of the weights (OIHW) and of the bias. Overwrites dw and db.
  package static func weightGradient(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
    db: UnsafeMutablePointer<Float>? = nil
  ) throws(KernelError) {
    if usesWinograd(s) {
      try WinogradConvolution.weightGradient(s, x: x, dy: dy, dw: dw)
    } else if DepthwiseConvolution.suits(s) {
      try DepthwiseConvolution.weightGradient(s, x: x, dy: dy, dw: dw)
    } else {
      try DirectConvolution.weightGradient(s, x: x, dy: dy, dw: dw)
    }
    if let db {
      try Rows.reduceColumns(.sum, dy, rows: s.batch * s.outputHeight * s.outputWidth, columns: s.filters, db)
    }
  }

  /// By a fixed rule, so that results do not depend on timing.
  private static func usesWinograd(_ s: ConvolutionShape) -> Bool {
    guard s.kernelHeight == 3, s.kernelWidth == 3, s.dilationHeight == 1, s.dilationWidth == 1, s.groups == 1,
      s.channels >= 16, s.filters >= 16, s.outputHeight >= 3, s.outputWidth >= 3
    else { return false }
    switch (s.strideHeight, s.strideWidth) {
    case (1, 1): return true
    case (2, 2): return s.padTop % 2 == 1 && s.padLeft % 2 == 1
    default: return false
    }
  }
}
