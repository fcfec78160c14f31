import Base
import Tensors

/// Stochastic gradient descent with momentum, as `torch.optim.SGD`. Weight decay goes to every weight, batch norm and
/// biases too, unless it is asked to leave them out.
public struct SGD: OptimiserSettings {
  public static let name = "sgd"
  public static let page = Page(
    "Stochastic gradient descent: for fit, or with a model for a training loop of your own.",
    details: """
      `fit(…, optimiser=sgd(nesterov=true))` trains with it. For a loop of your own it takes the model first: \
      `step = sgd(net)`, then `step(gradient)` after each batch; `step(gradient, lr=0.001)` sets another learning rate \
      from then on. It works as torch.optim.SGD. net(x, train=true, seed=i) is the model in training mode, with dropout and \
      with the batch norm of the batch.
      """,
    examples: [
      (
        """
        train, test = glyphs(n=200, seed=1); net = mlp(hidden=[16])
        step = sgd(net, lr=0.1)
        for i, b in enumerate(batches(train, 50, seed=1)) {
          loss, g = value_and_grad(m => cross_entropy(m(b.images, train=true, seed=i), b.labels), net)
          step(g)
        }
        loss < 3
        """, "true"
      )
    ],
    seeAlso: ["adam", "adamw", "value_and_grad", "grad", "fit", "shuffled", "perturb"],
    search: ["optimizer", "optimiser", "training loop", "step", "weights", "parameters", "learning rate"])
  public static let settings: [Setting<SGD>] = [
    Setting(
      "momentum", \.usedMomentum, .belowOne(hint: "momentum=0.9"),
      note: "share of the last step that continues, from 0 to below 1.", isAlwaysShown: true),
    Setting(
      "weight_decay", \.weightDecay, .atLeastZero(hint: "weight_decay=0 leaves its term out"),
      note:
        "share of each weight that is added to its gradient; where decoupled, lr times it is taken from the weight.",
      isAlwaysShown: true),
    Setting("nesterov", \.nesterov, note: "the gradient where the momentum leads, instead of where the weights are."),
    Setting(
      "decoupled", \.decoupled,
      note: "weights shrink before the step, and no momentum remembers it (Loshchilov and Hutter 2019)."),
    .choice("decaying", \.decaying, note: "which weights decay: \"all\", or \"matrices\", without norms and biases."),
  ]

  /// The share of the last step that continues, from 0 to below 1; nil stands for 0.9, or what the schedule of the run
  /// says.
  public var momentum: Double?
  /// The share of each weight that is added to its gradient; where decoupled, the rate times it is taken from the weight.
  public var weightDecay: Double
  /// Whether weight decay shrinks the weights before the step instead of adding to the gradient.
  public var decoupled = false
  /// Which weights decay.
  public var decaying = DecayingWeights.all
  /// Whether the step goes along the gradient after the momentum's part of it (Nesterov), as PyTorch does it.
  public var nesterov: Bool

  public init() { self.init(momentum: nil) }

  /// Settings; they are checked when a run begins.
  ///
  /// - Parameters:
  ///   - momentum: share of the last step that continues; nil stands for 0.9, or what the schedule says.
  ///   - weightDecay: share of each weight that is added to its gradient.
  ///   - nesterov: whether the momentum is Nesterov's.
  public init(momentum: Double? = nil, weightDecay: Double = 0, nesterov: Bool = false) {
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.nesterov = nesterov
  }

  fileprivate var usedMomentum: Double {
    get { momentum ?? 0.9 }
    set { momentum = newValue }
  }

  fileprivate var decay: WeightDecay { WeightDecay(share: weightDecay, isDecoupled: decoupled, weights: decaying) }

  /// Refuses Nesterov's step without a momentum, and kinds of weight decay without one.
  public func validateTogether() throws(CoreError) {
    try decay.validate(of: Self.name, [("decoupled", decoupled), ("decaying", decaying != .all)])
    guard !nesterov || usedMomentum > 0 else {
      throw CoreError(
        .value, "nesterov of sgd would not be used: there is no momentum", hint: "momentum=0.9, or leave nesterov out",
        argument: "nesterov")
    }
  }

  /// Refuses a momentum of its own where the schedule sets one for each step.
  public func validate(with schedule: any LearningRateSchedule) throws(CoreError) {
    try refuse("momentum", momentum, with: schedule)
  }

  /// An optimiser whose momentum buffers are still empty.
  public func makeOptimiser() -> any Optimiser { SGDOptimiser(self) }
}

/// Stochastic gradient descent of one run, with its momentum buffers.
final class SGDOptimiser: Optimiser {
  private let settings: SGD
  /// Momentum buffers in the order of the weights: fewer before the first step, nil without momentum.
  private var velocities: [Tensor?] = []

  init(_ settings: SGD) { self.settings = settings }

  func step(_ weights: inout [Tensor], gradients: [Tensor?], rate: Double, momentum: Double?) throws(CoreError) {
    if velocities.count < weights.count {
      velocities += Array(repeating: nil, count: weights.count - velocities.count)
    }
    guard weights.count == gradients.count, velocities.count == weights.count else {
      throw CoreError(.value, "\(gradients.count) gradients for \(weights.count) weights")
    }
    let decay = settings.decay
    // All weights or none.
    try StopSignal.ignoring { () throws(CoreError) in
      for i in weights.indices {
        guard let gradient = gradients[i] else { continue }
        let update = SGDUpdate(
          learningRate: Float(rate), momentum: Float(momentum ?? settings.usedMomentum),
          weightDecay: Float(decay.added(to: weights[i])), kept: Float(decay.kept(of: weights[i], rate: rate)),
          nesterov: settings.nesterov)
        try update.apply(to: &weights[i], velocity: &velocities[i], gradient: gradient)
      }
    }
  }

  /// The momentum buffers: "momentum.0" is that of the first weight.
  var state: NamedTensors {
    velocities.enumerated().compactMap { i, velocity in velocity.map { ("momentum.\(i)", $0) } }
  }

  func restore(_ state: NamedTensors) throws(CoreError) {
    var restored: [Tensor?] = []
    for item in state {
      // Those of frozen weights are left out.
      guard item.name.hasPrefix("momentum."), let i = Int(item.name.dropFirst(9)), i >= restored.count, i < 1 << 20,
        item.tensor.dtype == .float32
      else { throw CoreError(.value, "'\(item.name)' is no momentum of sgd") }
      restored += Array(repeating: nil, count: i - restored.count) + [item.tensor]
    }
    velocities = restored
  }
}
