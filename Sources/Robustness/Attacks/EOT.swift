import Base

/// Expectation over transformation (Athalye et al. 2018): an attack that follows the means of several answers of a model
/// that answers at random.
///
/// Losses, gradients and logits are means over the answers; an image is judged as in every attack (`ModelOracle`). A model
/// that answers alike each time is asked more often for nothing.
public struct EOT: AttackWrapper {
  public static let name = "eot"
  public static let page = Page(
    "An attack on the mean of several answers: for models that answer at random.",
    details: """
      Expectation over transformation: each loss, gradient and logit that the attack sees is the mean of n answers. Images \
      are judged as those of other attacks are: see forwards of evaluate. For models that answer alike each time it costs \
      n times as much and finds the same. Athalye et al. 2018.
      """,
    examples: [("eot(pgd(eps=8/255), n=20)", "eot(pgd(eps=8/255, steps=10), n=20)")],
    seeAlso: ["pgd", "transfer", "evaluate", "gaussian_noise"],
    search: ["expectation over transformation", "randomised defence", "stochastic", "eot_iter"])
  public static let settings: [Setting<EOT>] = [
    .wrapped(note: "the attack that follows the means."),
    Setting(
      "n", \.n, .int(1...1_000_000, hint: "n=10 is usual"), note: "answers to each question.", isAlwaysShown: true),
  ]

  public var attack: (any Attack)?
  /// How many answers there are to each question.
  public var n = 10

  public init() {}

  /// An attack that sees the means of n answers.
  public init(_ attack: any Attack, n: Int = 10) { (self.attack, self.n) = (attack, n) }

  /// Lets the attack within ask an oracle that asks n times.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    try inner().perturb(batch, EOTOracle(oracle, passes: n))
  }
}
