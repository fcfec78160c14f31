import Base
import Datasets
import Networks
import Tensors

/// Free adversarial training (Shafahi et al. 2019): each batch is taken several times, and one backward pass gives both
/// the gradient that moves the weights and the one that moves the perturbation.
///
/// In each replay: the loss at x + δ in training mode; δ ← clip(δ + eps·sign(∇), ±eps), then so that x + δ lies in
/// [0, 1]; one step of the optimiser. The schedule counts replays as steps. δ belongs to the places of the batch, not to
/// the images: the next batch begins with what this one left. Two quirks of the code of fast_adversarial are repeated: δ
/// is clipped to the box of the batch that it was moved for, so that the first replay of the next batch may run a little
/// outside of [0, 1]; and it begins at 0.
public struct FreeAT: TrainingMethod {
  public static let name = "free_at"
  public static let page = Page(
    "Free adversarial training: weights and perturbation move together, several times a batch.",
    details: """
      Each batch is taken `replays` times: the loss is the mean CE(p(x + δ), y), one backward pass gives the gradients of \
      weights and of δ, δ ← clip(δ + eps·sign(∇), ±eps) with x + δ in [0, 1], and the optimiser makes a step. δ stays for \
      the next batch. The schedule counts replays as steps, and `fit` counts batches, so that epochs=10 with replays=8 \
      costs as much as 80 epochs of standard training. Batch norm's running statistics move with each replay; what is \
      reported is of the last one. The attack of `fit` gives the radius where eps is left out, and is otherwise for the \
      validation. Shafahi et al. 2019.
      """,
    examples: [("free_at()", "free_at(replays=8)")], seeAlso: ["fit", "fast_at", "n_fgsm", "pgd_at"],
    search: ["free", "replays", "minibatch replay", "adversarial training for free"])
  public static let settings: [Setting<FreeAT>] = [
    Setting(
      "replays", \.replays, .int(1...1000, hint: "replays=8 is usual"), note: "updates with each batch.",
      isAlwaysShown: true),
    .ownRadius(\.eps),
  ]

  /// Updates with each batch, from 1 to 1000.
  public var replays = 8
  /// The radius in units of the [0, 1] image; nil takes that of the attack of `fit`.
  public var eps: Double?

  public init() {}

  /// A method with this many updates a batch.
  public init(replays: Int = 8, eps: Double? = nil) {
    self.replays = replays
    self.eps = eps
  }

  /// No search by the attack of `fit`.
  public var inner: InnerMaximisation? { nil }
  /// It does.
  public var searchesItself: Bool { true }
  /// It does, with each replay.
  public var movesWeights: Bool { true }

  /// Begins a run with a perturbation of 0.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess { Process(self) }

  private final class Process: TrainingProcess {
    private let method: FreeAT
    /// The perturbation of each place of a batch; nil before the first.
    private var perturbation: Tensor?

    init(_ method: FreeAT) { self.method = method }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      let eps = Float(try step.radius(method.eps, in: .linf))
      let n = step.images.shape[0]
      let all = try perturbation ?? Tensor.zeros(step.images.shape)
      var delta = try all.slice(axis: 0, 0, min(n, all.shape[0]))
      if delta.shape[0] < n {
        delta = try concat([delta, .zeros([n - delta.shape[0]] + step.images.shape.dropFirst())])
      }
      let centre = try Tensor.zeros(step.images.shape)
      var last: StepLoss?
      for replay in 0..<method.replays {
        try StopSignal.poll()
        let x = try (step.images + delta).detached().tracked()
        let logits = try step.forward(x)
        try requireFinite(logits.detached(), of: step.model)
        var loss = StepLoss(total: try step.crossEntropy(logits))
        let slope = try step.apply(loss, part: (replay, method.replays), gradientsOf: [x])[0]
        delta = try signStep(delta, gradient: slope, center: centre, step: eps, eps: eps, low: -eps, high: eps)
        delta = try (step.images + delta).clip(min: 0, max: 1) - step.images
        (loss.total, loss.adversarialLogits, loss.isApplied) = (loss.total.detached(), logits.detached(), true)
        last = loss
      }
      perturbation = n < all.shape[0] ? try concat([delta, all.slice(axis: 0, n, all.shape[0])]) : delta
      guard let last else { throw CoreError(.value, "free_at needs a replay", argument: "method") }
      return last
    }

    var state: NamedTensors { perturbation.map { [("perturbation", $0)] } ?? [] }

    func restore(_ state: NamedTensors) throws(CoreError) {
      try state.require(state.isEmpty ? [] : ["perturbation"])
      perturbation = try state.isEmpty ? nil : state.tensor("perturbation")
    }
  }
}
