import Base
import Datasets
import Networks

/// What a training run is a record of: all that decides the weights it ends with, and what a reader has to know of it.
public struct TrainingEntry: Sendable {
  /// All settings, with the fingerprints of data, teachers and first weights: what two runs must share to be the same.
  public var description: TrainingDescription
  /// The name of the model.
  public var model: String
  /// The fingerprint of the weights that the run began with.
  public var startFingerprint: String
  /// The name of the data set.
  public var data: String
  /// Digits of its content: of labels and pixels, or of the files of images that are read when they are needed.
  public var dataFingerprint: String?
  /// The name of each class, in the order of the labels.
  public var classNames: [String]
  /// How many examples there are.
  public var n: Int
  /// Examples of one step.
  public var batch: Int
  /// The call that makes the method.
  public var method: String
  /// What to type for the same run; nil where that cannot be said.
  public var command: String?
  /// Whether it goes on from a state that an earlier call has left.
  public var continues: Bool

  /// An entry with all that it says; see the properties.
  public init(
    description: TrainingDescription, model: String, startFingerprint: String, data: String,
    dataFingerprint: String? = nil, classNames: [String], n: Int, batch: Int, method: String, command: String? = nil,
    continues: Bool = false
  ) {
    (self.description, self.model, self.startFingerprint) = (description, model, startFingerprint)
    (self.data, self.dataFingerprint, self.classNames) = (data, dataFingerprint, classNames)
    (self.n, self.batch) = (n, batch)
    (self.method, self.command, self.continues) = (method, command, continues)
  }
}

/// Where the records of training runs are kept.
public protocol TrainingLedger: AnyObject {
  /// Begins a record, or goes on with the latest one of the same description that is not complete or is continued.
  func begin(_ entry: TrainingEntry) throws -> any TrainingRecord
}

/// The record of one training run. What is handed to it is kept at once.
public protocol TrainingRecord: AnyObject {
  /// The number of the run in its ledger.
  var number: Int { get }
  /// Keeps what the epochs so far have measured: those that are there already are replaced.
  ///
  /// - Parameter seconds: how long the run took since it was last told.
  func record(_ epochs: [EpochReport], seconds: Double) throws
  /// Notes that the run has ended for now.
  ///
  /// - Parameters:
  ///   - isComplete: whether nothing of it is left to do.
  ///   - fingerprint: that of the weights as they are now.
  ///   - warnings: alarms, a sentence each.
  func end(isComplete: Bool, fingerprint: String, warnings: [String]) throws
}
