import Base

/// What became of one example under one attack: a row of the evidence.
///
/// An accuracy is a count of such rows. Keeping the rows themselves lets two runs be compared example by example, lets
/// the distance at which each was broken be drawn as a curve, and shows what a verdict has cost.
public struct Verdict: Sendable, Equatable, Codable {
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
  /// How often the model had seen images of this example when the image that was kept was handed in.
  public var foundAfterQueries: Int
  /// How often the model had been differentiated for this example when the image that was kept was handed in.
  public var foundAfterGradients: Int
  /// Whether the first gradient that the attack asked for was zero everywhere.
  public var beganFlat: Bool
  /// Whether the model, asked once more about the image that was kept, answers otherwise than the attack was told.
  public var isDisputed: Bool
  /// Of a model that answers at random, how many of the answers that judge the image are right (`RandomAnswers`). The
  /// margin is then a mean over the answers that the attack saw, and `prediction` and `brokenBy` are those of the first of
  /// the answers that judge. Nil for other models.
  public var right: Int?

  /// A row with all that it says; see the properties.
  ///
  /// - Parameters:
  ///   - foundAfterQueries: nil stands for all of them.
  ///   - foundAfterGradients: nil stands for all of them.
  public init(
    id: Int, label: Int, prediction: Int, brokenBy: Int?, distance: Double?, margin: Double, queries: Int,
    gradients: Int, foundAfterQueries: Int? = nil, foundAfterGradients: Int? = nil, beganFlat: Bool = false,
    isDisputed: Bool = false, right: Int? = nil
  ) {
    (self.id, self.label, self.prediction, self.brokenBy) = (id, label, prediction, brokenBy)
    (self.distance, self.margin, self.queries, self.gradients) = (distance, margin, queries, gradients)
    self.foundAfterQueries = foundAfterQueries ?? queries
    self.foundAfterGradients = foundAfterGradients ?? gradients
    (self.beganFlat, self.isDisputed, self.right) = (beganFlat, isDisputed, right)
  }
}

/// What the model makes of an image as it is.
public struct NaturalVerdict: Sendable, Equatable, Codable {
  /// The class that the model gives to it.
  public var prediction: Int
  /// The margin of the logits, z_y − max_{j≠y} z_j: below 0 where the image is misclassified.
  public var margin: Double
  /// Of a model that answers at random, how many of the answers that judge the image are right; the other two are then of
  /// one answer, draw 0. Nil for other models.
  public var right: Int?

  /// A row with all that it says; see the properties.
  public init(prediction: Int, margin: Double, right: Int? = nil) {
    (self.prediction, self.margin, self.right) = (prediction, margin, right)
  }
}
