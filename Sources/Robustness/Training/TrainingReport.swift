/// What one epoch of training measured, averaged over its examples.
public struct EpochReport: Sendable {
  /// Counted from 1.
  public var epoch: Int
  public var loss: Double
  /// Parts of the loss by name, before they are weighted.
  public var parts: [(name: String, value: Double)]
  /// Share of training images classified correctly during the epoch, each when its batch came.
  public var naturalAccuracy: Double
  /// The same for the adversarial images; nil where the method makes none.
  public var adversarialAccuracy: Double?
  /// Measured after the epoch on the examples given for it, under the training attack; nil where none were given.
  public var validation: Evaluation?
  public var learningRate: Double
  public var seconds: Double
}

extension EpochReport {
  /// For a log: `epoch 2/10  loss 0.412  natural 0.871  adversarial 0.623  12.3 s`.
  func line(of epochs: Int) -> String {
    var parts = [
      "epoch \(epoch)/\(epochs)", "loss \(loss.rounded(to: 3))", "natural \(naturalAccuracy.rounded(to: 3))",
    ]
    if let adversarialAccuracy { parts.append("adversarial \(adversarialAccuracy.rounded(to: 3))") }
    if let validation {
      parts.append("validation \(validation.naturalAccuracy.value.rounded(to: 3))")
      if !validation.attacks.isEmpty { parts.append("robust \(validation.worstCase.value.rounded(to: 3))") }
    }
    parts.append("\(seconds.rounded(to: 1)) s")
    return parts.joined(separator: "  ")
  }
}

/// What `fit` gives back.
public struct TrainingReport: Sendable {
  public var method: String
  public var epochs: [EpochReport]
  /// Optimiser steps done in this call.
  public var steps: Int
  public var seconds: Double
  /// Whether it was stopped; the model keeps the last whole step.
  public var interrupted: Bool
}
