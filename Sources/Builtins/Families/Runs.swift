import Base
import Interpreter
import Robustness
import Runs

extension BuiltinTable {
  /// What was recorded of evaluations, and what can be made of it.
  static let runs: [Builtin] = [
    Builtin(
      "runs(ledger: string = \"runs.sqlite\") -> list[record]", "The runs that a ledger holds, as a table.",
      details: """
        A ledger is what evaluate(…, save=…) and fit(…, save=…) write: an SQLite database, so that sqlite3 and pandas read it too; \
        Sources/Runs/SCHEMA.md says what stands where. `run(n)` is one of them. natural and robust are numbers of images. Of a \
        training run, attacks is its method, and natural and robust are the shares that its last validation has measured, none \
        where there was none: run(n).epochs has all that it measured.

        - ledger: the path of the file.
        """,
      examples: [
        Example(
          """
          evaluate(mlp(hidden=[4]), glyphs(n=20)[0], attacks=fgsm(eps=0.1), save="/tmp/ltd-runs.sqlite", quiet=true)
          runs("/tmp/ltd-runs.sqlite")[0].n
          """, "20")
      ],
      seeAlso: ["run", "evaluate", "paired"], search: ["ledger", "history", "experiments", "sqlite", "database"],
      values: ["ledger": .files([".sqlite"])],
      family: "evaluation"
    ) { call in
      return Value(
        try call.ledger().entries().map { entry in
          Value(fields: [
            ("run", Value(entry.run)), ("kind", Value(entry.kind)), ("began", Value(entry.began)),
            ("complete", Value(entry.isComplete)),
            ("model", Value(entry.model)), ("data", Value(entry.data)), ("n", Value(entry.n)),
            ("attacks", Value(entry.attacks.joined(separator: ", "))), ("natural", entry.natural.value),
            ("robust", entry.robust.value), ("seconds", Value((entry.seconds * 10).rounded() / 10)),
          ])
        })
    },
    Builtin(
      "run(n: int, ledger: string = \"runs.sqlite\") -> evaluation | record",
      "A recorded evaluation or training run, as far as it came.",
      details: """
        It is what evaluate has returned, or would have: `.table` has a row for each example, `.rows` one for each attack. \
        Of a training run it is a record with all settings, fingerprints, and the table `epochs`, which to_csv writes.

        - n: the number of the run, as in runs().
        - ledger: the path of the file.
        """,
      examples: [
        Example(
          """
          r = evaluate(mlp(hidden=[4]), glyphs(n=20)[0], attacks=fgsm(eps=0.1), save="/tmp/ltd-runs.sqlite", quiet=true)
          run(r.run, "/tmp/ltd-runs.sqlite").worst_case == r.worst_case
          """, "true")
      ],
      seeAlso: ["runs", "evaluate", "paired", "report"], search: ["ledger", "record", "verdicts", "load evaluation"],
      values: ["ledger": .files([".sqlite"])],
      family: "evaluation"
    ) { call in
      let (ledger, n) = (try call.ledger(), try call.int("n"))
      if let training = try ledger.training(n) { return training.value }
      return Value(EvaluationObject(try ledger.evaluation(n)))
    },
    Builtin(
      "paired(a: evaluation, b: evaluation, natural: bool = false) -> record",
      "Two evaluations of the same examples compared in pairs: the difference, its 95 % interval and McNemar's test.",
      details: """
        What both models get right, or both wrong, says nothing of their difference; what counts are the examples in which \
        they disagree: `only_a` and `only_b`. `p` is that of the exact two-sided test of McNemar (1947), `low` and `high` \
        the interval of the difference of shares by method 10 of Newcombe (1998).

        - a, b: evaluations of the same data set.
        - natural: compare images as they are instead of what is robust.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=40, seed=1); r = evaluate(mlp(), test, attacks=[fgsm()], quiet=true); paired(r, r).p",
          "1.0")
      ],
      seeAlso: ["evaluate", "run"], search: ["mcnemar", "significance", "difference", "compare models", "p value"],
      family: "evaluation"
    ) { call in
      let a = try call.object("a", as: EvaluationObject.self).evaluation
      let b = try call.object("b", as: EvaluationObject.self).evaluation
      let pair = try PairedComparison(a, b, natural: call.bool("natural"))
      return Value(fields: [
        ("n", Value(pair.n)), ("both", Value(pair.both)), ("only_a", Value(pair.onlyFirst)),
        ("only_b", Value(pair.onlySecond)), ("neither", Value(pair.neither)), ("difference", Value(pair.difference)),
        ("low", Value(pair.interval.low)), ("high", Value(pair.interval.high)), ("p", Value(pair.p)),
      ])
    },
    Builtin(
      "curve(evaluation: evaluation, against: string = \"eps\", at: list | none = none) -> list[record]",
      "Accuracy under each attack against the radius, the steps or the queries, from one run: a table.",
      details: """
        Against the radius it is what an attack that looks for the nearest image has found (fab, deepfool, cw, ddn, fmn); \
        attacks in a ball say nothing of smaller radii. Against steps and queries it counts what an example had cost when \
        the image that broke it was handed in.

        - against: "eps", "steps" (gradients of an example) or "queries" (images of it that the model saw).
        - at: the budgets; about twenty when left out.
        """,
      examples: [
        Example(
          "r = evaluate(mlp(), glyphs(n=20)[0], attacks=[fab(steps=3)], quiet=true); len(curve(r, at=[0, 0.1]))", "2")
      ],
      seeAlso: ["evaluate", "optimality", "fab"], search: ["security curve", "budget", "queries", "robustness curve"],
      values: ["against": .words(Budget.allCases.map(\.rawValue))],
      family: "evaluation"
    ) { call in
      let evaluation = try call.object("evaluation", as: EvaluationObject.self).evaluation
      let against = try call.choice("against", Budget.allCases.map { ($0.rawValue, $0) })
      return Value(
        try evaluation.curve(by: against, at: call.numbers("at") ?? []).map { point in
          Value(
            fields: [("attack", Value(point.attack)), (against.rawValue, Value(point.budget))] + point.accuracy.fields)
        })
    },
    Builtin(
      "optimality(evaluation: evaluation) -> record",
      "How near each attack that looks for the nearest image comes to the best of all of them: 1 is the best.",
      details: """
        AttackBench's measure (Cinà et al. 2025): 1 − (area − best) / (clean · farthest − best), where area is that under \
        the attack's curve of accuracy against distance, and best that under the curve of the nearest image that any of \
        them found for each example. It compares attacks of one norm, in one evaluation.
        """,
      examples: [
        Example(
          "r = evaluate(mlp(), glyphs(n=20)[0], attacks=[fab(steps=3)], quiet=true); values(optimality(r))", "[1.0]")
      ],
      seeAlso: ["curve", "evaluate", "fab", "ddn"], search: ["attackbench", "compare attacks", "minimum norm"],
      family: "evaluation"
    ) { call in
      let evaluation = try call.object("evaluation", as: EvaluationObject.self).evaluation
      return Value(
        fields: try evaluation.optimality().map { ($0.attack, $0.optimality.map { Value($0) } ?? .none) })
    },
    Builtin(
      "report(evaluation: evaluation, form: string = \"text\") -> string",
      "An evaluation with everything that a reader must know to believe it: for a paper, a page or a table.",
      details: """
        Besides the table: fingerprints of model and data, the file of the weights, radius, attacks with seeds and costs, \
        version, machine, time, and the call that repeats it. That call is given where the data set was made by calls that \
        can be typed and the file of the weights still holds them.

        - form: "text", "markdown", "latex" (with the package booktabs) or "csv".
        """,
      examples: [
        Example(
          "r = evaluate(mlp(), glyphs(n=20)[0], attacks=[fgsm()], quiet=true); \"toprule\" in report(r, \"latex\")",
          "true")
      ],
      seeAlso: ["evaluate", "run"], search: ["latex", "markdown", "csv", "table", "paper", "export"],
      values: ["form": .words(EvaluationReport.Form.allCases.map(\.rawValue))],
      family: "evaluation"
    ) { call in
      let object = try call.object("evaluation", as: EvaluationObject.self)
      let form = try call.choice("form", EvaluationReport.Form.allCases.map { ($0.rawValue, $0) })
      return Value(
        EvaluationReport(try object.evaluation).text(form, command: try object.command(call)))
    },
  ]
}

extension RunReader.Figure? {
  fileprivate var value: Value {
    switch self {
    case nil: .none
    case .count(let count): Value(count)
    case .share(let share): Value(share)
    }
  }
}

extension RecordedTraining {
  /// A record whose `epochs` prints as a table.
  fileprivate var value: Value {
    let rows = epochs.map { epoch in
      Value(fields: [("epoch", Value(epoch.epoch))] + epoch.figures.map { ($0.name, Value($0.value)) })
    }
    return Value(fields: [
      ("run", Value(run)), ("kind", Value("training")), ("began", Value(began)), ("complete", Value(isComplete)),
      ("model", Value(model)), ("data", Value(data)), ("method", Value(method)),
      ("settings", Value(fields: settings.map { ($0.name, Value($0.value)) })),
      ("start_fingerprint", startFingerprint.map { Value($0) } ?? .none),
      ("fingerprint", fingerprint.map { Value($0) } ?? .none),
      ("data_fingerprint", dataFingerprint.map { Value($0) } ?? .none), ("version", Value(version)),
      ("machine", Value(machine)), ("seconds", Value(seconds)), ("warnings", Value(warnings.map { Value($0) })),
      ("epochs", Value(rows)),
    ])
  }
}

extension Accuracy {
  /// The columns of tables that say how large a share is.
  var fields: [(String, Value)] {
    [("accuracy", Value(value)), ("low", Value(interval.low)), ("high", Value(interval.high))]
  }
}

extension Call {
  /// The ledger that an argument names, to be read.
  fileprivate func ledger() throws -> RunReader {
    try requireFiles()
    try session.shardRun?.requireMerge("what ledgers hold is known")
    return try RunReader(string("ledger"))
  }

  /// One attack, or several in a list.
  func attacks(_ name: String) throws -> [any Attack] {
    let given = try self[name]
    return try (given.asObject == nil ? list(name) : [given]).map { item in
      guard let attack = item.configured(as: (any Attack).self) else {
        throw error(
          .type, "\(name) must be a list of attacks; one item is \(item.described)",
          hint: "attacks=[fgsm(), pgd(steps=20)]", at: name)
      }
      return attack
    }
  }

  /// One radius, several in a list, or none.
  func radii(_ name: String) throws -> [Double] {
    let given = try self[name]
    if given.isNone { return [] }
    guard given.asList != nil else { return [try float(name)] }
    guard let radii = try numbers(name), !radii.isEmpty else {
      throw error(.value, "\(name) must be a radius or a list of some", hint: "eps=[2/255, 4/255]", at: name)
    }
    return radii
  }
}
