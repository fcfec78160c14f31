import Base
import Tensors

/// MART, misclassification-aware adversarial training (Wang et al. 2020). With q = softmax z(x) and p = softmax z(x'):
///
/// - boosted cross-entropy: the mean of −log p_y − log(1.0001 − max_{k≠y} p_k + 1e-12), on adversarial images;
/// - divergence: the mean over the batch of KL(q ‖ p) · (1.0000001 − q_y), so that images which the model gets wrong
///   weigh more; log p is taken of p + 1e-12.
///
/// The gradient flows through p, q and the weight 1.0000001 − q_y. The constants are those of the authors' code. x'
/// maximises the cross-entropy from x + 0.001·N(0, I), the model in evaluation mode; the forward of x comes before that
/// of x', so that batch norm's running statistics move twice a step, in this order.
public struct MART: StatelessMethod {
  public static let name = "mart"
  public static let page = Page(
    "MART: boosted CE(p(x'), y) + beta·KL(p(x) ‖ p(x'))·(1 - p_y(x)).",
    details: """
      The boosted cross-entropy is -log p_y(x') - log(1 - max p_k(x') of the other classes), with the small constants of \
      the authors' code (1.0001, 1e-12, 1.0000001). The divergence of each image is weighted by how wrong the model is on \
      it, and divided by the batch, not by the classes; gradients flow through both of its sides and through the weight. \
      x' maximises the cross-entropy from x + 0.001·N(0, I), in evaluation mode, unless the attack of `fit` says \
      otherwise. Batch norm's running statistics move with the forward of x, then with that of x'. Where an augmentation \
      mixes images, log p_y and p_y(x) are means by the targets, and the other classes are those beside the most probable \
      one. loss_bce and loss_reg are the parts of the loss. Wang et al. 2020.
      """,
    examples: [("mart()", "mart(beta=5)")], seeAlso: ["fit", "trades", "pgd_at"],
    search: ["misclassification aware", "boosted cross-entropy", "regularisation"])
  public static let settings: [Setting<MART>] = [
    Setting(
      "beta", \.beta, .atLeastZero(hint: "beta=0 leaves its term out"),
      note: "weight of the divergence; in the paper 5 for ResNet-18 and 6 for WRN-34-10.", isAlwaysShown: true)
  ]

  /// The weight of the divergence, at least 0.
  public var beta = 5.0

  public init() {}

  /// A method with this weight of the divergence.
  public init(beta: Double) { self.beta = beta }

  /// The search by cross-entropy, from a normal start.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, loss: .crossEntropy) }

  /// The boosted cross-entropy and the weighted divergence, which are the parts of the loss.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let adversarial = try step.adversarial()
    let logits = try step.forward(step.images)
    let adversarialLogits = try step.forward(adversarial)
    let (boosted, regular) = try Self.terms(step, logits, adversarialLogits)
    return StepLoss(
      total: try boosted + regular * Float(beta), parts: [("loss_bce", boosted), ("loss_reg", regular)],
      naturalLogits: logits, adversarialLogits: adversarialLogits)
  }

  /// The boosted cross-entropy and the weighted divergence.
  ///
  /// - Parameter target: what stands for the targets in the cross-entropy alone, [n, classes]; nil leaves them.
  static func terms(
    _ step: TrainingStep, _ logits: Tensor, _ adversarialLogits: Tensor, target: Tensor? = nil
  ) throws -> (boosted: Tensor, regular: Tensor) {
    let logQ = try logits.logSoftmax()
    let q = try logQ.exp()
    var boosted = try martBCE(adversarialLogits, labels: step.labels)
    var rows = target
    let hit: Tensor
    switch step.targets {
    case .classes(let labels): hit = try q.gather(axis: 1, labels)
    case .soft(let distributions):
      rows = target ?? distributions
      hit = try (q * distributions).sum(axes: [1])
    }
    if let rows {
      // Only the first term of the boosted cross-entropy knows more than one class.
      boosted =
        try boosted + crossEntropy(adversarialLogits, target: rows)
        - crossEntropy(adversarialLogits, labels: step.labels)
    }
    let logP = try adversarialLogits.softmax().affine(scale: 1, offset: 1e-12).log()
    let divergence = try (q * (logQ - logP)).sum(axes: [1])
    return (boosted, try (divergence * hit.affine(scale: -1, offset: 1.0000001)).mean())
  }
}
