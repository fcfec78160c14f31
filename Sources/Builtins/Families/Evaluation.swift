import Base
import Datasets
import Interpreter
import Networks
import Robustness
import Tensors

extension BuiltinTable {
  static let evaluation: [Builtin] = [
    Builtin(
      """
      evaluate(model: model, data: dataset, attacks: list | attack = [], eps: float | list | none = none, batch: int = 250, \
      seed: int = 0, save: string | bool = false, keep: string | bool = false, max_time: float | none = none, \
      quiet: bool = false) -> evaluation
      """,
      "Natural accuracy, accuracy under each attack, and under the worst of them for each example.",
      details: """
        The model is in evaluation mode. Robust accuracy is the share of examples that no attack broke, with its 95 % Wilson \
        interval. The result prints as a table: each attack *alone*, and *cumulative*, what it leaves of what those before it \
        have left. `.natural`, `.worst_case`, `.attacks`, `.rows` and the masks `.correct` and `.robust` are its parts; \
        `.table` has a row for each example, `.by_class` one for each class, `.worst_cases` one for each radius. Logits that \
        are not finite are an error: they have no class. What an attack has broken is shown to the model once more, and a \
        warning says where it answers otherwise.

        - attacks: one, or several in a list, such as [fgsm(), pgd(steps=20)]. The second of two equal ones is named \
        "pgd(steps=20) #2".
        - eps: radius in units of the [0, 1] image for the attacks without one of their own, or several in a list, at each of \
        which these attacks are run; when left out, 8/255 in Linf, 0.5 in L2, 12 in L1. Where no attack would use it, it is \
        refused.
        - seed: key of the random starts; refused where no attack has one.
        - save: the path of a ledger, an SQLite database in which every verdict is kept as batches finish; true stands for \
        runs.sqlite. The same call continues where an earlier one was stopped, killed or without power: weights, images, \
        settings and the build of ltd are compared first, and what differs is another run. An attack that holds a function \
        of a program cannot be compared, and is begun anew each time. `runs()` lists the runs.
        - keep: the path of an .npz file, true for adversarial.npz, for the adversarial images that broke an example, with their labels, ids, \
        positions and attacks. They are read back and shown to the model again, as they are and rounded to 8 bits: `.kept`.
        - max_time: seconds after which the evaluation ends with what is settled. What was not attacked by then counts as \
        robust, so that accuracies are upper bounds, and are marked so.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=40, seed=1); r = evaluate(mlp(), test, attacks=[fgsm()], eps=0.1, quiet=true); r.n",
          "10"),
        Example(
          "r = evaluate(mlp(hidden=[4]), glyphs(n=20)[0], quiet=true); sum([row.n for row in r.by_class])", "20"),
        Example(
          """
          evaluate(mlp(hidden=[4]), glyphs(n=20)[0], attacks=fgsm(), eps=[0, 0.1], quiet=true).worst_cases[0].eps
          """, "0.0"),
      ],
      seeAlso: ["accuracy", "runs", "paired", "report", "certify", "pgd", "autoattack"],
      search: [
        "robust accuracy", "test", "autoattack", "score", "epsilon", "validate", "per class", "resume", "ledger",
      ],
      family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      var plan = EvaluationPlan(try call.attacks("attacks"))
      plan.radii = try call.radii("eps")
      plan.batch = try call.int("batch")
      plan.seed = try call.isGiven("seed") ? call.seed("seed") : nil
      plan.seconds = try call.optionalFloat("max_time")
      plan.isIdentified = true
      plan.command = call.spelling(leaving: ["quiet", "save", "keep", "max_time"]) { model in
        model.model.source.map { "load_model(\(Call.spelling($0.path)))" }
      }
      let quiet = try call.bool("quiet")
      let files = try EvaluationFiles(call)
      plan.keepsImages = files?.kept != nil
      let ledger = try files?.open(quiet: quiet)
      let evaluation: Evaluation
      do {
        evaluation = try evaluate(
          model, on: data, plan, ledger: ledger, progress: call.session.progress(quiet: quiet))
      } catch var error as CoreError where error.kind == .interrupted && ledger != nil && plan.canBeContinued {
        error.hint = "the same call continues after the last batch"
        throw error
      }
      return Value(EvaluationObject(evaluation, kept: try files?.writeKept(of: evaluation, model)))
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
