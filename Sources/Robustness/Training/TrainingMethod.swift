import Base
import Datasets
import Networks
import Tensors

/// A training method as a value: what adversarial images are made large by, and which loss is taken.
///
/// A method has a file of its own in `Methods` and a line in `Methods.swift`; the built-in that makes it, its help and its
/// checks follow from its settings. `TrainingRun` does the rest. Most methods keep nothing between steps and conform to
/// `StatelessMethod`; one that does begins a process of its own.
public protocol TrainingMethod: Configurable {
  /// How the method has adversarial images made; nil where it trains on natural images only. The attack of `fit` gives
  /// radius, steps and restarts, and may give another start or objective.
  var inner: InnerMaximisation? { get }
  /// Checks the method against the model that it shall train.
  ///
  /// - Throws: an error whose argument is "method".
  func validate(for model: Model) throws(CoreError)
  /// What the method keeps during one run.
  func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess
}

/// A method at work: it gives the loss of each step, and keeps what has to be known from one step to the next.
public protocol TrainingProcess: Resumable {
  /// The loss, from tracked forwards of `step`.
  func loss(_ step: TrainingStep) throws -> StepLoss
}

/// A method that keeps nothing between steps: most of them.
public protocol StatelessMethod: TrainingMethod {
  /// The loss, from tracked forwards of `step`. `step.adversarial()` comes before the forwards of the loss.
  func loss(_ step: TrainingStep) throws -> StepLoss
}

extension TrainingMethod {
  public func validate(for model: Model) throws(CoreError) {}
}

extension StatelessMethod {
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess {
    StatelessProcess(self)
  }
}

private final class StatelessProcess<Method: StatelessMethod>: TrainingProcess {
  private let method: Method

  init(_ method: Method) { self.method = method }

  func loss(_ step: TrainingStep) throws -> StepLoss { try method.loss(step) }
}

/// Where the search for adversarial images begins, what it makes large, unless the attack says otherwise, and how the
/// model runs meanwhile.
public struct InnerMaximisation: Sendable {
  public var start: AttackStart
  public var loss: AttackLoss
  public var mode: Mode

  public init(start: AttackStart, loss: AttackLoss, mode: Mode = .eval) {
    self.start = start
    self.loss = loss
    self.mode = mode
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
