import Base
import Robustness
import TestSupport
import Testing

@testable import Runs

/// Training runs in the ledger.
@Suite struct TrainingLedgerTests {
  private func entry(_ lr: String = "0.1", continues: Bool = false) -> TrainingEntry {
    TrainingEntry(
      description: TrainingDescription([.init("lr", lr), .init("seed", "3")]), model: "mlp", startFingerprint: "aa",
      data: "bars", dataFingerprint: "dd", classNames: ["a", "b"], n: 40, batch: 16, method: "standard()", command: nil,
      continues: continues)
  }

  private func epoch(_ number: Int, _ loss: Double) -> EpochReport {
    EpochReport(epoch: number, loss: loss, parts: [], naturalAccuracy: 0.5, learningRate: 0.1, seconds: 1)
  }

  @Test func aRunThatIsContinuedIsOneRun() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("runs.sqlite")
    do {
      let record = try SQLiteLedger(path).begin(entry()) as any TrainingRecord
      try record.record([epoch(1, 0.5)], seconds: 2)
      try record.record([epoch(1, 0.5), epoch(2, .nan)], seconds: 3)
    }
    let ledger = try SQLiteLedger(path)
    let again = try ledger.begin(entry(continues: true)) as any TrainingRecord
    #expect(again.number == 1)
    try again.record([epoch(1, 0.5), epoch(2, 0.25)], seconds: 1)
    try again.end(isComplete: true, fingerprint: "bb", warnings: ["alarm: x"])
    let other = try ledger.begin(entry("0.2")) as any TrainingRecord
    #expect(other.number == 2)
    // One that is complete is not written over.
    #expect(try (ledger.begin(entry()) as any TrainingRecord).number == 3)

    let reader = try RunReader(path)
    let run = try #require(try reader.training(1))
    #expect(run.isComplete && run.seconds == 6 && run.warnings == ["alarm: x"])
    #expect(run.settings.map(\.value) == ["0.1", "3"] && run.startFingerprint == "aa" && run.fingerprint == "bb")
    #expect(run.epochs.map(\.epoch) == [1, 2])
    #expect(run.epochs[1].figures.map(\.name) == ["loss", "natural", "lr", "seconds"])
    #expect(run.epochs[1].figures[0].value == 0.25)
    #expect(try reader.entries().map(\.kind) == ["training", "training", "training"])
    #expect(try reader.training(9) == nil && run.dataFingerprint == "dd")
    // Without a validation nothing is known that could stand beside an evaluation.
    #expect(try reader.entries().allSatisfy { $0.natural == nil && $0.robust == nil })
    var measured = epoch(1, 0.5)
    measured.figures = [("validation_natural", 0.75), ("validation_robust", 0.25)]
    try other.record([measured, epoch(2, 0.4)], seconds: 1)
    let entry = try reader.entries()[1]
    #expect(entry.natural == .share(0.75) && entry.robust == .share(0.25))
  }
}
