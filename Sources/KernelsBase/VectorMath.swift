import Platform

/// x = n · ln 2 + r with |r| ≤ ln 2 / 2, for |x| < 2^20; the bias 1.5 · 2^23 rounds to the nearest integer.
@inline(__always) private func reduceExponent(_ x: V) -> (n: V, bits: I, r: V) {
  let biased = fma(V(repeating: 1.4426950408889634), x, V(repeating: 12_582_912))
  let n = biased - 12_582_912
  let r = fma(V(repeating: -1.42860677e-6), n, fma(V(repeating: -0.693145752), n, x))
  return (n, bits(biased) &- I(repeating: 0x4b40_0000), r)
}

@inline(__always) private func powerOfTwo(_ n: I) -> V { floats((n &+ I(repeating: 127)) &<< I(repeating: 23)) }

/// e^r − 1 for |r| ≤ ln 2 / 2: r + r² · q(r), q fitted for the least greatest error (3e-9 of e^r).
@inline(__always) private func expm1Reduced(_ r: V) -> V {
  var q = fma(V(repeating: 0.00138145406), r, V(repeating: 0.00836874545))
  q = fma(q, r, V(repeating: 0.041668389))
  q = fma(q, r, V(repeating: 0.166665211))
  q = fma(q, r, V(repeating: 0.49999994))
  return fma(q * r, r, r)
}

/// e^x within 1 ulp; denormal results included; inf and NaN as IEEE says.
@inline(__always) func vexp(_ x: V) -> V {
  let clamped = x.replacing(with: 89, where: x .> 89).replacing(with: -104, where: x .< -104)
  let (_, n, r) = reduceExponent(clamped)
  let half = n &>> I(repeating: 1)
  return (expm1Reduced(r) + 1) * powerOfTwo(half) * powerOfTwo(n &- half)
}

/// e^x − 1 for x ≤ 88, without cancellation near 0.
@inline(__always) func vexpm1(_ x: V) -> V {
  let clamped = x.replacing(with: -40, where: x .< -40)
  let (_, n, r) = reduceExponent(clamped)
  let scale = powerOfTwo(n)
  return fma(expm1Reduced(r), scale, scale - 1)
}

/// log(1 + f) + e · ln 2 for 1 + f in [√½, √2): f − f²/2 + s·(f²/2 + R(s²)), s = f / (2 + f), R fitted to the series of atanh.
@inline(__always) private func logReduced(_ f: V, _ e: V) -> V {
  let s = f / (f + 2)
  let z = s * s
  let r = fma(fma(V(repeating: 0.298748523), z, V(repeating: 0.399774343)), z, V(repeating: 0.666667759)) * z
  let half = f * f * 0.5
  let tail = fma(e, V(repeating: 1.42860677e-6), s * (half + r))
  return fma(e, V(repeating: 0.693145752), f - (half - tail))
}

/// x = (1 + f) · 2^e with 1 + f in [√½, √2), for normal positive x.
@inline(__always) private func splitExponent(_ x: V) -> (f: V, e: V) {
  let shifted = bits(x) &- I(repeating: 0x3f35_04f3)
  let exponent = shifted &>> I(repeating: 23)
  let mantissa = (shifted & I(repeating: 0x007f_ffff)) &+ I(repeating: 0x3f35_04f3)
  let e = floats((exponent &+ I(repeating: 0x4b40_0000))) - 12_582_912
  return (floats(mantissa) - 1, e)
}

/// log x within 1 ulp; log 0 = −inf, NaN below 0.
@inline(__always) func vlog(_ x: V) -> V {
  let tiny = x .< Float.leastNormalMagnitude
  let scaled = x.replacing(with: x * 8_388_608, where: tiny)
  let (f, e) = splitExponent(scaled)
  let value = logReduced(f, e.replacing(with: e - 23, where: tiny))
  return logEdges(value, x)
}

@inline(__always) private func logEdges(_ value: V, _ x: V) -> V {
  value.replacing(with: -.infinity, where: x .== 0).replacing(with: x, where: x .== .infinity)
    .replacing(with: .nan, where: (x .< 0) .| (x .!= x))
}

/// log(1 + x) without cancellation near 0.
@inline(__always) func vlog1p(_ x: V) -> V {
  let u = x + 1
  let (f, e) = splitExponent(u)
  // What the rounding of 1 + x lost, to first order.
  let lost = (x - (u - 1)) / u
  let value = logReduced(f, e) + lost.replacing(with: 0, where: vabs(x) .> 1e7)
  let result = logEdges(value, u)
  return result.replacing(with: x, where: vabs(x) .< 1e-8)
}

@inline(__always) func vtanh(_ x: V) -> V {
  let a = vabs(x)
  let e = vexpm1((a + a).replacing(with: 40, where: a .> 20))
  let t = (e / (e + 2)).replacing(with: x, where: x .!= x)
  return copySign(t, x)
}

@inline(__always) func vatanh(_ x: V) -> V {
  let a = vabs(x)
  return copySign(vlog1p((a + a) / (1 - a)) * 0.5, x).replacing(with: .nan, where: (a .> 1) .| (x .!= x))
}

@inline(__always) func vsigmoid(_ x: V) -> V { 1 / (vexp(-x) + 1) }

/// dy · y · (1 − y) for y = sigmoid(x).
@inline(__always) func vsigmoidGradient(_ y: V, _ dy: V) -> V { dy * y * (1 - y) }

/// dy · (1 − y²) for y = tanh(x).
@inline(__always) func vtanhGradient(_ y: V, _ dy: V) -> V { dy * (1 - y * y) }

@inline(__always) func vsiluGradient(_ x: V, _ dy: V) -> V {
  let s = vsigmoid(x)
  return dy * s * (1 + x * (1 - s))
}

@inline(__always) func vsoftplusGradient(_ x: V, _ dy: V) -> V { dy * vsigmoid(x) }

@inline(__always) func vsilu(_ x: V) -> V { x * vsigmoid(x) }

/// The normal distribution function Φ, and exp(−x²/2). Below 0 it is exp(−x²/2) · S(|x|), where S is a polynomial of
/// 1 / (1 + 0.35 · |x|) that was fitted to it: 3e-7 of Φ also far below, where 1 + erf would cancel.
@inline(__always) private func normalDistribution(_ x: V) -> (below: V, bell: V) {
  let t = vabs(x)
  let bell = vexp(t * t * -0.5)
  let u = 1 / fma(0.35, t, V(repeating: 1))
  var s = fma(V(repeating: 0.018045114), u, V(repeating: -0.09915478))
  s = fma(s, u, V(repeating: 0.20743473))
  s = fma(s, u, V(repeating: -0.17757802))
  s = fma(s, u, V(repeating: 0.018808283))
  s = fma(s, u, V(repeating: 0.006074906))
  s = fma(s, u, V(repeating: 0.033077765))
  s = fma(s, u, V(repeating: 0.09218554))
  s = fma(s, u, V(repeating: 0.1217738))
  s = fma(s, u, V(repeating: 0.13970606))
  s = fma(s, u, V(repeating: 0.1396266))
  let tail = s * u * bell
  return ((1 - tail).replacing(with: tail, where: x .< 0), bell)
}

/// x · Φ(x).
@inline(__always) func vgelu(_ x: V) -> V { x * normalDistribution(x).below }

/// dy · (Φ(x) + x · exp(−x²/2) / √2π).
@inline(__always) func vgeluGradient(_ x: V, _ dy: V) -> V {
  let (below, bell) = normalDistribution(x)
  return dy * fma(x * 0.3989422804, bell, below)
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^−|x|).
@inline(__always) func vsoftplus(_ x: V) -> V { vrelu(x) + vlog1p(vexp(-vabs(x))) }

/// For functions rare enough to be left to libm.
@inline(__always) func lanewise(_ x: V, _ f: (Float) -> Float) -> V {
  var y = x
  for i in 0..<16 { y[i] = f(x[i]) }
  return y
}
