import Base
import Networks

/// What looks on while a run trains: it measures, keeps copies, raises alarms, or ends the run.
///
/// Observers are asked in the order in which they were given, after the step or the epoch is done. They must leave the
/// model as it is.
public protocol TrainingObserver: Resumable {
  /// - Parameter step: of the whole run, counted from 1.
  func after(step: Int, _ model: Model) throws
  /// - Parameter epoch: what was measured so far; an observer may add to it.
  /// - Returns: whether the run continues.
  func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool
}

extension TrainingObserver {
  public func after(step: Int, _ model: Model) throws {}
  public func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool { true }
}
