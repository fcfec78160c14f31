import Base
import Datasets
import Foundation
import Networks
import Robustness
import Tensors
import Testing

/// An evaluation that was stopped goes on where it was, and its numbers are those of one that was not.
@Suite struct VerdictFileTests {
  let data: Dataset
  let model: Model
  let path = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString).verdicts").path

  init() throws {
    data = try bars(48)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 16, learningRate: 0.1))
  }

  /// Stops the work after some batches.
  private final class Stopping: RunLedger, @unchecked Sendable {
    let ledger: VerdictFile
    var left: Int
    init(_ ledger: VerdictFile, after left: Int) { (self.ledger, self.left) = (ledger, left) }
    func begin(_ run: LedgerRun) throws -> Int { try ledger.begin(run) }
    func verdicts(of run: Int) throws -> [Verdict] { try ledger.verdicts(of: run) }
    func record(_ verdicts: [Verdict], of run: Int) throws {
      if left == 0 { throw CoreError(.interrupted, "stopped") }
      left -= 1
      try ledger.record(verdicts, of: run)
    }
  }

  private static let attacks: [any Attack] = [FGSM(), PGD(steps: 3, restarts: 2)]

  @Test(arguments: [0, 1, 3, 5])
  func continuing(_ batches: Int) throws {
    defer { unlink(path) }
    let whole = try evaluate(model, on: data, attacks: Self.attacks, eps: 0.2, batch: 9, seed: 3)
    #expect(throws: CoreError.self) {
      _ = try evaluate(
        model, on: data, attacks: Self.attacks, eps: 0.2, batch: 9, seed: 3,
        ledger: Stopping(VerdictFile(path), after: batches))
    }
    // Another size of batches: no result depends on it.
    let rest = try evaluate(
      model, on: data, attacks: Self.attacks, eps: 0.2, batch: 7, seed: 3, ledger: VerdictFile(path))
    #expect(rest.attacks.map(\.robust) == whole.attacks.map(\.robust))
    let file = try VerdictFile(path)
    let again = try evaluate(
      model, on: data, attacks: Self.attacks, eps: 0.2, batch: 9, seed: 3, ledger: Stopping(file, after: 0))
    #expect(again.attacks.map(\.robust) == whole.attacks.map(\.robust))
    #expect(try file.verdicts(of: 0).count == whole.natural.count { $0 })
  }

  /// A line that was not written to its end is done again.
  @Test func aTornLineIsTakenAway() throws {
    defer { unlink(path) }
    let whole = try evaluate(model, on: data, attacks: [PGD()], eps: 0.2, batch: 9, ledger: VerdictFile(path))
    let bytes = try Data(contentsOf: URL(filePath: path))
    for cut in [1, 2, 40, bytes.count / 2] {
      try bytes.dropLast(cut).write(to: URL(filePath: path))
      let rest = try evaluate(model, on: data, attacks: [PGD()], eps: 0.2, batch: 9, ledger: VerdictFile(path))
      #expect(rest.attacks.map(\.robust) == whole.attacks.map(\.robust))
      #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
    }
  }

  /// Other weights, images, settings or seeds are another evaluation.
  @Test func nothingElseIsContinued() throws {
    defer { unlink(path) }
    let ledger = try VerdictFile(path)
    _ = try evaluate(model, on: data, attacks: [PGD()], eps: 0.2, seed: 3, ledger: ledger)
    let other = try network(seed: 1)
    let others = try bars(48, seed: 1)
    for (model, data, attack, eps, seed) in [
      (other, data, PGD(), 0.2, 3), (model, others, PGD(), 0.2, 3), (model, data, PGD(steps: 9), 0.2, 3),
      (model, data, PGD(), 0.1, 3), (model, data, PGD(), 0.2, 4),
    ] as [(Model, Dataset, PGD, Double, UInt64)] {
      let with = try evaluate(model, on: data, attacks: [attack], eps: eps, seed: seed, ledger: ledger)
      let without = try evaluate(model, on: data, attacks: [attack], eps: eps, seed: seed)
      #expect(with.attacks[0].robust == without.attacks[0].robust)
    }
  }

  @Test(arguments: [
    "", "{}\n", "no JSON\n", "{\"format\":\"ltd verdicts\",\"version\":2}\n", "[[[[\n",
    "{\"format\":\"ltd verdicts\",\"version\":1}\n{\"of\":3,\"verdicts\":[]}\n",
    "{\"format\":\"ltd verdicts\",\"version\":1}\n{\"run\":{}}\n{\"of\":0,\"verdicts\":[[1]]}\n",
  ])
  func otherFilesAreRefused(_ text: String) throws {
    defer { unlink(path) }
    try Data(text.utf8).write(to: URL(filePath: path))
    if text.isEmpty {
      _ = try VerdictFile(path)
    } else {
      #expect(throws: CoreError.self) { _ = try VerdictFile(path) }
      #expect(try Data(contentsOf: URL(filePath: path)) == Data(text.utf8))
    }
  }
}
