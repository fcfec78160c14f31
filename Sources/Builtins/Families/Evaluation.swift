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
      seed: int = 0, forwards: int | none = none, save: string | bool = false, keep: string | bool = false, max_time: float | none = none, \
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

        A network with `gaussian_noise` answers at random, and one answer says little of it: an attack that asks often finds \
        an unlucky draw for any image. Of each image that an attack has kept, and of the image as it is, several answers are \
        drawn that no attack has seen, and the table has the mean share of right ones, the *rate*, with a 95 % interval over \
        examples and draws (Wilson's, with the effective sample size that the shares of the examples have), beside how many \
        examples an answer was wrong for, and the accuracy by one answer alone, which is AutoAttack's rule, and what the \
        masks and all other numbers are about. The worst case is that of the attack whose image has the least mean margin \
        over the answers that it saw, example by example, or of one attack for all where that is lower. All examples to which an answer was right are attacked. `.rate` and `.rates` \
        have the numbers.

        - attacks: one, or several in a list, such as [fgsm(), pgd(steps=20)]. The second of two equal ones is named \
        "pgd(steps=20) #2".
        - eps: radius in units of the [0, 1] image for the attacks without one of their own, or several in a list, at each of \
        which these attacks are run; when left out, 8/255 in Linf, 0.5 in L2, 12 in L1. Where no attack would use it, it is \
        refused.
        - seed: key of the random starts, and of the noise of a model that answers at random; refused where there is neither.
        - forwards: how many answers of a model that answers at random judge an image, 20 when left out; refused for others.
        - save: the path of a ledger, an SQLite database in which every verdict is kept as batches finish; true stands for \
        runs.sqlite. The same call continues where an earlier one was stopped, killed or without power: weights, images, \
        settings and the build of ltd are compared first, and what differs is another run. An attack that holds a function \
        of a program cannot be compared, and is begun anew each time. `runs()` lists the runs.
        - keep: the path of an .npz file, true for adversarial.npz, for the adversarial images that broke an example, with their labels, ids, \
        positions and attacks. They are read back and shown to the model again, as they are and rounded to 8 bits: `.kept`.
        - max_time: seconds after which the evaluation ends with what is settled. What was not attacked by then counts as \
        robust, so that accuracies are upper bounds, and are marked so. Ctrl-C ends it in the same way once the natural \
        accuracy is known, except with `keep`, where it is an error; `complete` tells.
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
        Example(
          """
          net = network([gaussian_noise(0.1), flatten(), linear(10)], input=[1, 28, 28])
          evaluate(net, glyphs(n=20)[0], attacks=eot(pgd(steps=2), n=4), forwards=5, quiet=true).rates[1].forwards
          """, "5"),
      ],
      seeAlso: ["accuracy", "runs", "paired", "report", "certify", "pgd", "autoattack", "gaussian_noise"],
      search: [
        "robust accuracy", "test", "autoattack", "score", "epsilon", "validate", "per class", "resume", "ledger",
        "randomised defence", "stochastic",
      ],
      family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      var plan = EvaluationPlan(try call.attacks("attacks"))
      plan.radii = try call.radii("eps")
      plan.batch = try call.int("batch")
      plan.seed = try call.isGiven("seed") ? call.seed("seed") : nil
      plan.forwards = try call.optionalInt("forwards")
      plan.seconds = try call.optionalFloat("max_time")
      plan.isIdentified = true
      plan.command = call.spelling(leaving: ["quiet", "save", "keep", "max_time"]) { model in
        model.model.source.map { "load_model(\(Call.spelling($0.path)))" }
      }
      let quiet = try call.bool("quiet")
      let files = try EvaluationFiles(call)
      plan.keepsImages = files?.kept != nil
      // What is kept of the images is written and shown to the model at the end, which would make the user wait.
      plan.returnsWhenInterrupted = !plan.keepsImages
      if let shared = try call.sharedEvaluation(model, data, plan, files, quiet: quiet) { return Value(shared) }
      let ledger = try call.session.onFirstRank { try files?.open(quiet: quiet) }
      let further = "the same call continues after the last batch"
      var evaluation: Evaluation
      do {
        evaluation = try evaluate(
          model, on: data, plan, ledger: ledger, progress: call.session.progress(quiet: quiet))
      } catch var error as CoreError where error.kind == .interrupted && ledger != nil && plan.canBeContinued {
        error.hint = further
        throw error
      }
      call.session.keepResults(
        evaluation.isComplete
          ? "the evaluation was complete"
          : "what was not attacked counts as robust, so that accuracies are upper bounds"
            + (ledger != nil && plan.canBeContinued ? "; \(further)" : ""))
      guard let files else { return Value(EvaluationObject(evaluation, kept: nil)) }
      let kept = try call.session.onFirstRank { try files.writeKept(of: evaluation, model) }
      evaluation.number = try call.session.told(evaluation.number)
      return Value(EvaluationObject(evaluation, kept: kept))
    },
    Builtin(
      "accuracy(model: model, data: dataset) -> float",
      "Share of the natural images that the model classifies correctly; of a model that answers at random, by one answer.",
      examples: [Example("accuracy(mlp(), glyphs(n=40)[1]) <= 1", "true")],
      seeAlso: ["evaluate", "predict"], search: ["score", "natural accuracy"], family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      return Value(try evaluate(model, on: data, forwards: model.isRandom ? 1 : nil).naturalAccuracy.value)
    },
    Builtin(
      "logits(model: model, data: dataset, batch: int = 250, draw: int = 0) -> tensor",
      "The logits of all images of a data set: [n, classes].",
      details: "- draw: which answer of a model that answers at random; refused for others.",
      examples: [Example("logits(mlp(), glyphs(n=8)[0]).shape", "[8, 10]")],
      seeAlso: ["predict", "soften"], search: ["forward", "outputs"], family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self)
      let data = try call.object("data", as: DatasetObject.self).data
      return Value(
        try logits(
          of: model.model, on: data, batch: call.int("batch"), parameters: model.tracked,
          draws: call.draw(of: model.model),
          requiringFinite: false))
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

extension Call {
  /// Which answer of a model that answers at random is asked for.
  ///
  /// - Throws: `value` where one is named although the model answers alike each time.
  func draw(of model: Model) throws -> NoiseDraws {
    guard model.isRandom || !isGiven("draw") else {
      throw error(
        .value, "the model \(model.name) answers alike each time: draw would not be used",
        hint: "leave draw out; a network with gaussian_noise(0.1) answers at random", at: "draw")
    }
    return NoiseDraws(try int("draw"))
  }
}
