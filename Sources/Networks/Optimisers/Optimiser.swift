import Base
import Tensors

/// What moves the weights of one model in one run, by their gradients, and keeps what it has to remember from step to
/// step.
public protocol Optimiser: Resumable {
  /// Changes the weights by one step: all or none, and in place where nobody else holds them.
  ///
  /// - Parameters:
  ///   - weights: the weights of the model, in the same order and shapes in every step.
  ///   - gradients: the gradients of the loss with respect to each of them; nil leaves a weight and what is remembered
  ///     of it as they are.
  ///   - rate: the learning rate of this step.
  ///   - momentum: what a schedule sets for this step instead of the optimiser's own; nil where it leaves it alone.
  /// - Throws: `value` and `shape` where gradients and weights do not fit.
  func step(_ weights: inout [Tensor], gradients: [Tensor?], rate: Double, momentum: Double?) throws(CoreError)
}

/// An optimiser as a value: its settings, but for the learning rate, which is that of the run.
///
/// To add an optimiser, write a type that conforms to this protocol, with the `Optimiser` that it makes, in a file of
/// its own, and put it into `Optimisers.all`. The built-in that makes one for a loop of one's own follows.
public protocol OptimiserSettings: Configurable, Sendable {
  /// An optimiser that has not made a step yet.
  func makeOptimiser() -> any Optimiser
  /// Checks the settings against the schedule of a run.
  ///
  /// - Throws: `value` for a setting that would not be used.
  func validate(with schedule: any LearningRateSchedule) throws(CoreError)
}

extension OptimiserSettings {
  /// Every schedule will do, unless the optimiser checks it.
  public func validate(with schedule: any LearningRateSchedule) throws(CoreError) {}

  /// Refuses a momentum of its own where the schedule sets one for each step.
  ///
  /// - Parameters:
  ///   - setting: the name of the momentum: "beta1" for Adam.
  ///   - given: its value; nil where none was given.
  func refuse(_ setting: String, _ given: Double?, with schedule: any LearningRateSchedule) throws(CoreError) {
    let first = TrainingPosition(epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 1)
    guard let given, schedule.momentum(at: first) != nil else { return }
    throw CoreError(
      .value, "the schedule sets the momentum of each step: \(setting)=\(given.shortest) would not be used",
      hint: "leave \(setting) out, or take another schedule", argument: setting)
  }
}

/// The list of the optimisers.
public enum Optimisers {
  /// Every optimiser, in the order of the manual.
  public static let all: [any OptimiserSettings.Type] = [SGD.self, Adam.self, AdamW.self]
}

/// Checks a learning rate.
///
/// - Parameter owner: whose it is, for the error: "fit".
/// - Throws: `value` unless it is a positive float32 number.
package func requireLearningRate(_ rate: Double, of owner: String) throws(CoreError) {
  try SettingRule.positive(hint: "lr=0.01").check(.number(rate), name: "lr", of: owner)
}
