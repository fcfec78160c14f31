import Tensors
import Testing

/// Normal numbers that depend on the name and the shape only.
func sample(_ shape: [Int], _ name: String = "x") throws -> Tensor {
  try Tensor.normal(shape, stream: RandomStream(seed: 7, purpose: name, indices: shape))
}

func expectEqual(
  _ actual: Tensor, _ expected: Tensor, tolerance: Float = 0, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.shape == expected.shape, comment, sourceLocation: sourceLocation)
  let (a, b) = (actual.floats(), expected.floats())
  let scale = b.filter(\.isFinite).map { abs($0) }.max() ?? 0
  for (i, (x, y)) in zip(a, b).enumerated() where !(x == y || (x.isNaN && y.isNaN)) {
    if !(abs(x - y) <= tolerance * max(scale, 1)) {
      Issue.record("element \(i) is \(x), expected \(y). \(comment?.rawValue ?? "")", sourceLocation: sourceLocation)
      return
    }
  }
}
