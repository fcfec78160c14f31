import Base
import Datasets
import Networks
import Tensors

/// A training method as a value: how adversarial images are found, and which loss is taken.
///
/// A method has a file of its own in `Methods` and a line in `Methods.swift`; the built-in that makes it, its help and
/// its checks follow from its settings. `TrainingRun` does the rest. Most methods keep nothing between steps and
/// conform to `StatelessMethod`; one that does begins a process of its own.
public protocol TrainingMethod: Configurable {
  /// How the method has adversarial images made; nil where it trains on natural images only. The attack of `fit` gives
  /// radius, steps and restarts, and may give another start or objective.
  var inner: InnerMaximisation? { get }
  /// Checks the method against the model that it shall train.
  ///
  /// - Throws: an error whose argument is "method".
  func validate(for model: Model) throws(CoreError)
  /// The form in which AWP trains the method: most methods as they are, while some codes order the forwards of their
  /// loss differently around a perturbation of weights.
  var withPerturbedWeights: any TrainingMethod { get }
  /// Whether it finds its adversarial images itself, by settings of its own: the attack of `fit` is then used by the
  /// validation alone.
  var searchesItself: Bool { get }
  /// Whether it moves the weights itself, within a step.
  var movesWeights: Bool { get }
  /// Why its batches cannot be cut into shards, and what to type; nil where they can.
  var shardObstacle: (reason: String, hint: String)? { get }
  /// Begins a run: the process has what the method keeps during it, and belongs to no other run.
  func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess
}

/// A method at work: it computes the loss of each step, and keeps what has to be known from one step to the next.
public protocol TrainingProcess: Resumable {
  /// The loss of a step, from its tracked forwards.
  func loss(_ step: TrainingStep) throws -> StepLoss
  /// Is told that the weights were moved by the step at this position: averages of weights follow.
  func after(step position: TrainingPosition, _ model: Model) throws
  /// Is told that an epoch is over, and may set the weights back.
  ///
  /// - Returns: why the run ends here; nil lets it continue.
  func after(epoch position: TrainingPosition, _ model: Model) throws -> String?
}

/// A process that takes the loss where the gradient of the whole batch leads. Of a batch that is cut into shards the run
/// rehearses each shard, displaces the weights along the sum of their gradients, and then asks for the losses.
protocol DisplacingProcess: TrainingProcess {
  /// Whether it displaces the weights in this step.
  func displaces(at position: TrainingPosition) -> Bool
  /// For each weight what is added to it, nil for those that stay, given the gradient of the batch.
  func displacement(of model: Model, along gradients: [Tensor?]) throws(CoreError) -> [Tensor?]
}

extension TrainingProcess {
  /// Most processes keep nothing of the weights.
  public func after(step position: TrainingPosition, _ model: Model) throws {}
  /// Most processes let every run continue.
  public func after(epoch position: TrainingPosition, _ model: Model) throws -> String? { nil }
}

/// A method that keeps nothing between steps: most of them.
public protocol StatelessMethod: TrainingMethod {
  /// The loss of a step, from its tracked forwards; `step.adversarial()` must be called before them.
  func loss(_ step: TrainingStep) throws -> StepLoss
}

extension TrainingMethod {
  /// Every model will do, unless the method checks it.
  public func validate(for model: Model) throws(CoreError) {}
  /// Most methods are the same with perturbed weights.
  public var withPerturbedWeights: any TrainingMethod { self }
  /// Most methods leave the search to the attack of `fit`, or have none.
  public var searchesItself: Bool { false }
  /// Most methods leave the weights to the run.
  public var movesWeights: Bool { false }
  /// Most losses are functions of the examples and the step.
  public var shardObstacle: (reason: String, hint: String)? {
    movesWeights ? ("moves the weights within a step", "leave shards out, and take a smaller batch") : nil
  }
  /// That of a method which remembers what each loss has shown.
  var remembersLosses: (reason: String, hint: String) {
    ("remembers what it saw in each batch", "leave shards out, and take a smaller batch")
  }
}

extension StatelessMethod {
  /// A process that asks the method itself for each loss and keeps nothing.
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
  /// Where the search begins.
  public var start: AttackStart
  /// What the search makes large; nil is what the method says with each search.
  public var loss: AttackLoss?
  /// How the model runs meanwhile, by default in evaluation mode.
  public var mode: Mode

  /// A search with this start, loss and mode.
  public init(start: AttackStart, loss: AttackLoss?, mode: Mode = .eval) {
    self.start = start
    self.loss = loss
    self.mode = mode
  }
}

/// What a method returns for one step.
public struct StepLoss {
  /// The scalar that is minimised, which is tracked.
  public var total: Tensor
  /// Its parts by name, before they are weighted.
  public var parts: [(name: String, value: Tensor)]
  /// Logits [n, classes] of the natural images, where the method computed them; they make the natural accuracy
  /// reported.
  public var naturalLogits: Tensor?
  /// Logits [n, classes] of the adversarial images, where the method computed them; they make the robust accuracy
  /// reported.
  public var adversarialLogits: Tensor?
  /// Whether the method has moved the weights itself (`TrainingStep.apply`), so that the run only reports the loss.
  public var isApplied = false

  /// A loss with what is known of it; without natural logits another forward is run for the accuracy.
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
