import Base
import Tensors

/// One run of Auto-PGD (Croce and Hein 2020, arXiv 2003.01690; in L1 as Croce and Hein 2021, arXiv 2103.01208): ascent
/// with momentum that halves its steps where they no longer pay, and then continues from the best point.
///
/// At checkpoints each example looks at its own losses: where they rose in too few of the steps since the last checkpoint,
/// or the best loss and the step size are what they were there, its step is halved and it returns to its best point. In L1
/// a step moves some of the values only, and checkpoints look at how many values the best point has changed: where they
/// have become fewer, fewer values move from there on, from the best point and with the whole step; elsewhere the step is
/// divided by 1.5. All of this is state of the example alone, kept on the device as [k] numbers, so that examples may
/// leave at any time. What is written here is what `APGDAttack.attack_single_run` of the official code computes, quirks
/// included:
///
/// - The first loss is compared with 0 when rises are counted, not with the loss at the start.
/// - The point before the last stays the origin of the momentum when an example returns to its best point.
/// - Of an example that was misclassified the last such point is returned, not the first. Where examples leave as soon as
///   they are misclassified, the first is the last.
/// - In L1 there is no momentum, and `rho` is not used.
/// - With several gradients at each point (`passes`), loss and prediction are those of the last, not their mean.
struct AutoPGD {
  var norm = Norm.linf
  var eps: Double
  /// How many steps are taken.
  var steps: Int
  /// The share of rising steps up to which a step size is halved.
  var rho = 0.75
  var loss: AttackLoss
  /// How many gradients are averaged at each point.
  var passes = 1
  /// What becomes of an example once it is misclassified.
  var whenFooled = WhenFooled.leaves

  enum WhenFooled {
    /// It leaves: its verdict is known.
    case leaves
    /// It climbs on, and the last misclassified point is kept.
    case climbs
    /// Nobody wants to know: the ball is larger than the one that counts.
    case isIgnored
  }

  /// What became of k examples, in their order.
  struct Outcome {
    /// The point with the largest loss, [k, c, h, w].
    var best: Tensor
    /// The largest loss, [k].
    var loss: Tensor
    /// The last misclassified point, [k, c, h, w]; where there was none, the start.
    var adversarial: Tensor
    /// Whether a point was misclassified.
    var isBroken: [Bool]

    /// What the official code returns: the misclassified point where there is one, else that with the largest loss.
    var found: Tensor {
      get throws(CoreError) {
        if !isBroken.contains(true) { return best }
        let mask = try Tensor(bools: isBroken, shape: [isBroken.count] + Array(repeating: 1, count: best.rank - 1))
        return try whereSelect(mask, adversarial, best)
      }
    }
  }

  /// After how many steps the step sizes are looked at: `[22, 41, 57, 70, 80, 87, 93, 99]` of 100, in L1 after every 4.
  static func checkpoints(steps: Int, norm: Norm = .linf) -> [Int] {
    if norm == .l1 { return Array(stride(from: share(0.04, of: steps), through: steps, by: share(0.04, of: steps))) }
    let (shorter, least) = (share(0.03, of: steps), share(0.06, of: steps))
    var length = share(0.22, of: steps)
    var found: [Int] = []
    while (found.last ?? 0) + length <= steps {
      found.append((found.last ?? 0) + length)
      length = max(length - shorter, least)
    }
    return found
  }

  /// A share of the steps in whole steps, at least one.
  private static func share(_ share: Double, of steps: Int) -> Int { max(Int(share * Double(steps)), 1) }

  /// Where a run begins, drawn at random: in Linf with a value at the border of the ball, in L2 on its border, in L1 at
  /// the point of ball and box that is nearest to a normal one.
  func start(_ batch: AttackBatch, of examples: [Int], draw: Int) throws -> Tensor {
    let images = try batch.rows(batch.images, of: examples)
    let noise =
      norm == .linf
      ? try batch.uniform(-1, 1, of: examples, draw: draw) : try batch.normal(deviation: 1, of: examples, draw: draw)
    if norm == .l1 { return try nearestInL1(images + noise, center: images, eps: Float(eps)) }
    return try (images + noise / (norm.length(noise) + 1e-12) * Float(eps)).clip(min: 0, max: 1)
  }

  /// Climbs from a start.
  ///
  /// - Parameters:
  ///   - start: [k, c, h, w], within the ball and the box.
  ///   - examples: to which the k points belong.
  ///   - targets: classes towards which the loss climbs; nil stands for those of the batch, if it has any.
  ///   - continues: whether the start is what another run has found, so that in L1 it says how many values move.
  ///   - report: is told how much is done, from 0 to 1.
  func climb(
    _ oracle: any Oracle, from start: Tensor, in batch: AttackBatch, of examples: [Int], targets: [Int]? = nil,
    continues: Bool = false, report: (Double) -> Void = { _ in }
  ) throws -> Outcome {
    var state = try Climb(self, start: start, batch, examples, targets: targets, continues: continues)
    try state.look(oracle, isFirst: true)
    let checkpoints = Self.checkpoints(steps: steps, norm: norm)
    var next = 0
    for step in 0..<steps where !state.examples.isEmpty {
      try state.step(isFirst: step == 0)
      try state.look(oracle, isFirst: false)
      if next < checkpoints.count, step + 1 == checkpoints[next] {
        let count = checkpoints[next] - (next > 0 ? checkpoints[next - 1] : 0)
        try norm == .l1 ? state.thinOut() : state.adapt(after: count)
        next += 1
      }
      report(Double(step + 1) / Double(steps))
    }
    return try state.outcome()
  }
}

/// The state of a run: of the examples that are still climbing, and what the others have left behind.
private struct Climb {
  let plan: AutoPGD
  let batch: AttackBatch
  /// The examples that climb, and the row of each among all.
  private(set) var examples: [Int]
  private var places: [Int]
  private var targets: [Int]?
  /// The classes that are right, or with targets given by the user those that are to be seen.
  private var classes: Tensor
  private let isTargeted: Bool
  /// How many values an image has.
  private let size: Float

  private var center: Tensor
  private var x: Tensor
  private var previous: Tensor
  private var gradient: Tensor
  private var best: Tensor
  private var bestGradient: Tensor
  private var adversarial: Tensor
  /// Of each example [k]: losses, step sizes, in how many steps since the last checkpoint the loss rose.
  private var bestLoss: Tensor
  private var lastLoss: Tensor
  private var stepSizes: Tensor
  private var rises: Tensor
  /// The best loss at the last checkpoint, and whether the step was halved there; it counts as halved at first.
  private var checkedLoss: Tensor
  private var wasHalved: Tensor
  /// In L1, how many values the best point had changed at the last checkpoint, and which share of the values moves.
  private var changed: Tensor
  private var density: Tensor
  private var isBroken: [Bool]
  /// What examples that have left look like, in pieces.
  private var left: [(places: [Int], best: Tensor, loss: Tensor, adversarial: Tensor)] = []

  init(_ plan: AutoPGD, start: Tensor, _ batch: AttackBatch, _ examples: [Int], targets: [Int]?, continues: Bool) throws
  {
    self.plan = plan
    self.batch = batch
    self.examples = examples
    places = Array(0..<examples.count)
    self.targets = targets
    isTargeted = batch.targets != nil
    classes = try Tensor(ints: examples.map { (batch.targets ?? batch.labels)[$0] }, shape: [examples.count])
    center = try batch.rows(batch.images, of: examples)
    x = start
    (previous, best, adversarial, gradient, bestGradient) = (x, x, x, x, x)
    let zeros = try Tensor.zeros([examples.count])
    (bestLoss, lastLoss, rises, checkedLoss) = (zeros, zeros, zeros, zeros)
    stepSizes = try Tensor.full([examples.count], Float(plan.norm == .l1 ? plan.eps : 2 * plan.eps))
    size = examples.isEmpty ? 0 : Float(x.count / examples.count)
    (changed, density) = (try Tensor.full([examples.count], size), try Tensor.full([examples.count], 0.2))
    wasHalved = try Tensor(bools: examples.map { _ in true }, shape: [examples.count])
    isBroken = examples.map { _ in false }
    if continues, plan.norm == .l1 {
      changed = try changes(x)
      density = try changed / size / 1.5
    }
  }

  /// How many values of each example differ from those of the image, [k].
  private func changes(_ x: Tensor) throws(CoreError) -> Tensor {
    try notEqual(x, center).asType(.float32).sum(axes: Array(1..<x.rank))
  }

  /// Takes a step; the first one has no momentum.
  mutating func step(isFirst: Bool) throws {
    guard plan.norm != .l1 else {
      let ranks = try ((1 - density) * size).clip(min: 0, max: size - 1)
      x = try sparseStep(
        x, gradient: gradient, center: center, steps: stepSizes, ranks: ranks, eps: Float(plan.eps))
      return
    }
    let next = try momentumStep(
      x, previous: previous, gradient: gradient, center: center, steps: stepSizes, share: isFirst ? 1 : 0.75,
      eps: Float(plan.eps), in: plan.norm == .linf ? .linf : .l2)
    (previous, x) = (x, next)
  }

  /// Asks for loss, gradient and prediction where the examples are now, and keeps what is better.
  mutating func look(_ oracle: any Oracle, isFirst: Bool) throws {
    var slope = try oracle.slope(of: plan.loss, at: x, of: examples, targets: targets)
    for _ in 1..<max(plan.passes, 1) {
      let again = try oracle.slope(of: plan.loss, at: x, of: examples, targets: targets)
      slope = Slope(loss: again.loss, gradient: try slope.gradient + again.gradient, logits: again.logits)
    }
    gradient = plan.passes > 1 ? try slope.gradient / Float(plan.passes) : slope.gradient
    if isFirst {
      (bestLoss, checkedLoss, bestGradient) = (slope.loss, slope.loss, gradient)
      try arrange()
    } else {
      let isBetter = try greater(slope.loss, bestLoss)
      try best.replaceRows(where: isBetter, with: x)
      try bestGradient.replaceRows(where: isBetter, with: gradient)
      bestLoss = try maximum(bestLoss, slope.loss)
      rises = try rises + greater(slope.loss, lastLoss).asType(.float32)
      lastLoss = slope.loss
    }
    if plan.whenFooled == .isIgnored { return }
    let predictions = try slope.logits.argmax(axis: 1)
    let isFooled = try isTargeted ? equal(predictions, classes) : notEqual(predictions, classes)
    if plan.whenFooled == .climbs { try adversarial.replaceRows(where: isFooled, with: x) }
    let fooled = isFooled.bools()
    guard fooled.contains(true) else { return }
    for (k, isFooled) in fooled.enumerated() where isFooled { isBroken[places[k]] = true }
    if plan.whenFooled == .leaves {
      try leave(fooled.indices.filter { fooled[$0] }, staying: fooled.indices.filter { !fooled[$0] })
    }
  }

  /// Has all images in the order in memory in which gradients come, so that no step has to change it.
  private mutating func arrange() throws {
    guard gradient.layout == .channelsLast else { return }
    for path in [\Climb.center, \.x, \.previous, \.best, \.adversarial] {
      self[keyPath: path] = try self[keyPath: path].forConvolutions()
    }
  }

  /// Halves the steps that no longer pay, and returns to the best point there.
  ///
  /// - Parameter count: how many steps were taken since the last checkpoint.
  mutating func adapt(after count: Int) throws {
    guard !examples.isEmpty else { return }
    let rarelyRose = try lessEqual(rises, Tensor.scalar(Float(Double(count) * plan.rho)))
    let isStuck = try logicalAnd(logicalNot(wasHalved), greaterEqual(checkedLoss, bestLoss))
    let halves = try logicalOr(rarelyRose, isStuck)
    stepSizes = try whereSelect(halves, stepSizes * 0.5, stepSizes)
    try x.replaceRows(where: halves, with: best)
    try gradient.replaceRows(where: halves, with: bestGradient)
    (wasHalved, checkedLoss) = (halves, bestLoss)
    rises = try Tensor.zeros([examples.count])
  }

  /// In L1: looks at how many values the best point has changed, and whether they have become fewer.
  mutating func thinOut() throws {
    guard !examples.isEmpty else { return }
    let count = try changes(best)
    let isThinner = try less(count / changed, Tensor.scalar(0.95))
    density = try count / size / 1.5
    stepSizes = try whereSelect(isThinner, Tensor.scalar(Float(plan.eps)), stepSizes / 1.5)
      .clip(min: Float(plan.eps / 10), max: Float(plan.eps))
    try x.replaceRows(where: isThinner, with: best)
    try gradient.replaceRows(where: isThinner, with: bestGradient)
    changed = count
  }

  /// Takes examples out.
  private mutating func leave(_ leaving: [Int], staying: [Int]) throws {
    left.append(
      (
        leaving.map { places[$0] }, try best.examples(leaving), try bestLoss.examples(leaving),
        try x.examples(leaving)
      ))
    func keep(_ tensor: inout Tensor) throws { tensor = try tensor.examples(staying) }
    for path in [\Climb.center, \.x, \.previous, \.gradient, \.best, \.bestGradient] { try keep(&self[keyPath: path]) }
    for path in [
      \Climb.bestLoss, \.lastLoss, \.stepSizes, \.rises, \.checkedLoss, \.wasHalved, \.classes, \.changed, \.density,
    ] { try keep(&self[keyPath: path]) }
    examples = staying.map { examples[$0] }
    places = staying.map { places[$0] }
    if let targets { self.targets = staying.map { targets[$0] } }
  }

  /// What became of all examples, in their order.
  func outcome() throws(CoreError) -> AutoPGD.Outcome {
    guard !left.isEmpty else {
      return AutoPGD.Outcome(best: best, loss: bestLoss, adversarial: adversarial, isBroken: isBroken)
    }
    let rows = left.flatMap(\.places) + places
    var order = Array(repeating: 0, count: rows.count)
    for (row, place) in rows.enumerated() { order[place] = row }
    func all(_ parts: [Tensor]) throws(CoreError) -> Tensor {
      try concat(parts, axis: 0).examples(order)
    }
    return AutoPGD.Outcome(
      best: try all(left.map(\.best) + [best]), loss: try all(left.map(\.loss) + [bestLoss]),
      adversarial: try all(left.map(\.adversarial) + [best]), isBroken: isBroken)
  }
}
