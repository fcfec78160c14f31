import KernelTypes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension CPUKernels {
  @inline(__always) private static func map(_ x: Floats, _ y: MutableFloats, _ count: Int, _ f: (V8) -> V8) {
    var i = 0
    while i + 8 <= count {
      store(y + i, f(load(x + i)))
      i += 8
    }
    if i < count { store(y + i, f(load(x + i, first: count - i)), first: count - i) }
  }

  @inline(__always) private static func map(
    _ a: Floats, _ aStep: Int, _ b: Floats, _ bStep: Int, _ y: MutableFloats, _ count: Int, _ f: (V8, V8) -> V8
  ) {
    guard count > 0 else { return }
    let rest = count & 7
    let whole = count - rest
    var i = 0
    if aStep == 0 {
      let left = V8(repeating: a[0])
      while i < whole {
        store(y + i, f(left, bStep == 0 ? V8(repeating: b[0]) : load(b + i)))
        i += 8
      }
    } else if bStep == 0 {
      let right = V8(repeating: b[0])
      while i < whole {
        store(y + i, f(load(a + i), right))
        i += 8
      }
    } else {
      while i < whole {
        store(y + i, f(load(a + i), load(b + i)))
        i += 8
      }
    }
    if rest > 0 {
      let left = aStep == 0 ? V8(repeating: a[0]) : load(a + i, first: rest)
      let right = bStep == 0 ? V8(repeating: b[0]) : load(b + i, first: rest)
      store(y + i, f(left, right), first: rest)
    }
  }

  package static func unary(_ operation: UnaryOperation, _ x: Floats, _ y: MutableFloats, _ count: Int) {
    switch operation {
    case .negate: map(x, y, count) { floats(bits($0) ^ I8(repeating: Int32.min)) }
    case .absolute: map(x, y, count) { vabs($0) }
    case .square: map(x, y, count) { $0 * $0 }
    case .squareRoot: map(x, y, count) { $0.squareRoot() }
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
    case .silu: map(x, y, count) { $0 * vsigmoid($0) }
    case .sine: map(x, y, count) { lanewise($0) { sinf($0) } }
    case .cosine: map(x, y, count) { lanewise($0) { cosf($0) } }
    case .floor: map(x, y, count) { $0.rounded(.down) }
    case .ceiling: map(x, y, count) { $0.rounded(.up) }
    case .round: map(x, y, count) { $0.rounded(.toNearestOrEven) }
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
        V8(
          powf(x[0], e[0]), powf(x[1], e[1]), powf(x[2], e[2]), powf(x[3], e[3]), powf(x[4], e[4]), powf(x[5], e[5]),
          powf(x[6], e[6]), powf(x[7], e[7]))
      }
    case .reluGradient: map(a, aStep, b, bStep, y, count) { V8.zero.replacing(with: $1, where: $0 .> 0) }
    case .absoluteGradient: map(a, aStep, b, bStep, y, count) { $1 * signOf($0) }
    case .sigmoidGradient: map(a, aStep, b, bStep, y, count) { $1 * $0 * (1 - $0) }
    case .tanhGradient: map(a, aStep, b, bStep, y, count) { $1 * (1 - $0 * $0) }
    case .softplusGradient: map(a, aStep, b, bStep, y, count) { $1 * vsigmoid($0) }
    case .siluGradient:
      map(a, aStep, b, bStep, y, count) { x, dy in
        let s = vsigmoid(x)
        return dy * s * (1 + x * (1 - s))
      }
    }
  }

  package static func scaleAdd(_ alpha: Float, _ x: Floats, _ beta: Float, _ y: MutableFloats, _ count: Int) {
    if beta == 0 {
      map(x, y, count) { $0 * alpha }
    } else {
      map(x, 1, y, 1, y, count) { fma(alpha, $0, $1 * beta) }
    }
  }

  package static func affine(_ x: Floats, _ alpha: Float, _ beta: Float, _ y: MutableFloats, _ count: Int) {
    map(x, y, count) { $0 * alpha + beta }
  }

  package static func clip(_ x: Floats, _ low: Float, _ high: Float, _ y: MutableFloats, _ count: Int) {
    map(x, y, count) { $0.replacing(with: low, where: $0 .< low).replacing(with: high, where: $0 .> high) }
  }

  package static func leakyRelu(_ x: Floats, _ dy: Floats?, _ slope: Float, _ y: MutableFloats, _ count: Int) {
    map(x, 1, dy ?? x, 1, y, count) { ($1 * slope).replacing(with: $1, where: $0 .> 0) }
  }

  package static func signStep(
    _ x: Floats, _ gradient: Floats, _ center: Floats, _ step: Float, _ eps: Float, _ low: Float, _ high: Float,
    _ y: MutableFloats, _ count: Int
  ) {
    var i = 0
    while i < count {
      let n = min(8, count - i)
      let c = load(center + i, first: n)
      var v = load(x + i, first: n) + signOf(load(gradient + i, first: n)) * step
      let most = c + eps
      let least = c - eps
      v = v.replacing(with: least, where: v .< least).replacing(with: most, where: v .> most)
      v = v.replacing(with: low, where: v .< low).replacing(with: high, where: v .> high)
      store(y + i, v, first: n)
      i += 8
    }
  }

  package static func sgd(
    _ weights: MutableFloats, _ velocity: MutableFloats?, _ gradient: Floats, _ count: Int, rate: Float,
    momentum: Float,
    dampening: Float, weightDecay: Float, nesterov: Bool
  ) {
    var i = 0
    while i < count {
      let n = min(8, count - i)
      let w = load(weights + i, first: n)
      var g = load(gradient + i, first: n) + w * weightDecay
      if let velocity {
        let v = load(velocity + i, first: n) * momentum + g * (1 - dampening)
        store(velocity + i, v, first: n)
        g = nesterov ? g + v * momentum : v
      }
      store(weights + i, w - g * rate, first: n)
      i += 8
    }
  }
}
