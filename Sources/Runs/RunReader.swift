import Base
internal import GRDB
import Robustness
import Tensors

/// What a ledger holds, read back: the list of its runs, and each of them as the evaluation that it was.
public struct RunReader: Sendable {
  let database: RunDatabase

  /// How many examples, or which share of them where their number is not kept.
  public enum Figure: Sendable, Equatable {
    /// So many of the examples.
    case count(Int)
    /// From 0 to 1.
    case share(Double)
  }

  /// A line of the list of runs.
  public struct Entry: Sendable {
    /// The number of the run.
    public var run: Int
    /// "evaluation" or "training".
    public var kind: String
    /// When it was begun, in UTC.
    public var began: String
    /// Whether it came to its end.
    public var isComplete: Bool
    /// The names of model, data and attacks; of a training run, its method instead of these.
    public var model, data: String
    public var attacks: [String]
    /// How many examples it is about.
    public var n: Int
    /// How many of them are classified correctly as they are, and how many no attack broke, as far as is known; of a
    /// training run the shares that its last validation has measured, nil where there was none.
    public var natural, robust: Figure?
    /// How long it took, in seconds.
    public var seconds: Double
  }

  /// Opens a ledger for reading.
  ///
  /// - Parameter argument: what names the file in a call.
  /// - Throws: `io` where it cannot be read, is damaged, or is of another version; `value` where it is something else.
  public init(_ path: String, argument: String = "ledger") throws(CoreError) {
    database = try RunDatabase(path, writes: false, argument: argument)
  }

  /// All runs in their order.
  public func entries() throws(CoreError) -> [Entry] {
    try database.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT r.*, ifnull(w.right, 0) AS right, ifnull(w.robust, 0) AS robust FROM runs r
          LEFT JOIN (SELECT run, sum(correct) AS right, sum(robust) AS robust FROM worst_case GROUP BY run) w
            ON w.run = r.run
          ORDER BY r.run
          """
      ).map { row in
        let run = try row.value("run") as Int
        try RunSeal.check(run, db)
        let isTraining = try row.value("kind") as String == "training"
        func figure(_ column: String, _ name: String) throws -> Figure? {
          guard isTraining else { return .count(try row.value(column)) }
          return try Double.fetchOne(
            db, sql: "SELECT value FROM epochs WHERE run = ? AND name = ? ORDER BY epoch DESC LIMIT 1",
            arguments: [run, name]
          ).map { .share($0) }
        }
        return Entry(
          run: run, kind: try row.value("kind"), began: try row.value("began"),
          isComplete: try row.value("status") == "complete",
          model: try row.value("model"),
          data: try row.value("data"),
          attacks: try isTraining
            ? [row.optional("method") ?? ""]
            : String.fetchAll(
              db, sql: "SELECT name FROM attacks WHERE run = ? ORDER BY attack", arguments: [run]),
          n: try row.value("n"), natural: try figure("right", "validation_natural"),
          robust: try figure("robust", "validation_robust"),
          seconds: try row.value("seconds"))
      }
    }
  }

  /// A run as the evaluation that it was, as far as it came.
  ///
  /// - Throws: `value` where there is no such run, or where it has not even looked at all examples as they are.
  public func evaluation(_ run: Int) throws(CoreError) -> Evaluation {
    let path = database.path
    return try database.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM runs WHERE run = ?", arguments: [run]) else {
        let last = try Int.fetchOne(db, sql: "SELECT max(run) FROM runs")
        throw CoreError(
          .value, "'\(path)' has no run \(run)",
          hint: last.map { "its last one is \($0); runs() lists them" } ?? "it has none yet", argument: "n")
      }
      let description = try Self.description(of: run, db)
      let natural = try Self.natural(of: run, db)
      guard natural.count == description.n else {
        throw CoreError(
          .value, "run \(run) of '\(path)' was ended after \(natural.count) of \(description.n) natural images",
          hint: "the same call of evaluate continues it", argument: "n")
      }
      let examples = try Row.fetchAll(
        db, sql: "SELECT id, label FROM examples WHERE run = ? ORDER BY position", arguments: [run])
      let seconds = try Double.fetchAll(
        db, sql: "SELECT seconds FROM attacks WHERE run = ? ORDER BY attack", arguments: [run])
      let warnings = try JSON.parse(row.value("warnings") as String).arrayValue?.compactMap(\.stringValue) ?? []
      var evaluation = Evaluation(
        run: description, labels: try examples.map { try $0.value("label") },
        ids: try examples.map { try $0.value("id") },
        naturalVerdicts: natural, warnings: warnings)
      for (number, round) in description.rounds.enumerated() {
        var outcome = evaluation.next(round)
        for (position, verdict) in try Self.verdicts(of: run, number, db)
        where outcome.verdicts.indices.contains(position) {
          outcome.verdicts[position] = verdict
        }
        outcome.seconds = seconds[number]
        evaluation.attacks.append(outcome)
      }
      evaluation.isComplete = evaluation.attacks.allSatisfy { $0.unsettled == 0 }
      for remark in evaluation.openEnds where !evaluation.warnings.contains(remark) {
        evaluation.warnings.append(remark)
      }
      evaluation.number = run
      evaluation.seconds = try row.value("seconds")
      return evaluation
    }
  }

  /// The adversarial images that a run has kept, [k, c, h, w], with the attack and the position of each; nil for none.
  public func images(of run: Int) throws(CoreError) -> KeptImages? {
    let found = try database.read { db -> (attacks: [Int], positions: [Int], shape: [Int], values: [Float])? in
      var found: (attacks: [Int], positions: [Int], shape: [Int], values: [Float]) = ([], [], [], [])
      let rows = try Row.fetchCursor(
        db, sql: "SELECT attack, position, shape, image, digest FROM images WHERE run = ? ORDER BY attack, position",
        arguments: [run])
      while let row = try rows.next() {
        try StopSignal.poll()
        found.attacks.append(try row.value("attack"))
        found.positions.append(try row.value("position"))
        let shape = try JSON.parse(row.value("shape") as String).ints ?? []
        let values = try row.withUnsafeData(named: "image") { data in data.map { FloatBytes.floats(of: $0) } ?? [] }
        guard found.shape.isEmpty || found.shape == shape, !shape.isEmpty,
          values.count == shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue })
        else { throw Row.damaged("image") }
        guard try row.value("digest") == RowDigest.of(values[...]) else { throw Row.damaged("image") }
        found.shape = shape
        found.values += values
      }
      return found.positions.isEmpty ? nil : found
    }
    guard let found else { return nil }
    return KeptImages(
      attacks: found.attacks, positions: found.positions,
      images: try Tensor(found.values, shape: [found.positions.count] + found.shape))
  }

  // MARK: Rows

  static func description(of run: Int, _ db: Database) throws -> RunDescription {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM runs WHERE run = ?", arguments: [run]) else {
      throw CoreError(.value, "there is no run \(run)")
    }
    try RunSeal.check(run, db)
    let rounds = try Row.fetchAll(
      db, sql: "SELECT * FROM attacks WHERE run = ? ORDER BY attack", arguments: [run]
    ).map { row in
      guard let norm = Norm(rawValue: try row.value("norm")) else {
        throw CoreError(.io, "run \(run) has an attack in an unknown norm", argument: "path")
      }
      return RunDescription.Round(
        attack: try row.value("name"), settings: try row.value("settings"), norm: norm, eps: try row.value("eps"),
        seed: (try row.optional("seed") as String?).flatMap { UInt64($0) }, continues: try row.value("continues"),
        isMinimal: try row.value("is_minimal"),
        dependsOnBatches: try row.value("depends_on_batches"))
    }
    var answers: RandomAnswers?
    if let forwards: Int = try row.optional("forwards") {
      let seed: String? = try row.optional("noise_seed")
      answers = RandomAnswers(forwards: forwards, seed: seed.flatMap { UInt64($0) } ?? 0)
    }
    let description = RunDescription(
      model: try row.value("model"), modelFingerprint: try row.optional("model_fingerprint"),
      modelFile: try row.optional("model_file"),
      data: try row.value("data"), dataFingerprint: try row.optional("data_fingerprint"),
      classNames: try JSON.parse(row.value("classes") as String).arrayValue?.compactMap(\.stringValue) ?? [],
      n: try row.value("n"),
      rounds: rounds, batch: try row.value("batch"), keepsImages: try row.value("keeps_images"),
      answers: answers,
      command: try row.optional("command"), version: try row.value("version"), build: try row.optional("build"),
      machine: try row.value("machine"))
    guard try row.value("identity") == description.identity.line else { throw Row.damaged("identity") }
    return description
  }

  static func natural(of run: Int, _ db: Database) throws -> [NaturalVerdict] {
    let verdicts = try Row.fetchAll(
      db, sql: "SELECT * FROM examples WHERE run = ? ORDER BY position", arguments: [run]
    ).enumerated().map { position, row in
      let verdict = NaturalVerdict(
        prediction: try row.value("prediction"), margin: try row.value("margin"),
        right: try row.optional("right_answers"))
      let digest = RowDigest.of(verdict, position: position, id: try row.value("id"), label: try row.value("label"))
      guard try row.value("digest") == digest else { throw Row.damaged("digest") }
      return verdict
    }
    let count = try Int.fetchOne(db, sql: "SELECT examples FROM runs WHERE run = ?", arguments: [run])
    guard verdicts.count == count else { throw Row.damaged("examples") }
    return verdicts
  }

  static func verdicts(of run: Int, _ round: Int, _ db: Database) throws -> [(position: Int, verdict: Verdict)] {
    let verdicts = try Row.fetchAll(
      db,
      sql: """
        SELECT v.*, e.id, e.label FROM verdicts v JOIN examples e ON e.run = v.run AND e.position = v.position
        WHERE v.run = ? AND v.attack = ? ORDER BY v.position
        """, arguments: [run, round]
    ).map { row in
      let verdict = Verdict(
        id: try row.value("id"), label: try row.value("label"), prediction: try row.value("prediction"),
        brokenBy: try row.optional("broken_by"), distance: try row.optional("distance"),
        margin: try row.value("margin"), queries: try row.value("queries"), gradients: try row.value("gradients"),
        foundAfterQueries: try row.value("found_after_queries"),
        foundAfterGradients: try row.value("found_after_gradients"), beganFlat: try row.value("began_flat"),
        isDisputed: try row.value("is_disputed"), right: try row.optional("right_answers"))
      let position: Int = try row.value("position")
      guard try row.value("digest") == RowDigest.of(verdict, position: position, attack: round) else {
        throw Row.damaged("digest")
      }
      return (position: position, verdict: verdict)
    }
    let count = try Int.fetchOne(
      db, sql: "SELECT verdicts FROM attacks WHERE run = ? AND attack = ?", arguments: [run, round])
    guard verdicts.count == count else { throw Row.damaged("verdicts") }
    return verdicts
  }
}

/// Adversarial images that a run has kept.
public struct KeptImages {
  /// Which attack broke the example, for each image.
  public var attacks: [Int]
  /// Which example it is of, for each image.
  public var positions: [Int]
  /// The images, [k, c, h, w].
  public var images: Tensor
}

extension Row {
  /// The value of a column, which a file that was changed by hand or is damaged may not have, or have as something else.
  ///
  /// - Throws: `io` where it is not there, is NULL, or is of another type.
  func value<Wanted: DatabaseValueConvertible>(_ name: String) throws(CoreError) -> Wanted {
    guard let value: Wanted = try optional(name) else { throw Self.damaged(name) }
    return value
  }

  /// The value of a column that may be NULL.
  func optional<Wanted: DatabaseValueConvertible>(_ name: String) throws(CoreError) -> Wanted? {
    guard hasColumn(name) else { throw Self.damaged(name) }
    let stored = (self[name] as (any DatabaseValueConvertible)?)?.databaseValue ?? .null
    if stored.isNull { return nil }
    guard let value = Wanted.fromDatabaseValue(stored) else { throw Self.damaged(name) }
    return value
  }

  static func damaged(_ column: String) -> CoreError {
    CoreError(
      .io, "the ledger is damaged: the '\(column)' of a row is not what was written",
      hint: "take a copy from before, or save into another file", argument: "path")
  }
}
