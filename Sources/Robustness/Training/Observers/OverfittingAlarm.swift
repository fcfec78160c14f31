import Base
import Networks
import Tensors

/// Raises an alarm where the robustness of a run is lost although its training looks well.
///
/// - Catastrophic overfitting (Wong et al. 2020; Andriushchenko and Flammarion 2020): the model resists the attack that it
///   is trained with, often a single step, better than before, while one of many steps breaks most of what it did not
///   break at the best epoch: robust accuracy of the validation below half of its best. It comes within an epoch. Where
///   the run trains with a step or a few, whose accuracy tells nothing then, a few images are attacked with one and with
///   many steps (`OneStepProbe`), whether there is a validation or not.
/// - Robust overfitting (Rice et al. 2020): in each of the last three validations robust accuracy was below its best, it is
///   two points below now, and that of the training images has gone on to rise. It comes slowly, usually after the learning
///   rate has fallen.
///
/// Each is raised once. What compares epochs needs a validation under an attack.
final class OverfittingAlarm: TrainingObserver {
  private let probe: OneStepProbe?
  /// The best robust accuracy of the validation, and that of training in the same epoch.
  private var best = (validation: -1.0, training: 0.0, epoch: 0)
  /// Validations below the best since then.
  private var fallen = 0
  /// The greatest share that resisted the stronger attack of the second look.
  private var bestOfProbe = 0.0
  private var raised = (catastrophic: false, robust: false)

  /// The least fall that counts as one, beyond what the sample of the validation may do.
  private static let least = 0.02

  /// - Parameter probe: the second look at an attack of few steps; nil where there is none.
  init(probe: OneStepProbe? = nil) { self.probe = probe }

  func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool {
    func percent(_ share: Double) -> String { "\((share * 100).rounded(to: 1)) %" }
    // What says the same to all images resists everything, for as long as it knows nothing.
    let chance = 1 / Double(max(2, model.classes)) + 0.05
    if !raised.catastrophic, let probe {
      let result = try probe.measured(model)
      defer { bestOfProbe = max(bestOfProbe, result.strong) }
      if result.isCatastrophic(after: bestOfProbe, chance: chance) {
        raised.catastrophic = true
        epoch.notes.append(
          "alarm: catastrophic overfitting: of \(result.n) images \(percent(result.weak)) resist an attack like that of "
            + "training and \(percent(result.strong)) one of \(OneStepProbe.steps) steps: take more steps, a smaller "
            + "step_size or n_fgsm(), or the weights of an earlier epoch")
      }
    }
    guard let robust = epoch[figure: "validation_robust"], let training = epoch.robustAccuracy else { return true }
    if robust > best.validation {
      (best, fallen) = ((robust, training, epoch.epoch), 0)
      return true
    }
    fallen += robust < best.validation ? 1 : 0
    let rises = training >= best.training
    if !raised.catastrophic, rises, best.validation - robust > 0.1, robust < best.validation / 2,
      best.validation > chance
    {
      raised.catastrophic = true
      epoch.notes.append(
        "alarm: catastrophic overfitting: the validation is robust to \(percent(robust)), after epoch \(best.epoch) it was "
          + "to \(percent(best.validation)), while the attack of training meets \(percent(training)): take more steps, a "
          + "smaller step_size, or the weights of that epoch")
    } else if !raised.robust, rises, fallen >= 3, best.validation - robust > Self.least {
      raised.robust = true
      epoch.notes.append(
        "alarm: robust overfitting: the validation is robust to \(percent(robust)), after epoch \(best.epoch) it was to "
          + "\(percent(best.validation)), while training has risen from \(percent(best.training)) to \(percent(training)): "
          + "select=\"robust\" keeps the best weights, patience= stops there")
    }
    return true
  }

  var state: NamedTensors {
    get throws(CoreError) {
      func bits(_ value: Double) -> Int { Int(Int64(bitPattern: value.bitPattern)) }
      let numbers = [
        bits(best.validation), bits(best.training), best.epoch, fallen, raised.catastrophic ? 1 : 0,
        raised.robust ? 1 : 0, bits(bestOfProbe),
      ]
      return [("numbers", try Tensor(ints: numbers, shape: [numbers.count]))]
    }
  }

  func restore(_ state: NamedTensors) throws(CoreError) {
    guard state.count == 1, state[0].name == "numbers", state[0].tensor.dtype == .int64, state[0].tensor.count == 7
    else {
      throw CoreError(.value, "this state has no alarm")
    }
    let numbers = state[0].tensor.ints()
    func value(_ bits: Int) -> Double { Double(bitPattern: UInt64(bitPattern: Int64(bits))) }
    best = (value(numbers[0]), value(numbers[1]), numbers[2])
    (fallen, raised) = (numbers[3], (numbers[4] == 1, numbers[5] == 1))
    bestOfProbe = value(numbers[6])
  }
}
