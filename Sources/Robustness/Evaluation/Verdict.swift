import Base

/// What became of one example under one attack: a row of the evidence.
public struct Verdict: Sendable, Equatable {
  /// As `Dataset.ids`.
  public var id: Int
  public var label: Int
  /// The class that the model gives to the image that was kept.
  public var prediction: Int
  /// Which of the attack's images broke it, counted from 0; nil where it stands.
  public var brokenBy: Int?
  /// How far the image that was kept is from the original, in the attack's norm; nil where that is not measured.
  public var distance: Double?
  /// z_y − max_{j≠y} z_j of the image that was kept: below 0 where it is broken.
  public var margin: Double
  /// How often the model saw images of this example, and how often it was differentiated for it.
  public var queries: Int
  public var gradients: Int
}

/// What an evaluation under one attack is a record of.
public struct LedgerRun: Sendable, Equatable {
  public var model: String
  public var data: String
  /// All settings of the attack, as JSON.
  public var attack: String
  public var norm: Norm
  public var eps: Double
  public var seed: UInt64
}

/// Where the verdicts of evaluations are kept. Rows are recorded as batches finish, so that what is known is not lost.
public protocol RunLedger: Sendable {
  /// - Returns: the number of the run.
  func begin(_ run: LedgerRun) throws -> Int
  func record(_ verdicts: [Verdict], of run: Int) throws
  /// All verdicts of a run in the order in which they were recorded.
  func verdicts(of run: Int) throws -> [Verdict]
}
