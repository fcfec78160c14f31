import Tensors
import TestSupport
import Testing

/// The steps of attacks against their definitions in double precision, for examples of odd sizes.
@Suite struct AttackStepTests {
  let (x, previous, gradient, center): (Tensor, Tensor, Tensor, Tensor)
  let eps = 0.1

  init() throws {
    let shape = [5, 3, 5, 7]
    center = try sample(shape, "center").sigmoid()
    x = try (center + sample(shape, "x") * 0.02).clip(min: 0, max: 1)
    previous = try (center + sample(shape, "previous") * 0.02).clip(min: 0, max: 1)
    gradient = try sample(shape, "gradient") * sample(shape, "zeros").relu()
  }

  private var steps: [Double] { [0.2, 0.1, 0.05, 0.3, 0] }

  /// The examples of a tensor as rows of doubles.
  private func rows(_ tensor: Tensor) -> [[Double]] {
    let (values, size) = (tensor.floats(), tensor.count / 5)
    return (0..<5).map { r in values[r * size..<(r + 1) * size].map(Double.init) }
  }

  private func check(_ y: Tensor, _ expected: (Int) -> [Double], tolerance: Double = 2e-6) {
    for (r, row) in rows(y).enumerated() {
      let wanted = expected(r)
      #expect(zip(row, wanted).allSatisfy { abs($0 - $1) <= tolerance }, "example \(r)")
    }
  }

  private func box(_ v: Double) -> Double { min(max(v, 0), 1) }
  private func length(_ v: [Double]) -> Double { v.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  @Test(arguments: [1, 0.75], [StepBall.linf, .l2])
  func momentum(share: Double, ball: StepBall) throws {
    let sizes = try Tensor(steps.map { Float($0) })
    func step(_ gradient: Tensor, _ x: Tensor) throws -> Tensor {
      try momentumStep(
        x, previous: previous, gradient: gradient, center: center, steps: sizes, share: Float(share), eps: Float(eps),
        in: ball)
    }
    let y = try step(gradient, x)
    #expect(try step(gradient.forConvolutions(), x.forConvolutions()).isIdentical(to: y) || ball == .l2)
    let (xs, ps, gs, cs) = (rows(x), rows(previous), rows(gradient), rows(center))
    check(y) { r in
      let (x, p, g, c) = (xs[r], ps[r], gs[r], cs[r])
      func back(_ v: [Double]) -> [Double] {
        let change = zip(v, c).map { $0 - $1 }
        let size = length(change)
        return zip(change, c).map { d, c in
          box(c + (ball == .linf ? min(max(d, -eps), eps) : d / (size + 1e-12) * min(eps, size)))
        }
      }
      let size = length(g) + 1e-12
      let u = back(
        x.indices.map { i in
          x[i] + steps[r] * (ball == .linf ? (g[i] > 0 ? 1 : g[i] < 0 ? -1 : 0) : g[i] / size)
        })
      return back(x.indices.map { x[$0] + (u[$0] - x[$0]) * share + (x[$0] - p[$0]) * (1 - share) })
    }
  }

  /// The nearest point, by halving.
  private func nearest(_ change: [Double], _ c: [Double], _ eps: Double) -> [Double] {
    func point(_ a: Double) -> [Double] {
      zip(change, c).map { d, c in
        let out = max(-(c + d), c + d - 1, 0)
        let size = abs(d) - min(abs(d), max(out, a))
        return d < 0 ? -size : size
      }
    }
    func sum(_ a: Double) -> Double { point(a).reduce(0) { $0 + abs($1) } }
    var (low, high) = (0.0, change.map(abs).max() ?? 0)
    if sum(0) <= eps { high = 0 }
    for _ in 0..<200 { if sum((low + high) / 2) > eps { low = (low + high) / 2 } else { high = (low + high) / 2 } }
    return zip(point(high), c).map { box($0 + $1) }
  }

  @Test(arguments: [0, 0.01, 1, 5, 1000])
  func nearestPointInL1(eps: Double) throws {
    let change = try sample([5, 3, 5, 7], "change")
    let y = try nearestInL1(center + change, center: center, eps: Float(eps))
    let (ds, cs) = (rows(change), rows(center))
    check(y) { nearest(ds[$0], cs[$0], eps) }
    for (row, c) in zip(rows(y), cs) {
      #expect(zip(row, c).reduce(0) { $0 + abs($1.0 - $1.1) } <= eps + 2e-5 + 1e-5 * eps)
    }
  }

  @Test(arguments: [0, 20, 84, 104])
  func sparse(rank: Int) throws {
    let y = try sparseStep(
      x, gradient: gradient, center: center, steps: Tensor(steps.map { Float($0) }),
      ranks: Tensor.full([5], Float(rank) + 0.5), eps: 0.5)
    let (xs, gs, cs) = (rows(x), rows(gradient), rows(center))
    check(y) { r in
      let least = gs[r].map(abs).sorted()[rank]
      let s = gs[r].map { abs($0) >= least ? ($0 > 0 ? 1.0 : $0 < 0 ? -1 : 0) : 0 }
      let size = s.map(abs).reduce(0, +) + 1e-10
      return nearest(s.indices.map { xs[r][$0] + s[$0] * steps[r] / size - cs[r][$0] }, cs[r], 0.5)
    }
  }

  @Test func rowsAreReplaced() throws {
    var y = x
    try y.replaceRows(where: Tensor(bools: [true, false, false, true, false], shape: [5]), with: center)
    for (r, row) in rows(y).enumerated() { #expect(row == rows(r % 3 == 0 ? center : x)[r]) }
    #expect(try !y.isIdentical(to: x) && x.isIdentical(to: sampleX()))
    var last = try x.forConvolutions()
    try last.replaceRows(where: Tensor(bools: [true, false, false, true, false], shape: [5]), with: center)
    #expect(last.isIdentical(to: y))
  }

  private func sampleX() throws -> Tensor { try (center + sample(x.shape, "x") * 0.02).clip(min: 0, max: 1) }

  @Test func nothingIsNoProblem() throws {
    let none = try Tensor.zeros([0, 3, 2, 2])
    let numbers = try Tensor.zeros([0])
    #expect(try nearestInL1(none, center: none, eps: 1).count == 0)
    #expect(
      try momentumStep(
        none, previous: none, gradient: none, center: none, steps: numbers, share: 1, eps: 1, in: .linf
      ).count == 0)
    #expect(
      try sparseStep(none, gradient: none, center: none, steps: numbers, ranks: numbers, eps: 1).count == 0)
  }
}
