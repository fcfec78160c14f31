import Base

/// What became of one example under one attack: a row of the evidence.
///
/// An accuracy is a count of such rows. Keeping the rows themselves lets two runs be compared example by example, lets
/// the distance at which each was broken be drawn as a curve, and shows what a verdict has cost.
public struct Verdict: Sendable, Equatable {
  /// The id of the example, as in `Dataset.ids`.
  public var id: Int
  /// The true class.
  public var label: Int
  /// The class that the model gives to the image that was kept.
  public var prediction: Int
  /// Which of the attack's images broke it, counted from 0; nil where it stands.
  public var brokenBy: Int?
  /// How far the image that was kept is from the original, in the attack's norm; nil where that is not measured.
  public var distance: Double?
  /// The margin of the logits, z_y − max_{j≠y} z_j, of the image that was kept: below 0 where it is broken.
  public var margin: Double
  /// How often the model saw images of this example.
  public var queries: Int
  /// How often the model was differentiated for this example.
  public var gradients: Int

  /// Whether the first gradient that the attack asked for was zero everywhere.
  public var beganFlat: Bool

  /// A row with all that it says; see the properties.
  public init(
    id: Int, label: Int, prediction: Int, brokenBy: Int?, distance: Double?, margin: Double, queries: Int,
    gradients: Int, beganFlat: Bool = false
  ) {
    (self.id, self.label, self.prediction, self.brokenBy) = (id, label, prediction, brokenBy)
    (self.distance, self.margin, self.queries, self.gradients) = (distance, margin, queries, gradients)
    self.beganFlat = beganFlat
  }
}

/// What an evaluation under one attack is a record of.
public struct LedgerRun: Sendable, Equatable {
  /// The name of the model and the fingerprint of its weights (`Model.settingIdentity`).
  public var model: String
  /// The name of the data set.
  public var data: String
  /// All settings of the attack, as JSON; of one of several stages, the number of the stage before it, and where results
  /// depend on batches, their size.
  public var attack: String
  /// The norm of the attack.
  public var norm: Norm
  /// The radius, in units of the [0, 1] image.
  public var eps: Double
  /// The key of the random starts.
  public var seed: UInt64

  /// A record with all that it says; see the properties.
  public init(model: String, data: String, attack: String, norm: Norm, eps: Double, seed: UInt64) {
    (self.model, self.data, self.attack) = (model, data, attack)
    (self.norm, self.eps, self.seed) = (norm, eps, seed)
  }
}

/// Where the verdicts of evaluations are kept.
///
/// A run is one evaluation under one attack. Its rows are recorded as batches finish, so that what is known is not lost
/// when the evaluation is interrupted, and the next one with the same record continues after them. Only examples that were attacked have rows: those that the model already
/// misclassifies have none.
public protocol RunLedger: Sendable {
  /// Begins a run, or continues the one that has the same record.
  ///
  /// - Returns: the number of the run.
  func begin(_ run: LedgerRun) throws -> Int
  /// Adds verdicts to a run, in this order.
  func record(_ verdicts: [Verdict], of run: Int) throws
  /// All verdicts of a run in the order in which they were recorded.
  func verdicts(of run: Int) throws -> [Verdict]
}
