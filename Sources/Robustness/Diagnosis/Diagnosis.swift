import Base
import Datasets
import Networks

/// What `diagnose` found: a row for each check, and what follows from them.
public struct Diagnosis: Sendable, Codable {
  /// The name of the model.
  public var model: String
  /// The name of the data set.
  public var data: String
  /// How many examples there are.
  public var n: Int
  /// How many of them the model classifies correctly as they are.
  public var natural: Int
  /// The norm of the ball.
  public var norm: Norm
  /// The radius, in units of the [0, 1] image.
  public var eps: Double
  /// How many steps the attack has that the others are compared with.
  public var steps: Int
  /// How many examples that attack has left; nil where it could not be run.
  public var usual: Int?
  /// How many examples nothing has broken that was tried here: an upper bound of the robust ones.
  public var lowest: Int
  /// A row for each check.
  public var findings: [Finding] = []
  /// Whether it was ended by Ctrl-C before all checks were made.
  public var isInterrupted = false
  /// How many seconds it took.
  public var seconds = 0.0

  /// The findings with a verdict.
  public func findings(_ verdict: CheckVerdict) -> [Finding] { findings.filter { $0.verdict == verdict } }

  /// The names of the checks that flag.
  public var flags: [String] { findings(.flag).map(\.check) }

  /// What a report may say, in sentences.
  public var summary: String {
    let flagged = findings(.flag)
    let unknown = findings(.unknown)
    let judged = findings.count - unknown.count
    let ball = "\(norm.rawValue) \(eps.asRadius)"
    func list(_ findings: [Finding]) -> String { findings.map(\.check).joined(separator: ", ") }
    var sentences: [String] = []
    if judged == 0 {
      sentences.append("Nothing could be judged: " + (unknown.first?.measurement.note ?? "no check was made") + ".")
    } else if flagged.isEmpty {
      sentences.append("None of the \(judged) checks that could be made found a sign of masked gradients at \(ball).")
    } else {
      sentences.append(
        "\(flagged.count) of \(judged) checks flag\(flagged.count == 1 ? "s" : "") at \(ball): \(list(flagged)).")
    }
    if let usual {
      let (found, least) = (Accuracy(correct: usual, n: n), Accuracy(correct: lowest, n: n))
      if flagged.isEmpty {
        sentences.append(
          "The \(steps) steps of PGD leave \(found.percent), all that was tried here together \(least.percent) (95 % "
            + "interval \(least.percentInterval)): an upper bound of the robust accuracy, no proof.")
      } else {
        sentences.append(
          "The \(found.percent) that \(steps) steps of PGD leave must not be reported as robust accuracy: all that was "
            + "tried here leaves \(least.percent) (95 % interval \(least.percentInterval)), which is an upper bound still."
        )
      }
    }
    if !unknown.isEmpty, judged > 0 {
      sentences.append("\(unknown.count) could not be judged: \(list(unknown)).")
    }
    if isInterrupted { sentences.append("It was stopped before its end.") }
    return sentences.joined(separator: " ")
  }

  /// Checks that it is of this model, of data like these, and of this ball.
  ///
  /// - Throws: `value` where it is of others.
  public func requireSame(_ model: Model, _ data: Dataset, norm: Norm, eps: Double) throws(CoreError) {
    guard self.model == model.name, n == data.count, self.data == data.name, self.norm == norm, self.eps == eps else {
      throw CoreError(
        .value,
        "the diagnosis is of \(self.model) on \(n) images of \(self.data), \(self.norm.rawValue) \(self.eps.asRadius), not of "
          + "\(model.name) on \(data.count) of \(data.name), \(norm.rawValue) \(eps.asRadius)",
        hint: "leave diagnosis out, or diagnose this model with these data first", argument: "diagnosis")
    }
  }

  /// Ends with an error where checks flag that must not.
  ///
  /// - Parameter names: checks, which must be judged and pass; "flag" stands for all that flag.
  /// - Throws: `value` where something is found, with the names.
  public func require(_ names: [String]) throws(CoreError) {
    let failed = findings.filter {
      switch $0.verdict {
      case .pass: false
      case .flag: names.contains("flag") || names.contains($0.check)
      case .unknown: names.contains($0.check)
      }
    }
    guard !failed.isEmpty else { return }
    throw CoreError(
      .value,
      "the diagnosis of \(model) fails: "
        + failed.map { finding in
          let reason = finding.verdict == .unknown ? "cannot be judged: " : ""
          return "\(finding.check) (\(reason)\(finding.measurement.note))"
        }.joined(separator: "; "),
      hint: failed[0].remedy, argument: "fail_on")
  }
}
