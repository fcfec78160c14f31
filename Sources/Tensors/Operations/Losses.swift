import Base

/// How the losses of examples become one number.
public enum LossReduction: String, Sendable, CaseIterable {
  /// One value for each example.
  case none
  case sum
  /// The mean; of a divergence over examples and classes.
  case mean
  /// The sum divided by the number of examples.
  case batchmean
}

/// The two conventions of label smoothing s over k classes.
public enum SmoothingConvention: String, Sendable, CaseIterable {
  /// (1 − s) · one-hot + s / k, as PyTorch.
  case uniform
  /// 1 − s for the label, s / (k − 1) for the others, as in several training codes.
  case others
}

/// Cross-entropy with class labels: −Σ target · log softmax(logits / temperature).
///
/// - Parameters:
///   - logits: [n, k].
///   - labels: n numbers in 0..<k.
///   - labelSmoothing: s, 0 for none.
public func crossEntropy(
  _ logits: Tensor, labels: [Int], temperature: Float = 1, reduction: LossReduction = .mean,
  labelSmoothing: Float = 0, convention: SmoothingConvention = .uniform
) throws(CoreError) -> Tensor {
  let classes = try checkLabels(logits, labels, "cross-entropy")
  let logs = try logits.logSoftmax(temperature: temperature)
  let hit = try logs.gather(axis: 1, labels)
  if labelSmoothing == 0 { return try reduced(hit.neg(), reduction, classes: classes) }
  try requireSmoothing(labelSmoothing)
  let all = try logs.sum(axes: [1])
  let rest =
    convention == .uniform ? labelSmoothing / Float(classes) : labelSmoothing / Float(Swift.max(classes - 1, 1))
  let own = 1 - labelSmoothing - (convention == .uniform ? 0 : rest)
  return try reduced(add(hit * -own, all * -rest), reduction, classes: classes)
}

/// Cross-entropy with soft targets: −Σ target · log softmax(logits / temperature), for each example.
///
/// - Parameters:
///   - logits: [n, k].
///   - target: probabilities [n, k].
///   - labelSmoothing: s, 0 for none: the target is (1 − s) · target + s / k, as PyTorch's.
public func crossEntropy(
  _ logits: Tensor, target: Tensor, temperature: Float = 1, reduction: LossReduction = .mean, labelSmoothing: Float = 0
) throws(CoreError) -> Tensor {
  let classes = try checkPair(logits, target, "cross-entropy")
  var target = target
  if labelSmoothing != 0 {
    try requireSmoothing(labelSmoothing)
    target = try target.affine(scale: 1 - labelSmoothing, offset: labelSmoothing / Float(classes))
  }
  let products = try mul(target, logits.logSoftmax(temperature: temperature))
  return try reduced(products.sum(axes: [1]).neg(), reduction, classes: classes)
}

/// KL(softmax(p / temperature) ‖ softmax(q / temperature)) from logits; finite where probabilities underflow.
///
/// - Parameters:
///   - p: logits [n, k].
///   - q: logits [n, k].
///   - reduction: `batchmean` divides by n, `mean` by n · k.
public func klDivergence(
  _ p: Tensor, _ q: Tensor, temperature: Float = 1, reduction: LossReduction = .batchmean
) throws(CoreError) -> Tensor {
  let classes = try checkPair(p, q, "the KL divergence")
  let logP = try p.logSoftmax(temperature: temperature)
  let logQ = try q.logSoftmax(temperature: temperature)
  let terms = try mul(logP.exp(), sub(logP, logQ))
  let rows = try terms.sum(axes: [1])
  if reduction == .mean { return try rows.sum() / (Float(rows.count) * Float(classes)) }
  return try reduced(rows, reduction, classes: classes)
}

/// Squared differences, of tensors that broadcast: their mean, sum, or all of them.
public func mse(_ a: Tensor, _ b: Tensor, reduction: LossReduction = .mean) throws(CoreError) -> Tensor {
  let squares = try sub(a, b).square()
  switch reduction {
  case .none: return squares
  case .sum: return try squares.sum()
  case .mean: return try squares.mean()
  case .batchmean: return try squares.sum() / Float(squares.shape.first ?? 1)
  }
}

/// The boosted cross-entropy of MART (Wang et al. 2020, reference implementation):
/// −log p_y − log(1.0001 − max_{j≠y} p_j + 1e-12).
public func martBCE(_ logits: Tensor, labels: [Int], reduction: LossReduction = .mean) throws(CoreError) -> Tensor {
  let classes = try checkLabels(logits, labels, "the loss of MART", atLeast: 2)
  let probabilities = try logits.softmax()
  let other = try probabilities.takingFromRows(strongestOther(logits, labels))
  let boosted = try other.affine(scale: -1, offset: 1.0001).adding(1e-12).log()
  let own = try logits.logSoftmax().gather(axis: 1, labels)
  return try reduced(add(own, boosted).neg(), reduction, classes: classes)
}

/// The entropy −Σ p · log p of probabilities along an axis, in nats; 0 · log 0 is 0, with the gradient 0.
public func entropy(_ p: Tensor, axis: Int = -1) throws(CoreError) -> Tensor {
  let p = try p.asType(.float32)
  let axis = try Shape.axis(axis, rank: p.rank, "entropy")
  let logs = try whereSelect(equal(p.detached(), .scalar(0)), .scalar(1), p).log()
  // Not negated, which would make −0 of 0.
  return try mul(p, logs).sum(axes: [axis]).affine(scale: -1, offset: 0)
}

private func requireSmoothing(_ smoothing: Float) throws(CoreError) {
  guard smoothing > 0, smoothing <= 1 else {
    throw CoreError(
      .value, "smoothing must be from 0 to 1, not \(smoothing)", hint: "smoothing=0.1 is usual", argument: "smoothing")
  }
}

func reduced(_ losses: Tensor, _ reduction: LossReduction, classes: Int) throws(CoreError) -> Tensor {
  switch reduction {
  case .none: losses
  case .sum: try losses.sum()
  case .mean, .batchmean: try losses.mean()
  }
}

@discardableResult
func checkLabels(_ logits: Tensor, _ labels: [Int], _ name: String, atLeast: Int = 1) throws(CoreError) -> Int {
  guard logits.rank == 2, logits.shape[1] >= atLeast else {
    throw CoreError(
      .shape,
      "\(name) needs logits [examples, classes]\(atLeast > 1 ? " with at least \(atLeast) classes" : ""),"
        + " not shape \(logits.shape)",
      hint: logits.rank == 1 ? "logits of one example need a first axis: logits[none]" : nil, argument: "logits")
  }
  guard logits.shape[0] == labels.count else {
    throw CoreError(
      .shape, "\(labels.count) labels do not fit logits of shape \(logits.shape)",
      hint: "pass one label for each row of logits", argument: "labels")
  }
  for label in labels { try Shape.check(label: label, classes: logits.shape[1]) }
  return logits.shape[1]
}

func checkPair(_ a: Tensor, _ b: Tensor, _ name: String) throws(CoreError) -> Int {
  guard a.rank == 2, a.shape == b.shape, a.shape[1] > 0 else {
    throw CoreError(
      .shape, "\(name) needs two tensors of one shape [examples, classes], not \(a.shape) and \(b.shape)",
      hint: a.rank == 2 && b.rank == 1 && b.dtype != .int64 ? "class numbers are whole numbers: int64(y)" : nil)
  }
  return a.shape[1]
}
