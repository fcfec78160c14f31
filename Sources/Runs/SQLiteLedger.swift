import Base
internal import GRDB
import Platform
import Robustness
import Tensors

/// The ledger of a file: each evaluation that is handed to it is a run there, and one that was stopped, killed or without
/// power continues after the last batch that was whole.
///
/// While a run is worked on it is locked by an empty file beside the ledger, which the system lets go of when the process
/// ends in whatever way: two processes may write to one ledger, but not make the same run.
public final class SQLiteLedger: RunLedger {
  let database: RunDatabase
  private let onBegin: @Sendable (Int, Beginning) -> Void

  /// What `begin` has found.
  public enum Beginning: Sendable {
    /// There was no run of this identity; the last one that was not finished, if there is one, with in what it differs.
    case new(unlike: (run: Int, differences: [String])?)
    /// The run was begun before.
    case continued
    /// The run was done before.
    case complete

    fileprivate var isComplete: Bool { if case .complete = self { true } else { false } }
  }

  /// Opens a ledger, or begins one.
  ///
  /// - Parameters:
  ///   - argument: what names the file in a call.
  ///   - onBegin: told the number of each run that is begun or continued, before anything of it is computed.
  /// - Throws: `io` where it cannot be opened or written, is damaged, or is of a newer version; `value` where the file is
  ///   something else.
  public init(
    _ path: String, argument: String = "save",
    onBegin: @escaping @Sendable (_ run: Int, _ how: Beginning) -> Void = { _, _ in }
  ) throws(CoreError) {
    database = try RunDatabase(path, writes: true, argument: argument)
    self.onBegin = onBegin
  }

  /// Begins a run, or continues the latest one of the same identity, where that can be continued.
  ///
  /// - Throws: `io` where another process works on that run.
  public func begin(_ description: RunDescription) throws -> any RunRecord {
    let identity = description.identity.line
    let (number, beginning) = try database.write { db -> (Int, Beginning) in
      let row = try Row.fetchOne(
        db, sql: "SELECT run, status FROM runs WHERE identity = ? ORDER BY run DESC LIMIT 1", arguments: [identity])
      if let row, description.canBeContinued {
        try RunSeal.check(row.value("run"), db)
        let isComplete = try row.value("status") as String == "complete"
        return (try row.value("run"), isComplete ? .complete : .continued)
      }
      let last = try Int.fetchOne(
        db, sql: "SELECT run FROM runs WHERE status = 'open' AND kind = 'evaluation' ORDER BY run DESC LIMIT 1")
      let unlike = try last.map { run in
        (run: run, differences: description.differences(from: try RunReader.description(of: run, db)))
      }
      return (try Self.insert(description, identity, db), .new(unlike: unlike))
    }
    let run = try OpenRun(database, number, isComplete: beginning.isComplete)
    onBegin(number, beginning)
    return run
  }

  private static func insert(_ run: RunDescription, _ identity: String, _ db: Database) throws -> Int {
    let now = timeText(secondsSince1970())
    try db.execute(
      sql: """
        INSERT INTO runs (identity, status, began, changed, model, model_fingerprint, model_file, data,
          data_fingerprint, classes, n, batch, keeps_images, command, version, build,
          machine, forwards, noise_seed)
        VALUES (?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        identity, now, now, run.model, run.modelFingerprint, run.modelFile, run.data, run.dataFingerprint,
        JSON.array(run.classNames.map { .string($0) }).line, run.n, run.batch, run.keepsImages,
        run.command, run.version, run.build, run.machine, run.answers?.forwards,
        run.answers.map { String($0.seed) },
      ])
    let number = Int(db.lastInsertedRowID)
    for (i, round) in run.rounds.enumerated() {
      try db.execute(
        sql: """
          INSERT INTO attacks (run, attack, name, settings, norm, eps, seed, continues, is_minimal, depends_on_batches)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          number, i, round.attack, round.settings, round.norm.rawValue, round.eps, round.seed.map { String($0) },
          round.continues, round.isMinimal, round.dependsOnBatches,
        ])
    }
    try RunSeal.seal(number, db)
    return number
  }
}

/// A run that is worked on.
private final class OpenRun: RunRecord {
  let number: Int
  private let isComplete: Bool
  private let database: RunDatabase
  private let lock: Locked<GrowingFile>

  init(_ database: RunDatabase, _ number: Int, isComplete: Bool) throws(CoreError) {
    (self.database, self.number, self.isComplete) = (database, number, isComplete)
    do { lock = Locked(try GrowingFile("\(database.path).run\(number).lock")) } catch {
      guard error.message.hasSuffix(GrowingFile.isTaken) else { throw error }
      throw CoreError(
        .io, "run \(number) of '\(database.path)' is worked on by another process",
        hint: "wait until that is done, or save into another file", argument: database.argument)
    }
  }

  deinit { lock.withLock { $0.end() } }

  func natural() throws -> [NaturalVerdict] { try database.read { [number] in try RunReader.natural(of: number, $0) } }

  func record(natural: [NaturalVerdict], from first: Int, labels: [Int], ids: [Int], seconds: Double) throws {
    try database.write(to: number) { [number] db in
      let statement = try db.makeStatement(
        sql: """
          INSERT INTO examples (run, position, id, label, prediction, margin, right_answers, digest)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """)
      for (i, verdict) in natural.enumerated() {
        try statement.execute(arguments: [
          number, first + i, ids[i], labels[i], verdict.prediction, verdict.margin, verdict.right,
          RowDigest.of(verdict, position: first + i, id: ids[i], label: labels[i]),
        ])
      }
      try db.execute(
        sql: "UPDATE runs SET examples = examples + ? WHERE run = ?", arguments: [natural.count, number])
      try Self.add(seconds, to: number, db)
    }
  }

  func verdicts(of round: Int) throws -> [(position: Int, verdict: Verdict)] {
    try database.read { [number] in try RunReader.verdicts(of: number, round, $0) }
  }

  func record(
    _ verdicts: [Verdict], at positions: [Int], images: (positions: [Int], images: Tensor)?, of round: Int,
    seconds: Double
  ) throws {
    let kept = images.map { images in
      (images.positions, Array(images.images.shape.dropFirst()), images.images.floats())
    }
    try database.write(to: number) { [number] db in
      let statement = try db.makeStatement(
        sql: """
          INSERT INTO verdicts (run, attack, position, broken_by, prediction, distance, margin, queries, gradients,
            found_after_queries, found_after_gradients, began_flat, is_disputed, right_answers, digest)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """)
      for (position, verdict) in zip(positions, verdicts) {
        try statement.execute(arguments: [
          number, round, position, verdict.brokenBy, verdict.prediction, verdict.distance, verdict.margin,
          verdict.queries, verdict.gradients, verdict.foundAfterQueries, verdict.foundAfterGradients,
          verdict.beganFlat, verdict.isDisputed, verdict.right,
          RowDigest.of(verdict, position: position, attack: round),
        ])
      }
      if let (positions, shape, values) = kept, !positions.isEmpty {
        let size = values.count / positions.count
        let statement = try db.makeStatement(
          sql: "INSERT INTO images (run, attack, position, shape, image, digest) VALUES (?, ?, ?, ?, ?, ?)")
        let text = JSON.array(shape.map { .int($0) }).line
        for (i, position) in positions.enumerated() {
          let image = values[i * size..<(i + 1) * size]
          try statement.execute(arguments: [
            number, round, position, text, FloatBytes.data(of: image), RowDigest.of(image),
          ])
        }
      }
      try db.execute(
        sql: "UPDATE attacks SET seconds = seconds + ?, verdicts = verdicts + ? WHERE run = ? AND attack = ?",
        arguments: [seconds, verdicts.count, number, round])
      try Self.add(seconds, to: number, db)
    }
  }

  func seconds(of round: Int) throws -> Double {
    try database.read { [number] db in
      try Double.fetchOne(
        db, sql: "SELECT seconds FROM attacks WHERE run = ? AND attack = ?", arguments: [number, round]) ?? 0
    }
  }

  func seconds() throws -> Double {
    try database.read { [number] db in
      try Double.fetchOne(db, sql: "SELECT seconds FROM runs WHERE run = ?", arguments: [number]) ?? 0
    }
  }

  func end(isComplete: Bool, warnings: [String]) throws {
    guard !self.isComplete else { return }
    try database.write(to: number) { [number] db in
      try db.execute(
        sql: "UPDATE runs SET status = ?, changed = ?, warnings = ? WHERE run = ?",
        arguments: [
          isComplete ? "complete" : "open", timeText(secondsSince1970()),
          JSON.array(warnings.map { .string($0) }).line, number,
        ])
    }
  }

  private static func add(_ seconds: Double, to run: Int, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE runs SET seconds = seconds + ?, changed = ? WHERE run = ?",
      arguments: [seconds, timeText(secondsSince1970()), run])
  }
}
