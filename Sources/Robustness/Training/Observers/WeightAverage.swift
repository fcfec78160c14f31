import Base
import Datasets
import Networks
import Tensors

/// How weights are averaged while a run trains: the average is a model of its own, which usually resists attacks better
/// than the last step, and takes no part in the training.
public struct WeightAveraging: Sendable, Equatable {
  /// Which average is taken.
  public enum Kind: Sendable, Equatable {
    /// e = decay · e + (1 − decay) · w after each step, from the weights of the beginning. With a warm-up the share that
    /// stays is min(decay, (1 + t)/(10 + t)) after t earlier steps, so that the beginning is soon forgotten (Gowal et
    /// al. 2020).
    case exponential(decay: Double, warmsUp: Bool)
    /// The mean of the weights after each epoch from this one on, counted from 1: stochastic weight averaging (Izmailov
    /// et al. 2018).
    case running(from: Int)
  }

  /// Where the running statistics of batch norm come from, which belong to other weights than the average's.
  public enum Statistics: String, SettingChoice {
    /// They are those of the model that is trained, as they are then: the usual rule of exponential averages.
    case copied
    /// They are averaged as the weights are.
    case averaged
    /// They are measured anew: the mean over one pass through the training images as they are, neither augmented nor
    /// attacked, in the order of the data set. It is the usual rule of stochastic weight averaging.
    case estimated
  }

  /// Which average is taken.
  public var kind: Kind
  /// The rule of batch norm.
  public var statistics: Statistics

  /// An average; where no rule of batch norm is given it is the usual one.
  public init(_ kind: Kind, statistics: Statistics? = nil) {
    self.kind = kind
    if case .exponential = kind {
      self.statistics = statistics ?? .copied
    } else {
      self.statistics = statistics ?? .estimated
    }
  }

  func validate(epochs: Int) throws(CoreError) {
    switch kind {
    case .exponential(let decay, _):
      guard decay > 0, decay < 1 else {
        throw CoreError(
          .value, "ema of fit must be above 0 and below 1, not \(decay.shortest)", hint: "ema=0.995 is usual",
          argument: "ema")
      }
    case .running(let first):
      guard first >= 1, first <= epochs else {
        throw CoreError(
          .value, "swa of fit must be an epoch of the run, 1 to \(epochs), not \(first)",
          hint: "swa=\(max(1, epochs / 2)) averages the second half", argument: "swa")
      }
    }
  }
}

/// Follows the weights of a run with an average of them.
final class WeightAverage: TrainingObserver {
  let averaging: WeightAveraging
  private let data: Dataset
  private let batchSize: Int
  private let seed: UInt64
  /// The average of weights, then that of buffers where they are averaged; empty before the first value.
  private var average: [Tensor] = []
  /// How many values were averaged.
  private var count = 0

  /// An average that begins with the weights of the model.
  ///
  /// - Parameters:
  ///   - data: the images on which statistics are estimated, in batches of this size.
  ///   - seed: key of what dropout draws meanwhile.
  init(_ averaging: WeightAveraging, of model: Model, on data: Dataset, batchSize: Int, seed: UInt64) {
    (self.averaging, self.data, self.batchSize, self.seed) = (averaging, data, batchSize, seed)
    if case .exponential = averaging.kind { average = values(of: model) }
  }

  var settings: [TrainingDescription.Field] {
    let statistics = TrainingDescription.Field("average_bn", averaging.statistics.rawValue)
    return switch averaging.kind {
    case .exponential(let decay, let warmsUp):
      [.init("ema", decay.shortest), .init("ema_warmup", "\(warmsUp)"), statistics]
    case .running(let first): [.init("swa", "\(first)"), statistics]
    }
  }

  func after(step: Int, _ model: Model) throws {
    guard case .exponential(let decay, let warmsUp) = averaging.kind else { return }
    let t = Double(count)
    try move(to: model, keeping: warmsUp ? min(decay, (1 + t) / (10 + t)) : decay)
  }

  func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool {
    if case .running(let first) = averaging.kind, epoch.epoch >= first {
      try move(to: model, keeping: Double(count) / Double(count + 1))
    }
    return true
  }

  /// average = share · average + (1 − share) · weights, in place.
  private func move(to model: Model, keeping share: Double) throws(CoreError) {
    let values = values(of: model)
    if average.isEmpty {
      average = values
    } else {
      // The optimiser's kernel: average −= −(1 − share) · (weights − average).
      let update = SGDUpdate(learningRate: Float(share - 1), weightDecay: -1)
      for i in average.indices where values[i].dtype == .float32 {
        var none: Tensor?
        try update.apply(to: &average[i], velocity: &none, gradient: values[i])
      }
    }
    count += 1
  }

  private func values(of model: Model) -> [Tensor] {
    model.parameters + (averaging.statistics == .averaged ? model.buffers : [])
  }

  /// The averaged model; nil before the first value.
  ///
  /// - Parameter model: the one that is trained.
  func averaged(_ model: Model) throws -> Model? {
    guard !average.isEmpty else { return nil }
    let made = model.copy()
    made.name = model.name
    let weights = model.parameters.count
    try made.setParameters(Array(average.prefix(weights)))
    switch averaging.statistics {
    case .copied: break
    case .averaged:
      // Counters are counted, not averaged.
      try made.setBuffers(zip(model.buffers, average.dropFirst(weights)).map { $0.dtype == .float32 ? $1 : $0 })
    case .estimated:
      let stream = RandomStream(seed: seed, purpose: "fit.average")
      try made.estimateStatistics(batches: data.batches(of: batchSize)) { (k, positions) throws(CoreError) in
        try StopSignal.poll()
        return (try data.batch(positions).images, stream.child(k))
      }
    }
    return made
  }

  var state: NamedTensors {
    get throws(CoreError) {
      [("count", try Tensor(ints: [count], shape: []))] + average.enumerated().map { ("average.\($0)", $1) }
    }
  }

  func restore(_ state: NamedTensors) throws(CoreError) {
    guard let first = state.first, first.name == "count", let count = first.tensor.ints().first, count >= 0 else {
      throw CoreError(.value, "this state has no average of weights")
    }
    let tensors = state.dropFirst().map(\.tensor)
    for (tensor, now) in zip(tensors, average) where tensor.shape != now.shape {
      throw CoreError(.shape, "this average is of other weights")
    }
    (self.count, average) = (count, tensors)
  }
}
