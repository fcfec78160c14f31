import Base
import Tensors

/// The images that an attack starts from, as its caller gives them.
public struct AttackInput {
  /// [n, c, h, w], values in [0, 1].
  public var images: Tensor
  /// The true class of each image.
  public var labels: [Int]
  /// One number per image that stays the same whatever batch the image is in; random numbers are keyed by it.
  public var ids: [Int]
  /// What errors call the images: their positions in what the user gave.
  public var positions: [Int]
  public var random: any AttackRandom
  /// Radius for an attack that has none of its own, in units of the [0, 1] image; nil is 8/255.
  public var eps: Double?

  /// - Parameters:
  ///   - ids: nil numbers the images of this call from 0.
  ///   - seed: key of the random numbers.
  public init(images: Tensor, labels: [Int], ids: [Int]? = nil, seed: UInt64 = 0, eps: Double? = nil) {
    self.images = images
    self.labels = labels
    self.ids = ids ?? Array(0..<labels.count)
    positions = Array(0..<labels.count)
    random = PerExampleRandom(seed: seed)
    self.eps = eps
  }

  func part(_ range: Range<Int>) throws(CoreError) -> AttackInput {
    var part = self
    part.images = try images.slice(axis: 0, range.lowerBound, range.upperBound)
    part.labels = Array(labels[range])
    part.ids = Array(ids[range])
    part.positions = Array(positions[range])
    return part
  }
}

/// The images that an attack works on together, and what is settled before it begins.
public struct AttackBatch {
  /// [n, c, h, w], values in [0, 1]: the centres of the balls.
  public let images: Tensor
  /// The true class of each image.
  public let labels: [Int]
  /// The radius: the attack's own, else that of its caller.
  public let eps: Double
  /// Where an attack begins that says nothing of it: `.uniform`, and in training what the method prescribes.
  public let start: AttackStart
  let ids: [Int]
  let positions: [Int]
  let random: any AttackRandom

  init(_ input: AttackInput, eps: Double, start: AttackStart = .uniform) {
    images = input.images
    labels = input.labels
    ids = input.ids
    positions = input.positions
    random = input.random
    self.eps = eps
    self.start = start
  }

  public var count: Int { labels.count }
  /// The indices of all examples.
  public var all: [Int] { Array(0..<count) }

  /// The rows of a tensor [n, …] that belong to these examples; the tensor itself for all of them.
  public func rows(_ x: Tensor, of examples: [Int]) throws -> Tensor {
    examples.count == count ? x : try x.indexSelect(axis: 0, examples)
  }

  /// Numbers from `low` up to `high` for each value of these examples' images; another draw gives others.
  public func uniform(_ low: Double, _ high: Double, of examples: [Int], draw: Int) throws -> Tensor {
    try random.uniform(
      Float(low), Float(high), like: rows(images, of: examples), ids: examples.map { ids[$0] }, draw: draw)
  }

  /// Normal numbers around 0 for each value of these examples' images; another draw gives others.
  public func normal(deviation: Double, of examples: [Int], draw: Int) throws -> Tensor {
    try random.normal(
      deviation: Float(deviation), like: rows(images, of: examples), ids: examples.map { ids[$0] }, draw: draw)
  }
}

/// Where an attack begins.
public enum AttackStart: String, SettingChoice {
  /// clip(x + U(-eps, eps), 0, 1): PGD.
  case uniform
  /// x + 0.001·N(0, I), not clipped before the first step: TRADES and its relatives.
  case normal
  /// x itself: BIM.
  case image

  /// - Parameter draw: the number of the restart.
  public func point(_ batch: AttackBatch, of examples: [Int], draw: Int = 0) throws -> Tensor {
    let images = try batch.rows(batch.images, of: examples)
    switch self {
    case .image: return images
    case .uniform:
      return try (images + batch.uniform(-batch.eps, batch.eps, of: examples, draw: draw)).clip(min: 0, max: 1)
    case .normal: return try images + batch.normal(deviation: 0.001, of: examples, draw: draw)
    }
  }
}
