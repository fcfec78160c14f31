import KernelTypes

// One value at a time. Ints and bools become float32, except where noted.
extension Tensor {
  public consuming func neg() throws(CoreError) -> Tensor {
    dtype == .float32 ? try mapped(.unary(.negate)) : try sub(Tensor(ints: [0], shape: []), self)
  }
  public consuming func exp() throws(CoreError) -> Tensor {
    try mappedByResult(.exp) { (g, y) throws(CoreError) in try mul(g, y) }
  }
  public consuming func log() throws(CoreError) -> Tensor { try mapped(.unary(.log)) }
  public consuming func log1p() throws(CoreError) -> Tensor { try mapped(.unary(.log1p)) }
  public consuming func sqrt() throws(CoreError) -> Tensor {
    try mappedByResult(.squareRoot) { (g, y) throws(CoreError) in try div(g, y * 2) }
  }
  /// Gradient 0 at 0.
  public consuming func abs() throws(CoreError) -> Tensor {
    if dtype == .float32 { return try mapped(.unary(.absolute)) }
    let x = self
    return try maximum(x, x.neg())
  }
  public consuming func square() throws(CoreError) -> Tensor {
    if dtype == .float32 { return try mapped(.unary(.square)) }
    let x = self
    return try mul(x, x)
  }
  /// −1, 0 or 1; sign(0) = 0. Gradient 0.
  public consuming func sign() throws(CoreError) -> Tensor { try mapped(.unary(.sign)) }
  public consuming func reciprocal() throws(CoreError) -> Tensor { try mapped(.unary(.reciprocal)) }
  public consuming func sin() throws(CoreError) -> Tensor {
    let x = detached()
    return try mapped(.unary(.sine)) { (g) throws(CoreError) in try mul(g, x.cos()) }
  }
  public consuming func cos() throws(CoreError) -> Tensor {
    let x = detached()
    return try mapped(.unary(.cosine)) { (g) throws(CoreError) in try mul(g, x.sin()).neg() }
  }
  public consuming func tan() throws(CoreError) -> Tensor {
    try mappedByResult(.tangent) { (g, y) throws(CoreError) in try mul(g, y.square() + 1) }
  }
  /// In radians; NaN beyond −1…1, as of `acos`.
  public consuming func asin() throws(CoreError) -> Tensor { try mapped(.unary(.arcsine)) }
  public consuming func acos() throws(CoreError) -> Tensor { try mapped(.unary(.arccosine)) }
  public consuming func atan() throws(CoreError) -> Tensor { try mapped(.unary(.arctangent)) }
  /// The error function 2/√π ∫₀ˣ exp(−t²) dt.
  public consuming func erf() throws(CoreError) -> Tensor {
    let x = detached()
    return try mapped(.unary(.errorFunction)) { (g) throws(CoreError) in
      try mul(g, x.square().neg().exp() * (2 / Float.pi.squareRoot()))
    }
  }
  public consuming func tanh() throws(CoreError) -> Tensor {
    try mappedByResult(.tanh) { (g, y) throws(CoreError) in try combine(.tanhGradient, y, g) }
  }
  public consuming func atanh() throws(CoreError) -> Tensor { try mapped(.unary(.atanh)) }
  public consuming func sigmoid() throws(CoreError) -> Tensor {
    try mappedByResult(.sigmoid) { (g, y) throws(CoreError) in try combine(.sigmoidGradient, y, g) }
  }
  /// log(1 + exp(x)).
  public consuming func softplus() throws(CoreError) -> Tensor { try mapped(.unary(.softplus)) }
  /// max(x, 0), gradient 0 at 0.
  public consuming func relu() throws(CoreError) -> Tensor {
    try mappedByResult(.relu) { (g, y) throws(CoreError) in try combine(.reluGradient, y, g) }
  }
  /// x where x > 0, slope · x elsewhere.
  public consuming func leakyRelu(slope: Float = 0.01) throws(CoreError) -> Tensor {
    try mapped(.leakyRelu(slope: slope))
  }
  /// x · sigmoid(x).
  public consuming func silu() throws(CoreError) -> Tensor { try mapped(.unary(.silu)) }
  /// Gradient 0, as of `ceil` and `round` (half to even).
  public consuming func floor() throws(CoreError) -> Tensor { try mapped(.unary(.floor)) }
  public consuming func ceil() throws(CoreError) -> Tensor { try mapped(.unary(.ceiling)) }
  public consuming func round() throws(CoreError) -> Tensor { try mapped(.unary(.round)) }

  /// Limited to min…max; gradient 1 inside and on the bounds, 0 outside.
  /// - Throws: `value` when min is greater than max.
  public consuming func clip(min low: Float = -.infinity, max high: Float = .infinity) throws(CoreError) -> Tensor {
    guard low <= high else { throw CoreError(.value, "clip needs min <= max, not min=\(low) and max=\(high)") }
    return try mapped(.clip(low: low, high: high))
  }

  /// x · scale + offset.
  public consuming func affine(scale: Float, offset: Float) throws(CoreError) -> Tensor {
    var x = try asType(.float32)
    if x.overwrite(with: .affine(scale: scale, offset: offset)) { return x }
    let y = try x.values(.affine(scale: scale, offset: offset))
    return try y.recording([x]) { (g, _) throws(CoreError) in [scale == 1 ? g : try g.affine(scale: scale, offset: 0)] }
  }

  private func values(_ function: ElementwiseMap) throws(CoreError) -> Tensor {
    let y = try similar()
    device.map(function, storage, y.storage, count: count)
    return y
  }

  /// Writes `function` of each value over the values where nobody else needs them.
  private mutating func overwrite(with function: ElementwiseMap) -> Bool {
    guard ownsItsValues() else { return false }
    device.map(function, storage, storage, count: count)
    storage.forgetDerived()
    return true
  }

  /// The gradient is formed from the operand, by the device unless `pullback` is given.
  private consuming func mapped(
    _ function: ElementwiseMap, _ pullback: ((Tensor) throws(CoreError) -> Tensor)? = nil
  ) throws(CoreError) -> Tensor {
    var x = try asType(.float32)
    if x.overwrite(with: function) { return x }
    let y = try x.values(function)
    let saved = x.detached()
    return try y.recording([x], operation: function.name) { (g, _) throws(CoreError) in
      if let pullback { return [try pullback(g)] }
      let g = try g.inLayout(saved.layout)
      let dx = try saved.similar()
      device.mapGradient(function, saved.storage, g.storage, dx.storage, count: saved.count)
      return [dx]
    }
  }

  /// The gradient is formed from the result.
  private consuming func mappedByResult(
    _ operation: UnaryOperation, _ pullback: @escaping (_ g: Tensor, _ y: Tensor) throws(CoreError) -> Tensor
  ) throws(CoreError) -> Tensor {
    var x = try asType(.float32)
    if x.overwrite(with: .unary(operation)) { return x }
    let y = try x.values(.unary(operation))
    return try y.recording([x], operation: "\(operation)") { (g, _) throws(CoreError) in [try pullback(g, y)] }
  }
}

/// Both of one shape; without a record.
private func combine(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  let b = try b.inLayout(a.layout)
  let y = try a.similar()
  try device.binary(operation, a.view, b.view, y.view)
  return y
}
