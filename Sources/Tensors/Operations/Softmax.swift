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
    guard temperature > 0, temperature.isFinite else {
      throw CoreError(
        .value, "a temperature is a positive number, not \(temperature)", hint: "T=1 leaves the softmax as it is",
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
