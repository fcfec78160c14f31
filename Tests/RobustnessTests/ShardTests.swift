import Base
import Cluster
import Datasets
import Networks
import Tensors
import TestSupport
import Testing

@testable import Robustness

/// A batch that is cut into shards leads to the same bits whoever takes them.
@Suite struct ShardTests {
  private static let plan: TrainingPlan = {
    var plan = TrainingPlan(epochs: 2, batchSize: 16, learningRate: 0.05, seed: 5)
    plan.shards = 8
    plan.averaging = WeightAveraging(.exponential(decay: 0.75, warmsUp: false))
    return plan
  }()

  /// What a run leads to: weights, average, and what its epochs measured.
  private static func outcome(
    _ name: String, _ plan: TrainingPlan = plan, images: Int = 43, on ranks: (any Communicator)? = nil
  ) throws -> [String] {
    let model = try network()
    let method: any TrainingMethod =
      switch name {
      case "ltd with awp": AWP(LTD(teacher: try network(seed: 9), temperature: 2, beta: 2, mix: 0.5), gamma: 0.02)
      case "adr with awp": AWP(ADR(), gamma: 0.02)
      case "pgd_at in training mode": PGDAT(attackMode: .train)
      default: try TestMethods.method(name)
      }
    let attack = method.inner == nil ? nil : PGD(eps: 0.1, steps: 2)
    let report = try fit(
      model, on: bars(images), method: method, attack: attack, plan: plan,
      validation: attack == nil ? nil : bars(20, seed: 3), ranks: ranks)
    return [model.fingerprint, report.averaged?.fingerprint ?? ""]
      + report.epochs.map { epoch in
        var epoch = epoch
        epoch.seconds = 0
        return [epoch].text
      }
  }

  private static func outcomes(_ count: Int, _ name: String, _ plan: TrainingPlan = plan) throws -> [[String]] {
    try ThreadRanks.run(count) { ranks in try outcome(name, plan, on: ranks) }.map { try $0.get() }
  }

  @Test(arguments: ["standard", "pgd_at", "trades", "awp", "ltd with awp", "adr with awp", "pgd_at in training mode"])
  func ranksLeadToTheBitsOfOneProcess(_ name: String) throws {
    let alone = try Self.outcome(name)
    for count in [1, 2, 3, 4, 8] {
      for (rank, other) in try Self.outcomes(count, name).enumerated() {
        #expect(other == alone, "rank \(rank) of \(count)")
      }
    }
  }

  /// The same, where batch norm takes the statistics of the whole batch.
  @Test(arguments: ["pgd_at", "trades", "ltd with awp", "pgd_at in training mode"])
  func commonStatisticsAreThoseOfOneProcess(_ name: String) throws {
    var plan = Self.plan
    plan.syncsNorm = true
    let alone = try Self.outcome(name, plan)
    #expect(try alone != Self.outcome(name))
    for count in [1, 2, 3, 8] {
      for (rank, other) in try Self.outcomes(count, name, plan).enumerated() {
        #expect(other == alone, "rank \(rank) of \(count)")
      }
    }
  }

  /// Up to roundings, a batch whose shards have common statistics is the batch.
  @Test(arguments: [43, 48]) func commonStatisticsAreThoseOfTheBatch(_ images: Int) throws {
    func trained(_ shards: Int) throws -> Model {
      let model = try Model(
        Architecture(
          .custom(
            .sequential([
              .conv2d(Conv2d(8, kernel: Size(3), padding: Padding(1))), .batchNorm(BatchNorm()), .relu, .flatten,
              .linear(Linear(6)), .batchNorm(BatchNorm()), .linear(Linear(3)),
            ])), classes: 3, input: [1, 8, 8]))
      var plan = Self.plan
      (plan.shards, plan.syncsNorm, plan.averaging) = (shards, shards > 1, nil)
      try fit(model, on: bars(images), method: TRADES(beta: 2), attack: PGD(eps: 0.1, steps: 2), plan: plan)
      return model
    }
    let whole = try trained(1)
    for shards in [2, 8] {
      let other = try trained(shards)
      for (a, b) in zip(whole.parameters + whole.buffers, other.parameters + other.buffers) {
        #expect(largest(a, b) < 1e-3)
      }
    }
  }

  @Test func commonStatisticsNeedBatchNorm() throws {
    var plan = Self.plan
    plan.syncsNorm = true
    let plain = try Model(
      Architecture(.custom(.sequential([.flatten, .linear(Linear(3))])), classes: 3, input: [1, 8, 8]))
    let error = #expect(throws: CoreError.self) { try fit(plain, on: bars(43), plan: plan) }
    #expect(error?.argument == "sync_norm")
  }

  /// A rank that fails ends all: before its gradients, within an exchange of batch norm, or while its gradients travel.
  @Test(arguments: [false, true], Array(stride(from: 0, to: 43, by: 6)))
  func aShardThatFailsEndsAll(syncs: Bool, image: Int) throws {
    var plan = Self.plan
    plan.syncsNorm = syncs
    for isLate in [false, true] {
      var settings = RunSettings.ofThread
      settings.checksFinite = isLate
      let outcomes = settings.carry {
        ThreadRanks.run(3) { [plan] ranks in
          let method = Breaking(image: image, isLate: isLate)
          return try fit(network(), on: bars(43), method: method, plan: plan, ranks: ranks).steps
        }
      }
      let words = isLate ? "in the gradient of square_root" : "image \(image) breaks"
      for outcome in outcomes {
        let error = #expect(throws: CoreError.self) { try outcome.get() }
        #expect(error?.message.hasPrefix("rank ") == true && error?.message.contains(words) == true, "\(error as Any)")
      }
    }
  }

  /// Every method of the list either is refused by name or trains to the same bits.
  @Test(arguments: TestMethods.names) func everyMethodIsSharedOrRefused(_ name: String) throws {
    var plan = Self.plan
    (plan.epochs, plan.shards) = (1, 4)
    do {
      let alone = try Self.outcome(name, plan)
      let ranks = try Self.outcomes(3, name, plan)
      #expect(ranks.allSatisfy { $0 == alone })
    } catch let error as CoreError {
      let refused = ["sat", "ikl", "mtard", "mtard with temperatures", "fast_at", "free_at", "lbgat"]
      #expect(error.argument == "shards" && refused.contains(name), "\(error)")
    }
  }

  /// Without batch norm and dropout the shards are the batch, up to roundings.
  @Test func awpDisplacesAlongTheWholeBatch() throws {
    func trained(_ shards: Int) throws -> Model {
      let model = try Model(
        Architecture(
          .custom(.sequential([.flatten, .linear(Linear(12)), .relu, .linear(Linear(3))])), classes: 3,
          input: [1, 8, 8]))
      var plan = Self.plan
      (plan.shards, plan.averaging) = (shards, nil)
      try fit(
        model, on: bars(43), method: AWP(TRADES(beta: 2), gamma: 0.05), attack: PGD(eps: 0.1, steps: 2), plan: plan)
      return model
    }
    let whole = try trained(1)
    for shards in [2, 16] {
      for (a, b) in zip(whole.parameters, try trained(shards).parameters) { #expect(largest(a, b) < 1e-4) }
    }
  }

  /// The running statistics of a step are the mean of those of its shards.
  @Test func runningStatisticsAreTheMeanOverShards() throws {
    let data = try bars(16)
    let model = try network()
    var plan = Self.plan
    (plan.epochs, plan.shards, plan.averaging) = (1, 2, nil)
    try fit(model, on: data, plan: plan)
    let order = data.batches(of: 16, shuffledBy: RandomStream(seed: plan.seed, purpose: "fit.order", 0))[0]
    var sums: [Tensor] = []
    for part in [order.prefix(8), order.suffix(8)] {
      let own = try network()
      _ = try own.forward(
        data.batch(Array(part)).images, mode: .train, dropout: RandomStream(seed: 0, purpose: "any"))
      sums = try sums.isEmpty ? own.buffers : zip(sums, own.buffers).map { try $0.dtype == .float32 ? $0 + $1 : $1 }
    }
    for (found, sum) in zip(model.buffers, sums) {
      if found.dtype == .float32 {
        #expect(try largest(found, sum * 0.5) < 1e-6)
      } else {
        #expect(found.ints() == sum.ints())
      }
    }
  }

  @Test func aRankThatFailsEndsAll() throws {
    let outcomes = ThreadRanks.run(3) { ranks -> Int in
      let failing = ranks.rank == 2
      return try fit(
        network(), on: bars(43), plan: Self.plan, observers: [Failing(at: failing ? 3 : .max)], ranks: ranks
      ).steps
    }
    for outcome in outcomes {
      #expect(throws: (any Error).self) { try outcome.get() }
    }
  }

  @Test func moreRanksThanShardsAreRefused() throws {
    func message(_ shards: Int, _ count: Int) -> String? {
      var plan = Self.plan
      plan.shards = shards
      let outcomes = ThreadRanks.run(count) { [plan] ranks in
        try fit(network(), on: bars(43), plan: plan, ranks: ranks).steps
      }
      guard case .failure(let error as CoreError) = outcomes[0] else { return nil }
      return error.message + "; " + (error.hint ?? "")
    }
    #expect(message(2, 3)?.contains("3 ranks are more than the 2 shards") == true)
    #expect(message(1, 2)?.contains("fit(…, shards=2)") == true)
    #expect(message(2, 2) == nil)
  }

  @Test func ranksThatTrainOtherwiseSayInWhat() throws {
    let outcomes = ThreadRanks.run(2) { ranks -> Int in
      var plan = Self.plan
      plan.learningRate = ranks.rank == 0 ? 0.05 : 0.06
      return try fit(network(), on: bars(43), plan: plan, ranks: ranks).steps
    }
    for case .failure(let error as CoreError) in outcomes { #expect(error.message.contains("lr is 0.06, it was 0.05")) }
    #expect(outcomes.allSatisfy { if case .failure = $0 { true } else { false } })
  }

  /// One that is told to stop stops all after the same step, and any number of ranks continue.
  @Test func aStopIsCommonAndAnotherNumberContinues() throws {
    try inTemporaryFolder { folder in
      let whole = try network()
      try fit(whole, on: bars(43), plan: Self.plan)
      let signals = (0..<3).map { _ in StopSignal() }
      let stopped = ThreadRanks.run(3) { ranks in
        try signals[ranks.rank].carry {
          let report = try fit(
            network(), on: bars(43), plan: Self.plan,
            observers: [Raising(ranks.rank == 1 ? signals[1] : nil, after: 4)],
            checkpoints: CheckpointFolder(folder + "/run", isReader: !ranks.isFirst), ranks: ranks)
          return "\(report.interrupted) \(report.steps)"
        }
      }
      #expect(try stopped.map { try $0.get() } == Array(repeating: "true 4", count: 3))
      let ended = ThreadRanks.run(2) { ranks in
        let model = try network()
        let report = try fit(
          model, on: bars(43), plan: Self.plan,
          checkpoints: CheckpointFolder(folder + "/run", isReader: !ranks.isFirst), ranks: ranks)
        return "\(report.continuedAfter ?? 0) \(model.fingerprint)"
      }
      #expect(try ended.map { try $0.get() } == Array(repeating: "4 \(whole.fingerprint)", count: 2))
    }
  }

  // MARK: The tree

  /// Sums of words show their order.
  private static func words(_ count: Int, empty: Set<Int> = []) throws -> String {
    var tree = TreeSum<String> { "(\($0)+\($1))" }
    for leaf in 0..<count { try tree.append(leaf: leaf, empty.contains(leaf) ? nil : "\(leaf)") }
    return try tree.total() ?? ""
  }

  @Test func theTreeIsFixed() throws {
    #expect(try Self.words(1) == "0")
    #expect(try Self.words(6) == "(((0+1)+(2+3))+(4+5))")
    #expect(try Self.words(7) == "(((0+1)+(2+3))+((4+5)+6))")
    #expect(try Self.words(8, empty: [1, 2, 3, 5]) == "(0+(4+(6+7)))")
    #expect(try Self.words(4, empty: [0, 1, 2, 3]).isEmpty)
  }

  @Test func runsOfLeavesAddUpToTheTree() throws {
    for count in 1...20 {
      for ranks in 1...count {
        for images in [count * 3, count, max(1, count / 2), 1] {
          let cut = BatchCut(count: images, shards: count)
          let empty = Set((0..<count).filter { cut.images(of: $0).isEmpty })
          var whole = TreeSum<String> { "(\($0)+\($1))" }
          for rank in 0..<ranks {
            var part = TreeSum<String> { "(\($0)+\($1))" }
            let run = cut.run(of: rank, of: ranks)
            for leaf in run { try part.append(leaf: leaf, empty.contains(leaf) ? nil : "\(leaf)") }
            #expect(
              part.nodes.map { [$0.level, $0.index] } == TreeSum<Void>.nodes(of: run).map { [$0.level, $0.index] })
            #expect(part.nodes.map { $0.value == nil } == part.nodes.map { cut.isEmpty($0.level, $0.index) })
            for node in part.nodes { try whole.append(node) }
          }
          #expect(try whole.total() ?? "" == Self.words(count, empty: empty))
          #expect((0..<count).flatMap { Array(cut.images(of: $0)) } == Array(0..<images))
        }
      }
    }
  }

  @Test func manyLeavesTakeTheMemoryOfAFew() throws {
    var tree = TreeSum<Int> { $0 + $1 }
    for leaf in 0..<1000 {
      try tree.append(leaf: leaf, leaf)
      #expect(tree.nodes.count <= 10)
    }
    #expect(try tree.total() == 499_500)
  }
}

/// Fails at one image, between two forwards.
private struct Breaking: StatelessMethod {
  static let name = "breaking"
  static let page = Page("Fails at an image.", details: "", examples: [], seeAlso: [], search: [])
  static let settings: [Setting<Breaking>] = []
  var image = 7
  /// Whether it fails in the backward pass, by the slope of a root at 0.
  var isLate = false
  var inner: InnerMaximisation? { nil }

  func loss(_ step: TrainingStep) throws -> StepLoss {
    let logits = try step.forward(step.images)
    let breaks = step.ids.contains(image)
    if breaks, !isLate { throw CoreError(.value, "image \(image) breaks") }
    let loss = try step.crossEntropy(step.forward(step.images))
    return StepLoss(total: breaks ? try loss + (logits * 0).sum().sqrt() : loss)
  }
}

/// Fails after a step.
private final class Failing: TrainingObserver {
  private let step: Int
  init(at step: Int) { self.step = step }
  var state: NamedTensors { [] }
  func restore(_ state: NamedTensors) {}
  func after(step: Int, _ model: Model) throws {
    if step == self.step { throw CoreError(.value, "this one fails") }
  }
}

/// Raises a signal after a step, as Ctrl-C does.
private final class Raising: TrainingObserver {
  private let signal: StopSignal?
  private let step: Int
  init(_ signal: StopSignal?, after step: Int) { (self.signal, self.step) = (signal, step) }
  var state: NamedTensors { [] }
  func restore(_ state: NamedTensors) {}
  func after(step: Int, _ model: Model) throws { if step == self.step { signal?.raise(.interrupted) } }
}
