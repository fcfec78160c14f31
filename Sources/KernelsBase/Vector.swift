import CCPU

// Sixteen values are one, two or four registers, by the instruction set: enough work at once to hide the latency of
// most operations. Eight are for kernels that keep many sums.
typealias V = SIMD16<Float>
typealias I = SIMD16<Int32>
typealias V8 = SIMD8<Float>
typealias I8 = SIMD8<Int32>

/// One register of the widest kind.
#if LTD_WIDE
  typealias W = V
  @inline(__always) func wload(_ p: UnsafePointer<Float>) -> W { vload(p) }
  @inline(__always) func wload(_ p: UnsafePointer<Float>, first count: Int) -> W { vload(p, first: count) }
  @inline(__always) func wstore(_ p: UnsafeMutablePointer<Float>, _ v: W) { vstore(p, v) }
#else
  typealias W = V8
  @inline(__always) func wload(_ p: UnsafePointer<Float>) -> W { load(p) }
  @inline(__always) func wload(_ p: UnsafePointer<Float>, first count: Int) -> W { load(p, first: count) }
  @inline(__always) func wstore(_ p: UnsafeMutablePointer<Float>, _ v: W) { store(p, v) }
#endif

@inline(__always) func load(_ p: UnsafePointer<Float>) -> V8 { UnsafeRawPointer(p).loadUnaligned(as: V8.self) }
@inline(__always) func vload(_ p: UnsafePointer<Float>) -> V { UnsafeRawPointer(p).loadUnaligned(as: V.self) }

@inline(__always) func store(_ p: UnsafeMutablePointer<Float>, _ v: V8) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: V8.self)
}
@inline(__always) func vstore(_ p: UnsafeMutablePointer<Float>, _ v: V) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: V.self)
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

/// The first `count` (1…16) values; the rest are `fill`.
@inline(__always) func vload(_ p: UnsafePointer<Float>, first count: Int, fill: Float = 0) -> V {
  count == 16 ? vload(p) : ltd_load_first16(p, count, fill)
}

@inline(__always) func vstore(_ p: UnsafeMutablePointer<Float>, _ v: V, first count: Int) {
  if count == 16 { vstore(p, v) } else { ltd_store_first16(p, v, count) }
}

/// The compiler takes the standard library's product apart into a few lanes at a time.
@inline(__always) func * (_ a: V, _ b: Float) -> V { ltd_times16(a, b) }

/// a·b + c; in one rounding where the instruction set has it (elsewhere that would be a call to libm for every value).
@inline(__always) func fma(_ a: V8, _ b: V8, _ c: V8) -> V8 {
  #if LTD_FMA || arch(arm64)
    return ltd_fma8(a, b, c)
  #else
    return a * b + c
  #endif
}

@inline(__always) func fma(_ a: Float, _ b: V8, _ c: V8) -> V8 { fma(V8(repeating: a), b, c) }

@inline(__always) func fma(_ a: Float, _ b: V, _ c: V) -> V { fma(V(repeating: a), b, c) }

@inline(__always) func fma(_ a: V, _ b: V, _ c: V) -> V {
  #if LTD_FMA || arch(arm64)
    return ltd_fma16(a, b, c)
  #else
    return a * b + c
  #endif
}

/// The greater value; NaN if either is NaN.
@inline(__always) func vmax(_ a: V, _ b: V) -> V { greater(a, b).replacing(with: b, where: b .!= b) }

@inline(__always) func vmin(_ a: V, _ b: V) -> V { a.replacing(with: b, where: (b .< a) .| (b .!= b)) }

/// The greater value; a where either is NaN.
@inline(__always) func greater(_ a: V, _ b: V) -> V { a.replacing(with: b, where: b .> a) }

/// The smaller value; a where either is NaN.
@inline(__always) func lesser(_ a: V, _ b: V) -> V { a.replacing(with: b, where: b .< a) }

/// NaN stays NaN.
@inline(__always) func vrelu(_ v: V8) -> V8 { v.replacing(with: 0, where: v .< 0) }
@inline(__always) func vrelu(_ v: V) -> V { v.replacing(with: 0, where: v .< 0) }

/// −1, 0 or 1; NaN for NaN.
@inline(__always) func signOf(_ v: V) -> V {
  let one = V(repeating: 1)
  return v.replacing(with: one, where: v .> 0).replacing(with: -one, where: v .< 0)
}

@inline(__always) func bits(_ v: V) -> I { unsafeBitCast(v, to: I.self) }

@inline(__always) func floats(_ v: I) -> V { unsafeBitCast(v, to: V.self) }

@inline(__always) func vabs(_ v: V) -> V { floats(bits(v) & I(repeating: 0x7fff_ffff)) }

/// `magnitude` with the sign of `sign`.
@inline(__always) func copySign(_ magnitude: V, _ sign: V) -> V {
  floats((bits(magnitude) & I(repeating: 0x7fff_ffff)) | (bits(sign) & I(repeating: Int32.min)))
}

/// Sum of the lanes in a fixed order.
@inline(__always) func laneSum(_ v: V8) -> Float {
  let a = v.lowHalf + v.highHalf
  let b = a.lowHalf + a.highHalf
  return b[0] + b[1]
}

@inline(__always) func laneSum(_ v: V) -> Float { ltd_sum16(v) }

/// The greatest lane; NaN lanes may be passed over.
@inline(__always) func laneMaximum(_ v: V) -> Float { ltd_max16(v) }
