import Base
import Datasets
import Networks

/// Measures the model after each epoch on examples of its own, under an attack if there is one.
final class Validation: TrainingObserver {
  private let data: Dataset
  private let attack: (any Attack)?
  private let seed: UInt64

  init(_ data: Dataset, attack: (any Attack)?, seed: UInt64) {
    self.data = data
    self.attack = attack
    self.seed = seed
  }

  func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool {
    let evaluation = try evaluate(
      model, on: data, attacks: attack.map { [$0] } ?? [], seed: attack?.isRandom == true ? seed : nil,
      forwards: model.isRandom ? 1 : nil)
    epoch.figures.append(("validation_natural", evaluation.naturalAccuracy.value))
    if attack != nil { epoch.figures.append(("validation_robust", evaluation.worstCase.value)) }
    return true
  }
}
