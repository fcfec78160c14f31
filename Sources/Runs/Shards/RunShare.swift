import Base
internal import GRDB
import Robustness

/// Which process has worked out which examples of a run: what a reader has to know where machines differ.
public struct RunShare: Sendable, Equatable {
  /// The position of the first example, and how many there are.
  public var first, n: Int
  /// The shard, its machine, the job of Slurm (nil for none), and how often the shard had been started.
  public var shard, host: String
  public var job: String?
  public var starts: Int
  /// The processor with its threads.
  public var machine: String
  /// How long it took, in seconds.
  public var seconds: Double

  /// Version 5 of the schema.
  static let schema = """
    CREATE TABLE shares (
      run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      first INTEGER NOT NULL,
      n INTEGER NOT NULL,
      shard TEXT NOT NULL,
      host TEXT NOT NULL,
      job TEXT,
      starts INTEGER NOT NULL,
      machine TEXT NOT NULL,
      seconds REAL NOT NULL,
      PRIMARY KEY (run, first)
    ) WITHOUT ROWID;
    """
}

extension SQLiteLedger {
  /// Notes who has worked out examples of a run.
  ///
  /// - Throws: `io` where it cannot be written.
  public func keep(_ shares: [RunShare], of run: Int) throws(CoreError) {
    try database.write { db in
      let statement = try db.makeStatement(
        sql: """
          INSERT OR REPLACE INTO shares (run, first, n, shard, host, job, starts, machine, seconds)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          """)
      for share in shares {
        try statement.execute(arguments: [
          run, share.first, share.n, share.shard, share.host, share.job, share.starts, share.machine, share.seconds,
        ])
      }
    }
  }
}

extension RunReader {
  /// Who has worked out which examples of a run, in their order; empty for one that nobody has shared.
  ///
  /// - Throws: `io` where the ledger cannot be read or is damaged.
  public func shares(of run: Int) throws(CoreError) -> [RunShare] {
    try database.read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM shares WHERE run = ? ORDER BY first", arguments: [run]).map { row in
        RunShare(
          first: try row.value("first"), n: try row.value("n"), shard: try row.value("shard"),
          host: try row.value("host"), job: try row.optional("job"), starts: try row.value("starts"),
          machine: try row.value("machine"), seconds: try row.value("seconds"))
      }
    }
  }
}
