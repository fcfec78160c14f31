import Base
import Datasets
import Networks
import Tensors

/// Adversarial training with the improved Kullback-Leibler divergence (Cui et al. 2024, IKL-AT and GKL-AT):
///
///     CE(p(x), y) + beta/4·Σ_jk w_jk·(Δz_jk − Δz'_jk)² / Σ w + alpha·H(p(x), p(x'))
///
/// with Δz_jk = z_j − z_k, sums over batch and pairs of classes, w_jk = (c_j·c_k)^gamma, where c is the mean prediction
/// softmax(z(x)/T) of the images of class y in the epoch before, uniform in the first. Gradients flow through both sides
/// of the second term; in the third p(x) is a constant.
///
/// The sums over pairs are taken as sums over classes: Σ_jk u_j·u_k·(d_j − d_k)² = 2·(Σu·Σu·d² − (Σu·d)²), with
/// d = z − z' and u = c^gamma. The forwards are x' and x, in the order of the authors' code. The radius grows with the
/// epochs, as there (`ramp`). Its choice of steps by epochs is not repeated: there the last of the choices overrides the
/// others. A class without an image in an epoch keeps its mean, where the code would get NaN.
public struct IKL: TrainingMethod {
  public static let name = "ikl"
  public static let page = Page(
    "IKL: adversarial training with the improved Kullback-Leibler divergence.",
    details: """
      CE(p(x), y) + beta/4·Σ w_jk·(Δz_jk - Δz'_jk)²/Σ w + alpha·H(p(x), p(x')), Δz_jk = z_j - z_k, w_jk = (c_j·c_k)^gamma, \
      c the mean of softmax(z(x)/temperature) over the images of the same class in the epoch before. Cross-entropies are \
      means over the batch, the weighted squares a mean over batch and pairs of classes. Gradients flow through both sides \
      of the squares; in the last term p(x) is a constant. x' climbs KL(p(x) ‖ p(x')) from x + 0.001·N(0, I) in evaluation \
      mode, in a ball that grows with the epochs: in epoch e of E its radius is eps·e/E. The authors take attack=pgd(eps=8/255, \
      steps=2) or more steps, with awp(…). Batch norm's running statistics move with x', then x. loss_natural, loss_squares \
      and loss_robust are the parts of the loss. Cui et al. 2024.
      """,
    examples: [("ikl()", "ikl(beta=20, alpha=4)")], seeAlso: ["fit", "trades", "awp", "kl_div"],
    search: ["improved kl", "decoupled kullback-leibler", "dkl", "gkl", "class-wise"])
  public static let settings: [Setting<IKL>] = [
    Setting(
      "beta", \.beta, .atLeastZero(hint: "beta=0 leaves its term out"), note: "weight of the squares.",
      isAlwaysShown: true),
    Setting(
      "alpha", \.alpha, .atLeastZero(hint: "alpha=0 leaves its term out"),
      note: "weight of the cross-entropy between predictions.", isAlwaysShown: true),
    Setting(
      "gamma", \.gamma, .atLeastZero(hint: "gamma=0 weighs all pairs alike"), note: "power of the class means."),
    Setting(
      "temperature", \.temperature, .positive(hint: "temperature=4"), note: "of the predictions in the class means."),
    Setting("ramp", \.ramp, note: "whether the radius grows with the epochs to that of the attack."),
  ]

  /// The weight of the squares, at least 0.
  public var beta = 20.0
  /// The weight of the cross-entropy between predictions, at least 0.
  public var alpha = 4.0
  /// The power of the class means.
  public var gamma = 1.0
  /// The temperature of the predictions in the class means.
  public var temperature = 4.0
  /// Whether the radius grows with the epochs.
  public var ramp = true

  public init() {}

  /// A method with these settings.
  public init(
    beta: Double = 20, alpha: Double = 4, gamma: Double = 1, temperature: Double = 4, ramp: Bool = true
  ) {
    self.beta = beta
    self.alpha = alpha
    self.gamma = gamma
    self.temperature = temperature
    self.ramp = ramp
  }

  /// The search by the divergence from a normal start: the slope is that of H(p(x), p(x')).
  public var inner: InnerMaximisation? { TRADES().inner }

  /// The predictions of each class are summed up as losses are taken.
  public var shardObstacle: (reason: String, hint: String)? { remembersLosses }

  /// Begins a run with class means that are uniform.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess {
    try Process(self, classes: model.classes)
  }

  /// The mean of the weighted squares over batch and pairs.
  ///
  /// - Parameters:
  ///   - difference: z − z', [n, classes].
  ///   - weights: u, [n, classes].
  static func squares(_ difference: Tensor, weights u: Tensor) throws -> Tensor {
    let total = try u.sum(axes: [1])
    let weighted = try u * difference
    let pairs = try total * (weighted * difference).sum(axes: [1]) - weighted.sum(axes: [1]).square()
    return try pairs.sum() * 2 / total.square().sum()
  }

  private final class Process: TrainingProcess {
    private let method: IKL
    private let classes: Int
    /// The mean prediction of each class in the epoch before, [classes, classes].
    private var means: Tensor
    /// Sums of predictions by class in this epoch.
    private var sums: Tensor

    init(_ method: IKL, classes: Int) throws {
      self.method = method
      self.classes = classes
      means = try .full([classes, classes], 1 / Float(classes))
      sums = try .zeros([classes, classes])
    }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      let position = step.position
      let images = try step.adversarial(
        radius: method.ramp ? Double(position.epoch + 1) / Double(max(position.epochs, 1)) : 1)
      let adversarial = try step.forward(images)
      let logits = try step.forward(step.images)
      let targets = try step.distributions()
      let p = try logits.detached().softmax(temperature: Float(method.temperature))
      sums = try sums + matmul(targets.transpose(), p)
      var weights = try matmul(targets, means)
      if method.gamma != 1 { weights = try (weights.clip(min: 1e-30).log() * Float(method.gamma)).exp() }
      let natural = try step.crossEntropy(logits)
      let squares = try IKL.squares(logits - adversarial, weights: weights) * 0.25
      let robust = try crossEntropy(adversarial, target: logits.detached().softmax())
      return StepLoss(
        total: try natural + squares * Float(method.beta) + robust * Float(method.alpha),
        parts: [("loss_natural", natural), ("loss_squares", squares), ("loss_robust", robust)],
        naturalLogits: logits, adversarialLogits: adversarial)
    }

    func after(epoch position: TrainingPosition, _ model: Model) throws -> String? {
      let counts = try sums.sum(axes: [1], keepdim: true)
      means = try whereSelect(greater(counts, .scalar(0)), sums / counts.clip(min: 1e-30), means)
      sums = try .zeros([classes, classes])
      return nil
    }

    var state: NamedTensors { [("means", means), ("sums", sums)] }

    func restore(_ state: NamedTensors) throws(CoreError) {
      try state.require(["means", "sums"])
      (means, sums) = try (
        state.tensor("means", shape: [classes, classes]), state.tensor("sums", shape: [classes, classes])
      )
    }
  }
}
