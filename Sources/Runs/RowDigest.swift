import Base
internal import GRDB
import Robustness

/// What a row of evidence is checked by when it is read: 16 hexadecimal digits made of all that it says. It finds what a
/// disk has lost, and is no protection against a forger.
enum RowDigest {
  static func of(_ verdict: NaturalVerdict, position: Int, id: Int, label: Int) -> String {
    digest([position, id, label, verdict.prediction] + right(verdict.right), [verdict.margin])
  }

  static func of(_ verdict: Verdict, position: Int, attack: Int) -> String {
    digest(
      [
        attack, position, verdict.id, verdict.label, verdict.prediction, verdict.brokenBy ?? -1, verdict.queries,
        verdict.gradients, verdict.foundAfterQueries, verdict.foundAfterGradients, verdict.beganFlat ? 1 : 0,
        verdict.isDisputed ? 1 : 0,
      ] + right(verdict.right), [verdict.distance ?? -1, verdict.margin])
  }

  static func of(_ image: ArraySlice<Float>) -> String { digest([image.count], image.map { Double($0) }) }

  /// Rows of models that answer alike each time say no more than they did before there were others.
  private static func right(_ answers: Int?) -> [Int] { answers.map { [$0] } ?? [] }

  private static func digest(_ numbers: [Int], _ reals: [Double]) -> String {
    var hash = Hash64()
    for number in numbers { hash.absorb(UInt64(bitPattern: Int64(number))) }
    for real in reals { hash.absorb(real.bitPattern) }
    return hash.digits
  }
}

/// What a run says of itself, its attacks and its epochs, by a digest in its row: a name, a setting or a figure of theirs
/// that a disk has lost is an error, too. Whoever writes to them checks before and seals afterwards, within the same
/// transaction, so that no damage is sealed.
enum RunSeal {
  /// Throws where the rows are not those that were sealed.
  static func check(_ run: Int, _ db: Database) throws {
    let kept = try String.fetchOne(db, sql: "SELECT digest FROM runs WHERE run = ?", arguments: [run])
    guard try kept == digest(of: run, db) else {
      throw CoreError(
        .io, "the ledger is damaged: run \(run) is not what was written",
        hint: "take a copy from before; DELETE FROM runs WHERE run = \(run), in sqlite3, leaves the other runs",
        argument: "path")
    }
  }

  /// Seals the rows as they are.
  static func seal(_ run: Int, _ db: Database) throws {
    try db.execute(sql: "UPDATE runs SET digest = ? WHERE run = ?", arguments: [digest(of: run, db), run])
  }

  private static func digest(of run: Int, _ db: Database) throws -> String {
    var hash = Hash64()
    for sql in [
      "SELECT * FROM runs WHERE run = ?", "SELECT * FROM attacks WHERE run = ? ORDER BY attack",
      "SELECT * FROM epochs WHERE run = ? ORDER BY epoch, rowid",
    ] {
      let rows = try Row.fetchCursor(db, sql: sql, arguments: [run])
      while let row = try rows.next() {
        // A column that was added later may stand elsewhere.
        for (column, value) in row.sorted(by: { $0.0 < $1.0 }) where column != "digest" {
          hash.absorb(column)
          switch value.storage {
          case .null: hash.absorb(0)
          case .int64(let number): hash.absorb(UInt64(bitPattern: number))
          case .double(let number): hash.absorb(number.bitPattern)
          case .string(let text): hash.absorb(text)
          case .blob(let data): for byte in data { hash.absorb(UInt64(byte)) }
          }
        }
      }
    }
    return hash.digits
  }
}
