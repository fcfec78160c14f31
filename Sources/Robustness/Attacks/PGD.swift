import Networks
import Tensors

/// Projected gradient descent in the Linf ball (Madry et al. 2018). Without a random start it is BIM (I-FGSM).
///
/// With restarts, each example keeps the one with the largest cross-entropy (Wong et al. 2020, Rice et al. 2020). The last
/// iterate of each restart counts.
public struct PGD: Attack {
  public var eps: Double?
  /// Length of one step; nil is 2.5·eps/steps, which is 2/255 for eps 8/255 and 10 steps.
  public var stepSize: Double?
  public var steps: Int
  /// Whether to begin at x + U(-eps, eps), clipped to [0, 1], instead of x.
  public var randomStart: Bool
  public var restarts: Int
  public var objective: AttackObjective

  public init(
    eps: Double? = nil, stepSize: Double? = nil, steps: Int = 10, randomStart: Bool = true, restarts: Int = 1,
    objective: AttackObjective = .crossEntropy
  ) {
    self.eps = eps
    self.stepSize = stepSize
    self.steps = steps
    self.randomStart = randomStart
    self.restarts = restarts
    self.objective = objective
  }

  public var description: String {
    var parts: [String] = []
    if let eps { parts.append("eps=\(eps.asRadius)") }
    if let stepSize { parts.append("step_size=\(stepSize.asRadius)") }
    parts.append("steps=\(steps)")
    if !randomStart { parts.append("random_start=false") }
    if restarts != 1 { parts.append("restarts=\(restarts)") }
    if objective != .crossEntropy { parts.append("objective=\"\(objective.rawValue)\"") }
    return "pgd(\(parts.joined(separator: ", ")))"
  }

  public func validate() throws(CoreError) {
    if let eps { try requireRadius(eps) }
    guard steps >= 1, steps <= 1_000_000 else {
      throw CoreError(
        .value, "steps of pgd is from 1 to 1000000, not \(steps)", hint: "steps=10 is usual", argument: "steps")
    }
    guard restarts >= 1, restarts <= 1_000_000 else {
      throw CoreError(
        .value, "restarts of pgd is from 1 to 1000000, not \(restarts)", hint: "restarts=1 attacks once",
        argument: "restarts")
    }
    if let stepSize, !(Float(stepSize) > 0 && Float(stepSize).isFinite) {
      throw CoreError(
        .value, "step_size of pgd is a positive number, not \(stepSize)", hint: "for instance eps/4",
        argument: "step_size")
    }
    if objective == .klDivergence, !randomStart {
      throw CoreError(
        .value, "the KL objective has no gradient at the clean image",
        hint: "use random_start=true with objective=\"kl\"", argument: "random_start")
    }
  }

  /// The ascent of one restart.
  package func ascent(eps: Double) -> ProjectedGradient {
    ProjectedGradient(eps: eps, stepSize: stepSize ?? 2.5 * eps / Double(steps), steps: steps)
  }

  public func perturb(_ model: Model, _ input: AttackInput, eps: Double) throws(CoreError) -> Tensor {
    let objective = try self.objective.function(model, images: input.images, labels: input.labels)
    let ascent = ascent(eps: eps)
    let stream = RandomStream(seed: input.seed, purpose: "pgd.start")
    var best: (images: Tensor, loss: Tensor)?
    for restart in 0..<restarts {
      var start = input.images
      if randomStart {
        let noise = try uniformNoise(like: start, ids: input.ids, eps: eps, stream: stream.child(restart))
        start = try (start + noise).clip(min: 0, max: 1)
      }
      let images = try ascent.ascend(model, from: start, around: input.images, objective: objective)
      if restarts == 1 { return images }
      let loss = try crossEntropy(try model(images), labels: input.labels, reduction: .none)
      if let previous = best {
        let worse = try greaterEqual(loss, previous.loss)
        best = (
          try whereSelect(try worse.reshape([input.labels.count, 1, 1, 1]), images, previous.images),
          try maximum(loss, previous.loss)
        )
      } else {
        best = (images, loss)
      }
    }
    return best?.images ?? input.images
  }
}

/// U(-eps, eps) for every pixel, each example from the stream of its own id.
package func uniformNoise(
  like images: Tensor, ids: [Int], eps: Double, stream: RandomStream
) throws(CoreError) -> Tensor {
  try noise(like: images, ids: ids) { id, out in
    stream.child(id).fillUniform(out, from: Float(-eps), to: Float(eps))
  }
}

/// N(0, deviation²) for every pixel, each example from the stream of its own id.
package func normalNoise(
  like images: Tensor, ids: [Int], deviation: Double, stream: RandomStream
) throws(CoreError) -> Tensor {
  try noise(like: images, ids: ids) { id, out in
    stream.child(id).fillNormal(out, deviation: Float(deviation))
  }
}

private func noise(
  like images: Tensor, ids: [Int], _ fill: (Int, UnsafeMutableBufferPointer<Float>) -> Void
) throws(CoreError) -> Tensor {
  let size = ids.isEmpty ? 0 : images.count / ids.count
  let values = [Float](unsafeUninitializedCapacity: images.count) { buffer, count in
    for (i, id) in ids.enumerated() {
      fill(id, UnsafeMutableBufferPointer(rebasing: buffer[i * size..<(i + 1) * size]))
    }
    count = images.count
  }
  return try Tensor(values, shape: images.shape)
}
