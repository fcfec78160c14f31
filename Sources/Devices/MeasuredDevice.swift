import Base
import KernelTypes
import Kernels
import Synchronization

/// A device that measures each call of another one: what it is, how long it takes, how many floating-point operations and
/// bytes it stands for. It stands in the other's place while somebody profiles, and nowhere else, so that it costs nothing
/// when nobody does.
///
/// Operations count multiplications and additions as the definition has them, also where a faster algorithm needs fewer;
/// bytes are those of operands and results, each once.
final class MeasuredDevice: Device {
  private let inner: any Device
  private let record: @Sendable (_ name: String, _ seconds: Double, _ flops: Int, _ bytes: Int) -> Void

  init(_ inner: any Device, record: @escaping @Sendable (String, Double, Int, Int) -> Void) {
    self.inner = inner
    self.record = record
  }

  private func measured<Result>(
    _ name: @autoclosure () -> String, _ flops: @autoclosure () -> Int, _ bytes: @autoclosure () -> Int,
    _ body: () throws(CoreError) -> Result
  ) throws(CoreError) -> Result {
    let start = monotonicSeconds()
    defer { record(name(), monotonicSeconds() - start, flops(), bytes()) }
    return try body()
  }

  func allocate(byteCount: Int) throws(CoreError) -> AnyObject { try inner.allocate(byteCount: byteCount) }
  func upload(_ source: UnsafeRawBufferPointer, to y: Storage) throws(CoreError) {
    try measured("copy to the device", 0, source.count * 2) { () throws(CoreError) in
      try inner.upload(source, to: y)
    }
  }
  func upload(byteCount: Int, to y: Storage, filledBy fill: (UnsafeMutableRawBufferPointer) throws(CoreError) -> Void)
    throws(CoreError)
  { try inner.upload(byteCount: byteCount, to: y, filledBy: fill) }
  func download(_ x: Storage, to target: UnsafeMutableRawBufferPointer) { inner.download(x, to: target) }
  func fill(_ y: View, _ value: Double) throws(CoreError) {
    try measured("fill", 0, y.byteCount) { () throws(CoreError) in
      try inner.fill(y, value)
    }
  }
  func copy(_ x: View, to y: View) throws(CoreError) {
    try measured("copy", 0, x.byteCount + y.byteCount) { () throws(CoreError) in
      try inner.copy(x, to: y)
    }
  }
  func convert(_ x: Storage, _ from: DType, to y: Storage, _ to: DType, count: Int) throws(CoreError) {
    try measured("convert to \(to)", 0, count * (from.stride + to.stride)) { () throws(CoreError) in
      try inner.convert(x, from, to: y, to, count: count)
    }
  }
  func random(_ distribution: Distribution, _ streams: [RandomStream], _ y: Storage, count: Int) throws(CoreError) {
    try measured("random \(distribution.word)", 0, streams.count * count * 4) { () throws(CoreError) in
      try inner.random(distribution, streams, y, count: count)
    }
  }
  func concurrently(_ count: Int, _ body: (Int) throws(CoreError) -> Void) throws(CoreError) {
    try inner.concurrently(count, body)
  }
  func map(_ function: ElementwiseMap, _ x: Storage, _ y: Storage, count: Int) throws(CoreError) {
    try measured(function.word, count, 8 * count) { () throws(CoreError) in
      try inner.map(function, x, y, count: count)
    }
  }
  func mapGradient(_ function: ElementwiseMap, _ x: Storage, _ dy: Storage, _ dx: Storage, count: Int) throws(CoreError)
  {
    try measured(function.word + " gradient", 2 * count, 12 * count) { () throws(CoreError) in
      try inner.mapGradient(function, x, dy, dx, count: count)
    }
  }
  func binary(_ operation: BinaryOperation, _ a: View, _ b: View, _ y: View) throws(CoreError) {
    try measured(words("\(operation)"), y.elements, a.byteCount + b.byteCount + y.byteCount) { () throws(CoreError) in
      try inner.binary(operation, a, b, y)
    }
  }
  func compare(_ comparison: Comparison, _ a: View, _ b: View, _ y: View) throws(CoreError) {
    try measured("compare", y.elements, a.byteCount + b.byteCount + y.byteCount) { () throws(CoreError) in
      try inner.compare(comparison, a, b, y)
    }
  }
  func select(_ mask: View, _ a: View, _ b: View, _ y: View) throws(CoreError) {
    try measured("where", 0, a.byteCount + b.byteCount + mask.byteCount + y.byteCount) { () throws(CoreError) in
      try inner.select(mask, a, b, y)
    }
  }
  func scaleAdd(_ alpha: Float, _ x: Storage, _ beta: Float, _ y: Storage, count: Int) throws(CoreError) {
    try measured("scale and add", 3 * count, 12 * count) { () throws(CoreError) in
      try inner.scaleAdd(alpha, x, beta, y, count: count)
    }
  }
  func reduce(_ reduction: Reduction, _ x: View, reducing: [Bool], _ y: Storage) throws(CoreError) {
    try measured("reduce \(reduction)", x.elements, x.byteCount) { () throws(CoreError) in
      try inner.reduce(reduction, x, reducing: reducing, y)
    }
  }
  func greatest(_ k: Int, _ x: Storage, rows: Int, columns: Int, _ y: Storage) throws(CoreError) {
    try measured("topk", rows * columns, 4 * rows * columns) { () throws(CoreError) in
      try inner.greatest(k, x, rows: rows, columns: columns, y)
    }
  }
  func softmax(_ x: Storage, rows: Int, columns: Int, temperature: Float, logarithm: Bool, _ y: Storage)
    throws(CoreError)
  {
    try measured(logarithm ? "log_softmax" : "softmax", 5 * rows * columns, 8 * rows * columns) {
      () throws(CoreError) in
      try inner.softmax(x, rows: rows, columns: columns, temperature: temperature, logarithm: logarithm, y)
    }
  }
  func softmaxGradient(
    y: Storage, dy: Storage, rows: Int, columns: Int, temperature: Float, logarithm: Bool, _ dx: Storage
  ) throws(CoreError) {
    try measured((logarithm ? "log_softmax" : "softmax") + " gradient", 4 * rows * columns, 12 * rows * columns) {
      () throws(CoreError) in
      try inner.softmaxGradient(
        y: y, dy: dy, rows: rows, columns: columns, temperature: temperature, logarithm: logarithm, dx)
    }
  }
  func take(_ x: Storage, _ dtype: DType, block: Int, _ indices: Storage, count: Int, _ y: Storage) throws(CoreError) {
    try measured("take rows", 0, 2 * block * count * dtype.stride) { () throws(CoreError) in
      try inner.take(x, dtype, block: block, indices, count: count, y)
    }
  }
  func put(_ x: Storage, _ dtype: DType, block: Int, _ indices: Storage, count: Int, adding: Bool, _ y: Storage)
    throws(CoreError)
  {
    try measured(adding ? "add to rows" : "put rows", adding ? block * count : 0, 2 * block * count * dtype.stride) {
      () throws(CoreError) in
      try inner.put(x, dtype, block: block, indices, count: count, adding: adding, y)
    }
  }
  func multiply(_ s: MatrixShape, _ a: Storage, _ b: Storage, _ c: Storage) throws(CoreError) {
    try measured(
      "matmul \(s.rows)×\(s.inner)×\(s.columns)", 2 * s.batch * s.rows * s.inner * s.columns,
      4 * s.batch * (s.rows * s.inner + s.inner * s.columns + s.rows * s.columns)
    ) { () throws(CoreError) in
      try inner.multiply(s, a, b, c)
    }
  }
  func convolve(_ s: ConvolutionShape, _ x: Storage, _ weight: Storage, _ epilogue: ConvolutionEpilogue, _ y: Storage)
    throws(CoreError)
  {
    try measured(s.word, s.flops, s.bytes) { () throws(CoreError) in
      try inner.convolve(s, x, weight, epilogue, y)
    }
  }
  func convolvesByWindow(_ s: ConvolutionShape) -> Bool { inner.convolvesByWindow(s) }
  func convolveInputGradient(
    _ s: ConvolutionShape, _ dy: Storage, _ weight: Storage, _ epilogue: ConvolutionEpilogue, _ dx: Storage
  ) throws(CoreError) {
    try measured(s.word + " input gradient", s.flops, s.bytes) { () throws(CoreError) in
      try inner.convolveInputGradient(s, dy, weight, epilogue, dx)
    }
  }
  func convolveWeightGradient(_ s: ConvolutionShape, _ x: Storage, _ dy: Storage, _ dw: Storage, _ db: Storage?)
    throws(CoreError)
  {
    try measured(s.word + " weight gradient", s.flops, s.bytes) { () throws(CoreError) in
      try inner.convolveWeightGradient(s, x, dy, dw, db)
    }
  }
  func moments(_ x: Storage, rows: Int, channels: Int, mean: Storage, variance: Storage) throws(CoreError) {
    try measured("batch norm statistics", 3 * rows * channels, 4 * rows * channels) { () throws(CoreError) in
      try inner.moments(x, rows: rows, channels: channels, mean: mean, variance: variance)
    }
  }
  func normalize(_ s: NormalizationArguments, _ x: Storage, _ y: Storage) throws(CoreError) {
    let values = s.rows * s.channels
    let sums = s.addend == nil ? 0 : 1
    try measured("batch norm", (2 + sums) * values, (8 + 4 * sums) * values) { () throws(CoreError) in
      try inner.normalize(s, x, y)
    }
  }
  func normalizeGradient(
    _ s: NormalizationArguments, training: Bool, _ x: Storage, _ dy: Storage, dx: Storage?, dWeight: Storage?,
    dBias: Storage?
  ) throws(CoreError) {
    try measured("batch norm gradient", 6 * s.rows * s.channels, 12 * s.rows * s.channels) { () throws(CoreError) in
      try inner.normalizeGradient(s, training: training, x, dy, dx: dx, dWeight: dWeight, dBias: dBias)
    }
  }
  func layerNorm(_ x: Storage, rows: Int, columns: Int, weight: Storage?, bias: Storage?, eps: Float, _ y: Storage)
    throws(CoreError)
  {
    try measured("layer norm", 6 * rows * columns, 8 * rows * columns) { () throws(CoreError) in
      try inner.layerNorm(x, rows: rows, columns: columns, weight: weight, bias: bias, eps: eps, y)
    }
  }
  func layerNormGradient(
    _ x: Storage, dy: Storage, rows: Int, columns: Int, weight: Storage?, eps: Float, _ dx: Storage
  ) throws(CoreError) {
    try measured("layer norm gradient", 10 * rows * columns, 12 * rows * columns) { () throws(CoreError) in
      try inner.layerNormGradient(x, dy: dy, rows: rows, columns: columns, weight: weight, eps: eps, dx)
    }
  }
  func attention(_ s: AttentionShape, _ qkv: Storage, _ y: Storage) throws(CoreError) {
    try measured("attention", s.flops, s.bytes) { () throws(CoreError) in
      try inner.attention(s, qkv, y)
    }
  }
  func attentionGradient(_ s: AttentionShape, _ qkv: Storage, _ dy: Storage, _ dqkv: Storage) throws(CoreError) {
    try measured("attention gradient", 5 * s.flops / 2, 2 * s.bytes) { () throws(CoreError) in
      try inner.attentionGradient(s, qkv, dy, dqkv)
    }
  }
  func maxPool(_ s: PoolShape, _ x: Storage, _ y: Storage, places: Storage?) throws(CoreError) {
    try measured("max pool", s.inputCount, 4 * (s.inputCount + s.outputCount)) { () throws(CoreError) in
      try inner.maxPool(s, x, y, places: places)
    }
  }
  func maxPoolGradient(_ s: PoolShape, _ dy: Storage, places: Storage, _ dx: Storage) throws(CoreError) {
    try measured("max pool gradient", s.outputCount, 4 * (s.inputCount + 2 * s.outputCount)) { () throws(CoreError) in
      try inner.maxPoolGradient(s, dy, places: places, dx)
    }
  }
  func maxPoolTake(_ s: PoolShape, _ x: Storage, places: Storage, _ y: Storage) throws(CoreError) {
    try measured("max pool take", 0, 12 * s.outputCount) { () throws(CoreError) in
      try inner.maxPoolTake(s, x, places: places, y)
    }
  }
  func averagePool(_ s: PoolShape, countsPadding: Bool, _ x: Storage, _ y: Storage) throws(CoreError) {
    try measured("mean pool", s.inputCount, 4 * (s.inputCount + s.outputCount)) { () throws(CoreError) in
      try inner.averagePool(s, countsPadding: countsPadding, x, y)
    }
  }
  func averagePoolGradient(_ s: PoolShape, countsPadding: Bool, _ dy: Storage, _ dx: Storage) throws(CoreError) {
    try measured("mean pool gradient", s.inputCount, 4 * (s.inputCount + s.outputCount)) { () throws(CoreError) in
      try inner.averagePoolGradient(s, countsPadding: countsPadding, dy, dx)
    }
  }
  func sgd(
    _ weights: Storage, velocity: Storage?, _ gradient: Storage, count: Int, rate: Float, momentum: Float,
    weightDecay: Float, kept: Float, nesterov: Bool
  ) throws(CoreError) {
    try measured("sgd", 6 * count, 20 * count) { () throws(CoreError) in
      try inner.sgd(
        weights, velocity: velocity, gradient, count: count, rate: rate, momentum: momentum, weightDecay: weightDecay,
        kept: kept, nesterov: nesterov)
    }
  }
  func adam(_ weights: Storage, mean: Storage, square: Storage, _ gradient: Storage, count: Int, _ step: AdamStep)
    throws(CoreError)
  {
    try measured("adam", 12 * count, 28 * count) { () throws(CoreError) in
      try inner.adam(weights, mean: mean, square: square, gradient, count: count, step)
    }
  }
  func signStep(
    _ x: Storage, _ gradient: Storage, _ center: Storage, step: Float, eps: Float, low: Float, high: Float,
    _ y: Storage, count: Int
  ) throws(CoreError) {
    try measured("sign step", 4 * count, 16 * count) { () throws(CoreError) in
      try inner.signStep(x, gradient, center, step: step, eps: eps, low: low, high: high, y, count: count)
    }
  }
  func momentumStep(
    _ x: Storage, previous: Storage, _ gradient: Storage, _ center: Storage, steps: Storage, share: Float, eps: Float,
    isSign: Bool, _ y: Storage, rows: Int, columns: Int
  ) throws(CoreError) {
    try measured("momentum step", 8 * rows * columns, 20 * rows * columns) { () throws(CoreError) in
      try inner.momentumStep(
        x, previous: previous, gradient, center, steps: steps, share: share, eps: eps, isSign: isSign, y, rows: rows,
        columns: columns)
    }
  }
  func sparseStep(
    _ x: Storage, _ gradient: Storage, _ center: Storage, steps: Storage, ranks: Storage, eps: Float, _ y: Storage,
    rows: Int, columns: Int
  ) throws(CoreError) {
    try measured("sparse step", 4 * rows * columns, 16 * rows * columns) { () throws(CoreError) in
      try inner.sparseStep(x, gradient, center, steps: steps, ranks: ranks, eps: eps, y, rows: rows, columns: columns)
    }
  }
  func nearestInL1(_ x: Storage, _ center: Storage, eps: Float, _ y: Storage, rows: Int, columns: Int) throws(CoreError)
  {
    try measured("nearest in l1", 4 * rows * columns, 12 * rows * columns) { () throws(CoreError) in
      try inner.nearestInL1(x, center, eps: eps, y, rows: rows, columns: columns)
    }
  }
  func copyRows(_ x: Storage, where mask: Storage, to y: Storage, rows: Int, columns: Int) throws(CoreError) {
    try measured("copy rows", 0, 8 * rows * columns) { () throws(CoreError) in
      try inner.copyRows(x, where: mask, to: y, rows: rows, columns: columns)
    }
  }
  func projectOntoHyperplanes(
    _ norm: BoxNorm, _ t: Storage, _ w: Storage, amounts: Storage, rows: Int, columns: Int, _ d: Storage
  ) throws(CoreError) {
    try measured("project onto hyperplanes", 6 * rows * columns, 12 * rows * columns) { () throws(CoreError) in
      try inner.projectOntoHyperplanes(norm, t, w, amounts: amounts, rows: rows, columns: columns, d)
    }
  }
  func boundaryStep(
    _ step: BoundaryStep, _ x: Storage, center: Storage, _ w: Storage, leads: Storage, rows: Int, columns: Int,
    _ y: Storage, distances: Storage
  ) throws(CoreError) {
    try measured("boundary step", 10 * rows * columns, 20 * rows * columns) { () throws(CoreError) in
      try inner.boundaryStep(
        step, x, center: center, w, leads: leads, rows: rows, columns: columns, y, distances: distances)
    }
  }
  func paintSquares(
    _ s: ImageShape, _ squares: [ImageSquare], side: Int, shifts: [Float], best: Storage, center: Storage, eps: Float,
    _ candidates: Storage
  ) throws(CoreError) -> [Bool] {
    try measured("paint squares", 0, 0) { () throws(CoreError) -> [Bool] in
      try inner.paintSquares(s, squares, side: side, shifts: shifts, best: best, center: center, eps: eps, candidates)
    }
  }
  func settleSquares(
    _ s: ImageShape, _ squares: [ImageSquare], side: Int, accepted: [Bool], best: Storage, _ candidates: Storage
  ) throws(CoreError) {
    try measured("settle squares", 0, 0) { () throws(CoreError) in
      try inner.settleSquares(s, squares, side: side, accepted: accepted, best: best, candidates)
    }
  }
  func moveWindows(
    _ s: ImageShape, _ norm: WindowNorm, _ moves: [WindowMove], side: Int, pattern: [Float], signs: [Float],
    best: Storage, center: Storage, eps: Float, _ candidates: Storage
  ) throws(CoreError) {
    try measured("move windows", 0, 0) { () throws(CoreError) in
      try inner.moveWindows(
        s, norm, moves, side: side, pattern: pattern, signs: signs, best: best, center: center, eps: eps, candidates)
    }
  }
  func copyPatches(
    channels: Int, _ x: Storage, _ sources: PatchPlaces, to y: Storage, _ targets: PatchPlaces, clears: Bool
  ) throws(CoreError) {
    try measured("copy patches", 0, 0) { () throws(CoreError) in
      try inner.copyPatches(channels: channels, x, sources, to: y, targets, clears: clears)
    }
  }
}

/// A name of several words, as a person writes it: `reluGradient` as `relu gradient`.
private func words(_ name: String) -> String {
  var text = ""
  for character in name.prefix(while: { $0 != "(" }) {
    if character.isUppercase { text += " " }
    text += character.lowercased()
  }
  return text
}

extension View {
  fileprivate var elements: Int { shape.reduce(1, &*) }
  fileprivate var byteCount: Int { elements &* dtype.stride }
}

extension ElementwiseMap {
  fileprivate var word: String {
    switch self {
    case .unary(let operation): words("\(operation)")
    case .affine: "scale and shift"
    case .clip: "clip"
    case .leakyRelu: "leaky relu"
    case .not: "not"
    }
  }
}

extension Distribution {
  fileprivate var word: String { "\("\(self)".prefix { $0 != "(" })" }
}

extension ConvolutionShape {
  fileprivate var word: String {
    if kernelHeight == 1, kernelWidth == 1, height == 1, width == 1 { return "linear \(channels)→\(filters)" }
    let stride = strideHeight > 1 ? "/\(strideHeight)" : ""
    let parts = groups > 1 ? " in \(groups) groups" : ""
    return "conv \(kernelHeight)×\(kernelWidth)\(stride) \(channels)→\(filters)\(parts) at \(height)×\(width)"
  }
  fileprivate var flops: Int { 2 * outputCount * (channels / max(groups, 1)) * kernelHeight * kernelWidth }
  fileprivate var bytes: Int {
    4 * (inputCount + outputCount + filters * (channels / max(groups, 1)) * kernelHeight * kernelWidth)
  }
}

extension AttentionShape {
  fileprivate var flops: Int { 4 * batch * heads * tokens * tokens * size }
  fileprivate var bytes: Int { 4 * 4 * batch * heads * tokens * size }
}

// MARK: - Who measures

/// What operations of the device cost, while somebody profiles.
package enum DeviceProfile {
  private static let isOn = Atomic(false)
  private static let measured = Locked<MeasuredDevice?>(nil)

  /// The device that measures, if any does.
  static func device(over inner: any Device) -> any Device {
    guard isOn.load(ordering: .relaxed) else { return inner }
    return measured.withLock { $0 } ?? inner
  }

  /// Runs `body` with each call of the device measured: of all that runs in the process meanwhile.
  ///
  /// - Parameter record: gets the name of an operation, its seconds, floating-point operations and bytes.
  package static func measure<Result>(
    _ record: @escaping @Sendable (_ name: String, _ seconds: Double, _ flops: Int, _ bytes: Int) -> Void,
    _ body: () throws -> Result
  ) rethrows -> Result {
    measured.withLock { $0 = MeasuredDevice(processor, record: record) }
    isOn.store(true, ordering: .relaxed)
    defer {
      isOn.store(false, ordering: .relaxed)
      measured.withLock { $0 = nil }
    }
    return try body()
  }
}
