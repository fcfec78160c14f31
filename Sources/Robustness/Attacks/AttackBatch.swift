import Base
import Tensors

/// The images that an attack starts from, as its caller gives them: `Attack.run` cuts them into batches.
///
/// An example has a position, by which errors name it, and an id, by which its random numbers are keyed. Both go with
/// it into whatever batch it is put, so that neither a result nor a message depends on how images are cut.
public struct AttackInput {
  /// The images [n, c, h, w], values in [0, 1].
  public var images: Tensor
  /// The true class of each image.
  public var labels: [Int]
  /// One number per image that stays the same whatever batch the image is in; random numbers are keyed by it.
  public var ids: [Int]
  /// What errors call the images: their positions in what the user gave.
  public var positions: [Int]
  /// Key of the random numbers, for an attack without a seed of its own.
  public var seed: UInt64
  /// Where the attack's random numbers come from; nil stands for what the attack says (`Attack.randomNumbers`).
  public var random: (any AttackRandom)?
  /// The radius for an attack that has none of its own, in units of the [0, 1] image; nil stands for the usual one of
  /// the attack's norm, and of an attack that looks for the nearest image for any distance.
  public var eps: Double?
  /// For each image the class that it shall be taken for; nil where any wrong one will do.
  public var targets: [Int]?
  /// How the answers of a model that answers at random are drawn and judged.
  public var answers = RandomAnswers()

  /// Images with their labels, at the positions 0, 1, …; nothing is checked before an attack runs.
  ///
  /// - Parameters:
  ///   - images: [n, c, h, w], values in [0, 1].
  ///   - labels: the true class of each image.
  ///   - ids: nil numbers the images of this call from 0.
  ///   - seed: key of the random numbers, by default 0.
  ///   - eps: the radius for an attack that has none of its own; nil stands for the usual one.
  ///   - targets: for each image the class that it shall be taken for; nil where any wrong one will do.
  public init(
    images: Tensor, labels: [Int], ids: [Int]? = nil, seed: UInt64 = 0, eps: Double? = nil, targets: [Int]? = nil
  ) {
    self.images = images
    self.labels = labels
    self.ids = ids ?? Array(0..<labels.count)
    positions = Array(0..<labels.count)
    self.seed = seed
    self.eps = eps
    self.targets = targets
  }

  func part(_ range: Range<Int>) throws(CoreError) -> AttackInput {
    var part = self
    part.images = try images.slice(axis: 0, range.lowerBound, range.upperBound)
    part.labels = Array(labels[range])
    part.ids = Array(ids[range])
    part.positions = Array(positions[range])
    part.targets = targets.map { Array($0[range]) }
    return part
  }
}

/// The images that an attack works on together, and what is settled before it begins.
///
/// The radius is always there, whoever gave it. An attack that has settled some examples continues with the others, so
/// everything here that returns rows takes the indices of the examples it is for. Random numbers are asked for by
/// example and draw: the same two have the same numbers, whichever other examples are asked for with them.
public struct AttackBatch {
  /// The images [n, c, h, w], values in [0, 1]: the centres of the balls.
  public let images: Tensor
  /// The true class of each image.
  public let labels: [Int]
  /// For each image the class that it shall be taken for; nil where any wrong one will do. `Oracle.slope` knows them.
  public let targets: [Int]?
  /// The radius: the attack's own, else that of its caller; infinite where an attack that looks for the nearest image
  /// has none.
  public let eps: Double
  /// The start of an attack that does not say where it begins: `.uniform`, and in training what the method prescribes.
  public let start: AttackStart
  /// Whether the images are for training, where nothing counts as broken and the largest objective wins.
  public let isTraining: Bool
  let ids: [Int]
  let positions: [Int]
  let random: any AttackRandom
  let answers: RandomAnswers
  /// Is told how much of the attack is done, from 0 to 1, where somebody wants to know.
  let progress: ((Double) -> Void)?

  init(
    _ input: AttackInput, eps: Double, start: AttackStart = .uniform, isTraining: Bool = false,
    progress: ((Double) -> Void)? = nil
  ) {
    images = input.images
    labels = input.labels
    targets = input.targets
    ids = input.ids
    positions = input.positions
    random = input.random ?? PerExampleRandom(seed: input.seed)
    answers = input.answers
    self.eps = eps
    self.start = start
    self.isTraining = isTraining
    self.progress = progress
  }

  /// The same for some of the examples, in this order.
  ///
  /// - Parameters:
  ///   - eps: another radius; nil keeps that of the batch.
  ///   - report: who is told how much of an attack on the part is done.
  func part(_ examples: [Int], eps: Double? = nil, report: ((Double) -> Void)? = nil) throws -> AttackBatch {
    var input = AttackInput(
      images: try rows(images, of: examples), labels: examples.map { labels[$0] }, ids: examples.map { ids[$0] },
      targets: targets.map { targets in examples.map { targets[$0] } })
    input.positions = examples.map { positions[$0] }
    input.random = random
    input.answers = answers
    return AttackBatch(input, eps: eps ?? self.eps, start: start, isTraining: isTraining, progress: report)
  }

  /// How many examples there are.
  public var count: Int { labels.count }
  /// The indices of all examples.
  public var all: [Int] { Array(0..<count) }

  /// The rows [k, …] of a tensor [n, …] that belong to these k examples; the tensor itself for all of them in order.
  public func rows(_ x: Tensor, of examples: [Int]) throws -> Tensor {
    examples.elementsEqual(0..<count) ? x : try x.indexSelect(axis: 0, examples)
  }

  /// Whether a prediction is what the attack wants of the example: the target, or any wrong class.
  func isFooled(_ example: Int, by prediction: Int) -> Bool {
    targets.map { prediction == $0[example] } ?? (prediction != labels[example])
  }

  /// Which of the k images of these examples a model with these logits [k, classes] takes for what the attack wants: the
  /// target, or any wrong class.
  public func fooled(by logits: Tensor, of examples: [Int]) throws -> [Int] {
    let predictions = try logits.argmax(axis: 1).ints()
    return examples.indices.filter { isFooled(examples[$0], by: predictions[$0]) }
  }

  /// Whether random numbers come in the order of a reference implementation (`AttackRandom.sharesDraws`).
  public var sharesDraws: Bool { random.sharesDraws }

  /// Says how much of the attack is done, for who watches it.
  ///
  /// - Parameter done: from 0 to 1.
  public func report(_ done: Double) { progress?(done) }

  /// The next numbers of a reference's generator, from 0 up to 1, excluded, for what it draws once for a whole batch.
  ///
  /// - Throws: `value` unless `sharesDraws`.
  public func shared(_ count: Int) throws -> [Float] { try random.shared(count) }

  /// A few random numbers for each of these examples, from 0 up to 1, excluded: `count` numbers of the first, then of
  /// the next.
  ///
  /// - Parameter offset: how many the example has drawn before in this draw.
  public func few(_ count: Int, of examples: [Int], draw: Int, from offset: Int = 0) throws -> [Float] {
    try random.few(count, ids: examples.map { ids[$0] }, draw: draw, from: offset)
  }

  /// Random numbers [k, c, h, w] for these k examples, uniform from `low` up to `high`, excluded; another draw has
  /// others.
  public func uniform(_ low: Double, _ high: Double, of examples: [Int], draw: Int) throws -> Tensor {
    try random.uniform(
      Float(low), Float(high), like: rows(images, of: examples), ids: examples.map { ids[$0] }, draw: draw)
  }

  /// Random numbers [k, c, h, w] for these k examples, normal around 0; another draw has others.
  public func normal(deviation: Double, of examples: [Int], draw: Int) throws -> Tensor {
    try random.normal(
      deviation: Float(deviation), like: rows(images, of: examples), ids: examples.map { ids[$0] }, draw: draw)
  }

  /// One random number for each of these k examples, [k, 1, …], uniform from `low` up to `high`, excluded.
  public func uniformNumber(_ low: Double, _ high: Double, of examples: [Int], draw: Int) throws -> Tensor {
    let shape = [examples.count] + Array(repeating: 1, count: max(images.shape.count - 1, 0))
    return try random.uniform(
      Float(low), Float(high), like: Tensor.zeros(shape), ids: examples.map { ids[$0] }, draw: draw)
  }
}
