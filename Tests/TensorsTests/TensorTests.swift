import Tensors
import TestSupport
import Testing

@Suite struct TensorTests {
  @Test func makingAndReading() throws {
    #expect(try Tensor([1, 2.5], shape: [2, 1]).floats() == [1, 2.5])
    #expect(try Tensor(ints: [3, -4], shape: [2]).ints() == [3, -4])
    #expect(try Tensor(bools: [true, false], shape: [2]).bools() == [true, false])
    #expect(try Tensor([1.9, -1.9, .nan, .infinity]).ints() == [1, -1, 0, 0])
    #expect(try Tensor.scalar(4).item() == 4)
    #expect(try Tensor.oneHot([1, 0], classes: 3).floats() == [0, 1, 0, 1, 0, 0])
    #expect(try Tensor.range(3).ints() == [0, 1, 2])
    expectError(.shape, containing: "3 values", "[2, 2]") { _ = try Tensor([1, 2, 3], shape: [2, 2]) }
    expectError(.shape, containing: "[2]") { _ = try Tensor([1, 2]).item() }
    expectError(.value, containing: "label 3") { _ = try Tensor.oneHot([3], classes: 3) }
  }

  @Test func sillySizes() throws {
    expectError(.memory) { _ = try Tensor.zeros([Int.max, 2]) }
    expectError(.memory) { _ = try Tensor.zeros([1 << 40, 1 << 40]) }
    expectError(.memory, containing: "LTD_MEMORY_LIMIT") { _ = try Tensor.zeros([1 << 45]) }
    expectError(.shape, containing: "-1") { _ = try Tensor.zeros([2, -1]) }
    #expect(try Tensor.zeros([Int.max, 0]).count == 0)
    let hollow = try Tensor.zeros([Int.max, 0])
    expectError(.memory) { _ = try concat([hollow, hollow]) }
    #expect(try hollow.indexSelect(axis: 1, []).shape == [Int.max, 0])
    #expect(try hollow.permute([1, 0]).shape == [0, Int.max])
    #expect(try hollow.slice(starts: [.min, 0], stops: [.max, .max], steps: [.max, 1]).shape == [1, 0])
    #expect(try add(hollow, .scalar(1)).count == 0)
    #expect(try hollow.sum().item() == 0)
    expectError(.memory) { _ = try hollow.sum(axes: [1]) }
    expectError(.memory) { _ = try matmul(hollow, Tensor.zeros([0, 1])) }
    let one = try Tensor.scalar(1)
    expectError(.memory) { _ = try one.broadcast(to: [1 << 45]) }
    let row = try Tensor.zeros([1, 1 << 20])
    expectError(.memory) { _ = try add(Tensor.zeros([1 << 20, 1]), row) }
    expectError(.memory) { _ = try Tensor.zeros([1, 1]).pad(top: .max, bottom: 1, left: 0, right: 0) }
  }

  @Test func typesMix() throws {
    let (i, f, b) = (
      try Tensor(ints: [1, 2], shape: [2]), try Tensor([0.5, 2]), try Tensor(bools: [true, false], shape: [2])
    )
    #expect(try add(i, i).dtype == .int64)
    #expect(try add(i, f).dtype == .float32)
    #expect(try add(b, b).ints() == [2, 0])
    #expect(try div(i, i).dtype == .float32)
    #expect(try mul(i, b).ints() == [1, 0])
    #expect(try b.sum().ints() == [1])
    #expect(try i.sum().dtype == .int64)
    #expect(try i.mean().item() == 1.5)
    #expect(try i.max().ints() == [2])
    #expect(try i.neg().ints() == [-1, -2])
    #expect(try less(i, f).bools() == [false, false])
    #expect(try equal(i, f).bools() == [false, true])
    #expect(try logicalAnd(b, Tensor(bools: [true], shape: [])).bools() == [true, false])
    #expect(try logicalOr(b, logicalNot(b)).all().bools() == [true])
    #expect(try b.any().bools() == [true])
    let large = try Tensor(ints: [Int.max], shape: [1])
    #expect(try add(large, large).ints() == [-2])
  }

  @Test func broadcastingAsDefined() throws {
    let shapes: [([Int], [Int])] = [
      ([], [2]), ([2, 3], [3]), ([2, 1], [1, 3]), ([2, 1, 3], [4, 1]), ([1], [2, 2, 2]), ([2, 3, 4, 5], [3, 1, 1]),
      ([0, 3], [3]), ([2, 3, 4, 5], [2, 1, 4, 1]),
    ]
    for (first, second) in shapes {
      let (a, b) = (try sample(first, "a"), try sample(second, "b"))
      let y = try sub(a, b)
      let (x1, x2, out) = (a.floats(), b.floats(), y.floats())
      for i in out.indices {
        #expect(out[i] == x1[source(i, y.shape, first)] - x2[source(i, y.shape, second)])
      }
    }
    expectError(.shape, containing: "[2, 3]", "[2, 4]", "axis -1") {
      _ = try add(Tensor.zeros([2, 3]), Tensor.zeros([2, 4]))
    }
  }

  /// The place in an operand that element i of a broadcast result comes from.
  private func source(_ i: Int, _ shape: [Int], _ operand: [Int]) -> Int {
    var (rest, place, step) = (i, 0, 1)
    for back in 1...max(shape.count, 1) where back <= shape.count {
      let size = shape[shape.count - back]
      if back <= operand.count {
        let own = operand[operand.count - back]
        if own != 1 { place += rest % size * step }
        step *= own
      }
      rest /= size
    }
    return place
  }

  @Test func emptyAndSingle() throws {
    let empty = try Tensor.zeros([0, 3])
    #expect(try empty.sum().item() == 0)
    #expect(try empty.mean().item().isNaN)
    #expect(try empty.sum(axes: [0]).floats() == [0, 0, 0])
    #expect(try empty.softmax().shape == [0, 3])
    #expect(try empty.softmax(axis: 0).shape == [0, 3])
    #expect(try matmul(empty, Tensor.zeros([3, 2])).shape == [0, 2])
    #expect(try matmul(Tensor.zeros([2, 0]), Tensor.zeros([0, 2])).floats() == [0, 0, 0, 0])
    #expect(try concat([empty, Tensor.ones([1, 3])]).shape == [1, 3])
    #expect(try empty.permute([1, 0]).shape == [3, 0])
    #expect(try empty.reshape([3, 0]).shape == [3, 0])
    #expect(try conv2d(Tensor.zeros([0, 1, 4, 4]), Tensor.zeros([2, 1, 3, 3])).shape == [0, 2, 2, 2])
    #expect(try maxPool2d(Tensor.zeros([0, 1, 4, 4]), kernel: (2, 2)).shape == [0, 1, 2, 2])
    #expect(try batchNormEval(empty, mean: Tensor.zeros([3]), variance: Tensor.ones([3])).shape == [0, 3])
    #expect(try crossEntropy(empty, labels: [], reduction: .sum).item() == 0)
    #expect(try crossEntropy(empty, labels: []).item().isNaN)
    #expect(try empty.norm(.infinity).item() == 0)
    #expect(try empty.indexSelect(axis: 0, []).shape == [0, 3])
    expectError(.shape) { _ = try empty.max() }
    expectError(.shape) { _ = try empty.argmax() }
    expectError(.shape) { _ = try batchNormTrain(empty) }
    #expect(try empty.max(axes: [1]).shape == [0])
    let blind = try conv2d(Tensor.zeros([1, 0, 2, 2]), Tensor.zeros([2, 0, 1, 1]), Tensor([3, 4]))
    #expect(blind.floats() == [3, 3, 3, 3, 4, 4, 4, 4])
    #expect(try conv2d(Tensor.zeros([1, 2, 2, 2]), Tensor.zeros([0, 2, 1, 1])).shape == [1, 0, 2, 2])
    let one = try Tensor([5], shape: [1, 1, 1, 1])
    #expect(try conv2d(one, one).floats() == [25])
    #expect(try one.softmax(axis: 1).floats() == [1])
    #expect(try batchNormTrain(one).y.floats() == [0])
    let x = try Tensor.zeros([0, 1, 4, 4]).tracked()
    let w = try Tensor.zeros([2, 1, 3, 3]).tracked()
    let found = try gradients(of: conv2d(x, w).sum(), withRespectTo: [x, w])
    #expect(found.map(\.shape) == [[0, 1, 4, 4], [2, 1, 3, 3]])
    #expect(found[1].floats().allSatisfy { $0 == 0 })
  }

  @Test func notNumbersAndInfinities() throws {
    let x = try Tensor([1, .nan, -.infinity, .infinity])
    #expect(try x.max().item().isNaN)
    #expect(try x.min().item().isNaN)
    #expect(try x.sum().item().isNaN)
    #expect(try x.relu().floats()[1].isNaN)
    #expect(try x.clip(min: 0, max: 1).floats()[1].isNaN)
    #expect(try maximum(x, .scalar(0)).floats()[1].isNaN)
    #expect(try minimum(.scalar(0), x).floats()[1].isNaN)
    #expect(try x.sign().floats()[1].isNaN)
    #expect(try x.argmax().ints() == [1])
    #expect(try equal(x, x).bools() == [true, false, true, true])
    #expect(try Tensor([-.infinity, -.infinity]).logsumexp(axis: 0).item() == -.infinity)
    #expect(try Tensor([.infinity, 1]).logsumexp(axis: 0).item() == .infinity)
    #expect(try Tensor([-1]).log().item().isNaN)
    #expect(try div(Tensor([1, 0]), Tensor([0, 0])).floats()[0] == .infinity)
    let image = try Tensor([.nan] + [Float](repeating: 1, count: 8), shape: [1, 1, 3, 3])
    #expect(try conv2d(image, Tensor.ones([1, 1, 2, 2])).floats().map(\.isNaN) == [true, false, false, false])
    #expect(try maxPool2d(image, kernel: (3, 3)).item().isNaN)
  }

  @Test func messagesNameShapesAxesAndHints() throws {
    let x = try Tensor.zeros([2, 3, 8, 8])
    expectError(.shape, containing: "[2, 3, 8, 8]", "[4, 5, 3, 3]", "channels") {
      _ = try conv2d(x, Tensor.zeros([4, 5, 3, 3]))
    }
    expectError(.shape, containing: "window", "axis 2") { _ = try conv2d(x, Tensor.zeros([4, 3, 9, 9])) }
    expectError(.value, containing: "stride") { _ = try conv2d(x, Tensor.zeros([4, 3, 3, 3]), stride: (0, 1)) }
    expectError(.value, containing: "groups") { _ = try conv2d(x, Tensor.zeros([4, 3, 3, 3]), groups: 0) }
    expectError(.value) { _ = try conv2d(x, Tensor.zeros([4, 3, 3, 3]), dilation: (.max, .max)) }
    expectError(.value) { _ = try conv2d(x, Tensor.zeros([4, 3, 3, 3]), padding: Padding(.max)) }
    expectError(.shape, containing: "[2, 3]", "[4, 2]", "axis") {
      _ = try matmul(Tensor.zeros([2, 3]), Tensor.zeros([4, 2]))
    }
    expectError(.shape, containing: "[2, 3]", "[4, 2]") { _ = try linear(Tensor.zeros([2, 3]), Tensor.zeros([4, 2])) }
    expectError(.shape, containing: "axis 7", "0 to 3") { _ = try x.sum(axes: [7]) }
    expectError(.value, containing: "twice") { _ = try x.sum(axes: [0, 0]) }
    expectError(.shape, containing: "384", "[5, -1]") { _ = try x.reshape([5, -1]) }
    expectError(.value, containing: "index 3", "axis 1") { _ = try x.indexSelect(axis: 1, [3]) }
    expectError(.value, containing: "temperature") { _ = try x.softmax(temperature: 0) }
    expectError(.value, containing: "label 9") { _ = try crossEntropy(Tensor.zeros([1, 3]), labels: [9]) }
    expectError(.shape, containing: "2 labels") { _ = try crossEntropy(Tensor.zeros([1, 3]), labels: [0, 1]) }
    expectError(.shape, containing: "at least 3") { _ = try dlr(Tensor.zeros([1, 2]), labels: [0]) }
    expectError(.shape, containing: "[3]", "[2, 2]") { _ = try concat([Tensor.zeros([3]), Tensor.zeros([2, 2])]) }
    expectError(.value, containing: "step") { _ = try x.slice(starts: [0], stops: [1], steps: [0]) }
    expectError(.value, containing: "min <= max") { _ = try x.clip(min: 1, max: 0) }
  }

  @Test func slicesAsInPython() throws {
    let x = try Tensor.range(5)
    func taken(_ start: Int, _ stop: Int, _ step: Int = 1) throws -> [Int] {
      try x.slice(axis: 0, start, stop, step: step).ints()
    }
    #expect(try taken(1, 3) == [1, 2])
    #expect(try taken(-2, 5) == [3, 4])
    #expect(try taken(0, 99, 2) == [0, 2, 4])
    #expect(try taken(3, 1) == [])
    #expect(try taken(4, .min, -1) == [4, 3, 2, 1, 0])
    #expect(try taken(99, 0, -2) == [4, 2])
    #expect(try taken(0, .max, .max) == [0])
    #expect(try taken(.min, .max) == [0, 1, 2, 3, 4])
  }

  @Test func assignmentLeavesCopiesAlone() throws {
    var x = try Tensor.zeros([2, 3])
    let copy = x
    try x.assign(starts: [0, 1], stops: [2, 3], Tensor([1, 2]))
    #expect(x.floats() == [0, 1, 2, 0, 1, 2])
    #expect(copy.floats() == [0, 0, 0, 0, 0, 0])
    try x.assign(axis: 1, indices: [0, -1], .scalar(7))
    #expect(x.floats() == [7, 1, 7, 7, 1, 7])
    try x.assign(mask: equal(x, .scalar(7)), Tensor([1, 2, 3, 4]))
    #expect(x.floats() == [1, 1, 2, 3, 1, 4])
    try x.assign(mask: Tensor(bools: [false, true], shape: [2]), Tensor([9, 8, 7]))
    #expect(x.floats() == [1, 1, 2, 9, 8, 7])
    // A tensor assigned to a part of itself.
    let whole = x
    try x.assign(starts: [0, 0], stops: [2, 3], steps: [1, 1], whole.slice(starts: [1], stops: [.min], steps: [-1]))
    #expect(x.floats() == [9, 8, 7, 1, 1, 2])
    expectError(.shape, containing: "[4]", "[2, 2]") {
      try x.assign(starts: [0, 1], stops: [2, 3], Tensor([1, 2, 3, 4]))
    }
    expectError(.type) {
      var ints = try Tensor.range(2)
      try ints.assign(starts: [0], stops: [1], .scalar(0.5))
    }
    var images = try sample([2, 3, 4, 5]).forConvolutions()
    var plain = try sample([2, 3, 4, 5])
    let patch = try sample([3, 2, 1], "patch")
    try images.assign(starts: [1, 0, 1], stops: [2, 3, 3], patch)
    try plain.assign(starts: [1, 0, 1], stops: [2, 3, 3], patch)
    #expect(images.isIdentical(to: plain))
    try images.assign(axis: 2, indices: [3, 0], .scalar(1))
    try plain.assign(axis: 2, indices: [3, 0], .scalar(1))
    #expect(images.isIdentical(to: plain))
  }

  /// Windows that reach beyond the image, and some that see nothing of it.
  @Test(arguments: [[3, 2, 5, 4], [4, 1, 2, 9]])
  func movedImagesAreWhatTheWindowSees(_ shape: [Int]) throws {
    let images = try sample(shape)
    let (height, width) = (shape[2], shape[3])
    for (down, right) in [(0, 0), (1, -2), (-3, 3), (4, 4), (-9, 1)] {
      for isMirrored in [false, true] {
        let move = ImageMove(down: down, right: right, isMirrored: isMirrored)
        let moved = try images.moved(Array(repeating: move, count: shape[0]))
        let (source, result) = (images.floats(), moved.floats())
        for i in source.indices {
          let (plane, y, x) = (i / (height * width), i / width % height + down, i % width)
          let column = (isMirrored ? width - 1 - x : x) + right
          let isInside = (0..<height).contains(y) && (0..<width).contains(column)
          #expect(result[i] == (isInside ? source[(plane * height + y) * width + column] : 0))
        }
        #expect(try images.forConvolutions().moved(Array(repeating: move, count: shape[0])).isIdentical(to: moved))
      }
    }
  }

  @Test func boundsAreFiniteWhereEveryElementIs() throws {
    let (low, high) = try Tensor([3, -2, 7, 0]).bounds()
    #expect(low == -2 && high == 7)
    for bad: Float in [.nan, .infinity, -.infinity] {
      let (low, high) = try Tensor([3, bad, 7, 0]).bounds()
      #expect(!low.isFinite || !high.isFinite)
      #expect(bad.isInfinite || (low.isNaN && high.isNaN))
    }
  }
}
