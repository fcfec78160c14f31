import Base
import Datasets
import Networks
import Tensors

/// Self-adaptive training (Huang et al. 2020) in its form for TRADES: the label of each image follows what the network
/// thinks of it.
///
/// From epoch `start` on, t_i ← momentum·t_i + (1 − momentum)·p(x_i), with p as constants; the natural term is the mean of
/// w_i·H(t_i, p(x_i)), w_i the largest entry of t_i divided by the mean of those of the batch. Before, the method is
/// TRADES. The forwards are x and x', once each. t_i begins as the label, is kept by example, and is a part of the state
/// of the run. The authors' code counts epochs from 1: its es=70 is start=69 here.
public struct SAT: TrainingMethod {
  public static let name = "sat"
  public static let page = Page(
    "Self-adaptive training: TRADES with labels that follow the predictions.",
    details: """
      From epoch `start` on, the target of image i is t_i ← momentum·t_i + (1 - momentum)·p(x_i), which begins as its \
      label, and the loss is the mean of w_i·H(t_i, p(x_i)) + beta·KL(p(x) ‖ p(x')), w_i = max t_i divided by its mean \
      over the batch; before, it is that of trades(beta). Predictions are those of the forward in training mode, without a \
      gradient; gradients flow through both sides of the divergence. Batch norm's running statistics move with x, x'. One \
      row of classes is kept for each image, so that an augmentation that mixes images is refused. Huang et al. 2020.
      """,
    examples: [("sat(beta=6, start=70)", "sat(beta=6, start=70)")], seeAlso: ["fit", "trades", "adr", "ltd"],
    search: ["self-adaptive training", "noisy labels", "temporal ensembling", "soft labels"])
  public static let settings: [Setting<SAT>] = [
    Setting(
      "beta", \.beta, .atLeastZero(hint: "beta=0 leaves its term out"), note: "weight of the robust term.",
      isAlwaysShown: true),
    Setting(
      "momentum", \.momentum, .share(hint: "momentum=0.9 is usual"),
      note: "share of the target that stays at each update."),
    Setting(
      "start", \.start, .int(0...1_000_000, hint: "start=70 of 100 epochs is usual"),
      note: "epochs of TRADES with the labels as they are, before targets begin to move.", isAlwaysShown: true),
  ]

  /// The weight of the divergence, at least 0.
  public var beta = 6.0
  /// The share of the target that stays at each update.
  public var momentum = 0.9
  /// Epochs before targets begin to move.
  public var start = 70

  public init() {}

  /// A method with these settings.
  public init(beta: Double = 6, momentum: Double = 0.9, start: Int = 70) {
    self.beta = beta
    self.momentum = momentum
    self.start = start
  }

  /// That of TRADES.
  public var inner: InnerMaximisation? { TRADES().inner }

  /// The targets of images move with each loss.
  public var shardObstacle: (reason: String, hint: String)? { remembersLosses }

  /// Begins a run with the labels as targets.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess {
    Process(self, model, data)
  }

  private final class Process: TrainingProcess {
    private let method: SAT
    private let data: Dataset
    private let classes: Int
    private let rows: [Int: Int]
    /// The target of each image of the data, [n, classes]; nil before they begin to move.
    private var targets: Tensor?

    init(_ method: SAT, _ model: Model, _ data: Dataset) {
      self.method = method
      self.data = data
      classes = model.classes
      // An image that is there twice has one target.
      rows = Dictionary(data.ids.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      if case .soft = step.targets, !data.hasSoftLabels {
        throw CoreError(
          .value, "sat keeps a target for each image: it cannot follow images that are mixed",
          hint: "leave mixup and cutmix out of augment", argument: "method")
      }
      let images = try step.adversarial()
      let logits = try step.forward(step.images)
      let natural = try step.position.epoch < method.start ? step.crossEntropy(logits) : adapted(logits, step)
      let adversarial = try step.forward(images)
      let robust = try klDivergence(logits, adversarial)
      return StepLoss(
        total: try natural + robust * Float(method.beta), parts: [("loss_natural", natural), ("loss_robust", robust)],
        naturalLogits: logits, adversarialLogits: adversarial)
    }

    private func adapted(_ logits: Tensor, _ step: TrainingStep) throws -> Tensor {
      let indices = step.ids.map { rows[$0] ?? 0 }
      var all = try targets ?? data.softLabels ?? Tensor.oneHot(data.labels, classes: classes)
      let share = Float(method.momentum)
      let moved = try all.indexSelect(axis: 0, indices) * share + logits.detached().softmax() * (1 - share)
      targets = nil
      try all.assign(axis: 0, indices: indices, moved)
      targets = all
      let weights = try moved.max(axes: [1])
      let losses = try crossEntropy(logits, target: moved, reduction: .none)
      return try (losses * (weights / weights.mean())).mean()
    }

    var state: NamedTensors { targets.map { [("targets", $0)] } ?? [] }

    func restore(_ state: NamedTensors) throws(CoreError) {
      try state.require(state.isEmpty ? [] : ["targets"])
      targets = try state.isEmpty ? nil : state.tensor("targets", shape: [data.count, classes])
    }
  }
}
