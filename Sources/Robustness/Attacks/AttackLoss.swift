import Base
import Tensors

/// What an attack makes large, example by example. Attacks name one where they have a choice; one that names none takes
/// the oracle's, which in training is what the method prescribes.
public enum AttackLoss: String, SettingChoice {
  /// Cross-entropy of the true class; of a target class its negative.
  case crossEntropy = "ce"
  /// KL(p(x) ‖ p(x')) from the prediction on the clean image, as in TRADES. It has no gradient at the clean image
  /// itself, so that it needs a random start.
  case klDivergence = "kl"

  /// The loss of each example, which the attack makes large.
  ///
  /// - Parameters:
  ///   - logits: [n, classes] of the images as they are now.
  ///   - labels: the true classes.
  ///   - targets: classes that the images shall be taken for; nil where any wrong one will do.
  ///   - clean: logits of the clean images; asked for only where the loss needs them.
  /// - Returns: [n].
  /// - Throws: `value` for targets of a loss that takes none.
  func values(
    _ logits: Tensor, labels: [Int], targets: [Int]?, clean: () throws -> Tensor
  ) throws -> Tensor {
    switch (self, targets) {
    case (.crossEntropy, nil): try Tensors.crossEntropy(logits, labels: labels, reduction: .none)
    case (.crossEntropy, let targets?): try Tensors.crossEntropy(logits, labels: targets, reduction: .none).neg()
    case (.klDivergence, nil): try Tensors.klDivergence(clean(), logits, reduction: .none)
    case (.klDivergence, _?):
      throw CoreError(
        .value, "objective=\"kl\" of an attack takes no targets", hint: "objective=\"ce\"", argument: "objective")
    }
  }
}
