import Base
import Interpreter
import Robustness
import Tensors

/// What `evaluate` found: prints as a table; its parts are attributes.
final class EvaluationObject: HostObject {
  let evaluation: Evaluation

  init(_ evaluation: Evaluation) { self.evaluation = evaluation }

  override class var typeName: String { "evaluation" }
  override class var typeSummary: String { "What evaluate found; it prints as a table." }
  override class var members: [Member] { own }
  private static let own = [
    Member("attacks", "record", "Accuracy under each attack, by its name.") { (object: EvaluationObject) in
      Value(fields: object.evaluation.attacks.map { ($0.attack, Value($0.accuracy.value)) })
    },
    Member("by_class", "list[record]", "A table with a row for each class that has examples.") {
      (object: EvaluationObject) in object.byClass
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
    Member("model", "string", "The name of the model.") { (object: EvaluationObject) in Value(object.evaluation.model)
    },
    Member("n", "int", "How many examples were evaluated.") { (object: EvaluationObject) in Value(object.evaluation.n)
    },
    Member("natural", "float", "Accuracy on the natural images.") { (object: EvaluationObject) in
      Value(object.evaluation.naturalAccuracy.value)
    },
    Member("robust", "tensor", "A mask [n]: the examples that no attack broke.") { (object: EvaluationObject) in
      try mask(object.evaluation.robust)
    },
    Member("rows", "list[record]", "A table with a row for the natural images, each attack and the worst case.") {
      (object: EvaluationObject) in object.rows
    },
    Member("warnings", "list[string]", "What should make one doubt the numbers; mostly nothing.") {
      (object: EvaluationObject) in Value(object.evaluation.warnings.map { Value($0) })
    },
    Member("worst_case", "float", "The share of the examples that no attack broke.") { (object: EvaluationObject) in
      Value(object.evaluation.worstCase.value)
    },
  ]

  private static func mask(_ flags: [Bool]) throws -> Value {
    Value(try Tensor(bools: flags, shape: [flags.count]))
  }

  /// One record for natural images, each attack and the worst case: accuracy and its 95 % interval.
  private var rows: Value {
    func row(_ name: String, eps: Double?, _ accuracy: Accuracy) -> Value {
      Value(fields: [
        ("attack", Value(name)), ("eps", eps.map { Value($0) } ?? .none), ("accuracy", Value(accuracy.value)),
        ("low", Value(accuracy.interval.low)), ("high", Value(accuracy.interval.high)), ("n", Value(accuracy.n)),
      ])
    }
    return Value(
      [row("none (natural)", eps: nil, evaluation.naturalAccuracy)]
        + evaluation.attacks.map { row($0.attack, eps: $0.eps, $0.accuracy) }
        + [row("worst case", eps: nil, evaluation.worstCase)])
  }

  /// One record for each class that has examples: how many there are, and what `rows` has as columns.
  private var byClass: Value {
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
    "<evaluation of \(evaluation.model): worst case \(percent(evaluation.worstCase.value)) of \(evaluation.n)>"
  }

  override func text(_ options: PrintOptions) -> String {
    var lines = [["attack", "eps", "accuracy", "95 % interval"]]
    func add(_ name: String, _ eps: String, _ accuracy: Accuracy) {
      let interval = accuracy.interval
      lines.append([name, eps, percent(accuracy.value), "\(percent(interval.low)) – \(percent(interval.high))"])
    }
    add("none (natural)", "", evaluation.naturalAccuracy)
    for outcome in evaluation.attacks { add(outcome.attack, radius(outcome.eps), outcome.accuracy) }
    if evaluation.attacks.count > 1 { add("worst case", "", evaluation.worstCase) }
    return "\(evaluation.model) on \(evaluation.n) images of \(evaluation.data)\n"
      + (AlignedText(lines, sides: [.left, .right]).lines(gap: 3, indent: 2)
      + evaluation.warnings.map { "warning: \($0)" }).joined(separator: "\n")
  }

  private func percent(_ share: Double) -> String { (share * 100).fixed(1) + " %" }

  /// As a fraction of 255 where it is one, and as a decimal.
  private func radius(_ eps: Double) -> String {
    let decimal = eps.general(4)
    return eps.greyLevels.map { "\($0) = \(decimal)" } ?? decimal
  }
}
