import Base
import Networks
import Tensors

/// Gradients of one model for attacks on another: what an attacker does who cannot differentiate the target. The target
/// decides what is broken.
public final class TransferOracle: Oracle {
  private let target: any Oracle
  private let surrogate: any Oracle

  /// An oracle that answers as the surrogate does and judges as the target does; both are over the same batch.
  public init(target: any Oracle, surrogate: any Oracle) {
    self.target = target
    self.surrogate = surrogate
  }

  /// The number of classes of the target.
  public var classes: Int { target.classes }
  /// Whether the target answers at random.
  public var isRandom: Bool { target.isRandom }
  /// The examples that the target does not count as broken.
  public var standing: [Int] { get throws { try target.standing } }

  /// The logits of the surrogate.
  public func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor {
    try surrogate.logits(x, of: examples)
  }

  /// What the surrogate makes of images.
  public func remembering(_ images: Tensor, side: Int) throws -> RememberedImages? {
    try surrogate.remembering(images, side: side)
  }

  /// The logits of the surrogate.
  public func logits(
    _ candidates: Tensor, changed changes: [RememberedImages.Change], from remembered: RememberedImages,
    of examples: [Int]
  ) throws -> Tensor {
    try surrogate.logits(candidates, changed: changes, from: remembered, of: examples)
  }

  /// The loss and the gradient of the surrogate.
  public func slope(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?
  ) throws -> Slope {
    try surrogate.slope(of: loss, at: x, of: examples, targets: targets)
  }

  /// The logits and leads of the surrogate.
  public func leads(
    at x: Tensor, of examples: [Int], over rounds: [[Int]]
  ) throws -> (logits: Tensor, gradients: [Tensor]) {
    try surrogate.leads(at: x, of: examples, over: rounds)
  }

  /// Counts queries of the surrogate.
  public func countKnown(of examples: [Int]) { surrogate.countKnown(of: examples) }

  /// Submits the images to the target.
  public func submit(_ x: Tensor, of examples: [Int]) throws { try target.submit(x, of: examples) }
}

/// The mean over several answers of a model that answers at random: expectation over transformation, Athalye et al.
/// 2018.
public final class EOTOracle: Oracle {
  private let oracle: any Oracle
  private let passes: Int

  /// An oracle that asks another several times.
  ///
  /// - Parameter passes: answers to each question.
  /// - Throws: `value` unless there is at least one.
  public init(_ oracle: any Oracle, passes: Int) throws(CoreError) {
    guard passes >= 1 else {
      throw CoreError(
        .value, "passes must be at least 1, not \(passes)", hint: "passes=1 asks once", argument: "passes")
    }
    self.oracle = oracle
    self.passes = passes
  }

  /// The number of classes.
  public var classes: Int { oracle.classes }
  /// Whether the model answers at random.
  public var isRandom: Bool { oracle.isRandom }
  /// The examples that nothing submitted has broken.
  public var standing: [Int] { get throws { try oracle.standing } }

  /// The mean of the logits over the answers.
  public func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor {
    try mean { [try oracle.logits(x, of: examples)] }[0]
  }

  /// The means of loss and gradient over the answers.
  public func slope(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?
  ) throws -> Slope {
    let means = try mean {
      let slope = try oracle.slope(of: loss, at: x, of: examples, targets: targets)
      return [slope.loss, slope.gradient, slope.logits]
    }
    return Slope(loss: means[0], gradient: means[1], logits: means[2])
  }

  /// The means of logits and leads over the answers.
  public func leads(
    at x: Tensor, of examples: [Int], over rounds: [[Int]]
  ) throws -> (logits: Tensor, gradients: [Tensor]) {
    let means = try mean {
      let leads = try oracle.leads(at: x, of: examples, over: rounds)
      return [leads.logits] + leads.gradients
    }
    return (means[0], Array(means.dropFirst()))
  }

  /// Counts as many queries as there are answers.
  public func countKnown(of examples: [Int]) { for _ in 0..<passes { oracle.countKnown(of: examples) } }

  /// Submits the images; they are judged as any submitted image.
  public func submit(_ x: Tensor, of examples: [Int]) throws { try oracle.submit(x, of: examples) }

  private func mean(_ answer: () throws -> [Tensor]) throws -> [Tensor] {
    var sums = try answer()
    for _ in 1..<passes {
      for (i, tensor) in try answer().enumerated() { sums[i] = try sums[i] + tensor }
    }
    var means: [Tensor] = []
    for sum in sums { means.append(try sum / Float(passes)) }
    return means
  }
}

/// The oracle for some of the examples of a batch, whose indices then count within that part: what an attack gets that is
/// handed on only the examples that earlier ones left standing.
final class PartOracle: Oracle {
  private let oracle: any Oracle
  private let members: [Int]
  private let ball: (norm: Norm, batch: AttackBatch)?

  /// - Parameters:
  ///   - members: the indices of the examples in the whole batch, ascending.
  ///   - ball: images outside of it are not handed on: those of an attack that looks for the nearest at any distance.
  init(_ oracle: any Oracle, of members: [Int], within ball: (norm: Norm, batch: AttackBatch)? = nil) {
    (self.oracle, self.members, self.ball) = (oracle, members, ball)
  }

  var classes: Int { oracle.classes }
  var isRandom: Bool { oracle.isRandom }

  var standing: [Int] {
    get throws {
      let standing = Set(try oracle.standing)
      return members.indices.filter { standing.contains(members[$0]) }
    }
  }

  private func whole(_ examples: [Int]) -> [Int] { examples.map { members[$0] } }

  func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor { try oracle.logits(x, of: whole(examples)) }

  func remembering(_ images: Tensor, side: Int) throws -> RememberedImages? {
    try oracle.remembering(images, side: side)
  }

  func logits(
    _ candidates: Tensor, changed changes: [RememberedImages.Change], from remembered: RememberedImages,
    of examples: [Int]
  ) throws -> Tensor {
    try oracle.logits(candidates, changed: changes, from: remembered, of: whole(examples))
  }

  func slope(of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?) throws -> Slope {
    try oracle.slope(of: loss, at: x, of: whole(examples), targets: targets)
  }

  func leads(
    at x: Tensor, of examples: [Int], over rounds: [[Int]]
  ) throws -> (logits: Tensor, gradients: [Tensor]) {
    try oracle.leads(at: x, of: whole(examples), over: rounds)
  }

  func countKnown(of examples: [Int]) { oracle.countKnown(of: whole(examples)) }

  func submit(_ x: Tensor, of examples: [Int]) throws {
    guard let (norm, batch) = ball else { return try oracle.submit(x, of: whole(examples)) }
    let distances = try norm.distance(x, batch.rows(batch.images, of: examples))
    let near = distances.indices.filter { Double(distances[$0]) <= batch.eps }
    try oracle.submit(
      near.count == examples.count ? x : x.indexSelect(axis: 0, near), of: whole(near.map { examples[$0] }))
  }
}
