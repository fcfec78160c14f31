import Base
import Networks
import Tensors

/// By which measure of the validation the best model of a run is chosen.
public enum ModelSelection: String, SettingChoice {
  /// The share of examples that neither PGD nor PGD on the margin of the logits breaks.
  case robust
  /// The share of examples that are classified correctly as they are.
  case natural
  /// The mean cross-entropy of the examples as they are, the lower the better.
  case loss

  /// The name of the figure that `Validation` reports.
  var figure: String { "validation_\(rawValue)" }
}

/// Keeps a copy of the model as it was after the epoch whose validation was best, and ends a run in which it has not
/// become better for a while. Of equal epochs the first counts.
final class BestModel: TrainingObserver {
  private let selection: ModelSelection
  private let patience: Int?
  /// Weights and buffers by name; empty before the first validation.
  private var best: NamedTensors = []
  private(set) var epoch = 0
  private var value = 0.0
  /// Validations since then.
  private var waited = 0

  /// - Parameter patience: after how many validations without a better one the run ends; nil for never.
  init(by selection: ModelSelection, patience: Int?) {
    (self.selection, self.patience) = (selection, patience)
  }

  var settings: [TrainingDescription.Field] {
    [.init("select", selection.rawValue)] + (patience.map { [.init("patience", "\($0)")] } ?? [])
  }

  func after(_ epoch: inout EpochReport, _ model: Model) throws -> Bool {
    guard let figure = epoch[figure: selection.figure] else { return true }
    if best.isEmpty || (selection == .loss ? figure < value : figure > value) {
      (best, value, self.epoch, waited) = (model.state, figure, epoch.epoch, 0)
      return true
    }
    waited += 1
    guard let patience, waited >= patience else { return true }
    epoch.notes.append(
      "stopped early: \(selection.figure) was best after epoch \(self.epoch); "
        + (waited == 1 ? "the next one was not better" : "the next \(waited) were not better"))
    return false
  }

  /// The best model; nil before the first validation.
  func model(like model: Model) throws -> Model? {
    guard !best.isEmpty else { return nil }
    let made = model.copy()
    try made.setState(best)
    return made
  }

  var state: NamedTensors {
    get throws(CoreError) {
      let numbers = [epoch, waited, Int(Int64(bitPattern: value.bitPattern))]
      return [("numbers", try Tensor(ints: numbers, shape: [3]))] + best
    }
  }

  func restore(_ state: NamedTensors) throws(CoreError) {
    guard let first = state.first, first.name == "numbers", first.tensor.dtype == .int64, first.tensor.count == 3 else {
      throw CoreError(.value, "this state has no best model")
    }
    let numbers = first.tensor.ints()
    (epoch, waited, value) = (numbers[0], numbers[1], Double(bitPattern: UInt64(bitPattern: Int64(numbers[2]))))
    best = Array(state.dropFirst())
  }
}
