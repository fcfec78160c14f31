import Base

/// How lower bounds of margins are found.
public enum BoundMethod: String, SettingChoice, Codable {
  /// Linear bounds, propagated backward, with lower slopes of ReLUs by their bounds (CROWN, Zhang et al. 2018), and where
  /// these leave an example open with parallel lines (Fast-Lin, Weng et al. 2018); never below interval bounds, which are
  /// taken where they are better.
  case crown
  /// Interval bounds, layer by layer, but for what follows the last bent layer.
  case interval
}

/// What is known of one example within the ball around it.
public enum CertifiedVerdict: String, Sendable, Equatable, Codable {
  /// The image as it is is misclassified.
  case misclassified
  /// Proven: no image of the ball is misclassified.
  case certified
  /// Neither proven nor refuted, in the time that was given.
  case undecided
  /// An image of the ball is misclassified.
  case broken
}

/// What `certify` found: a verdict for each example, and the bracket that they make around the robust accuracy.
public struct Certificate: Sendable, Codable {
  /// What branch and bound did for one example.
  public struct Search: Sendable, Codable {
    /// Which example.
    public var position: Int
    /// How many seconds it took.
    public var seconds: Double
    /// How many parts of the ball were looked at.
    public var branches: Int
  }

  /// The name of the model.
  public var model: String
  /// The name of the data set.
  public var data: String
  /// The norm of the ball.
  public var norm: Norm
  /// The radius, in units of the [0, 1] image.
  public var eps: Double
  /// How the bounds were found.
  public var method: BoundMethod
  /// What is known of each example.
  public var verdicts: [CertifiedVerdict]
  /// A lower bound of the margin z_y − max_{j≠y} z_j over the ball, example by example; nil where the image itself is
  /// misclassified. Above 0 it is a certificate.
  public var bounds: [Double?]
  /// What an evaluation under attacks says of the same examples, if there is one: whether nothing broke them.
  public var attacked: [Bool]?
  /// The attacks of that evaluation.
  public var attacks: [String] = []
  /// The seconds for each example that branch and bound could take; nil where it was not asked for.
  public var limit: Double?
  /// The examples that branch and bound worked on, with the seconds and the parts of the ball that each took.
  public var searches: [Search] = []
  /// How many seconds all took.
  public var seconds: Double

  /// How many examples there are.
  public var n: Int { verdicts.count }
  /// The share of images that are classified correctly as they are.
  public var natural: Accuracy { Accuracy(verdicts.map { $0 != .misclassified }) }
  /// The share that is proven: a lower bound of the robust accuracy.
  public var certified: Accuracy { Accuracy(verdicts.map { $0 == .certified }) }
  /// The share that nothing broke, neither here nor in the evaluation: an upper bound of the robust accuracy.
  public var unbroken: Accuracy {
    Accuracy(verdicts.indices.map { [.certified, .undecided].contains(verdicts[$0]) && attacked?[$0] != false })
  }
  /// The positions that are neither proven nor broken.
  public var undecided: [Int] { verdicts.indices.filter { verdicts[$0] == .undecided && attacked?[$0] != false } }

  /// A certificate with all that it says; see the properties.
  public init(
    model: String, data: String, norm: Norm, eps: Double, method: BoundMethod, verdicts: [CertifiedVerdict],
    bounds: [Double?], seconds: Double
  ) {
    (self.model, self.data, self.norm, self.eps, self.method) = (model, data, norm, eps, method)
    (self.verdicts, self.bounds, self.seconds) = (verdicts, bounds, seconds)
  }

  /// The certificates of one data set from those of its parts, in order; nil where there are none, or they stand beside an
  /// evaluation.
  public init?(joining parts: [Certificate]) {
    guard var whole = parts.first, parts.count == 1 || parts.allSatisfy({ $0.attacked == nil }) else { return nil }
    for part in parts.dropFirst() {
      whole.searches += part.searches.map { search in
        var search = search
        search.position += whole.n
        return search
      }
      whole.verdicts += part.verdicts
      whole.bounds += part.bounds
      whole.seconds += part.seconds
    }
    self = whole
  }
}
