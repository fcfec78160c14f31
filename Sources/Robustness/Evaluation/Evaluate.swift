import Base
import Datasets
import Networks
import Tensors

/// Accuracy on natural images, under each attack, and under the worst of them for each example.
///
/// The model is in evaluation mode. Each attack starts from the natural images, of which only those classified
/// correctly are attacked: the others count as broken. An attack of several stages hands each of them the examples that
/// those before left standing, put together into full batches, and has an outcome after each. An example is robust if no
/// attack breaks it, so the worst case of several attacks is counted example by example and never exceeds the least of
/// their accuracies. Logits that are not finite have no largest one, so they are an error and neither right nor wrong.
/// Random starts are keyed by the seed and the id of an example: no result depends on batches, threads or the other
/// examples.
///
/// A model that answers at random is judged by several answers that no attack has seen (`RandomAnswers`).
///
/// What an attack says to have broken is shown to the model once more; where it answers otherwise, the verdict is
/// disputed and a warning says how many are.
///
/// - Parameter ledger: where the verdicts are recorded, batch by batch; what it holds of the same evaluation is not done
///   again. Where it can no longer be written to, the evaluation continues and a warning says so.
/// - Throws: `.value` for settings out of range, and for a radius or a seed that no attack would use; `.numeric` when
///   logits or gradients are not finite; `.interrupted` when the user stops it, unless the plan says otherwise; `.limit` when `plan.seconds` have passed
///   before the natural accuracy is known.
public func evaluate(
  _ model: Model, on data: Dataset, _ plan: EvaluationPlan, ledger: (any RunLedger)? = nil,
  progress: (any Progress)? = nil
) throws -> Evaluation {
  try plan.validate(for: model)
  try requireFitting(data, model)
  let start = monotonicSeconds()
  let end = plan.seconds.map { start + $0 } ?? .infinity
  let rounds = plan.rounds(classes: model.classes)
  let description = try plan.description(of: model, on: data, rounds, isRecorded: ledger != nil)
  let recorder = try Recorder(ledger?.begin(description), rounds: rounds.count)
  let watch = EvaluationProgress(progress, total: data.count * (rounds.count + 1))
  defer { progress?.finish() }

  let (natural, remarks) = try naturalVerdicts(model, data, plan, recorder, watch, until: end)
  var evaluation = Evaluation(
    run: description, labels: data.labels, ids: data.ids, naturalVerdicts: natural, warnings: remarks)
  for (number, round) in rounds.enumerated() {
    let outcome = try attack(
      round, number, model, data, plan, evaluation.next(round.description), recorder, watch, until: end)
    evaluation.attacks.append(outcome)
  }
  evaluation.isComplete = evaluation.attacks.allSatisfy { $0.unsettled == 0 }
  evaluation.number = recorder.record?.number
  evaluation.warn(plan.attacks, rounds.map(\.attack), classes: model.classes)
  let warnings = evaluation.warnings
  evaluation.warnings += try StopSignal.ignoring {
    try recorder.end(isComplete: evaluation.isComplete, warnings: warnings)
  }
  evaluation.seconds = recorder.record == nil ? monotonicSeconds() - start : recorder.seconds
  return evaluation
}

/// Evaluates with these settings; see `EvaluationPlan` for what they mean.
public func evaluate(
  _ model: Model, on data: Dataset, attacks: [any Attack] = [], eps: Double? = nil, batch: Int = 250,
  seed: UInt64? = nil, forwards: Int? = nil, ledger: (any RunLedger)? = nil, progress: (any Progress)? = nil
) throws -> Evaluation {
  var plan = EvaluationPlan(attacks)
  plan.radii = eps.map { [$0] } ?? []
  plan.batch = batch
  plan.seed = seed
  plan.forwards = forwards
  return try evaluate(model, on: data, plan, ledger: ledger, progress: progress)
}

/// What the model makes of all images as they are, and what that gives away.
private func naturalVerdicts(
  _ model: Model, _ data: Dataset, _ plan: EvaluationPlan, _ recorder: Recorder, _ watch: EvaluationProgress,
  until end: Double
) throws -> ([NaturalVerdict], [String]) {
  var verdicts = recorder.natural
  func accuracy() -> Accuracy { Accuracy(zip(verdicts, data.labels).map { $0.prediction == $1 }) }
  watch.add(verdicts.count, "evaluate", "natural", accuracy())
  var unknown = NonFinite()
  var remarks: [String]?
  func remark(_ images: Tensor, _ logits: Tensor) throws {
    guard remarks == nil, !plan.attacks.isEmpty, !logits.hasNonFinite else { return }
    remarks = try warnings(
      of: model, images, logits: logits,
      isRandomExpected: plan.expectsRandom, seed: plan.seed ?? 0)
  }
  let batch = min(plan.batch, data.count)
  let (answers, draw) = (plan.answers(of: model), NoiseDraws(0, seed: plan.seed ?? 0))
  if !verdicts.isEmpty {
    let images = try data.batch(Array(0..<batch)).images
    try remark(images, model(images, draw))
  }
  for first in stride(from: verdicts.count, to: data.count, by: batch) {
    let positions = Array(first..<min(first + batch, data.count))
    let began = monotonicSeconds()
    let found: [NaturalVerdict]? = try StopSignal.run(until: end) {
      try StopSignal.poll()
      let part = try data.batch(positions)
      let logits = try model(part.images, draw)
      try remark(part.images, logits)
      unknown.add(logits, at: positions)
      let margins =
        model.classes > 1 && !logits.hasNonFinite
        ? try margin(logits, labels: part.labels).floats() : positions.map { _ in .infinity }
      let right = try logits.hasNonFinite ? nil : answers?.ask(model, part.images, part.labels, at: positions).right
      return zip(try logits.argmax(axis: 1).ints(), margins).enumerated().map { i, found in
        NaturalVerdict(prediction: found.0, margin: Double(found.1), right: right?[i])
      }
    }
    guard let found else {
      throw CoreError(
        .limit, "max_time has passed after \(verdicts.count) of \(data.count) images as they are",
        hint: "give it more seconds; with save=, the same call continues", argument: "max_time")
    }
    // Classes that are made of NaN are no evidence; the error is that of all images.
    if unknown.isEmpty {
      try recorder.add(seconds: monotonicSeconds() - began) { record, seconds in
        try record.record(
          natural: found, from: first, labels: positions.map { data.labels[$0] },
          ids: positions.map { data.ids[$0] }, seconds: seconds)
      }
    }
    verdicts += found
    watch.add(positions.count, "evaluate", "natural", accuracy())
  }
  try unknown.require(of: model, "logits")
  return (verdicts, remarks ?? [])
}

/// Runs one attack at one radius on the examples that stand, but for those whose verdicts are on record.
private func attack(
  _ round: EvaluationRound, _ number: Int, _ model: Model, _ data: Dataset, _ plan: EvaluationPlan,
  _ next: AttackOutcome, _ recorder: Recorder, _ watch: EvaluationProgress, until end: Double
) throws -> AttackOutcome {
  let flags = next.standing
  let standing = flags.indices.filter { flags[$0] }
  let title = "evaluate \(round.description.attack)"
  var outcome = next
  func take(_ verdicts: [Verdict], at positions: [Int]) {
    for (position, verdict) in zip(positions, verdicts) { outcome.verdicts[position] = verdict }
    watch.add(verdicts.count, title, "robust", outcome.accuracy)
  }
  watch.add(flags.count - standing.count, title, "robust", outcome.accuracy)
  let known = try recorder.known(number, standing, ids: data.ids)
  take(known.map(\.verdict), at: known.map(\.position))
  outcome.seconds = recorder.seconds(of: number)
  for first in stride(from: known.count, to: standing.count, by: plan.batch) {
    let positions = Array(standing[first..<min(first + plan.batch, standing.count)])
    let began = monotonicSeconds()
    let found: AttackedBatch? = try plan.untilStopped(end) {
      let part = try data.batch(positions)
      var input = AttackInput(
        images: part.images, labels: part.labels, ids: part.ids, seed: round.description.seed ?? 0,
        eps: round.attack.eps == nil ? round.description.eps : nil)
      input.positions = positions
      if let answers = plan.answers(of: model) { input.answers = answers }
      input.random = round.origin.randomNumbers(seed: round.description.seed ?? 0)
      let accuracy = outcome.accuracy
      return try round.attack.attacked(model, input, keepsImages: plan.keepsImages) { share in
        watch.show(positions.count, share, title, "robust", accuracy)
      }
    }
    guard let found else { break }
    let seconds = monotonicSeconds() - began
    outcome.seconds += seconds
    let images = found.images.map { (positions: $0.examples.map { positions[$0] }, images: $0.images) }
    try recorder.add(seconds: seconds) { record, seconds in
      try record.record(found.verdicts, at: positions, images: images, of: number, seconds: seconds)
    }
    take(found.verdicts, at: positions)
  }
  return outcome
}

extension EvaluationPlan {
  /// Runs `body` until a time is passed or the user stops it.
  ///
  /// - Returns: what `body` returns; nil where it was ended and what is settled so far is the result.
  fileprivate func untilStopped<Result>(_ end: Double, _ body: () throws -> Result) throws -> Result? {
    do { return try StopSignal.run(until: end, body) } catch {
      guard returnsWhenInterrupted, StopSignal.reasonOfThread == .interrupted else { throw error }
      return nil
    }
  }
}

/// Hands the evidence on to a record, if there is one.
///
/// What the record holds is read before anything is computed, so that a ledger that cannot be read later costs nothing.
/// What cannot be written, such as on a full disk, is kept and tried again after the next batch: what is computed is
/// never lost for the sake of its record.
private final class Recorder {
  let record: (any RunRecord)?
  /// What is on record of the examples as they are.
  let natural: [NaturalVerdict]
  /// How long all of it has taken, over all sessions.
  private(set) var seconds: Double
  private let rounds: [(verdicts: [(position: Int, verdict: Verdict)], seconds: Double)]
  private var waiting: [(any RunRecord) throws -> Void] = []
  private var failure: CoreError?

  init(_ record: (any RunRecord)?, rounds: Int) throws {
    self.record = record
    natural = try record?.natural() ?? []
    seconds = try record?.seconds() ?? 0
    self.rounds = try (0..<rounds).map { round in
      (try record?.verdicts(of: round) ?? [], try record?.seconds(of: round) ?? 0)
    }
  }

  /// How long a round has taken in earlier sessions.
  func seconds(of round: Int) -> Double { rounds[round].seconds }

  /// Records what has taken so many seconds.
  func add(seconds: Double, _ write: @escaping (any RunRecord, Double) throws -> Void) throws {
    self.seconds += seconds
    try add { try write($0, seconds) }
  }

  private func add(_ write: @escaping (any RunRecord) throws -> Void) throws {
    guard let record else { return }
    waiting.append(write)
    do {
      while let write = waiting.first {
        try write(record)
        waiting.removeFirst()
      }
      failure = nil
    } catch let error as CoreError where error.kind == .io { failure = error }
  }

  /// What is on record of a round that attacks these examples in this order.
  ///
  /// - Throws: `value` where the record is of other examples, or of more.
  func known(_ round: Int, _ standing: [Int], ids: [Int]) throws -> [(position: Int, verdict: Verdict)] {
    guard let record else { return [] }
    let known = rounds[round].verdicts
    guard known.count <= standing.count,
      zip(known, standing).allSatisfy({ $0.position == $1 && $0.verdict.id == ids[$1] })
    else {
      throw CoreError(
        .value, "run \(record.number) holds verdicts on other images than this evaluation would attack",
        hint: "the record was changed by hand or is damaged: give the path of a new file", argument: "save")
    }
    return known
  }

  /// Writes what is left.
  ///
  /// - Returns: a warning where that is not possible.
  func end(isComplete: Bool, warnings: [String]) throws -> [String] {
    guard record != nil else { return [] }
    try add { try $0.end(isComplete: isComplete, warnings: warnings) }
    return failure.map { ["not everything is on record: \($0.message)" + ($0.hint.map { " (\($0))" } ?? "")] } ?? []
  }
}

/// Whether the largest logit of each image is that of its label.
///
/// - Parameter positions: what an error calls the images; nil numbers them from 0.
/// - Throws: `.numeric` where logits are not finite: such an image has no class.
package func correct(
  _ logits: Tensor, _ labels: [Int], of model: Model, at positions: [Int]? = nil
) throws(CoreError) -> [Bool] {
  try requireFinite(logits, of: model, at: positions)
  return try isRight(logits, labels)
}

private func isRight(_ logits: Tensor, _ labels: [Int]) throws(CoreError) -> [Bool] {
  zip(try logits.argmax(axis: 1).ints(), labels).map { $0 == $1 }
}

/// Logits of all images of a data set, [n, classes], in batches, so that a large data set needs little memory.
///
/// - Parameters:
///   - parameters: weights to run with instead of the model's own, such as tracked ones.
///   - batch: images at a time; no result depends on it.
///   - draws: which answer of a model that answers at random.
///   - requiringFinite: whether NaN and infinite logits are an error, as they are for all that makes classes or means
///     of them.
/// - Throws: `numeric` for logits that are not finite, where they must be; `shape` for images that the model does not
///   read.
package func logits(
  of model: Model, on data: Dataset, batch: Int = 250, parameters: [Tensor]? = nil,
  draws: NoiseDraws = NoiseDraws(), requiringFinite: Bool
) throws(CoreError) -> Tensor {
  try requireBatch(batch, hint: "batch=250")
  var parts: [Tensor] = []
  for positions in data.batches(of: batch) {
    try StopSignal.poll()
    parts.append(try model.forward(data.batch(positions).images, mode: .eval, parameters: parameters, draws: draws))
  }
  guard !parts.isEmpty else { return try Tensor.zeros([0, model.classes]) }
  let all = try concat(parts, axis: 0)
  if requiringFinite { try requireFinite(all, of: model) }
  return all
}

/// Checks a number of examples that are worked on at a time.
///
/// - Throws: `value` unless it is at least 1.
func requireBatch(_ size: Int, hint: String) throws(CoreError) {
  guard size >= 1 else {
    throw CoreError(.value, "batch must be at least 1, not \(size)", hint: hint, argument: "batch")
  }
}

/// Checks that a model can be trained or evaluated on a data set.
///
/// - Parameter argument: the parameter that errors name.
/// - Throws: `value` for a data set without examples or with a label that is no class of the model, `shape` for images
///   that the model does not read.
package func requireFitting(_ data: Dataset, _ model: Model, argument: String = "data") throws(CoreError) {
  guard data.count > 0 else {
    throw CoreError(.value, "\(data.name) has no examples", argument: argument)
  }
  guard data.imageShape == model.architecture.input else {
    throw CoreError(
      .shape,
      "\(data.name) has images \(data.imageShape), but the model \(model.name) reads \(model.architecture.input)",
      hint: "make the model for these images: channels=\(data.imageShape[0]), size=\(data.imageShape[1])",
      argument: argument)
  }
  try requireLabels(data, model, argument: argument)
}

/// Checks that every label of a data set is a class of a model.
///
/// - Throws: `value` for a label that is none.
package func requireLabels(_ data: Dataset, _ model: Model, argument: String = "data") throws(CoreError) {
  if let label = data.labels.first(where: { $0 < 0 || $0 >= model.classes }) {
    throw CoreError(
      .value, "\(data.name) has the label \(label), but the model \(model.name) knows \(model.classes) classes",
      hint: "make the model with classes=\(data.classCount)", argument: argument)
  }
}
