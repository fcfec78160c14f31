import Base
import Datasets
import Networks
import Platform
import Tensors
import TestSupport
import Testing

@testable import Robustness

/// A run continues from its folder in the same bits, and what does not belong to it is refused by name.
@Suite struct CheckpointFolderTests {
  private let plan = TrainingPlan(
    epochs: 3, batchSize: 16, learningRate: 0.05, optimiser: SGD(weightDecay: 1e-4), seed: 5)

  private func run(
    _ folder: String, _ model: Model, _ plan: TrainingPlan? = nil, data: Dataset? = nil,
    method: any TrainingMethod = TRADES(beta: 2), attack: PGD = PGD(eps: 0.1, steps: 2),
    validation: Dataset? = nil, stop: Int = .max, every: Int? = 2, keep: Int = 2, progress: Notes? = nil
  ) throws -> TrainingReport {
    let run = try TrainingRun(
      model, on: data ?? bars(40), method: method, attack: attack, plan: plan ?? self.plan, validation: validation,
      observers: [Stop(after: stop)], checkpoints: CheckpointFolder(folder, every: every, keep: keep))
    return try run.run(progress: progress)
  }

  @Test(arguments: 1...9)
  func aRunContinuesByItself(_ steps: Int) throws {
    try inTemporaryFolder { folder in
      let (whole, part, other) = (try network(), try network(), try network())
      let all = try run(folder + "/a", whole)
      let first = try run(folder + "/b", part, stop: steps)
      #expect(first.interrupted && first.continuedAfter == nil)
      let rest = try run(folder + "/b", other)
      #expect(rest.continuedAfter == steps && other.hasEqualWeights(to: whole))
      #expect(rest.epochs.map(\.loss) == all.epochs.map(\.loss) && rest.epochs.map(\.epoch) == [1, 2, 3])
      // Called again, it has nothing to do, from the weights of the beginning as from those of the end.
      for model in [try network(), other] {
        let again = try run(folder + "/b", model)
        #expect(again.wasFinished && again.steps == 0 && again.epochs.count == 3)
        #expect(model.hasEqualWeights(to: whole))
      }
    }
  }

  @Test func aDamagedCheckpointIsPassedOver() throws {
    try inTemporaryFolder { folder in
      let (whole, part, other) = (try network(), try network(), try network())
      _ = try run(folder + "/a", whole)
      _ = try run(folder + "/b", part, stop: 7)
      let names = try Folder.names(in: folder + "/b").filter { $0.hasSuffix(".safetensors") }
      #expect(names == ["step-00000006.safetensors", "step-00000007.safetensors"])
      let path = folder + "/b/" + names[1]
      var bytes = try FileReader.bytes(of: path, limit: 1 << 26)
      bytes[bytes.count - 9] ^= 4
      try AtomicFile.replace(path, parts: [bytes])
      let notes = Notes()
      let rest = try run(folder + "/b", other, progress: notes)
      #expect(rest.continuedAfter == 6 && other.hasEqualWeights(to: whole))
      #expect(notes.lines.contains { $0.hasPrefix("warning: ") && $0.contains("is damaged") })
    }
  }

  /// Every byte of a checkpoint is under its digest.
  @Test func everyByteIsSealed() throws {
    try inTemporaryFolder { folder in
      let path = folder + "/x.safetensors"
      try SafeTensors.writeSealed(
        path, tensors: [("a", try Tensor([1, 2, 3], shape: [3]))], metadata: ["what": "test"])
      let bytes = try FileReader.bytes(of: path, limit: 1 << 20)
      #expect(try SafeTensors.readSealed(path).metadata == ["what": "test"])
      for i in bytes.indices {
        var damaged = bytes
        damaged[i] ^= 1
        try AtomicFile.replace(path, parts: [damaged])
        #expect(throws: CoreError.self, "byte \(i)") { try SafeTensors.readSealed(path) }
      }
    }
  }

  @Test func whatDiffersIsNamed() throws {
    try inTemporaryFolder { folder in
      _ = try run(folder, network(), stop: 3)
      func refused(_ word: String, _ body: () throws -> TrainingReport) {
        let error = #expect(throws: CoreError.self) { try body() }
        #expect(error?.argument == "checkpoint")
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "") without \(word)")
      }
      var other = plan
      other.learningRate = 0.06
      refused("lr is 0.06, it was 0.05") { try run(folder, network(), other) }
      other = plan
      other.seed = 6
      refused("seed is 6, it was 5") { try run(folder, network(), other) }
      other = plan
      other.schedule = WarmupSchedule(plan.schedule, epochs: 2)
      refused("settings: warmup is 2, it had none") { try run(folder, network(), other) }
      other = plan
      other.epochs = 4
      refused("epochs is 4, it was 3") { try run(folder, network(), other) }
      other = plan
      other.augmentations = AugmentationList([Mixup()])
      refused("augment is") { try run(folder, network(), other) }
      other = plan
      other.optimiser = SGD(weightDecay: 1e-3)
      refused("optimiser is") { try run(folder, network(), other) }
      refused("data is") { try run(folder, network(), data: bars(40, seed: 3)) }
      refused("method is trades(beta=3") { try run(folder, network(), method: TRADES(beta: 3)) }
      refused("attack is") { try run(folder, network(), attack: PGD(eps: 0.2, steps: 2)) }
      refused("weights") { try run(folder, network(seed: 8)) }
    }
  }

  /// A run is not continued under another plan, whichever of its settings differs. A new one needs a change here.
  @Test func everySettingOfAPlanIsCompared() throws {
    let changes: [String: (inout TrainingPlan) -> Void] = [
      "epochs": { $0.epochs = 4 }, "batchSize": { $0.batchSize = 15 }, "learningRate": { $0.learningRate = 0.06 },
      "optimiser": { $0.optimiser = SGD(momentum: 0.5) }, "schedule": { $0.schedule = CosineSchedule() },
      "augmentations": { $0.augmentations = AugmentationList([Mixup()]) }, "seed": { $0.seed = 6 },
      "averaging": { $0.averaging = WeightAveraging(.exponential(decay: 0.9, warmsUp: false)) },
      "validateEvery": { $0.validateEvery = 2 }, "selection": { $0.selection = .natural },
      "patience": { ($0.selection, $0.patience) = (.loss, 2) }, "clip": { $0.clip = 1 },
      "shards": { $0.shards = 2 }, "syncsNorm": { ($0.shards, $0.syncsNorm) = (2, true) },
    ]
    #expect(Set(Mirror(reflecting: plan).children.compactMap(\.label)) == Set(changes.keys))
    for (name, change) in changes {
      try inTemporaryFolder { folder in
        var other = plan
        change(&other)
        _ = try run(folder, network(), validation: bars(20), stop: 3)
        let error = #expect(throws: CoreError.self, "\(name)") {
          try run(folder, network(), other, validation: bars(20))
        }
        #expect(error?.argument == "checkpoint", "\(name): \(error?.message ?? "")")
      }
    }
  }

  /// What was written by another version is refused, by another build of the same one it is continued, and said.
  @Test func othersWhoWroteAreNamed() throws {
    try inTemporaryFolder { folder in
      let (whole, other) = (try network(), try network())
      _ = try run(folder + "/whole", whole)
      _ = try run(folder + "/part", network(), stop: 4)
      let path = folder + "/part/step-00000004.safetensors"
      let (tensors, metadata) = try SafeTensors.readSealed(path)
      var changed = metadata
      changed["ltd.version"] = "0.0.9"
      try SafeTensors.writeSealed(path, tensors: tensors, metadata: changed)
      let error = #expect(throws: CoreError.self) { try run(folder + "/part", other) }
      #expect(error?.message.contains("was written by ltd 0.0.9, which trains otherwise than") == true)
      changed = metadata
      changed["ltd.build"] = "0123456789abcdef"
      try SafeTensors.writeSealed(path, tensors: tensors, metadata: changed)
      let notes = Notes()
      let rest = try run(folder + "/part", other, progress: notes)
      #expect(rest.continuedAfter == 4 && other.hasEqualWeights(to: whole))
      #expect(notes.lines.contains { $0.contains("another build of ltd") && $0.contains("0123456789abcdef") })
    }
  }

  /// A folder in which nothing can be made is refused before the first step.
  @Test func aFolderThatCannotBeWrittenTo() throws {
    // Nobody can make a file there, the superuser included.
    for path in ["/proc/sys/kernel", "/proc/ltd-run"] {
      let error = #expect(throws: CoreError.self) { try CheckpointFolder(path) }
      #expect(error?.kind == .io && error?.argument == "checkpoint", "\(error?.message ?? "")")
    }
    try inTemporaryFolder { folder in
      try Folder.make(folder + "/run")
      chmod(folder + "/run", 0o555)
      defer { chmod(folder + "/run", 0o755) }
      guard access(folder + "/run", W_OK) != 0 else { return }
      let error = #expect(throws: CoreError.self) { try CheckpointFolder(folder + "/run") }
      #expect(error?.kind == .io && error?.argument == "checkpoint", "\(error?.message ?? "")")
    }
  }

  @Test func aFolderHasOneRunAtATime() throws {
    try inTemporaryFolder { folder in
      let first = try CheckpointFolder(folder)
      let error = #expect(throws: CoreError.self) { try CheckpointFolder(folder) }
      #expect(error?.message.contains("another process trains in") == true)
      _ = first
    }
  }

  @Test func aModelIsTrainedByOneRun() throws {
    let model = try network()
    let inner = Nested(model)
    let error = #expect(throws: CoreError.self) { try fit(model, on: bars(20), method: inner, plan: plan) }
    #expect(error?.message.contains("is being trained by another fit") == true)
    // Not for ever.
    _ = try fit(model, on: bars(20), plan: plan)
  }

  @Test func aReportIsResumed() throws {
    let (whole, part) = (try network(), try network())
    func run(_ model: Model, _ lr: Double = 0.05, stop: Int = .max, resume: TrainingReport? = nil) throws
      -> TrainingReport
    {
      var plan = plan
      plan.learningRate = lr
      return try fit(
        model, on: bars(40), method: TRADES(beta: 2), attack: PGD(eps: 0.1, steps: 2), plan: plan,
        observers: [Stop(after: stop)], resume: resume)
    }
    _ = try run(whole)
    let first = try run(part, stop: 4)
    let rest = try run(part, resume: first)
    #expect(part.hasEqualWeights(to: whole) && rest.epochs.count == 3 && rest.steps == 5)
    let error = #expect(throws: CoreError.self) { try run(part, 0.1, resume: first) }
    #expect(error?.message.contains("lr is 0.1, it was 0.05") == true)
    #expect(throws: CoreError.self) { try run(part, resume: rest) }
  }
}

/// Keeps what a run has to say.
final class Notes: Progress {
  private(set) var lines: [String] = []

  func update(
    title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
  ) {}
  func note(_ line: String) { lines.append(line) }
  func finish() {}
}

/// Trains the model within its training.
private struct Nested: StatelessMethod {
  static let name = "nested"
  static let page = Page("A method that trains the model itself.")
  static let settings: [Setting<Nested>] = []
  var model: Model?

  init() {}
  init(_ model: Model) { self.model = model }

  var inner: InnerMaximisation? { nil }

  func loss(_ step: TrainingStep) throws -> StepLoss {
    if let model { try fit(model, on: bars(20)) }
    return StepLoss(total: try step.crossEntropy(step.forward(step.images)))
  }
}

/// A folder for a test, which is gone afterwards.
func inTemporaryFolder(_ body: (String) throws -> Void) throws {
  let folder = try TemporaryFolder()
  try body(folder.path)
}
