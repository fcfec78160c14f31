import Kernels

/// Nested loops over up to four strided operands of one shape.
///
/// The axes are ordered by the strides of the first operand, which is the result: it is then written from its beginning to
/// its end. Axes that all operands can walk as one are merged, so that dense operands become a single loop and a broadcast
/// row two. The innermost loop is left to the caller, who gets the offsets of the operands in one vector, a lane for each.
struct Loops {
  /// Slowest first; at least one.
  private(set) var sizes: [Int] = []
  /// Operand k in lane k.
  private(set) var steps: [SIMD4<Int>] = []
  private(set) var start = SIMD4<Int>(repeating: 0)

  init(_ views: View...) {
    let shape = views[0].shape
    for (lane, view) in views.enumerated() { start[lane] = view.offset }
    if shape.contains(0) {
      sizes = [0]
      steps = [SIMD4(repeating: 0)]
      return
    }
    var axes = shape.indices.filter { shape[$0] != 1 }
    let order = views[0].strides
    axes.sort { order[$0] == order[$1] ? $0 < $1 : order[$0] > order[$1] }
    for axis in axes {
      var step = SIMD4<Int>(repeating: 0)
      for (lane, view) in views.enumerated() { step[lane] = view.strides[axis] }
      if let last = steps.last, last == step &* SIMD4(repeating: shape[axis]) {
        steps[steps.count - 1] = step
        sizes[sizes.count - 1] &*= shape[axis]
      } else {
        sizes.append(shape[axis])
        steps.append(step)
      }
    }
    if sizes.isEmpty {
      sizes = [1]
      steps = [SIMD4(repeating: 0)]
    }
  }

  /// The number of iterations of all but the `inner` fastest axes.
  func rounds(inner: Int) -> Int { sizes.dropLast(inner).reduce(1, &*) }

  /// Calls `body` on several threads with the offsets of the operands and a number of neighbours along the fastest axis,
  /// for all elements in pieces of some ten thousand.
  func inPieces(_ body: (SIMD4<Int>, Int) -> Void) {
    guard let columns = sizes.last, let step = steps.last, columns > 0 else { return }
    let (rounds, grain) = (rounds(inner: 1), CPUDevice.grain)
    if columns <= grain {
      Threads.parallelFor(rounds, grain: Swift.max(1, grain / columns)) { r in
        forEach(r, inner: 1) { body($0, columns) }
      }
      return
    }
    let parts = (columns - 1) / grain + 1
    Threads.parallelFor(rounds &* parts, grain: 1) { r in
      for index in r {
        let (round, first) = (index / parts, index % parts &* grain)
        forEach(round..<round &+ 1, inner: 1) { at in
          body(at &+ step &* SIMD4(repeating: first), Swift.min(grain, columns &- first))
        }
      }
    }
  }

  /// Calls `body` with the offsets of the operands for the given iterations of all but the `inner` fastest axes, until work
  /// is stopped.
  func forEach(_ range: Range<Int>, inner: Int, _ body: (SIMD4<Int>) -> Void) {
    if range.isEmpty { return }
    let outer = sizes.count - inner
    if outer <= 0 {
      for _ in range { body(start) }
      return
    }
    var left = range.count
    var index = [Int](repeating: 0, count: outer)
    var rest = range.lowerBound
    var offsets = start
    for axis in (0..<outer).reversed() {
      index[axis] = rest % sizes[axis]
      rest /= sizes[axis]
      offsets &+= steps[axis] &* SIMD4(repeating: index[axis])
    }
    while left > 0 {
      if left & 1023 == 0, Threads.isStopped { return }
      left &-= 1
      body(offsets)
      var axis = outer - 1
      while axis >= 0 {
        index[axis] &+= 1
        offsets &+= steps[axis]
        if index[axis] < sizes[axis] { break }
        offsets &-= steps[axis] &* SIMD4(repeating: sizes[axis])
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
