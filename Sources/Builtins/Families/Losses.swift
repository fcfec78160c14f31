import Interpreter
import Tensors

extension BuiltinTable {
  private static let reductionText =
    "- reduction: \"mean\" over the batch, \"sum\", or \"none\" for one value an example."

  static let losses: [Builtin] = [
    Builtin(
      "softmax(x: tensor, T: float = 1, axis: int = -1) -> tensor", "Probabilities: softmax(x / T) along an axis.",
      examples: [Example("softmax([0.0, 0])", "tensor f32 [2]  0.5 0.5")], seeAlso: ["log_softmax", "soft_labels"],
      search: ["probabilities", "temperature"], family: "losses"
    ) { call throws(LTDError) in
      try made { () throws(CoreError) in
        try call.core.tensor("x").softmax(temperature: Float(call.core.float("T")), axis: call.core.int("axis"))
      }
    },
    Builtin(
      "log_softmax(x: tensor, T: float = 1, axis: int = -1) -> tensor",
      "Logarithm of softmax(x / T), exact also where the softmax underflows.",
      examples: [Example("log_softmax([0.0, -1000])[1]", "-1000.0")], seeAlso: ["softmax"],
      search: ["log probabilities"],
      family: "losses"
    ) { call throws(LTDError) in
      try made { () throws(CoreError) in
        try call.core.tensor("x").logSoftmax(temperature: Float(call.core.float("T")), axis: call.core.int("axis"))
      }
    },
    Builtin(
      "cross_entropy(logits: tensor, target: tensor, T: float = 1, smoothing: float = 0, reduction: string = \"mean\") -> tensor",
      "Cross-entropy of logits [n, classes] with class numbers [n] or with soft labels [n, classes].",
      details: """
        - target: whole numbers are classes; f32 rows are probabilities.
        - T: the logits are divided by T.
        - smoothing: for class numbers, the target is (1 - s)·one-hot + s/classes.
        \(reductionText)
        """,
      examples: [Example("cross_entropy([[0.0, 0]], [1])", "0.6931472")], seeAlso: ["kl_div", "softmax"],
      search: ["nll", "log loss", "CrossEntropyLoss"], family: "losses"
    ) { call throws(LTDError) in
      let reduction = try call.reduction()
      return try made { () throws(CoreError) in
        let (logits, target, T) = (
          try call.core.tensor("logits"), try call.core.tensor("target"), Float(try call.core.float("T"))
        )
        if target.dtype == .int64 {
          return try crossEntropy(
            logits, labels: target.ints(), temperature: T, reduction: reduction,
            labelSmoothing: Float(call.core.float("smoothing")))
        }
        return try crossEntropy(logits, target: target, temperature: T, reduction: reduction)
      }
    },
    Builtin(
      "kl_div(p: tensor, q: tensor, T: float = 1, reduction: string = \"mean\") -> tensor",
      "KL(softmax(p / T) ‖ softmax(q / T)) of two sets of logits [n, classes].",
      details:
        "Computed from log-softmaxes: finite, with finite gradients, also where a probability underflows.\n\n- p, q: logits [n, classes].\n"
        + reductionText,
      examples: [Example("kl_div([[0.0, 0]], [[0.0, 0]])", "0.0")], seeAlso: ["cross_entropy", "trades"],
      search: ["kullback", "divergence", "distillation"], family: "losses"
    ) { call throws(LTDError) in
      let reduction = try call.reduction()
      return try made { () throws(CoreError) in
        try klDivergence(
          call.core.tensor("p"), call.core.tensor("q"), temperature: Float(call.core.float("T")), reduction: reduction)
      }
    },
    Builtin(
      "mse(a: tensor, b: tensor) -> tensor", "Mean squared difference.",
      details: "- a, b: tensors of one shape.",
      examples: [Example("mse([1.0, 2], [1.0, 4])", "2.0")], seeAlso: ["cross_entropy"],
      search: ["squared error", "l2"],
      family: "losses"
    ) { call throws(LTDError) in
      try made { () throws(CoreError) in try mse(call.core.tensor("a"), call.core.tensor("b")) }
    },
    Builtin(
      "margin(logits: tensor, labels: tensor) -> tensor",
      "Logit of the true class less the greatest of the others, for each example: negative where it is misclassified.",
      examples: [Example("margin([[3.0, 1, 0]], [0])", "tensor f32 [1]  2")], seeAlso: ["cross_entropy"],
      search: ["carlini", "wagner", "cw"], family: "losses"
    ) { call throws(LTDError) in
      try made { () throws(CoreError) in try margin(call.core.tensor("logits"), labels: call.core.labels("labels")) }
    },
  ]
}

extension Call {
  fileprivate func reduction() throws(LTDError) -> LossReduction {
    try choice("reduction", [("mean", .batchmean), ("sum", .sum), ("none", .none)])
  }
}
