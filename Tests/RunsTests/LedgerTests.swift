import Base
import Datasets
import Foundation
import GRDB
import Networks
import Robustness
import Runs
import Tensors
import TestSupport
import Testing

/// A small data set of bars, a model that has learnt it, and a ledger in a folder of its own.
struct Bench {
  let data: Dataset
  let model: Model
  let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-runs-\(UUID().uuidString)")
  var path: String { folder.appending(path: "runs.sqlite").path }

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    data = try Self.bars(48)
    model = try Model(Architecture(MLP(hidden: [12]), classes: 3, input: [1, 8, 8]), seed: 1)
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 16, learningRate: 0.1))
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  /// Images with a bright bar at one of three places, and noise.
  static func bars(_ n: Int, seed: UInt64 = 0) throws -> Dataset {
    let stream = RandomStream(seed: seed, purpose: "bars")
    var values: [Float] = []
    let labels = (0..<n).map { $0 % 3 }
    for (i, label) in labels.enumerated() {
      let draws = stream.child(i)
      for pixel in 0..<64 {
        let bright = pixel / 8 / 3 == label
        values.append((bright ? 0.6 : 0.2) + 0.3 * (draws.uniform(at: pixel) - 0.3))
      }
    }
    return try Dataset(
      images: Tensor(values.map { min(max($0, 0), 1) }, shape: [n, 1, 8, 8]), labels: labels, name: "bars")
  }

  func plan(_ attacks: [any Attack], batch: Int = 9) -> EvaluationPlan {
    var plan = EvaluationPlan(attacks)
    plan.radii = [0.2]
    plan.batch = batch
    plan.seed = 3
    return plan
  }

  /// All that does not depend on the clock.
  static func content(_ evaluation: Evaluation) -> [String] {
    [
      "\(evaluation.labels) \(evaluation.ids) \(evaluation.naturalVerdicts) \(evaluation.warnings) \(evaluation.isComplete)"
    ]
      + evaluation.attacks.map { "\($0.round) \($0.standing) \($0.verdicts)" }
  }
}

/// Hands on what it is given to a ledger until it is told to fail.
private final class Failing: RunLedger, RunRecord, @unchecked Sendable {
  let ledger: any RunLedger
  var record: (any RunRecord)?
  var left: Int
  let error: CoreError
  init(_ ledger: any RunLedger, after left: Int, _ error: CoreError) {
    (self.ledger, self.left, self.error) = (ledger, left, error)
  }
  func begin(_ description: RunDescription) throws -> any RunRecord {
    record = try ledger.begin(description)
    return self
  }
  private func next() throws -> any RunRecord {
    if left == 0 { throw error }
    left -= 1
    return try #require(record)
  }
  var number: Int { record?.number ?? 0 }
  func natural() throws -> [NaturalVerdict] { try #require(record).natural() }
  func record(natural: [NaturalVerdict], from first: Int, labels: [Int], ids: [Int], seconds: Double) throws {
    try next().record(natural: natural, from: first, labels: labels, ids: ids, seconds: seconds)
  }
  func verdicts(of round: Int) throws -> [(position: Int, verdict: Verdict)] {
    try #require(record).verdicts(of: round)
  }
  func record(
    _ verdicts: [Verdict], at positions: [Int], images: (positions: [Int], images: Tensor)?, of round: Int,
    seconds: Double
  ) throws { try next().record(verdicts, at: positions, images: images, of: round, seconds: seconds) }
  func seconds(of round: Int) throws -> Double { try #require(record).seconds(of: round) }
  func seconds() throws -> Double { try #require(record).seconds() }
  func end(isComplete: Bool, warnings: [String]) throws {
    try next().end(isComplete: isComplete, warnings: warnings)
  }
}

@Suite struct LedgerTests {
  let bench: Bench
  init() throws { bench = try Bench() }

  private static let attacks: [any Attack] = {
    var ensemble = AutoAttack()
    ensemble.attacks = [PGD(steps: 2), FAB()]
    return [FGSM(), PGD(steps: 3, restarts: 2), ensemble]
  }()

  /// Stopped after any number of writes, it goes on where it was, and the record is that of a run that was not stopped.
  @Test(arguments: [0, 1, 3, 6, 7, 9, 13, 17])
  func continuing(_ writes: Int) throws {
    defer { bench.remove() }
    let plan = bench.plan(Self.attacks)
    let whole = try evaluate(bench.model, on: bench.data, plan)
    #expect(throws: CoreError.self) {
      _ = try evaluate(
        bench.model, on: bench.data, plan,
        ledger: Failing(SQLiteLedger(bench.path), after: writes, CoreError(.interrupted, "stopped")))
    }
    // Another size of batches: no result depends on it.
    let rest = try evaluate(
      bench.model, on: bench.data, bench.plan(Self.attacks, batch: 7), ledger: SQLiteLedger(bench.path))
    #expect(Bench.content(rest) == Bench.content(whole))
    #expect(try Bench.content(RunReader(bench.path).evaluation(1)) == Bench.content(whole))
    // Done: nothing is written any more.
    let again = try evaluate(
      bench.model, on: bench.data, plan,
      ledger: Failing(SQLiteLedger(bench.path), after: 1, CoreError(.interrupted, "stopped")))
    #expect(Bench.content(again) == Bench.content(whole))
    let entries = try RunReader(bench.path).entries()
    #expect(entries.count == 1)
    #expect(entries.first?.isComplete == true)
    #expect(entries.first?.robust == .count(whole.worstCase.correct))
  }

  /// A disk that is full for a while costs nothing; one that stays full is a warning, and the result is there.
  @Test func aFullDiskLosesNothingComputed() throws {
    defer { bench.remove() }
    let plan = bench.plan([FGSM(), PGD(steps: 3)])
    let whole = try evaluate(bench.model, on: bench.data, plan)
    let full = CoreError(.io, "cannot write 'runs.sqlite': no space left on device", hint: "make room")
    let ledger = Failing(try SQLiteLedger(bench.path), after: 4, full)
    let evaluation = try evaluate(bench.model, on: bench.data, plan, ledger: ledger)
    #expect(evaluation.attacks.map(\.robust) == whole.attacks.map(\.robust))
    #expect(evaluation.warnings.last?.hasPrefix("not everything is on record: cannot write") == true)
    ledger.record = nil
    let rest = try evaluate(bench.model, on: bench.data, plan, ledger: SQLiteLedger(bench.path))
    #expect(Bench.content(rest) == Bench.content(whole))
  }

  /// Other weights, images, settings or seeds are another run.
  @Test func nothingElseIsContinued() throws {
    defer { bench.remove() }
    _ = try evaluate(bench.model, on: bench.data, bench.plan([PGD()]), ledger: SQLiteLedger(bench.path))
    let other = try Model(bench.model.architecture, seed: 7)
    let others = try Bench.bars(48, seed: 5)
    var seeded = bench.plan([PGD()])
    seeded.seed = 4
    var wide = bench.plan([PGD()])
    wide.radii = [0.3]
    for (model, data, plan) in [
      (other, bench.data, bench.plan([PGD()])), (bench.model, others, bench.plan([PGD()])),
      (bench.model, bench.data, bench.plan([PGD(steps: 9)])), (bench.model, bench.data, seeded),
      (bench.model, bench.data, wide),
    ] {
      let with = try evaluate(model, on: data, plan, ledger: SQLiteLedger(bench.path))
      #expect(Bench.content(with) == Bench.content(try evaluate(model, on: data, plan)))
    }
    #expect(try RunReader(bench.path).entries().count == 6)
  }

  /// What differs from the run that was not finished is said.
  @Test func whatDiffersIsSaid() throws {
    defer { bench.remove() }
    #expect(throws: CoreError.self) {
      _ = try evaluate(
        bench.model, on: bench.data, bench.plan([PGD()]),
        ledger: Failing(SQLiteLedger(bench.path), after: 2, CoreError(.interrupted, "stopped")))
    }
    let said = Locked<[String]>([])
    _ = try evaluate(
      Model(bench.model.architecture, seed: 7), on: bench.data, bench.plan([PGD()]),
      ledger: SQLiteLedger(bench.path) { run, how in
        if case .new(let unlike?) = how { said.withLock { $0 = ["\(run)", "\(unlike.run)"] + unlike.differences } }
      })
    #expect(said.withLock { $0 } == ["2", "1", "the model"])
  }

  /// The answers of a model that answers at random are on record, and do not depend on an interruption.
  @Test(arguments: [1, 4, 7, 11])
  func answersAtRandomContinue(_ writes: Int) throws {
    defer { bench.remove() }
    let noisy = try Model(
      Architecture(
        .sequential([.gaussianNoise(std: 0.3), .flatten, .linear(Linear(8)), .relu, .linear(Linear(3))]),
        input: [1, 8, 8]), seed: 2)
    try fit(noisy, on: bench.data, plan: TrainingPlan(epochs: 4, batchSize: 16, learningRate: 0.1))
    var attack = AutoAttack()
    attack.attacks = [PGD(steps: 2), APGD(steps: 3)]
    var plan = bench.plan([attack, FGSM()])
    plan.forwards = 6
    let whole = try evaluate(noisy, on: bench.data, plan)
    #expect(throws: CoreError.self) {
      _ = try evaluate(
        noisy, on: bench.data, plan,
        ledger: Failing(SQLiteLedger(bench.path), after: writes, CoreError(.interrupted, "stopped")))
    }
    var other = plan
    other.batch = 7
    let rest = try evaluate(noisy, on: bench.data, other, ledger: SQLiteLedger(bench.path))
    #expect(Bench.content(rest) == Bench.content(whole))
    let read = try RunReader(bench.path).evaluation(1)
    #expect(Bench.content(read) == Bench.content(whole))
    #expect(read.run.answers == RandomAnswers(forwards: 6, seed: 3))
    #expect(read.rates == whole.rates && read.worstCaseRate == whole.worstCaseRate && whole.worstCaseRate != nil)
    // Another number of answers is another run.
    plan.forwards = 7
    #expect(try evaluate(noisy, on: bench.data, plan, ledger: SQLiteLedger(bench.path)).number == 2)
  }

  /// A file of the schema before is brought up to date by the next evaluation, and what it holds stays.
  @Test func anOlderSchemaIsMigrated() throws {
    defer { bench.remove() }
    let plan = bench.plan(Self.attacks)
    let whole = try evaluate(bench.model, on: bench.data, plan, ledger: SQLiteLedger(bench.path))
    try DatabaseQueue(path: bench.path).write { db in
      for column in ["runs DROP COLUMN forwards", "runs DROP COLUMN noise_seed"] {
        try db.execute(sql: "ALTER TABLE \(column)")
      }
      for table in ["examples", "verdicts"] { try db.execute(sql: "ALTER TABLE \(table) DROP COLUMN right_answers") }
      try db.execute(sql: "ALTER TABLE runs DROP COLUMN digest")
      try db.execute(sql: "DELETE FROM grdb_migrations WHERE identifier IN ('2', '4')")
    }
    let error = #expect(throws: CoreError.self) { _ = try RunReader(bench.path) }
    #expect(error?.message.contains("older version") == true)
    let again = try evaluate(
      bench.model, on: bench.data, plan,
      ledger: Failing(SQLiteLedger(bench.path), after: 1, CoreError(.interrupted, "stopped")))
    #expect(Bench.content(again) == Bench.content(whole))
    #expect(try Bench.content(RunReader(bench.path).evaluation(1)) == Bench.content(whole))
  }

  /// A file of the first schema, that knew neither models that answer at random nor training runs, becomes one of this.
  @Test func theFirstSchemaIsMigrated() throws {
    defer { bench.remove() }
    let plan = bench.plan(Self.attacks)
    let whole = try evaluate(bench.model, on: bench.data, plan, ledger: SQLiteLedger(bench.path))
    try DatabaseQueue(path: bench.path).write { db in
      try db.execute(sql: "DROP TABLE epochs")
      for column in ["forwards", "noise_seed", "kind", "method", "trained_fingerprint", "digest"] {
        try db.execute(sql: "ALTER TABLE runs DROP COLUMN \(column)")
      }
      for table in ["examples", "verdicts"] { try db.execute(sql: "ALTER TABLE \(table) DROP COLUMN right_answers") }
      try db.execute(sql: "DELETE FROM grdb_migrations WHERE identifier IN ('2', '3', '4')")
    }
    let error = #expect(throws: CoreError.self) { _ = try RunReader(bench.path) }
    #expect(error?.message.contains("older version") == true)
    let report = try fit(
      bench.model, on: bench.data, plan: TrainingPlan(epochs: 1),
      records: TrainingRecords(ledger: SQLiteLedger(bench.path)))
    #expect(report.number == 2)
    let reader = try RunReader(bench.path)
    #expect(try reader.entries().map(\.kind) == ["evaluation", "training"])
    #expect(try Bench.content(reader.evaluation(1)) == Bench.content(whole))
    #expect(try reader.training(2)?.dataFingerprint == bench.data.fingerprint)
  }

  /// Two processes do not make the same run; the lock is gone with its process.
  @Test func oneRunIsMadeOnce() throws {
    defer { bench.remove() }
    let first = try SQLiteLedger(bench.path)
    let description = RunDescription(
      model: "m", modelFingerprint: "1", modelFile: nil, data: "d", dataFingerprint: "2", classNames: ["a", "b"], n: 3,
      rounds: [], batch: 2)
    var run: (any RunRecord)? = try first.begin(description)
    let error = #expect(throws: CoreError.self) { _ = try SQLiteLedger(bench.path).begin(description) }
    #expect(error?.message.contains("worked on by another process") == true)
    #expect(run?.number == 1)
    run = nil
    #expect(try SQLiteLedger(bench.path).begin(description).number == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path) == ["runs.sqlite"])
  }

  /// What cannot be compared on another day is begun anew each time.
  @Test func functionsAreNeverContinued() throws {
    defer { bench.remove() }
    let description = RunDescription(
      model: "m", modelFingerprint: "1", modelFile: nil, data: "d", dataFingerprint: "2", classNames: ["a", "b"], n: 3,
      rounds: [], batch: 2, canBeContinued: false)
    let said = Locked<[String]>([])
    for number in 1...2 {
      let ledger = try SQLiteLedger(bench.path) { _, how in
        if case .new(let unlike?) = how { said.withLock { $0 = unlike.differences } }
      }
      #expect(try ledger.begin(description).number == number)
    }
    #expect(said.withLock { $0 } == ["the functions of its attacks, which cannot be compared"])
  }

  /// Adversarial images are kept with their verdicts and are what broke the model.
  @Test func imagesAreKept() throws {
    defer { bench.remove() }
    var plan = bench.plan([PGD(steps: 3), FGSM()])
    plan.keepsImages = true
    let evaluation = try evaluate(bench.model, on: bench.data, plan, ledger: SQLiteLedger(bench.path))
    let kept = try #require(try RunReader(bench.path).images(of: 1))
    let broken = evaluation.attacks.reduce(0) { $0 + $1.verdicts.count { $0?.brokenBy != nil } }
    #expect(kept.positions.count == broken && broken > 0)
    let labels = kept.positions.map { bench.data.labels[$0] }
    let check = try KeptCheck(bench.model, kept.images, labels: labels, batch: 5)
    #expect(check.asStored == broken && check.images == broken)
    let originals = try bench.data.batch(kept.positions).images
    #expect(try Norm.linf.distance(kept.images, originals).allSatisfy { $0 <= 0.2 + 1e-6 })
    #expect(try RunReader(bench.path).images(of: 1)?.images.isIdentical(to: kept.images) == true)
  }

  /// What is no ledger is refused and left as it is; a newer or a damaged one is said to be that.
  @Test func otherFilesAreRefused() throws {
    defer { bench.remove() }
    func message(_ path: String) -> String {
      do { _ = try SQLiteLedger(path) } catch { return error.message }
      return "opened"
    }
    let text = bench.folder.appending(path: "notes.txt").path
    try Data(String(repeating: "no database\n", count: 100).utf8).write(to: URL(filePath: text))
    #expect(message(text).contains("is not a database of runs"))
    #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("no database"))
    #expect(message(bench.folder.path).contains("is not a regular file"))
    #expect(message(bench.folder.path + "/none/runs.sqlite").contains("cannot be opened"))
    #expect(message("").contains("is not a path"))
    #expect(throws: CoreError.self) { _ = try RunReader(bench.folder.path + "/none.sqlite") }

    let whole = Bench.content(
      try evaluate(bench.model, on: bench.data, bench.plan([FGSM()]).withoutSeed, ledger: SQLiteLedger(bench.path)))
    let bytes = try Data(contentsOf: URL(filePath: bench.path))
    var seed = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...20, using: &seed) {
        damaged[Int.random(in: 0..<damaged.count, using: &seed)] = UInt8.random(in: 0...255)
      }
      try damaged.write(to: URL(filePath: bench.path))
      // What is damaged is an error and never another number; warnings and times are no evidence.
      do {
        let read = Bench.content(try RunReader(bench.path).evaluation(1))
        let isSame = read.dropFirst() == whole.dropFirst()
        #expect(isSame)
      } catch { #expect(!error.message.isEmpty) }
    }
    for size in [0, 1, 100, 4096, bytes.count / 2] {
      try bytes.prefix(size).write(to: URL(filePath: bench.path))
      do { _ = try RunReader(bench.path).evaluation(1) } catch { #expect(!error.message.isEmpty) }
    }
  }
}

@Suite struct OtherDatabaseTests {
  /// A database of another program is left alone; one of a newer ltd is not read, and one of an older only to bring it up
  /// to date.
  @Test func versions() throws {
    let bench = try Bench()
    defer { bench.remove() }
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch let error as CoreError { return error.message } catch { return "\(error)" }
      return ""
    }
    let foreign = bench.folder.appending(path: "foreign.sqlite").path
    try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE things (x)") }
    #expect(message { _ = try SQLiteLedger(foreign) }.contains("not of runs of ltd"))
    #expect(message { _ = try RunReader(foreign) }.contains("not of runs of ltd"))

    _ = try evaluate(bench.model, on: bench.data, attacks: [FGSM()], eps: 0.2, ledger: SQLiteLedger(bench.path))
    func execute(_ sql: String) throws { try DatabaseQueue(path: bench.path).write { try $0.execute(sql: sql) } }
    try execute("INSERT INTO grdb_migrations VALUES ('99')")
    #expect(message { _ = try RunReader(bench.path) }.contains("newer version"))
    #expect(message { _ = try SQLiteLedger(bench.path) }.contains("newer version"))
    try execute("DELETE FROM grdb_migrations WHERE identifier = '99'")
    #expect(try RunReader(bench.path).entries().count == 1)
    // A report names the version that has computed it.
    var other = try RunReader(bench.path).evaluation(1)
    other.run.version = "0.0.9"
    let old = EvaluationReport(other)
    #expect(old.facts(command: nil).contains { $0.name == "program" && $0.value.hasPrefix("ltd 0.0.9,") })
    // What was changed by hand is noticed.
    try execute("UPDATE verdicts SET broken_by = NULL WHERE position = 0")
    #expect(message { _ = try RunReader(bench.path).evaluation(1) }.contains("is damaged"))
    try execute("DELETE FROM verdicts WHERE position = 0")
    #expect(message { _ = try RunReader(bench.path).evaluation(1) }.contains("is damaged"))
    try execute("DELETE FROM grdb_migrations")
    #expect(message { _ = try RunReader(bench.path) }.contains("older version"))
  }

  /// Nothing that a run says of itself, of its attacks and its epochs can be changed without being noticed, whether it is
  /// read, listed or gone on with.
  @Test func everyColumnOfARunIsChecked() throws {
    let bench = try Bench()
    defer { bench.remove() }
    let attacks: [any Attack] = [FGSM(), PGD(steps: 2)]
    _ = try evaluate(bench.model, on: bench.data, bench.plan(attacks), ledger: SQLiteLedger(bench.path))
    _ = try fit(
      Model(bench.model.architecture, seed: 2), on: bench.data, plan: TrainingPlan(epochs: 2),
      records: TrainingRecords(ledger: SQLiteLedger(bench.path)))
    let whole = try Data(contentsOf: URL(filePath: bench.path))
    let columns = try DatabaseQueue(path: bench.path).read { db in
      try ["runs", "attacks", "epochs"].flatMap { table in
        try db.columns(in: table).map { (table, $0.name) }.filter { $0.1 != "run" }
      }
    }
    #expect(columns.count > 30)
    var free = Configuration()
    free.foreignKeysEnabled = false
    for (table, column) in columns {
      for run in table == "attacks" ? [1] : table == "epochs" ? [2] : [1, 2] {
        try whole.write(to: URL(filePath: bench.path))
        // Whatever it was, it is something else of the kind now.
        try DatabaseQueue(path: bench.path, configuration: free).write { db in
          try db.execute(sql: "PRAGMA ignore_check_constraints = 1")
          try db.execute(
            sql: """
              UPDATE \(table) SET \(column) = CASE typeof(\(column)) WHEN 'text' THEN \(column) || 'x'
              WHEN 'null' THEN 'x' ELSE \(column) + 7 END WHERE run = \(run)
              """)
        }
        #expect(throws: CoreError.self, "\(table).\(column)") {
          if run == 1 { _ = try RunReader(bench.path).evaluation(1) } else { _ = try RunReader(bench.path).training(2) }
          // One whose kind was changed is no longer found.
          if column == "kind" { _ = try RunReader(bench.path).entries() }
        }
        #expect(throws: CoreError.self, "\(table).\(column)") { _ = try RunReader(bench.path).entries() }
      }
    }
    try whole.write(to: URL(filePath: bench.path))
    try DatabaseQueue(path: bench.path).write { try $0.execute(sql: "UPDATE attacks SET is_minimal = 1") }
    #expect(throws: CoreError.self) {
      _ = try evaluate(bench.model, on: bench.data, bench.plan(attacks), ledger: SQLiteLedger(bench.path))
    }
  }

  /// The description of the schema names every table and every column.
  @Test func theSchemaIsDescribed() throws {
    let bench = try Bench()
    defer { bench.remove() }
    _ = try SQLiteLedger(bench.path)
    let page = try String(
      contentsOf: SharedFiles.packageRoot.appending(path: "Sources/Runs/SCHEMA.md"), encoding: .utf8)
    let columns = try DatabaseQueue(path: bench.path).read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT m.name AS container, c.name AS item FROM sqlite_master m JOIN pragma_table_info(m.name) c
          WHERE m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'grdb%' AND m.type = 'table'
          """
      ).map { (container: $0["container"] as String, item: $0["item"] as String) }
    }
    #expect(columns.count > 40)
    for (container, item) in columns {
      let part = try #require(page.components(separatedBy: "**\(container)**").dropFirst().first, "\(container)")
      let rows = part.components(separatedBy: "\n**")[0].split(separator: "\n").filter { $0.hasPrefix("| ") }
      let named = rows.flatMap { $0.split(separator: "|")[0].split(separator: ",") }
        .map { $0.trimmingCharacters(in: .whitespaces) }
      #expect(named.contains(item), "\(container).\(item)")
    }
  }

  /// A wait for another process ends with Ctrl-C.
  @Test func aLockedLedgerCanBeLeft() throws {
    let bench = try Bench()
    defer { bench.remove() }
    _ = try SQLiteLedger(bench.path)
    let other = try DatabaseQueue(path: bench.path)
    try other.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN EXCLUSIVE")
      let stop = StopSignal()
      stop.raise(.interrupted)
      let error = #expect(throws: CoreError.self) {
        _ = try stop.carry { () throws(CoreError) in try SQLiteLedger(bench.path) }
      }
      #expect(error?.kind == .interrupted)
      try db.execute(sql: "ROLLBACK")
    }
  }

  /// Python's sqlite3 reads the file, and its view counts what the evaluation counts.
  @Test func otherProgramsReadIt() throws {
    let bench = try Bench()
    defer { bench.remove() }
    let evaluation = try evaluate(
      bench.model, on: bench.data, attacks: [FGSM(), PGD(steps: 3)], eps: 0.2, ledger: SQLiteLedger(bench.path))
    let python = Process()
    python.executableURL = URL(filePath: "/usr/bin/env")
    python.arguments = [
      "python3", "-c",
      "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute("
        + "'SELECT sum(correct), sum(robust), count(*) FROM worst_case').fetchone())", bench.path,
    ]
    let output = Pipe()
    python.standardOutput = output
    try python.run()
    python.waitUntilExit()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    #expect(text == "\(evaluation.naturalAccuracy.correct) \(evaluation.worstCase.correct) 48\n")
  }
}

extension EvaluationPlan {
  /// For attacks that draw nothing.
  fileprivate var withoutSeed: EvaluationPlan {
    var plan = self
    plan.seed = nil
    return plan
  }
}

/// Figures that are made of verdicts.
@Suite struct EvidenceTests {
  /// Newcombe (1998), table II: his example with (36, 12, 2, 0), and McNemar's exact test by the binomial distribution.
  @Test func pairs() throws {
    func flags(_ counts: [Int]) -> ([Bool], [Bool]) {
      var (a, b): ([Bool], [Bool]) = ([], [])
      for (i, count) in counts.enumerated() {
        a += Array(repeating: i < 2, count: count)
        b += Array(repeating: i % 2 == 0, count: count)
      }
      return (a, b)
    }
    let (a, b) = flags([36, 12, 2, 0])
    let pair = try PairedComparison(a, b)
    #expect(pair.both == 36 && pair.onlyFirst == 12 && pair.onlySecond == 2 && pair.neither == 0)
    #expect(abs(pair.difference - 0.2) < 1e-12)
    #expect(abs(pair.interval.low - 0.0569) < 1e-4 && abs(pair.interval.high - 0.3404) < 1e-4)
    // 2 · (C(14,0) + C(14,1) + C(14,2)) / 2^14
    #expect(abs(pair.p - 2 * 106.0 / 16384) < 1e-12)
    #expect(try PairedComparison(a, a).p == 1)
    #expect(throws: CoreError.self) { try PairedComparison([true], []) }
  }

  /// With several radii, an image that was found far out does not count nearer, and one found near counts farther.
  @Test func eachRadiusHasItsWorstCase() throws {
    let bench = try Bench()
    defer { bench.remove() }
    var plan = EvaluationPlan([FGSM(), PGD(steps: 5), FAB()])
    plan.radii = [0.05, 0.2]
    let evaluation = try evaluate(bench.model, on: bench.data, plan)
    // The nearest image is looked for once.
    #expect(evaluation.attacks.map(\.attack).filter { $0.hasPrefix("fab") }.count == 1)
    #expect(evaluation.balls.map(\.eps) == [0.05, 0.2])
    for eps in plan.radii {
      var single = plan
      single.radii = [eps]
      let alone = try evaluate(bench.model, on: bench.data, single)
      #expect(evaluation.worstCase(norm: .linf, eps: eps) == alone.worstCase)
    }
    #expect(evaluation.worstCase(norm: .linf, eps: 0).correct == evaluation.naturalAccuracy.correct)
    let curve = try evaluation.curve(by: .eps, at: [0, 0.05, 0.2, 10])
    #expect(curve.map(\.accuracy.correct) == curve.map(\.accuracy.correct).sorted(by: >))
    #expect(curve[0].accuracy == evaluation.naturalAccuracy)
    let fab = try #require(evaluation.attacks.last)
    #expect(curve[2].accuracy == fab.accuracy)
    for by in [Budget.steps, .queries] {
      let points = try evaluation.curve(by: by)
      for outcome in evaluation.attacks {
        let own = points.filter { $0.attack == outcome.attack }
        if outcome.verdicts.contains(where: { $0?.brokenBy != nil }) { #expect(own.last?.accuracy == outcome.accuracy) }
        #expect(own.map(\.accuracy.correct) == own.map(\.accuracy.correct).sorted(by: >))
      }
    }
  }

  /// The best attack has 1; one that finds images twice as far has what AttackBench's formula gives.
  @Test func optimality() throws {
    let bench = try Bench()
    defer { bench.remove() }
    var plan = EvaluationPlan([FAB(), FAB()])
    plan.radii = [0.3]
    let equal = try evaluate(bench.model, on: bench.data, plan).optimality()
    #expect(equal.map(\.optimality) == [1, 1])
    let none = try evaluate(bench.model, on: bench.data, attacks: [FGSM()], eps: 0.1)
    #expect(throws: CoreError.self) { try none.optimality() }
    #expect(throws: CoreError.self) { try none.curve(by: .eps) }
  }

  /// When time is up, what is settled is there and accuracies are marked as bounds.
  @Test func timeIsUp() throws {
    let bench = try Bench()
    defer { bench.remove() }
    var plan = bench.plan([PGD(steps: 1_000_000)])
    plan.seconds = 0.3
    let evaluation = try evaluate(bench.model, on: bench.data, plan, ledger: SQLiteLedger(bench.path))
    #expect(!evaluation.isComplete)
    #expect(evaluation.attacks[0].unsettled == evaluation.natural.count { $0 })
    #expect(evaluation.warnings.last?.contains("upper bounds") == true)
    #expect(EvaluationReport(evaluation).table[2][2].hasPrefix("≤ "))
    #expect(try RunReader(bench.path).evaluation(1).isComplete == false)
    plan.seconds = 0
    #expect(throws: CoreError.self) { try evaluate(bench.model, on: bench.data, plan) }
  }
}
