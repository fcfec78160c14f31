import Base

// Losses of attacks over logits [n, k] and labels.

/// z_y − max_{j≠y} z_j for each example: positive where the label wins.
public func margin(_ logits: Tensor, labels: [Int], reduction: LossReduction = .none) throws(CoreError) -> Tensor {
  let classes = try checkLabels(logits, labels, "the margin", atLeast: 2)
  let other = try logits.takingFromRows(strongestOther(logits, labels))
  return try reduced(sub(logits.gather(axis: 1, labels), other), reduction, classes: classes)
}

/// max(0, z_y − max_{j≠y} z_j + kappa) (Carlini and Wagner 2017).
public func cwHinge(
  _ logits: Tensor, labels: [Int], kappa: Float = 0, reduction: LossReduction = .sum
) throws(CoreError) -> Tensor {
  try reduced(
    margin(logits, labels: labels).adding(kappa).relu(), reduction, classes: logits.shape[1])
}

/// Difference of logits ratio (Croce and Hein 2020): −(z_y − max_{i≠y} z_i) / (z_π1 − z_π3 + 1e-12), with π the order of
/// decreasing logits; the gradient goes through the denominator too. Needs three classes.
public func dlr(_ logits: Tensor, labels: [Int], reduction: LossReduction = .none) throws(CoreError) -> Tensor {
  let classes = try checkLabels(logits, labels, "the DLR loss", atLeast: 3)
  let order = try logits.topPlaces(3, axis: 1)
  let (first, third) = (try logits.takingFromRows(order.column(0)), try logits.takingFromRows(order.column(2)))
  let spread = try sub(first, third).adding(1e-12)
  return try reduced(div(margin(logits, labels: labels), spread).neg(), reduction, classes: classes)
}

/// Targeted difference of logits ratio: −(z_y − z_t) / (z_π1 − (z_π3 + z_π4) / 2 + 1e-12). Needs four classes.
public func dlrTargeted(
  _ logits: Tensor, labels: [Int], targets: [Int], reduction: LossReduction = .none
) throws(CoreError) -> Tensor {
  let classes = try checkLabels(logits, labels, "the targeted DLR loss", atLeast: 4)
  try checkLabels(logits, targets, "the targeted DLR loss", atLeast: 4)
  let order = try logits.topPlaces(4, axis: 1)
  let first = try logits.takingFromRows(order.column(0))
  let third = try logits.takingFromRows(order.column(2))
  let fourth = try logits.takingFromRows(order.column(3))
  let spread = try sub(first, add(third, fourth) * 0.5).adding(1e-12)
  let lead = try sub(logits.gather(axis: 1, labels), logits.gather(axis: 1, targets))
  return try reduced(div(lead, spread).neg(), reduction, classes: classes)
}

/// The class of the greatest logit that is not the label's, int64 [n, 1].
func strongestOther(_ logits: Tensor, _ labels: [Int]) throws(CoreError) -> Tensor {
  let order = try logits.topPlaces(2, axis: 1)
  let (first, second) = (try order.column(0), try order.column(1))
  return try whereSelect(equal(first, Tensor(ints: labels, shape: [labels.count, 1])), second, first)
}

extension Tensor {
  /// [n, 1] of [n, k].
  fileprivate func column(_ index: Int) throws(CoreError) -> Tensor { try slice(axis: 1, index, index + 1) }
}
