import Base
import Datasets
import Networks
import Tensors

/// Measures the model after an epoch on examples of its own, under an attack if there is one, and the average of its
/// weights beside it.
final class Validation: TrainingObserver {
  private let data: Dataset
  private let attacks: [any Attack]
  private let seed: UInt64
  private let every: Int
  private let epochs: Int
  private let needsLoss: Bool
  private let average: WeightAverage?

  /// - Parameters:
  ///   - attacks: what the examples are attacked with; the worst of them counts.
  ///   - every: after how many epochs it measures; it does after the last one, too.
  ///   - epochs: those of the run.
  ///   - needsLoss: whether the mean cross-entropy is measured.
  ///   - average: whose model is measured too.
  init(
    _ data: Dataset, attacks: [any Attack], seed: UInt64, every: Int = 1, epochs: Int = 1, needsLoss: Bool = false,
    average: WeightAverage? = nil
  ) {
    (self.data, self.attacks, self.seed, self.every, self.epochs) = (data, attacks, seed, every, epochs)
    (self.needsLoss, self.average) = (needsLoss, average)
  }

  func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool {
    guard epoch.epoch % every == 0 || epoch.epoch == epochs else { return true }
    epoch.figures += try measured(model, "validation")
    if let averaged = try average?.averaged(model) { epoch.figures += try measured(averaged, "averaged") }
    return true
  }

  private func measured(_ model: Model, _ name: String) throws -> [(name: String, value: Double)] {
    let evaluation = try evaluate(
      model, on: data, attacks: attacks, seed: attacks.contains(where: \.isRandom) ? seed : nil,
      forwards: model.isRandom ? 1 : nil)
    var figures = [(name: "\(name)_natural", value: evaluation.naturalAccuracy.value)]
    if !attacks.isEmpty { figures.append(("\(name)_robust", evaluation.worstCase.value)) }
    if needsLoss {
      let loss = try crossEntropy(logits(of: model, on: data, requiringFinite: true), labels: data.labels)
      figures.append(("\(name)_loss", Double(try loss.item())))
    }
    return figures
  }
}
