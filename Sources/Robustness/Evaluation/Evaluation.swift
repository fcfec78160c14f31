import Base

/// A share of correct examples with its uncertainty.
public struct Accuracy: Sendable, Equatable {
  /// How many examples are correct.
  public var correct: Int
  /// How many examples there are.
  public var n: Int

  /// A share by its two numbers.
  public init(correct: Int, n: Int) {
    self.correct = correct
    self.n = n
  }

  /// The share of examples whose flag is true.
  public init(_ flags: [Bool]) { self.init(correct: flags.count { $0 }, n: flags.count) }

  /// The share, from 0 to 1; 0 where there are no examples.
  public var value: Double { n > 0 ? Double(correct) / Double(n) : 0 }

  /// The 95 % confidence interval of Wilson (1927); all of [0, 1] where there are no examples.
  public var interval: (low: Double, high: Double) {
    n > 0 ? Self.wilson(value, of: Double(n)) : (0, 1)
  }

  /// Wilson's interval of a share of `n` examples, or of what counts for as many.
  static func wilson(_ p: Double, of n: Double) -> (low: Double, high: Double) {
    let z = 1.959963984540054
    let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    // Exactly 0 and 1 at the ends, which the rounding of the formula misses.
    return (p == 0 ? 0 : max(0, centre - half), p == 1 ? 1 : min(1, centre + half))
  }

  /// The share in per cent, as tables have it: "67.7 %".
  package var percent: String { Self.percent(value) }
  /// The ends of the interval in per cent: "64.7 % – 70.5 %".
  package var percentInterval: String { "\(Self.percent(interval.low)) – \(Self.percent(interval.high))" }

  static func percent(_ share: Double) -> String { (share * 100).fixed(1) + " %" }
}

/// What one attack did at one radius; of an attack that consists of several, one of its stages.
public struct AttackOutcome: Sendable, Codable {
  /// What was run.
  public var round: RunDescription.Round
  /// The verdict on each example; nil where it was not attacked: it is misclassified as it is, an earlier stage has
  /// broken it, or time was up before.
  public var verdicts: [Verdict?]
  /// Whether each example was to be attacked.
  public var standing: [Bool]
  /// Whether each example stood before: it is classified correctly as it is, and no earlier stage has broken it. These are
  /// the examples that were to be attacked, but for models that answer at random.
  var stood: [Bool]
  /// How many seconds it took, over all the sessions of its run.
  public var seconds = 0.0

  /// An outcome without a verdict yet.
  ///
  /// - Parameters:
  ///   - standing: whether each example is to be attacked.
  ///   - stood: whether it stood before; nil for the same.
  package init(_ round: RunDescription.Round, standing: [Bool], stood: [Bool]? = nil) {
    (self.round, self.standing, self.stood) = (round, standing, stood ?? standing)
    verdicts = Array(repeating: nil, count: standing.count)
  }

  /// The call that makes the attack; the second of two equal attacks ends in " #2", so that no name comes twice.
  public var attack: String { round.attack }
  /// The norm of the attack.
  public var norm: Norm { round.norm }
  /// The radius that was used, in units of the [0, 1] image.
  public var eps: Double { round.eps }
  /// Whether each example stands: it is classified correctly as it is, and neither this attack nor an earlier stage of it
  /// has broken it. One that was not attacked for want of time stands.
  public var robust: [Bool] { zip(stood, verdicts).map { $0 && $1?.brokenBy == nil } }
  /// The robust accuracy under this attack, with the stages before it: a share of all examples, not only of those
  /// attacked.
  public var accuracy: Accuracy { Accuracy(robust) }
  /// How many examples were to be attacked and have no verdict.
  public var unsettled: Int { zip(standing, verdicts).count { $0 && $1 == nil } }
  /// Of an attack that looks for the nearest image, how far the nearest that was found is from each example: 0 where
  /// the example is misclassified as it is, nil where none was found. Nil for other attacks, and for a stage that sees
  /// only what others left.
  public var distances: [Double?]? {
    round.isMinimal && !round.continues ? zip(standing, verdicts).map { $0 ? $1?.distance : 0 } : nil
  }
  /// How many of the attacked examples had a gradient of zero where the attack began.
  public var withoutGradient: Int { verdicts.count { $0?.beganFlat == true } }
  /// How many broken examples the model classifies otherwise when it is asked once more.
  public var disputed: Int { verdicts.count { $0?.isDisputed == true } }
  /// How often the model saw images of an example, over all of them.
  public var queries: Int { verdicts.reduce(0) { $0 + ($1?.queries ?? 0) } }
  /// How often the model was differentiated for an example, over all of them.
  public var gradients: Int { verdicts.reduce(0) { $0 + ($1?.gradients ?? 0) } }

  /// Whether the example was shown to be breakable within a radius in a norm: by an image that is no farther away.
  func breaks(_ position: Int, norm: Norm, eps: Double) -> Bool {
    guard norm == self.norm, let verdict = verdicts[position], verdict.brokenBy != nil || round.isMinimal else {
      return false
    }
    // Within its own radius the ball was checked, with a tolerance for rounding.
    if eps >= self.eps, verdict.brokenBy != nil { return true }
    return verdict.distance.map { $0 <= eps && verdict.prediction != verdict.label } ?? false
  }
}

/// How well a model does on natural images, under each attack, and under the worst of them.
public struct Evaluation: Sendable, Codable {
  /// What was evaluated, and how.
  public var run: RunDescription
  /// The class of each example.
  public var labels: [Int]
  /// The id of each example, as in `Dataset.ids`.
  public var ids: [Int]
  /// What the model makes of each example as it is.
  public var naturalVerdicts: [NaturalVerdict]
  /// What each attack did, in the order in which they were given.
  public var attacks: [AttackOutcome] = []
  /// What should make one doubt the numbers; sentences, mostly none.
  public var warnings: [String]
  /// How many seconds all of it took.
  public var seconds = 0.0
  /// Whether everything that was to be attacked was attacked. Else what was not counts as robust, so that accuracies are
  /// upper bounds.
  public var isComplete = true
  /// The number of its record; nil where there is none.
  public var number: Int?

  /// An evaluation before the first attack.
  package init(
    run: RunDescription, labels: [Int], ids: [Int], naturalVerdicts: [NaturalVerdict], warnings: [String]
  ) {
    (self.run, self.labels, self.ids, self.naturalVerdicts) = (run, labels, ids, naturalVerdicts)
    self.warnings = warnings
  }

  /// The name of the model.
  public var model: String { run.model }
  /// The name of the data set.
  public var data: String { run.data }
  /// The name of each class, in the order of the labels.
  public var classNames: [String] { run.classNames }
  /// How many examples there are.
  public var n: Int { labels.count }
  /// Whether each example is classified correctly as it is.
  public var natural: [Bool] { zip(naturalVerdicts, labels).map { $0.prediction == $1 } }
  /// The accuracy on the images as they are.
  public var naturalAccuracy: Accuracy { Accuracy(natural) }

  /// The outcome of the next round before anything is attacked: it says which examples are to be.
  ///
  /// Of a model that answers at random these are all of which an answer was right: that the first one was wrong does not
  /// settle an example.
  package func next(_ round: RunDescription.Round) -> AttackOutcome {
    let before = round.continues ? attacks.last : nil
    let stood = before?.robust ?? natural
    guard run.answers != nil else { return AttackOutcome(round, standing: stood) }
    let standing = labels.indices.map { i in
      if stood[i] { return true }
      guard let before else { return naturalVerdicts[i].right ?? 0 > 0 }
      return before.standing[i] && before.verdicts[i].map { $0.right ?? 0 > 0 } ?? true
    }
    return AttackOutcome(round, standing: standing, stood: stood)
  }

  /// Whether no attack of the set broke the example.
  public var robust: [Bool] {
    attacks.reduce(natural) { flags, outcome in zip(flags, outcome.robust).map { $0 && $1 } }
  }

  /// The share of examples that no attack of the set broke: the robust accuracy.
  public var worstCase: Accuracy { Accuracy(robust) }

  /// The first attack that broke each example; nil where none did, and where it is misclassified as it is.
  public var breakers: [Int?] {
    labels.indices.map { position in
      attacks.firstIndex { $0.verdicts[position]?.brokenBy != nil }
    }
  }

  /// What is left after each attack of what those before it in the same norm and at the same or a smaller radius have
  /// left: the curve that ends in the worst case.
  public var cumulative: [Accuracy] {
    attacks.indices.map { i in
      let (norm, eps) = (attacks[i].norm, attacks[i].eps)
      return Accuracy(
        natural.indices.map { position in
          natural[position] && !attacks[...i].contains { $0.breaks(position, norm: norm, eps: eps) }
        })
    }
  }

  /// The norms and radii of the attacks, each once, by norm and then by size.
  public var balls: [(norm: Norm, eps: Double)] {
    var balls: [(norm: Norm, eps: Double)] = []
    for outcome in attacks where !balls.contains(where: { $0 == (outcome.norm, outcome.eps) }) {
      balls.append((outcome.norm, outcome.eps))
    }
    return Norm.allCases.flatMap { norm in balls.filter { $0.norm == norm }.sorted { $0.eps < $1.eps } }
  }

  /// The share of examples that no attack has shown to be breakable within a radius: an image that was found by an attack
  /// with another radius counts where it is near enough.
  public func worstCase(norm: Norm, eps: Double) -> Accuracy {
    Accuracy(
      natural.indices.map { position in
        natural[position] && !attacks.contains { $0.breaks(position, norm: norm, eps: eps) }
      })
  }

  /// The evaluation of the examples of one class alone; names and times stay those of the whole.
  public func only(_ label: Int) -> Evaluation {
    var part = self
    let positions = labels.indices.filter { labels[$0] == label }
    part.labels = positions.map { labels[$0] }
    part.ids = positions.map { ids[$0] }
    part.naturalVerdicts = positions.map { naturalVerdicts[$0] }
    for i in attacks.indices {
      part.attacks[i].standing = positions.map { attacks[i].standing[$0] }
      part.attacks[i].stood = positions.map { attacks[i].stood[$0] }
      part.attacks[i].verdicts = positions.map { attacks[i].verdicts[$0] }
    }
    return part
  }
}
