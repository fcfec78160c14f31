import Base
import Devices
import Interpreter
import Tensors

extension BuiltinTable {
  private static let reductionText =
    "- reduction: \"mean\" over the batch, \"sum\", or \"none\" for one value for each example."

  private static let temperatureText =
    "- T: the logits are divided by it: a number, or a column [n, 1] with one for each row."

  static let losses: [Builtin] = [
    Builtin(
      "entropy(p: tensor, axis: int = -1) -> tensor",
      "The entropy -sum(p·log(p)) of probabilities along an axis, in nats.",
      details: """
        0·log(0) is 0, and so is its gradient there. entropy(softmax(z)) is that of logits z.

        - p: probabilities, such as rows of softmax.
        - axis: the axis of the classes.
        """,
      examples: [Example("entropy([[0.5, 0.5], [1, 0]])", "tensor f32 [2]  0.6931 0")],
      seeAlso: ["softmax", "cross_entropy", "whatif"], search: ["uncertainty", "confidence", "information"],
      family: "losses"
    ) { call in
      Value(try entropy(call.tensor("p"), axis: call.int("axis")))
    },
    Builtin(
      "softmax(x: tensor, T: float | tensor = 1, axis: int = -1) -> tensor",
      "Probabilities: softmax(x / T) along an axis.", details: temperatureText,
      examples: [Example("softmax([0.0, 0])", "tensor f32 [2]  0.5 0.5")], seeAlso: ["log_softmax", "soften"],
      search: ["probabilities", "temperature"], family: "losses"
    ) { call in
      let (x, T) = try call.logits("x", axis: call.int("axis"))
      return Value(try x.softmax(temperature: T, axis: call.int("axis")))
    },
    Builtin(
      "log_softmax(x: tensor, T: float | tensor = 1, axis: int = -1) -> tensor",
      "Logarithm of softmax(x / T), exact also where the softmax underflows.", details: temperatureText,
      examples: [Example("log_softmax([0.0, -1000])[1]", "-1000.0")], seeAlso: ["softmax"],
      search: ["log probabilities"],
      family: "losses"
    ) { call in
      let (x, T) = try call.logits("x", axis: call.int("axis"))
      return Value(try x.logSoftmax(temperature: T, axis: call.int("axis")))
    },
    Builtin(
      "cross_entropy(logits: tensor, target: tensor, T: float | tensor = 1, smoothing: float = 0, reduction: string = \"mean\") -> tensor",
      "Cross-entropy of logits [n, classes] with class numbers [n] or with soft labels [n, classes].",
      details: """
        - target: whole numbers are classes; f32 rows are probabilities.
        \(temperatureText)
        - smoothing: s puts (1 - s)·target + s/classes in place of the target, from 0 to 1.
        \(reductionText)
        """,
      examples: [
        Example("cross_entropy([[0.0, 0]], [1])", "0.6931472"),
        Example("grad(T => cross_entropy([[1.0, 2, 3]], [0], T=T), 1.0)", "-1.5752101"),
      ], seeAlso: ["kl_div", "softmax"],
      search: ["nll", "log loss", "CrossEntropyLoss"], family: "losses"
    ) { call in
      let reduction = try call.reduction()
      let (logits, T) = try call.logits("logits")
      let (target, smoothing) = (try call.tensor("target"), Float(try call.float("smoothing")))
      if target.dtype == .int64 {
        return Value(
          try crossEntropy(
            logits, labels: call.labels("target"), temperature: T, reduction: reduction, labelSmoothing: smoothing))
      }
      return Value(
        try crossEntropy(
          logits, target: target, temperature: T, reduction: reduction, labelSmoothing: smoothing))
    },
    Builtin(
      "kl_div(p: tensor, q: tensor, T: float | tensor = 1, reduction: string = \"mean\") -> tensor",
      "KL(softmax(p / T) ‖ softmax(q / T)) of two sets of logits [n, classes].",
      details:
        "Computed from log-softmaxes: finite, with finite gradients, also where a probability underflows.\n\n- p, q: logits [n, classes].\n\(temperatureText)\n"
        + reductionText,
      examples: [Example("kl_div([[0.0, 0]], [[0.0, 0]])", "0.0")], seeAlso: ["cross_entropy", "trades"],
      search: ["kullback", "divergence", "distillation"], family: "losses"
    ) { call in
      let reduction = try call.reduction()
      let ((p, T), (q, _)) = (try call.logits("p"), try call.logits("q"))
      return Value(try klDivergence(p, q, temperature: T, reduction: reduction))
    },
    Builtin(
      "mse(a: tensor, b: tensor) -> tensor", "Mean squared difference.",
      details: "- a, b: tensors of one shape.",
      examples: [Example("mse([1.0, 2], [1.0, 4])", "2.0")], seeAlso: ["cross_entropy"],
      search: ["squared error", "l2"],
      family: "losses"
    ) { call in
      Value(try mse(call.tensor("a"), call.tensor("b")))
    },
    Builtin(
      "margin(logits: tensor, labels: tensor) -> tensor",
      "Logit of the true class less the greatest of the others, for each example: negative where it is misclassified.",
      examples: [Example("margin([[3.0, 1, 0]], [0])", "tensor f32 [1]  2")], seeAlso: ["cross_entropy"],
      search: ["carlini", "wagner", "cw"], family: "losses"
    ) { call in
      Value(try margin(call.tensor("logits"), labels: call.labels("labels")))
    },
  ]
}

extension Call {
  /// Logits, and the temperature by which they are still to be divided: 1 where a tensor of temperatures has divided them.
  fileprivate func logits(_ name: String, axis: Int = -1) throws -> (logits: Tensor, temperature: Float) {
    let logits = try tensor(name)
    if isObject("T") { return (try logits.divided(byTemperature: tensor("T"), axis: axis), 1) }
    return (logits, Float(try float("T")))
  }
}

extension Call {
  fileprivate func reduction() throws -> LossReduction {
    try choice("reduction", [("mean", .batchmean), ("sum", .sum), ("none", .none)])
  }
}
