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
    guard n > 0 else { return (0, 1) }
    let z = 1.959963984540054
    let (p, n) = (value, Double(n))
    let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    // Exactly 0 and 1 at the ends, which the rounding of the formula misses.
    return (correct == 0 ? 0 : max(0, centre - half), correct == self.n ? 1 : min(1, centre + half))
  }
}

/// What one attack did.
public struct AttackOutcome: Sendable {
  /// The call that makes the attack; the second of two equal attacks ends in " #2", so that no name comes twice.
  public var attack: String
  /// The norm of the attack.
  public var norm: Norm
  /// The radius that was used, in units of the [0, 1] image.
  public var eps: Double
  /// Whether each example is classified correctly both as it is and under this attack.
  public var robust: [Bool]
  /// Of an attack that looks for the nearest image, how far the nearest that was found is from each example: 0 where
  /// the example is misclassified as it is, nil where none was found. Nil for other attacks.
  public var distances: [Double?]?
  /// How many of the attacked examples had a gradient of zero where the attack began.
  public var withoutGradient: Int
  /// How many seconds the attack took.
  public var seconds: Double

  /// The robust accuracy under this attack: a share of all examples, not only of those attacked.
  public var accuracy: Accuracy { Accuracy(robust) }
}

extension [AttackOutcome] {
  /// Numbers the outcomes whose name has occurred before.
  mutating func nameApart() {
    var names: Set<String> = []
    for i in indices {
      let name = self[i].attack
      var number = 2
      while !names.insert(self[i].attack).inserted {
        self[i].attack = "\(name) #\(number)"
        number += 1
      }
    }
  }
}

/// How well a model does on natural images, under each attack, and under the worst of them.
public struct Evaluation: Sendable {
  /// The name of the model.
  public var model: String
  /// The name of the data set.
  public var data: String
  /// The name of each class, in the order of the labels.
  public var classNames: [String]
  /// The class of each example.
  public var labels: [Int]
  /// Whether each example is classified correctly as it is.
  public var natural: [Bool]
  /// What each attack did, in the order in which they were given.
  public var attacks: [AttackOutcome]
  /// What should make one doubt the numbers; sentences, mostly none.
  public var warnings: [String]
  /// How many seconds all of it took.
  public var seconds: Double

  /// How many examples there are.
  public var n: Int { natural.count }
  /// The accuracy on the images as they are.
  public var naturalAccuracy: Accuracy { Accuracy(natural) }

  /// Whether no attack of the set broke the example.
  public var robust: [Bool] {
    attacks.reduce(natural) { flags, outcome in zip(flags, outcome.robust).map { $0 && $1 } }
  }

  /// The share of examples that no attack of the set broke: the robust accuracy.
  public var worstCase: Accuracy { Accuracy(robust) }

  /// The evaluation of the examples of one class alone; names and times stay those of the whole.
  public func only(_ label: Int) -> Evaluation {
    var part = self
    let positions = labels.indices.filter { labels[$0] == label }
    part.labels = positions.map { labels[$0] }
    part.natural = positions.map { natural[$0] }
    for i in attacks.indices {
      part.attacks[i].robust = positions.map { attacks[i].robust[$0] }
      part.attacks[i].distances = attacks[i].distances.map { distances in positions.map { distances[$0] } }
    }
    return part
  }
}
