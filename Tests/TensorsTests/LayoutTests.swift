import Tensors
import Testing

/// The same operation on the same values with channels last in memory gives the same values.
@Suite struct LayoutTests {
  private func check(_ name: String, _ f: (Tensor) throws -> Tensor) throws {
    for shape in [[2, 3, 4, 5], [1, 4, 1, 3], [3, 1, 4, 2], [2, 5, 1, 1], [0, 2, 3, 3]] {
      let x = try sample(shape)
      let last = try x.forConvolutions()
      #expect(last.isIdentical(to: x))
      expectEqual(try f(last), try f(x), tolerance: 1e-6, "\(name) of \(shape)")
    }
  }

  @Test func elementwiseAndShaping() throws {
    try check("exp") { try $0.exp() }
    try check("less") { try less($0, .scalar(0)) }
    try check("add to itself in the other layout") { try add($0, sample($0.shape)) }
    try check("sub from the other layout") { try sub(sample($0.shape, "y"), $0) }
    try check("mul by channel") { try mul($0, sample([$0.shape[1], 1, 1], "channel")) }
    try check("mul by width") { try mul($0, sample([$0.shape[3]], "width")) }
    try check("mul by example") { try mul($0, sample([$0.shape[0], 1, 1, 1], "example")) }
    try check("mul by outer shape") { try mul($0, sample([2, 1, 1, 1, 1], "outer")) }
    try check("where") { try whereSelect(greater($0, .scalar(0)), $0, sample($0.shape, "other")) }
    try check("reshape") { try $0.reshape([$0.shape[0], $0.shape[1] * $0.shape[2] * $0.shape[3]]) }
    try check("permute") { try $0.permute([3, 1, 0, 2]) }
    try check("transpose") { try $0.transpose() }
    try check("slice") { try $0.slice(starts: [0, 1, 0, -1], stops: [9, 9, 9, .min], steps: [1, 1, 2, -1]) }
    try check("concat") { try concat([$0, $0], axis: 1) }
    try check("concat with the other layout") { try concat([$0, sample($0.shape)], axis: 2) }
    try check("pad") { try $0.pad(top: 1, bottom: 0, left: 2, right: 1, value: 3) }
    try check("indexSelect") { try $0.indexSelect(axis: 1, [0, 0]) }
    try check("int conversion") { try $0.asType(.int64) }
  }

  @Test func reductions() throws {
    for axes in [nil, [0], [1], [2], [3], [0, 1], [1, 2], [2, 3], [0, 2, 3], [1, 2, 3], [0, 3], [0, 1, 2, 3]]
      as [[Int]?]
    {
      try check("sum over \(axes ?? [])") { try $0.sum(axes: axes) }
      try check("variance over \(axes ?? [])") { try $0.variance(axes: axes, unbiased: false) }
      try check("integer sum over \(axes ?? [])") { try greater($0, .scalar(0)).sum(axes: axes) }
      try check("max over \(axes ?? [])") { $0.count == 0 ? $0 : try $0.max(axes: axes) }
      try check("min over \(axes ?? [])") { $0.count == 0 ? $0 : try $0.min(axes: axes) }
    }
    try check("argmax") { try $0.argmax(axis: 1) }
    try check("softmax over channels") { try $0.softmax(axis: 1) }
    try check("softmax over width") { try $0.softmax() }
    try check("logsumexp") { try $0.logsumexp(axis: 1) }
    try check("norm") { try $0.norm(2, perExample: true) }
  }

  @Test func networks() throws {
    try check("conv2d") { try conv2d($0, sample([2, $0.shape[1], 1, 1], "w")) }
    try check("batchNormTrain") { $0.count == 0 ? $0 : try batchNormTrain($0).y }
    try check("maxPool2d") { try maxPool2d($0, kernel: (1, 2), padding: Padding(top: 0, bottom: 0, left: 1, right: 1)) }
    try check("avgPool2d") { try avgPool2d($0, kernel: (1, 1), stride: (2, 2)) }
    try check("globalAveragePool") { try globalAveragePool($0) }
    try check("linear after flatten") { x in
      let flat = try x.flatten(from: 1)
      return try linear(flat, sample([2, flat.shape[1]], "w"))
    }
  }
}
