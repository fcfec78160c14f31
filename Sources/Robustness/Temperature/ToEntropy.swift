import Base
import Networks
import Platform
import Tensors

/// For each image the temperature at which its label has a given entropy, so that all labels are equally soft: of an
/// image that the teacher is sure of it is high, of another low.
///
/// The entropy of softmax(z/T) rises with T, so that halving an interval finds it. Temperatures lie between 0.05 and 100;
/// an image whose label would need another has the nearest. The batch has no part in it.
public struct ToEntropy: SofteningRule {
  public static let name = "to_entropy"
  public static let page = Page(
    "A temperature for each image: that at which its soft label has a given entropy.",
    details: """
      The label softmax(z/T) of each image has the entropy asked for, in nats: 0 is one-hot, log(classes) the most there \
      can be, 2.303 for 10 classes. T is found by halving an interval between 0.05 and 100; a label that would need \
      another has the nearest of these. The same idea for a whole batch is in B-MTARD (arXiv 2306.16170), for each image \
      in CIST.
      """,
    examples: [
      ("ltd(mlp(), temperature=to_entropy(1.2))", "ltd(mlp, temperature=to_entropy(entropy=1.2), beta=6)"),
      ("sum(soften(mlp(), zeros([1, 1, 28, 28]), T=to_entropy(1.2))[0]) > 0.999", "true"),
    ], seeAlso: ["soften", "ltd", "standardised", "annealed", "whatif"],
    search: ["per-sample temperature", "equal entropy", "instance", "adaptive temperature", "bisection"])
  public static let settings: [Setting<ToEntropy>] = [
    Setting(
      "entropy", \.entropy, .positive(hint: "entropy=1.2"),
      note: "of each label in nats, above 0 and at most log(classes).", isAlwaysShown: true)
  ]

  /// The entropy of each label in nats, above 0.
  public var entropy = 1.0

  public init() {}

  /// A rule with this entropy.
  public init(_ entropy: Double) { self.entropy = entropy }

  /// The temperatures that are tried.
  static let bounds = (lowest: 0.05, highest: 100.0)

  /// Checks that labels of so many classes can have the entropy.
  public func validate(classes: Int) throws(CoreError) {
    let most = log(Double(classes))
    guard entropy <= most else {
      throw CoreError(
        .value,
        "entropy=\(entropy.shortest) of to_entropy is more than labels of \(classes) classes can have, "
          + "log(\(classes)) = \(most.rounded(to: 3))",
        hint: "to_entropy(\((most / 2).rounded(to: 1)))", argument: "temperature")
    }
  }

  /// One temperature for each image.
  public func softness(of logits: Tensor, at position: TrainingPosition?) throws(CoreError) -> Softness {
    try validate(classes: logits.shape.last ?? 1)
    let z = logits.detached()
    let target = try Tensor.scalar(Float(entropy))
    let shape = [logits.shape[0], 1]
    // By the logarithm of T: the entropy changes alike over the whole interval.
    var low = try Tensor.full(shape, Float(log(Self.bounds.lowest)))
    var high = try Tensor.full(shape, Float(log(Self.bounds.highest)))
    func isTooSharp(_ logarithm: Tensor) throws(CoreError) -> Tensor {
      let logs = try (z / logarithm.exp()).logSoftmax()
      return try less((logs.exp() * logs).sum(axes: [1], keepdim: true).neg(), target)
    }
    let (lowest, highest) = (low, high)
    let (fromLowest, toHighest) = (try isTooSharp(low), try isTooSharp(high))
    // Each halves the interval: after 28 it is as narrow as float32 tells.
    for _ in 0..<28 {
      let middle = try (low + high) * 0.5
      let above = try isTooSharp(middle)
      (low, high) = (try whereSelect(above, middle, low), try whereSelect(above, high, middle))
    }
    let within = try whereSelect(toHighest, highest, (low + high) * 0.5)
    return .each(try whereSelect(fromLowest, within, lowest).exp(), scale: nil)
  }
}
