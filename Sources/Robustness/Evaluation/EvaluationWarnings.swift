import Base
import Networks
import Tensors

// What should make one doubt an evaluation, said beside its numbers. The checks are those of AutoAttack (`checks.py`), with
// thresholds of theirs, and each costs next to nothing: two forwards of one batch, or counts that are there anyway.

/// What the answers of a model to one batch give away.
///
/// - Parameters:
///   - images: the first images of the evaluation, [n, c, h, w].
///   - logits: what the model has answered to them, [n, classes].
///   - isRandomExpected: whether all attacks are made for models that answer at random.
///   - seed: the key of the noise.
func warnings(
  of model: Model, _ images: Tensor, logits: Tensor, isRandomExpected: Bool, seed: UInt64 = 0
) throws -> [String] {
  var found: [String] = []
  if !isRandomExpected {
    let again = try model(images, NoiseDraws(1, seed: seed))
    let (one, other) = (try normalised(logits), try normalised(again))
    if try Norm.l2.distance(one, other).contains(where: { $0 > 1e-4 }) {
      found.append(
        "the model answers differently each time it is asked: use autoattack(version=\"rand\") or eot(…)")
    }
  }
  if try logits.looksLikeProbabilities() {
    found.append("the outputs of the model look like probabilities: attacks need logits, take the softmax out of it")
  }
  let rows = logits.floats()
  if rows.count > model.classes, rows.indices.allSatisfy({ rows[$0] == rows[$0 % model.classes] }) {
    found.append("the model answers the same to every image: no attack can change its answers")
  }
  return found
}

extension Tensor {
  /// Whether all rows [n, classes] lie within [0, 1] and sum to 1.
  func looksLikeProbabilities() throws -> Bool {
    let bounds = try bounds()
    return try bounds.low > -1e-5 && bounds.high < 1 + 1e-5
      && sum(axes: [1]).floats().allSatisfy { ($0 - 1).magnitude < 1e-5 }
  }
}

/// Rows of length 1.
private func normalised(_ logits: Tensor) throws -> Tensor { try logits / (Norm.l2.length(logits) + 1e-10) }

extension Evaluation {
  /// Adds what the course of the attacks gives away.
  ///
  /// - Parameters:
  ///   - given: the attacks as they were given.
  ///   - attacks: what was run, in the order of the outcomes.
  mutating func warn(_ given: [any Attack], _ attacks: [any Attack], classes: Int) {
    for case let attack as AutoAttack in given { warnings += Robustness.warnings(classes: classes, of: attack) }
    var first = 0
    for i in self.attacks.indices where i + 1 == self.attacks.count || !self.attacks[i + 1].round.continues {
      warnings += Robustness.warnings(of: Array(self.attacks[first...i]), Array(attacks[first...i]))
      first = i + 1
    }
    warnings += openEnds
  }

  /// What is still to do, as a warning; nothing where all was done.
  public var openEnds: [String] {
    let unsettled = attacks.reduce(0) { $0 + $1.unsettled }
    guard unsettled > 0 else { return [] }
    return ["it was ended with \(unsettled) attacks on examples still to do: accuracies are upper bounds"]
  }
}

/// What the course of an attack gives away.
///
/// - Parameters:
///   - stages: the outcomes of one attack's stages, in order.
///   - attacks: the stages themselves.
func warnings(of stages: [AttackOutcome], _ attacks: [any Attack]) -> [String] {
  var found: [String] = []
  for outcome in stages where outcome.withoutGradient > 0 {
    found.append(
      """
      \(outcome.withoutGradient) images have a gradient of zero where \(outcome.attack) begins, which may make it blind; \
      mifpe() does not depend on the size of logits, square() on no gradient
      """)
  }
  for outcome in stages where outcome.disputed > 0 {
    found.append(
      """
      the model classifies \(outcome.disputed) of the images that \(outcome.attack) broke otherwise when it is asked \
      again: it answers at random, or the attack was told something else
      """)
  }
  // AutoAttack's rule: 0.2 % of all examples.
  if let last = attacks.lastIndex(where: { $0 is Square }), attacks.count > 1 {
    let others = stages.indices.filter { $0 != last }.map { stages[$0].accuracy.value }.min() ?? 1
    let gain = others - stages[last].accuracy.value
    if gain > 0.002 {
      found.append(
        """
        square() has broken \((gain * 100).fixed(2)) % of the images after all others: run it with more queries and \
        restarts, and mifpe(restarts=10). By itself this is no sign of masked gradients
        """)
    }
  }
  return found
}

/// What the number of classes has changed.
///
/// - Returns: nothing where there are as many as AutoAttack's nine targets need.
func warnings(classes: Int, of attack: AutoAttack) -> [String] {
  guard attack.attacks.isEmpty, attack.version != .rand, classes < 10 else { return [] }
  return [
    "the model knows \(classes) classes: attacks with targets try \(max(classes - 1, 0)) instead of 9"
      + (classes < 4 ? ", and take the margin where the difference of logits ratio needs more" : "")
  ]
}
