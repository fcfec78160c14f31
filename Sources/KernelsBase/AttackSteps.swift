import KernelTypes

extension CPUKernels {
  package static func momentumSignStep(
    _ x: Floats, _ previous: Floats, _ gradient: Floats, _ center: Floats, step: Float, share: Float, eps: Float,
    _ y: MutableFloats, _ count: Int
  ) {
    let rest = 1 - share
    var i = 0
    while i < count {
      let n = min(16, count - i)
      let (x, c) = (vload(x + i, first: n), vload(center + i, first: n))
      let (low, high) = (c - eps, c + eps)
      let u = box(lesser(greater(x + signOf(vload(gradient + i, first: n)) * step, low), high))
      let momentum = (x - vload(previous + i, first: n)) * rest
      vstore(y + i, box(lesser(greater(x + (u - x) * share + momentum, low), high)), first: n)
      i += 16
    }
  }

  package static func momentumNormalStep(
    _ x: Floats, _ previous: Floats, _ gradient: Floats, _ center: Floats, step: Float, share: Float, eps: Float,
    _ y: MutableFloats, _ count: Int
  ) {
    let slope = length(count) { vload(gradient + $0, first: $1) } + tiny
    // y holds the changes until they are limited.
    let first = length(count) { i, n in
      let step = vload(gradient + i, first: n) / slope * step
      let change = vload(x + i, first: n) + step - vload(center + i, first: n)
      vstore(y + i, change, first: n)
      return change
    }
    let rest = 1 - share
    let limit = min(eps, first)
    let second = length(count) { i, n in
      let (x, c) = (vload(x + i, first: n), vload(center + i, first: n))
      let u = box(c + vload(y + i, first: n) / (first + tiny) * limit)
      let momentum = (x - vload(previous + i, first: n)) * rest
      let change = x + (u - x) * share + momentum - c
      vstore(y + i, change, first: n)
      return change
    }
    let end = min(eps, second)
    var i = 0
    while i < count {
      let n = min(16, count - i)
      let change = vload(y + i, first: n) / (second + tiny) * end
      vstore(y + i, box(vload(center + i, first: n) + change), first: n)
      i += 16
    }
  }

  package static func sparseStep(
    _ x: Floats, _ gradient: Floats, _ center: Floats, step: Float, rank: Int, eps: Float, _ y: MutableFloats,
    _ count: Int
  ) {
    let least = size(gradient, rank: rank, count)
    func direction(_ i: Int, _ n: Int) -> V {
      let g = vload(gradient + i, first: n)
      return signOf(g).replacing(with: V.zero, where: vabs(g) .< least)
    }
    // As the original has it: a slope of zeros is no step.
    let length = Float(blockedSum(count) { vabs(direction($0, $1)) }) + 1e-10
    var i = 0
    while i < count {
      let n = min(16, count - i)
      vstore(y + i, vload(x + i, first: n) + direction(i, n) * step / length, first: n)
      i += 16
    }
    // The official code adds the change to the image again, here and not where a run begins, and counts as changed what
    // differs from the image by a rounding.
    nearestInL1(y, center, eps, y, count) { $1 + ($0 - $1) }
  }

  /// The size of a value at its place in the order of sizes, bit by bit: sizes are ordered as their bits are.
  private static func size(_ x: Floats, rank: Int, _ count: Int) -> Float {
    var found: Int32 = 0
    for bit in stride(from: Int32(30), through: 0, by: -1) {
      let candidate = found | 1 << bit
      let below = blockedSum(count) { i, n in
        let isBelow = bits(vabs(vload(x + i, first: n, fill: .nan))) .< I(repeating: candidate)
        return V.zero.replacing(with: V(repeating: 1), where: isBelow)
      }
      if below <= Double(rank) { found = candidate }
    }
    return Float(bitPattern: UInt32(bitPattern: found))
  }

  package static func nearestInL1(_ x: Floats, _ center: Floats, eps: Float, _ y: MutableFloats, _ count: Int) {
    nearestInL1(x, center, eps, y, count) { x, _ in x }
  }

  /// - Parameter base: from what the change is taken away, of x and center.
  @inline(__always) private static func nearestInL1(
    _ x: Floats, _ center: Floats, _ eps: Float, _ y: MutableFloats, _ count: Int, _ base: (V, V) -> V
  ) {
    let share = shrinkage(x, center, eps, count)
    var i = 0
    while i < count {
      let n = min(16, count - i)
      let (x, c) = (vload(x + i, first: n), vload(center + i, first: n))
      let change = x - c
      let less = lesser(vabs(change), greater(excess(change, c), V(repeating: share)))
      vstore(y + i, box(base(x, c) - copySign(less, change)), first: n)
      i += 16
    }
  }

  /// By how much a change leaves the box.
  @inline(__always) private static func excess(_ change: V, _ center: V) -> V {
    -lesser(lesser(1 - center - change, center + change), V.zero)
  }

  /// By how much the size of each value is lessened, a ≥ 0, so that their sum is `eps`: Σ max(0, |d| − max(excess, a)),
  /// which falls in straight pieces, is solved by Newton's steps within a bracket.
  private static func shrinkage(_ x: Floats, _ center: Floats, _ eps: Float, _ count: Int) -> Float {
    var (low, high) = (Float(0), Float(0))
    var i = 0
    while i < count {
      let n = min(16, count - i)
      high = max(high, laneMaximum(vabs(vload(x + i, first: n) - vload(center + i, first: n))))
      i += 16
    }
    var share: Float = 0
    // Halving alone would end after so many.
    for _ in 0..<64 {
      let now = V(repeating: share)
      var (rests, moves) = (V.zero, V.zero)
      var i = 0
      while i < count {
        let n = min(16, count - i)
        let c = vload(center + i, first: n)
        let change = vload(x + i, first: n) - c
        let out = excess(change, c)
        let rest = vabs(change) - greater(out, now)
        rests += greater(rest, V.zero)
        moves += V.zero.replacing(with: V(repeating: 1), where: (rest .> 0) .& (out .<= now))
        i += 16
      }
      let over = laneSum(rests) - eps
      if (share == 0 && over <= 0) || abs(over) <= 1e-7 * eps { break }
      if over > 0 { low = share } else { high = share }
      let slope = laneSum(moves)
      var next = slope > 0 ? share + over / slope : low
      if !(next > low && next < high) { next = low + (high - low) / 2 }
      if next == share || next == low { break }
      share = next
    }
    return share
  }

  /// What is added to a length before something is divided by it.
  private static var tiny: Float { 1e-12 }

  /// Values limited to 0…1.
  @inline(__always) private static func box(_ v: V) -> V {
    lesser(greater(v, V.zero), V(repeating: 1))
  }

  /// √Σ f².
  @inline(__always) private static func length(_ count: Int, _ f: (Int, Int) -> V) -> Float {
    Float(
      blockedSum(count) { i, n in
        let v = f(i, n)
        return v * v
      }.squareRoot())
  }
}
