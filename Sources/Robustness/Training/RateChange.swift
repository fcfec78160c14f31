import Base
import Tensors

/// A learning rate that the user has set while a run was under way.
///
/// It is part of the record: of the epoch it was set in, and so of the report and of each checkpoint, and as a sentence
/// among the warnings of the report and of the ledger. A run that continues keeps the rate, and says so.
public struct RateChange: Sendable, Equatable {
  /// The optimiser steps that were done before it, counted over the whole run.
  public var step: Int
  /// The highest learning rate from then on.
  public var rate: Double

  /// A change after a number of steps.
  public init(step: Int, rate: Double) { (self.step, self.rate) = (step, rate) }

  /// For the notes of an epoch.
  var sentence: String { "the learning rate was set to \(rate.shortest) by hand after step \(step)" }
}

extension [RateChange] {
  /// The changes as one tensor, of steps and the bits of rates by turns.
  func tensor() throws(CoreError) -> Tensor {
    try Tensor(
      ints: flatMap { [$0.step, Int(Int64(bitPattern: $0.rate.bitPattern))] }, shape: [2 * count])
  }

  /// The changes that `tensor` has written.
  ///
  /// - Parameter steps: how many steps the run has done.
  /// - Throws: `value` for anything else, and for a rate that nobody can have set.
  init(_ tensor: Tensor, steps: Int) throws(CoreError) {
    self = []
    let numbers = tensor.dtype == .int64 ? tensor.ints() : [0]
    guard numbers.count.isMultiple(of: 2) else { throw Self.unreadable }
    for index in stride(from: 0, to: numbers.count, by: 2) {
      let rate = Double(bitPattern: UInt64(bitPattern: Int64(numbers[index + 1])))
      guard numbers[index] >= 0, numbers[index] <= steps, rate > 0, rate.isFinite else { throw Self.unreadable }
      append(RateChange(step: numbers[index], rate: rate))
    }
  }

  private static var unreadable: CoreError {
    CoreError(.value, "the learning rates of this state are not those of a training run")
  }
}
