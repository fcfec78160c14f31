import Base
internal import GRDB
import Platform
import Robustness

/// The file in which runs are kept: an SQLite database that `sqlite3`, pandas and others read.
///
/// Every write is a transaction that is flushed to the disk, so that the file holds whole batches whatever happens to the
/// process or the machine. Several processes may use one file at the same time: they wait for each other, ten seconds
/// at most, and a wait ends with Ctrl-C. The journal is the classic one rather than a write-ahead log, so that a ledger
/// is one file and can be read where nothing can be written.
///
/// SQLite does not notice every byte that a disk has lost. Rows of evidence have a digest, and so has what a run says of
/// itself, its attacks and its epochs; what is read is compared with it, and the rows are counted: a damaged ledger is an
/// error, never another number.
///
/// The schema has a version. A file of an older one is migrated when it is opened for writing; one of a newer one is
/// refused, since what it means is not known here.
final class RunDatabase: Sendable {
  let path: String
  /// The argument of a call that names the file: errors of the file are about it.
  let argument: String
  private let queue: DatabaseQueue
  private let waiting: Waiting

  /// Who waits for another process: the signal that ends the wait.
  private final class Waiting: @unchecked Sendable {
    var word = StopSignal.wordOfThread

    func goesOn(_ attempts: Int) -> Bool {
      if attempts >= 1000 || StopSignal.isRaised(at: word) { return false }
      usleep(10_000)
      return true
    }
  }

  /// The number by which the file says that it is ours: "ltdr".
  private static let application: Int32 = 0x6C74_6472

  /// Opens a file of runs.
  ///
  /// - Parameters:
  ///   - writes: whether it may be changed, and is made where it is missing.
  ///   - argument: what names the file in a call.
  /// - Throws: `io` where it cannot be opened, is damaged, or is of a newer version; `value` where it is something else.
  init(_ path: String, writes: Bool, argument: String) throws(CoreError) {
    (self.path, self.argument) = (path, argument)
    let waiting = Waiting()
    self.waiting = waiting
    var configuration = Configuration()
    configuration.readonly = !writes
    configuration.label = "ltd runs"
    configuration.busyMode = .callback { waiting.goesOn($0) }
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = EXTRA") }
    do {
      try Self.check(path, writes: writes)
      // A name such as ":memory:" is that of a file here.
      queue = try DatabaseQueue(path: path.hasPrefix("/") ? path : "./" + path, configuration: configuration)
      let (application, tables) = try queue.read { db in
        (
          try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
          try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        )
      }
      guard application == Self.application || tables == 0 && writes else {
        throw CoreError(
          .value, "'\(path)' is a database, but not of runs of ltd", hint: "give the path of a new file",
          argument: "path")
      }
      let migrator = Self.migrator
      if try queue.read(migrator.hasBeenSuperseded) {
        throw CoreError.file(path, "was written by a newer version of ltd", hint: "use that version, or another file")
      }
      if writes {
        try migrator.migrate(queue)
      } else if try !queue.read(migrator.hasCompletedMigrations) {
        throw CoreError.file(
          path, "is of an older version of ltd", hint: "evaluate(…, save=\"\(path)\") brings it up to date")
      }
    } catch { throw Self.failure(error, path, argument: argument) }
  }

  /// Checks that a path leads to a file, or to none yet where one may be made.
  private static func check(_ path: String, writes: Bool) throws(CoreError) {
    try CoreError.checkPath(path)
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw .file(path, "is not a regular file", hint: "give the path of a file: save=\"runs.sqlite\"")
      }
    } else if !writes {
      throw .cannot("read", path, code: errno, hint: "evaluate(…, save=\"\(path)\") makes it")
    }
  }

  /// Reads within one transaction.
  func read<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws(CoreError) -> Result {
    try access { try queue.read(body) }
  }

  /// Writes to a run within one transaction. A run that is damaged is not written to.
  func write(to run: Int, _ body: @Sendable (Database) throws -> Void) throws(CoreError) {
    try write { db in
      try RunSeal.check(run, db)
      try body(db)
      try RunSeal.seal(run, db)
    }
  }

  /// Writes within one transaction, which is on the disk when this returns, or not at all. It is not left half done when
  /// there is a reason to stop.
  func write<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws(CoreError) -> Result {
    try access { try queue.write(body) }
  }

  private func access<Result>(_ body: () throws -> Result) throws(CoreError) -> Result {
    waiting.word = StopSignal.wordOfThread
    do { return try body() } catch { throw Self.failure(error, path, argument: argument) }
  }

  // MARK: Schema

  /// The steps from one version of the schema to the next; what is released never changes.
  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(sql: "PRAGMA application_id = \(application)")
      try db.execute(sql: schema)
    }
    // Models that answer at random.
    migrator.registerMigration("2") { db in
      try db.execute(
        sql: """
          ALTER TABLE runs ADD COLUMN forwards INTEGER;
          ALTER TABLE runs ADD COLUMN noise_seed TEXT;
          ALTER TABLE examples ADD COLUMN right_answers INTEGER;
          ALTER TABLE verdicts ADD COLUMN right_answers INTEGER;
          """)
    }
    migrator.registerMigration("3") { db in try db.execute(sql: trainings) }
    // What a run says of itself is checked, too.
    migrator.registerMigration("4") { db in
      try db.execute(sql: "ALTER TABLE runs ADD COLUMN digest TEXT")
      for run in try Int.fetchAll(db, sql: "SELECT run FROM runs") { try RunSeal.seal(run, db) }
    }
    // Evaluations that several processes have shared.
    migrator.registerMigration("5") { db in try db.execute(sql: RunShare.schema) }
    return migrator
  }

  /// Version 3: training runs beside evaluations.
  private static let trainings = """
    ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'evaluation' CHECK (kind IN ('evaluation', 'training'));
    ALTER TABLE runs ADD COLUMN method TEXT;
    ALTER TABLE runs ADD COLUMN trained_fingerprint TEXT;
    CREATE TABLE epochs (
      run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      name TEXT NOT NULL,
      value REAL,
      UNIQUE (run, epoch, name)
    );
    """

  /// Version 1; `SCHEMA.md` says what each column means.
  private static let schema = """
    CREATE TABLE runs (
      run INTEGER PRIMARY KEY AUTOINCREMENT,
      identity TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('open', 'complete')),
      began TEXT NOT NULL,
      changed TEXT NOT NULL,
      seconds REAL NOT NULL DEFAULT 0,
      examples INTEGER NOT NULL DEFAULT 0,
      model TEXT NOT NULL,
      model_fingerprint TEXT,
      model_file TEXT,
      data TEXT NOT NULL,
      data_fingerprint TEXT,
      classes TEXT NOT NULL,
      n INTEGER NOT NULL,
      batch INTEGER NOT NULL,
      keeps_images INTEGER NOT NULL,
      command TEXT,
      version TEXT NOT NULL,
      build TEXT,
      machine TEXT NOT NULL,
      warnings TEXT NOT NULL DEFAULT '[]'
    );
    CREATE INDEX runs_by_identity ON runs (identity);
    CREATE TABLE examples (
      run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      position INTEGER NOT NULL,
      id INTEGER NOT NULL,
      label INTEGER NOT NULL,
      prediction INTEGER NOT NULL,
      margin REAL NOT NULL,
      digest TEXT NOT NULL,
      PRIMARY KEY (run, position)
    ) WITHOUT ROWID;
    CREATE TABLE attacks (
      run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      attack INTEGER NOT NULL,
      name TEXT NOT NULL,
      settings TEXT NOT NULL,
      norm TEXT NOT NULL,
      eps REAL NOT NULL,
      seed TEXT,
      continues INTEGER NOT NULL,
      is_minimal INTEGER NOT NULL,
      depends_on_batches INTEGER NOT NULL,
      verdicts INTEGER NOT NULL DEFAULT 0,
      seconds REAL NOT NULL DEFAULT 0,
      PRIMARY KEY (run, attack)
    ) WITHOUT ROWID;
    CREATE TABLE verdicts (
      run INTEGER NOT NULL,
      attack INTEGER NOT NULL,
      position INTEGER NOT NULL,
      broken_by INTEGER,
      prediction INTEGER NOT NULL,
      distance REAL,
      margin REAL NOT NULL,
      queries INTEGER NOT NULL,
      gradients INTEGER NOT NULL,
      found_after_queries INTEGER NOT NULL,
      found_after_gradients INTEGER NOT NULL,
      began_flat INTEGER NOT NULL,
      is_disputed INTEGER NOT NULL,
      digest TEXT NOT NULL,
      PRIMARY KEY (run, attack, position),
      FOREIGN KEY (run, attack) REFERENCES attacks ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE TABLE images (
      run INTEGER NOT NULL,
      attack INTEGER NOT NULL,
      position INTEGER NOT NULL,
      shape TEXT NOT NULL,
      image BLOB NOT NULL,
      digest TEXT NOT NULL,
      PRIMARY KEY (run, attack, position),
      FOREIGN KEY (run, attack) REFERENCES attacks ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE VIEW worst_case AS
      SELECT e.run, e.position, e.id, e.label, e.prediction,
        e.prediction = e.label AS correct,
        e.prediction = e.label AND min(v.attack) IS NULL AS robust,
        min(v.attack) AS broken_by_attack
      FROM examples e
      LEFT JOIN verdicts v ON v.run = e.run AND v.position = e.position AND v.broken_by IS NOT NULL
      GROUP BY e.run, e.position;
    """

  // MARK: Errors

  /// What went wrong in words.
  ///
  /// - Parameter argument: what names the file in a call.
  private static func failure(_ error: any Error, _ path: String, argument: String) -> CoreError {
    var failure = failure(error, path)
    if failure.argument == "path" { failure.argument = argument }
    return failure
  }

  private static func failure(_ error: any Error, _ path: String) -> CoreError {
    if let error = error as? CoreError { return error }
    if let reason = StopSignal.reasonOfThread { return CoreError(reason) }
    guard let error = error as? DatabaseError else { return .file(path, "cannot be used: \(error)", hint: nil) }
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return .file(path, "is locked by another process", hint: "wait until that is done, or use another file")
    case .SQLITE_READONLY:
      return .file(path, "cannot be written to", hint: "use another file, or change its mode or that of its folder")
    case .SQLITE_FULL: return .cannot("write", path, code: ENOSPC, hint: "make room: what is written so far stays")
    case .SQLITE_NOTADB:
      return CoreError(
        .value, "'\(path)' is not a database of runs", hint: "give the path of a new file", argument: "path")
    case .SQLITE_CORRUPT:
      return .file(
        path, "is damaged: \(error.message ?? "SQLite cannot read it")",
        hint: "sqlite3 '\(path)' .recover saves what can be read")
    case .SQLITE_CANTOPEN:
      return .file(path, "cannot be opened", hint: "check that the folder exists and can be written to")
    default: return .file(path, "cannot be used: \(error.message ?? "\(error.resultCode)")", hint: nil)
    }
  }
}
