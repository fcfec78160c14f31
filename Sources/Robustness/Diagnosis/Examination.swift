import Base
import Datasets
import Networks
import Tensors

/// What the checks of a diagnosis share: the model, the examples that it classifies correctly, and the attacks that were
/// run on them.
///
/// All attacks are of examples that are right as they are, in one norm, and mostly at one radius; each is run once,
/// whichever checks ask for it, so that twenty checks cost little more than the attacks that they compare. Comparisons
/// are paired, example by example: what one attack breaks and another does not. Flags are in the order of `positions`.
public final class Examination {
  /// The model.
  public let model: Model
  /// The images.
  public let data: Dataset
  /// The settings.
  public let plan: DiagnosisPlan
  /// What the model answers to all images as they are, [n, classes].
  let logits: Tensor
  /// The positions of the examples that the model classifies correctly: those that are attacked.
  let positions: [Int]
  /// Is told how much of an attack is done, from 0 to 1.
  var report: ((Double) -> Void)?
  private var outcomes: [String: Outcome] = [:]
  private var lowestFlags: [Bool]
  private var sharedSlopes: NaturalSlopes?
  var sharedTrajectory: Trajectory?

  /// What became of each right example under an attack.
  struct Outcome {
    /// Whether it was broken.
    var broken: [Bool]
    /// Whether its first gradient was zero everywhere.
    var beganFlat: [Bool]
    /// The class that the model gives to the image that was kept.
    var predictions: [Int]

    /// How many were not broken.
    var left: Int { broken.count { !$0 } }
  }

  /// Slopes of the cross-entropy at the images as they are.
  struct NaturalSlopes {
    /// The largest value of each gradient.
    var largest: [Float]
    /// The loss of each example.
    var losses: [Float]
  }

  init(_ model: Model, _ data: Dataset, _ plan: DiagnosisPlan, logits: Tensor) throws {
    (self.model, self.data, self.plan, self.logits) = (model, data, plan, logits)
    let predictions = try logits.argmax(axis: 1).ints()
    positions = logits.hasNonFinite ? [] : data.labels.indices.filter { predictions[$0] == data.labels[$0] }
    lowestFlags = Array(repeating: false, count: positions.count)
  }

  /// How many examples there are.
  var n: Int { data.count }
  /// The radius.
  var eps: Double { plan.eps }
  /// The norm.
  var norm: Norm { plan.norm }
  /// The labels of the right examples.
  var labels: [Int] { positions.map { data.labels[$0] } }

  /// The whole of the image space: a radius that reaches every image from every other.
  var wholeRadius: Double {
    let size = Double(data.imageSize)
    return switch norm {
    case .linf: 1
    case .l2: size.squareRoot()
    case .l1: size
    }
  }

  // MARK: Attacks

  /// The length of a step that crosses the ball twice in all steps: eps/10 where there are 40.
  func stepSize(in radius: Double) -> Double { min(radius, 4 * radius / Double(plan.steps)) }

  /// The attack that all others are measured by: `steps` steps from the image itself, every iterate counts.
  func ascent(_ loss: AttackLoss = .crossEntropy) -> PGD {
    PGD(stepSize: stepSize(in: eps), steps: plan.steps, start: .image, loss: loss, norm: norm, keep: .best)
  }

  /// What `ascent` of the cross-entropy has broken: what an ordinary evaluation finds.
  func usual() throws -> Outcome { try outcome(ascent()) }

  /// What gradients that do not depend on the size of logits find, from the image and from four more starts.
  func rescued() throws -> Outcome { try outcome(MIFPE(steps: plan.steps, restarts: 5, norm: norm)) }

  /// Runs an attack on the right examples, once.
  ///
  /// - Parameters:
  ///   - eps: the radius; nil stands for that of the diagnosis.
  ///   - view: the model at another temperature; its classes are those of the model.
  ///   - examples: whether each example is attacked; the others count as not broken. Nil attacks all.
  func outcome(
    _ attack: any Attack, eps: Double? = nil, on view: Model? = nil, among examples: [Bool]? = nil
  ) throws -> Outcome {
    let eps = eps ?? plan.eps
    let key = "\(attack) \(eps) \(view?.temperature ?? 0) \(examples.map { "\($0)" } ?? "")"
    if let known = outcomes[key] { return known }
    let chosen = positions.indices.filter { examples?[$0] ?? true }
    var outcome = Outcome(
      broken: positions.map { _ in false }, beganFlat: positions.map { _ in false }, predictions: labels)
    for first in stride(from: 0, to: chosen.count, by: Model.piece) {
      try StopSignal.poll()
      let part = Array(chosen[first..<min(first + Model.piece, chosen.count)])
      let batch = try data.batch(part.map { positions[$0] })
      var input = AttackInput(
        images: batch.images, labels: batch.labels, ids: batch.ids, seed: plan.seed, eps: attack.eps == nil ? eps : nil)
      input.positions = part.map { positions[$0] }
      let count = Double(chosen.count)
      let done = { [report] (share: Double) in _ = report?((Double(first) + share * Double(part.count)) / count) }
      let found = try attack.attacked(view ?? model, input, keepsImages: false, progress: done).verdicts
      for (i, verdict) in zip(part, found) {
        outcome.broken[i] = verdict.brokenBy != nil
        outcome.beganFlat[i] = verdict.beganFlat
        outcome.predictions[i] = verdict.prediction
      }
    }
    outcomes[key] = outcome
    if eps <= plan.eps { count(outcome.broken) }
    return outcome
  }

  /// Counts examples that something within the radius has broken.
  func count(_ broken: [Bool]) { lowestFlags = zip(lowestFlags, broken).map { $0 || $1 } }

  /// How many right examples nothing within the radius has broken so far.
  var lowest: Int { lowestFlags.count { !$0 } }

  // MARK: Comparing

  /// What one attack breaks more than another, as a share of all examples, and twice its standard deviation if both were
  /// equally strong: the square root of how many examples only one of them breaks.
  func gain(of other: [Bool], over usual: [Bool]) -> (net: Double, deviation: Double) {
    let more = zip(other, usual).count { $0 && !$1 }
    let less = zip(other, usual).count { !$0 && $1 }
    let n = Double(max(n, 1))
    return (Double(more - less) / n, 2 * Double(more + less).squareRoot() / n)
  }

  /// Flags an attack that breaks more than another by `least` of all examples, and by more than chance.
  func judgedGain(
    of other: [Bool], over usual: [Bool], least: Double, note: String, rows: [Measurement.Row] = []
  ) -> Measurement {
    let (net, deviation) = gain(of: other, over: usual)
    return .judged(net, above: max(least, deviation), note: note, rows: rows)
  }

  /// "686 of 1000": how many examples an attack has left.
  func leaves(_ broken: [Bool]) -> String { "\(broken.count { !$0 }) of \(n)" }

  // MARK: Slopes

  /// Calls `body` with some of the right examples at a time.
  ///
  /// - Parameter limit: how many examples there are at most, the first ones.
  func forBatches(_ limit: Int = .max, _ body: (_ examples: Range<Int>, _ batch: Batch) throws -> Void) throws {
    let count = min(limit, positions.count)
    for first in stride(from: 0, to: count, by: Model.piece) {
      try StopSignal.poll()
      let part = first..<min(first + Model.piece, count)
      try body(part, data.batch(part.map { positions[$0] }))
      report?(Double(part.upperBound) / Double(count))
    }
  }

  /// The gradient of the cross-entropy at images [k, c, h, w], as an attack would have it.
  func slope(at images: Tensor, _ labels: [Int]) throws -> (loss: Tensor, gradient: Tensor, logits: Tensor) {
    try model.slope(at: images) { (logits, rows) throws(CoreError) in
      try Tensors.crossEntropy(logits, labels: Array(labels[rows]), reduction: .none)
    }
  }

  /// The slopes at the right images as they are.
  func naturalSlopes() throws -> NaturalSlopes {
    if let sharedSlopes { return sharedSlopes }
    var found = NaturalSlopes(largest: [], losses: [])
    try forBatches { _, batch in
      let slope = try slope(at: batch.images, batch.labels)
      found.largest += try Norm.linf.length(slope.gradient).floats()
      found.losses += slope.loss.floats()
    }
    sharedSlopes = found
    return found
  }
}
