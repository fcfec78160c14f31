import Tensors
import TestSupport
import Testing

@Suite struct PaintedImagesTests {
  /// Best images and candidates are what painting a copy pixel by pixel gives, in images of one and of several channels.
  @Test(arguments: [[6, 1, 5, 7], [6, 3, 6, 4]])
  func squaresArePaintedAndSettled(_ shape: [Int]) throws {
    let center = try sample(shape).sigmoid()
    let (channels, height, width) = (shape[1], shape[2], shape[3])
    let size = channels * height * width
    let stream = RandomStream(seed: 2, purpose: "squares")
    var painted = try PaintedImages(center, around: center, eps: 0.2)
    var best = center.floats()
    let middle = best
    var next = 0
    func number(below bound: Int) -> Int {
      next += 1
      return stream.integer(below: bound, at: next)
    }
    for step in 0..<8 {
      if step == 4 { try painted.keep([0, 2, 3, 5]) }
      let side = 1 + step % 4
      let corners = painted.examples.map { _ in
        (top: number(below: height - side + 1), left: number(below: width - side + 1))
      }
      let shifts = (0..<painted.examples.count * channels).map { (_: Int) -> Float in number(below: 2) == 0 ? 0.3 : -0.3
      }
      let before = painted.best
      try painted.paint(corners, side: side, shifts: shifts)
      let accepted = painted.examples.map { _ in number(below: 2) == 0 }
      var candidates = painted.examples.flatMap { (i: Int) -> ArraySlice<Float> in best[i * size..<(i + 1) * size] }
      for (k, example) in painted.examples.enumerated() {
        for c in 0..<channels {
          for y in corners[k].top..<corners[k].top + side {
            for x in corners[k].left..<corners[k].left + side {
              let place = (c * height + y) * width + x
              let m = middle[example * size + place]
              let value = best[example * size + place] + shifts[k * channels + c]
              let near: Float = min(max(value, m - 0.2), m + 0.2)
              candidates[k * size + place] = min(max(near, 0), 1)
            }
          }
        }
      }
      #expect(painted.candidates.floats() == candidates)
      #expect(painted.best.floats() == best)
      let changed = painted.examples.indices.filter { k in
        let example = painted.examples[k]
        return candidates[k * size..<(k + 1) * size] != best[example * size..<(example + 1) * size]
      }
      #expect(painted.changed == changed)
      #expect(
        try painted.changedCandidates().floats() == changed.flatMap { Array(candidates[$0 * size..<($0 + 1) * size]) })
      let shown = painted.candidates
      try painted.settleSquares(accepted: accepted)
      for (k, example) in painted.examples.enumerated() where accepted[k] {
        best.replaceSubrange(example * size..<(example + 1) * size, with: candidates[k * size..<(k + 1) * size])
      }
      #expect(painted.best.floats() == best)
      #expect(
        painted.candidates.floats() == painted.examples.flatMap { Array(best[$0 * size..<($0 + 1) * size]) })
      // What somebody else holds stays as it was.
      #expect(shown.floats() == candidates)
      #expect(before.floats().count == best.count)
    }
    expectError(.shape, containing: "squares of 9 pixels") {
      try painted.paint(painted.examples.map { _ in (0, 0) }, side: 9, shifts: Array(repeating: 0, count: 4 * channels))
    }
    expectError(.shape, containing: "decisions") { try painted.settleSquares(accepted: [true]) }
    expectError(.shape, containing: "squares are painted") {
      _ = try PaintedImages(.zeros([2, 2]), around: .zeros([2, 2]), eps: 1)
    }
  }
}
