import Base
import Tensors

/// What `square` makes small for the true class, or for the target.
public enum SquareLoss: String, SettingChoice {
  /// z_y − max_{j≠y} z_j.
  case margin
  /// The logarithm of the probability of the true class.
  case crossEntropy = "ce"
}

/// The Square attack (Andriushchenko et al. 2020), a random search that only looks at logits: it tries a change of one
/// square of the image after another and keeps what makes the margin smaller.
///
/// It follows the implementation in AutoAttack. Each query paints a square at a random place, whose side shrinks as the
/// queries go on, and an image is changed no more as soon as its margin is not above 0. Ordinarily each example draws
/// its own squares; in the order of the reference one square serves all examples of a batch that are still searched on.
public struct Square: Attack {
  public static let name = "square"
  public static let page = Page(
    "The Square attack: random search by squares, which needs no gradients; with x, x·x.",
    details: """
      Each query changes one square at a random place and is kept if the margin z_y − max z_j gets smaller. The share of \
      the image that a square covers begins at p and is halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 \
      queries. Andriushchenko et al. 2020; the last part of AutoAttack. With targets it makes the cross-entropy of the \
      target small, whatever loss says.
      """,
    examples: [
      ("square(queries=1000)", "square(queries=1000)"), ("square([1.0, 2])", "tensor f32 [2]  1 4"),
    ], seeAlso: ["pgd", "noise", "evaluate", "perturb", "sqrt"],
    search: ["power", "black box", "random search", "score-based", "autoattack", "gradient-free", "query"])
  public static let settings: [Setting<Square>] = [
    .radius(\.eps),
    .choice("norm", \.norm, note: "\"linf\", \"l2\" or \"l1\": the norm of the ball."),
    Setting(
      "queries", \.queries, .int(1...10_000_000, hint: "queries=5000 is usual"),
      note: "the most squares that are tried for an example, after its start.", isAlwaysShown: true),
    Setting(
      "p", \.p, .share(hint: "p=0.8 is usual"), note: "the share of the image that the first squares cover."),
    Setting(
      "restarts", \.restarts, .int(1...1_000_000, hint: "restarts=1 attacks once"),
      note: "searches from anew for what the earlier ones did not break."),
    Setting(
      "rescale", \.rescales,
      note: "true shrinks the squares over the given queries as it would over 10000; AutoAttack does not."),
    .choice("loss", \.loss, note: "\"margin\", or \"ce\" (cross-entropy): what decides whether a square is kept."),
  ]

  /// The radius, in units of the [0, 1] image; nil takes that of the evaluation.
  public var eps: Double?
  /// The norm of the ball.
  public var norm = Norm.linf
  /// The most squares that are tried for an example in each restart; its start is one more query.
  public var queries = 5000
  /// The share of the image that the first squares cover.
  public var p = 0.8
  /// How often the search begins anew, at least 1.
  public var restarts = 1
  /// Whether the squares shrink over `queries` as they would over 10000.
  public var rescales = false
  /// What decides whether a square is kept.
  public var loss = SquareLoss.margin

  public init() {}

  /// An attack with these settings.
  public init(
    eps: Double? = nil, norm: Norm = .linf, queries: Int = 5000, p: Double = 0.8, restarts: Int = 1,
    rescales: Bool = false, loss: SquareLoss = .margin
  ) {
    (self.eps, self.norm, self.queries, self.p) = (eps, norm, queries, p)
    (self.restarts, self.rescales, self.loss) = (restarts, rescales, loss)
  }

  public var isRandom: Bool { true }
  public var takesTargets: Bool { true }

  /// Searches from each start for the examples that are still standing.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    for restart in 0..<restarts {
      let standing = try oracle.standing
      if standing.isEmpty { return }
      var search = try SquareSearch(self, batch, oracle, standing, restart: restart)
      try oracle.submit(search.run(), of: standing)
    }
  }

  /// The share of the image that the square of a query covers.
  ///
  /// - Parameter query: counted from 0.
  func share(at query: Int) -> Double {
    let it = rescales ? Int(Double(query) / Double(queries) * 10_000) : query
    let halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000].count { it > $0 }
    return p / Double(1 << halvings)
  }

  /// The side of the square of a query in an image of this size.
  ///
  /// - Parameter least: the least side, before it is limited to the image.
  func side(at query: Int, height: Int, width: Int, least: Int) -> Int {
    // Halves are rounded to the even number, as Python rounds.
    let side = (share(at: query) * Double(height * width)).squareRoot().rounded(.toNearestOrEven)
    return max(Int(side), least)
  }
}
