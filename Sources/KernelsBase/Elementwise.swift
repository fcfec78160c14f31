import CCPU
import KernelTypes
import Platform

extension CPUKernels {
  // `f` stands once in each loop: closures used twice are not inlined.

  @inline(__always) private static func map(_ x: Floats, _ y: MutableFloats, _ count: Int, _ f: (V) -> V) {
    var i = 0
    while i < count {
      let n = min(16, count - i)
      vstore(y + i, f(vload(x + i, first: n)), first: n)
      i += 16
    }
  }

  @inline(__always) private static func map(
    _ a: Floats, _ aStep: Int, _ b: Floats, _ bStep: Int, _ y: MutableFloats, _ count: Int, _ f: (V, V) -> V
  ) {
    guard count > 0 else { return }
    let left = V(repeating: a[0])
    let right = V(repeating: b[0])
    var i = 0
    while i < count {
      let n = min(16, count - i)
      let v = aStep == 0 ? left : vload(a + i, first: n)
      let w = bStep == 0 ? right : vload(b + i, first: n)
      vstore(y + i, f(v, w), first: n)
      i += 16
    }
  }

  package static func unary(_ operation: UnaryOperation, _ x: Floats, _ y: MutableFloats, _ count: Int) {
    switch operation {
    case .negate: map(x, y, count) { floats(bits($0) ^ I(repeating: Int32.min)) }
    case .absolute: map(x, y, count) { vabs($0) }
    case .square: map(x, y, count) { $0 * $0 }
    case .squareRoot: map(x, y, count) { ltd_sqrt16($0) }
    case .reciprocal: map(x, y, count) { 1 / $0 }
    case .sign: map(x, y, count) { signOf($0) }
    case .exp: map(x, y, count) { vexp($0) }
    case .log: map(x, y, count) { vlog($0) }
    case .log1p: map(x, y, count) { vlog1p($0) }
    case .tanh: map(x, y, count) { vtanh($0) }
    case .atanh: map(x, y, count) { vatanh($0) }
    case .sigmoid: map(x, y, count) { vsigmoid($0) }
    case .softplus: map(x, y, count) { vsoftplus($0) }
    case .relu: map(x, y, count) { vrelu($0) }
    case .silu: map(x, y, count) { vsilu($0) }
    case .relu6: map(x, y, count) { lesser(vrelu($0), V(repeating: 6)) }
    case .gelu: map(x, y, count) { vgelu($0) }
    case .sine: map(x, y, count) { lanewise($0) { sinf($0) } }
    case .cosine: map(x, y, count) { lanewise($0) { cosf($0) } }
    case .tangent: map(x, y, count) { lanewise($0) { tanf($0) } }
    case .arcsine: map(x, y, count) { lanewise($0) { asinf($0) } }
    case .arccosine: map(x, y, count) { lanewise($0) { acosf($0) } }
    case .arctangent: map(x, y, count) { lanewise($0) { atanf($0) } }
    case .errorFunction: map(x, y, count) { lanewise($0) { erff($0) } }
    case .floor: map(x, y, count) { ltd_floor16($0) }
    case .ceiling: map(x, y, count) { ltd_ceil16($0) }
    case .round: map(x, y, count) { ltd_round16($0) }
    }
  }

  package static func binary(
    _ operation: BinaryOperation, _ a: Floats, _ aStep: Int, _ b: Floats, _ bStep: Int, _ y: MutableFloats, _ count: Int
  ) {
    switch operation {
    case .add: map(a, aStep, b, bStep, y, count) { $0 + $1 }
    case .subtract: map(a, aStep, b, bStep, y, count) { $0 - $1 }
    case .multiply: map(a, aStep, b, bStep, y, count) { $0 * $1 }
    case .divide: map(a, aStep, b, bStep, y, count) { $0 / $1 }
    case .maximum: map(a, aStep, b, bStep, y, count) { vmax($0, $1) }
    case .minimum: map(a, aStep, b, bStep, y, count) { vmin($0, $1) }
    case .power:
      map(a, aStep, b, bStep, y, count) { x, e in
        var y = x
        for i in 0..<16 { y[i] = powf(x[i], e[i]) }
        return y
      }
    case .floorDivide:
      map(a, aStep, b, bStep, y, count) { x, divisor in
        var y = x
        for i in 0..<16 { y[i] = floorQuotient(x[i], divisor[i]) }
        return y
      }
    case .remainder:
      map(a, aStep, b, bStep, y, count) { x, divisor in
        var y = x
        for i in 0..<16 { y[i] = floorRemainder(x[i], divisor[i]) }
        return y
      }
    case .reluGradient: map(a, aStep, b, bStep, y, count) { V.zero.replacing(with: $1, where: $0 .> 0) }
    case .absoluteGradient: map(a, aStep, b, bStep, y, count) { $1 * signOf($0) }
    case .sigmoidGradient: map(a, aStep, b, bStep, y, count, vsigmoidGradient)
    case .tanhGradient: map(a, aStep, b, bStep, y, count, vtanhGradient)
    case .softplusGradient: map(a, aStep, b, bStep, y, count, vsoftplusGradient)
    case .siluGradient: map(a, aStep, b, bStep, y, count, vsiluGradient)
    case .relu6Gradient:
      map(a, aStep, b, bStep, y, count) { V.zero.replacing(with: $1, where: ($0 .> 0) .& ($0 .< 6)) }
    case .geluGradient: map(a, aStep, b, bStep, y, count, vgeluGradient)
    }
  }

  package static func scaleAdd(_ alpha: Float, _ x: Floats, _ beta: Float, _ y: MutableFloats, _ count: Int) {
    if beta == 0 {
      map(x, y, count) { $0 * alpha }
    } else {
      map(x, 1, y, 1, y, count) { fma(V(repeating: alpha), $0, $1 * beta) }
    }
  }

  package static func affine(_ x: Floats, _ alpha: Float, _ beta: Float, _ y: MutableFloats, _ count: Int) {
    let (alpha, beta) = (V(repeating: alpha), V(repeating: beta))
    map(x, y, count) { $0 * alpha + beta }
  }

  package static func clip(_ x: Floats, _ low: Float, _ high: Float, _ y: MutableFloats, _ count: Int) {
    let (low, high) = (V(repeating: low), V(repeating: high))
    map(x, y, count) { lesser(greater($0, low), high) }
  }

  package static func leakyRelu(_ x: Floats, _ dy: Floats?, _ slope: Float, _ y: MutableFloats, _ count: Int) {
    let values = dy ?? x
    let (one, slope) = (V(repeating: 1), V(repeating: slope))
    var i = 0
    while i < count {
      let n = min(16, count - i)
      let factor = slope.replacing(with: one, where: vload(x + i, first: n) .> 0)
      vstore(y + i, vload(values + i, first: n) * factor, first: n)
      i += 16
    }
  }

  package static func signStep(
    _ x: Floats, _ gradient: Floats, _ center: Floats, _ step: Float, _ eps: Float, _ low: Float, _ high: Float,
    _ y: MutableFloats, _ count: Int
  ) {
    let (low, high) = (V(repeating: low), V(repeating: high))
    var i = 0
    while i < count {
      let n = min(16, count - i)
      let c = vload(center + i, first: n)
      let g = vload(gradient + i, first: n)
      let v = lesser(greater(vload(x + i, first: n) + signOf(g) * step, c - eps), c + eps)
      vstore(y + i, lesser(greater(v, low), high), first: n)
      i += 16
    }
  }

  package static func sgd(
    _ weights: MutableFloats, _ velocity: MutableFloats?, _ gradient: Floats, _ count: Int, rate: Float,
    momentum: Float, weightDecay: Float, kept: Float, nesterov: Bool
  ) {
    var i = 0
    while i < count {
      let n = min(16, count - i)
      let w = vload(weights + i, first: n)
      var g = vload(gradient + i, first: n) + w * weightDecay
      if let velocity {
        let v = vload(velocity + i, first: n) * momentum + g
        vstore(velocity + i, v, first: n)
        g = nesterov ? g + v * momentum : v
      }
      vstore(weights + i, w * kept - g * rate, first: n)
      i += 16
    }
  }

  package static func adam(
    _ weights: MutableFloats, mean: MutableFloats, square: MutableFloats, _ gradient: Floats, _ count: Int,
    _ step: AdamStep
  ) {
    let root = V(repeating: step.root)
    let eps = V(repeating: step.eps)
    var i = 0
    while i < count {
      let n = min(16, count - i)
      let w = vload(weights + i, first: n)
      let g = vload(gradient + i, first: n) + w * step.weightDecay
      let last = vload(mean + i, first: n)
      let m = last + (g - last) * (1 - step.beta1)
      let v = vload(square + i, first: n) * step.beta2 + g * g * (1 - step.beta2)
      vstore(mean + i, m, first: n)
      vstore(square + i, v, first: n)
      vstore(weights + i, w * step.kept - m * step.size / (ltd_sqrt16(v) / root + eps), first: n)
      i += 16
    }
  }
}

/// The quotient rounded down so that it fits the remainder.
@inline(__always) private func floorQuotient(_ a: Float, _ b: Float) -> Float {
  if b == 0 { return a / b }
  let rest = fmodf(a, b)
  var quotient = (a - rest) / b
  if rest != 0, (rest < 0) != (b < 0) { quotient -= 1 }
  if quotient == 0 { return (a / b).sign == .minus ? -0.0 : 0 }
  let whole = quotient.rounded(.down)
  return quotient - whole > 0.5 ? whole + 1 : whole
}

/// With the sign of the divisor.
@inline(__always) private func floorRemainder(_ a: Float, _ b: Float) -> Float {
  let rest = fmodf(a, b)
  if rest == 0 { return b < 0 ? -0.0 : 0 }
  return (rest < 0) != (b < 0) ? rest + b : rest
}
