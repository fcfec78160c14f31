typealias V8 = SIMD8<Float>
typealias I8 = SIMD8<Int32>

@inline(__always) func load(_ p: UnsafePointer<Float>) -> V8 { UnsafeRawPointer(p).loadUnaligned(as: V8.self) }

@inline(__always) func store(_ p: UnsafeMutablePointer<Float>, _ v: V8) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: V8.self)
}

/// The first `count` (1…8) values; the rest are `fill`.
@inline(__always) func load(_ p: UnsafePointer<Float>, first count: Int, fill: Float = 0) -> V8 {
  if count == 8 { return load(p) }
  var v = V8(repeating: fill)
  for i in 0..<count { v[i] = p[i] }
  return v
}

@inline(__always) func store(_ p: UnsafeMutablePointer<Float>, _ v: V8, first count: Int) {
  if count == 8 {
    store(p, v)
  } else {
    for i in 0..<count { p[i] = v[i] }
  }
}

/// a·b + c; in one rounding where the instruction set has it (elsewhere that would be a call to libm for every value).
@inline(__always) func fma(_ a: V8, _ b: V8, _ c: V8) -> V8 {
  #if LTD_FMA || arch(arm64)
    return c.addingProduct(a, b)
  #else
    return a * b + c
  #endif
}

@inline(__always) func fma(_ a: Float, _ b: V8, _ c: V8) -> V8 { fma(V8(repeating: a), b, c) }

/// The greater value; NaN if either is NaN.
@inline(__always) func vmax(_ a: V8, _ b: V8) -> V8 { a.replacing(with: b, where: (b .> a) .| (b .!= b)) }

@inline(__always) func vmin(_ a: V8, _ b: V8) -> V8 { a.replacing(with: b, where: (b .< a) .| (b .!= b)) }

/// NaN stays NaN.
@inline(__always) func vrelu(_ v: V8) -> V8 { v.replacing(with: 0, where: v .< 0) }

/// −1, 0 or 1; NaN for NaN.
@inline(__always) func signOf(_ v: V8) -> V8 {
  v.replacing(with: 1, where: v .> 0).replacing(with: -1, where: v .< 0)
}

@inline(__always) func bits(_ v: V8) -> I8 { unsafeBitCast(v, to: I8.self) }

@inline(__always) func floats(_ v: I8) -> V8 { unsafeBitCast(v, to: V8.self) }

@inline(__always) func vabs(_ v: V8) -> V8 { floats(bits(v) & I8(repeating: 0x7fff_ffff)) }

/// `magnitude` with the sign of `sign`.
@inline(__always) func copySign(_ magnitude: V8, _ sign: V8) -> V8 {
  floats((bits(magnitude) & I8(repeating: 0x7fff_ffff)) | (bits(sign) & I8(repeating: Int32.min)))
}

/// Sum of the lanes in a fixed order.
@inline(__always) func laneSum(_ v: V8) -> Float {
  let a = v.lowHalf + v.highHalf
  let b = a.lowHalf + a.highHalf
  return b[0] + b[1]
}

@inline(__always) func laneMaximum(_ v: V8) -> Float {
  var m = v[0]
  for i in 1..<8 where v[i] > m || v[i].isNaN { m = v[i] }
  return m
}
