import Base
import Datasets
import Interpreter
import Networks
import Robustness

extension BuiltinTable {
  static let diagnoses: [Builtin] = [
    Builtin(
      """
      diagnose(model: model, data: dataset, eps: float, norm: string = "linf", steps: int = 40, queries: int = 500, \
      checks: string | list = [], surrogate: model | none = none, fail_on: string | list = [], seed: int = 0, quiet: bool = false) -> diagnosis
      """,
      "Looks for signs of masked gradients: whether robust accuracy is one of the model, or of the attacks.",
      details: """
        Gradients are masked where attacks that follow them find less than there is to find. Each check looks for one sign or \
        cause and prints with what was measured, its limit and a verdict: pass, FLAG, or that it cannot be judged, and why. \
        The result ends in sentences for a report. `.rows` has everything, with remedy and source, `.flags` the names of the \
        checks that flag, `.tables` what was measured at several places, such as at each temperature; plot draws it.

        \(MaskingChecks.all.map { "- \($0.name): \($0.question)" }.joined(separator: "\n"))

        Accuracy under attack is compared with that under `steps` steps of PGD from the image itself, of 4·eps/steps each, with \
        the cross-entropy, every iterate counting; differences are paired, in points of all examples, and must be more than chance. Ctrl-C ends it with \
        what is known by then.
        - eps: radius in units of the [0, 1] image.
        - norm: "linf", "l2" or "l1": the norm of the ball.
        - steps: of the attack that the others are compared with.
        - queries: squares that the search without gradients tries for each image.
        - surrogate: another network for the same images and classes, for the check transfer; when left out a small one learns \
        the answers of the model.
        - checks: names of the checks that are made; all when left out.
        - fail_on: names of checks, or "flag" for any: where one of them flags the call ends with an error, and where one that is \
        named cannot be judged, too.
        - seed: key of random starts, noise and squares.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=80, seed=1); d = diagnose(mlp(seed=1), test, eps=0.1, checks=[\"non_finite\", \"stochastic\"], quiet=true); d.flags",
          "[]"),
        Example(
          "diagnose(mlp(seed=1), glyphs(n=80)[1], eps=0.1, checks=\"steps\", quiet=true).rows[0].check", "\"steps\""),
      ],
      seeAlso: ["adaptive", "evaluate", "mifpe", "bpda", "transfer", "at", "certify"],
      search: [
        "gradient masking", "obfuscated gradients", "sanity check", "masked gradients", "checklist", "audit",
        "is it really robust",
      ],
      values: ["norm": .words(Norm.allCases.map(\.rawValue)), "checks": .words(MaskingChecks.all.map { $0.name })],
      family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      let plan = DiagnosisPlan(
        eps: try call.float("eps"), norm: try call.choice("norm", Norm.allCases.map { ($0.rawValue, $0) }),
        steps: try call.int("steps"), queries: try call.int("queries"), seed: try call.seed("seed"),
        checks: try call.names("checks", of: "checks"),
        surrogate: try call.optionalObject("surrogate", as: ModelObject.self)?.model)
      let required = try call.names("fail_on", of: "checks, or \"flag\"")
      try plan.require(required)
      let progress = call.session.progress(quiet: try call.bool("quiet"))
      let found = try call.sharedDiagnosis(model, data, plan) {
        let diagnosis = try diagnose(model, on: data, plan, progress: progress)
        if diagnosis.isInterrupted { call.session.keepResults("the diagnosis holds what was found by then") }
        return diagnosis
      }
      try found.require(required)
      return Value(DiagnosisObject(found))
    },
    Builtin(
      """
      adaptive(model: model, data: dataset, eps: float, norm: string = "linf", diagnosis: diagnosis | none = none, \
      surrogate: model | none = none, seed: int = 0, quiet: bool = false) -> evaluation
      """,
      "Evaluates under the attacks that a diagnosis suggests.",
      details: """
        mifpe with more steps and starts where these were seen to matter, pgd on margins, gradients that pass straight \
        through layers without slope, those of another network, and square, with more queries where gradients are blind; \
        each of them averages ten answers of a model that answers at random. The names of the attacks are in the table.

        - eps: radius in units of the [0, 1] image.
        - norm: "linf", "l2" or "l1": the norm of the ball.
        - diagnosis: what diagnose found of the same model, data and ball; it is made first when left out.
        - surrogate: another network for the same images and classes, whose gradients are tried, too.
        - seed: key of random starts and squares.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=40, seed=1); net = mlp(hidden=[4], seed=1); d = diagnose(net, test, eps=0.05, checks=\"steps\", quiet=true); len(adaptive(net, test, eps=0.05, diagnosis=d, quiet=true).attacks)",
          "3")
      ],
      seeAlso: ["diagnose", "evaluate", "bpda", "transfer"],
      search: ["adaptive attack", "strongest attack", "defence-aware", "tailored"],
      values: ["norm": .words(Norm.allCases.map(\.rawValue))], family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      let norm = try call.choice("norm", Norm.allCases.map { ($0.rawValue, $0) })
      let eps = try call.float("eps")
      let surrogate = try call.optionalObject("surrogate", as: ModelObject.self)?.model
      let progress = call.session.progress(quiet: try call.bool("quiet"))
      let seed = try call.seed("seed")
      let found: Diagnosis
      if let given = try call.optionalObject("diagnosis", as: DiagnosisObject.self)?.diagnosis {
        try given.requireSame(model, data, norm: norm, eps: eps)
        found = given
      } else {
        let plan = DiagnosisPlan(eps: eps, norm: norm, seed: seed, surrogate: surrogate)
        found = try call.sharedDiagnosis(model, data, plan) {
          try diagnose(model, on: data, plan, progress: progress)
        }
        // What was stopped says nothing yet.
        try StopSignal.poll()
      }
      var plan = EvaluationPlan(
        try adaptiveAttacks(on: model, flags: found.flags, norm: norm, surrogate: surrogate))
      plan.radii = [eps]
      plan.seed = seed
      plan.isIdentified = true
      if let shared = try call.sharedEvaluation(model, data, plan, nil, quiet: call.bool("quiet")) {
        return Value(shared)
      }
      return Value(EvaluationObject(try evaluate(model, on: data, plan, progress: progress)))
    },
  ]
}

extension Call {
  /// A diagnosis, which one shard makes for all: its verdicts are about all images together.
  fileprivate func sharedDiagnosis(
    _ model: Model, _ data: Dataset, _ plan: DiagnosisPlan, _ body: () throws -> Diagnosis
  ) throws -> Diagnosis {
    guard session.sharing != nil else { return try body() }
    let settings = [
      plan.eps.shortest, plan.norm.rawValue, "\(plan.steps)", "\(plan.queries)", "\(plan.seed)", "\(plan.checks)",
      plan.surrogate?.fingerprint ?? "",
    ]
    let facts = try facts(model, data, settings.joined(separator: " "))
    let value = try shared("diagnose", facts, what: "the diagnosis of \(model.name) on \(data.name)") {
      Value(DiagnosisObject(try body()))
    }
    guard let object = value.asObject as? DiagnosisObject else {
      throw error(.value, "the cell of a diagnosis holds \(value.described)", hint: "start the shards again")
    }
    return object.diagnosis
  }

  /// A name, or names in a list.
  fileprivate func names(_ argument: String, of what: String) throws -> [String] {
    let given = try self[argument]
    return try (given.asString == nil ? list(argument) : [given]).map { item in
      guard let name = item.asString else {
        throw error(
          .type, "\(argument) must be names of \(what); one item is \(item.described)",
          hint: "\(argument)=[\"steps\", \"temperature\"]", at: argument)
      }
      return name
    }
  }
}
