import Base

// Losses of attacks over logits [n, k] and labels.

/// z_y − max_{j≠y} z_j for each example: positive where the label wins.
public func margin(_ logits: Tensor, labels: [Int], reduction: LossReduction = .none) throws(CoreError) -> Tensor {
  let classes = try checkLabels(logits, labels, "the margin", atLeast: 2)
  let other = try logits.gather(axis: 1, otherPlaces(logits, labels))
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
  let order = try logits.topPlaces(3, axis: 1).ints()
  let (first, third) = (
    try logits.gather(axis: 1, column(order, 3, 0)), try logits.gather(axis: 1, column(order, 3, 2))
  )
  let spread = try sub(first, third).adding(1e-12)
  return try reduced(div(margin(logits, labels: labels), spread).neg(), reduction, classes: classes)
}

/// Targeted difference of logits ratio: −(z_y − z_t) / (z_π1 − (z_π3 + z_π4) / 2 + 1e-12). Needs four classes.
public func dlrTargeted(
  _ logits: Tensor, labels: [Int], targets: [Int], reduction: LossReduction = .none
) throws(CoreError) -> Tensor {
  let classes = try checkLabels(logits, labels, "the targeted DLR loss", atLeast: 4)
  try checkLabels(logits, targets, "the targeted DLR loss", atLeast: 4)
  let order = try logits.topPlaces(4, axis: 1).ints()
  let first = try logits.gather(axis: 1, column(order, 4, 0))
  let third = try logits.gather(axis: 1, column(order, 4, 2))
  let fourth = try logits.gather(axis: 1, column(order, 4, 3))
  let spread = try sub(first, add(third, fourth) * 0.5).adding(1e-12)
  let lead = try sub(logits.gather(axis: 1, labels), logits.gather(axis: 1, targets))
  return try reduced(div(lead, spread).neg(), reduction, classes: classes)
}

/// The place of the greatest logit that is not the label's.
func otherPlaces(_ logits: Tensor, _ labels: [Int]) throws(CoreError) -> [Int] {
  let order = try logits.topPlaces(2, axis: 1).ints()
  return labels.indices.map { order[2 * $0] == labels[$0] ? order[2 * $0 + 1] : order[2 * $0] }
}

private func column(_ order: [Int], _ width: Int, _ place: Int) -> [Int] {
  stride(from: place, to: order.count, by: width).map { order[$0] }
}
