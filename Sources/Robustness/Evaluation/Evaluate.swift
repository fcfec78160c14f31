import Base
import Datasets
import Networks
import Tensors

/// Accuracy on natural images, under each attack, and under the worst of them for each example.
///
/// The model is in evaluation mode. Each attack starts from the natural images, of which only those classified
/// correctly are attacked: the others count as broken. An attack of several stages hands each of them the examples that
/// those before left standing, put together into full batches, and has an outcome after each. An example is robust if no attack breaks it, so the worst case
/// of several attacks is counted example by example and never exceeds the least of their accuracies. Logits that are
/// not finite have no largest one, so they are an error and neither right nor wrong. Random starts are keyed by the
/// seed and the id of an example: no result depends on batches, threads or the other examples.
///
/// - Parameters:
///   - attacks: each is run by itself; none measures the natural accuracy alone.
///   - eps: radius for attacks that have none of their own, in units of the [0, 1] image; nil stands for the usual one
///     of each attack's norm (`Norm.usualRadius`).
///   - batch: examples at a time; no result depends on it.
///   - seed: key of random starts; nil stands for 0.
///   - ledger: where the verdict on each attacked example is recorded, batch by batch; what it holds of the same
///     evaluation is not done again.
/// - Throws: `.value` for settings out of range, and for a radius or a seed that no attack would use; `.numeric` when
///   logits or gradients are not finite; `.interrupted` when the user stops it.
public func evaluate(
  _ model: Model, on data: Dataset, attacks: [any Attack] = [], eps: Double? = nil, batch: Int = 250,
  seed: UInt64? = nil, ledger: (any RunLedger)? = nil, progress: (any Progress)? = nil
) throws -> Evaluation {
  try requireBatch(batch, hint: "batch=250")
  for attack in attacks { try attack.validate() }
  try requireFitting(data, model)
  try requireUse(of: eps, seed, by: attacks, classes: model.classes)
  let batch = min(batch, data.count)

  let start = monotonicSeconds()
  let stages = attacks.map { $0.stages(classes: model.classes) }
  let watch = EvaluationProgress(progress, total: data.count * (stages.joined().count + 1))
  defer { progress?.finish() }
  var natural: [Bool] = []
  var unknown = NonFinite()
  var remarks: [String] = []
  for positions in data.batches(of: batch) {
    try StopSignal.poll()
    let part = try data.batch(positions)
    let logits = try model(part.images)
    if natural.isEmpty, !attacks.isEmpty, !logits.hasNonFinite {
      remarks = try warnings(
        of: model, part.images, logits: logits,
        isRandomExpected: attacks.allSatisfy { ($0 as? AutoAttack)?.version == .rand })
    }
    unknown.add(logits, at: positions)
    natural += try isRight(logits, part.labels)
    watch.add(positions.count, "evaluate", "natural", Accuracy(natural))
  }
  try unknown.require(of: model, "logits")
  // What is compared with a record is the same for all stages, and takes a look at every weight and pixel.
  let identities = try ledger.map { _ in
    (model: model.settingIdentity, data: "\(data.name)#\(try data.fingerprint)")
  }
  var outcomes: [AttackOutcome] = []
  for (attack, stages) in zip(attacks, stages) {
    // Each attack begins with the natural images; its stages hand on what they leave standing.
    var robust = natural
    var own: [AttackOutcome] = []
    for (number, stage) in stages.enumerated() {
      let began = monotonicSeconds()
      let eps = stage.eps ?? attack.eps ?? eps ?? stage.norm.usualRadius
      let seed = attack.seed ?? seed ?? 0
      // A stage of its own kind is the attack as it is run on this model, such as with fewer target classes.
      let name =
        stages.count > 1
        ? "\(type(of: attack).name): \(stage)"
        : type(of: stage) == type(of: attack) ? stage.description : attack.description
      let random = attack.randomNumbers(seed: seed)
      let standing = robust.indices.filter { robust[$0] }
      var distances: [Double?]? = stage.isMinimal ? robust.map { $0 ? nil : 0 } : nil
      var withoutGradient = 0
      watch.add(robust.count - standing.count, "evaluate \(name)", "robust", Accuracy(robust))
      func take(_ verdicts: [Verdict], of positions: some Sequence<Int>) {
        for (position, verdict) in zip(positions, verdicts) {
          robust[position] = verdict.brokenBy == nil
          distances?[position] = verdict.distance
          if verdict.beganFlat { withoutGradient += 1 }
        }
        watch.add(verdicts.count, "evaluate \(name)", "robust", Accuracy(robust))
      }
      var run: Record?
      if let ledger, let identities {
        let order = [stages.count > 1 ? "stage \(number + 1)" : "", random.sharesDraws ? "batch \(batch)" : ""]
        let record = LedgerRun(
          model: identities.model, data: identities.data,
          attack: ([try attack.json.text] + order).filter { !$0.isEmpty }.joined(separator: " "), norm: stage.norm,
          eps: eps, seed: seed)
        run = Record(ledger, try ledger.begin(record))
      }
      let known = try run?.known(standing.map { data.ids[$0] }) ?? []
      take(known, of: standing)
      for first in stride(from: known.count, to: standing.count, by: batch) {
        let positions = Array(standing[first..<min(first + batch, standing.count)])
        let part = try data.batch(positions)
        var input = AttackInput(
          images: part.images, labels: part.labels, ids: part.ids, seed: seed, eps: stage.eps == nil ? eps : nil)
        input.positions = positions
        input.random = attack.randomNumbers(seed: seed)
        let accuracy = Accuracy(robust)
        let verdicts = try stage.verdicts(on: model, input) { share in
          watch.show(positions.count, share, "evaluate \(name)", "robust", accuracy)
        }
        try run?.add(verdicts)
        take(verdicts, of: positions)
      }
      own.append(
        AttackOutcome(
          attack: name, norm: stage.norm, eps: eps, robust: robust, distances: distances,
          withoutGradient: withoutGradient, seconds: monotonicSeconds() - began))
    }
    if let attack = attack as? AutoAttack { remarks += warnings(classes: model.classes, of: attack) }
    remarks += warnings(of: own, stages)
    outcomes += own
  }
  outcomes.nameApart()
  return Evaluation(
    model: model.name, data: data.name, classNames: data.classNames, labels: data.labels, natural: natural,
    attacks: outcomes, warnings: remarks, seconds: monotonicSeconds() - start)
}

/// The run of a ledger that an evaluation adds to.
private struct Record {
  private let ledger: any RunLedger
  private let run: Int

  init(_ ledger: any RunLedger, _ run: Int) { (self.ledger, self.run) = (ledger, run) }

  /// What is on record of the examples with these ids, which are attacked in this order.
  ///
  /// - Throws: `value` where the record is of other examples, or of more.
  func known(_ ids: [Int]) throws -> [Verdict] {
    let known = try ledger.verdicts(of: run)
    guard known.count <= ids.count, zip(known, ids).allSatisfy({ $0.id == $1 }) else {
      throw CoreError(
        .value, "the record of this evaluation holds verdicts on other images than it would attack",
        hint: "give the path of a new file", argument: "resume")
    }
    return known
  }

  func add(_ verdicts: [Verdict]) throws { try ledger.record(verdicts, of: run) }
}

/// How far an evaluation is: shown after each batch, and within one wherever the attack says so.
private final class EvaluationProgress {
  private let progress: (any Progress)?
  private let total: Int
  private let start = monotonicSeconds()
  private var done = 0

  init(_ progress: (any Progress)?, total: Int) { (self.progress, self.total) = (progress, total) }

  /// Counts examples that are done.
  func add(_ count: Int, _ title: String, _ what: String, _ accuracy: Accuracy) {
    done += count
    show(0, 0, title, what, accuracy)
  }

  /// Shows what is done, with a share of the examples that are being worked on.
  func show(_ count: Int, _ share: Double, _ title: String, _ what: String, _ accuracy: Accuracy) {
    guard let progress else { return }
    let done = Double(done) + Double(count) * min(max(share, 0), 1)
    let elapsed = monotonicSeconds() - start
    progress.update(
      title: title, done: Int(done), total: total, fields: [(what, accuracy.value)],
      secondsLeft: done > 0 ? elapsed / done * (Double(total) - done) : nil)
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
///   - requiringFinite: whether NaN and infinite logits are an error, as they are for all that makes classes or means
///     of them.
/// - Throws: `numeric` for logits that are not finite, where they must be; `shape` for images that the model does not
///   read.
package func logits(
  of model: Model, on data: Dataset, batch: Int = 250, parameters: [Tensor]? = nil, requiringFinite: Bool
) throws(CoreError) -> Tensor {
  try requireBatch(batch, hint: "batch=250")
  var parts: [Tensor] = []
  for positions in data.batches(of: batch) {
    try StopSignal.poll()
    parts.append(try model.forward(data.batch(positions).images, mode: .eval, parameters: parameters))
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

/// A radius or a seed that no attack uses is a mistake.
private func requireUse(of eps: Double?, _ seed: UInt64?, by attacks: [any Attack], classes: Int) throws(CoreError) {
  for attack in attacks {
    if let seed, let own = attack.seed, own != seed {
      throw CoreError(
        .value,
        "\(attack) has a seed of its own: seed=\(Int64(bitPattern: seed)) would not be used",
        hint: "leave seed out, here or there", argument: "seed")
    }
  }
  if let eps {
    for attack in attacks { try attack.norm.require(radius: attack.eps ?? eps) }
    let radii = attacks.flatMap { attack in attack.stages(classes: classes).map { $0.eps ?? attack.eps } }
    guard radii.contains(where: { ($0 ?? eps) == eps }) else {
      throw CoreError(
        .value,
        attacks.isEmpty
          ? "no attack would use eps=\(eps.asRadius)"
          : "every attack has a radius of its own: eps=\(eps.asRadius) would not be used",
        hint: attacks.isEmpty ? "give attacks=[pgd()], or leave eps out" : "leave eps out, or write pgd() without one",
        argument: "eps")
    }
  }
  if let seed, !attacks.contains(where: \.isRandom) {
    throw CoreError(
      .value, "nothing is drawn at random here: seed=\(Int64(bitPattern: seed)) would not be used",
      hint: "leave seed out; pgd() has random starts, fgsm() has none", argument: "seed")
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
