import Base
import Tensors

/// Gradients of one model for attacks on another: what an attacker does who cannot differentiate the target. The target
/// decides what is broken.
public final class TransferOracle: Oracle {
  private let target: any Oracle
  private let surrogate: any Oracle

  public init(target: any Oracle, surrogate: any Oracle) {
    self.target = target
    self.surrogate = surrogate
  }

  public var classes: Int { target.classes }
  public var standing: [Int] { get throws { try target.standing } }

  public func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor {
    try surrogate.logits(x, of: examples)
  }

  public func slope(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?
  ) throws -> Slope {
    try surrogate.slope(of: loss, at: x, of: examples, targets: targets)
  }

  public func submit(_ x: Tensor, of examples: [Int]) throws { try target.submit(x, of: examples) }
}

/// The mean over several answers of a model that answers at random: expectation over transformation, Athalye et al. 2018.
public final class EOTOracle: Oracle {
  private let oracle: any Oracle
  private let passes: Int

  /// - Parameter passes: answers to each question, at least 1.
  public init(_ oracle: any Oracle, passes: Int) {
    self.oracle = oracle
    self.passes = max(passes, 1)
  }

  public var classes: Int { oracle.classes }
  public var standing: [Int] { get throws { try oracle.standing } }

  public func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor {
    try mean { [try oracle.logits(x, of: examples)] }[0]
  }

  public func slope(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?
  ) throws -> Slope {
    let means = try mean {
      let slope = try oracle.slope(of: loss, at: x, of: examples, targets: targets)
      return [slope.loss, slope.gradient]
    }
    return Slope(loss: means[0], gradient: means[1])
  }

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
