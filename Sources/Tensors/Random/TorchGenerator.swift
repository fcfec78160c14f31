import Platform

/// PyTorch's CPU generator, draw for draw, to repeat published attacks number by number.
///
/// Integers, permutations and uniform numbers are exact. Normal numbers in blocks of 16 or more agree to 2.4e-7, because
/// PyTorch computes logarithm and cosine by polynomials of its own there. Everything else should use `RandomStream`.
///
/// Source: PyTorch 2.13, `ATen/core/MT19937RNGEngine.h`, `DistributionsHelper.h`, `native/cpu/DistributionTemplates.h`;
/// M. Matsumoto, T. Nishimura, "Mersenne twister", 1998.
public struct TorchGenerator: Sendable {
  private static let size = 624
  private var state = [UInt32](repeating: 0, count: size)
  private var next = size
  private var cachedNormal: Double?

  /// As `torch.manual_seed(seed)`: only the low 32 bits matter.
  public init(seed: UInt64) {
    var word = UInt32(truncatingIfNeeded: seed)
    state[0] = word
    for i in 1..<Self.size {
      word = 1_812_433_253 &* (word ^ word >> 30) &+ UInt32(i)
      state[i] = word
    }
  }

  /// The next 32 bits.
  public mutating func random() -> UInt32 {
    if next >= Self.size { twist() }
    var word = state[next]
    next &+= 1
    word ^= word >> 11
    word ^= word << 7 & 0x9D2C_5680
    word ^= word << 15 & 0xEFC6_0000
    word ^= word >> 18
    return word
  }

  /// The next 64 bits: the first draw is the upper half.
  public mutating func random64() -> UInt64 {
    let high = random()
    let low = random()
    return UInt64(high) << 32 | UInt64(low)
  }

  /// `torch.rand(count)`: uniform in [0, 1).
  public mutating func rand(_ count: Int) -> [Float] { uniform(count, from: 0, to: 1) }

  /// `tensor.uniform_(low, high)`.
  public mutating func uniform(_ count: Int, from low: Float, to high: Float) -> [Float] {
    (0..<max(0, count)).map { _ in
      Float(Double(random() & 0xFF_FFFF) * 0x1p-24 * Double(high - low) + Double(low))
    }
  }

  /// `torch.randn(count)`: standard normal. Fewer than 16 numbers are drawn in pairs, the second of which is kept for the
  /// next such call; 16 or more in blocks.
  public mutating func randn(_ count: Int) -> [Float] {
    guard count >= 16 else { return (0..<max(0, count)).map { _ in Float(nextNormal()) } }
    var numbers = rand(count)
    for start in stride(from: 0, through: count &- 16, by: 16) { Self.transformBlock(&numbers, at: start) }
    if count % 16 != 0 {
      let start = count &- 16
      for i in start..<count { numbers[i] = Float(random() & 0xFF_FFFF) * 0x1p-24 }
      Self.transformBlock(&numbers, at: start)
    }
    return numbers
  }

  /// `torch.randint(low, high, (count,))`: low ≤ value < high; `low` throughout where the range is empty.
  public mutating func randint(_ low: Int, _ high: Int, _ count: Int) -> [Int] {
    guard low < high else { return [Int](repeating: low, count: max(0, count)) }
    let range = UInt64(bitPattern: Int64(high &- low))
    return (0..<max(0, count)).map { _ in
      let draw = range >= 1 << 28 ? random64() : UInt64(random())
      return low &+ Int(truncatingIfNeeded: draw % range)
    }
  }

  /// `torch.randperm(count)`.
  public mutating func randperm(_ count: Int) -> [Int] {
    var order = Array(0..<max(0, count))
    let wide = order.count >= Int(UInt32.max / 20)
    for i in order.indices.dropLast() {
      let draw = wide ? random64() : UInt64(random())
      order.swapAt(i, i &+ Int(draw % UInt64(order.count &- i)))
    }
    return order
  }

  private mutating func twist() {
    for i in 0..<Self.size {
      let following = i &+ 1 == Self.size ? 0 : i &+ 1
      let far = i &+ 397 < Self.size ? i &+ 397 : i &+ 397 &- Self.size
      let mixed = state[i] & 0x8000_0000 | state[following] & 0x7FFF_FFFF
      state[i] = state[far] ^ mixed >> 1 ^ (mixed & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    next = 0
  }

  private mutating func nextNormal() -> Double {
    if let cached = cachedNormal {
      cachedNormal = nil
      return cached
    }
    let mask: UInt64 = 1 << 53 &- 1
    let u1 = Double(random64() & mask) * 0x1p-53
    let u2 = Double(random64() & mask) * 0x1p-53
    let radius = (-2 * log1p(-u2)).squareRoot()
    let angle = 2 * Double.pi * u1
    cachedNormal = radius * sin(angle)
    return radius * cos(angle)
  }

  private static func transformBlock(_ numbers: inout [Float], at start: Int) {
    let turn = Float(2 * Double.pi)  // Float.pi is rounded towards zero
    for i in start..<start &+ 8 {
      let radius = (-2 * logf(1 - numbers[i])).squareRoot()
      let angle = turn * numbers[i &+ 8]
      numbers[i] = radius * cosf(angle)
      numbers[i &+ 8] = radius * sinf(angle)
    }
  }
}
