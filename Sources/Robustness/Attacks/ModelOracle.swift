import Base
import Networks
import Tensors

/// The oracle over a model for one batch of images.
///
/// In an evaluation the model runs in evaluation mode, the loss is cross-entropy unless the attack names another, and
/// the first image that breaks an example settles it. In training the method decides the mode, the weights and the
/// objective; nothing is ever broken, and of each example the image with the largest objective is kept.
///
/// What is submitted is not looked at before somebody asks: an attack that submits once costs no forward of its own,
/// and an evaluation judges the image that it counts with the one forward that it needs anyway. Every submitted image
/// is checked to lie within its ball and in [0, 1]. What is kept of an example never depends on the others in its
/// batch.
///
/// A model that answers at random is asked by the draws 1, 2, … of each example, one for each query, so that every answer
/// is a new one and none depends on the batch. One wrong answer of such a model settles nothing: a submitted image is
/// judged by `RandomAnswers.forwards` answers, that which fools more of them is kept (of equally many the one with the
/// larger mean loss), and an example is settled where all of them were wrong. An attack that looks for the nearest image
/// has found one where most of them are.
public final class ModelOracle: Oracle {
  /// What an oracle climbs and compares by, where the attack names no loss: logits of examples to one value each [k].
  public typealias Objective = (_ logits: Tensor, _ examples: [Int]) throws -> Tensor
  /// An objective that looks at the images [k, c, h, w], too.
  typealias ImageObjective = (_ images: Tensor, _ logits: Tensor, _ examples: [Int]) throws -> Tensor

  /// How an oracle is to answer in training.
  struct Training {
    /// Whether batch norm takes the statistics of the batch, and moves the running ones, and dropout drops.
    var mode: Mode
    /// What dropout draws from.
    var dropout: RandomStream
    /// Weights to answer with instead of the model's own.
    var parameters: [Tensor]?
    /// What the method prescribes, by name or as a function.
    var loss: AttackLoss?
    var objective: ImageObjective?
    /// What the shards of a batch tell each other, where these images are one of them.
    var shared: (any SharedStatistics)?
  }

  private let model: Model
  private let attack: any Attack
  private let batch: AttackBatch
  private let training: Training?
  private var clean: Tensor?
  private var forwards = 0

  /// How often the model has seen images of each example.
  public private(set) var queries: [Int]
  /// How often the model was differentiated for each example.
  public private(set) var gradients: [Int]

  /// Whether the first gradient of each example was zero everywhere; nil before one was asked for.
  private var beganFlat: [Bool?]

  /// What was submitted and is not judged yet, with the counts of that moment.
  private var pending: (images: Tensor, examples: [Int], queries: [Int], gradients: [Int])?
  private var submissions = 0
  /// How many images of each example were submitted.
  private var submitted: [Int]
  private var best: Tensor
  private var judgements: [Judgement?]

  /// What the model makes of the image that is kept of an example.
  private struct Judgement {
    var prediction: Int
    var isBroken: Bool
    /// How many answers were what the attack wants; 0 in training.
    var fooled: Int
    /// The larger, the nearer to breaking.
    var worth: Float
    var margin: Float
    var submission: Int
    /// How often the model had seen and been differentiated for the example when it was handed in.
    var queries: Int
    var gradients: Int
    /// How far the image is from the original, where the nearest is looked for.
    var distance: Float?
  }

  init(_ model: Model, for attack: any Attack, _ batch: AttackBatch, training: Training? = nil) {
    self.model = model
    self.attack = attack
    self.batch = batch
    self.training = training
    queries = Array(repeating: 0, count: batch.count)
    (gradients, submitted) = (queries, queries)
    beganFlat = Array(repeating: nil, count: batch.count)
    best = batch.images
    judgements = Array(repeating: nil, count: batch.count)
  }

  /// The number of classes of the model.
  public var classes: Int { model.classes }
  /// Whether the model answers at random; in training that changes nothing.
  public var isRandom: Bool { training == nil && model.isRandom }

  // MARK: Answering

  /// Logits [k, classes] of the model for images of these k examples; each is counted as a query.
  ///
  /// - Throws: `numeric` where logits are not finite, with the position of the first such image.
  public func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor {
    let logits = try forward(x, examples)
    try requireFinite(logits, "logits", of: model, at: examples.map { batch.positions[$0] })
    return logits
  }

  /// What the model makes of images, kept; in training, where batch norm mixes the images of a batch, nothing is.
  public func remembering(_ images: Tensor, side: Int) throws -> RememberedImages? {
    training == nil ? try model.remembering(images, side: side) : nil
  }

  /// Logits [k, classes] of changed images of these k examples; each is counted as a query.
  ///
  /// - Throws: as `logits`.
  public func logits(
    _ candidates: Tensor, changed changes: [RememberedImages.Change], from remembered: RememberedImages,
    of examples: [Int]
  ) throws -> Tensor {
    countKnown(of: examples)
    let logits = try remembered.logits(of: candidates, changes)
    try requireFinite(logits, "logits", of: model, at: examples.map { batch.positions[$0] })
    return logits
  }

  /// The loss and its gradient for images of these k examples; each is counted as a query and as a gradient.
  public func slope(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?
  ) throws -> Slope {
    try StopSignal.poll()
    let targets = targets ?? targetsOf(examples)
    let positions = examples.map { batch.positions[$0] }
    let slope =
      try training == nil
      ? slopeInPieces(of: loss, at: x, of: examples, targets: targets)
      : slopeOfAll(of: loss, at: x, of: examples, targets: targets)
    try requireFinite(slope.logits, "logits", of: model, at: positions)
    try requireFinite(slope.gradient, "gradients", of: model, at: positions)
    for example in examples { gradients[example] += 1 }
    if training == nil { try noteFlat(slope.gradient, examples) }
    return slope
  }

  private func slopeOfAll(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?
  ) throws -> Slope {
    let tracked = x.detached().tracked()
    let logits = try forward(tracked, examples)
    let values = try value(of: loss, tracked, logits, examples, targets)
    let gradient = try Tensors.gradients(of: values.sum(), withRespectTo: [tracked])[0]
    return Slope(loss: values.detached(), gradient: gradient, logits: logits.detached())
  }

  /// Pieces of the batch go forward and back on their own.
  private func slopeInPieces(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?
  ) throws -> Slope {
    let draws = nextDraws(of: examples)
    let loss = loss ?? .crossEntropy
    let labels = examples.map { batch.labels[$0] }
    // Before threads ask for it.
    let clean = loss == .klDivergence ? try batch.rows(cleanLogits(), of: examples) : nil
    let slope = try model.slope(at: x, draws: draws) { (logits, rows) throws(CoreError) in
      try loss.values(
        logits, labels: Array(labels[rows]), targets: targets.map { Array($0[rows]) },
        clean: { () throws(CoreError) in try clean?.rows(rows) ?? logits })
    }
    return Slope(loss: slope.loss, gradient: slope.gradient, logits: slope.logits)
  }

  /// Remembers which examples had no slope to begin with.
  private func noteFlat(_ gradient: Tensor, _ examples: [Int]) throws {
    let first = examples.indices.filter { beganFlat[examples[$0]] == nil }
    guard !first.isEmpty else { return }
    let sizes = try Norm.linf.length(gradient).floats()
    for k in first { beganFlat[examples[k]] = sizes[k] == 0 }
  }

  private func targetsOf(_ examples: [Int]) -> [Int]? {
    batch.targets.map { targets in examples.map { targets[$0] } }
  }

  /// Logits and the gradients of leads of classes; one query and one gradient for each round are counted.
  public func leads(
    at x: Tensor, of examples: [Int], over rounds: [[Int]]
  ) throws -> (logits: Tensor, gradients: [Tensor]) {
    try StopSignal.poll()
    let tracked = x.detached().tracked()
    let logits = try logits(tracked, of: examples)
    var found: [Tensor] = []
    for (round, targets) in rounds.enumerated() {
      // The gradient of z_t − z_y with respect to the logits is 1 at t and −1 at y.
      let labels = examples.map { batch.labels[$0] }
      let direction = try Tensor.oneHot(targets, classes: classes) - Tensor.oneHot(labels, classes: classes)
      let gradient = try Tensors.gradients(
        of: logits, withRespectTo: [tracked], cotangent: direction, keepingRecord: round + 1 < rounds.count)[0]
      try requireFinite(gradient, "gradients", of: model, at: examples.map { batch.positions[$0] })
      for example in examples { gradients[example] += 1 }
      found.append(gradient)
    }
    return (logits.detached(), found)
  }

  private func forward(_ x: Tensor, _ examples: [Int]) throws -> Tensor {
    let draws = nextDraws(of: examples)
    guard let training else { return try model(x, draws) }
    defer { forwards += 1 }
    return try model.forward(
      x, mode: training.mode, parameters: training.parameters, dropout: training.dropout.child(forwards),
      sharing: training.shared)
  }

  /// Counts a query for each of these examples.
  ///
  /// - Returns: the draws by which a model that answers at random answers them.
  private func nextDraws(of examples: [Int]) -> NoiseDraws {
    var draws: [Int] = []
    draws.reserveCapacity(examples.count)
    for example in examples {
      queries[example] += 1
      draws.append(queries[example])
    }
    return NoiseDraws(of: draws, seed: batch.answers.seed)
  }

  private func value(
    of loss: AttackLoss?, _ images: Tensor, _ logits: Tensor, _ examples: [Int], _ targets: [Int]? = nil
  ) throws -> Tensor {
    if loss == nil, targets == nil, let objective = training?.objective {
      return try objective(images, logits, examples)
    }
    let loss = loss ?? training?.loss ?? .crossEntropy
    let clean = loss == .klDivergence ? try batch.rows(cleanLogits(), of: examples) : logits
    return try loss.values(
      logits, labels: examples.map { batch.labels[$0] }, targets: targets, clean: { () throws(CoreError) in clean })
  }

  /// Logits [n, classes] of the clean images, in the mode in which the others are answered; they are computed once.
  func cleanLogits() throws -> Tensor {
    if let clean { return clean }
    let logits = try forward(batch.images, batch.all).detached()
    clean = logits
    return logits
  }

  /// Counts a query for each of these examples.
  public func countKnown(of examples: [Int]) { for example in examples { queries[example] += 1 } }

  // MARK: Keeping the best

  /// The examples that no submitted image has broken; in training, all of them.
  public var standing: [Int] {
    get throws {
      // In training nothing is ever broken: the objective decides.
      guard training == nil else { return batch.all }
      try judgePending()
      return batch.all.filter { judgements[$0]?.isBroken != true }
    }
  }

  /// Checks the images against the ball and takes them in; they are judged when somebody asks.
  public func submit(_ x: Tensor, of examples: [Int]) throws {
    try judgePending()
    guard !examples.isEmpty else { return }
    try requireWithin(x, batch.rows(batch.images, of: examples))
    pending = (x, examples, queries, gradients)
    submissions += 1
    for example in examples { submitted[example] += 1 }
  }

  /// The image that is kept of each example; the clean one where nothing was submitted, and where the nearest image
  /// that was looked for lies beyond the radius.
  var answer: Tensor {
    get throws {
      if let pending, submissions == 1, pending.examples.elementsEqual(batch.all), !attack.isMinimal {
        return pending.images
      }
      try judgePending()
      guard attack.isMinimal else { return best }
      let rows = batch.all.map { judgements[$0]?.isBroken == true ? $0 : $0 + batch.count }
      return try concat([best, batch.images], axis: 0).indexSelect(axis: 0, rows)
    }
  }

  private func judgePending() throws {
    guard let (images, examples, queries, gradients) = pending else { return }
    pending = nil
    let asked = isRandom ? batch.answers.forwards : 1
    let answers = try answers(images, examples, asked)
    let (predictions, margins, worths) = (answers.predictions, answers.margins, answers.worths)
    let distances =
      attack.isMinimal ? try attack.norm.distance(images, batch.rows(batch.images, of: examples)) : nil
    // Row i of the batch as it is, or row n + k of what was submitted.
    var rows = batch.all
    for (k, example) in examples.enumerated() {
      let fooled = training == nil ? answers.fooled[k] : 0
      let isFooled = 2 * answers.fooled[k] > asked
      var judgement = Judgement(
        prediction: predictions[k], isBroken: fooled == asked, fooled: fooled, worth: worths[k], margin: margins[k],
        submission: submitted[example] - 1, queries: queries[example], gradients: gradients[example])
      if let distances {
        // The nearest of those that fool the model, even beyond the radius.
        guard isFooled, distances[k] < judgements[example]?.distance ?? .infinity else { continue }
        judgement.distance = distances[k]
        judgement.isBroken = Double(distances[k]) <= batch.eps
      } else if let old = judgements[example],
        old.isBroken || fooled < old.fooled || fooled == old.fooled && !(worths[k] > old.worth)
      {
        continue
      }
      judgements[example] = judgement
      rows[example] = batch.count + k
    }
    best = try concat([best, images], axis: 0).indexSelect(axis: 0, rows)
  }

  /// What the model answers to images of these examples: the last prediction, the means of margin and worth over the
  /// answers, and how many of them are what the attack wants.
  private func answers(
    _ images: Tensor, _ examples: [Int], _ count: Int
  ) throws -> (predictions: [Int], margins: [Float], worths: [Float], fooled: [Int]) {
    let labels = examples.map { batch.labels[$0] }
    var predictions: [Int] = []
    var (margins, worths) = ([Float](repeating: 0, count: examples.count), [Float](repeating: 0, count: examples.count))
    var fooled = [Int](repeating: 0, count: examples.count)
    for _ in 0..<count {
      let logits = try logits(images, of: examples)
      predictions = try logits.argmax(axis: 1).ints()
      let found = try margin(logits, labels: labels).floats()
      let worth = try value(of: training == nil ? .crossEntropy : nil, images, logits, examples, targetsOf(examples))
        .floats()
      for (k, example) in examples.enumerated() {
        margins[k] += found[k]
        worths[k] += worth[k]
        if batch.isFooled(example, by: predictions[k]) { fooled[k] += 1 }
      }
    }
    guard count > 1 else { return (predictions, margins, worths, fooled) }
    return (predictions, margins.map { $0 / Float(count) }, worths.map { $0 / Float(count) }, fooled)
  }

  /// What became of each example; one for which nothing was submitted is judged as it is. Of a model that answers at
  /// random every row says which submission was kept: whether it breaks the example is not known yet.
  ///
  /// - Parameter ids: what a record calls the examples.
  func verdicts(ids: [Int]) throws -> [Verdict] {
    let distances = try attack.norm.distance(answer, batch.images)
    try judgePending()
    // What an attack did not care for, or did not break, stands as it is, and has a row like the others.
    let untouched = batch.all.filter { judgements[$0] == nil }
    let rows = try untouched.isEmpty ? [] : verdictsOnClean(untouched, ids)
    var verdicts = batch.all.compactMap { i in
      judgements[i].map {
        Verdict(
          id: ids[i], label: batch.labels[i], prediction: $0.prediction,
          brokenBy: $0.isBroken || isRandom ? $0.submission : nil,
          distance: attack.isMinimal ? $0.distance.map { Double($0) } : Double(distances[i]), margin: Double($0.margin),
          queries: queries[i], gradients: gradients[i], foundAfterQueries: $0.queries,
          foundAfterGradients: $0.gradients, beganFlat: beganFlat[i] == true)
      }
    }
    for (i, row) in zip(untouched, rows) { verdicts.insert(row, at: i) }
    return verdicts
  }

  /// Rows of examples of which no image was kept; an attack that looks for the nearest image found none.
  private func verdictsOnClean(_ examples: [Int], _ ids: [Int]) throws -> [Verdict] {
    let logits = try logits(batch.rows(batch.images, of: examples), of: examples)
    let labels = examples.map { batch.labels[$0] }
    let predictions = try logits.argmax(axis: 1).ints()
    let margins = try margin(logits, labels: labels).floats()
    return examples.indices.map { k in
      let isFooled = batch.isFooled(examples[k], by: predictions[k])
      return Verdict(
        id: ids[examples[k]], label: labels[k], prediction: predictions[k],
        brokenBy: isFooled ? submitted[examples[k]] : nil,
        distance: isFooled || !attack.isMinimal ? 0 : nil, margin: Double(margins[k]), queries: queries[examples[k]],
        gradients: gradients[examples[k]], foundAfterQueries: isFooled ? 0 : nil,
        foundAfterGradients: isFooled ? 0 : nil, beganFlat: beganFlat[examples[k]] == true)
    }
  }

  /// Checks the promise of every attack on what it submits.
  private func requireWithin(_ adversarial: Tensor, _ images: Tensor) throws(CoreError) {
    guard adversarial.shape == images.shape else {
      throw CoreError(
        .shape, "\(attack) returned \(adversarial.shape) for images \(images.shape)", argument: "attack")
    }
    let found = try Tensor.items([
      adversarial.min(), adversarial.max(), attack.norm.length(adversarial - images).max(),
    ])
    let (low, high, distance) = (found[0], found[1], found[2])
    guard low >= 0, high <= 1,
      attack.isMinimal
        ? distance.isFinite
        : distance <= batch.eps + attack.norm.tolerance(of: batch.eps, values: images.shape.dropFirst().reduce(1, *))
    else {
      throw CoreError(
        .numeric,
        "\(attack) left its ball or [0, 1]: values from \(low) to \(high), \(distance) from the images at most",
        argument: "attack")
    }
  }
}
