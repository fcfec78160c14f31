import Base
import Networks
import Tensors

/// Projected gradient descent in the Linf ball (Madry et al. 2018). Without a random start it is BIM (I-FGSM).
///
/// The last iterate of each restart counts. With restarts, an example is broken if any of them broke it, and the image
/// that did it first is kept; of an example that none breaks, the start with the largest cross-entropy is kept. Restart k
/// draws the same numbers however many there are: more restarts never break fewer examples.
public struct PGD: Attack {
  public static let name = "pgd"
  public var eps: Double?
  public var steps: Int
  /// Length of one step; nil is 2.5·eps/steps, which is 2/255 for eps 8/255 and 10 steps.
  public var stepSize: Double?
  /// nil is `.uniform`, and in training what the method prescribes.
  public var start: AttackStart?
  public var restarts: Int
  /// nil is `.crossEntropy`, and in training what the method prescribes.
  public var objective: AttackObjective?

  public init(
    eps: Double? = nil, stepSize: Double? = nil, steps: Int = 10, start: AttackStart? = nil, restarts: Int = 1,
    objective: AttackObjective? = nil
  ) {
    self.eps = eps
    self.steps = steps
    self.stepSize = stepSize
    self.start = start
    self.restarts = restarts
    self.objective = objective
  }

  public var settings: [Setting] {
    let start: Setting.Value =
      switch self.start {
      case nil: .unset
      case .uniform?: .flag(true)
      case .image?: .flag(false)
      case .normal?: .text("normal")
      }
    return [
      Setting("eps", eps.map { .radius($0) } ?? .unset, usual: .unset, .radius),
      Setting("steps", .int(steps), .int(1...1_000_000, hint: "steps=10 is usual")),
      Setting(
        "step_size", stepSize.map { .radius($0) } ?? .unset, usual: .unset,
        .positive(hint: "for instance eps/4")),
      Setting("random_start", start, usual: .unset),
      Setting(
        "restarts", .int(restarts), usual: .int(1), .int(1...1_000_000, hint: "restarts=1 attacks once")),
      Setting("objective", objective.map { .text($0.rawValue) } ?? .unset, usual: .unset),
    ]
  }

  public var isRandom: Bool { start != .image }

  public func validateTogether() throws(CoreError) {
    guard start == .image else { return }
    if objective == .klDivergence {
      throw CoreError(
        .value, "the KL objective has no gradient at the clean image",
        hint: "use random_start=true or random_start=\"normal\" with objective=\"kl\"", argument: "random_start")
    }
    guard restarts == 1 else {
      throw CoreError(
        .value, "without a random start all \(restarts) restarts are the same",
        hint: "leave restarts out, or random_start=false", argument: "restarts")
    }
  }

  /// With what it leaves open as a training method prescribes it.
  func completed(by inner: InnerMaximisation) -> PGD {
    var attack = self
    attack.start = start ?? inner.start
    attack.objective = objective ?? inner.objective
    return attack
  }

  /// The ascent of one restart.
  package func ascent(eps: Double) -> ProjectedGradient {
    ProjectedGradient(eps: eps, stepSize: stepSize ?? 2.5 * eps / Double(steps), steps: steps)
  }

  public func perturb(_ model: Model, _ input: AttackInput, eps: Double) throws(CoreError) -> Tensor {
    let stream = RandomStream(seed: input.seed, purpose: "pgd.start")
    return try search(
      model, input, eps: eps,
      start: { (start, restart) throws(CoreError) in
        try start.point(input.images, ids: input.ids, eps: eps, stream: stream.child(restart))
      },
      judge: { (images, _) throws(CoreError) in
        let logits = try model(images)
        let broken = try correct(logits, input.labels, of: model, at: input.positions).map { !$0 }
        return (broken, try crossEntropy(logits, labels: input.labels, reduction: .none).floats())
      })
  }

  /// The best of all restarts for each example: the first that breaks it, else the one with the largest loss.
  ///
  /// - Parameters:
  ///   - start: the point from which a restart begins.
  ///   - judge: whether each image is broken, and its loss; called when there are restarts to choose from.
  func search(
    _ model: Model, _ input: AttackInput, eps: Double,
    start: (_ kind: AttackStart, _ restart: Int) throws(CoreError) -> Tensor,
    judge: (Tensor, ProjectedGradient.Objective) throws(CoreError) -> (broken: [Bool], loss: [Float])
  ) throws(CoreError) -> Tensor {
    let objective = try (self.objective ?? .crossEntropy).loss(model, images: input.images, labels: input.labels)
    func attempt(_ restart: Int) throws(CoreError) -> Tensor {
      try ascent(eps: eps).ascend(
        model, from: start(self.start ?? .uniform, restart), around: input.images, positions: input.positions,
        objective: objective)
    }
    var best = try attempt(0)
    if restarts == 1 { return best }
    var (broken, loss) = try judge(best, objective)
    for restart in 1..<restarts {
      if broken.allSatisfy({ $0 }) { break }
      let images = try attempt(restart)
      let found = try judge(images, objective)
      var isBetter = broken
      for i in broken.indices {
        isBetter[i] = !broken[i] && (found.broken[i] || found.loss[i] > loss[i])
        guard isBetter[i] else { continue }
        broken[i] = found.broken[i]
        loss[i] = found.loss[i]
      }
      best = try whereSelect(try Tensor(bools: isBetter, shape: [isBetter.count, 1, 1, 1]), images, best)
    }
    return best
  }
}
