import Base
import Devices

// Functions of one value at a time. Ints and bools become float32, except where noted; results have the shape of the operand.
//
// Each takes its operand over: an operand that nobody else holds, and that no gradient and no message reads, is overwritten
// (`overwrite`), so that a chain of functions makes one tensor. The gradient is formed by the device from the operand
// (`mapped`) or from the result where that is cheaper (`mappedByResult`), and by recorded operations where it is followed in
// turn (Elementwise+Slopes.swift).
extension Tensor {
  /// −x; of ints and bools int64.
  public consuming func neg() throws(CoreError) -> Tensor {
    dtype == .float32 ? try mapped(.unary(.negate)) : try sub(Tensor(ints: [0], shape: []), self)
  }
  /// e to the power of x.
  public consuming func exp() throws(CoreError) -> Tensor {
    try mappedByResult(.exp) { (g, y) throws(CoreError) in try mul(g, y) }
  }
  /// The natural logarithm; −infinity at 0, NaN below.
  public consuming func log() throws(CoreError) -> Tensor { try mapped(.unary(.log)) }
  /// log(1 + x), exact near 0 too.
  public consuming func log1p() throws(CoreError) -> Tensor { try mapped(.unary(.log1p)) }
  /// exp(x) - 1, exact near 0 too: tanh(x / 2) · (exp(x) + 1).
  public consuming func expm1() throws(CoreError) -> Tensor {
    let x = try asType(.float32)
    return try mul((x * 0.5).tanh(), x.exp() + 1)
  }
  /// The square root; NaN below 0. The gradient at 0 is infinite.
  public consuming func sqrt() throws(CoreError) -> Tensor {
    try mappedByResult(.squareRoot) { (g, y) throws(CoreError) in try div(g, y * 2) }
  }
  /// |x|; of ints and bools int64. Gradient 0 at 0.
  public consuming func abs() throws(CoreError) -> Tensor {
    if dtype == .float32 { return try mapped(.unary(.absolute)) }
    let x = self
    return try maximum(x, x.neg())
  }
  /// x · x; of ints and bools int64.
  public consuming func square() throws(CoreError) -> Tensor {
    if dtype == .float32 { return try mapped(.unary(.square)) }
    let x = self
    return try mul(x, x)
  }
  /// −1, 0 or 1; sign(0) = 0. Gradient 0.
  public consuming func sign() throws(CoreError) -> Tensor { try mapped(.unary(.sign)) }
  /// 1 / x; infinite at 0.
  public consuming func reciprocal() throws(CoreError) -> Tensor { try mapped(.unary(.reciprocal)) }
  /// The sine of x in radians.
  public consuming func sin() throws(CoreError) -> Tensor {
    try mapped(.unary(.sine)) { (g, x) throws(CoreError) in try mul(g, x.cos()) }
  }
  /// The cosine of x in radians.
  public consuming func cos() throws(CoreError) -> Tensor {
    try mapped(.unary(.cosine)) { (g, x) throws(CoreError) in try mul(g, x.sin()).neg() }
  }
  /// The tangent of x in radians.
  public consuming func tan() throws(CoreError) -> Tensor {
    try mappedByResult(.tangent) { (g, y) throws(CoreError) in try mul(g, y.square() + 1) }
  }
  /// The arcsine in radians, from −π/2 to π/2; NaN beyond −1…1, as of `acos`.
  public consuming func asin() throws(CoreError) -> Tensor { try mapped(.unary(.arcsine)) }
  /// The arccosine in radians, from 0 to π.
  public consuming func acos() throws(CoreError) -> Tensor { try mapped(.unary(.arccosine)) }
  /// The arctangent in radians, from −π/2 to π/2.
  public consuming func atan() throws(CoreError) -> Tensor { try mapped(.unary(.arctangent)) }
  /// The error function 2/√π ∫₀ˣ exp(−t²) dt.
  public consuming func erf() throws(CoreError) -> Tensor {
    try mapped(.unary(.errorFunction)) { (g, x) throws(CoreError) in
      try mul(g, x.square().neg().exp() * (2 / Float.pi.squareRoot()))
    }
  }
  /// The hyperbolic tangent.
  public consuming func tanh() throws(CoreError) -> Tensor {
    try mappedByResult(.tanh) { (g, y) throws(CoreError) in try combine(.tanhGradient, y, g) }
  }
  /// The inverse of `tanh`; infinite at ±1, NaN beyond.
  public consuming func atanh() throws(CoreError) -> Tensor { try mapped(.unary(.atanh)) }
  /// 1 / (1 + exp(−x)).
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
  /// min(max(x, 0), 6), gradient 0 at 0 and at 6.
  public consuming func relu6() throws(CoreError) -> Tensor {
    try mappedByResult(.relu6) { (g, y) throws(CoreError) in try combine(.relu6Gradient, y, g) }
  }
  /// x · Φ(x), with the normal distribution function itself and not its approximation by tanh.
  public consuming func gelu() throws(CoreError) -> Tensor { try mapped(.unary(.gelu)) }
  /// Rounded down. Gradient 0.
  public consuming func floor() throws(CoreError) -> Tensor { try mapped(.unary(.floor)) }
  /// Rounded up. Gradient 0.
  public consuming func ceil() throws(CoreError) -> Tensor { try mapped(.unary(.ceiling)) }
  /// Rounded to the nearest whole number, half to even. Gradient 0.
  public consuming func round() throws(CoreError) -> Tensor { try mapped(.unary(.round)) }

  /// Limited to min…max; gradient 1 inside and on the bounds, 0 outside.
  /// - Throws: `value` when min is greater than max.
  public consuming func clip(min low: Float = -.infinity, max high: Float = .infinity) throws(CoreError) -> Tensor {
    guard low <= high else { throw CoreError(.value, "clip needs min <= max, not min=\(low) and max=\(high)") }
    return try mapped(.clip(low: low, high: high))
  }

  /// Limited to bounds that broadcast with it; where min is above max, max counts. The gradient passes where it is inside or
  /// on the bounds; beyond one, it goes to that bound, to that of max where min is above it (PyTorch's clamp).
  /// - Throws: `value` when both are single numbers and min is greater than max.
  public func clip(min low: Tensor?, max high: Tensor?) throws(CoreError) -> Tensor {
    let x = try asType(.float32)
    let (low, high) = (try low?.asType(.float32), try high?.asType(.float32))
    let (values, least, greatest) = (x.detached(), low?.detached(), high?.detached())
    var y = values
    if least?.shape.isEmpty ?? true, greatest?.shape.isEmpty ?? true {
      y = try values.clip(
        min: least.map { l throws(CoreError) in Float(try l.item()) } ?? -.infinity,
        max: greatest.map { h throws(CoreError) in Float(try h.item()) } ?? .infinity)
    } else {
      var shape = shape
      for case let bound? in [low, high] { shape = try Shape.broadcast(shape, bound.shape, "clip") }
      if let least { y = try maximum(y, least) }
      if let greatest { y = try minimum(y, greatest) }
      y = try y.broadcast(to: shape)
    }
    let bounds = [low, high].compactMap { $0 }
    return try y.recording([x] + bounds, operation: "clip", isTwice: true) { (g, needs) throws(CoreError) in
      let zero = try Tensor.scalar(0)
      var gradients: [Tensor?] = [nil]
      if needs[0] {
        var own = g
        if let least { own = try whereSelect(lessEqual(least, values), own, zero) }
        if let greatest { own = try whereSelect(lessEqual(values, greatest), own, zero) }
        gradients[0] = try own.summed(to: values.shape)
      }
      if let least {
        var below = try less(values, least)
        if let greatest { below = try logicalAnd(below, less(least, greatest)) }
        gradients.append(needs[gradients.count] ? try whereSelect(below, g, zero).summed(to: least.shape) : nil)
      }
      if let greatest {
        var above = try less(greatest, values)
        if let least { above = try logicalOr(above, less(greatest, least)) }
        gradients.append(needs[gradients.count] ? try whereSelect(above, g, zero).summed(to: greatest.shape) : nil)
      }
      return gradients
    }
  }

  /// x · scale + offset.
  public consuming func affine(scale: Float, offset: Float) throws(CoreError) -> Tensor {
    var x = try asType(.float32)
    if try x.overwrite(with: .affine(scale: scale, offset: offset)) { return x }
    let y = try x.values(.affine(scale: scale, offset: offset))
    return try y.recording([x], isTwice: true) { (g, _) throws(CoreError) in
      [scale == 1 ? g : try g.affine(scale: scale, offset: 0)]
    }
  }

  private func values(_ function: ElementwiseMap) throws(CoreError) -> Tensor {
    let y = try similar()
    try device.map(function, storage, y.storage, count: count)
    return y
  }

  /// Writes `function` of each value over the values where nobody else needs them.
  private mutating func overwrite(with function: ElementwiseMap) throws(CoreError) -> Bool {
    guard ownsItsValues() else { return false }
    try device.map(function, storage, storage, count: count)
    storage.forgetDerived()
    return true
  }

  /// The gradient is formed from the operand, by the device unless `pullback` is given.
  private consuming func mapped(
    _ function: ElementwiseMap, _ pullback: ((_ g: Tensor, _ x: Tensor) throws(CoreError) -> Tensor)? = nil
  ) throws(CoreError) -> Tensor {
    var x = try asType(.float32)
    if try x.overwrite(with: function) { return x }
    let y = try x.values(function)
    let saved = x.detached()
    return try y.recording([x], operation: function.name, isTwice: true) { (g, needs) throws(CoreError) in
      let operand = needs.operand(saved, 0)
      if let pullback { return [try pullback(g, operand)] }
      if needs.areFollowed { return [try function.pullback(g, operand)] }
      let g = try g.inLayout(saved.layout)
      let dx = try saved.similar()
      try device.mapGradient(function, saved.storage, g.storage, dx.storage, count: saved.count)
      return [dx]
    }
  }

  /// The gradient is formed from the result.
  private consuming func mappedByResult(
    _ operation: UnaryOperation, _ pullback: @escaping (_ g: Tensor, _ y: Tensor) throws(CoreError) -> Tensor
  ) throws(CoreError) -> Tensor {
    var x = try asType(.float32)
    if try x.overwrite(with: .unary(operation)) { return x }
    let y = try x.values(.unary(operation))
    return try y.recording([x], operation: "\(operation)", isTwice: true) { (g, needs) throws(CoreError) in
      [try pullback(g, needs.result(y))]
    }
  }
}

/// Both of one shape: the device's gradient of an operation from its result and the gradient of that; by recorded operations
/// where one of them has a record.
func combine(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  if a.isTracked || b.isTracked {
    switch operation {
    case .tanhGradient: return try mul(b, 1 - a.square())
    case .sigmoidGradient: return try mul(b, mul(a, 1 - a))
    case .relu6Gradient:
      return try whereSelect(logicalAnd(less(.scalar(0), a), less(a, .scalar(6))), b, .scalar(0))
    default: return try whereSelect(less(.scalar(0), a), b, .scalar(0))
    }
  }
  let b = try b.inLayout(a.layout)
  let y = try a.similar()
  try device.binary(operation, a.view, b.view, y.view)
  return y
}
