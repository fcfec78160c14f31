import Base
import Tensors

/// What an attack makes large, example by example. Attacks name one where they have a choice; one that names none takes
/// the oracle's, which in training is what the method prescribes.
///
/// Each is a function of the logits z alone. Where targets are given, an attack shall make the model see the target
/// class t instead of any wrong one.
public enum AttackLoss: String, SettingChoice {
  /// Cross-entropy of the true class; of a target class its negative.
  case crossEntropy = "ce"
  /// KL(p(x) ‖ p(x')) from the prediction on the clean image, as in TRADES. It has no gradient at the clean image
  /// itself, so that it needs a random start.
  case klDivergence = "kl"
  /// The difference of logits ratio (Croce and Hein 2020); with targets its targeted form.
  case dlr
  /// max_{j≠y} z_j − z_y; with targets z_t − z_y.
  case margin
  /// The margin of probabilities, max_{j≠y} p_j − p_y (PMA, arXiv 2411.15210); with targets p_t − p_y.
  case probabilityMargin = "probability_margin"
  /// Cross-entropy of the logits divided by the gap between the two largest of each example, which counts as a constant
  /// (MIFPE, CVPR 2023): it does not vanish where the logits are large, nor change with the temperature. With targets
  /// its negative at the target.
  case scaledCrossEntropy = "mifpe"

  /// How many classes the loss needs.
  ///
  /// - Parameter isTargeted: whether targets are given.
  public func leastClasses(isTargeted: Bool) -> Int {
    switch self {
    case .crossEntropy, .klDivergence: 1
    case .dlr: isTargeted ? 4 : 3
    case .margin, .probabilityMargin, .scaledCrossEntropy: 2
    }
  }

  /// The loss of each example, which the attack makes large.
  ///
  /// - Parameters:
  ///   - logits: [n, classes] of the images as they are now.
  ///   - labels: the true classes.
  ///   - targets: classes that the images shall be taken for; nil where any wrong one will do.
  ///   - clean: logits of the clean images; asked for only where the loss needs them.
  /// - Returns: [n].
  /// - Throws: `value` for targets of a loss that takes none, and for too few classes.
  func values(
    _ logits: Tensor, labels: [Int], targets: [Int]?, clean: () throws(CoreError) -> Tensor
  ) throws(CoreError) -> Tensor {
    switch (self, targets) {
    case (.crossEntropy, nil): try Tensors.crossEntropy(logits, labels: labels, reduction: .none)
    case (.crossEntropy, let targets?): try Tensors.crossEntropy(logits, labels: targets, reduction: .none).neg()
    case (.klDivergence, nil): try Tensors.klDivergence(clean(), logits, reduction: .none)
    case (.klDivergence, _?):
      throw CoreError(
        .value, "objective=\"kl\" of an attack takes no targets", hint: "objective=\"ce\"", argument: "objective")
    case (.dlr, nil): try Tensors.dlr(logits, labels: labels)
    case (.dlr, let targets?): try Tensors.dlrTargeted(logits, labels: labels, targets: targets)
    case (.margin, nil): try Tensors.margin(logits, labels: labels).neg()
    case (.margin, let targets?): try lead(logits, targets, over: labels)
    case (.probabilityMargin, nil): try Tensors.margin(logits.softmax(axis: 1), labels: labels).neg()
    case (.probabilityMargin, let targets?): try lead(logits.softmax(axis: 1), targets, over: labels)
    case (.scaledCrossEntropy, _):
      try AttackLoss.crossEntropy.values(
        logits / gap(logits.detached()), labels: labels, targets: targets, clean: clean)
    }
  }

  /// What the targets have more than the labels, [n].
  private func lead(_ scores: Tensor, _ targets: [Int], over labels: [Int]) throws(CoreError) -> Tensor {
    try scores.gather(axis: 1, targets) - scores.gather(axis: 1, labels)
  }

  /// The gap between the two largest logits of each example, [n, 1]; at least 1e-12.
  private func gap(_ logits: Tensor) throws(CoreError) -> Tensor {
    let top = try logits.topk(2, axis: 1).values
    return try (top.slice(axis: 1, 0, 1) - top.slice(axis: 1, 1, 2)).clip(min: 1e-12)
  }
}
