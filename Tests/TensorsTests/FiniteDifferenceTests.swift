import Tensors
import Testing

/// Every differentiable operation against central differences, over a grid of shapes and settings, for inputs in both
/// memory layouts.
@Suite struct FiniteDifferenceTests {
  /// Compares the gradient of Σ f(x) · c, c fixed and random, at x.
  private func check(
    _ name: String, _ x: Tensor, tolerance: Double = 6e-3, step: Float = 1e-2,
    _ f: @escaping (Tensor) throws(CoreError) -> Tensor
  ) throws {
    let cotangent = try sample(f(x).shape, "cotangent")
    let loss = { (x: Tensor) throws(CoreError) -> Tensor in try mul(f(x), cotangent).sum() }
    let result = try checkGradients(at: x, step: step, loss)
    #expect(
      result.deviation < tolerance,
      "\(name) \(x.shape), element \(result.element): \(result.analytic), numeric \(result.numeric)")
    if x.rank == 4 {
      let start = x.tracked()
      let plain = try gradients(of: loss(start), withRespectTo: [start])[0]
      let other = try gradients(of: loss(start.forConvolutions()), withRespectTo: [start])[0]
      expectEqual(other, plain, tolerance: 1e-5, "\(name) with channels last in memory")
    }
  }

  @Test func elementwise() throws {
    for shape in [[], [1], [7], [2, 3], [2, 3, 4, 5]] {
      let x = try sample(shape)
      let positive = try x.abs() + 0.5
      try check("exp", x) { (x) throws(CoreError) in try x.exp() }
      try check("log", positive) { (x) throws(CoreError) in try x.log() }
      try check("log1p", positive) { (x) throws(CoreError) in try x.log1p() }
      try check("sqrt", positive) { (x) throws(CoreError) in try x.sqrt() }
      try check("reciprocal", positive) { (x) throws(CoreError) in try x.reciprocal() }
      try check("square", x) { (x) throws(CoreError) in try x.square() }
      try check("neg", x) { (x) throws(CoreError) in try x.neg() }
      try check("sin", x) { (x) throws(CoreError) in try x.sin() }
      try check("cos", x) { (x) throws(CoreError) in try x.cos() }
      try check("tanh", x) { (x) throws(CoreError) in try x.tanh() }
      try check("atanh", x.tanh() * 0.9) { (x) throws(CoreError) in try x.atanh() }
      try check("sigmoid", x) { (x) throws(CoreError) in try x.sigmoid() }
      try check("softplus", x) { (x) throws(CoreError) in try x.softplus() }
      try check("silu", x) { (x) throws(CoreError) in try x.silu() }
      try check("affine", x) { (x) throws(CoreError) in try x.affine(scale: -3, offset: 2) }
      let y = try spread(shape)
      try check("abs", y) { (x) throws(CoreError) in try x.abs() }
      try check("relu", y) { (x) throws(CoreError) in try x.relu() }
      try check("leakyRelu", y) { (x) throws(CoreError) in try x.leakyRelu(slope: 0.2) }
      try check("clip", y) { (x) throws(CoreError) in try x.clip(min: -0.6, max: 0.9) }
    }
  }

  @Test func arithmetic() throws {
    let shapes: [([Int], [Int])] = [
      ([], []), ([3], []), ([], [3]), ([2, 3], [3]), ([2, 3], [2, 1]), ([2, 1], [1, 3]), ([2, 3, 2, 2], [3, 1, 1]),
      ([2, 3, 2, 2], [2, 3, 2, 2]), ([1, 3, 1, 2], [2, 1, 2, 1]),
    ]
    for (first, second) in shapes {
      let (a, b) = (try sample(first, "a"), try sample(second, "b"))
      let positive = try b.abs() + 0.5
      try check("add", a) { (x) throws(CoreError) in try add(x, b) }
      try check("sub", b) { (x) throws(CoreError) in try sub(a, x) }
      try check("mul first", a) { (x) throws(CoreError) in try mul(x, b) }
      try check("mul second", b) { (x) throws(CoreError) in try mul(a, x) }
      try check("div first", a) { (x) throws(CoreError) in try div(x, positive) }
      try check("div second", positive) { (x) throws(CoreError) in try div(a, x) }
      try check("pow base", positive) { (x) throws(CoreError) in try pow(x, a) }
      try check("pow exponent", a) { (x) throws(CoreError) in try pow(positive, x) }
      let (c, d) = (try spread(first, "c"), try spread(second, "d") * 1.37)
      try check("maximum", c, step: 2e-3) { (x) throws(CoreError) in try maximum(x, d) }
      try check("minimum", d, step: 2e-3) { (x) throws(CoreError) in try minimum(c, x) }
      let mask = try greater(a, .scalar(0))
      try check("where first", a) { (x) throws(CoreError) in try whereSelect(mask, x, b) }
      try check("where second", b) { (x) throws(CoreError) in try whereSelect(mask, a, x) }
    }
  }

  @Test func reductions() throws {
    let cases: [([Int], [[Int]?])] = [
      ([5], [nil, [0]]), ([3, 4], [nil, [0], [1]]), ([2, 3, 4], [nil, [1], [0, 2]]),
      ([2, 3, 4, 5], [nil, [1], [0, 2, 3], [2, 3], [3], [0], [0, 1], [1, 3]]),
    ]
    for (shape, choices) in cases {
      let (x, y) = (try sample(shape), try spread(shape))
      for axes in choices {
        for keepdim in [false, true] {
          try check("sum \(axes ?? [])", x) { (x) throws(CoreError) in try x.sum(axes: axes, keepdim: keepdim) }
          try check("mean \(axes ?? [])", x) { (x) throws(CoreError) in try x.mean(axes: axes, keepdim: keepdim) }
          try check("variance \(axes ?? [])", x) { (x) throws(CoreError) in
            try x.variance(axes: axes, keepdim: keepdim)
          }
          try check("max \(axes ?? [])", y) { (x) throws(CoreError) in try x.max(axes: axes, keepdim: keepdim) }
          try check("min \(axes ?? [])", y) { (x) throws(CoreError) in try x.min(axes: axes, keepdim: keepdim) }
        }
      }
      for axis in shape.indices {
        try check("logsumexp", x) { (x) throws(CoreError) in try x.logsumexp(axis: axis) }
        for temperature in [Float(0.5), 1, 4] {
          try check("softmax", x) { (x) throws(CoreError) in try x.softmax(temperature: temperature, axis: axis) }
          try check("logSoftmax", x) { (x) throws(CoreError) in
            try x.logSoftmax(temperature: temperature, axis: axis)
          }
        }
      }
      for p in [1, 2, 3, Double.infinity] {
        try check("norm \(p)", y) { (x) throws(CoreError) in try x.norm(p) }
        try check("norm of each \(p)", y) { (x) throws(CoreError) in try x.norm(p, perExample: true) }
      }
    }
  }

  @Test func shaping() throws {
    let x = try sample([2, 3, 4, 2])
    try check("reshape", x) { (x) throws(CoreError) in try x.reshape([6, -1]) }
    try check("flatten", x) { (x) throws(CoreError) in try x.flatten(from: 1) }
    try check("permute", x) { (x) throws(CoreError) in try x.permute([2, 0, -1, 1]) }
    try check("transpose", x) { (x) throws(CoreError) in try x.transpose() }
    try check("broadcast", x) { (x) throws(CoreError) in try x.broadcast(to: [3, 2, 3, 4, 2]) }
    try check("slice", x) { (x) throws(CoreError) in
      try x.slice(starts: [0, -1, 3], stops: [2, .min, 0], steps: [1, -2, -1])
    }
    try check("slice of an axis", x) { (x) throws(CoreError) in try x.slice(axis: 2, 1, 4, step: 2) }
    try check("pad", x) { (x) throws(CoreError) in try x.pad(top: 1, bottom: 2, left: 0, right: 3) }
    try check("concat", x) { (x) throws(CoreError) in try concat([x, x.square(), x], axis: 1) }
    try check("stack", x) { (x) throws(CoreError) in try stack([x, x.square()], axis: -1) }
    try check("indexSelect", x) { (x) throws(CoreError) in try x.indexSelect(axis: 1, [2, 0, -1]) }
    try check("gather", x) { (x) throws(CoreError) in try x.gather(axis: 1, (0..<16).map { $0 % 3 }) }
    let mask = try greater(sample([2, 3], "mask"), .scalar(0))
    try check("maskedSelect", x) { (x) throws(CoreError) in try x.maskedSelect(mask) }
    let stream = RandomStream(seed: 1, purpose: "dropout")
    try check("dropout", x) { (x) throws(CoreError) in try dropout(x, 0.4, stream: stream) }
  }

  @Test func products() throws {
    let shapes: [([Int], [Int])] = [
      ([3], [3]), ([3], [3, 2]), ([2, 3], [3]), ([2, 3], [3, 4]), ([5, 2, 3], [3, 4]), ([5, 2, 3], [5, 3, 4]),
      ([2, 3], [5, 3, 4]), ([2, 1, 2, 3], [5, 3, 2]), ([1, 2, 3], [5, 3, 2]),
    ]
    for (first, second) in shapes {
      let (a, b) = (try sample(first, "a"), try sample(second, "b"))
      try check("matmul first \(first) \(second)", a) { (x) throws(CoreError) in try matmul(x, b) }
      try check("matmul second \(first) \(second)", b) { (x) throws(CoreError) in try matmul(a, x) }
    }
    for shape in [[4], [3, 4], [2, 3, 4]] {
      let (x, w, b) = (try sample(shape), try sample([5, 4], "w"), try sample([5], "b"))
      try check("linear x", x) { (x) throws(CoreError) in try linear(x, w, b) }
      try check("linear weight", w) { (w) throws(CoreError) in try linear(x, w, b) }
      try check("linear bias", b) { (b) throws(CoreError) in try linear(x, w, b) }
    }
  }

  @Test func convolutions() throws {
    // size, channels, filters, kernel, stride, padding, dilation, groups
    let grid: [((Int, Int), Int, Int, (Int, Int), (Int, Int), Padding, (Int, Int), Int)] = [
      ((5, 5), 1, 1, (3, 3), (1, 1), Padding(1), (1, 1), 1),
      ((6, 5), 3, 4, (3, 3), (1, 1), Padding(0), (1, 1), 1),
      ((7, 6), 2, 3, (3, 3), (2, 2), Padding(1), (1, 1), 1),
      ((5, 4), 3, 2, (1, 1), (2, 1), Padding(0), (1, 1), 1),
      ((8, 8), 2, 2, (4, 4), (2, 2), Padding(1), (1, 1), 1),
      ((6, 7), 2, 2, (2, 3), (1, 2), Padding(top: 0, bottom: 1, left: 2, right: 0), (1, 1), 1),
      ((7, 7), 2, 2, (3, 3), (1, 1), Padding(2), (2, 2), 1),
      ((5, 5), 4, 6, (3, 3), (1, 1), Padding(1), (1, 1), 2),
      ((5, 5), 3, 3, (3, 3), (2, 1), Padding(1), (1, 2), 3),
      ((1, 1), 2, 3, (1, 1), (1, 1), Padding(0), (1, 1), 1),
    ]
    for (size, channels, filters, kernel, stride, padding, dilation, groups) in grid {
      let x = try sample([2, channels, size.0, size.1])
      let w = try sample([filters, channels / groups, kernel.0, kernel.1], "w")
      let b = try sample([filters], "b")
      let apply = { (x: Tensor, w: Tensor, b: Tensor?) throws(CoreError) -> Tensor in
        try conv2d(x, w, b, stride: stride, padding: padding, dilation: dilation, groups: groups)
      }
      try check("conv2d x, kernel \(kernel)", x) { (x) throws(CoreError) in try apply(x, w, b) }
      try check("conv2d weight, kernel \(kernel)", w) { (w) throws(CoreError) in try apply(x, w, nil) }
      try check("conv2d bias, kernel \(kernel)", b) { (b) throws(CoreError) in try apply(x, w, b) }
    }
  }

  @Test func normalisation() throws {
    for shape in [[6, 3], [2, 3, 4, 2], [3, 1, 2, 2]] {
      let x = try sample(shape)
      let (w, b) = (try sample([shape[1]], "w"), try sample([shape[1]], "b"))
      let (mean, variance) = (try sample([shape[1]], "mean"), try sample([shape[1]], "variance").square() + 0.5)
      for relu in [false, true] {
        // Away from the kink: a large shift of either sign.
        let shift = relu ? try b.sign() * 8 : b
        try check("batchNormTrain x", x) { (x) throws(CoreError) in
          try batchNormTrain(x, weight: w, bias: shift, relu: relu).y
        }
        try check("batchNormTrain weight", w) { (w) throws(CoreError) in
          try batchNormTrain(x, weight: w, bias: shift, relu: relu).y
        }
        try check("batchNormTrain bias", shift) { (b) throws(CoreError) in
          try batchNormTrain(x, weight: w, bias: b, relu: relu).y
        }
      }
      try check("batchNormTrain plain", x) { (x) throws(CoreError) in try batchNormTrain(x).y }
      try check("batchNormTrain bias only", b) { (b) throws(CoreError) in try batchNormTrain(x, bias: b).y }
      try check("batchNormEval x", x) { (x) throws(CoreError) in
        try batchNormEval(x, weight: w, bias: b, mean: mean, variance: variance)
      }
      try check("batchNormEval weight", w) { (w) throws(CoreError) in
        try batchNormEval(x, weight: w, bias: b, mean: mean, variance: variance)
      }
      try check("batchNormEval bias", b) { (b) throws(CoreError) in
        try batchNormEval(x, bias: b, mean: mean, variance: variance)
      }
    }
  }

  @Test func pooling() throws {
    let x = try spread([2, 3, 7, 6])
    for (kernel, stride, padding) in [
      ((2, 2), (2, 2), Padding(0)), ((3, 3), (2, 2), Padding(1)), ((3, 2), (1, 2), Padding(0)),
      ((7, 6), (7, 6), Padding(0)), ((2, 2), (3, 3), Padding(top: 1, bottom: 0, left: 0, right: 1)),
    ] {
      try check("maxPool2d", x) { (x) throws(CoreError) in
        try maxPool2d(x, kernel: kernel, stride: stride, padding: padding)
      }
      for countsPadding in [true, false] {
        try check("avgPool2d", x) { (x) throws(CoreError) in
          try avgPool2d(x, kernel: kernel, stride: stride, padding: padding, countsPadding: countsPadding)
        }
      }
    }
    try check("maxPool2d, ceil", x) { (x) throws(CoreError) in try maxPool2d(x, kernel: (2, 4), ceilMode: true) }
    try check("globalAveragePool", x) { (x) throws(CoreError) in try globalAveragePool(x) }
  }

  @Test func losses() throws {
    for classes in [4, 10] {
      let (z, other) = (try sample([5, classes], "z"), try sample([5, classes], "other"))
      let target = try other.softmax()
      let labels = [0, 1, classes - 1, 2, 0]
      let targets = [1, 0, 0, 3, 2]
      for reduction in LossReduction.allCases {
        try check("crossEntropy", z) { (z) throws(CoreError) in
          try crossEntropy(z, labels: labels, temperature: 2, reduction: reduction)
        }
        for convention in SmoothingConvention.allCases {
          try check("crossEntropy, smoothed", z) { (z) throws(CoreError) in
            try crossEntropy(z, labels: labels, reduction: reduction, labelSmoothing: 0.2, convention: convention)
          }
        }
        try check("crossEntropy, soft", z) { (z) throws(CoreError) in
          try crossEntropy(z, target: target, temperature: 3, reduction: reduction)
        }
        try check("klDivergence p", z) { (z) throws(CoreError) in
          try klDivergence(z, other, temperature: 2, reduction: reduction)
        }
        try check("klDivergence q", z) { (z) throws(CoreError) in
          try klDivergence(other, z, temperature: 2, reduction: reduction)
        }
        try check("mse", z) { (z) throws(CoreError) in try mse(z, other, reduction: reduction) }
        try check("martBCE", z) { (z) throws(CoreError) in try martBCE(z, labels: labels, reduction: reduction) }
        let y = try spread([5, classes])
        try check("margin", y) { (z) throws(CoreError) in try margin(z, labels: labels, reduction: reduction) }
        try check("cwHinge", y) { (z) throws(CoreError) in
          try cwHinge(z, labels: labels, kappa: 0.33, reduction: reduction)
        }
        try check("dlr", y) { (z) throws(CoreError) in try dlr(z, labels: labels, reduction: reduction) }
        try check("dlrTargeted", y) { (z) throws(CoreError) in
          try dlrTargeted(z, labels: labels, targets: targets, reduction: reduction)
        }
      }
    }
  }
}
