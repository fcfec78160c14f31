import Base
import Tensors

/// Which weights decay.
public enum DecayingWeights: String, SettingChoice {
  /// Every weight, as in torch.optim and in the code of the robustness papers.
  case all
  /// Weights of two axes or more: not those of norms, and no biases.
  case matrices

  /// Whether a weight decays.
  func contains(_ weight: Tensor) -> Bool { self == .all || weight.rank > 1 }
}

/// How an optimiser makes weights smaller.
public struct WeightDecay: Sendable, Hashable {
  /// The share of each weight that is added to its gradient, or, decoupled, of which the rate is taken from the weight;
  /// at least 0.
  public var share: Double
  /// Whether the weight itself shrinks, by rate · share, before the step (Loshchilov and Hutter 2019), instead of the
  /// gradient growing.
  public var isDecoupled: Bool
  /// Which weights decay.
  public var weights: DecayingWeights

  /// Coupled decay of all weights, unless more is given.
  public init(share: Double = 0, isDecoupled: Bool = false, weights: DecayingWeights = .all) {
    self.share = share
    self.isDecoupled = isDecoupled
    self.weights = weights
  }

  /// What is added to the gradient for each unit of a weight.
  func added(to weight: Tensor) -> Double { isDecoupled || !weights.contains(weight) ? 0 : share }

  /// The share of a weight that is kept before the step.
  func kept(of weight: Tensor, rate: Double) -> Double {
    isDecoupled && weights.contains(weight) ? 1 - rate * share : 1
  }

  /// Refuses a setting that says how weights decay where none does.
  ///
  /// - Parameter given: the settings that were given, by name.
  func validate(of owner: String, _ given: [(name: String, isGiven: Bool)]) throws(CoreError) {
    guard share == 0, let unused = given.first(where: \.isGiven)?.name else { return }
    throw CoreError(
      .value, "\(unused) of \(owner) would not be used: there is no weight decay",
      hint: "weight_decay=0.0005, or leave \(unused) out", argument: unused)
  }
}
