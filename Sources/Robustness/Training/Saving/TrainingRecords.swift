import Base
import Networks

/// Where what a training run measures is kept beside its report.
public struct TrainingRecords {
  /// The ledger that has a record of every run; nil for none.
  public var ledger: (any TrainingLedger)?
  /// The folder of event files for TensorBoard; nil for none.
  public var curves: String?
  /// What to type for the same run; nil where that cannot be said.
  public var command: String?

  /// Records of this kind.
  public init(ledger: (any TrainingLedger)? = nil, curves: String? = nil, command: String? = nil) {
    (self.ledger, self.curves, self.command) = (ledger, curves, command)
  }
}

/// Keeps the records of one call of a run. Where that fails in the middle the run goes on, and a warning says so, once.
final class TrainingRecorder {
  private let record: (any TrainingRecord)?
  private let curves: EventWriter?
  private var toldAt = monotonicSeconds()
  private var isFailing = false

  /// - Throws: `io` where the folder of curves cannot be written to.
  init(_ record: (any TrainingRecord)?, _ folder: String?, continues: Bool) throws(CoreError) {
    self.record = record
    var curves: EventWriter?
    if let folder { curves = try EventWriter(folder, continues: continues) }
    self.curves = curves
  }

  /// The number of the run in the ledger that another process keeps.
  var told: Int?
  /// The number of the run in its ledger.
  var number: Int? { record?.number ?? told }

  func record(_ epochs: [EpochReport], warn: (String) -> Void) {
    let now = monotonicSeconds()
    keeping(warn) {
      try record?.record(epochs, seconds: now - toldAt)
      toldAt = now
    }
    keeping(warn) { try curves?.write(epochs) }
  }

  /// Leaves out time in which the run waited for its user.
  func leaveOut(seconds: Double) { toldAt += seconds }

  func end(isComplete: Bool, _ model: Model, warnings: [String], warn: (String) -> Void) {
    keeping(warn) {
      try record?.end(isComplete: isComplete, fingerprint: model.fingerprint, warnings: warnings)
    }
  }

  private func keeping(_ warn: (String) -> Void, _ body: () throws -> Void) {
    do { try StopSignal.ignoring { try body() } } catch {
      if !isFailing {
        warn("\((error as? CoreError)?.message ?? "\(error)"); the training goes on without this record")
      }
      isFailing = true
    }
  }
}
