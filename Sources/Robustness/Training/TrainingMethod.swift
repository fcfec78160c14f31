import Base
import Networks
import Tensors

/// A robust training method: how adversarial images are made in a step, and which loss is taken.
///
/// A method is a value with its own file; `fit` does the rest.
public protocol TrainingMethod: Configurable {
  /// How the method has adversarial images made; nil where it trains on natural images only. The attack of `fit` gives
  /// radius, steps and restarts, and may give another start or objective.
  var inner: InnerMaximisation? { get }
  /// Checks the method against the model that it shall train.
  func validate(for model: Model) throws(CoreError)
  /// The adversarial images of a step; nil where `inner` is.
  func adversarial(_ step: TrainingStep) throws(CoreError) -> Tensor?
  /// The loss, from tracked training-mode forwards of `step`.
  func loss(_ step: TrainingStep, adversarial: Tensor?) throws(CoreError) -> StepLoss
}

extension TrainingMethod {
  public func validate(for model: Model) throws(CoreError) {}
  public func adversarial(_ step: TrainingStep) throws(CoreError) -> Tensor? { try step.maximise(inner) }
}

/// Where the search for adversarial images begins, and what they make large, unless the attack says otherwise.
public struct InnerMaximisation: Sendable {
  public var start: AttackStart
  public var objective: AttackObjective

  public init(start: AttackStart, objective: AttackObjective) {
    self.start = start
    self.objective = objective
  }
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
  public let model: Model
  /// The model's weights as leaves; gradients are taken with respect to them.
  public let parameters: [Tensor]
  /// [n, c, h, w] in [0, 1].
  public let images: Tensor
  public let labels: [Int]
  /// Positions of the examples in the training set.
  public let ids: [Int]
  private let attack: PGD
  private let stream: RandomStream
  private let noise: ((AttackStart) throws(CoreError) -> Tensor)?
  private var forwards = 0

  /// - Parameter noise: perturbations to begin with instead of random ones.
  package init(
    model: Model, parameters: [Tensor], images: Tensor, labels: [Int], ids: [Int], attack: PGD,
    stream: RandomStream, noise: ((AttackStart) throws(CoreError) -> Tensor)? = nil
  ) {
    self.model = model
    self.parameters = parameters
    self.images = images
    self.labels = labels
    self.ids = ids
    self.attack = attack
    self.stream = stream
    self.noise = noise
  }

  /// Tracked logits in training mode: batch norm uses and records the statistics of this batch.
  public func forward(_ images: Tensor) throws(CoreError) -> Tensor {
    defer { forwards += 1 }
    return try model.forward(images, mode: .train, parameters: parameters, dropout: stream.child(forwards))
  }

  /// Adversarial images by projected gradient ascent on the model in evaluation mode; of several restarts, each example
  /// keeps the one with the largest objective.
  package func maximise(_ inner: InnerMaximisation?) throws(CoreError) -> Tensor? {
    guard let inner else { return nil }
    let eps = attack.eps ?? usualRadius
    let none = [Bool](repeating: false, count: labels.count)
    return try attack.completed(by: inner).search(
      model, AttackInput(images: images, labels: labels, ids: ids), eps: eps,
      start: { (start, restart) throws(CoreError) in
        try start.point(
          images, ids: ids, eps: eps, stream: stream.child((start == .uniform ? -1 : -2) - 2 * restart),
          given: noise?(start))
      },
      judge: { (images, objective) throws(CoreError) in (none, try objective(model(images), .none).floats()) })
  }
}
