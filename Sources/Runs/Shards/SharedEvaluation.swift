import Base
import Datasets
import Networks
import Robustness
import Tensors

/// An evaluation whose examples several processes share, in chunks of a fixed number.
///
/// No verdict depends on the other examples, so a chunk is an evaluation of its own, in a ledger of its own, which
/// continues after a kill as any does. The whole is put together from the rows and goes once more through `evaluate`, which
/// finds all verdicts on record: so whatever it says of the whole is what it says of an unshared one. Where random numbers
/// follow a reference batch by batch, all examples are one chunk.
public struct SharedEvaluation {
  /// How many examples a chunk has.
  public static let size = 50

  /// Its cells: a chunk each.
  public let list: CellList
  private let run: ShardRun
  private let model: Model
  private let data: Dataset
  private let plan: EvaluationPlan
  private let size: Int

  /// An evaluation within a run of shards.
  ///
  /// - Throws: what `evaluate` throws before anything is computed.
  public init(_ run: ShardRun, _ model: Model, on data: Dataset, _ plan: EvaluationPlan) throws {
    guard plan.seconds == nil else {
      throw CoreError(
        .value, "max_time would end each shard at a moment of its own", hint: "leave it out: what is finished is kept",
        argument: "max_time")
    }
    var plan = plan
    plan.returnsWhenInterrupted = false
    let description = try plan.description(of: model, on: data)
    size = description.rounds.contains(where: \.dependsOnBatches) ? max(1, data.count) : Self.size
    let attacks = description.rounds.count
    list = try run.list(
      "evaluate",
      [
        ("the weights of the model", description.modelFingerprint ?? ""),
        ("the data", "\(description.dataFingerprint ?? "") \(data.ids.map { String($0) }.joined(separator: " "))"),
        ("its settings", description.identity.line),
      ],
      what: "the evaluation of \(model.name) on \(data.name) under \(attacks.of("attack"))",
      count: max(1, (data.count + size - 1) / size), ending: ".sqlite", isUnique: plan.canBeContinued)
    (self.run, self.model, self.data, self.plan) = (run, model, data, plan)
  }

  /// Which examples a chunk has.
  private func range(_ cell: Int) -> Range<Int> { cell * size..<min((cell + 1) * size, data.count) }

  /// Works out the chunks that are this session's.
  public func workOut(_ progress: (any Progress)?) throws {
    try run.workOut(list) { cell, path in
      let ledger = try SQLiteLedger(path, argument: "data")
      let found = try evaluate(model, on: data.subset(range(cell)), plan, ledger: ledger, progress: progress)
      if let note = run.note {
        let share = RunShare(
          first: range(cell).lowerBound, n: found.n, shard: "\(note.shard)", host: note.host, job: note.job,
          starts: note.starts, machine: found.run.machine, seconds: found.seconds)
        try ledger.keep([share], of: 1)
      }
      // A disk that is full costs an evaluation a warning, and would leave a cell with holes.
      guard try RunReader(path, argument: "data").evaluation(1).isComplete else {
        throw CoreError.file(path, "could not be written to its end", hint: "make room, and start the shard again")
      }
    }
  }

  /// Whether all chunks are finished.
  public func isWhole() throws(CoreError) -> Bool { try run.unfinished(list).isEmpty }

  /// The whole.
  ///
  /// - Parameter ledger: where it is recorded.
  /// - Throws: `limit` where chunks are missing; `value` where one is of other weights, images or settings.
  public func whole(_ ledger: (any RunLedger)? = nil, progress: (any Progress)? = nil) throws -> Evaluation {
    try run.requireAll(list)
    let chunks = try (0..<list.count).map { try chunk($0) }
    guard let ledger else {
      var evaluation = try evaluate(model, on: data, plan, ledger: ChunkRecord(chunks), progress: progress)
      evaluation.number = nil
      return evaluation
    }
    return try evaluate(model, on: data, plan, ledger: CopyingLedger(ledger, chunks), progress: progress)
  }

  /// The evaluations of the chunks that are finished, with the position of their first example.
  public func parts() throws -> [(first: Int, evaluation: Evaluation)] {
    let missing = Set(try run.unfinished(list))
    return try (0..<list.count).filter { !missing.contains($0) }.map { cell in
      let chunk = try chunk(cell)
      return (chunk.first, chunk.evaluation)
    }
  }

  /// A finished chunk, after a look whether it is what it should be.
  private func chunk(_ cell: Int) throws -> Chunk {
    let path = run.folder.cell(list.file(cell))
    let reader = try RunReader(path, argument: "data")
    let found = try reader.evaluation(1)
    let wanted = try plan.description(of: model, on: data.subset(range(cell)))
    guard found.run.identity == wanted.identity, found.isComplete else {
      let differences = wanted.differences(from: found.run)
      throw CoreError(
        .value,
        "'\(path)' is no chunk of \(list.what): "
          + (differences.isEmpty ? "it is not complete" : "\(differences.joined(separator: ", ")) is not the same"),
        hint: "remove it, and start the shards again", argument: "data")
    }
    return Chunk(
      first: range(cell).lowerBound, evaluation: found, images: { try reader.images(of: 1) },
      shares: try reader.shares(of: 1))
  }
}

/// A finished chunk: where it begins, its rows, and the images that it has kept.
private struct Chunk {
  let first: Int
  let evaluation: Evaluation
  let images: () throws -> KeptImages?
  let shares: [RunShare]
}

/// Finished chunks as the record of one evaluation.
private final class ChunkRecord: RunLedger, RunRecord, @unchecked Sendable {
  private let chunks: [Chunk]
  let number = 0

  init(_ chunks: [Chunk]) { self.chunks = chunks }

  func begin(_ description: RunDescription) -> any RunRecord { self }
  func natural() -> [NaturalVerdict] { chunks.flatMap(\.evaluation.naturalVerdicts) }
  func verdicts(of round: Int) -> [(position: Int, verdict: Verdict)] {
    chunks.flatMap { chunk in
      chunk.evaluation.attacks[round].verdicts.enumerated().compactMap { position, verdict in
        verdict.map { (chunk.first + position, $0) }
      }
    }
  }
  func seconds(of round: Int) -> Double { chunks.reduce(0) { $0 + $1.evaluation.attacks[round].seconds } }
  func seconds() -> Double { chunks.reduce(0) { $0 + $1.evaluation.seconds } }
  func end(isComplete: Bool, warnings: [String]) {}
  func record(natural: [NaturalVerdict], from first: Int, labels: [Int], ids: [Int], seconds: Double) throws {
    throw Self.isLess
  }
  func record(
    _ verdicts: [Verdict], at positions: [Int], images: (positions: [Int], images: Tensor)?, of round: Int,
    seconds: Double
  ) throws { throw Self.isLess }
  private static let isLess = CoreError(.value, "the chunks of the evaluation hold less than all verdicts")
}

/// A ledger that has the rows of finished chunks before an evaluation begins to look.
private final class CopyingLedger: RunLedger, @unchecked Sendable {
  private let ledger: any RunLedger
  private let chunks: [Chunk]

  init(_ ledger: any RunLedger, _ chunks: [Chunk]) { (self.ledger, self.chunks) = (ledger, chunks) }

  func begin(_ description: RunDescription) throws -> any RunRecord {
    let record = try ledger.begin(description)
    // What a copy that was killed has left is there already.
    let known = try record.natural().count
    for chunk in chunks where chunk.first + chunk.evaluation.n > known {
      try StopSignal.poll()
      let (found, skipped) = (chunk.evaluation, max(0, known - chunk.first))
      try record.record(
        natural: Array(found.naturalVerdicts[skipped...]), from: chunk.first + skipped,
        labels: Array(found.labels[skipped...]), ids: Array(found.ids[skipped...]),
        seconds: found.seconds - found.attacks.reduce(0) { $0 + $1.seconds })
    }
    for round in description.rounds.indices {
      let known = try record.verdicts(of: round).last?.position ?? -1
      for chunk in chunks {
        try StopSignal.poll()
        let outcome = chunk.evaluation.attacks[round]
        let new = outcome.verdicts.indices.filter { outcome.verdicts[$0] != nil && chunk.first + $0 > known }
        guard !new.isEmpty else { continue }
        try record.record(
          new.compactMap { outcome.verdicts[$0] }, at: new.map { chunk.first + $0 },
          images: description.keepsImages ? Self.images(of: chunk, round, after: known) : nil, of: round,
          seconds: outcome.seconds)
      }
    }
    try (ledger as? SQLiteLedger)?.keep(chunks.flatMap(\.shares), of: record.number)
    return record
  }

  private static func images(
    of chunk: Chunk, _ round: Int, after known: Int
  ) throws -> (positions: [Int], images: Tensor)? {
    guard let kept = try chunk.images() else { return nil }
    let chosen = kept.positions.indices.filter {
      kept.attacks[$0] == round && chunk.first + kept.positions[$0] > known
    }
    guard !chosen.isEmpty else { return nil }
    let size = kept.images.shape.dropFirst().reduce(1, *)
    let values = kept.images.floats()
    return (
      chosen.map { chunk.first + kept.positions[$0] },
      try Tensor(
        chosen.flatMap { values[$0 * size..<($0 + 1) * size] }, shape: [chosen.count] + kept.images.shape.dropFirst())
    )
  }
}
