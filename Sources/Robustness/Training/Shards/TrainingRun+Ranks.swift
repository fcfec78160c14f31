import Base
import Datasets
import Networks
import Tensors

/// A run that several processes do together: each of them does all of it but for the shards of the others, so that model,
/// optimiser, averages and decisions are the same on all. What can differ is agreed upon: whether somebody has stopped or
/// failed, once in each step and each epoch, and which checkpoint there is to continue from. The first rank alone writes.
extension TrainingRun {
  /// Refuses batches that cannot be shared by so many ranks.
  static func requireShards(of plan: TrainingPlan, for ranks: (any Communicator)?) throws(CoreError) {
    guard let ranks, ranks.size > plan.shards else { return }
    let size = ranks.size
    let fitting = (size...max(size, plan.batchSize)).first { plan.batchSize.isMultiple(of: $0) }
    guard plan.shards > 1 else {
      throw CoreError(
        .value, "\(size) processes are to train together, but the batches are not cut: each would do the same",
        hint: fitting.map { "fit(…, shards=\($0)), which gives the same weights on any number of ranks" }
          ?? "fit(…, batch=128, shards=8)", argument: "shards")
    }
    throw CoreError(
      .value, "\(size) ranks are more than the \(plan.shards) shards of a batch: some would have nothing to do",
      hint: "mpirun -np \(plan.shards) ltd …" + (fitting.map { ", or shards=\($0)" } ?? ""), argument: "shards")
  }

  /// Sees to it that all ranks are about to do the same.
  ///
  /// - Throws: `value` on all ranks, with what is other on which.
  func requireSameRun() throws {
    guard let ranks else { return }
    var own = try ranks.together(.fit, 0) { try description(withData: true) }
    own.fields.append(.init(TrainingDescription.weights, startWeights ?? ""))
    own.fields.append(.init("position", "after step \(stepsDone)"))
    let said = try ranks.meet(.fit, 1, saying: Array(own.json.line.utf8))
    let all = said.map { (try? JSON.parse($0)).flatMap { TrainingDescription($0) } }
    for (rank, other) in all.enumerated() {
      let differences = all[0].flatMap { first in other?.differences(from: first) } ?? []
      guard !differences.isEmpty else { continue }
      throw CoreError(
        .value, "rank \(rank) is about to train otherwise than rank 0: \(differences.joined(separator: "; "))",
        hint: "all ranks need the same script and the same files", argument: nil)
    }
  }

  /// Does something that succeeds on all ranks, or fails on all.
  func agreed<Outcome>(_ meeting: Meeting, _ number: Int, _ body: () throws -> Outcome) throws -> Outcome {
    try ranks.map { try $0.together(meeting, number, body) } ?? body()
  }

  /// The newest checkpoint that is whole, which is the same for all ranks: the first one says which.
  func newestCheckpoint(in folder: CheckpointFolder, warn: (String) -> Void) throws -> TrainingState? {
    guard let ranks else { return try folder.load(warn: warn) }
    let own = try ranks.together(.checkpoint, 0) { ranks.isFirst ? try folder.load(warn: warn) : nil }
    let name = try ranks.meet(.checkpoint, 1, saying: own == nil ? [] : Array((folder.newest ?? "").utf8))[0]
    return try ranks.together(.checkpoint, 2) {
      if ranks.isFirst || name.isEmpty { return own }
      return try folder.load(file: String(decoding: name, as: UTF8.self))
    }
  }

  /// Begins the records of the first rank, whose number all know.
  func beginRecords(_ ranks: any Communicator, _ begin: () throws -> TrainingRecorder) throws -> TrainingRecorder {
    let recorder = try ranks.together(.records, 0) {
      ranks.isFirst ? try begin() : try TrainingRecorder(nil, nil, continues: false)
    }
    recorder.told = try ranks.told(recorder.number)
    return recorder
  }
}
