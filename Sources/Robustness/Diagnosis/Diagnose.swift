import Base
import Datasets
import Networks
import Tensors

/// The settings of a diagnosis.
public struct DiagnosisPlan {
  /// The radius, in units of the [0, 1] image.
  public var eps: Double
  /// The norm of the ball.
  public var norm: Norm
  /// Steps of the attack that the others are compared with.
  public var steps: Int
  /// Squares that the search without gradients tries for each image.
  public var queries: Int
  /// Key of all that is drawn.
  public var seed: UInt64
  /// The checks that are made, by name; empty stands for all.
  public var checks: [String]

  /// Another network, for `transfer`; nil lets a small one learn the answers of the model.
  public var surrogate: Model?

  /// The usual settings.
  public init(
    eps: Double, norm: Norm = .linf, steps: Int = 40, queries: Int = 500, seed: UInt64 = 0, checks: [String] = [],
    surrogate: Model? = nil
  ) {
    (self.eps, self.norm, self.steps, self.queries, self.seed) = (eps, norm, steps, queries, seed)
    (self.checks, self.surrogate) = (checks, surrogate)
  }

  /// Checks names that a diagnosis must pass, before it begins.
  ///
  /// - Throws: `value` for a name that is neither a check that is made nor "flag".
  public func require(_ names: [String]) throws(CoreError) {
    let known = try chosen().map { $0.name }
    if let wrong = names.first(where: { $0 != "flag" && !known.contains($0) }) {
      throw CoreError(
        .value, "there is no check \"\(wrong)\" in this diagnosis",
        hint: "fail_on=\"flag\", or names of checks: " + known.joined(separator: ", "), argument: "fail_on")
    }
  }

  /// The checks themselves.
  ///
  /// - Throws: `value` for settings out of range and for names that no check has.
  func chosen() throws(CoreError) -> [any MaskingCheck.Type] {
    try norm.require(radius: eps)
    guard eps > 0 else {
      throw CoreError(
        .value, "eps of diagnose must be above 0: without a ball there is no robustness to doubt", hint: "eps=8/255",
        argument: "eps")
    }
    for (name, value) in [("steps", steps), ("queries", queries)] {
      guard (1...1_000_000).contains(value) else {
        throw CoreError(
          .value, "\(name) of diagnose must be from 1 to 1000000, not \(value)",
          hint: name == "steps" ? "steps=40 is usual" : "queries=500 is usual", argument: name)
      }
    }
    guard !checks.isEmpty else { return MaskingChecks.all }
    if let wrong = checks.first(where: { MaskingChecks.named($0) == nil }) {
      throw CoreError(
        .value, "there is no check \"\(wrong)\"",
        hint: "checks: " + MaskingChecks.all.map { $0.name }.joined(separator: ", "),
        argument: "checks")
    }
    return MaskingChecks.all.filter { checks.contains($0.name) }
  }
}

/// Looks for signs of masked gradients: whether the robust accuracy that attacks by gradients leave is one of the model,
/// or of the attacks.
///
/// Only examples that are classified correctly are attacked. A check that cannot be judged says why; Ctrl-C ends the
/// diagnosis with what is known by then, and says so.
///
/// - Throws: `value` and `shape` for settings out of range and data that do not fit the model.
public func diagnose(
  _ model: Model, on data: Dataset, _ plan: DiagnosisPlan, progress: (any Progress)? = nil
) throws -> Diagnosis {
  let checks = try plan.chosen()
  try requireFitting(data, model)
  let start = monotonicSeconds()
  defer { progress?.finish() }
  let answers = try logits(of: model, on: data, requiringFinite: false)
  let examination = try Examination(model, data, plan, logits: answers)
  let obstacle = try examination.obstacle()
  var diagnosis = Diagnosis(
    model: model.name, data: data.name, n: data.count, natural: examination.positions.count, norm: plan.norm,
    eps: plan.eps, steps: plan.steps, lowest: examination.positions.count)
  for (done, check) in checks.enumerated() {
    let flags = diagnosis.flags.count
    let show: (Double) -> Void = { share in
      guard let progress else { return }
      progress.update(
        title: "diagnose \(check.name)", done: Int(100 * (Double(done) + min(max(share, 0), 1))),
        total: 100 * checks.count, fields: [("flags", Double(flags))], secondsLeft: nil)
    }
    show(0)
    examination.report = show
    var measurement: Measurement
    if diagnosis.isInterrupted {
      measurement = .unknown("it was stopped before")
    } else if let obstacle, !check.judgesAnyModel {
      measurement = .unknown(obstacle)
    } else {
      do {
        measurement = try check.measure(examination)
      } catch let error as CoreError where error.kind == .numeric {
        measurement = .unknown(error.message)
      } catch let error as CoreError where error.kind == .interrupted {
        diagnosis.isInterrupted = true
        measurement = .unknown("it was stopped before its end")
      }
    }
    diagnosis.findings.append(Finding(check, measurement))
  }
  examination.report = nil
  if obstacle == nil, !diagnosis.isInterrupted, checks.contains(where: { !$0.judgesAnyModel }) {
    diagnosis.usual = try? examination.usual().left
  }
  diagnosis.lowest = examination.lowest
  diagnosis.seconds = monotonicSeconds() - start
  return diagnosis
}

extension Examination {
  /// Why attacks on the model say nothing; nil where they do.
  func obstacle() throws -> String? {
    if logits.hasNonFinite { return "logits are not finite" }
    if model.isRandom { return "the model answers at random: see evaluate(…, attacks=eot(mifpe()))" }
    if positions.isEmpty { return "the model classifies no image correctly" }
    // Images as different from the data as can be, beside the data themselves.
    let some = try data.batch(Array(0..<min(n, 64))).images
    let shape = Array(some.shape.dropFirst())
    let drawn = try Tensor.uniform(
      shape, from: 0, to: 1, streams: (0..<64).map { RandomStream(seed: plan.seed, purpose: "diagnosis").child($0) })
    let others = try concat([some * -1 + 1, drawn, Tensor.zeros([1] + shape), Tensor.ones([1] + shape)], axis: 0)
    let answers = try concat([logits, model(others)], axis: 0)
    let rows = answers.floats()
    if rows.indices.allSatisfy({ rows[$0] == rows[$0 % model.classes] }) {
      return "the model answers the same to every image"
    }
    let classes = Set(try answers.argmax(axis: 1).ints())
    if classes.count == 1, let only = classes.first {
      return "the model gives the class \(only) to every image, random ones too"
    }
    return nil
  }
}
