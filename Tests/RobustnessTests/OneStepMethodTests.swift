import Base
import Datasets
import Networks
import Tensors
import Testing

@testable import Robustness

/// What the methods that find their images themselves, and those that keep something between steps, have of their own.
@Suite struct OneStepMethodTests {
  private let labels = (0..<12).map { $0 % 3 }

  private func step(
    _ model: Model, _ position: TrainingPosition? = nil, attack: any Ascent = PGD(eps: 0.1, steps: 2),
    inner: InnerMaximisation? = nil
  ) throws -> TrainingStep {
    TrainingStep(
      model: model, parameters: model.trackedParameters(),
      batch: Batch(images: try bars(12).images, targets: .classes(labels), ids: Array(0..<12)), attack: attack,
      inner: inner, stream: RandomStream(seed: 1, purpose: "test"),
      position: position ?? TrainingPosition(epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 1))
  }

  private func images(_ method: any TrainingMethod, attack: any Ascent = PGD(eps: 0.1)) throws -> (Tensor, Tensor) {
    let model = try network()
    let step = try step(model, attack: attack)
    _ = try method.begin(model, on: bars(12)).loss(step)
    return (step.images, try #require(step.found.first))
  }

  /// FAST-AT stays in the ball, N-FGSM may go (k + 1)·eps far, and both in [0, 1]; the radius is that of the attack, or
  /// the method's own.
  @Test func radii() throws {
    for (method, reach) in [
      (FastAT(), 0.1), (FastAT(eps: 0.03), 0.03), (FastAT(stepSize: 0.5), 0.1), (NFGSM(), 0.3),
      (NFGSM(eps: 0.05, k: 0), 0.05), (NFGSM(eps: 0.05, stepSize: 0.01, k: 1), 0.06),
    ] as [(any TrainingMethod, Float)] {
      let (clean, found) = try images(method)
      let distance = largest(clean, found)
      #expect(distance <= reach + 1e-6 && distance > 0.9 * reach, "\(method): \(distance)")
      #expect(found.floats().allSatisfy { $0 >= 0 && $0 <= 1 })
    }
    #expect(throws: CoreError.self) { try images(FastAT(), attack: PGD(eps: 0.5, norm: .l2)) }
    let (clean, found) = try images(FastAT(), attack: PGD(norm: .l2))
    #expect(largest(clean, found) <= 8 / 255 + 1e-6)
    _ = try images(FastAT(eps: 0.1), attack: PGD(eps: 0.5, norm: .l2))
  }

  /// What is drawn for an example is its own, whatever batch it is in.
  @Test func drawsAreKeyedByExample() throws {
    let model = try network()
    let data = try bars(12)
    func drawn(_ rows: [Int]) throws -> [Float] {
      let batch = try data.batch(rows)
      let step = TrainingStep(
        model: model, parameters: model.trackedParameters(), batch: batch, attack: PGD(eps: 0.1), inner: nil,
        stream: RandomStream(seed: 1, purpose: "test"))
      return try step.uniform(-1, 1).floats()
    }
    #expect(try drawn([3, 5]) == drawn([3]) + drawn([5]))
  }

  /// The guard sets the weights back when accuracy under PGD falls, and not before.
  @Test func theGuardEndsTheRun() throws {
    let data = try bars(60)
    let model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 20, learningRate: 0.05, seed: 5))
    let monitor = OverfittingGuard(threshold: 0.2)
    func position(_ epoch: Int) -> TrainingPosition {
      TrainingPosition(epoch: epoch, step: 0, stepsPerEpoch: 1, epochs: 5)
    }
    monitor.see(try step(model, position(0)), eps: 0.05)
    #expect(try monitor.after(epoch: position(0), model) == nil)
    let good = model.copy()
    // A network that knows nothing: accuracy falls by more than 20 points.
    try model.setParameters(try network(seed: 3).parameters.map { try $0 * 0 })
    let state = try monitor.state
    let other = OverfittingGuard(threshold: 0.2)
    try other.restore(state)
    for monitor in [monitor, other] {
      let broken = model.copy()
      let reason = try #require(try monitor.after(epoch: position(1), broken))
      #expect(reason.contains("catastrophic overfitting in epoch 2"))
      #expect(broken.hasEqualWeights(to: good))
    }
    #expect(try OverfittingGuard(threshold: 1).after(epoch: position(1), model) == nil)
  }

  /// A run whose guard has spoken has fewer epochs, and says why.
  @Test func aRunIsEndedByItsMethod() throws {
    let model = try network()
    let notes = NotedLines()
    let report = try fit(
      model, on: bars(40), method: Ending(), plan: TrainingPlan(epochs: 5, batchSize: 20), progress: notes)
    #expect(report.epochs.count == 2 && !report.interrupted)
    #expect(notes.lines.withLock { $0 }.contains("enough"))
  }

  /// One replay moves the weights once; two move them twice, from a perturbation that the first has moved.
  @Test func replaysMoveTheWeights() throws {
    func trained(_ replays: Int, epochs: Int = 1) throws -> (Model, TrainingReport) {
      let model = try network()
      let plan = TrainingPlan(epochs: epochs, batchSize: 20, learningRate: 0.05, seed: 5)
      return (model, try fit(model, on: bars(50), method: FreeAT(replays: replays, eps: 0.05), plan: plan))
    }
    let (one, two) = (try trained(1), try trained(2))
    #expect(!one.0.hasEqualWeights(to: two.0))
    #expect(one.1.steps == 3 && two.1.steps == 3)
    #expect(try trained(8, epochs: 3).1.epochs.last?.naturalAccuracy ?? 0 > 0.6)
    // The perturbation begins at 0: the first replay of the first batch is standard training.
    let (free, standard) = (try network(), try network())
    let plan = TrainingPlan(epochs: 1, batchSize: 12, learningRate: 0.05, seed: 5)
    try fit(free, on: bars(12), method: FreeAT(replays: 1, eps: 0.05), plan: plan)
    try fit(standard, on: bars(12), plan: plan)
    #expect(free.hasEqualWeights(to: standard))
  }

  /// The schedule counts replays as steps.
  @Test func replaysAreStepsOfTheSchedule() throws {
    let host = Host()
    let model = try network()
    let position = TrainingPosition(epoch: 1, step: 2, stepsPerEpoch: 3, epochs: 4)
    let step = TrainingStep(
      model: model, parameters: model.trackedParameters(),
      batch: Batch(images: try bars(12).images, targets: .classes(labels), ids: Array(0..<12)), attack: PGD(eps: 0.1),
      inner: nil, stream: RandomStream(seed: 1, purpose: "test"), position: position, host: host)
    let loss = try FreeAT(replays: 4).begin(model, on: bars(12)).loss(step)
    #expect(loss.isApplied)
    #expect(host.positions.map(\.iteration) == [20, 21, 22, 23])
    #expect(host.positions.allSatisfy { $0.iterations == 48 })
  }

  /// Targets begin as labels, and move by the predictions of the training forward.
  @Test func targetsFollowPredictions() throws {
    let model = try network()
    let data = try bars(12)
    let method = SAT(beta: 0, momentum: 0.75, start: 1)
    let process = try method.begin(model, on: data)
    let first = try process.loss(step(model, inner: method.inner))
    #expect(try process.state.isEmpty)
    #expect(try first.parts[0].value.item() == crossEntropy(#require(first.naturalLogits), labels: labels).item())
    let later = TrainingPosition(epoch: 1, step: 0, stepsPerEpoch: 1, epochs: 2)
    let loss = try process.loss(step(model, later, inner: method.inner))
    let p = try #require(loss.naturalLogits).softmax()
    let targets = try process.state.tensor("targets")
    #expect(largest(targets, try Tensor.oneHot(labels, classes: 3) * 0.75 + p * 0.25) < 1e-6)
    let weights = try targets.max(axes: [1])
    let expected = try
      (crossEntropy(#require(loss.naturalLogits), target: targets, reduction: .none)
      * (weights / weights.mean())).mean().item()
    #expect(abs(try loss.total.item() - expected) < 1e-5)
  }

  /// The target of ADR is the label where the average is wrong by more than lambda, and a distribution everywhere; both
  /// schedules are half a cosine.
  @Test func targetsAreRectified() throws {
    func position(_ step: Int) -> TrainingPosition {
      TrainingPosition(epoch: 0, step: step, stepsPerEpoch: 100, epochs: 1)
    }
    #expect(ADR.value(of: [2.5, 2], at: position(0)) == 2.5)
    #expect(abs(ADR.value(of: [2.5, 2], at: position(50)) - 2.25) < 1e-9)
    #expect(abs(ADR.value(of: [0.7, 0.95], at: position(99)) - 0.95) < 1e-3)
    let model = try network(seed: 4)
    let method = ADR(temperature: [0.01, 0.01], lambda: [0.6, 0.6], attackTarget: .label)
    let step = try step(model, inner: method.inner)
    _ = try method.begin(model, on: bars(12)).loss(step)
    let target = try #require(step.found.first).floats()
    let seen = try model(step.images).argmax(axis: 1).ints()
    for (row, label) in labels.enumerated() {
      let values = Array(target[row * 3..<row * 3 + 3])
      #expect(abs(values.reduce(0, +) - 1) < 1e-5)
      #expect(abs(values[label] - 1) < 1e-3 || seen[row] == label || values[label] >= 0.4)
    }
  }

  /// The average follows the weights by its decay, running statistics too.
  @Test func theAverageFollows() throws {
    let model = try network()
    let process = try ADR(decay: 0.75).begin(model, on: bars(12))
    let before = model.copy()
    try model.setParameters(try model.parameters.map { try $0 + 1 })
    try process.after(step: TrainingPosition(epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 1), model)
    for (item, old) in zip(try process.state, before.parameters) {
      #expect(largest(item.tensor, try old + 0.25) < 1e-6)
    }
  }

  /// Sums over classes are sums over pairs.
  @Test func squaresOverPairs() throws {
    let stream = RandomStream(seed: 3, purpose: "squares")
    let d = try Tensor.normal([5, 4], stream: stream)
    let u = try Tensor.uniform([5, 4], from: 0, to: 1, stream: stream.child(1))
    let (x, w) = (d.floats().map(Double.init), u.floats().map(Double.init))
    var (sum, total) = (0.0, 0.0)
    for row in 0..<5 {
      for j in 0..<4 {
        for k in 0..<4 {
          let weight = w[row * 4 + j] * w[row * 4 + k]
          let difference = x[row * 4 + j] - x[row * 4 + k]
          sum += weight * difference * difference
          total += weight
        }
      }
    }
    #expect(abs(try IKL.squares(d, weights: u).item() - sum / total) < 1e-4 * sum / total)
  }

  /// The radius of ikl grows with the epochs, and its class means are those of the epoch before.
  @Test func theBallGrows() throws {
    let model = try network()
    for (epoch, reach) in [(0, 0.025), (3, 0.1)] as [(Int, Float)] {
      let position = TrainingPosition(epoch: epoch, step: 0, stepsPerEpoch: 1, epochs: 4)
      let step = try step(model, position, inner: IKL().inner)
      _ = try IKL().begin(model, on: bars(12)).loss(step)
      #expect(abs(largest(step.images, try #require(step.found.first)) - reach) < 0.1 * reach)
    }
    let process = try IKL().begin(model, on: bars(12))
    let loss = try process.loss(step(model, inner: IKL().inner))
    _ = try process.after(epoch: TrainingPosition(epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 4), model)
    let p = try #require(loss.naturalLogits).softmax(temperature: 4).floats()
    let means = try process.state.tensor("means").floats()
    for label in 0..<3 {
      for k in 0..<3 {
        let own = labels.indices.filter { labels[$0] == label }.map { (i: Int) -> Float in p[i * 3 + k] }
        let mean: Float = own.reduce(0, +) / Float(own.count)
        #expect(abs(means[label * 3 + k] - mean) < 1e-5)
      }
    }
  }

  @Test func settingsAreChecked() throws {
    let other = try network(seed: 2)
    for (method, argument) in [
      (FastAT(eps: 2), "eps"), (FastAT(stepSize: 0), "step_size"), (FastAT(threshold: 2), "guard"),
      (NFGSM(k: -1), "k"), (FreeAT(replays: 0), "replays"), (FreeAT(eps: .nan), "eps"), (SAT(momentum: 2), "momentum"),
      (SAT(start: -1), "start"), (ADR(temperature: [0, 1]), "temperature"), (ADR(lambda: [0.5, 2]), "lambda"),
      (ADR(decay: 1), "decay"), (IKL(beta: -1), "beta"), (IKL(temperature: 0), "temperature"),
      (HAT(helper: other, h: 0), "h"), (HAT(helper: other, gamma: .infinity), "gamma"),
      (AWP(TRADES(), gamma: -1), "gamma"),
      (AWP(TRADES(beta: -1)), "beta"), (TRADES(beta: 1, forwards: 4), "forwards"),
    ] as [(any TrainingMethod, String)] {
      let error = #expect(throws: CoreError.self) { try method.validate() }
      #expect(error?.argument == argument, "\(method)")
    }
    let model = try network()
    let fewer = try Model(Architecture(MLP(hidden: []), classes: 2, input: [1, 8, 8]))
    for helper in [model, fewer] {
      let error = #expect(throws: CoreError.self) { try fit(model, on: bars(12), method: HAT(helper: helper)) }
      #expect(error?.argument == "method")
    }
  }
}

/// Ends a run after its second epoch.
private struct Ending: TrainingMethod {
  static let name = "ending"
  static let page = Page("Ends.")
  static let settings: [Setting<Ending>] = []
  var inner: InnerMaximisation? { nil }
  func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess { Process() }

  final class Process: TrainingProcess {
    func loss(_ step: TrainingStep) throws -> StepLoss { try Standard().loss(step) }
    func after(epoch position: TrainingPosition, _ model: Model) throws -> String? {
      position.epoch == 1 ? "enough" : nil
    }
  }
}

private final class Host: StepHost {
  var positions: [TrainingPosition] = []
  func hold() throws {}
  func move(by gradients: [Tensor?], at position: TrainingPosition) throws { positions.append(position) }
  func makeOptimiser() -> any Optimiser { SGD().makeOptimiser() }
  func rates(at position: TrainingPosition) -> (rate: Double, momentum: Double?) { (0.1, nil) }
}

private final class NotedLines: Progress {
  let lines = Locked<[String]>([])
  func update(
    title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
  ) {}
  func note(_ line: String) { lines.withLock { $0.append(line) } }
  func finish() {}
}
