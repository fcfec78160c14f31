import Base
import Devices

/// The result of batch normalisation in training.
public struct BatchNormResult: Sendable {
  /// The normalised values, of the shape of the input; tracked as the input and the parameters are.
  public var y: Tensor
  /// The batch's own mean [channels].
  public var mean: Tensor
  /// The batch's unbiased variance [channels], which running statistics are updated with.
  public var unbiasedVariance: Tensor

  /// (1 − momentum) · running + momentum · batch, for mean and variance.
  public func updating(
    runningMean: Tensor, runningVariance: Tensor, momentum: Float = 0.1
  ) throws(CoreError) -> (mean: Tensor, variance: Tensor) {
    (
      try add(runningMean * (1 - momentum), mean * momentum),
      try add(runningVariance * (1 - momentum), unbiasedVariance * momentum)
    )
  }
}

/// Batch normalisation with the statistics of the batch.
///
/// - Parameters:
///   - x: [n, channels], or with further axes.
///   - weight: scale [channels], 1 if none.
///   - bias: shift [channels], 0 if none.
///   - addend: of the shape of x, added to the result in the same pass; none if nil.
///   - relu: ReLU after that, in the same pass.
public func batchNormTrain(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, eps: Float = 1e-5, adding addend: Tensor? = nil,
  relu: Bool = false
) throws(CoreError) -> BatchNormResult {
  if let addend, addend.shape != x.shape {
    throw CoreError(.shape, "an addend of shape \(addend.shape) does not fit an input of shape \(x.shape)")
  }
  if let images = try flattened(x) {
    var result = try batchNormTrain(
      images, weight: weight, bias: bias, eps: eps, adding: addend?.reshape(images.shape), relu: relu)
    result.y = try result.y.reshape(x.shape)
    return result
  }
  let images = try normalizable(x, weight, bias)
  let (rows, channels) = (images.count / Swift.max(x.shape[1], 1), x.shape[1])
  guard rows > 0 else { throw CoreError(.shape, "batch normalisation of no examples: shape \(x.shape)") }
  let mean = try Tensor(.float32, shape: [channels])
  let variance = try Tensor(.float32, shape: [channels])
  try device.moments(images.storage, rows: rows, channels: channels, mean: mean.storage, variance: variance.storage)
  let y = try normalize(
    x, images, mean: mean, variance: variance, weight: weight, bias: bias, eps: eps,
    addend: addend, relu: relu, training: true)
  return BatchNormResult(
    y: y, mean: mean, unbiasedVariance: try variance * (Float(rows) / (Float(rows) - 1)))
}

/// What the shards of a batch tell each other, so that batch norm takes the statistics of the whole.
public protocol SharedStatistics: AnyObject {
  /// The share of the batch that this shard has: its loss counts that much.
  var share: Double { get }
  /// Hands in the numbers of this shard and waits for those of all, in the order of the shards.
  func exchange(_ own: [Double]) throws(CoreError) -> [[Double]]
}

/// Batch normalisation with the statistics of a batch of which this is a shard; see `batchNormTrain`.
///
/// Means and variances of the shards are combined in their order in double precision (Chan et al.), and so are the sums that
/// the gradient needs: each shard's, times its share of the loss.
public func batchNormTrain(
  _ x: Tensor, weight: Tensor, bias: Tensor, eps: Float = 1e-5, adding addend: Tensor? = nil, relu: Bool = false,
  sharing shared: any SharedStatistics
) throws(CoreError) -> BatchNormResult {
  if let images = try flattened(x) {
    var result = try batchNormTrain(
      images, weight: weight, bias: bias, eps: eps, adding: addend?.reshape(images.shape), relu: relu, sharing: shared)
    result.y = try result.y.reshape(x.shape)
    return result
  }
  let images = try normalizable(x, weight, bias)
  let channels = x.shape[1]
  let rows = images.count / Swift.max(channels, 1)
  let (ownMean, ownVariance) = (try Tensor(.float32, shape: [channels]), try Tensor(.float32, shape: [channels]))
  try device.moments(
    images.storage, rows: rows, channels: channels, mean: ownMean.storage, variance: ownVariance.storage)
  let all = try shared.exchange([Double(rows)] + (ownMean.floats() + ownVariance.floats()).map(Double.init))
  var (seen, centers) = (0.0, [Double](repeating: 0, count: channels))
  var squares = centers
  for part in all {
    let count = part[0]
    let total = seen + count
    for c in 0..<channels {
      let delta = part[1 + c] - centers[c]
      centers[c] += delta * (count / total)
      squares[c] += part[1 + channels + c] * count + delta * delta * (seen * count / total)
    }
    seen = total
  }
  guard seen > 1 else {
    throw CoreError(
      .shape, "batch norm in training needs more than one value per channel, not images \(x.shape)",
      hint: "use a larger batch", argument: "batch")
  }
  let mean = try Tensor(centers.map(Float.init), shape: [channels])
  let variance = try Tensor(squares.map { Float($0 / seen) }, shape: [channels])
  // With constant statistics: what the gradient lacks of them is added.
  let plain = NormalizationArguments(
    rows: rows, channels: channels, mean: mean.storage, variance: variance.storage,
    weight: try weight.rowMajor().storage, bias: try bias.rowMajor().storage, eps: eps, addend: nil, relu: false)
  var y = try images.similar()
  try device.normalize(plain, images.storage, y.storage)
  let kept = (mean, variance, try weight.rowMajor(), try bias.rowMajor())
  let shape = [1, channels] + Array(repeating: 1, count: x.rank - 2)
  y = try y.recording([x, weight, bias], operation: "batch_norm", isTwice: false) { (g, needs) throws(CoreError) in
    let g = try g.inLayout(images.layout)
    let dx = try images.similar()
    let (dWeight, dBias) = (try Tensor(.float32, shape: [channels]), try Tensor(.float32, shape: [channels]))
    try device.normalizeGradient(
      plain, training: false, images.storage, g.storage, dx: dx.storage, dWeight: dWeight.storage, dBias: dBias.storage)
    let sums = (dBias.floats() + dWeight.floats()).map { Double($0) * shared.share }
    var totals = [Double](repeating: 0, count: 2 * channels)
    for part in try shared.exchange(sums) { for i in totals.indices { totals[i] += part[i] } }
    let (scales, variances) = (kept.2.floats(), kept.1.floats())
    var (slopes, offsets) = ([Float](), [Float]())
    for c in 0..<channels {
      let inverse = 1 / (Double(variances[c]) + Double(eps)).squareRoot()
      let factor = -Double(scales[c]) * inverse / (seen * shared.share)
      slopes.append(Float(factor * totals[channels + c] * inverse))
      offsets.append(Float(factor * (totals[c] - totals[channels + c] * inverse * centers[c])))
    }
    let moved = try images.detached() * Tensor(slopes, shape: shape) + Tensor(offsets, shape: shape)
    return [needs[0] ? try dx + moved : nil, needs[1] ? dWeight : nil, needs[2] ? dBias : nil]
  }
  if let addend { y = try y + addend }
  if relu { y = try y.relu() }
  return BatchNormResult(
    y: y, mean: mean, unbiasedVariance: try variance * Float(seen / (seen - 1)))
}

/// Batch normalisation with fixed statistics: (x − mean) / √(variance + eps) · weight + bias.
public func batchNormEval(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, mean: Tensor, variance: Tensor, eps: Float = 1e-5,
  relu: Bool = false
) throws(CoreError) -> Tensor {
  if let images = try flattened(x) {
    return try batchNormEval(
      images, weight: weight, bias: bias, mean: mean, variance: variance, eps: eps, relu: relu
    ).reshape(x.shape)
  }
  let images = try normalizable(x, weight, bias)
  for statistic in [mean, variance] where statistic.shape != [x.shape[1]] {
    throw CoreError(
      .shape, "statistics of shape \(statistic.shape) do not fit \(x.shape[1]) channels of an input of shape \(x.shape)"
    )
  }
  return try normalize(
    x, images, mean: mean.asType(.float32).detached(), variance: variance.asType(.float32).detached(), weight: weight,
    bias: bias,
    eps: eps, relu: relu, training: false)
}

/// As images, if there is another number of axes after the channels than two or none.
private func flattened(_ x: Tensor) throws(CoreError) -> Tensor? {
  guard x.rank == 3 || x.rank > 4 else { return nil }
  let inner = x.count == 0 ? 0 : x.count / (x.shape[0] * x.shape[1])
  return try x.reshape([x.shape[0], x.shape[1], inner, 1])
}

/// The input as a matrix with the channels fastest.
private func normalizable(_ x: Tensor, _ weight: Tensor?, _ bias: Tensor?) throws(CoreError) -> Tensor {
  guard x.rank == 4 || x.rank == 2 else {
    throw CoreError(.shape, "batch normalisation needs at least the axes [n, channels], not shape \(x.shape)")
  }
  for case let parameter? in [weight, bias] where parameter.shape != [x.shape[1]] {
    throw CoreError(
      .shape, "parameters of shape \(parameter.shape) do not fit \(x.shape[1]) channels of an input of shape \(x.shape)"
    )
  }
  return try x.asType(.float32).channelsLast()
}

private func normalize(
  _ x: Tensor, _ images: Tensor, mean: Tensor, variance: Tensor, weight: Tensor?, bias: Tensor?, eps: Float,
  addend: Tensor? = nil, relu: Bool, training: Bool
) throws(CoreError) -> Tensor {
  let channels = x.shape[1]
  let scale = try weight?.asType(.float32)
  let shift = try bias?.asType(.float32)
  let (plainScale, plainShift) = (try scale?.rowMajor(), try shift?.rowMajor())
  let addend = try addend?.asType(.float32)
  let plainAddend = try addend?.inLayout(images.layout)
  let s = NormalizationArguments(
    rows: images.count / Swift.max(channels, 1), channels: channels, mean: mean.storage, variance: variance.storage,
    weight: plainScale?.storage, bias: plainShift?.storage, eps: eps, addend: plainAddend?.storage, relu: relu)
  let y = try images.similar()
  try device.normalize(s, images.storage, y.storage)
  let (hasScale, hasShift) = (scale != nil, shift != nil)
  let inputs = [x] + [scale, shift].compactMap { $0 }
  guard let addend else {
    return try y.recording(inputs, operation: "batch_norm", isTwice: true) { (g, needs) throws(CoreError) in
      try pull(g, needs, s)
    }
  }
  // A ReLU is that of the sum: what it leaves of the gradient is that of both summands.
  var plain = s
  (plain.addend, plain.relu) = (nil, false)
  let (own, result) = (plain, relu ? y.detached() : nil)
  return try y.recording(inputs + [addend], operation: "batch_norm", isTwice: true) { (g, needs) throws(CoreError) in
    let g =
      if let result {
        needs.areFollowed ? try combine(.reluGradient, result, g) : try reluGradient(g, result: result)
      } else { g }
    return try pull(g, needs, own) + [needs[inputs.count] ? g : nil]
  }

  func pull(_ g: Tensor, _ needs: Needs, _ s: NormalizationArguments) throws(CoreError) -> [Tensor?] {
    if needs.areFollowed {
      let parameters = [plainScale, plainShift].compactMap { $0 }
      let operands = ([images] + parameters).enumerated().map { needs.operand($1, $0) }
      return try pullThrough(g, needs, operands) { (operands) throws(CoreError) in
        try composed(
          operands[0], mean: training ? nil : mean, variance: training ? nil : variance,
          weight: hasScale ? operands[1] : nil, bias: hasShift ? operands[hasScale ? 2 : 1] : nil, eps: eps,
          relu: s.relu)
      }
    }
    let g = try g.inLayout(images.layout)
    let dx = needs[0] ? try images.similar() : nil
    let dWeight = hasScale && needs[1] ? try Tensor(.float32, shape: [channels]) : nil
    let dBias = hasShift && needs[hasScale ? 2 : 1] ? try Tensor(.float32, shape: [channels]) : nil
    try device.normalizeGradient(
      s, training: training, images.storage, g.storage, dx: dx?.storage, dWeight: dWeight?.storage,
      dBias: dBias?.storage)
    return [dx] + (hasScale ? [dWeight] : []) + (hasShift ? [dBias] : [])
  }
}

/// Batch normalisation by recorded operations.
///
/// - Parameters:
///   - mean: [channels]; that of the batch if nil, as for the variance.
private func composed(
  _ x: Tensor, mean: Tensor?, variance: Tensor?, weight: Tensor?, bias: Tensor?, eps: Float, relu: Bool
) throws(CoreError) -> Tensor {
  let axes = [0] + Array(2..<Swift.max(x.rank, 2))
  var channels = x.shape.map { _ in 1 }
  channels[1] = x.shape[1]
  let center = if let mean { try mean.reshape(channels) } else { try x.mean(axes: axes, keepdim: true) }
  let deviations = try sub(x, center)
  let spread =
    if let variance { try variance.reshape(channels) } else { try deviations.square().mean(axes: axes, keepdim: true) }
  var y = try div(deviations, (spread + eps).sqrt())
  if let weight { y = try mul(y, weight.reshape(channels)) }
  if let bias { y = try add(y, bias.reshape(channels)) }
  return relu ? try y.relu() : y
}
