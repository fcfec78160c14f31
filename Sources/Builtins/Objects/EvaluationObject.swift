import Base
import Interpreter
import Networks
import Robustness
import Tensors

/// What `evaluate` found: prints as a table; its parts are attributes.
final class EvaluationObject: HostObject {
  private enum Content {
    case whole(Evaluation, kept: KeptCheck?)
    /// Within a shard: the whole is known when the others have done their share.
    case pending(PendingEvaluation)
  }
  private let content: Content

  /// - Parameter kept: what the model makes of the adversarial images that were stored.
  init(_ evaluation: Evaluation, kept: KeptCheck? = nil) { content = .whole(evaluation, kept: kept) }

  /// An evaluation that a shard knows when all others have done their share.
  init(_ pending: PendingEvaluation) { content = .pending(pending) }

  /// What was found.
  ///
  /// - Throws: `limit` within a shard, where others have not done their share: the script ends there.
  var evaluation: Evaluation {
    get throws {
      switch content {
      case .whole(let evaluation, _): evaluation
      case .pending(let pending): try pending.evaluation()
      }
    }
  }

  private var pending: PendingEvaluation? { if case .pending(let pending) = content { pending } else { nil } }
  /// What was found, where that is known.
  private var known: Evaluation? {
    switch content {
    case .whole(let evaluation, _): evaluation
    case .pending(let pending): pending.known
    }
  }
  private var check: KeptCheck? { if case .whole(_, let kept) = content { kept } else { nil } }

  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "evaluation"
    guard var evaluation = known else {
      throw CoreError(.value, "an evaluation of which a shard knows only a part cannot be kept")
    }
    if out.isComparing { evaluation = evaluation.withoutTimes }
    try PlainCoder.write(evaluation, to: out)
    try PlainCoder.write(check, to: out)
  }

  override class var typeName: String { "evaluation" }
  override class var typeSummary: String { "What evaluate found; it prints as a table." }
  override class var members: [Member] { own }
  private static let own = [
    Member("attacks", "record", "Accuracy under each attack, by its name.") { (object: EvaluationObject) in
      try Value(fields: object.evaluation.attacks.map { ($0.attack, Value($0.accuracy.value)) })
    },
    Member("by_class", "list[record]", "A table with a row for each class that has examples.") {
      (object: EvaluationObject) in try object.byClass(object.evaluation)
    },
    Member(
      "complete", "bool", "Whether everything that was to be attacked was attacked; else accuracies are upper bounds."
    ) {
      (object: EvaluationObject) in try Value(object.evaluation.isComplete)
    },
    Member("correct", "tensor", "A mask [n]: the natural images that were classified correctly.") {
      (object: EvaluationObject) in try mask(object.evaluation.natural)
    },
    Member(
      "distances", "record",
      "For each attack that looks for the nearest image, how far that is from each example [n]; inf: none was found."
    ) { (object: EvaluationObject) in
      Value(
        fields: try object.evaluation.attacks.compactMap { outcome in
          try outcome.distances.map {
            (outcome.attack, Value(try Tensor($0.map { Float($0 ?? .infinity) }, shape: [$0.count])))
          }
        })
    },
    Member(
      "kept", "record | none",
      "Of the adversarial images that were kept: how many, and how many the model misclassifies as stored and in 8 bits."
    ) { (object: EvaluationObject) in
      try object.kept.map {
        Value(fields: [
          ("images", Value($0.images)), ("as_stored", Value($0.asStored)), ("in_8_bits", Value($0.roundedTo8Bits)),
        ])
      } ?? .none
    },
    Member("model", "string", "The name of the model.") { (object: EvaluationObject) in
      try Value(object.pending?.model ?? object.evaluation.model)
    },
    Member("n", "int", "How many examples were evaluated.") { (object: EvaluationObject) in
      try Value(object.pending?.n ?? object.evaluation.n)
    },
    Member(
      "part", "list[record] | none",
      "Within a shard of a run, the rows of the examples that are finished so far, as in table; none for the whole."
    ) { (object: EvaluationObject) in
      guard let pending = object.pending, pending.known == nil else { return .none }
      return Value(try pending.parts().flatMap { object.table($0.evaluation, from: $0.first).asList ?? [] })
    },
    Member("natural", "float", "Accuracy on the natural images.") { (object: EvaluationObject) in
      try Value(object.evaluation.naturalAccuracy.value)
    },
    Member(
      "rate", "float | none",
      "Of a model that answers at random, the share of right answers under the worst attack for each example."
    ) { (object: EvaluationObject) in try object.evaluation.worstCaseRate.map { Value($0.value) } ?? .none },
    Member(
      "rates", "list[record]",
      "Of a model that answers at random, the share of right answers to natural images, under each attack and the worst."
    ) { (object: EvaluationObject) in try object.rates(object.evaluation) },
    Member("robust", "tensor", "A mask [n]: the examples that no attack broke.") { (object: EvaluationObject) in
      try mask(object.evaluation.robust)
    },
    Member("run", "int | none", "The number of the run in its ledger.") { (object: EvaluationObject) in
      try object.pending?.requireRecord("the number of the run")
      return try object.evaluation.number.map { Value($0) } ?? .none
    },
    Member("rows", "list[record]", "A table with a row for the natural images, each attack and the worst case.") {
      (object: EvaluationObject) in try object.rows(object.evaluation)
    },
    Member("seconds", "float", "How long it took, over all the sessions of its run.") {
      (object: EvaluationObject) in try Value(object.evaluation.seconds)
    },
    Member(
      "table", "list[record]",
      "A row for each example: what the model makes of it, the first attack that broke it, how far away and at what cost."
    ) { (object: EvaluationObject) in try object.table(object.evaluation) },
    Member("warnings", "list[string]", "What should make one doubt the numbers; mostly nothing.") {
      (object: EvaluationObject) in try Value(object.evaluation.warnings.map { Value($0) })
    },
    Member("worst_case", "float", "The share of the examples that no attack broke.") { (object: EvaluationObject) in
      try Value(object.evaluation.worstCase.value)
    },
    Member("worst_cases", "list[record]", "A row for each norm and radius: the share that nothing broke within it.") {
      (object: EvaluationObject) in try object.worstCases(object.evaluation)
    },
  ]

  private var kept: KeptCheck? {
    get throws {
      try pending?.requireRecord("what is kept")
      return check
    }
  }

  private static func mask(_ flags: [Bool]) throws -> Value {
    Value(try Tensor(bools: flags, shape: [flags.count]))
  }

  /// One record for natural images, each attack and the worst case: accuracy, what is left of that of the attacks before,
  /// and the 95 % interval of the accuracy. A stage that sees only what others left has no accuracy alone.
  private func rows(_ evaluation: Evaluation) -> Value {
    func row(_ name: String, eps: Double?, alone: Double?, left: Double, _ accuracy: Accuracy) -> Value {
      Value(
        fields: [("attack", Value(name)), ("eps", eps.map { Value($0) } ?? .none)] + accuracy.fields + [
          ("n", Value(accuracy.n)), ("alone", alone.map { Value($0) } ?? .none), ("cumulative", Value(left)),
        ])
    }
    let natural = evaluation.naturalAccuracy
    return Value(
      [row("none (natural)", eps: nil, alone: natural.value, left: natural.value, natural)]
        + zip(evaluation.attacks, evaluation.cumulative).map { outcome, left in
          row(
            outcome.attack, eps: outcome.eps, alone: outcome.round.continues ? nil : outcome.accuracy.value,
            left: left.value, outcome.accuracy)
        }
        + [
          row("worst case", eps: nil, alone: nil, left: evaluation.worstCase.value, evaluation.worstCase)
        ])
  }

  /// One record for natural images, each attack and the worst case: the rate with its interval, of how many answers to
  /// each of n examples, how many examples an answer was wrong for, and the accuracy by one answer. Empty for a model that
  /// answers alike each time.
  private func rates(_ evaluation: Evaluation) -> Value {
    guard let natural = evaluation.naturalRate, let rates = evaluation.rates, let worst = evaluation.worstCaseRate
    else { return Value([Value]()) }
    func row(_ name: String, _ rate: AnswerRate, _ accuracy: Accuracy) -> Value {
      Value(fields: [
        ("attack", Value(name)), ("rate", Value(rate.value)), ("low", Value(rate.interval.low)),
        ("high", Value(rate.interval.high)), ("n", Value(accuracy.n)), ("forwards", Value(rate.forwards)),
        ("wrong_in_a_draw", Value(rate.brokenInADraw)), ("one_answer", Value(accuracy.value)),
      ])
    }
    return Value(
      [row("none (natural)", natural, evaluation.naturalAccuracy)]
        + zip(evaluation.attacks, rates).map { row($0.attack, $1, $0.accuracy) }
        + [row("worst case", worst, evaluation.worstCase)])
  }

  /// One record for each norm and radius.
  private func worstCases(_ evaluation: Evaluation) -> Value {
    Value(
      evaluation.balls.map { norm, eps in
        let accuracy = evaluation.worstCase(norm: norm, eps: eps)
        return Value(
          fields: [("norm", Value(norm.rawValue)), ("eps", Value(eps))] + accuracy.fields + [("n", Value(accuracy.n))])
      })
  }

  /// One record for each example.
  ///
  /// - Parameter first: the position of the first of them.
  private func table(_ evaluation: Evaluation, from first: Int = 0) -> Value {
    let breakers = evaluation.breakers
    let worst = evaluation.worstCaseRate
    return Value(
      evaluation.labels.indices.map { position in
        let natural = evaluation.naturalVerdicts[position]
        let verdicts = evaluation.attacks.compactMap { $0.verdicts[position] }
        let breaking = breakers[position].flatMap { evaluation.attacks[$0].verdicts[position] }
        let correct = natural.prediction == evaluation.labels[position]
        // Of an example that stands: the nearest image that any attack has found, and the least margin within the radius.
        let nearest = zip(evaluation.attacks, evaluation.attacks.map { $0.verdicts[position] })
          .compactMap { $0.round.isMinimal ? $1?.distance : nil }.min()
        let least = verdicts.filter { $0.prediction == $0.label }.map(\.margin) + [natural.margin]
        let fields: [(String, Value)] = [
          ("position", Value(first + position)), ("label", Value(evaluation.labels[position])),
          ("prediction", Value(natural.prediction)), ("correct", Value(correct)),
          ("robust", Value(correct && breaking == nil)),
          ("distance", (breaking == nil ? nearest : breaking?.distance).map { Value($0) } ?? .none),
          ("adversarial", breaking.map { Value($0.prediction) } ?? .none),
          ("broken_by", breakers[position].map { Value(evaluation.attacks[$0].attack) } ?? .none),
          ("margin", Value(breaking?.margin ?? least.min() ?? natural.margin)),
          ("steps", Value(breaking?.foundAfterGradients ?? verdicts.reduce(0) { $0 + $1.gradients })),
          ("queries", Value(breaking?.foundAfterQueries ?? verdicts.reduce(0) { $0 + $1.queries })),
          ("id", Value(evaluation.ids[position])),
        ]
        let answers = worst.map {
          [("natural_right", natural.right.map { Value($0) } ?? .none), ("right", Value($0.right[position]))]
        }
        return Value(fields: fields + (answers ?? []))
      })
  }

  /// One record for each class that has examples: how many there are, and what `rows` has as columns.
  private func byClass(_ evaluation: Evaluation) -> Value {
    let classes = evaluation.classNames.indices.map { ($0, evaluation.only($0)) }.filter { $1.n > 0 }
    return Value(
      classes.map { label, part in
        var fields: [(String, Value)] = [("class", Value(part.classNames[label])), ("n", Value(part.n))]
        func add(_ name: String, _ accuracy: Accuracy) {
          fields += [
            (name, Value(accuracy.value)), ("\(name)_low", Value(accuracy.interval.low)),
            ("\(name)_high", Value(accuracy.interval.high)),
          ]
        }
        add("natural", part.naturalAccuracy)
        for outcome in part.attacks { add(outcome.attack, outcome.accuracy) }
        add("worst_case", part.worstCase)
        return Value(fields: fields)
      })
  }

  override func shortText(_ options: PrintOptions) -> String {
    guard let evaluation = known else { return pending?.text ?? "" }
    if let rate = evaluation.worstCaseRate {
      return "<evaluation of \(evaluation.model): rate \(rate.percent) of \(evaluation.n)>"
    }
    return "<evaluation of \(evaluation.model): worst case \(evaluation.worstCase.percent) of \(evaluation.n)>"
  }

  override func text(_ options: PrintOptions) -> String {
    guard let evaluation = known else { return pending?.text ?? "" }
    let report = EvaluationReport(evaluation)
    let kept = check.map { kept in
      let images = kept.images.of("image")
      return ["kept \(images): the model misclassifies \(kept.asStored) as stored, \(kept.roundedTo8Bits) in 8 bits"]
    }
    return
      ([report.title] + AlignedText(report.table, sides: [.left, .right]).lines(gap: 3, indent: 2)
      + (kept ?? []) + evaluation.warnings.map { "warning: \($0)" }).joined(separator: "\n")
  }

  /// What to type for the same evaluation; nil where that cannot be said, such as where the file of the weights holds
  /// others by now.
  func command(_ call: Call) throws -> String? {
    let run = try evaluation.run
    guard let command = run.command, let file = run.modelFile, let fingerprint = run.modelFingerprint else {
      return nil
    }
    guard call.session.limits.allowsFiles else { return nil }
    do throws(CoreError) {
      let model = try Model.load(file)
      guard model.fingerprint == fingerprint else { return nil }
      return "ltd -e " + "print(\(command))".quotedForShell
    } catch {
      if error.kind == .interrupted || error.kind == .limit { throw error }
      return nil
    }
  }

}

extension String {
  /// As one word of a shell.
  fileprivate var quotedForShell: String {
    "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}

extension Evaluation {
  /// The same results, as if they had taken no time.
  fileprivate var withoutTimes: Evaluation {
    var copy = self
    copy.seconds = 0
    for index in copy.attacks.indices { copy.attacks[index].seconds = 0 }
    return copy
  }
}
