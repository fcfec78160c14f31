import KernelTypes

/// Which norm it is, as a pattern and not by `==`: that is a call into another module, which the compiler would make for
/// every vector of a loop.
extension BoxNorm {
  fileprivate var isLinf: Bool { if case .linf = self { true } else { false } }
  fileprivate var isL2: Bool { if case .l2 = self { true } else { false } }
  fileprivate var isL1: Bool { if case .l1 = self { true } else { false } }
}

// Projections of points t of the box [0, 1] onto a hyperplane, as FAB needs them (Croce and Hein 2020).
//
// A value t_i may move against the sign of w_i until it meets the box: its room is t_i or 1 − t_i. In Linf every value
// moves by min(λ, room), in L2 by min(λ·|w_i|, room), and λ is where the sum of |w_i| · move reaches the amount. That sum
// is concave and piecewise linear in λ, so that Newton's iteration from 0 climbs to the solution without passing it and
// stops on its very piece, after a handful of passes over the row: nothing is sorted. In L1 the values with the greatest
// |w_i| move as far as they can, one after the other, until the amount is used up: the |w_i| at which that happens is
// found by bisection over the bits of a float. Weights are scaled by a power of two so that no sum overflows.
extension CPUKernels {
  /// Values whose weight is as small do not move in L2 and L1, as in the official code.
  private static let negligible: Float = 1e-8

  /// How far the values of a row move.
  private struct Move {
    /// 1 or −1: whether ⟨w, t⟩ is to fall or to rise.
    var direction: Float = 1
    /// A power of two that brings the greatest weight to 1…2, and what a scaled weight must exceed to count.
    var scale: Float = 1
    var floor: Float = 0
    /// Linf and L2: λ. L1: the weight above which values move to the box.
    var level: Float = 0
    /// L1: of the values of just that weight those before this index move to the box, and the one at it so far.
    var index: Int32 = 0
    var rest: Float = 0
  }

  /// Scaled weights, 0 where they do not count, and the room of each value.
  @inline(__always) private static func sizes(_ t: V, _ w: V, _ move: Move) -> (weight: V, room: V) {
    let w = w * (move.scale * move.direction)
    let weight = vabs(w)
    let counts = weight .> move.floor
    let room = greater((1 - t).replacing(with: t, where: w .> 0), .zero)
    return (V.zero.replacing(with: weight, where: counts), V.zero.replacing(with: room, where: counts))
  }

  /// How far values move, without a sign.
  @inline(__always) private static func distance(
    _ norm: BoxNorm, _ weight: V, _ room: V, _ indices: I, _ move: Move
  ) -> V {
    switch norm {
    case .linf: return lesser(room, V(repeating: move.level))
    case .l2: return lesser(room, weight * move.level)
    case .l1:
      let level = V(repeating: move.level)
      let isTied = weight .== level
      let index = I(repeating: move.index)
      let tied = V.zero.replacing(with: room, where: isTied .& (indices .< index))
        .replacing(with: V(repeating: move.rest), where: isTied .& (indices .== index))
      return tied.replacing(with: room, where: weight .> level)
    }
  }

  /// Two sums over the values of a row, of vectors in float and of blocks in double.
  @inline(__always) private static func sums(_ count: Int, _ f: (Int, Int) -> (V, V)) -> (Double, Double) {
    var (a, b) = (0.0, 0.0)
    var i = 0
    while i < count {
      let end = min(i + 256, count)
      var (s, t) = (V.zero, V.zero)
      while i < end {
        let (u, v) = f(i, min(16, end - i))
        s += u
        t += v
        i += 16
      }
      i = end
      a += Double(laneSum(s))
      b += Double(laneSum(t))
    }
    return (a, b)
  }

  /// The power of two that brings the greatest weight of a row to 1…2; 0 where there is none.
  @inline(__always) private static func scale(_ w: Floats, _ count: Int) -> Float {
    var most = V.zero
    var i = 0
    while i < count {
      most = greater(most, vabs(vload(w + i, first: min(16, count - i))))
      i += 16
    }
    let greatest = laneMaximum(most)
    guard greatest > 0 else { return 0 }
    return Float(bitPattern: UInt32(min(max(254 - Int(greatest.bitPattern >> 23), 1), 254)) << 23)
  }

  /// How the values of t move, so that ⟨w, t⟩ falls by `amount`, which is scaled as the weights are. It is in double
  /// precision, as are sums of blocks: where most values are at the bounds, the few others are all that makes a difference.
  @inline(__always) private static func solve(
    _ norm: BoxNorm, _ t: Floats, _ w: Floats, _ amount: Double, scale: Float, _ count: Int
  ) -> Move {
    var move = Move()
    (move.direction, move.scale) = (amount < 0 ? -1 : 1, scale)
    move.floor = norm.isLinf ? 0 : negligible * scale
    let amount = abs(amount)
    if norm.isL1 { return solveInOrder(t, w, amount, count, move) }
    // Far fewer passes are needed; a bound is for rows that nobody has met.
    for _ in 0..<100 {
      let (moved, slope) = sums(count) { i, n in
        let (weight, room) = sizes(vload(t + i, first: n), vload(w + i, first: n), move)
        let reach = norm.isLinf ? V(repeating: move.level) : weight * move.level
        let isFree = reach .< room
        return (
          weight * lesser(room, reach),
          V.zero.replacing(with: norm.isLinf ? weight : weight * weight, where: isFree)
        )
      }
      let next = slope > 0 ? Float(min(Double(move.level) + (amount - moved) / slope, 1e30)) : 1e30
      let isOver = !(next > move.level * (1 + 2e-7)) || next == 1e30 && slope == 0
      move.level = max(move.level, next)
      if isOver { break }
    }
    return move
  }

  /// L1: the values move to the box in the order of their weights.
  @inline(__always) private static func solveInOrder(
    _ t: Floats, _ w: Floats, _ amount: Double, _ count: Int, _ start: Move
  ) -> Move {
    var move = start
    func movedAbove(_ level: Float) -> Double {
      blockedSum(count) { i, n in
        let (weight, room) = sizes(vload(t + i, first: n), vload(w + i, first: n), start)
        return V.zero.replacing(with: weight * room, where: weight .> level)
      }
    }
    // Everything moves where even that does not suffice.
    guard movedAbove(0) > amount else { return move }
    // More than the amount moves above the bits `low`, not more above `high`.
    var (low, high): (UInt32, UInt32) = (0, Float(4).bitPattern)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if movedAbove(Float(bitPattern: middle)) > amount { low = middle } else { high = middle }
    }
    move.level = Float(bitPattern: high)
    settle(t, w, amount, count, &move)
    return move
  }

  /// Sets the last value that moves, from the level that sums in float have found: with exact sums it may be a few
  /// weights higher or lower.
  private static func settle(_ t: Floats, _ w: Floats, _ amount: Double, _ count: Int, _ move: inout Move) {
    func size(_ i: Int) -> (weight: Float, room: Float) {
      let v = w[i] * (move.scale * move.direction)
      return (abs(v) > move.floor ? abs(v) : 0, max(v > 0 ? t[i] : 1 - t[i], 0))
    }
    var left = amount
    for i in 0..<count {
      let (weight, room) = size(i)
      if weight > move.level { left -= Double(weight) * Double(room) }
    }
    for _ in 0..<32 {
      // What the values of just this weight can take, and the weights next to it.
      var (tied, above, below): (Double, Float, Float) = (0, .infinity, 0)
      for i in 0..<count {
        let (weight, room) = size(i)
        if weight == move.level {
          tied += Double(weight) * Double(room)
        } else if weight > move.level {
          above = min(above, weight)
        } else {
          below = max(below, weight)
        }
      }
      if left < 0, above < .infinity {
        move.level = above
        for i in 0..<count {
          let (weight, room) = size(i)
          if weight == above { left += Double(weight) * Double(room) }
        }
      } else if left > tied, below > 0 {
        left -= tied
        move.level = below
      } else {
        break
      }
    }
    left = max(left, 0)
    for i in 0..<count {
      let (weight, room) = size(i)
      guard weight == move.level, weight > 0 else { continue }
      (move.index, move.rest) = (Int32(i), Float(min(left / Double(weight), Double(room))))
      left -= Double(weight) * Double(room)
      if left <= 0 { break }
    }
  }

  /// The displacement of values by a move.
  @inline(__always) private static func displacement(_ norm: BoxNorm, _ t: V, _ w: V, _ i: Int, _ move: Move) -> V {
    let (weight, room) = sizes(t, w, move)
    let indices = I(repeating: Int32(truncatingIfNeeded: i)) &+ lanes
    return copySign(distance(norm, weight, room, indices, move), w * -move.direction)
  }

  @inline(__always) private static var lanes: I { I(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) }

  @inline(__always) private static func project(
    _ norm: BoxNorm, _ t: Floats, _ w: Floats, _ amount: Float, _ count: Int, _ d: MutableFloats
  ) {
    let scale = scale(w, count)
    let move = solve(norm, t, w, Double(amount) * Double(scale), scale: scale, count)
    var i = 0
    while i < count {
      let n = min(16, count - i)
      vstore(d + i, displacement(norm, vload(t + i, first: n), vload(w + i, first: n), i, move), first: n)
      i += 16
    }
  }

  package static func projectOntoHyperplane(
    _ norm: BoxNorm, _ t: Floats, _ w: Floats, _ amount: Float, _ count: Int, _ d: MutableFloats
  ) {
    switch norm {
    case .linf: project(.linf, t, w, amount, count, d)
    case .l2: project(.l2, t, w, amount, count, d)
    case .l1: project(.l1, t, w, amount, count, d)
    }
  }

  /// The lengths of the two rows that `f` returns, zero beyond the end.
  @inline(__always) private static func lengths(
    _ norm: BoxNorm, _ count: Int, _ f: (Int, Int) -> (V, V)
  ) -> (Float, Float) {
    var (a, b) = (0.0, 0.0)
    var i = 0
    while i < count {
      let end = min(i + 256, count)
      var (s, t) = (V.zero, V.zero)
      while i < end {
        let (u, v) = f(i, min(16, end - i))
        s = norm.isLinf ? greater(s, vabs(u)) : s + (norm.isL2 ? u * u : vabs(u))
        t = norm.isLinf ? greater(t, vabs(v)) : t + (norm.isL2 ? v * v : vabs(v))
        i += 16
      }
      i = end
      a = norm.isLinf ? max(a, Double(laneMaximum(s))) : a + Double(laneSum(s))
      b = norm.isLinf ? max(b, Double(laneMaximum(t))) : b + Double(laneSum(t))
    }
    return norm.isL2 ? (Float(a.squareRoot()), Float(b.squareRoot())) : (Float(a), Float(b))
  }

  @inline(__always) private static func step(
    _ norm: BoxNorm, _ step: BoundaryStep, _ x: Floats, _ center: Floats, _ w: Floats, _ lead: Float, _ count: Int,
    _ y: MutableFloats
  ) -> Float {
    let scale = scale(w, count)
    let lead = Double(lead) * Double(scale)
    // ⟨w, centre − x⟩, which the centre has to fall by as well; the official code forms ⟨w, x⟩ and takes it away again.
    let (ahead, _) = sums(count) { i, n in
      let difference = vload(center + i, first: n) - vload(x + i, first: n)
      return (vload(w + i, first: n) * scale * difference, .zero)
    }
    let near = solve(norm, x, w, lead, scale: scale, count)
    let far = solve(norm, center, w, lead + ahead, scale: scale, count)
    let found = lengths(norm, count) { i, n in
      let v = vload(w + i, first: n)
      return (
        displacement(norm, vload(x + i, first: n), v, i, near),
        displacement(norm, vload(center + i, first: n), v, i, far)
      )
    }
    let (a, b) = (max(found.0, 1e-8), max(found.1, 1e-8))
    let share = min(a / (a + b), step.mostShare)
    let (one, overshoot) = (V(repeating: 1), step.overshoot)
    return lengths(norm, count) { i, n in
      let (v, from, c) = (vload(w + i, first: n), vload(x + i, first: n), vload(center + i, first: n))
      let ofX = from + displacement(norm, from, v, i, near) * overshoot
      let ofCenter = c + displacement(norm, c, v, i, far) * overshoot
      let result = lesser(greater(ofX * (1 - share) + ofCenter * share, .zero), one)
      vstore(y + i, result, first: n)
      return (result - c, .zero)
    }.0
  }

  package static func boundaryStep(
    _ settings: BoundaryStep, _ x: Floats, _ center: Floats, _ w: Floats, _ lead: Float, _ count: Int,
    _ y: MutableFloats
  ) -> Float {
    switch settings.norm {
    case .linf: step(.linf, settings, x, center, w, lead, count, y)
    case .l2: step(.l2, settings, x, center, w, lead, count, y)
    case .l1: step(.l1, settings, x, center, w, lead, count, y)
    }
  }
}
