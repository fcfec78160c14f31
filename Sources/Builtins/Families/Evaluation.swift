import Datasets
import Interpreter
import Networks
import Robustness
import Tensors

extension BuiltinTable {
  static let evaluation: [Builtin] = [
    Builtin(
      "evaluate(model: model, data: dataset, attacks: list | attack = [], eps: float = 8/255, batch: int = 250, seed: int = 0, quiet: bool = false) -> evaluation",
      "Natural accuracy, accuracy under each attack, and under the worst of them for each example.",
      details: """
        The model is in evaluation mode. Robust accuracy is the share of examples that no attack broke, with its 95 % Wilson \
        interval. The result prints as a table; `.natural`, `.worst_case`, `.attacks`, `.rows` and the masks `.correct` and \
        `.robust` are its parts.

        - attacks: one, or several in a list, such as [fgsm(), pgd(steps=20)]; one without eps takes that of evaluate.
        - eps: radius in units of the [0, 1] image.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=40, seed=1); r = evaluate(mlp(), test, attacks=[fgsm()], eps=0.1, quiet=true); r.n",
          "10")
      ],
      seeAlso: ["accuracy", "pgd", "fgsm", "whatif"],
      search: ["robust accuracy", "test", "autoattack", "score", "epsilon", "validate"],
      family: "evaluation"
    ) { call throws(LTDError) in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      var attacks: [any Attack] = []
      let given = try call["attacks"]
      for item in given.asObject == nil ? try call.list("attacks") : [given] {
        guard case .object(let object) = item, let attack = object as? AttackObject else {
          throw call.error(
            .type, "attacks is a list of attacks; one item is \(item.described)",
            hint: "attacks=[fgsm(), pgd(steps=20)]",
            at: "attacks")
        }
        attacks.append(attack.attack)
      }
      let progress = ProgressReporting.make(quiet: try call.bool("quiet"))
      let evaluation = try attempt { () throws(CoreError) in
        try evaluate(
          model, on: data, attacks: attacks, eps: call.core.float("eps"), batch: call.core.int("batch"),
          seed: call.core.seed("seed"), progress: progress)
      }
      return Value(EvaluationObject(evaluation))
    },
    Builtin(
      "accuracy(model: model, data: dataset) -> float",
      "Share of the natural images that the model classifies correctly.",
      examples: [Example("accuracy(mlp(), glyphs(n=40)[1]) <= 1", "true")],
      seeAlso: ["evaluate", "predict"], search: ["score", "natural accuracy"], family: "evaluation"
    ) { call throws(LTDError) in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      return Value(try attempt { () throws(CoreError) in try evaluate(model, on: data) }.naturalAccuracy.value)
    },
    Builtin(
      "logits(model: model, data: dataset, batch: int = 250) -> tensor",
      "The logits of all images of a data set: [n, classes].",
      examples: [Example("logits(mlp(), glyphs(n=8)[0]).shape", "[8, 10]")],
      seeAlso: ["predict", "soft_labels"], search: ["forward", "outputs"], family: "evaluation"
    ) { call throws(LTDError) in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      return Value(
        try attempt { () throws(CoreError) in try logits(of: model, on: data, batch: call.core.int("batch")) })
    },
    Builtin(
      "predict(model: model, x: tensor | dataset) -> tensor", "The class with the largest logit for each image: [n].",
      details: "- x: images [n, c, h, w] in [0, 1], or a data set.",
      examples: [Example("predict(mlp(), zeros([3, 1, 28, 28])).shape", "[3]")],
      seeAlso: ["logits", "accuracy"], search: ["classify", "argmax", "label"], family: "evaluation"
    ) { call throws(LTDError) in
      let model = try call.object("model", as: ModelObject.self).model
      let x = try call["x"]
      return Value(
        try attempt { () throws(CoreError) in
          if case .object(let object) = x, let data = object as? DatasetObject {
            return try logits(of: model, on: data.data, batch: 250).argmax(axis: 1)
          }
          return try model(call.core.tensor("x")).argmax(axis: 1)
        })
    },
  ]

  /// Logits in batches, so that a large data set needs little memory.
  static func logits(of model: Model, on data: Dataset, batch: Int) throws(CoreError) -> Tensor {
    guard batch > 0 else {
      throw CoreError(.value, "batch is at least 1, not \(batch)", hint: "batch=250", argument: "batch")
    }
    var parts: [Tensor] = []
    for places in data.batches(of: batch) {
      try Compute.poll()
      parts.append(try model(data.batch(places).images))
    }
    guard !parts.isEmpty else { return try Tensor.zeros([0, model.classes]) }
    return try concat(parts, axis: 0)
  }
}
