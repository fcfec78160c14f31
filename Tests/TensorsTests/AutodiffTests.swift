import Base
import Tensors
import TestSupport
import Testing

@Suite struct AutodiffTests {
  @Test func deepGraph() throws {
    let x = try Tensor.scalar(1).tracked()
    var y = x
    for _ in 0..<100_000 { y = try y.affine(scale: 1, offset: 0.001) }
    let gradient = try gradients(of: y, withRespectTo: [x])[0]
    #expect(try gradient.item() == 1)
    // A record that is never walked goes too.
    var z = x
    for _ in 0..<100_000 { z = try add(z, x) }
    z = x
    #expect(z.isTracked)
  }

  @Test func sharedAndIntermediateValues() throws {
    let x = try Tensor([1, 2, 3]).tracked()
    let y = try mul(x, x)
    let loss = try add(mul(y, x), y).sum()
    let found = try gradients(of: loss, withRespectTo: [x, y])
    expectEqual(found[0], try Tensor([5, 16, 33]))
    expectEqual(found[1], try Tensor([2, 3, 4]))
  }

  @Test func severalOutputsOfOneInputDoNotMixUp() throws {
    let x = try Tensor([2, 3]).tracked()
    let loss = try add(x, x).sum()
    expectEqual(try gradients(of: loss, withRespectTo: [x])[0], try Tensor([2, 2]))
  }

  /// A gradient is told once, whole, and before the pass has gone on to what lies further back.
  @Test func gradientsAreToldAsTheyAreFound() throws {
    let weights = try (0..<4).map { try Tensor([Float($0) + 1, 2]).tracked() }
    var x = try Tensor([3, 5])
    for weight in weights.dropLast() { x = try mul(x, weight) }
    // The first is read again at the end, the last not at all.
    let loss = try add(x, weights[0]).sum()
    var told: [(place: Int, gradient: [Float])] = []
    let found = try gradients(of: loss, withRespectTo: weights) { (place, gradient) throws(CoreError) in
      told.append((place, gradient.floats()))
    }
    #expect(told.map(\.place) == [2, 1, 0])
    for (place, gradient) in told { #expect(gradient == found[place].floats()) }
    #expect(found[3].floats() == [0, 0])
  }

  @Test func independentInputsGetZeros() throws {
    let (x, y) = (try Tensor([1, 2]).tracked(), try Tensor([3]).tracked())
    let found = try gradients(of: x.sum(), withRespectTo: [x, y])
    expectEqual(found[1], try Tensor([0]))
    expectEqual(try gradients(of: Tensor.scalar(1), withRespectTo: [x])[0], try Tensor([0, 0]))
  }

  /// An attack's pass keeps no more than the weights' pass needs, and everything is released in the end.
  @Test func memoryIsReleased() throws {
    let w = try sample([16, 16, 3, 3], "w")
    func peak(_ track: Bool) throws -> Int {
      let x = try sample([16, 16, 64, 64]).tracked()
      let weights = track ? w.tracked() : w
      let start = Compute.memory.inUse
      Compute.resetPeakMemory()
      var y = x
      for _ in 0..<12 { y = try conv2d(y, weights, padding: Padding(1)) }
      _ = try gradients(of: y.sum(), withRespectTo: [x])
      return Compute.memory.peak - start
    }
    // Without weights to follow, the images between the convolutions are not kept.
    let (input, both) = (try peak(false), try peak(true))
    #expect(input < both / 2, "\(input) bytes, \(both) with weights")
  }

  @Test func cotangent() throws {
    let x = try Tensor([1, 2]).tracked()
    let found = try gradients(of: x.square(), withRespectTo: [x], cotangent: Tensor([10, 100]))
    expectEqual(found[0], try Tensor([20, 400]))
    expectError(.shape, containing: "[3]", "[2]") {
      _ = try gradients(of: x.square(), withRespectTo: [x], cotangent: Tensor([1, 1, 1]))
    }
    expectError(.shape, containing: "[2]", "mean") { _ = try gradients(of: x.square(), withRespectTo: [x]) }
  }

  @Test func aRecordIsWalkedOnce() throws {
    let x = try Tensor([1, 2]).tracked()
    let y = try x.square().sum()
    _ = try gradients(of: y, withRespectTo: [x])
    expectError(.value, containing: "already used") { _ = try gradients(of: y, withRespectTo: [x]) }
  }

  @Test func aRecordThatIsKeptIsWalkedAgain() throws {
    let x = try Tensor([1, 2]).tracked()
    let y = try x.square()
    for factor in [Float(1), 10] {
      let cotangent = try Tensor([factor, 1])
      let found = try gradients(of: y, withRespectTo: [x], cotangent: cotangent, keepingRecord: true)
      expectEqual(found[0], try Tensor([2 * factor, 4]))
    }
    _ = try gradients(of: y, withRespectTo: [x], cotangent: Tensor([1, 1]))
    expectError(.value, containing: "already used") {
      _ = try gradients(of: y, withRespectTo: [x], cotangent: Tensor([1, 1]))
    }
  }

  @Test func detachedAndUntrackedValuesAreConstants() throws {
    let x = try Tensor([3]).tracked()
    let y = try mul(x.detached(), x)
    expectEqual(try gradients(of: y, withRespectTo: [x])[0], try Tensor([3]))
    #expect(!(try mul(x.detached(), x.detached()).isTracked))
  }

  @Test func ties() throws {
    let x = try Tensor([1, 1, 0]).tracked()
    expectEqual(try gradients(of: x.max(), withRespectTo: [x])[0], try Tensor([0.5, 0.5, 0]))
    expectEqual(try gradients(of: maximum(x, .scalar(1)).sum(), withRespectTo: [x])[0], try Tensor([0.5, 0.5, 0]))
    let zero = try Tensor([0, 0]).tracked()
    expectEqual(try gradients(of: zero.norm(), withRespectTo: [zero])[0], try Tensor([0, 0]))
    expectEqual(try gradients(of: zero.relu().sum(), withRespectTo: [zero])[0], try Tensor([0, 0]))
    expectEqual(try gradients(of: zero.clip(min: 0, max: 1).sum(), withRespectTo: [zero])[0], try Tensor([1, 1]))
  }

  /// Where a root of 0 has an infinite slope.
  @Test func rootsOfZeroAreFlat() throws {
    let x = try Tensor([0, 0, 3, 4], shape: [2, 2]).tracked()
    for p in [1, 1.5, 2, 3, .infinity] {
      let found = try gradients(of: x.norm(p, perExample: true).sum(), withRespectTo: [x])[0].floats()
      #expect(found[0] == 0 && found[1] == 0 && found[3] > 0, "\(p): \(found)")
    }
    let same = try Tensor([2, 2, 2]).tracked()
    expectEqual(try gradients(of: same.standardDeviation(), withRespectTo: [same])[0], try Tensor([0, 0, 0]))
  }

  /// Fixed statistics: the slope is that of an affine map, whatever the input is.
  @Test func notANumberDoesNotReachTheGradientOfAnAffineMap() throws {
    let x = try Tensor([.nan, 1, .infinity, 2], shape: [2, 2]).tracked()
    let (mean, variance) = (try Tensor.zeros([2]), try Tensor([4, 9]))
    let y = try batchNormEval(x, mean: mean, variance: variance, eps: 0)
    expectEqual(
      try gradients(of: y.sum(), withRespectTo: [x])[0], try Tensor([0.5, 1 / 3, 0.5, 1 / 3], shape: [2, 2]))
  }

  /// The tensor before is as it was, for what was computed from it.
  @Test func assignmentLeavesEarlierResultsAlone() throws {
    let x = try Tensor([1, 2, 3]).tracked()
    var y = try x * 2
    let square = try y.square()
    try y.assign(starts: [0], stops: [2], x.slice(starts: [2], stops: [3]))
    let loss = try add(square.sum(), y.sum())
    expectEqual(try gradients(of: loss, withRespectTo: [x])[0], try Tensor([8, 16, 28]))
  }

  @Test func wrongGradientsAreFound() throws {
    let x = try sample([4])
    let honest = try checkGradients(at: x) { (x) throws(CoreError) in try x.square().sum() }
    #expect(honest.deviation < 1e-2)
    let wrong = try checkGradients(at: x) { (x) throws(CoreError) in try mul(x, x.detached()).sum() }
    #expect(wrong.deviation > 0.1)
  }
}
