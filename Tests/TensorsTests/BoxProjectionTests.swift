import Tensors
import TestSupport
import Testing

/// Projections onto hyperplanes within the box, against what defines them.
@Suite struct BoxProjectionTests {
  /// Numbers of a seed.
  private struct Numbers {
    var stream: RandomStream
    var place = 0

    init(_ seed: UInt64) { stream = RandomStream(seed: seed, purpose: "projections") }

    mutating func uniform() -> Float {
      defer { place += 1 }
      return stream.uniform(at: place)
    }
  }

  private struct Problem {
    var t: [Float]
    var w: [Float]
    var amount: Float
  }

  /// Points with values at the bounds, weights that are 0, equal, tiny or of very different sizes, amounts from nothing
  /// to more than there is room for.
  private func problem(_ seed: UInt64, _ n: Int) -> Problem {
    var numbers = Numbers(seed)
    let kind = seed % 6
    let t = (0..<n).map { _ -> Float in
      let u = numbers.uniform()
      return u < 0.2 ? 0 : u > 0.85 ? 1 : u
    }
    let w = (0..<n).map { _ -> Float in
      let u = numbers.uniform() * 2 - 1
      switch kind {
      case 1: return numbers.uniform() < 0.5 ? 0 : u
      case 2: return u < 0 ? -0.25 : 0.25
      case 3: return u * u * u * u * u * 100
      case 4: return u * 1e-3
      case 5: return u * 1e4
      default: return u
      }
    }
    // The most that ⟨w, t⟩ can fall by.
    let room = zip(t, w).reduce(0) { $0 + abs($1.1) * ($1.1 > 0 ? $1.0 : 1 - $1.0) }
    let rise = zip(t, w).reduce(0) { $0 + abs($1.1) * ($1.1 > 0 ? 1 - $1.0 : $1.0) }
    let shares: [Float] = [0, 0.001, 0.1, 0.5, 0.95, 1.3]
    let share = shares[Int(numbers.uniform() * 5.99)]
    return Problem(t: t, w: w, amount: seed % 2 == 0 ? room * share : -rise * share)
  }

  /// The same in double precision, by sorting; of equal weights in L1 the first moves first.
  private func reference(_ norm: BoxNorm, _ p: Problem) -> [Double] {
    let direction: Double = p.amount < 0 ? -1 : 1
    let w = p.w.map { Double($0) * direction }
    let amount = abs(Double(p.amount))
    let counts = p.w.map { norm == .linf ? $0 != 0 : abs($0) > 1e-8 }
    let room = p.t.indices.map { i in !counts[i] ? 0 : w[i] > 0 ? Double(p.t[i]) : 1 - Double(p.t[i]) }
    let all = p.t.indices.reduce(0) { $0 + abs(w[$1]) * room[$1] }
    var moves = room
    if all > amount {
      if norm == .l1 {
        var left = amount
        for i in w.indices.sorted(by: { (abs(w[$0]), -$0) > (abs(w[$1]), -$1) }) where counts[i] {
          moves[i] = min(room[i], left / abs(w[i]))
          left = max(0, left - abs(w[i]) * moves[i])
        }
      } else {
        // The sum is linear between the levels at which values meet the box.
        let pull = w.map { norm == .linf ? 1 : abs($0) }
        var slope = w.indices.reduce(0) { counts[$1] && room[$1] > 0 ? $0 + abs(w[$1]) * pull[$1] : $0 }
        var (level, sum) = (0.0, 0.0)
        let order = w.indices.filter { counts[$0] && room[$0] > 0 }.sorted { room[$0] / pull[$0] < room[$1] / pull[$1] }
        for i in order {
          let next = room[i] / pull[i]
          if sum + (next - level) * slope >= amount { break }
          sum += (next - level) * slope
          slope -= abs(w[i]) * pull[i]
          level = next
        }
        if slope > 0 { level += (amount - sum) / slope }
        for i in w.indices { moves[i] = min(room[i], level * pull[i]) }
      }
    }
    return p.t.indices.map { i in moves[i] * (w[i] > 0 ? -1 : 1) }
  }

  private func project(_ norm: BoxNorm, _ problems: [Problem]) throws -> [[Float]] {
    let n = problems[0].t.count
    let d = try projectOntoHyperplanes(
      Tensor(problems.flatMap(\.t), shape: [problems.count, n]),
      normals: Tensor(problems.flatMap(\.w), shape: [problems.count, n]),
      amounts: Tensor(problems.map(\.amount)), norm: norm
    ).floats()
    return problems.indices.map { Array(d[$0 * n..<($0 + 1) * n]) }
  }

  @Test(arguments: BoxNorm.allCases, [1, 3, 17, 50, 784, 2100])
  func shortestDisplacements(_ norm: BoxNorm, _ n: Int) throws {
    let problems = (0..<36).map { problem(UInt64($0), n) }
    for (i, (p, d)) in zip(problems, try project(norm, problems)).enumerated() {
      let expected = reference(norm, p)
      let worst = zip(d, expected).map { abs(Double($0) - $1) }.max() ?? 0
      #expect(worst <= 2e-5, "problem \(i) of \(n) values is off by \(worst)")
      #expect(zip(p.t, d).allSatisfy { (0...1).contains($0 + $1) })
      #expect(zip(p.w, d).allSatisfy { $0 != 0 || $1 == 0 })
    }
  }

  /// A row has the same bits alone, and in any order of rows.
  @Test(arguments: BoxNorm.allCases)
  func rowsAreIndependent(_ norm: BoxNorm) throws {
    let problems = (0..<20).map { problem(UInt64($0), 300) }
    let together = try project(norm, problems)
    for (i, p) in problems.enumerated() { #expect(try project(norm, [p])[0] == together[i]) }
    #expect(try project(norm, problems.reversed()) == together.reversed())
  }

  /// Without a direction nothing moves, whatever is asked for; extreme weights make no NaN.
  @Test(arguments: BoxNorm.allCases)
  func extremes(_ norm: BoxNorm) throws {
    let t: [Float] = [0.25, 0.5, 1]
    for amount: Float in [0, 1, -1, 1e38, -1e-38] {
      #expect(try project(norm, [Problem(t: t, w: [0, 0, 0], amount: amount)])[0].allSatisfy { $0 == 0 })
      for w: [Float] in [[1e38, -3e38, 2e38], [1e-38, .leastNonzeroMagnitude, -3e-38], [1e38, 1e-38, -1]] {
        let d = try project(norm, [Problem(t: t, w: w, amount: amount)])[0]
        #expect(zip(t, d).allSatisfy { (0...1).contains($0 + $1) }, "\(w) \(amount): \(d)")
      }
    }
    // As far as the box allows.
    #expect(try project(norm, [Problem(t: t, w: [1, -1, 2], amount: 100)])[0] == [-0.25, 0.5, -1])
  }

  /// The step of FAB is the mean of the two projections, each overshot.
  @Test(arguments: BoxNorm.allCases)
  func boundarySteps(_ norm: BoxNorm) throws {
    for layout in [false, true] {
      let shape = [12, 3, 5, 7]
      let (x, c) = (try sample(shape).sigmoid(), try sample(shape, "c").sigmoid())
      let w = try sample(shape, "w")
      let leads = try sample([12], "leads") * 3
      let step = BoundaryStep(norm: norm, overshoot: 1.05, mostShare: 0.1)
      let (points, distances) = try boundaryStep(
        x, centers: c, normals: layout ? w.forConvolutions() : w, leads: leads, step)
      let ahead = try leads + (w * (c - x)).sum(axes: [1, 2, 3])
      let d = try projectOntoHyperplanes(x, normals: w, amounts: leads, norm: norm)
      let e = try projectOntoHyperplanes(c, normals: w, amounts: ahead, norm: norm)
      func length(_ v: Tensor) throws -> Tensor {
        try v.norm(norm == .linf ? .infinity : norm == .l2 ? 2 : 1, axes: [1, 2, 3], keepdim: true)
      }
      let (a, b) = (try length(d), try length(e))
      let share = try (a / (a + b)).clip(max: 0.1)
      let expected = try ((x + d * 1.05) * (1 - share) + (c + e * 1.05) * share).clip(min: 0, max: 1)
      expectEqual(points, expected, tolerance: 2e-5)
      expectEqual(distances, try length(points - c).reshape([12]), tolerance: 1e-4)
    }
  }

  @Test func shapesMustFit() throws {
    let t = try Tensor.zeros([2, 3])
    expectError(.shape, containing: "[2, 3]", "[3]") {
      _ = try projectOntoHyperplanes(t, normals: t, amounts: .zeros([3]), norm: .l2)
    }
    expectError(.type, containing: "i64") {
      _ = try projectOntoHyperplanes(t, normals: .zeros([2, 3]), amounts: Tensor(ints: [0, 0], shape: [2]), norm: .l2)
    }
    let none = try Tensor.zeros([0, 3])
    #expect(try projectOntoHyperplanes(none, normals: none, amounts: .zeros([0]), norm: .l1).shape == [0, 3])
  }
}
