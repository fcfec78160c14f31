import Base
import Datasets
import Interpreter
import Robustness
import Tensors

extension BuiltinTable {
  static let evaluation: [Builtin] = [
    Builtin(
      "evaluate(model: model, data: dataset, attacks: list | attack = [], eps: float | none = none, batch: int = 250, seed: int = 0, resume: string | none = none, quiet: bool = false) -> evaluation",
      "Natural accuracy, accuracy under each attack, and under the worst of them for each example.",
      details: """
        The model is in evaluation mode. Robust accuracy is the share of examples that no attack broke, with its 95 % Wilson \
        interval. The result prints as a table; `.natural`, `.worst_case`, `.attacks`, `.rows` and the masks `.correct` and \
        `.robust` are its parts; `.by_class` is a table with a row for each class. Logits that are not finite are an error: \
        they have no class.

        - attacks: one, or several in a list, such as [fgsm(), pgd(steps=20)]. The second of two equal ones is named \
        "pgd(steps=20) #2".
        - eps: radius in units of the [0, 1] image for the attacks without one of their own; when left out, 8/255 in Linf, 0.5 in \
        L2, 12 in L1. Where there are none it is refused.
        - seed: key of the random starts; refused where no attack has one.
        - resume: the path of a file in which the verdicts are kept as batches finish. The same call continues where an \
        earlier one was stopped; the model, the images and all settings are compared first.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=40, seed=1); r = evaluate(mlp(), test, attacks=[fgsm()], eps=0.1, quiet=true); r.n",
          "10"),
        Example(
          "r = evaluate(mlp(hidden=[4]), glyphs(n=20)[0], quiet=true); sum([row.n for row in r.by_class])", "20"),
      ],
      seeAlso: ["accuracy", "pgd", "fgsm", "whatif"],
      search: ["robust accuracy", "test", "autoattack", "score", "epsilon", "validate", "per class"],
      family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      var attacks: [any Attack] = []
      let given = try call["attacks"]
      for item in given.asObject == nil ? try call.list("attacks") : [given] {
        guard let attack = item.configured(as: (any Attack).self) else {
          throw call.error(
            .type, "attacks must be a list of attacks; one item is \(item.described)",
            hint: "attacks=[fgsm(), pgd(steps=20)]",
            at: "attacks")
        }
        attacks.append(attack)
      }
      let progress = call.session.progress(quiet: try call.bool("quiet"))
      let evaluation = try evaluate(
        model, on: data, attacks: attacks, eps: call.optionalFloat("eps"), batch: call.int("batch"),
        seed: call.isGiven("seed") ? call.seed("seed") : nil,
        ledger: call.optionalString("resume").map { path in
          try call.prepareToWrite()
          return try VerdictFile(path)
        },
        progress: progress)
      return Value(EvaluationObject(evaluation))
    },
    Builtin(
      "accuracy(model: model, data: dataset) -> float",
      "Share of the natural images that the model classifies correctly.",
      examples: [Example("accuracy(mlp(), glyphs(n=40)[1]) <= 1", "true")],
      seeAlso: ["evaluate", "predict"], search: ["score", "natural accuracy"], family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      return Value(try evaluate(model, on: data).naturalAccuracy.value)
    },
    Builtin(
      "logits(model: model, data: dataset, batch: int = 250) -> tensor",
      "The logits of all images of a data set: [n, classes].",
      examples: [Example("logits(mlp(), glyphs(n=8)[0]).shape", "[8, 10]")],
      seeAlso: ["predict", "soft_labels"], search: ["forward", "outputs"], family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self)
      let data = try call.object("data", as: DatasetObject.self).data
      return Value(
        try logits(
          of: model.model, on: data, batch: call.int("batch"), parameters: model.tracked, requiringFinite: false))
    },
    Builtin(
      "predict(model: model, x: tensor | dataset) -> tensor", "The class with the largest logit for each image: [n].",
      details: "- x: images [n, c, h, w] in [0, 1], or a data set.",
      examples: [Example("predict(mlp(), zeros([3, 1, 28, 28])).shape", "[3]")],
      seeAlso: ["logits", "accuracy"], search: ["classify", "argmax", "label"], family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      return Value(try predictions(of: model, on: call.examples("x")))
    },
  ]
}
