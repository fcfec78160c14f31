import Base
import Devices

extension Tensor {
  /// softmax(x / temperature) along an axis (the last if none is given).
  /// - Throws: `value` unless temperature > 0.
  public func softmax(temperature: Float = 1, axis: Int = -1) throws(CoreError) -> Tensor {
    try softmax(temperature, axis, logarithm: false)
  }

  /// log softmax(x / temperature) along an axis (the last if none is given).
  public func logSoftmax(temperature: Float = 1, axis: Int = -1) throws(CoreError) -> Tensor {
    try softmax(temperature, axis, logarithm: true)
  }

  private func softmax(_ temperature: Float, _ axis: Int, logarithm: Bool) throws(CoreError) -> Tensor {
    guard temperature > 0, temperature.isFinite, (1 / temperature).isFinite else {
      throw CoreError(
        .value, "a temperature must be a positive number, not \(temperature)", hint: "T=1 leaves the softmax as it is",
        argument: "temperature")
    }
    let axis = try Shape.axis(axis, rank: rank, "softmax")
    let x = try asType(.float32)
    if axis != rank - 1 {
      return try x.movingAxisLast(axis).softmax(temperature, -1, logarithm: logarithm).movingLastAxis(to: axis)
    }
    let source = try x.rowMajor()
    let y = try Tensor(.float32, shape: shape)
    let columns = shape[axis]
    let rows = columns == 0 ? 0 : count / columns
    try device.softmax(
      source.storage, rows: rows, columns: columns, temperature: temperature, logarithm: logarithm, y.storage)
    return try y.recording([x], isTwice: true) { (g, needs) throws(CoreError) in
      if needs.areFollowed {
        let y = needs.result(y)
        let slopes =
          try logarithm
          ? sub(g, mul(y.exp(), g.sum(axes: [-1], keepdim: true)))
          : mul(y, sub(g, mul(g, y).sum(axes: [-1], keepdim: true)))
        return [try slopes / temperature]
      }
      let g = try g.rowMajor()
      let dx = try Tensor(.float32, shape: y.shape)
      try device.softmaxGradient(
        y: y.storage, dy: g.storage, rows: rows, columns: columns, temperature: temperature, logarithm: logarithm,
        dx.storage)
      return [dx]
    }
  }

  /// These logits divided by temperatures of their own: one for all, or one for each line along the axis.
  /// - Throws: `shape` unless the temperatures broadcast to the logits with size 1 along the axis; `value` unless all are
  ///   positive and finite.
  public func divided(byTemperature t: Tensor, axis: Int = -1) throws(CoreError) -> Tensor {
    let axis = try Shape.axis(axis, rank: rank, "softmax")
    let missing = rank - t.rank
    let fits =
      t.count == 1 && missing >= 0
      || (missing == 0 && t.shape[axis] == 1
        && t.shape.indices.allSatisfy { t.shape[$0] == 1 || t.shape[$0] == shape[$0] })
    guard fits else {
      throw CoreError(
        .shape, "temperatures of shape \(t.shape) do not fit logits of shape \(shape)",
        hint: t.rank == 1 && rank == 2 ? "T[:, none] is one for each row" : "pass one number, or a column [n, 1]",
        argument: "T")
    }
    let values = try t.detached().asType(.float32).floats()
    if let bad = values.firstIndex(where: { !($0 > 0 && $0.isFinite && (1 / $0).isFinite) }) {
      throw CoreError(
        .value,
        t.count == 1
          ? "a temperature must be a positive number, not \(values[bad])"
          : "temperatures must be positive numbers; the one at \(Shape.indices(of: bad, in: t.shape)) is \(values[bad])",
        hint: "T=1 leaves the softmax as it is", argument: "T")
    }
    return try div(self, t)
  }

  func movingAxisLast(_ axis: Int) throws(CoreError) -> Tensor {
    if axis == rank - 1 || axis == -1 { return self }
    return try permute(shape.indices.filter { $0 != axis } + [axis])
  }

  func movingLastAxis(to axis: Int) throws(CoreError) -> Tensor {
    if axis == rank - 1 { return self }
    var order = Array(0..<(rank - 1))
    order.insert(rank - 1, at: axis)
    return try permute(order)
  }
}
