import Base
import KernelTypes
import Kernels

extension CPUDevice {
  func multiply(_ s: MatrixShape, _ a: Storage, _ b: Storage, _ c: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in
      MatrixProduct.multiply(s, a.floats, b.floats, c.floats)
    }
  }

  private func packed(_ weight: Storage) -> PackedWeights { weight.derived(PackedWeights.self) { PackedWeights() } }

  func convolve(
    _ s: ConvolutionShape, _ x: Storage, _ weight: Storage, _ epilogue: ConvolutionEpilogue, _ y: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      try Convolution.forward(
        s, x: x.floats, weight: weight.floats, packed: packed(weight), epilogue: epilogue.kernel(y.floats), y: y.floats)
    }
  }

  func convolvesByWindow(_ s: ConvolutionShape) -> Bool { Convolution.isByWindow(s) }

  func convolveInputGradient(
    _ s: ConvolutionShape, _ dy: Storage, _ weight: Storage, _ epilogue: ConvolutionEpilogue, _ dx: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      try Convolution.inputGradient(
        s, dy: dy.floats, weight: weight.floats, packed: packed(weight), epilogue: epilogue.kernel(dx.floats),
        dx: dx.floats)
    }
  }

  func convolveWeightGradient(_ s: ConvolutionShape, _ x: Storage, _ dy: Storage, _ dw: Storage, _ db: Storage?)
    throws(CoreError)
  {
    try kernel { () throws(KernelError) in
      try Convolution.weightGradient(s, x: x.floats, dy: dy.floats, dw: dw.floats, db: db?.floats)
    }
  }

  func moments(_ x: Storage, rows: Int, channels: Int, mean: Storage, variance: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in
      try BatchNorm.statistics(
        x.floats, rows: rows, channels: channels, mean: mean.floats, variance: variance.floats)
    }
  }

  func normalize(_ s: NormalizationArguments, _ x: Storage, _ y: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in
      try BatchNorm.forward(
        x.floats, rows: s.rows, channels: s.channels, mean: s.mean.floats, variance: s.variance.floats,
        weight: s.weight?.floats, bias: s.bias?.floats, eps: s.eps, addend: s.addend?.floats, relu: s.relu,
        y: y.floats)
    }
  }

  func normalizeGradient(
    _ s: NormalizationArguments, training: Bool, _ x: Storage, _ dy: Storage, dx: Storage?, dWeight: Storage?,
    dBias: Storage?
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      try BatchNorm.backward(
        training: training, x.floats, dy: dy.floats, rows: s.rows, channels: s.channels, mean: s.mean.floats,
        variance: s.variance.floats, weight: s.weight?.floats, bias: s.bias?.floats, eps: s.eps, relu: s.relu,
        dx: dx?.floats, dWeight: dWeight?.floats, dBias: dBias?.floats)
    }
  }

  func layerNorm(
    _ x: Storage, rows: Int, columns: Int, weight: Storage?, bias: Storage?, eps: Float, _ y: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      LayerNorm.forward(
        x.floats, rows: rows, columns: columns, weight: weight?.floats, bias: bias?.floats, eps: eps, y.floats)
    }
  }

  func layerNormGradient(
    _ x: Storage, dy: Storage, rows: Int, columns: Int, weight: Storage?, eps: Float, _ dx: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      LayerNorm.gradient(
        x.floats, dy: dy.floats, rows: rows, columns: columns, weight: weight?.floats, eps: eps, dx.floats)
    }
  }

  func attention(_ s: AttentionShape, _ qkv: Storage, _ y: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in try Attention.forward(s, qkv: qkv.floats, y.floats) }
  }

  func attentionGradient(_ s: AttentionShape, _ qkv: Storage, _ dy: Storage, _ dqkv: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in
      try Attention.gradient(s, qkv: qkv.floats, dy: dy.floats, dqkv.floats)
    }
  }

  func maxPool(_ s: PoolShape, _ x: Storage, _ y: Storage, places: Storage?) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Pooling.maximum(s, x: x.floats, y: y.floats, argmax: places?.bytes.assumingMemoryBound(to: Int32.self))
    }
  }

  func maxPoolGradient(_ s: PoolShape, _ dy: Storage, places: Storage, _ dx: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Pooling.maximumGradient(s, dy: dy.floats, argmax: places.bytes.assumingMemoryBound(to: Int32.self), dx: dx.floats)
    }
  }

  func maxPoolTake(_ s: PoolShape, _ x: Storage, places: Storage, _ y: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Pooling.take(s, x: x.floats, argmax: places.bytes.assumingMemoryBound(to: Int32.self), y: y.floats)
    }
  }

  func averagePool(_ s: PoolShape, countsPadding: Bool, _ x: Storage, _ y: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Pooling.average(s, countsPadding: countsPadding, x: x.floats, y: y.floats)
    }
  }

  func averagePoolGradient(_ s: PoolShape, countsPadding: Bool, _ dy: Storage, _ dx: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Pooling.averageGradient(s, countsPadding: countsPadding, dy: dy.floats, dx: dx.floats)
    }
  }

  func sgd(
    _ weights: Storage, velocity: Storage?, _ gradient: Storage, count: Int, rate: Float, momentum: Float,
    weightDecay: Float, kept: Float, nesterov: Bool
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Elementwise.sgd(
        weights.floats, velocity: velocity?.floats, gradient: gradient.floats, count: count, rate: rate,
        momentum: momentum, weightDecay: weightDecay, kept: kept, nesterov: nesterov)
    }
  }

  func adam(
    _ weights: Storage, mean: Storage, square: Storage, _ gradient: Storage, count: Int, _ step: AdamStep
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Elementwise.adam(
        weights.floats, mean: mean.floats, square: square.floats, gradient: gradient.floats, count: count, step)
    }
  }

  func signStep(
    _ x: Storage, _ gradient: Storage, _ center: Storage, step: Float, eps: Float, low: Float, high: Float,
    _ y: Storage, count: Int
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Elementwise.signStep(
        x.floats, gradient: gradient.floats, center: center.floats, step: step, eps: eps, low: low, high: high,
        y.floats, count: count)
    }
  }

  func paintSquares(
    _ s: ImageShape, _ squares: [ImageSquare], side: Int, shifts: [Float], best: Storage, center: Storage, eps: Float,
    _ candidates: Storage
  ) throws(CoreError) -> [Bool] {
    var changed = [Bool](repeating: false, count: squares.count)
    try kernel { () throws(KernelError) in
      changed.withUnsafeMutableBufferPointer { changed in
        guard let base = changed.baseAddress else { return }
        Squares.paint(
          s, squares, side: side, shifts: shifts, best: best.floats, center: center.floats, eps: eps, candidates.floats,
          changed: base)
      }
    }
    return changed
  }

  func settleSquares(
    _ s: ImageShape, _ squares: [ImageSquare], side: Int, accepted: [Bool], best: Storage, _ candidates: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Squares.settle(s, squares, side: side, accepted: accepted, best: best.floats, candidates.floats)
    }
  }

  func moveWindows(
    _ s: ImageShape, _ norm: WindowNorm, _ moves: [WindowMove], side: Int, pattern: [Float], signs: [Float],
    best: Storage, center: Storage, eps: Float, _ candidates: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      try Windows.move(
        s, norm, moves, side: side, pattern: pattern, signs: signs, best: best.floats, center: center.floats, eps: eps,
        candidates.floats)
    }
  }

  func copyPatches(
    channels: Int, _ x: Storage, _ sources: PatchPlaces, to y: Storage, _ targets: PatchPlaces, clears: Bool
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      Patches.copy(channels: channels, x.floats, sources, y.floats, targets, clears: clears)
    }
  }
}

extension ConvolutionEpilogue {
  fileprivate func kernel(_ target: UnsafeMutablePointer<Float>) -> KernelEpilogue {
    KernelEpilogue(
      of: target, bias: bias?.floats, addend: addend?.floats, mask: mask?.floats, masksFirst: masksFirst, relu: relu)
  }
}
