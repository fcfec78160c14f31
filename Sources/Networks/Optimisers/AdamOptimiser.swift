import Base
import Tensors

/// What Adam and AdamW have in common: all but how weights decay.
public protocol AdamSettings: OptimiserSettings {
  /// The share of the mean gradient that is kept, from 0 to below 1.
  var beta1: Double { get set }
  /// The share of the mean square of the gradient that is kept, from 0 to below 1.
  var beta2: Double { get set }
  /// What is added to the root of the mean square, above 0.
  var eps: Double { get set }
  /// How much weights decay, at least 0.
  var weightDecay: Double { get set }
  /// Which weights decay.
  var decaying: DecayingWeights { get set }
  /// Whether weights shrink before the step instead of adding to the gradient.
  static var isDecoupled: Bool { get }
}

extension AdamSettings {
  /// The settings of both.
  ///
  /// - Parameter decay: what weight_decay is.
  static func commonSettings(decay: String) -> [Setting<Self>] {
    [
      Setting("beta1", \.beta1, .belowOne(hint: "beta1=0.9"), note: "share of the mean gradient that is kept."),
      Setting("beta2", \.beta2, .belowOne(hint: "beta2=0.999"), note: "share of the mean square that is kept."),
      Setting("eps", \.eps, .positive(hint: "eps=1e-8"), note: "added to the root of the mean square."),
      Setting(
        "weight_decay", \.weightDecay, .atLeastZero(hint: "weight_decay=0 leaves its term out"), note: decay,
        isAlwaysShown: isDecoupled),
      .choice(
        "decaying", \.decaying, note: "which weights decay: \"all\", or \"matrices\", without norms and biases."),
    ]
  }

  private var decay: WeightDecay {
    WeightDecay(share: weightDecay, isDecoupled: Self.isDecoupled, weights: decaying)
  }

  /// Refuses a choice of weights to decay where none does.
  public func validateTogether() throws(CoreError) {
    try decay.validate(of: Self.name, [("decaying", decaying != .all)])
  }

  /// Refuses a beta1 of its own where the schedule sets one for each step, as PyTorch's OneCycleLR does.
  public func validate(with schedule: any LearningRateSchedule) throws(CoreError) {
    try refuse("beta1", beta1 == Self().beta1 ? nil : beta1, with: schedule)
  }

  /// An optimiser that has not made a step yet.
  public func makeOptimiser() -> any Optimiser {
    AdamOptimiser(beta1: beta1, beta2: beta2, eps: eps, decay: decay)
  }
}

/// Adam of one run, with its two means of each weight.
final class AdamOptimiser: Optimiser {
  private struct Moments {
    var means: (mean: Tensor, square: Tensor)?
    /// The steps that this weight has had.
    var steps = 0
  }

  private let beta1: Double
  private let beta2: Double
  private let eps: Double
  private let decay: WeightDecay
  /// In the order of the weights: none before the first step.
  private var moments: [Moments] = []

  init(beta1: Double, beta2: Double, eps: Double, decay: WeightDecay) {
    (self.beta1, self.beta2, self.eps, self.decay) = (beta1, beta2, eps, decay)
  }

  /// - Parameter momentum: what stands in for beta1, as PyTorch's OneCycleLR has it.
  func step(_ weights: inout [Tensor], gradients: [Tensor?], rate: Double, momentum: Double?) throws(CoreError) {
    if moments.count < weights.count {
      moments += Array(repeating: Moments(), count: weights.count - moments.count)
    }
    guard weights.count == gradients.count, moments.count == weights.count else {
      throw CoreError(.value, "\(gradients.count) gradients for \(weights.count) weights")
    }
    // All weights or none.
    try StopSignal.ignoring { () throws(CoreError) in
      for i in weights.indices {
        guard let gradient = gradients[i] else { continue }
        let update = AdamUpdate(
          learningRate: rate, beta1: momentum ?? beta1, beta2: beta2, eps: eps,
          weightDecay: decay.added(to: weights[i]), kept: decay.kept(of: weights[i], rate: rate))
        try update.apply(
          to: &weights[i], moments: &moments[i].means, gradient: gradient, number: moments[i].steps + 1)
        moments[i].steps += 1
      }
    }
  }

  /// The means and the steps of each weight: "mean.0", "square.0" and "steps.0" are those of the first.
  var state: NamedTensors {
    get throws(CoreError) {
      var state: NamedTensors = []
      for (i, moment) in moments.enumerated() {
        guard let means = moment.means else { continue }
        state.append(("mean.\(i)", means.mean))
        state.append(("square.\(i)", means.square))
        state.append(("steps.\(i)", try Tensor(ints: [moment.steps], shape: [])))
      }
      return state
    }
  }

  func restore(_ state: NamedTensors) throws(CoreError) {
    var restored: [Moments] = []
    guard state.count % 3 == 0 else {
      throw CoreError(.value, "this is no state of adam: it has \(state.count) tensors")
    }
    for start in stride(from: 0, to: state.count, by: 3) {
      let (mean, square, steps) = (state[start], state[start + 1], state[start + 2])
      // Those of frozen weights are left out.
      guard mean.name.hasPrefix("mean."), let i = Int(mean.name.dropFirst(5)), i >= restored.count, i < 1 << 20,
        square.name == "square.\(i)", steps.name == "steps.\(i)", mean.tensor.dtype == .float32,
        square.tensor.dtype == .float32, mean.tensor.shape == square.tensor.shape, steps.tensor.dtype == .int64,
        steps.tensor.count == 1, let count = steps.tensor.ints().first, count > 0, count < 1 << 50
      else { throw CoreError(.value, "'\(mean.name)' is no mean of adam") }
      restored += Array(repeating: Moments(), count: i - restored.count)
      restored.append(Moments(means: (mean.tensor, square.tensor), steps: count))
    }
    moments = restored
  }
}
