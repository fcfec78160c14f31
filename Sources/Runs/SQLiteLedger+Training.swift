import Base
internal import GRDB
import Robustness

// Training runs in the ledger: a row of `runs` each, of the kind 'training', and what each epoch measured in `epochs`.

extension SQLiteLedger: TrainingLedger {
  /// Begins a record of a training run, or goes on with the latest one of the same description.
  public func begin(_ entry: TrainingEntry) throws -> any TrainingRecord {
    let identity = entry.description.json.line
    let (version, machine, now) = (Build.version, RunDescription.thisMachine, timeText(secondsSince1970()))
    let number = try database.write { db -> Int in
      let last = try Row.fetchOne(
        db, sql: "SELECT run, status FROM runs WHERE identity = ? AND kind = 'training' ORDER BY run DESC LIMIT 1",
        arguments: [identity])
      if let last, try entry.continues || last.value("status") as String == "open" {
        let run = try last.value("run") as Int
        try RunSeal.check(run, db)
        if !entry.continues {
          try db.execute(sql: "UPDATE runs SET seconds = 0 WHERE run = ?", arguments: [run])
          try RunSeal.seal(run, db)
        }
        return run
      }
      try db.execute(
        sql: """
          INSERT INTO runs (identity, kind, method, status, began, changed, model, model_fingerprint, data,
            data_fingerprint, classes, n, batch, keeps_images, command, version, build, machine)
          VALUES (?, 'training', ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)
          """,
        arguments: [
          identity, entry.method, now, now, entry.model, entry.startFingerprint, entry.data,
          entry.dataFingerprint, JSON.array(entry.classNames.map { .string($0) }).line, entry.n, entry.batch,
          entry.command, version,
          Build.digest, machine,
        ])
      let number = Int(db.lastInsertedRowID)
      try RunSeal.seal(number, db)
      return number
    }
    return OpenTraining(database, number)
  }
}

/// A training run that is worked on.
private final class OpenTraining: TrainingRecord {
  let number: Int
  private let database: RunDatabase

  init(_ database: RunDatabase, _ number: Int) { (self.database, self.number) = (database, number) }

  func record(_ epochs: [EpochReport], seconds: Double) throws {
    let rows = epochs.flatMap { epoch in epoch.curves.map { (epoch.epoch, $0.name, $0.value) } }
    try database.write(to: number) { [number] db in
      try db.execute(sql: "DELETE FROM epochs WHERE run = ?", arguments: [number])
      let statement = try db.makeStatement(sql: "INSERT INTO epochs (run, epoch, name, value) VALUES (?, ?, ?, ?)")
      for (epoch, name, value) in rows { try statement.execute(arguments: [number, epoch, name, value]) }
      try db.execute(
        sql: "UPDATE runs SET seconds = seconds + ?, examples = n, changed = ? WHERE run = ?",
        arguments: [seconds, timeText(secondsSince1970()), number])
    }
  }

  func end(isComplete: Bool, fingerprint: String, warnings: [String]) throws {
    try database.write(to: number) { [number] db in
      try db.execute(
        sql: "UPDATE runs SET status = ?, changed = ?, trained_fingerprint = ?, warnings = ? WHERE run = ?",
        arguments: [
          isComplete ? "complete" : "open", timeText(secondsSince1970()), fingerprint,
          JSON.array(warnings.map { .string($0) }).line, number,
        ])
    }
  }
}

/// A training run as a ledger has it.
public struct RecordedTraining: Sendable {
  /// The number of the run.
  public var run: Int
  /// When it was begun, in UTC.
  public var began: String
  /// Whether it came to its end.
  public var isComplete: Bool
  /// The names of model and data, and the call that makes the method.
  public var model, data, method: String
  /// All settings by name.
  public var settings: [TrainingDescription.Field]
  /// The fingerprints of the first weights, of the last ones that are known, and of the data.
  public var startFingerprint, fingerprint, dataFingerprint: String?
  /// The version of ltd, and the processor with its threads.
  public var version, machine: String
  /// How long it took, in seconds.
  public var seconds: Double
  /// Alarms, a sentence each.
  public var warnings: [String]
  /// What each epoch measured, by name.
  public var epochs: [(epoch: Int, figures: [(name: String, value: Double)])]
}

extension RunReader {
  /// A training run; nil where the run of this number is an evaluation, or there is none.
  public func training(_ run: Int) throws(CoreError) -> RecordedTraining? {
    try database.read { db in
      guard
        let row = try Row.fetchOne(
          db, sql: "SELECT * FROM runs WHERE run = ? AND kind = 'training'", arguments: [run])
      else { return nil }
      try RunSeal.check(run, db)
      guard let description = TrainingDescription(try JSON.parse(row.value("identity") as String)) else {
        throw Row.damaged("identity")
      }
      var epochs: [(epoch: Int, figures: [(name: String, value: Double)])] = []
      // In the order in which they were measured.
      let rows = try Row.fetchAll(
        db, sql: "SELECT epoch, name, value FROM epochs WHERE run = ? ORDER BY epoch, rowid", arguments: [run])
      for row in rows {
        let (epoch, name) = (try row.value("epoch") as Int, try row.value("name") as String)
        if epochs.last?.epoch != epoch { epochs.append((epoch, [])) }
        // SQLite keeps NaN as NULL.
        epochs[epochs.count - 1].figures.append((name, try row.optional("value") ?? .nan))
      }
      return RecordedTraining(
        run: run, began: try row.value("began"), isComplete: try row.value("status") as String == "complete",
        model: try row.value("model"), data: try row.value("data"), method: try row.optional("method") ?? "",
        settings: description.fields, startFingerprint: try row.optional("model_fingerprint"),
        fingerprint: try row.optional("trained_fingerprint"),
        dataFingerprint: try row.optional("data_fingerprint"), version: try row.value("version"),
        machine: try row.value("machine"), seconds: try row.value("seconds"),
        warnings: try JSON.parse(row.value("warnings") as String).arrayValue?.compactMap(\.stringValue) ?? [],
        epochs: epochs)
    }
  }
}
