import Tensors
import Testing

/// Applies the operation that a case names; an unknown one is a failure that names it.
func operation(_ item: OperationCase, _ inputs: [String: Tensor]) throws -> [String: Tensor] {
  let attrs = item.attrs
  func input(_ key: String) throws -> Tensor { try #require(inputs[key], "\(item.name): no input \(key)") }
  func labels(_ key: String = "y") throws -> [Int] { try input(key).ints() }
  func one(_ y: Tensor) -> [String: Tensor] { ["y": y] }
  func binary(_ f: (Tensor, Tensor) throws -> Tensor) throws -> [String: Tensor] {
    one(try f(input("a"), input("b")))
  }

  switch item.op {
  case "conv2d":
    return one(
      try conv2d(
        input("x"), input("w"), inputs["b"], stride: attrs.pair("stride") ?? (1, 1), padding: attrs.padding,
        dilation: attrs.pair("dilation") ?? (1, 1), groups: attrs.int("groups") ?? 1))
  case "linear": return one(try linear(input("x"), input("w"), inputs["b"]))
  case "matmul": return try binary { try matmul($0, $1) }
  case "batch_norm_train":
    let result = try batchNormTrain(
      input("x"), weight: inputs["weight"], bias: inputs["bias"], eps: attrs.float("eps", 1e-5))
    guard let mean = inputs["running_mean"], let variance = inputs["running_var"] else { return one(result.y) }
    let running = try result.updating(
      runningMean: mean, runningVariance: variance, momentum: attrs.float("momentum", 0.1))
    return ["y": result.y, "new_running_mean": running.mean, "new_running_var": running.variance]
  case "batch_norm_eval":
    return one(
      try batchNormEval(
        input("x"), weight: inputs["weight"], bias: inputs["bias"], mean: input("running_mean"),
        variance: input("running_var"), eps: attrs.float("eps", 1e-5)))
  case "max_pool2d":
    return one(
      try maxPool2d(
        input("x"), kernel: try #require(attrs.pair("kernel")), stride: attrs.pair("stride"), padding: attrs.padding,
        ceilMode: attrs.flag("ceil_mode", false)))
  case "avg_pool2d":
    return one(
      try avgPool2d(
        input("x"), kernel: try #require(attrs.pair("kernel")), stride: attrs.pair("stride"), padding: attrs.padding,
        countsPadding: attrs.flag("count_include_pad", true)))
  case "global_avg_pool":
    let y = try globalAveragePool(input("x"))
    return one(attrs.text("output") == "N,C,1,1" ? try y.reshape(y.shape + [1, 1]) : y)

  case "relu": return one(try input("x").relu())
  case "leaky_relu": return one(try input("x").leakyRelu(slope: attrs.float("slope", 0.01)))
  case "silu": return one(try input("x").silu())
  case "sigmoid": return one(try input("x").sigmoid())
  case "tanh": return one(try input("x").tanh())
  case "exp": return one(try input("x").exp())
  case "softplus": return one(try input("x").softplus())
  case "log": return one(try input("x").log())
  case "sqrt": return one(try input("x").sqrt())
  case "atanh": return one(try input("x").atanh())
  case "abs": return one(try input("x").abs())
  case "square": return one(try input("x").square())
  case "sign": return one(try input("x").sign())
  case "neg": return one(try input("x").neg())
  case "clip":
    return one(try input("x").clip(min: attrs.float("min", -.infinity), max: attrs.float("max", .infinity)))

  case "softmax", "log_softmax":
    let (x, temperature, axis) = (try input("x"), attrs.float("temperature", 1), attrs.int("axis") ?? -1)
    return one(
      item.op == "softmax"
        ? try x.softmax(temperature: temperature, axis: axis) : try x.logSoftmax(temperature: temperature, axis: axis))
  case "logsumexp":
    return one(try input("x").logsumexp(axis: attrs.int("axis") ?? -1, keepdim: attrs.flag("keepdim", false)))

  case "cross_entropy":
    let others = attrs.text("smoothing_convention")?.contains("K-1") ?? false
    return one(
      try crossEntropy(
        input("z"), labels: labels(), temperature: attrs.float("temperature", 1), reduction: attrs.reduction(.mean),
        labelSmoothing: attrs.float("label_smoothing", 0), convention: others ? .others : .uniform))
  case "cross_entropy_soft":
    return one(
      try crossEntropy(
        input("z"), target: input("q"), temperature: attrs.float("temperature", 1), reduction: attrs.reduction(.mean)))
  case "kl_div_logits":
    let temperature = attrs.float("temperature", 1)
    let y = try klDivergence(
      input("za"), input("zb"), temperature: temperature, reduction: attrs.reduction(.batchmean))
    return one(attrs.text("scale") == "temperature squared" ? try y * (temperature * temperature) : y)
  case "mse": return one(try mse(input("a"), input("b"), reduction: attrs.reduction(.mean)))
  case "dlr": return one(try dlr(input("z"), labels: labels(), reduction: attrs.reduction(.none)))
  case "dlr_targeted":
    return one(
      try dlrTargeted(input("z"), labels: labels(), targets: labels("t"), reduction: attrs.reduction(.none)))
  case "margin": return one(try margin(input("z"), labels: labels(), reduction: attrs.reduction(.none)))
  case "cw_hinge":
    return one(
      try cwHinge(input("z"), labels: labels(), kappa: attrs.float("kappa", 0), reduction: attrs.reduction(.sum)))
  case "mart_bce": return one(try martBCE(input("z"), labels: labels(), reduction: attrs.reduction(.mean)))

  case "add": return try binary { try add($0, $1) }
  case "sub": return try binary { try sub($0, $1) }
  case "mul": return try binary { try mul($0, $1) }
  case "div": return try binary { try div($0, $1) }
  case "pow": return try binary { try pow($0, $1) }
  case "maximum": return try binary { try maximum($0, $1) }
  case "minimum": return try binary { try minimum($0, $1) }
  case "where": return one(try whereSelect(input("c"), input("a"), input("b")))

  case "sum", "mean", "max", "min", "var":
    let (x, axes, keepdim) = (try input("x"), attrs.ints("axes"), attrs.flag("keepdim", false))
    switch item.op {
    case "sum": return one(try x.sum(axes: axes, keepdim: keepdim))
    case "mean": return one(try x.mean(axes: axes, keepdim: keepdim))
    case "max": return one(try x.max(axes: axes, keepdim: keepdim))
    case "min": return one(try x.min(axes: axes, keepdim: keepdim))
    default: return one(try x.variance(axes: axes, unbiased: attrs.flag("unbiased", true), keepdim: keepdim))
    }
  case "argmax": return one(try input("x").argmax(axis: attrs.int("axis"), keepdim: attrs.flag("keepdim", false)))
  case "norm":
    return one(try input("x").norm(Double(attrs.float("p", 2)), perExample: attrs.flag("per_example", false)))

  case "transpose":
    let axes = attrs.ints("axes") ?? []
    return one(axes.count == 2 ? try input("x").transpose(axes[0], axes[1]) : try input("x").transpose())
  case "permute": return one(try input("x").permute(try #require(attrs.ints("order"))))
  case "reshape": return one(try input("x").reshape(try #require(attrs.ints("shape"))))
  case "slice":
    return one(
      try input("x").slice(
        starts: try #require(attrs.ints("start")), stops: try #require(attrs.ints("stop")), steps: attrs.ints("step")))
  case "concat":
    return one(try concat(inputs.keys.sorted().map { try input($0) }, axis: attrs.int("axis") ?? 0))
  case "gather": return one(try input("x").gather(axis: attrs.int("axis") ?? 1, labels("i")))
  case "pad":
    let p = attrs.padding
    return one(
      try input("x").pad(
        top: p.top, bottom: p.bottom, left: p.left, right: p.right, value: attrs.float("value", 0)))

  case "composite_wrn_block":
    let eps = attrs.float("eps", 1e-5)
    let stride = attrs.pair("stride") ?? (1, 1)
    let a = try batchNormTrain(input("x"), weight: input("g1"), bias: input("b1"), eps: eps).y.relu()
    let inner = try conv2d(a, input("w1"), stride: stride, padding: Padding(1))
    let b = try batchNormTrain(inner, weight: input("g2"), bias: input("b2"), eps: eps, relu: true).y
    return one(try add(conv2d(b, input("w2"), padding: Padding(1)), conv2d(a, input("ws"), stride: stride)))
  case "composite_conv_relu_gap_linear_ce_sum":
    let a = try conv2d(input("x"), input("w"), padding: attrs.padding).relu()
    let z = try linear(globalAveragePool(a), input("v"))
    return one(try crossEntropy(z, labels: labels(), reduction: attrs.reduction(.sum)))
  default:
    throw CoreError(.value, "unknown operation \(item.op)")
  }
}
