import Base
import Tensors

/// What the attacks that run Auto-PGD (`AutoPGD`) have in common: their settings, what is checked before a run, and how
/// a run begins.
///
/// What is drawn at random is drawn once for each run, for exactly the examples that the run is for: in the order of a
/// reference's numbers (`AttackBatch.sharesDraws`) that is the order of the official code.
public protocol AutoPGDAttack: Attack {
  /// The norm of the ball.
  var norm: Norm { get set }
  /// Gradient steps of each run.
  var steps: Int { get set }
  /// How many runs there are.
  var restarts: Int { get set }
  /// The share of rising steps up to which a step size is halved.
  var rho: Double { get set }
  /// How many gradients are averaged at each point.
  var eot: Int { get set }
  /// Whether a run in L1 begins in larger balls.
  var largeEps: Bool { get set }
}

extension Setting where Owner: AutoPGDAttack {
  static var norm: Setting { .choice("norm", \.norm, note: "\"linf\", \"l2\" or \"l1\".") }
  static var steps: Setting {
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=100 is usual"), note: "gradient steps of each run.",
      isAlwaysShown: true)
  }
  static var restarts: Setting {
    Setting(
      "restarts", \.restarts, .int(1...1_000_000, hint: "restarts=1 attacks once"),
      note: "random starts; each further one attacks what is still standing.")
  }
  static var rho: Setting {
    Setting(
      "rho", \.rho, .share(hint: "rho=0.75 is usual"),
      note: "a step is halved where the loss rose in no more than this share of the steps; refused in L1.")
  }
  static var eot: Setting {
    Setting(
      "eot", \.eot, .int(1...10_000, hint: "eot=1 asks once; eot=20 is usual for models that answer at random"),
      note: "gradients that are averaged at each point, for models that answer at random.")
  }
  static var largeEps: Setting {
    Setting(
      "large_eps", \.largeEps,
      note: "in L1: 0.3 of the steps in a ball of radius 3·eps, 0.3 in 2·eps, the rest in eps, as in AutoAttack.")
  }
}

extension AutoPGDAttack {
  /// Every run begins at random.
  public var isRandom: Bool { true }

  /// Larger balls are for L1, where no step is halved by how often the loss rose.
  public func validateTogether() throws(CoreError) {
    guard norm != .l1 || rho == Self().rho else {
      throw CoreError(
        .value, "in L1 \(Self.name) does not halve steps by how often the loss rose: rho would not be used",
        hint: "leave rho out", argument: "rho")
    }
    guard largeEps else { return }
    guard norm == .l1 else {
      throw CoreError(
        .value, "large_eps of \(Self.name) is for L1, not for norm=\"\(norm.rawValue)\"",
        hint: "leave large_eps out, or norm=\"l1\"", argument: "large_eps")
    }
    guard steps >= 3 else {
      throw CoreError(
        .value, "with large_eps, steps of \(Self.name) must be at least 3, not \(steps)", hint: "steps=100 is usual",
        argument: "steps")
    }
  }

  /// Checks that the model has as many classes as the loss needs.
  ///
  /// - Parameter otherLoss: a loss that needs fewer.
  func require(
    _ loss: AttackLoss, isTargeted: Bool, classes: Int, argument: String, otherLoss: String
  ) throws(CoreError) {
    let least = loss.leastClasses(isTargeted: isTargeted)
    guard classes < least else { return }
    throw CoreError(
      .value,
      "\(self) needs \(least) classes, for \(isTargeted ? "the targeted form of " : "")its loss; the model has \(classes)",
      hint: "\(Self.name)(loss=\"\(otherLoss)\") works with \(classes) classes", argument: argument)
  }

  /// Hands in the examples that the attack has nothing to do for, as they are: without targets those that are
  /// misclassified, with targets those that are seen as these.
  ///
  /// - Returns: the logits [n, classes] of the clean images; nil where there are no examples.
  func submitWrong(of batch: AttackBatch, to oracle: any Oracle) throws -> Tensor? {
    guard batch.count > 0 else { return nil }
    let logits = try oracle.logits(batch.images, of: batch.all)
    let settled = try batch.fooled(by: logits, of: batch.all)
    if !settled.isEmpty { try oracle.submit(batch.rows(batch.images, of: settled), of: settled) }
    return logits
  }

  /// For each example the other classes by their logits, the largest first; of equal ones, as in the official code, the
  /// last class first.
  ///
  /// - Parameters:
  ///   - logits: [n, classes], of the clean images.
  ///   - count: how many of them, below the number of classes.
  func runnersUp(_ logits: Tensor, _ batch: AttackBatch, count: Int) throws -> [[Int]] {
    let classes = logits.shape[1]
    let order = try logits.argsort(axis: 1).ints()
    return batch.all.map { i in
      Array(order[i * classes..<(i + 1) * classes].reversed().filter { $0 != batch.labels[i] }.prefix(count))
    }
  }

  /// Hands in what a run has found: what the official code returns, and of a model that answers at random the point with
  /// the largest loss, too, since a single answer chose between them.
  func submit(_ outcome: AutoPGD.Outcome, of examples: [Int], to oracle: any Oracle) throws {
    try oracle.submit(outcome.found, of: examples)
    if oracle.isRandom { try oracle.submit(outcome.best, of: examples) }
  }

  /// One run from a random start; in L1 with large balls three of them, each of which continues the one before.
  func run(
    _ loss: AttackLoss, _ oracle: any Oracle, _ batch: AttackBatch, of examples: [Int], targets: [Int]?, draw: Int,
    report: (Double) -> Void
  ) throws -> AutoPGD.Outcome {
    var run = AutoPGD(norm: norm, eps: batch.eps, steps: steps, rho: rho, loss: loss, passes: eot)
    // Of a model that answers at random one wrong answer settles nothing; the original lets all examples climb on.
    let whenFooled = oracle.isRandom ? AutoPGD.WhenFooled.climbs : .leaves
    run.whenFooled = whenFooled
    guard largeEps else {
      return try run.climb(
        oracle, from: run.start(batch, of: examples, draw: draw), in: batch, of: examples, targets: targets,
        report: report)
    }
    let images = try batch.rows(batch.images, of: examples)
    run.eps = 3 * batch.eps
    var x = try run.start(batch, of: examples, draw: draw)
    let part = Int((0.3 * Double(steps)).rounded(.up))
    run.whenFooled = .isIgnored
    for (factor, steps, done) in [(3.0, part, 0), (2, part, part)] {
      (run.eps, run.steps) = (factor * batch.eps, steps)
      x = try climb(run, x, done).best
    }
    (run.eps, run.steps, run.whenFooled) = (batch.eps, steps - 2 * part, whenFooled)
    return try climb(run, x, 2 * part)

    func climb(_ run: AutoPGD, _ x: Tensor, _ done: Int) throws -> AutoPGD.Outcome {
      let start = try nearestInL1(x, center: images, eps: Float(run.eps))
      // The official code draws a start for each of the three, and does not use it.
      if batch.sharesDraws { _ = try batch.normal(deviation: 1, of: examples, draw: draw) }
      return try run.climb(oracle, from: start, in: batch, of: examples, targets: targets, continues: true) {
        report((Double(done) + $0 * Double(run.steps)) / Double(steps))
      }
    }
  }
}
