import Base
import Networks

/// What looks on while a run trains: it measures, keeps copies, raises alarms, or ends the run.
///
/// Observers are asked in the order in which they were given, after the step or the epoch is done. They must leave the
/// model as it is.
public protocol TrainingObserver: Resumable {
  /// What it was told to do, as far as a run that is continued must be told the same, under the names of arguments.
  var settings: [TrainingDescription.Field] { get }
  /// Looks at the model after a step.
  ///
  /// - Parameter step: the number of the step in the whole run, counted from 1.
  func after(step: Int, _ model: Model) throws
  /// Looks at the model after an epoch.
  ///
  /// - Parameter epoch: what was measured so far; an observer may add to it.
  /// - Returns: whether the run continues.
  func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool
}

extension TrainingObserver {
  /// Most observers change nothing that a run ends with.
  public var settings: [TrainingDescription.Field] { [] }
  /// Does nothing after a step.
  public func after(step: Int, _ model: Model) throws {}
  /// Adds nothing to the epoch and lets the run continue.
  public func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool { true }
}
