/// What one epoch of training measured, averaged over its examples.
public struct EpochReport: Sendable {
  /// The number of the epoch, counted from 1.
  public var epoch: Int
  /// The mean of the loss that was minimised.
  public var loss: Double
  /// The parts of the loss by name ("loss_natural", "loss_robust"), before they are weighted.
  public var parts: [(name: String, value: Double)]
  /// The share of training images classified correctly during the epoch, each when its batch came.
  public var naturalAccuracy: Double
  /// The same for the adversarial images; nil where the method makes none.
  public var robustAccuracy: Double?
  /// What was measured after the epoch on the examples given for it, under the attack given or trained with; nil where
  /// none were given.
  public var validation: Evaluation?
  /// The learning rate of the last step.
  public var learningRate: Double
  /// How many seconds the epoch took, validation included.
  public var seconds: Double
}

extension EpochReport {
  /// Accuracies by name, from 0 to 1: "natural" and "robust" of the training images, "validation_natural" and
  /// "validation_robust".
  public var accuracies: [(name: String, value: Double)] {
    var accuracies = [(name: "natural", value: naturalAccuracy)]
    if let robustAccuracy { accuracies.append(("robust", robustAccuracy)) }
    if let validation {
      accuracies.append(("validation_natural", validation.naturalAccuracy.value))
      if !validation.attacks.isEmpty { accuracies.append(("validation_robust", validation.worstCase.value)) }
    }
    return accuracies
  }

  /// The line of the epoch in a log: `epoch 2/10  loss 0.412  natural 0.871  robust 0.623  12.3 s`.
  func line(of epochs: Int) -> String {
    let figures = [("loss", loss)] + accuracies
    let parts = figures.map { "\($0) \($1.rounded(to: 3))" }
    return (["epoch \(epoch)/\(epochs)"] + parts + ["\(seconds.rounded(to: 1)) s"]).joined(separator: "  ")
  }
}

/// What `fit` returns.
public struct TrainingReport: Sendable {
  /// The call that makes the method.
  public var method: String
  /// What the epochs that ended in this call measured.
  public var epochs: [EpochReport]
  /// Optimiser steps done in this call.
  public var steps: Int
  /// How many seconds the call took.
  public var seconds: Double
  /// Whether the user stopped it; the model keeps the last whole step.
  public var interrupted: Bool
}
