import Base
import Tensors

// What attacks share that look for the nearest image (`Attack.isMinimal`).

extension Setting where Owner: Attack {
  /// The radius of an attack that looks for the nearest image: it says what counts as broken.
  package static func reach(_ path: WritableKeyPath<Owner, Double?> & Sendable) -> Setting {
    .distance(
      "eps", path,
      note: """
        radius within which an image counts as broken, in units of the [0, 1] image; when left out, that of `evaluate` or \
        `perturb`. The search itself knows no radius: without one, `perturb` returns the nearest image at any distance.
        """
    ) { (owner) throws(CoreError) in
      if let eps = owner[keyPath: path] { try owner.norm.require(radius: eps) }
    }
  }
}

extension Norm {
  /// Checks that an attack knows the norm.
  ///
  /// - Throws: `value` unless it is one of these.
  func require(of attack: some Attack, oneOf norms: [Norm]) throws(CoreError) {
    guard !norms.contains(self) else { return }
    let words = norms.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
    throw CoreError(
      .value, "norm of \(type(of: attack).name) must be \(words), not \"\(rawValue)\"",
      hint: "norm=\"\(norms.first?.rawValue ?? "")\"", argument: "norm")
  }
}

/// The nearest broken image that was seen of each of some examples.
struct NearestImages {
  /// The indices of the examples in the batch.
  let examples: [Int]
  /// Their images [k, c, h, w].
  let origin: Tensor
  /// The nearest broken images, [k, c, h, w]; the images themselves where there is none yet.
  private(set) var images: Tensor
  /// How far these are, [k, 1, 1, 1]; infinite where there is none yet.
  private(set) var distance: Tensor

  init(of examples: [Int], in batch: AttackBatch) throws {
    self.examples = examples
    origin = try batch.rows(batch.images, of: examples)
    images = origin
    distance = try Tensor.full([examples.count] + origin.shape.dropFirst().map { _ in 1 }, .infinity)
  }

  /// Takes images [k, c, h, w] that are broken and nearer than what there is; distance and mask are [k, 1, 1, 1].
  mutating func take(_ x: Tensor, at distance: Tensor, where isBroken: Tensor) throws {
    let isNearer = try logicalAnd(isBroken, less(distance, self.distance))
    images = try whereSelect(isNearer, x, images)
    self.distance = try whereSelect(isNearer, distance, self.distance)
  }

  /// How far the farthest corner of [0, 1] is from each image, [k, 1, 1, 1].
  func farthest(_ norm: Norm) throws -> Tensor { try norm.length(maximum(origin, 1 - origin)) }

  /// Hands them in.
  func submit(to oracle: any Oracle) throws { try oracle.submit(images, of: examples) }
}

/// What an attack that looks for the nearest image asks of an oracle: with targets as without.
struct NearestSearch {
  /// How far an image is broken: the lead of the strongest wrong class, or of the target over all others, [k, 1, 1, 1]; its
  /// gradient [k, c, h, w]; and whether it is large enough, [k, 1, 1, 1].
  struct Lead {
    var value: Tensor
    var gradient: Tensor
    var isBroken: Tensor
  }

  private let batch: AttackBatch
  private let oracle: any Oracle
  private let confidence: Float

  init(_ batch: AttackBatch, _ oracle: any Oracle, confidence: Float = 0) {
    (self.batch, self.oracle, self.confidence) = (batch, oracle, confidence)
  }

  /// The examples that are not broken as they are; the others are handed in, at distance 0.
  func unbroken() throws -> [Int] {
    guard batch.count > 0 else { return [] }
    let logits = try oracle.logits(batch.images, of: batch.all)
    let flags = try isBroken(logits, batch.all).floats()
    let broken = batch.all.filter { flags[$0] != 0 }
    if !broken.isEmpty { try oracle.submit(batch.rows(batch.images, of: broken), of: broken) }
    return batch.all.filter { flags[$0] == 0 }
  }

  /// Whether logits [k, classes] are those of a broken image with the confidence, as the oracle will judge it, [k, 1, 1, 1].
  func isBroken(_ logits: Tensor, _ examples: [Int]) throws -> Tensor {
    let k = examples.count
    let classes = examples.map { (batch.targets ?? batch.labels)[$0] }
    var logits = logits
    if confidence != 0 {
      let lead = batch.targets == nil ? confidence : -confidence
      logits = try logits + Tensor.oneHot(classes, classes: oracle.classes) * lead
    }
    let found = try logits.argmax(axis: 1)
    let own = try Tensor(ints: classes, shape: [k])
    let mask = batch.targets == nil ? try notEqual(found, own) : try equal(found, own)
    return try mask.reshape([k] + batch.images.shape.dropFirst().map { _ in 1 })
  }

  /// How far images are broken, with the slope.
  func lead(at x: Tensor, of examples: [Int]) throws -> Lead {
    let shape = [examples.count] + x.shape.dropFirst().map { _ in 1 }
    guard let targets = batch.targets else {
      let slope = try oracle.slope(of: .margin, at: x, of: examples, targets: nil)
      return try Lead(
        value: slope.loss.reshape(shape), gradient: slope.gradient, isBroken: isBroken(slope.logits, examples))
    }
    // z_t − z_j of the strongest other class j: the difference of two leads over the true class.
    let sought = examples.map { targets[$0] }
    let logits = try oracle.logits(x, of: examples)
    let order = try logits.topk(2, axis: 1).places.ints()
    let rivals = sought.indices.map { order[2 * $0] == sought[$0] ? order[2 * $0 + 1] : order[2 * $0] }
    let leads = try oracle.leads(at: x, of: examples, over: [sought, rivals])
    let value = try leads.logits.gather(axis: 1, sought) - leads.logits.gather(axis: 1, rivals)
    return try Lead(
      value: value.reshape(shape), gradient: leads.gradients[0] - leads.gradients[1],
      isBroken: isBroken(leads.logits, examples))
  }

  /// Unit gradients; where one is 0, random numbers, normal around 0.
  func direction(_ gradient: Tensor, of examples: [Int], draw: Int) throws -> Tensor {
    let length = try Norm.l2.length(gradient)
    let unit = try gradient / length.clip(min: 1e-12)
    guard try length.min().item() < 1e-12 else { return unit }
    let random = try batch.normal(deviation: 1, of: examples, draw: draw)
    return try whereSelect(less(length, Tensor.scalar(1e-12)), random, unit)
  }
}

extension Norm {
  /// The nearest change of at most the length that is given for each example, [k, 1, 1, 1].
  func project(_ change: Tensor, radii: Tensor) throws -> Tensor {
    switch self {
    case .linf: return try maximum(minimum(change, radii), -radii)
    case .l2: return try change * (radii / length(change).clip(min: 1e-12)).clip(max: 1)
    case .l1: return try shrunk(change, to: radii.reshape([change.shape[0], 1]))
    }
  }
}
