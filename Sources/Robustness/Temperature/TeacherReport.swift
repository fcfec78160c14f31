import Base
import Datasets
import Networks
import Platform
import Tensors

/// What a teacher's labels are like before a student has learned from them, at temperature 1: how sure it is, where, and
/// above all on the examples that no student learns robustly. Teachers whose labels are soft there have the more robust
/// students: of published teachers those of LTD are among the softest there (arXiv 2605.21999).
public struct TeacherReport: Sendable {
  /// How many examples it is about.
  public let examples: Int
  /// The share of them that the teacher classifies correctly, from 0 to 1.
  public let accuracy: Double
  /// The mean entropy of its labels in nats.
  public let entropy: Double
  /// Nine deciles, from the first to the ninth, of the probability of the label less that of the likeliest other class.
  public let marginDeciles: [Double]
  /// How many examples are hard, and the mean entropy on them and on the others in nats; nil where there are none.
  public let hard: Int
  public let entropyHard: Double?
  public let entropyOthers: Double?
  /// Whether the hard examples were given; else they are those that the teacher itself gets wrong.
  public let isHardGiven: Bool

  /// Looks at a teacher.
  ///
  /// - Parameter hard: the positions of the examples that no student learns robustly; when nil, those that the teacher gets
  ///   wrong stand in for them.
  /// - Throws: as `softLabels`.
  public init(of teacher: Model, on data: Dataset, hard: [Int]? = nil) throws(CoreError) {
    try requireFitting(data, teacher)
    let logits = try logits(of: teacher, on: data, requiringFinite: true)
    let classes = logits.shape[1]
    let logarithms = try logits.logSoftmax().floats()
    var margins: [Double] = []
    var entropies: [Double] = []
    var wrong: [Int] = []
    for i in 0..<data.count {
      if i % 1024 == 0 { try StopSignal.poll() }
      var (entropy, own, other) = (0.0, 0.0, 0.0)
      for j in 0..<classes {
        let logarithm = Double(logarithms[i * classes + j])
        let p = exp(logarithm)
        if p > 0 { entropy -= p * logarithm }
        if j == data.labels[i] { own = p } else { other = max(other, p) }
      }
      entropies.append(entropy)
      margins.append(own - other)
      if own <= other { wrong.append(i) }
    }
    let n = data.count
    let chosen = Set(hard ?? wrong)
    func mean(_ positions: some Sequence<Int>) -> Double? {
      var (sum, count) = (0.0, 0)
      for i in positions {
        sum += entropies[i]
        count += 1
      }
      return count == 0 ? nil : sum / Double(count)
    }
    examples = n
    accuracy = Double(n - wrong.count) / Double(n)
    entropy = entropies.reduce(0, +) / Double(n)
    let sorted = margins.sorted()
    marginDeciles = (1...9).map { decile in
      // Between the two nearest, as NumPy's quantile.
      let place = Double(decile) / 10 * Double(n - 1)
      let below = Int(place)
      let above = min(below + 1, n - 1)
      return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
    self.hard = chosen.count
    entropyHard = mean(chosen.sorted())
    entropyOthers = mean((0..<n).lazy.filter { !chosen.contains($0) })
    isHardGiven = hard != nil
  }
}
