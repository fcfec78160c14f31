import Base
import Datasets
import Networks

extension TrainingReport {
  /// All of a report but models and data, in a form that a saved session holds.
  package struct Kept {
    /// The call that makes the method.
    package var method: String
    /// The epochs as text, numbers by their bits.
    package var history: String
    /// Steps, whether it was interrupted, whether it was finished before, the step it continued after and its number; -1
    /// for none.
    package var figures: [Int]
    /// How many seconds the call took.
    package var seconds: Double
    /// What the run was begun with, as JSON; nil for a run that has ended.
    package var description: String?
    /// The state of a run that was stopped.
    package var tensors: NamedTensors
    /// The steps that this state has behind it, and whether it is finished.
    package var state: [Int]

    /// A report in this form.
    package init(
      method: String, history: String, figures: [Int], seconds: Double, description: String?, tensors: NamedTensors,
      state: [Int]
    ) {
      (self.method, self.history, self.figures, self.seconds) = (method, history, figures, seconds)
      (self.description, self.tensors, self.state) = (description, tensors, state)
    }
  }

  /// The report in the form that a saved session holds.
  package var kept: Kept {
    Kept(
      method: method, history: epochs.text,
      figures: [steps, interrupted ? 1 : 0, wasFinished ? 1 : 0, continuedAfter ?? -1, number ?? -1], seconds: seconds,
      description: state?.description.json.line, tensors: state?.tensors ?? [],
      state: state.map { [$0.step, $0.isFinished ? 1 : 0] } ?? [])
  }

  /// The data that the state of a stopped run refers to, the training data first.
  package var examples: [Dataset] {
    guard let examples = state?.examples else { return [] }
    return [examples.data] + (examples.validation.map { [$0] } ?? [])
  }

  /// The report that `kept` has written.
  ///
  /// - Throws: `value` for one that no program wrote.
  package init(
    _ kept: Kept, examples: [Dataset], averaged: Model?, best: Model?, epoch: Int
  ) throws(CoreError) {
    guard kept.figures.count == 5, kept.description == nil || kept.state.count == 2, examples.count <= 2 else {
      throw CoreError(.value, "this is no report of a training run")
    }
    let figures = kept.figures
    var state: TrainingState?
    if let text = kept.description {
      guard let json = try? JSON.parse(Array(text.utf8)), let description = TrainingDescription(json) else {
        throw CoreError(.value, "this is no report of a training run")
      }
      state = TrainingState(
        description: description, tensors: kept.tensors, step: kept.state[0], isFinished: kept.state[1] == 1)
      if let data = examples.first { state?.examples = (data, examples.dropFirst().first) }
    }
    var later: [RateChange] = []
    if let rates = state?.tensors.first(where: { $0.name == TrainingState.rates }) {
      later = try [RateChange](rates.tensor, steps: state?.step ?? 0)
    }
    self.init(
      method: kept.method, epochs: try [EpochReport](text: kept.history), laterRateChanges: later, steps: figures[0],
      seconds: kept.seconds,
      interrupted: figures[1] == 1, state: state, continuedAfter: figures[3] < 0 ? nil : figures[3],
      wasFinished: figures[2] == 1, number: figures[4] < 0 ? nil : figures[4], averaged: averaged,
      best: best.map { ($0, epoch) })
  }
}
