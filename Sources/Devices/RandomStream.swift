import Platform

/// A counter-based stream of random numbers: element `i` depends only on the stream's key and on `i`, so a result does
/// not depend on the order of the draws, the composition of a batch or the number of threads.
///
/// The key is made of a seed, a purpose ("init", "pgd.start", "shuffle", …) and any number of indices (example, restart,
/// step, …). Streams with different keys are independent. Uniform, normal and integer draws at the same index of the
/// same stream share bits: use one stream per quantity (`stream.child(1)`), or distinct indices.
///
/// Generator: Philox 4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
public struct RandomStream: Sendable, Hashable {
  /// The Philox key.
  let key: UInt64
  /// The upper half of the Philox counter; the lower half counts blocks.
  let domain: UInt64

  /// The stream for a purpose, and for an example, a step or the like of it.
  public init(seed: UInt64, purpose: String, _ indices: Int...) {
    self.init(seed: seed, purpose: purpose, indices: indices)
  }

  /// The same, of any number of indices.
  public init(seed: UInt64, purpose: String, indices: [Int]) {
    var mixer = KeyMixer(key: 0x9E37_79B9_7F4A_7C15, domain: 0x6A09_E667_F3BC_C909)
    mixer.absorb(seed)
    var word: UInt64 = 0
    var length: UInt64 = 0
    for byte in purpose.utf8 {
      word = word << 8 | UInt64(byte)
      length &+= 1
      if length & 7 == 0 {
        mixer.absorb(word)
        word = 0
      }
    }
    mixer.absorb(word)
    mixer.absorb(length)
    self = RandomStream(key: mixer.key, domain: mixer.domain).child(indices)
  }

  init(key: UInt64, domain: UInt64) {
    self.key = key
    self.domain = domain
  }

  /// The stream keyed by this one's key and further indices: `s.child(a).child(b)` is `s.child(a, b)`.
  public func child(_ indices: Int...) -> RandomStream { child(indices) }

  /// The same, of any number of indices.
  public func child(_ indices: [Int]) -> RandomStream {
    var mixer = KeyMixer(key: key, domain: domain)
    for index in indices { mixer.absorb(UInt64(bitPattern: Int64(index))) }
    return RandomStream(key: mixer.key, domain: mixer.domain)
  }

  // MARK: One element

  /// 32 random bits.
  public func bits(at index: Int) -> UInt32 {
    let i = UInt64(bitPattern: Int64(index))
    return block(i >> 2)[Int(i & 3)]
  }

  /// 64 random bits.
  public func bits64(at index: Int) -> UInt64 {
    let i = UInt64(bitPattern: Int64(index))
    let words = block(i >> 1)
    let first = Int(i & 1) &* 2
    return UInt64(words[first]) << 32 | UInt64(words[first &+ 1])
  }

  /// Uniform in [0, 1), a multiple of 2^-24.
  public func uniform(at index: Int) -> Float { unit(bits(at: index)) }

  /// Standard normal.
  public func normal(at index: Int) -> Float {
    let i = UInt64(bitPattern: Int64(index))
    let words = block(i >> 2)
    let pair = i & 2 == 0 ? normalPair(words[0], words[1]) : normalPair(words[2], words[3])
    return i & 1 == 0 ? pair.0 : pair.1
  }

  /// An integer in 0..<bound, each equally likely; 0 where the bound is below 2.
  ///
  /// Method: D. Lemire, "Fast random integer generation in an interval", 2019.
  public func integer(below bound: Int, at index: Int) -> Int {
    guard bound > 1 else { return 0 }
    let n = UInt64(bound)
    let threshold = (0 &- n) % n
    var stream = self
    while true {
      let product = n.multipliedFullWidth(by: stream.bits64(at: index))
      if product.low >= threshold { return Int(product.high) }
      stream = stream.child(-1)
    }
  }

  // MARK: Many elements

  /// Writes the uniform numbers of elements `start`, `start + 1`, … scaled to [low, high).
  public func fillUniform(
    _ out: UnsafeMutableBufferPointer<Float>, from low: Float = 0, to high: Float = 1, start: Int = 0
  ) {
    let width = high - low
    // Rounding would reach the excluded end where the interval is narrow for its magnitude.
    let last = max(low, high.nextDown)
    forEachWord(count: out.count, start: start) { position, word in
      out[position] = min(low + unit(word) * width, last)
    }
  }

  /// Writes the normal numbers of elements `start`, `start + 1`, ….
  public func fillNormal(
    _ out: UnsafeMutableBufferPointer<Float>, mean: Float = 0, deviation: Float = 1, start: Int = 0
  ) {
    let count = out.count
    var position = 0
    while position < count && UInt64(bitPattern: Int64(start &+ position)) & 3 != 0 {
      out[position] = mean + deviation * normal(at: start &+ position)
      position &+= 1
    }
    while count &- position >= 4 {
      let words = block(UInt64(bitPattern: Int64(start &+ position)) >> 2)
      let (a, b) = normalPair(words[0], words[1])
      let (c, d) = normalPair(words[2], words[3])
      out[position] = mean + deviation * a
      out[position &+ 1] = mean + deviation * b
      out[position &+ 2] = mean + deviation * c
      out[position &+ 3] = mean + deviation * d
      position &+= 4
    }
    while position < count {
      out[position] = mean + deviation * normal(at: start &+ position)
      position &+= 1
    }
  }

  /// Uniform numbers in [low, high); none where the count is below 1.
  public func uniforms(_ count: Int, from low: Float = 0, to high: Float = 1) -> [Float] {
    [Float](filling: max(0, count)) { buffer, written in
      let part = UnsafeMutableBufferPointer(rebasing: buffer[..<max(0, count)])
      fillUniform(part, from: low, to: high)
      written = part.count
    }
  }

  /// Normal numbers; none where the count is below 1.
  public func normals(_ count: Int, mean: Float = 0, deviation: Float = 1) -> [Float] {
    [Float](filling: max(0, count)) { buffer, written in
      let part = UnsafeMutableBufferPointer(rebasing: buffer[..<max(0, count)])
      fillNormal(part, mean: mean, deviation: deviation)
      written = part.count
    }
  }

  /// Integers in 0..<bound.
  public func integers(_ count: Int, below bound: Int) -> [Int] {
    (0..<max(0, count)).map { integer(below: bound, at: $0) }
  }

  /// The numbers 0..<count in random order, every order equally likely.
  public func permutation(_ count: Int) -> [Int] { permutation(count) { _ in } }

  /// The same, with `before` called at each index, which may end it.
  public func permutation<Failure: Error>(
    _ count: Int, before: (Int) throws(Failure) -> Void
  ) throws(Failure) -> [Int] {
    var order = Array(0..<max(0, count))
    for i in order.indices.dropLast() {
      try before(i)
      order.swapAt(i, i &+ integer(below: order.count &- i, at: i))
    }
    return order
  }

  // MARK: Philox

  private func forEachWord(count: Int, start: Int, _ body: (Int, UInt32) -> Void) {
    var position = 0
    while position < count {
      let i = UInt64(bitPattern: Int64(start &+ position))
      let words = block(i >> 2)
      var lane = Int(i & 3)
      while lane < 4 && position < count {
        body(position, words[lane])
        lane &+= 1
        position &+= 1
      }
    }
  }

  private func block(_ counter: UInt64) -> SIMD4<UInt32> {
    philox4x32(
      counter: SIMD4(
        UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32),
        UInt32(truncatingIfNeeded: domain), UInt32(truncatingIfNeeded: domain >> 32)),
      key: SIMD2(UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)))
  }
}

/// One Philox 4x32-10 block.
@inline(__always)
package func philox4x32(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
  var (c0, c1, c2, c3) = (counter[0], counter[1], counter[2], counter[3])
  var (k0, k1) = (key[0], key[1])
  for _ in 0..<10 {
    let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
    let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
    (c0, c1, c2, c3) = (
      UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
      UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
    )
    k0 = k0 &+ 0x9E37_79B9
    k1 = k1 &+ 0xBB67_AE85
  }
  return SIMD4(c0, c1, c2, c3)
}

@inline(__always)
private func unit(_ word: UInt32) -> Float { Float(word >> 8) * 0x1p-24 }

/// Box and Muller's transform of two words.
@inline(__always)
private func normalPair(_ a: UInt32, _ b: UInt32) -> (Float, Float) {
  let radius = (-2 * logf(Float((Double(a) + 0.5) * 0x1p-32))).squareRoot()
  let angle = Float(Double(b) * (0x1p-32 * 2 * Double.pi))
  return (radius * cosf(angle), radius * sinf(angle))
}

/// Mixes words into the 128 bits that identify a stream (the finaliser of SplitMix64 on two lanes).
private struct KeyMixer {
  var key: UInt64
  var domain: UInt64

  mutating func absorb(_ word: UInt64) {
    key = Self.scramble((key ^ word) &+ 0x9E37_79B9_7F4A_7C15)
    domain = Self.scramble((domain &+ word) ^ (key << 23 | key >> 41) ^ 0xD1B5_4A32_D192_ED03)
  }

  private static func scramble(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
