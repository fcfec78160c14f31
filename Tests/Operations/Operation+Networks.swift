import Tensors

extension Operation {
  static let products: [Operation] = [
    Operation(
      "matmul",
      ([
        ([3], [3]), ([3], [3, 2]), ([2, 3], [3]), ([2, 3], [3, 4]), ([5, 2, 3], [3, 4]), ([5, 2, 3], [5, 3, 4]),
        ([2, 3], [5, 3, 4]), ([2, 1, 2, 3], [5, 3, 2]), ([1, 2, 3], [5, 3, 2]), ([1, 1], [1, 1]), ([4, 0], [0, 3]),
        ([67, 45], [45, 33]), ([2, 130, 70], [70, 40]),
      ] as [([Int], [Int])]).map { Case([Input("a", $0.0), Input("b", $0.1)]) },
      apply: { try matmul($0["a"], $0["b"]) }, exact: { product(try $0["a"], try $0["b"]) }
    ).measured(
      [64, 256, 512, 1024, 2048].map { Case([Input("a", [$0, $0]), Input("b", [$0, $0])]) },
      work: { inputs, result in 2 * elements(result) * Double(inputs["a"]?.last ?? 1) }),
    Operation(
      "linear",
      [[4], [3, 4], [2, 3, 4]].flatMap { shape in
        [[], [Input("b", [5])]].map { Case([Input("x", shape), Input("w", [5, 4])] + $0) }
      } + [Case([Input("x", [33, 70]), Input("w", [45, 70]), Input("b", [45])])],
      apply: { try linear($0["x"], $0["w"], $0.optional("b")) },
      exact: { arguments in
        let y = product(try arguments["x"], try arguments["w"].permuted([1, 0]))
        return arguments.optional("b").map { Exact.combine(y, $0, +) } ?? y
      }
    ).measured(
      [Case([Input("x", [128, 1024]), Input("w", [200, 1024]), Input("b", [200])])],
      work: { inputs, result in 2 * elements(result) * Double(inputs["x"]?.last ?? 1) }),
  ]

  /// Matrix products over the last two axes; a vector is a row on the left and a column on the right.
  private static func product(_ first: Exact, _ second: Exact) -> Exact {
    let a = first.rank == 1 ? first.reshaped([1] + first.shape) : first
    let b = second.rank == 1 ? second.reshaped(second.shape + [1]) : second
    let inner = a.shape[a.rank - 1]
    let (m, n) = (a.shape[a.rank - 2], b.shape[b.rank - 1])
    let batch = Exact.combine(
      Exact(a.shape.dropLast(2).map { $0 }) { _ in 0 }, Exact(b.shape.dropLast(2).map { $0 }) { _ in 0 }, +
    ).shape
    let (left, right) = (a.broadcast(to: batch + [m, inner]), b.broadcast(to: batch + [inner, n]))
    var values: [Double] = []
    for i in 0..<batch.reduce(1, *) * m {
      for j in 0..<n {
        values.append(
          (0..<inner).reduce(0) { $0 + left.values[i * inner + $1] * right.values[(i / m * inner + $1) * n + j] })
      }
    }
    return Exact(batch + (first.rank == 1 ? [] : [m]) + (second.rank == 1 ? [] : [n]), values)
  }

  private static func convolution(
    _ x: [Int], _ filters: Int, _ kernel: (Int, Int), bias: Bool = true, _ attributes: Attributes = [:]
  ) -> Case {
    let groups = attributes.int("groups") ?? 1
    let weight = Input("w", [filters, x[1] / max(groups, 1), kernel.0, kernel.1])
    return Case([Input("x", x), weight] + (bias ? [Input("b", [filters])] : []), attributes)
  }

  static let convolutions: [Operation] = [
    Operation(
      "conv2d",
      [
        convolution([1, 1, 1, 1], 1, (1, 1)), convolution([2, 1, 5, 5], 1, (3, 3), ["padding": 1]),
        convolution([2, 3, 5, 6], 5, (3, 3)), convolution([2, 3, 7, 5], 17, (3, 3), bias: false, ["padding": 1]),
        convolution([1, 1, 28, 28], 32, (3, 3)), convolution([2, 32, 12, 12], 24, (3, 3)),
        convolution([3, 16, 8, 8], 32, (3, 3), ["padding": 1]),
        convolution([2, 33, 9, 11], 35, (3, 3), ["padding": 1]),
        convolution([2, 40, 13, 10], 33, (3, 3), ["padding": [0, 2, 1, 0]]),
        convolution([5, 48, 4, 4], 32, (3, 3), bias: false, ["padding": 1]), convolution([3, 32, 3, 3], 32, (3, 3)),
        convolution([1, 32, 5, 5], 32, (3, 3), ["padding": [3, 4, 5, 3]]),
        convolution([2, 136, 4, 5], 128, (3, 3), bias: false, ["padding": 1]),
        convolution([2, 16, 8, 8], 24, (3, 3), ["stride": 2, "padding": 1]),
        convolution([2, 5, 9, 7], 6, (3, 3), ["stride": [2, 3], "padding": [1, 0, 2, 1]]),
        convolution([2, 16, 8, 8], 32, (1, 1), ["stride": 2]), convolution([4, 64, 6, 6], 16, (1, 1), bias: false),
        convolution([2, 3, 5, 4], 2, (1, 1), ["stride": [2, 1]]),
        convolution([1, 3, 19, 21], 16, (7, 7), bias: false, ["stride": 2, "padding": 3]),
        convolution([2, 2, 8, 8], 2, (4, 4), ["stride": 2, "padding": 1]),
        convolution([2, 4, 12, 9], 8, (4, 5), ["stride": [2, 1], "padding": [1, 2, 2, 2]]),
        convolution([2, 4, 9, 10], 11, (5, 5), ["stride": 2, "padding": 2]),
        convolution([2, 2, 6, 7], 2, (2, 3), ["stride": [1, 2], "padding": [0, 1, 2, 0]]),
        convolution([2, 6, 10, 12], 7, (3, 2), ["padding": [2, 2, 1, 1], "dilation": [2, 3]]),
        convolution([2, 4, 11, 11], 6, (3, 3), ["stride": 2, "padding": 2, "dilation": 2]),
        convolution([2, 6, 7, 7], 9, (3, 3), ["padding": 1, "groups": 3]),
        convolution([2, 8, 7, 7], 8, (3, 3), ["stride": 2, "padding": 1, "groups": 8]),
        convolution([2, 32, 9, 8], 32, (3, 3), bias: false, ["padding": 1, "groups": 32]),
        convolution([2, 19, 7, 10], 19, (3, 3), ["stride": 2, "padding": 1, "groups": 19]),
        convolution([1, 17, 8, 9], 17, (5, 3), ["stride": [1, 2], "padding": [2, 2, 0, 2], "groups": 17]),
        convolution([2, 64, 5, 11], 64, (2, 3), ["padding": [3, 0, 2, 4], "dilation": [2, 3], "groups": 64]),
        convolution([1, 16, 3, 3], 16, (1, 1), ["stride": 4, "groups": 16]),
        convolution([1, 2, 3, 3], 3, (1, 1), ["stride": 4]),
        convolution([1, 2, 2, 2], 3, (2, 2), ["padding": [5, 0, 0, 5]]),
      ],
      apply: {
        try conv2d(
          $0["x"], $0["w"], $0.optional("b"), stride: $0.attributes.pair("stride") ?? (1, 1),
          padding: $0.attributes.padding, dilation: $0.attributes.pair("dilation") ?? (1, 1),
          groups: $0.attributes.int("groups") ?? 1)
      },
      exact: {
        convolve(
          try $0["x"], try $0["w"], $0.optional("b"), stride: $0.attributes.pair("stride") ?? (1, 1),
          padding: $0.attributes.padding, dilation: $0.attributes.pair("dilation") ?? (1, 1),
          groups: $0.attributes.int("groups") ?? 1)
      }
    ).measured(
      [
        convolution([128, 1, 28, 28], 32, (3, 3)), convolution([128, 32, 26, 26], 32, (3, 3)),
        convolution([128, 64, 10, 10], 64, (3, 3)),
        convolution([64, 3, 32, 32], 64, (3, 3), bias: false, ["padding": 1]),
        convolution([64, 64, 32, 32], 64, (3, 3), bias: false, ["padding": 1]),
        convolution([64, 128, 16, 16], 128, (3, 3), bias: false, ["padding": 1]),
        convolution([64, 256, 8, 8], 256, (3, 3), bias: false, ["padding": 1]),
        convolution([64, 512, 4, 4], 512, (3, 3), bias: false, ["padding": 1]),
        convolution([64, 64, 32, 32], 128, (3, 3), bias: false, ["padding": 1, "stride": 2]),
        convolution([64, 256, 8, 8], 512, (3, 3), bias: false, ["padding": 1, "stride": 2]),
        convolution([64, 64, 32, 32], 128, (1, 1), bias: false, ["stride": 2]),
        convolution([8, 256, 56, 56], 64, (1, 1), bias: false),
        convolution([8, 512, 28, 28], 128, (1, 1), bias: false),
        convolution([8, 2048, 7, 7], 512, (1, 1), bias: false),
        convolution([64, 144, 32, 32], 144, (3, 3), bias: false, ["padding": 1, "groups": 144]),
        convolution([64, 192, 16, 16], 192, (3, 3), bias: false, ["padding": 1, "stride": 2, "groups": 192]),
        convolution([64, 960, 4, 4], 960, (3, 3), bias: false, ["padding": 1, "groups": 960]),
        convolution([8, 3, 224, 224], 64, (7, 7), bias: false, ["padding": 3, "stride": 2]),
      ],
      work: { inputs, result in
        2 * elements(result) * elements(inputs["w"] ?? []) / Double(inputs["w"]?.first ?? 1)
      })
  ]

  /// The definition.
  private static func convolve(
    _ x: Exact, _ w: Exact, _ bias: Exact?, stride: (Int, Int) = (1, 1), padding: Padding = .none,
    dilation: (Int, Int) = (1, 1), groups: Int = 1
  ) -> Exact {
    let (channels, height, width) = (x.shape[1], x.shape[2], x.shape[3])
    let (filters, inner, kernelHeight, kernelWidth) = (w.shape[0], w.shape[1], w.shape[2], w.shape[3])
    let rows = (height + padding.top + padding.bottom - dilation.0 * (kernelHeight - 1) - 1) / stride.0 + 1
    let columns = (width + padding.left + padding.right - dilation.1 * (kernelWidth - 1) - 1) / stride.1 + 1
    var values: [Double] = []
    for n in 0..<x.shape[0] {
      for f in 0..<filters {
        let group = f / (filters / groups)
        for p in 0..<rows {
          for q in 0..<columns {
            var sum = bias?.values[f] ?? 0
            for c in 0..<inner {
              for r in 0..<kernelHeight {
                let h = p * stride.0 - padding.top + r * dilation.0
                guard h >= 0, h < height else { continue }
                for s in 0..<kernelWidth {
                  let column = q * stride.1 - padding.left + s * dilation.1
                  guard column >= 0, column < width else { continue }
                  sum +=
                    x.values[((n * channels + group * inner + c) * height + h) * width + column]
                    * w.values[((f * inner + c) * kernelHeight + r) * kernelWidth + s]
                }
              }
            }
            values.append(sum)
          }
        }
      }
    }
    return Exact([x.shape[0], filters, rows, columns], values)
  }

  private static let normalised: [[Int]] = [
    [6, 3], [2, 3, 4, 2], [3, 1, 2, 2], [5, 33], [4, 17, 3, 5], [4, 17, 3],
    [2, 3, 2, 1, 2],
  ]

  private static func statistics(_ channels: Int) -> [Input] {
    [
      Input("running_mean", [channels], .unit, isConstant: true),
      Input("running_var", [channels], .positive, isConstant: true),
    ]
  }

  static let normalisations: [Operation] = [
    Operation(
      "batch_norm_train",
      normalised.flatMap { shape in
        let (x, w, b) = (Input("x", shape), Input("weight", [shape[1]]), Input("bias", [shape[1]]))
        return [
          Case([x]), Case([x, b]), Case([x, w, b], ["eps": 0.001]), Case([x, w, b], ["relu": true]),
          Case([x, w, b] + statistics(shape[1]), ["momentum": 0.3]),
        ]
      }, tolerance: 1e-5,
      results: { arguments in
        let attributes = arguments.attributes
        let result = try batchNormTrain(
          arguments["x"], weight: arguments.optional("weight"), bias: arguments.optional("bias"),
          eps: attributes.float("eps", 1e-5), relu: attributes.flag("relu", false))
        guard let mean = arguments.optional("running_mean"), let variance = arguments.optional("running_var") else {
          return ["y": result.y]
        }
        let running = try result.updating(
          runningMean: mean, runningVariance: variance, momentum: attributes.float("momentum", 0.1))
        return ["y": result.y, "new_running_mean": running.mean, "new_running_var": running.variance]
      },
      exactResults: { arguments in
        let (x, attributes) = (try arguments["x"], arguments.attributes)
        let axes = x.shape.indices.filter { $0 != 1 }
        let middle = x.reduced(axes, keepdim: true) { mean($0) }
        let variance = x.reduced(axes, keepdim: true) { values in
          let middle = mean(values)
          return mean(values.map { ($0 - middle) * ($0 - middle) })
        }
        let y = normalise(x, middle, variance, arguments)
        guard let oldMean = arguments.optional("running_mean"), let oldVariance = arguments.optional("running_var")
        else { return ["y": y] }
        let (n, momentum) = (Double(x.count / x.shape[1]), attributes.double("momentum", 0.1))
        func moved(_ old: Exact, _ new: Exact, _ factor: Double) -> Exact {
          Exact.combine(old, new.reshaped(old.shape)) { (1 - momentum) * $0 + momentum * factor * $1 }
        }
        return [
          "y": y, "new_running_mean": moved(oldMean, middle, 1),
          "new_running_var": moved(oldVariance, variance, n / (n - 1)),
        ]
      }
    ).measured([
      Case([Input("x", [64, 64, 32, 32]), Input("weight", [64]), Input("bias", [64])]),
      Case([Input("x", [64, 512, 4, 4]), Input("weight", [512]), Input("bias", [512])]),
    ]),
    // The end of a residual block: what is added, and the ReLU of the sum.
    Operation(
      "batch_norm_add",
      normalised.flatMap { shape in
        let inputs = [
          Input("x", shape), Input("weight", [shape[1]]), Input("bias", [shape[1]]), Input("addend", shape),
        ]
        return [Case(inputs), Case(inputs, ["relu": true]), Case([inputs[0], inputs[3]], ["relu": true])]
      }, tolerance: 1e-5,
      apply: { arguments in
        try batchNormTrain(
          arguments["x"], weight: arguments.optional("weight"), bias: arguments.optional("bias"),
          adding: arguments["addend"], relu: arguments.attributes.flag("relu", false)
        ).y
      },
      exact: { arguments in
        let batchNorm = try Operation.named("batch_norm_train")
        var inputs = ["x": try arguments["x"]]
        for name in ["weight", "bias"] { inputs[name] = arguments.optional(name) }
        let y = try batchNorm.exact(Arguments(inputs, arguments.attributes.adding(["relu": false])))["y"]
        let sum = Exact.combine(try y ?? arguments["x"], try arguments["addend"]) { $0 + $1 }
        return arguments.attributes.flag("relu", false) ? sum.map { max($0, 0) } : sum
      }
    ),
    Operation(
      "batch_norm_eval",
      normalised.flatMap { shape in
        let (x, w, b) = (Input("x", shape), Input("weight", [shape[1]]), Input("bias", [shape[1]]))
        let fixed = statistics(shape[1])
        return [Case([x] + fixed), Case([x, w, b] + fixed, ["eps": 0.001]), Case([x, w, b] + fixed, ["relu": true])]
      }, tolerance: 5e-6,
      apply: {
        try batchNormEval(
          $0["x"], weight: $0.optional("weight"), bias: $0.optional("bias"), mean: $0["running_mean"],
          variance: $0["running_var"], eps: $0.attributes.float("eps", 1e-5),
          relu: $0.attributes.flag("relu", false))
      },
      exact: { arguments in
        let x = try arguments["x"]
        let perChannel = x.shape.indices.map { $0 == 1 ? x.shape[1] : 1 }
        return normalise(
          x, try arguments["running_mean"].reshaped(perChannel), try arguments["running_var"].reshaped(perChannel),
          arguments)
      }
    ).measured([
      Case([Input("x", [64, 64, 32, 32]), Input("weight", [64]), Input("bias", [64])] + statistics(64))
    ]),
  ]

  private static func normalise(
    _ x: Exact, _ mean: Exact, _ variance: Exact, _ arguments: Arguments<Exact>
  ) -> Exact {
    let eps = Double(arguments.attributes.float("eps", 1e-5))
    let perChannel = x.shape.indices.map { $0 == 1 ? x.shape[1] : 1 }
    var y = Exact.combine(Exact.combine(x, mean, -), variance) { $0 / ($1 + eps).squareRoot() }
    if let weight = arguments.optional("weight") { y = Exact.combine(y, weight.reshaped(perChannel), *) }
    if let bias = arguments.optional("bias") { y = Exact.combine(y, bias.reshaped(perChannel), +) }
    return arguments.attributes.flag("relu", false) ? y.map { max($0, 0) } : y
  }

  private static let windows: [Attributes] = [
    ["kernel": 2], ["kernel": 3, "stride": 2, "padding": 1], ["kernel": [3, 2], "stride": [1, 2]],
    ["kernel": [7, 6]], ["kernel": 2, "stride": 3, "padding": [1, 0, 0, 1]],
  ]

  static let pools: [Operation] = [
    Operation(
      "max_pool2d",
      (windows + [["kernel": [2, 4], "ceil_mode": true]]).flatMap { settings in
        [[2, 3, 7, 6], [1, 17, 8, 9]].map { Case([Input("x", $0, .distinct)], settings) }
      }
        + [[2, 3, 1, 1], [1, 9, 2, 4]].map {
          Case([Input("x", $0, .distinct)], ["kernel": [2, 3], "stride": 3, "ceil_mode": true])
        },
      apply: {
        try maxPool2d(
          $0["x"], kernel: $0.attributes.pair("kernel") ?? (1, 1), stride: $0.attributes.pair("stride"),
          padding: $0.attributes.padding, ceilMode: $0.attributes.flag("ceil_mode", false))
      }, exact: { pooled(try $0["x"], $0.attributes) { values, _ in Exact.greatest(values) } }
    ).measured([
      Case([Input("x", [128, 32, 24, 24])], ["kernel": 2]),
      Case([Input("x", [8, 64, 112, 112])], ["kernel": 3, "stride": 2, "padding": 1]),
    ]),
    Operation(
      "avg_pool2d",
      windows.flatMap { settings in
        [true, false].map { Case([Input("x", [2, 3, 7, 6])], settings.adding(["count_include_pad": .flag($0)])) }
      },
      apply: {
        try avgPool2d(
          $0["x"], kernel: $0.attributes.pair("kernel") ?? (1, 1), stride: $0.attributes.pair("stride"),
          padding: $0.attributes.padding, countsPadding: $0.attributes.flag("count_include_pad", true))
      },
      exact: { arguments in
        let counts = arguments.attributes.flag("count_include_pad", true)
        return pooled(try arguments["x"], arguments.attributes) { values, size in
          values.reduce(0, +) / Double(counts ? size : values.count)
        }
      }),
    Operation(
      "global_avg_pool", [[2, 3, 4, 5], [3, 17, 2, 2], [1, 1, 1, 1]].map { Case([Input("x", $0)]) },
      apply: {
        let y = try globalAveragePool($0["x"])
        return $0.attributes.text("output") == "N,C,1,1" ? try y.reshape(y.shape + [1, 1]) : y
      },
      exact: { try $0["x"].reduced([2, 3], keepdim: $0.attributes.text("output") == "N,C,1,1") { mean($0) } }
    ).measured([Case([Input("x", [64, 512, 4, 4])]), Case([Input("x", [8, 2048, 7, 7])])]),
  ]

  /// `f` of the values of each window that lie in the image, and of the window's size with padding.
  private static func pooled(_ x: Exact, _ attributes: Attributes, _ f: ([Double], Int) -> Double) -> Exact {
    let kernel = attributes.pair("kernel") ?? (1, 1)
    let stride = attributes.pair("stride") ?? kernel
    let padding = attributes.padding
    let ceil = attributes.flag("ceil_mode", false)
    func length(_ size: Int, _ before: Int, _ after: Int, _ kernel: Int, _ stride: Int) -> Int {
      // With `ceil`, whatever begins inside the image or the padding before it and leaves out no place before.
      (0..<size + before).count { start in
        start % stride == 0 && start + kernel < size + before + after + (ceil ? stride : 1)
      }
    }
    let (h, w) = (x.shape[2], x.shape[3])
    let rows = length(h, padding.top, padding.bottom, kernel.0, stride.0)
    let columns = length(w, padding.left, padding.right, kernel.1, stride.1)
    return Exact([x.shape[0], x.shape[1], rows, columns]) { place in
      let (top, left) = (place[2] * stride.0 - padding.top, place[3] * stride.1 - padding.left)
      var values: [Double] = []
      for i in max(top, 0)..<min(top + kernel.0, h) {
        for j in max(left, 0)..<min(left + kernel.1, w) { values.append(x[place[0], place[1], i, j]) }
      }
      return f(values, kernel.0 * kernel.1)
    }
  }

  /// Whole pieces of networks, of the reference vectors.
  static let composites: [Operation] = [
    Operation(
      "composite_wrn_block", [],
      apply: { arguments in
        let eps = arguments.attributes.float("eps", 1e-5)
        let stride = arguments.attributes.pair("stride") ?? (1, 1)
        let a = try batchNormTrain(
          arguments["x"], weight: arguments["g1"], bias: arguments["b1"], eps: eps
        ).y.relu()
        let inner = try conv2d(a, arguments["w1"], stride: stride, padding: Padding(1))
        let b = try batchNormTrain(inner, weight: arguments["g2"], bias: arguments["b2"], eps: eps, relu: true).y
        return try add(
          conv2d(b, arguments["w2"], padding: Padding(1)), conv2d(a, arguments["ws"], stride: stride))
      },
      exact: { arguments in
        let stride = arguments.attributes.pair("stride") ?? (1, 1)
        let batchNorm = try Operation.named("batch_norm_train")
        func normalised(_ x: Exact, _ weight: String, _ bias: String) throws -> Exact {
          let inputs = ["x": x, "weight": try arguments[weight], "bias": try arguments[bias]]
          let y = try batchNorm.exact(Arguments(inputs, arguments.attributes.adding(["relu": true])))["y"]
          return y ?? x
        }
        let a = try normalised(try arguments["x"], "g1", "b1")
        let inner = convolve(a, try arguments["w1"], nil, stride: stride, padding: Padding(1))
        let b = try normalised(inner, "g2", "b2")
        return Exact.combine(
          convolve(b, try arguments["w2"], nil, padding: Padding(1)),
          convolve(a, try arguments["ws"], nil, stride: stride), +)
      }),
    Operation(
      "composite_conv_relu_gap_linear_ce_sum", [],
      apply: { arguments in
        let a = try conv2d(arguments["x"], arguments["w"], padding: arguments.attributes.padding).relu()
        let z = try linear(globalAveragePool(a), arguments["v"])
        return try crossEntropy(z, labels: arguments.labels(), reduction: arguments.attributes.reduction(.sum))
      },
      exact: { arguments in
        let a = convolve(try arguments["x"], try arguments["w"], nil, padding: arguments.attributes.padding)
        let pooled = a.map { max($0, 0) }.reduced([2, 3], keepdim: false) { mean($0) }
        let z = product(pooled, try arguments["v"].permuted([1, 0])).rows
        let labels = try arguments.labels()
        return Exact([], [-labels.indices.reduce(0) { $0 + logSoftmax(z[$1], 1)[labels[$1]] }])
      }),
  ]

  private static func elements(_ shape: [Int]) -> Double { shape.reduce(1) { $0 * Double($1) } }
}
