import Base
import Devices

// What the inner loops of attacks do to a batch of images in one pass over memory. None of it is recorded.

/// The ball that a step with momentum stays in, and the direction that it takes.
public enum StepBall: Sendable {
  /// Largest change of a value: along the sign of the gradient.
  case linf
  /// Euclidean length of a change: along the gradient.
  case l2
}

/// One step of Auto-PGD (Croce and Hein 2020): with u = clip(x + step · d), where d is the steepest direction of length 1,
/// the result is clip(x + share · (u − x) + (1 − share) · (x − previous)). `clip` is back into the ball of radius eps
/// around `center`, and then to 0…1.
///
/// - Parameters:
///   - x: [n, …], as `previous`, `gradient` and `center`.
///   - steps: the length of the step of each example, n float32 numbers.
public func momentumStep(
  _ x: Tensor, previous: Tensor, gradient: Tensor, center: Tensor, steps: Tensor, share: Float, eps: Float,
  in ball: StepBall
) throws(CoreError) -> Tensor {
  try requireExamples([x, gradient, center, previous], [steps], "momentumStep")
  let layout = commonLayout(x.shape, [gradient, x])
  let from = try x.inLayout(layout)
  let (before, slope, middle) = (
    try previous.inLayout(layout), try gradient.inLayout(layout), try center.inLayout(layout)
  )
  let y = try from.similar()
  guard y.count > 0 else { return y }
  try device.momentumStep(
    from.storage, previous: before.storage, slope.storage, middle.storage, steps: steps.rowMajor().storage,
    share: share, eps: eps, isSign: ball == .linf, y.storage, rows: x.shape[0], columns: y.count / x.shape[0])
  return y
}

/// One step of Auto-PGD in the L1 ball (Croce and Hein 2021): along the signs of the values with the greatest slopes,
/// which share the step, then to the nearest point of the ball of radius eps around `center` and of 0…1.
///
/// - Parameters:
///   - x: [n, …], as `gradient` and `center`.
///   - steps: the length of the step of each example, n float32 numbers.
///   - ranks: for each example which of the sizes of slopes is the first that moves, counted from 0, the smallest
///     first; n float32 numbers, which are rounded down.
public func sparseStep(
  _ x: Tensor, gradient: Tensor, center: Tensor, steps: Tensor, ranks: Tensor, eps: Float
) throws(CoreError) -> Tensor {
  try requireExamples([x, gradient, center], [steps, ranks], "sparseStep")
  let layout = commonLayout(x.shape, [gradient, x])
  let from = try x.inLayout(layout)
  let (slope, middle) = (try gradient.inLayout(layout), try center.inLayout(layout))
  let y = try from.similar()
  guard y.count > 0 else { return y }
  try device.sparseStep(
    from.storage, slope.storage, middle.storage, steps: steps.rowMajor().storage, ranks: ranks.rowMajor().storage,
    eps: eps, y.storage, rows: x.shape[0], columns: y.count / x.shape[0])
  return y
}

/// The point of the L1 ball of radius eps around each `center`, and of 0…1, that is nearest to x.
///
/// - Parameter x: [n, …], as `center`, whose values are in 0…1.
public func nearestInL1(_ x: Tensor, center: Tensor, eps: Float) throws(CoreError) -> Tensor {
  try requireExamples([x, center], [], "nearestInL1")
  let from = try x.inLayout(x.layout)
  let middle = try center.inLayout(from.layout)
  let y = try from.similar()
  guard y.count > 0 else { return y }
  try device.nearestInL1(
    from.storage, middle.storage, eps: eps, y.storage, rows: y.shape[0], columns: y.count / y.shape[0])
  return y
}

/// Checks examples [n, …] of one shape, and that there are n numbers of each other kind.
private func requireExamples(_ examples: [Tensor], _ numbers: [Tensor], _ name: String) throws(CoreError) {
  let shape = examples[0].shape
  guard (examples + numbers).allSatisfy({ $0.dtype == .float32 }), examples.allSatisfy({ $0.shape == shape }),
    let n = shape.first, numbers.allSatisfy({ $0.count == n })
  else {
    throw CoreError(
      .shape,
      "\(name) needs float32 tensors of one shape and one number for each example, not \((examples + numbers).map(\.shape))"
    )
  }
}

extension Tensor {
  /// The examples of a tensor [n, …] at these indices, in that order, as `indexSelect` of the first axis takes them; they
  /// keep their order in memory. Not recorded.
  public func examples(_ indices: [Int]) throws(CoreError) -> Tensor {
    guard layout == .channelsLast, count > 0, indices.allSatisfy({ $0 >= 0 && $0 < shape[0] }) else {
      return try detached().indexSelect(axis: 0, indices)
    }
    let y = try Tensor(dtype, shape: [indices.count] + shape.dropFirst(), layout: layout)
    let places = try Tensor(ints: indices, shape: [indices.count])
    try device.take(
      storage, dtype, block: count / shape[0], places.storage, count: indices.count, y.storage)
    return y
  }

  /// Puts the examples of another tensor [n, …] into this one of the same shape, where the mask is true; in place where
  /// nobody else holds it.
  ///
  /// - Parameter mask: n bools.
  public mutating func replaceRows(where mask: Tensor, with other: Tensor) throws(CoreError) {
    guard dtype == .float32, other.dtype == .float32, shape == other.shape, rank > 0, mask.dtype == .bool,
      mask.count == shape[0]
    else {
      throw CoreError(
        .shape, "rows of shape \(other.shape) and a mask of shape \(mask.shape) do not fit a tensor of shape \(shape)")
    }
    guard count > 0 else { return }
    let source = try other.inLayout(layout)
    try makeUnique()
    try device.copyRows(
      source.storage, where: mask.rowMajor().storage, to: storage, rows: shape[0], columns: count / shape[0])
  }
}
