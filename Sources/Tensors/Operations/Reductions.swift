import Base
import Devices

// Reductions over the given axes (negative ones count from the end), or over all when `axes` is nil. Axes that are reduced
// are gone from the result; with `keepdim` they stay, with size 1. All throw `shape` for an axis that the tensor does not
// have, and `value` for one that is named twice.
extension Tensor {
  /// The sum; 0 of nothing. Of bools and ints int64, which wraps around.
  public func sum(axes: [Int]? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    let x = dtype == .bool ? try asType(.int64) : self
    let (axes, kept) = try x.reduced(axes, "sum")
    let y = try x.reduce(.sum, axes, kept)
    let shape = shape
    return try y.recording([x], isTwice: true) { (g, _) throws(CoreError) in
      [try g.reshape(kept).broadcast(to: shape)]
    }
    .shaped(keepdim ? kept : kept.dropping(axes))
  }

  /// The mean, float32; NaN when there is nothing to average.
  public func mean(axes: [Int]? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    let x = try asType(.float32)
    let (found, _) = try x.reduced(axes, "mean")
    let count = found.reduce(1) { $0 &* shape[$1] }
    return try div(x.sum(axes: found, keepdim: keepdim), .scalar(Float(count)))
  }

  /// The variance: squared deviations over the number of elements, less 1 if unbiased. NaN where that leaves none.
  public func variance(axes: [Int]? = nil, unbiased: Bool = true, keepdim: Bool = false) throws(CoreError) -> Tensor {
    let x = try asType(.float32)
    let (found, _) = try x.reduced(axes, "variance")
    let count = found.reduce(1) { $0 &* shape[$1] }
    let deviations = try sub(x, x.mean(axes: found, keepdim: true)).square()
    // Of no elements, too, the divisor is 0 and the result NaN.
    return try div(
      deviations.sum(axes: found, keepdim: keepdim), .scalar(Float(unbiased && count > 0 ? count - 1 : count)))
  }

  /// The greatest; NaN if one is. The gradient is shared evenly among equals.
  /// - Throws: `shape` for the maximum of nothing.
  public func max(axes: [Int]? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    try extremum(.maximum, "max", axes, keepdim)
  }

  /// The smallest; NaN if one is. The gradient is shared evenly among equals.
  public func min(axes: [Int]? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    try extremum(.minimum, "min", axes, keepdim)
  }

  /// The index of the greatest element along an axis, the first of equals, NaN above all; int64. Without an axis that in
  /// row-major order.
  /// - Throws: `shape` where there are no elements.
  public func argmax(axis: Int? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    guard let given = axis else {
      guard count > 0 else {
        throw CoreError(.shape, "argmax of no elements: the shape is \(shape)", argument: "x")
      }
      return try detached().reshape([count]).argmax(axis: 0).reshape(keepdim ? shape.map { _ in 1 } : [])
    }
    let axis = try Shape.axis(given, rank: rank, "argmax")
    guard shape[axis] > 0 else {
      throw CoreError(.shape, "argmax of no elements: axis \(axis) of shape \(shape) is empty", argument: "x")
    }
    let places = try topPlaces(1, axis: axis)
    var target = shape
    target[axis] = 1
    if !keepdim { target.remove(at: axis) }
    return try places.reshape(target)
  }

  /// The index of the smallest element along an axis, the first of equals; int64. Without an axis that in row-major order.
  /// - Throws: `shape` where there are no elements.
  public func argmin(axis: Int? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    try asType(.float32).detached().neg().argmax(axis: axis, keepdim: keepdim)
  }

  /// The indices of the k greatest along an axis, which becomes the last one: greatest first, the first of equals first.
  package func topPlaces(_ k: Int, axis: Int) throws(CoreError) -> Tensor {
    let x = try detached().asType(.float32).movingAxisLast(axis).rowMajor()
    let columns = x.shape.last ?? 1
    let shape = x.shape.dropLast() + [k]
    let places = try Tensor(.int64, shape: Array(shape))
    if x.count > 0 { try device.greatest(k, x.storage, rows: x.count / columns, columns: columns, places.storage) }
    return places
  }

  /// Whether any element is true (not 0).
  public func any(axes: [Int]? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    try notEqual(asType(.bool).sum(axes: axes, keepdim: keepdim), Tensor(ints: [0], shape: []))
  }

  /// Whether all elements are true (not 0).
  public func all(axes: [Int]? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    try equal(logicalNot(self).sum(axes: axes, keepdim: keepdim), Tensor(ints: [0], shape: []))
  }

  /// The square root of the variance; the gradient is 0 where it is 0.
  public func standardDeviation(
    axes: [Int]? = nil, unbiased: Bool = true, keepdim: Bool = false
  ) throws(CoreError) -> Tensor {
    let variance = try variance(axes: axes, unbiased: unbiased, keepdim: keepdim)
    let y = try variance.detached().sqrt()
    return try y.recording([variance], isTwice: true) { (g, needs) throws(CoreError) in
      [try ratio(g, needs.result(y) * 2)]
    }
  }

  /// The p-norm (p ≥ 1 or infinity) over all elements, or of each example (all axes but the first).
  public func norm(_ p: Double = 2, perExample: Bool = false) throws(CoreError) -> Tensor {
    if perExample && rank == 0 { throw CoreError(.shape, "a tensor without axes has no examples") }
    return try norm(p, axes: perExample ? Array(1..<Swift.max(rank, 1)) : nil, keepdim: false)
  }

  /// The p-norm (p ≥ 1 or infinity) over the given axes; the gradient is 0 where it is 0.
  public func norm(_ p: Double, axes: [Int]?, keepdim: Bool) throws(CoreError) -> Tensor {
    guard p >= 1 else { throw CoreError(.value, "a norm needs p >= 1, not \(p)", hint: "use 1, 2 or infinity") }
    let x = try asType(.float32)
    if p == 1 { return try x.abs().sum(axes: axes, keepdim: keepdim) }
    let (axes, kept) = try x.reduced(axes, "norm")
    if p == .infinity {
      let sizes = try x.abs()
      return axes.contains { shape[$0] == 0 }
        ? try sizes.sum(axes: axes, keepdim: keepdim) : try sizes.max(axes: axes, keepdim: keepdim)
    }
    let saved = x.detached()
    let powers = try p == 2 ? saved.square() : pow(saved.abs(), .scalar(Float(p)))
    let sums = try powers.sum(axes: axes, keepdim: true)
    let y = try p == 2 ? sums.sqrt() : pow(sums, .scalar(Float(1 / p)))
    return try y.recording([x], isTwice: true) { (g, needs) throws(CoreError) in
      // sign(x) · (|x| / y)^(p − 1), and 0 at 0.
      let (x, y) = (needs.operand(saved, 0), needs.result(y))
      if p == 2 { return [try mul(x, ratio(g, y))] }
      return [try mul(mul(x.sign(), pow(ratio(x.abs(), y), .scalar(Float(p - 1)))), g)]
    }.shaped(keepdim ? kept : kept.dropping(axes))
  }

  /// log Σ exp(x) along an axis, without overflow.
  public func logsumexp(axis: Int, keepdim: Bool = false) throws(CoreError) -> Tensor {
    let x = try asType(.float32)
    let axis = try Shape.axis(axis, rank: rank, "logsumexp")
    guard shape[axis] > 0 else {
      throw CoreError(.shape, "logsumexp of no elements: axis \(axis) of shape \(shape) is empty", argument: "x")
    }
    let values = x.detached()
    let top = try values.max(axes: [axis], keepdim: true)
    let shift = try whereSelect(less(top.abs(), .scalar(.infinity)), top, .scalar(0))
    let y = try add(sub(values, shift).exp().sum(axes: [axis], keepdim: true).log(), shift)
    return try y.recording([x], isTwice: true) { (g, needs) throws(CoreError) in
      [try mul(needs.operand(values, 0).softmax(axis: axis), g)]
    }.shaped(keepdim ? y.shape : y.shape.dropping([axis]))
  }

  private func extremum(_ reduction: Reduction, _ name: String, _ axes: [Int]?, _ keepdim: Bool) throws(CoreError)
    -> Tensor
  {
    let x = dtype == .bool ? try asType(.int64) : self
    let (axes, kept) = try x.reduced(axes, name)
    guard !axes.contains(where: { shape[$0] == 0 }) else {
      throw CoreError(
        .shape,
        "\(name) of no elements: \(axes.count == 1 ? "axis \(axes[0])" : "one of the axes \(axes)") of shape \(shape) is empty",
        argument: "x")
    }
    let y = try x.reduce(reduction, axes, kept)
    let saved = x.detached()
    return try y.recording([x], isTwice: true) { (g, _) throws(CoreError) in
      let chosen = try equal(saved, y).asType(.float32)
      let share = try div(g, chosen.sum(axes: axes, keepdim: true))
      return [try mul(chosen, share)]
    }.shaped(keepdim ? kept : kept.dropping(axes))
  }

  /// The least and the greatest of at least one element, in one read by the host. NaN if one is; both are finite only
  /// where every element is.
  package func bounds() throws(CoreError) -> (low: Double, high: Double) {
    let (x, axes, one) = (try detached().asType(.float32), Array(0..<rank), shape.map { _ in 1 })
    let found = try Tensor.items([x.reduce(.minimum, axes, one), x.reduce(.maximum, axes, one)])
    return (found[0], found[1])
  }

  /// The axes in order, and the shape with 1 at each.
  private func reduced(_ axes: [Int]?, _ name: String) throws(CoreError) -> ([Int], [Int]) {
    let axes = try Shape.axes(axes, rank: rank, name)
    var kept = shape
    for axis in axes { kept[axis] = 1 }
    return (axes, kept)
  }

  private func reduce(_ reduction: Reduction, _ axes: [Int], _ kept: [Int]) throws(CoreError) -> Tensor {
    if axes.allSatisfy({ shape[$0] == 1 }), count > 0 { return try rowMajor() }
    let y = try Tensor(dtype, shape: kept)
    var reducing = [Bool](repeating: false, count: rank)
    for axis in axes { reducing[axis] = true }
    if y.count > 0 { try device.reduce(reduction, view, reducing: reducing, y.storage) }
    return y
  }

  /// With a record.
  private func shaped(_ target: [Int]) throws(CoreError) -> Tensor { target == shape ? self : try reshape(target) }
}

/// a / b, and 0 where b is 0, with gradients 0 there.
private func ratio(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  let isZero = try equal(b, .scalar(0))
  return try whereSelect(isZero, .scalar(0), div(a, whereSelect(isZero, .scalar(1), b)))
}

extension [Int] {
  func dropping(_ axes: [Int]) -> [Int] { indices.filter { !axes.contains($0) }.map { self[$0] } }
}
