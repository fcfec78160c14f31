import Base
import Networks

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
  /// What observers measured after the epoch, by name: "validation_natural", "validation_robust".
  public var figures: [(name: String, value: Double)] = []
  /// What observers have to say, a sentence each: alarms.
  public var notes: [String] = []
  /// The learning rate of the last step.
  public var learningRate: Double
  /// The learning rates that the user has set during the epoch, in order; most have none.
  public var rateChanges: [RateChange] = []
  /// How many seconds the epoch took, validation included.
  public var seconds: Double

  /// What an epoch has measured.
  public init(
    epoch: Int, loss: Double, parts: [(name: String, value: Double)], naturalAccuracy: Double,
    robustAccuracy: Double? = nil, learningRate: Double, seconds: Double
  ) {
    (self.epoch, self.loss, self.parts, self.naturalAccuracy) = (epoch, loss, parts, naturalAccuracy)
    (self.robustAccuracy, self.learningRate, self.seconds) = (robustAccuracy, learningRate, seconds)
  }

  /// The figure of this name; nil where nobody measured it.
  public subscript(figure name: String) -> Double? { figures.first { $0.name == name }?.value }
}

extension EpochReport {
  /// Accuracies by name, from 0 to 1: "natural" and "robust" of the training images; then what observers measured.
  public var accuracies: [(name: String, value: Double)] {
    var accuracies = [(name: "natural", value: naturalAccuracy)]
    if let robustAccuracy { accuracies.append(("robust", robustAccuracy)) }
    return accuracies + figures
  }

  /// The line of the epoch in a log:
  /// `epoch 2/10  loss 0.412  loss_natural 0.304  natural 0.871  robust 0.623  12.3 s, 98 s left`.
  ///
  /// - Parameter secondsLeft: how long the epochs that follow will take.
  func line(of epochs: Int, secondsLeft: Double) -> String {
    let figures = [("loss", loss)] + parts + accuracies
    let parts = figures.map { "\($0) \($1.rounded(to: 3))" }
    let left = epoch < epochs ? ", \(secondsLeft.rounded(to: secondsLeft < 10 ? 1 : 0)) s left" : ""
    return (["epoch \(epoch)/\(epochs)"] + parts + ["\(seconds.rounded(to: 1)) s\(left)"]).joined(separator: "  ")
  }
}

extension [EpochReport] {
  /// What the models that a run keeps are worth, in one line: the last one, the best one and the average; nil where
  /// there is only one, or nothing was measured.
  func gap(best: Int?) -> String? {
    guard let last, last[figure: "validation_natural"] != nil else { return nil }
    func shown(_ name: String, _ epoch: EpochReport, _ figures: String) -> String? {
      let values = ["natural", "robust", "loss"].compactMap { figure in
        epoch[figure: "\(figures)_\(figure)"].map { "\(figure) \($0.rounded(to: 3))" }
      }
      return values.isEmpty ? nil : "\(name): \(values.joined(separator: " "))"
    }
    var parts = [shown("last", last, "validation")]
    if let best, let epoch = first(where: { $0.epoch == best }) {
      parts.append(shown("best (epoch \(best))", epoch, "validation"))
    }
    parts.append(shown("averaged", last, "averaged"))
    let known = parts.compactMap { $0 }
    return known.count > 1 ? "validation of the models kept:  " + known.joined(separator: "   ") : nil
  }
}

/// What `fit` returns.
public struct TrainingReport {
  /// The call that makes the method.
  public var method: String
  /// What the epochs measured that the run has done so far, over all calls and processes.
  public var epochs: [EpochReport]
  /// The learning rates that the user has set since the last of these epochs ended.
  var laterRateChanges: [RateChange] = []
  /// Optimiser steps done in this call.
  public var steps: Int
  /// How many seconds the call took, without those in which its user let it wait.
  public var seconds: Double
  /// Whether the user stopped it; the model keeps the last whole step.
  public var interrupted: Bool
  /// Where a run stands that was interrupted, with which it can be continued; nil for one that has ended.
  public var state: TrainingState?
  /// The step that this call has continued after; nil where it began anew.
  public var continuedAfter: Int?
  /// Whether the run had come to its end before this call, which then has done nothing.
  public var wasFinished: Bool
  /// The number of the run in its ledger; nil where there is none.
  public var number: Int?
  /// The average of the weights, where one was asked for and has begun.
  public var averaged: Model?
  /// The model after the epoch whose validation was best, where it was asked for.
  public var best: (model: Model, epoch: Int)?

  /// The learning rates that the user has set while the run was under way, in order; mostly none.
  public var rateChanges: [RateChange] { epochs.flatMap(\.rateChanges) + laterRateChanges }
  /// What should make one doubt the run or keeps it from being the same again, a sentence each.
  public var warnings: [String] { epochs.flatMap(\.notes) + laterRateChanges.map(\.sentence) }
}
