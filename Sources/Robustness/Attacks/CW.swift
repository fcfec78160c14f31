import Base
import Tensors

/// The attack of Carlini and Wagner (2017) in L2: distance and margin weighed against each other, descended by Adam.
///
/// The image is x' = (tanh(w) + 1)/2, which never leaves [0, 1], and what is made small is
/// ‖x' − x‖² + c·max(0, z_y − max_{j≠y} z_j + confidence). A small c stays near and breaks nothing, a large one breaks and
/// goes far: each example searches for its own c, first tenfold, then by halving, and every descent begins anew at the
/// image. The nearest image of all descents that is broken by the confidence is kept; a broken example is descended
/// further, towards the image.
///
/// Three quirks of the programs in use are settled here. A pixel of exactly 0 or 1 has w = ±∞ and no slope, so that
/// torchattacks cannot move it; as in the authors' program the image is shrunk a little first (`shrink`), and `shrink=1`
/// is the torchattacks form. The authors' program and foolbox measure the distance in the loss to the image that the
/// shrunk w stands for; here it is the image itself, as in cleverhans. And all of them give up a descent when the loss
/// of the whole batch stops falling (`abort_early`): that makes a result depend on the other examples, and is not done.
public struct CW: Attack {
  public static let name = "cw"
  public static let page = Page(
    "The attack of Carlini and Wagner: the nearest image in L2, by Adam.",
    details: """
      Makes ‖x' − x‖² + c·max(0, z_y − max_{j≠y} z_j + confidence) small over w, x' = (tanh(w) + 1)/2, with a search for \
      the c of each example. With targets the margin is that of the target. The radius says only what counts as broken. \
      Carlini and Wagner 2017.
      """,
    examples: [("cw(steps=100)", "cw(c=0.001, steps=100)")],
    seeAlso: ["deepfool", "evaluate", "perturb"],
    search: ["carlini", "wagner", "minimum norm", "l2", "adam", "binary search", "distance", "closest"])
  public static let settings: [Setting<CW>] = [
    .choice("norm", \.norm, note: "\"l2\", in which the attack is defined."),
    .reach(\.eps),
    Setting(
      "c", \.c, .positive(hint: "c=0.001 is usual; c=1 with search_steps=0"),
      note: "weight of the margin, at which the search begins; with search_steps=0 it stays.", isAlwaysShown: true),
    Setting(
      "confidence", \.confidence, .atLeastZero(hint: "confidence=0 is usual"),
      note: "by how much the wrong class has to lead."),
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=1000 is usual"), note: "steps of each descent.",
      isAlwaysShown: true),
    Setting(
      "search_steps", \.searchSteps, .int(0...1000, hint: "search_steps=9 is usual"),
      note: "descents with another c each; 0 is one descent with the given c."),
    Setting(
      "learning_rate", \.learningRate, .positive(hint: "learning_rate=0.01 is usual"), note: "of Adam."),
    Setting(
      "shrink", \.shrink, .share(hint: "shrink=0.999999 is usual"),
      note: """
        factor by which the image is drawn towards grey before w is formed. With 1, pixels of exactly 0 or 1 cannot move, \
        as in torchattacks.
        """),
  ]

  /// How distance is measured: `.l2`.
  public var norm = Norm.l2
  /// The radius within which an image counts as broken; nil takes that of the evaluation, and without one any counts.
  public var eps: Double?
  /// Weight of the margin, at which the search begins.
  public var c = 0.001
  /// By how much the wrong class has to lead.
  public var confidence = 0.0
  /// Steps of each descent.
  public var steps = 1000
  /// Descents with another c each; 0 is one with the given c.
  public var searchSteps = 9
  /// The rate of Adam.
  public var learningRate = 0.01
  /// Factor by which the image is drawn towards grey before w is formed.
  public var shrink = 0.999999

  public init() {}

  /// An attack with these settings.
  public init(
    eps: Double? = nil, c: Double = 0.001, confidence: Double = 0, steps: Int = 1000, searchSteps: Int = 9,
    learningRate: Double = 0.01, shrink: Double = 0.999999
  ) {
    (self.eps, self.c, self.confidence, self.steps) = (eps, c, confidence, steps)
    (self.searchSteps, self.learningRate, self.shrink) = (searchSteps, learningRate, shrink)
  }

  /// It looks for the nearest image.
  public var isMinimal: Bool { true }
  /// It can seek a class.
  public var takesTargets: Bool { true }

  /// Checks the norm.
  public func validateTogether() throws(CoreError) { try norm.require(of: self, oneOf: [.l2]) }

  /// Descends with each c; the nearest images are submitted at the end.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let search = NearestSearch(batch, oracle, confidence: Float(confidence))
    let examples = try search.unbroken()
    guard oracle.classes > 1, !examples.isEmpty else { return }
    var nearest = try NearestImages(of: examples, in: batch)
    // Images may come a rounding error outside of [0, 1].
    let start = try ((nearest.origin * 2 - 1).clip(min: -1, max: 1) * Float(shrink)).atanh()
    var c = try Tensor.full(nearest.distance.shape, Float(c))
    var (low, high) = (try c * 0, try c * 0 + Self.largest)
    let rounds = max(searchSteps, 1)
    for round in 0..<rounds {
      // A quirk of the authors: of ten or more descents, the last takes the smallest c that has broken.
      if round == rounds - 1, rounds >= 10 { c = high }
      let found = try descend(search, from: start, c: c, &nearest) { step in
        batch.report((Double(round) + Double(step) / Double(steps)) / Double(rounds))
      }
      if round == rounds - 1 { break }
      high = try whereSelect(found, minimum(high, c), high)
      low = try whereSelect(found, low, maximum(low, c))
      let isBounded = try less(high, Tensor.scalar(Self.largest / 10))
      c = try whereSelect(isBounded, (low + high) * 0.5, (c * 10).clip(max: Self.largest))
    }
    try nearest.submit(to: oracle)
  }

  /// The c that is larger than any that is tried in earnest.
  private static let largest: Float = 1e10

  /// One descent.
  ///
  /// - Returns: whether an image was found for each example, [k, 1, 1, 1].
  private func descend(
    _ search: NearestSearch, from start: Tensor, c: Tensor, _ nearest: inout NearestImages,
    _ report: (Int) -> Void
  ) throws -> Tensor {
    var w = start
    var adam = Adam(rate: learningRate)
    var found = try equal(c, Tensor.scalar(-1))
    for step in 0..<steps {
      let t = try w.tanh()
      let x = try t * 0.5 + 0.5
      let change = try x - nearest.origin
      let distance = try Norm.l2.length(change)
      let lead = try search.lead(at: x, of: nearest.examples)
      found = try logicalOr(found, lead.isBroken)
      try nearest.take(x, at: distance, where: lead.isBroken)
      // The slope of the loss with respect to x', and through tanh with respect to w.
      let pull = try whereSelect(less(lead.value, Tensor.scalar(Float(confidence))), c, Tensor.scalar(0))
      let slope = try change * 2 - lead.gradient * pull
      w = try w - adam.move(slope * (1 - t * t) * 0.5)
      report(step)
    }
    return found
  }
}

/// The optimiser of Kingma and Ba (2015) with its usual settings.
private struct Adam {
  private var mean: Tensor?
  private var square: Tensor?
  private var steps = 0
  private let rate: Double

  init(rate: Double) { self.rate = rate }

  /// What is to be subtracted.
  mutating func move(_ gradient: Tensor) throws -> Tensor {
    steps += 1
    let mean = if let last = self.mean.take() { try last * 0.9 + gradient * 0.1 } else { try gradient * 0.1 }
    let squares = try gradient * gradient * 0.001
    let square = if let last = self.square.take() { try last * 0.999 + squares } else { squares }
    (self.mean, self.square) = (mean, square)
    let (first, second) = (1 - power(0.9, steps), 1 - power(0.999, steps))
    let size = try (square * Float(1 / second)).sqrt() + 1e-8
    return try mean * Float(rate / first) / size
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, left) = (1.0, base, exponent)
    while left > 0 {
      if left % 2 == 1 { result *= factor }
      factor *= factor
      left /= 2
    }
    return result
  }
}
