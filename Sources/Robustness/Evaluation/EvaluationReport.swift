import Base

/// An evaluation as a text for people: the table of accuracies, and all that a reader must know to believe it.
///
/// The table at the prompt is the same one without the facts. Columns are those of the field: each attack *alone*, as if
/// it had been the only one, and *cumulative*, what it leaves of what those before it have left. A stage that sees only
/// what others left has no accuracy of its own, and none is printed.
public struct EvaluationReport {
  /// How a report is written.
  public enum Form: String, SettingChoice {
    /// Aligned columns, as at the prompt.
    case text
    /// A table of GitHub's Markdown.
    case markdown
    /// A `tabular` of LaTeX with the rules of the package booktabs.
    case latex
    /// Comma-separated values; the facts are lines that begin with #.
    case csv
  }

  private let evaluation: Evaluation

  /// The report of an evaluation.
  public init(_ evaluation: Evaluation) { self.evaluation = evaluation }

  /// The first line: what was evaluated on what.
  public var title: String { "\(evaluation.model) on \(evaluation.n) images of \(evaluation.data)" }

  /// The table with its header: names of attacks, radius, accuracy and interval.
  public var table: [[String]] {
    if let rates = evaluation.rates, let natural = evaluation.naturalRate { return table(of: rates, natural) }
    let attacks = evaluation.attacks
    let several = attacks.count > 1
    let mark = evaluation.isComplete ? "" : "≤ "
    func row(_ name: String, _ eps: String, alone: Accuracy?, _ accuracy: Accuracy, bound: String = "") -> [String] {
      let left = bound + accuracy.percent
      return [name, eps] + (several ? [alone.map { bound + $0.percent } ?? "–", left] : [left])
        + [accuracy.percentInterval]
    }
    var rows = [["attack", "eps"] + (several ? ["alone", "cumulative"] : ["accuracy"]) + ["95 % interval"]]
    let natural = evaluation.naturalAccuracy
    rows.append(row("none (natural)", "", alone: natural, natural))
    for (outcome, left) in zip(attacks, evaluation.cumulative) {
      let bound = outcome.unsettled > 0 ? mark : ""
      rows.append(
        row(
          outcome.attack, radius(outcome.eps), alone: outcome.round.continues ? nil : outcome.accuracy, left,
          bound: bound))
    }
    let balls = evaluation.balls
    if several {
      for (norm, eps) in balls {
        let name = Set(balls.map(\.norm)).count > 1 ? "worst case, \(norm.rawValue)" : "worst case"
        rows.append(
          row(
            name, balls.count > 1 ? radius(eps) : "", alone: nil, evaluation.worstCase(norm: norm, eps: eps),
            bound: mark))
      }
    }
    return rows
  }

  /// The table of a model that answers at random: the rate over many answers with its interval, how many examples some
  /// answer was wrong for, and the accuracy by one answer.
  private func table(of rates: [AnswerRate], _ natural: AnswerRate) -> [[String]] {
    let mark = evaluation.isComplete ? "" : "≤ "
    func row(_ name: String, _ eps: String, _ rate: AnswerRate, _ accuracy: Accuracy, bound: String = "") -> [String] {
      [name, eps, bound + rate.percent, rate.percentInterval, "\(rate.brokenInADraw)", bound + accuracy.percent]
    }
    var rows = [
      [
        "attack", "eps", "rate of \(natural.forwards)", "95 % interval", "wrong in a draw", "one answer",
      ], row("none (natural)", "", natural, evaluation.naturalAccuracy),
    ]
    for (outcome, rate) in zip(evaluation.attacks, rates) {
      rows.append(
        row(outcome.attack, radius(outcome.eps), rate, outcome.accuracy, bound: outcome.unsettled > 0 ? mark : ""))
    }
    guard evaluation.attacks.count > 1 else { return rows }
    for (norm, eps) in evaluation.balls {
      guard let rate = evaluation.worstCaseRate(norm: norm, eps: eps) else { continue }
      let isOne = evaluation.balls.count == 1
      rows.append(
        row(
          isOne ? "worst case" : "worst case, \(norm.rawValue)", isOne ? "" : radius(eps), rate,
          evaluation.worstCase(norm: norm, eps: eps), bound: mark))
    }
    return rows
  }

  /// All that a reader must know to believe the table, as pairs of a word and what it stands for.
  ///
  /// - Parameter command: what to type for the same evaluation; nil where that cannot be said.
  public func facts(command: String?) -> [(name: String, value: String)] {
    let run = evaluation.run
    var facts: [(String, String)] = []
    let file = run.modelFile.map { ", weights read from \($0)" } ?? ""
    facts.append(("model", "\(run.model), fingerprint \(run.modelFingerprint ?? "not taken")\(file)"))
    facts.append(("data", "\(run.data), \(evaluation.n) images, fingerprint \(run.dataFingerprint ?? "not taken")"))
    for ball in evaluation.balls {
      facts.append(("threat", "\(ball.norm.rawValue), eps \(radius(ball.eps))"))
    }
    for outcome in evaluation.attacks {
      let seed = outcome.round.seed.map { ", seed \(Int64(bitPattern: $0))" } ?? ""
      facts.append(
        (
          "attack",
          "\(outcome.attack)\(seed): \(outcome.queries) queries, \(outcome.gradients) gradients, \(outcome.seconds.fixed(1)) s"
        ))
    }
    if let answers = run.answers {
      facts.append(
        (
          "answers",
          """
          at random, noise of seed \(Int64(bitPattern: answers.seed)): each image is judged by \(answers.forwards) that no \
          attack has seen, rate is the mean share of right ones, its interval Wilson's with the effective sample size; one \
          answer is AutoAttack's rule
          """
        ))
    }
    let batches = evaluation.attacks.contains { $0.round.dependsOnBatches } ? ", on which results depend" : ""
    facts.append(("batch", "\(run.batch)\(batches)"))
    facts.append(("program", "ltd \(run.version), build \(run.build ?? "unknown")"))
    facts.append(("machine", run.machine))
    facts.append(("time", "\(evaluation.seconds.fixed(1)) s"))
    if let number = evaluation.number { facts.append(("run", "\(number)")) }
    if !evaluation.isComplete { facts.append(("state", "not complete: accuracies are upper bounds")) }
    facts.append(("again", command ?? "cannot be said in one line"))
    return facts
  }

  /// The report in a form.
  public func text(_ form: Form, command: String?) -> String {
    let facts = facts(command: command)
    switch form {
    case .text:
      let lines =
        [title] + AlignedText(table, sides: [.left, .right]).lines(gap: 3, indent: 2)
        + evaluation.warnings.map { "warning: \($0)" }
        + AlignedText(facts.map { [$0.name, $0.value] }, sides: [.left]).lines(indent: 2)
      return lines.joined(separator: "\n")
    case .markdown:
      let rows = table.map { "| " + $0.map(markdown).joined(separator: " | ") + " |" }
      let rule = "|---" + String(repeating: "|---:", count: table[0].count - 1) + "|"
      return
        ([markdown(title), "", rows[0], rule] + rows.dropFirst() + [""]
        + evaluation.warnings.map { "- **warning**: \(markdown($0))" }
        + facts.map { "- \($0.name): " + ($0.name == "again" && command != nil ? code($0.value) : markdown($0.value)) })
        .joined(separator: "\n")
    case .latex:
      let rows = table.map { $0.map(latex).joined(separator: " & ") + " \\\\" }
      let columns = "l" + String(repeating: "r", count: table[0].count - 1)
      return
        (comments(facts, mark: "%") + ["\\begin{tabular}{\(columns)}", "\\toprule", rows[0], "\\midrule"]
        + rows.dropFirst()
        + ["\\bottomrule", "\\end{tabular}"]).joined(separator: "\n")
    case .csv:
      return (comments(facts, mark: "#") + csv).joined(separator: "\n")
    }
  }

  /// All but the table as comments of a line each; a name may hold anything, line ends too.
  private func comments(_ facts: [(name: String, value: String)], mark: String) -> [String] {
    let lines = [title] + evaluation.warnings.map { "warning: \($0)" } + facts.map { "\($0.name): \($0.value)" }
    return lines.map { "\(mark) " + String($0.map { $0.isNewline ? " " : $0 }) }
  }

  /// Numbers as numbers, a row for each attack.
  private var csv: [String] {
    let header =
      "attack,norm,eps,seed,alone,cumulative,low,high,n,queries,gradients,seconds"
      + (evaluation.run.answers == nil ? "" : ",forwards,rate,rate_low,rate_high,wrong_in_a_draw")
    func numbers(_ rate: AnswerRate?) -> [String] {
      rate.map {
        [
          String($0.forwards), $0.value.shortest, $0.interval.low.shortest, $0.interval.high.shortest,
          String($0.brokenInADraw),
        ]
      } ?? []
    }
    let rates = evaluation.rates
    func row(_ name: String, _ cells: [String]) -> String {
      ([
        name.contains(where: { ",\"\n".contains($0) })
          ? "\"\(name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\"" : name
      ] + cells)
      .joined(separator: ",")
    }
    func shares(_ alone: Accuracy?, _ accuracy: Accuracy) -> [String] {
      [
        alone?.value.shortest ?? "", accuracy.value.shortest, accuracy.interval.low.shortest,
        accuracy.interval.high.shortest, String(accuracy.n),
      ]
    }
    let natural = evaluation.naturalAccuracy
    var lines = [
      header,
      row("none (natural)", ["", "", ""] + shares(natural, natural) + ["", "", ""] + numbers(evaluation.naturalRate)),
    ]
    for (i, (outcome, left)) in zip(evaluation.attacks, evaluation.cumulative).enumerated() {
      lines.append(
        row(
          outcome.attack,
          [
            outcome.norm.rawValue, outcome.eps.shortest,
            outcome.round.seed.map { String(Int64(bitPattern: $0)) } ?? "",
          ] + shares(outcome.round.continues ? nil : outcome.accuracy, left)
            + [String(outcome.queries), String(outcome.gradients), outcome.seconds.fixed(3)] + numbers(rates?[i])))
    }
    for (norm, eps) in evaluation.balls {
      lines.append(
        row(
          "worst case",
          [norm.rawValue, eps.shortest, ""] + shares(nil, evaluation.worstCase(norm: norm, eps: eps)) + ["", "", ""]
            + numbers(evaluation.worstCaseRate(norm: norm, eps: eps))))
    }
    return lines
  }

  /// As a fraction of 255 where it is one, and as a decimal.
  private func radius(_ eps: Double) -> String {
    let decimal = eps.general(4)
    return eps.greyLevels.map { "\($0) = \(decimal)" } ?? decimal
  }

  private func markdown(_ text: String) -> String {
    var out = ""
    for character in text {
      if "\\`*_{}[]<>#|".contains(character) { out += "\\" }
      out.append(character == "\n" ? " " : character)
    }
    return out
  }

  private func code(_ text: String) -> String { "`` \(text) ``" }

  private func latex(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "\\": out += "\\textbackslash{}"
      case "&", "%", "$", "#", "_", "{", "}": out += "\\\(character)"
      case "~": out += "\\textasciitilde{}"
      case "^": out += "\\textasciicircum{}"
      case "–": out += "--"
      case "≤": out += "$\\le$"
      case "\n": out += " "
      default: out.append(character)
      }
    }
    return out
  }
}
