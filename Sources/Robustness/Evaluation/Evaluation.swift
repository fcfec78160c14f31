/// A share of correct examples with its uncertainty.
public struct Accuracy: Sendable, Equatable {
  public var correct: Int
  public var n: Int

  public init(correct: Int, n: Int) {
    self.correct = correct
    self.n = n
  }

  public init(_ flags: [Bool]) { self.init(correct: flags.count { $0 }, n: flags.count) }

  /// From 0 to 1; 0 of no examples.
  public var value: Double { n > 0 ? Double(correct) / Double(n) : 0 }

  /// The 95 % interval of Wilson (1927).
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
  /// As it could be typed; the second of two equal attacks ends in " #2", so that no name comes twice.
  public var attack: String
  public var eps: Double
  /// Whether each example is classified correctly both as it is and under this attack.
  public var robust: [Bool]
  public var seconds: Double

  public var accuracy: Accuracy { Accuracy(robust) }
}

extension [AttackOutcome] {
  /// Numbers those with a name that came before.
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
  public var model: String
  public var data: String
  /// By class.
  public var classNames: [String]
  /// The class of each example.
  public var labels: [Int]
  /// Whether each example is classified correctly as it is.
  public var natural: [Bool]
  public var attacks: [AttackOutcome]
  public var seconds: Double

  public var n: Int { natural.count }
  public var naturalAccuracy: Accuracy { Accuracy(natural) }

  /// Whether no attack of the set broke the example.
  public var robust: [Bool] {
    attacks.reduce(natural) { flags, outcome in zip(flags, outcome.robust).map { $0 && $1 } }
  }

  /// Share of examples that no attack of the set broke: the robust accuracy.
  public var worstCase: Accuracy { Accuracy(robust) }

  /// The examples of one class.
  public func only(_ label: Int) -> Evaluation {
    var part = self
    let places = labels.indices.filter { labels[$0] == label }
    part.labels = places.map { labels[$0] }
    part.natural = places.map { natural[$0] }
    for i in attacks.indices { part.attacks[i].robust = places.map { attacks[i].robust[$0] } }
    return part
  }
}
