import Networks
import Tensors

/// A robust training method: how adversarial images are made in a step, and which loss is taken.
///
/// A method is a value with its own file; `fit` does the rest.
public protocol TrainingMethod {
  /// As it could be typed: "trades(beta=6)".
  var description: String { get }
  /// Whether the method trains on adversarial images, so that `fit` needs an attack.
  var needsAttack: Bool { get }
  /// Checks the method's settings against the model that it shall train.
  func validate(for model: Model) throws(CoreError)
  /// The inner maximisation; nil where the method trains on natural images only.
  func adversarial(_ step: TrainingStep) throws(CoreError) -> Tensor?
  /// The loss, from tracked training-mode forwards of `step`.
  func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss
}

extension TrainingMethod {
  public var needsAttack: Bool { true }
  public func validate(for model: Model) throws(CoreError) {}
}

/// What a method gives back for one step.
public struct StepLoss {
  /// The scalar that is minimised.
  public var total: Tensor
  /// Its parts by name, before they are weighted.
  public var parts: [(name: String, value: Tensor)]
  /// Logits of the natural and of the adversarial images, where the method computed them; for the accuracies reported.
  public var naturalLogits: Tensor?
  public var adversarialLogits: Tensor?

  public init(
    total: Tensor, parts: [(name: String, value: Tensor)] = [], naturalLogits: Tensor? = nil,
    adversarialLogits: Tensor? = nil
  ) {
    self.total = total
    self.parts = parts
    self.naturalLogits = naturalLogits
    self.adversarialLogits = adversarialLogits
  }
}

/// One step as a method sees it: a batch, the model with tracked weights, and the attack.
public final class TrainingStep {
  /// Where an inner maximisation begins.
  public enum Start: Sendable {
    /// clip(x + U(-eps, eps), 0, 1): PGD-AT.
    case uniform
    /// x + 0.001·N(0, I), not clipped before the first step: TRADES and its relatives.
    case normal
  }

  public let model: Model
  /// The model's weights as leaves; gradients are taken with respect to them.
  public let parameters: [Tensor]
  /// [n, c, h, w] in [0, 1].
  public let images: Tensor
  public let labels: [Int]
  /// Positions of the examples in the training set.
  public let ids: [Int]
  private let ascent: ProjectedGradient
  private let stream: RandomStream
  private let noise: ((Start) throws(CoreError) -> Tensor)?
  private var forwards = 0

  /// - Parameter noise: perturbations to begin with instead of random ones.
  package init(
    model: Model, parameters: [Tensor], images: Tensor, labels: [Int], ids: [Int], ascent: ProjectedGradient,
    stream: RandomStream, noise: ((Start) throws(CoreError) -> Tensor)? = nil
  ) {
    self.model = model
    self.parameters = parameters
    self.images = images
    self.labels = labels
    self.ids = ids
    self.ascent = ascent
    self.stream = stream
    self.noise = noise
  }

  /// Tracked logits in training mode: batch norm uses and records the statistics of this batch.
  public func forward(_ images: Tensor) throws(CoreError) -> Tensor {
    defer { forwards += 1 }
    return try model.forward(images, mode: .train, parameters: parameters, dropout: stream.child(forwards))
  }

  /// Adversarial images by projected gradient ascent on the model in evaluation mode.
  package func maximise(
    from start: Start, _ objective: ProjectedGradient.Objective
  ) throws(CoreError) -> Tensor {
    try ascent.ascend(model, from: try startingPoint(start), around: images, objective: objective)
  }

  private func startingPoint(_ start: Start) throws(CoreError) -> Tensor {
    if let noise {
      let moved = try images + noise(start)
      return start == .uniform ? try moved.clip(min: 0, max: 1) : moved
    }
    switch start {
    case .uniform:
      let noise = try uniformNoise(like: images, ids: ids, eps: ascent.eps, stream: stream.child(-1))
      return try (images + noise).clip(min: 0, max: 1)
    case .normal:
      return try images + normalNoise(like: images, ids: ids, deviation: 0.001, stream: stream.child(-2))
    }
  }
}
