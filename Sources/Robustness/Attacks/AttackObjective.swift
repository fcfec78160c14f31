import Base
import Networks
import Tensors

/// What an attack tries to make large.
public enum AttackObjective: String, Sendable, CaseIterable {
  /// Cross-entropy of the true class.
  case crossEntropy = "ce"
  /// KL(p(x) ‖ p(x')) from the prediction on the clean image, as in TRADES; needs a random start, for it is flat at x.
  case klDivergence = "kl"

  /// The objective as a function of logits.
  func loss(_ model: Model, images: Tensor, labels: [Int]) throws(CoreError) -> ProjectedGradient.Objective {
    switch self {
    case .crossEntropy:
      return { (logits, reduction) throws(CoreError) in
        try Tensors.crossEntropy(logits, labels: labels, reduction: reduction)
      }
    case .klDivergence:
      let reference = try model(images)
      return { (logits, reduction) throws(CoreError) in
        try Tensors.klDivergence(reference, logits, reduction: reduction)
      }
    }
  }
}
