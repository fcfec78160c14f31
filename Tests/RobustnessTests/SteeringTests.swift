import Base
import Datasets
import Networks
import Tensors
import TestSupport
import Testing

@testable import Robustness

/// A user who looks at a run changes no bit of it, and one who changes its rate finds that on record.
@Suite struct SteeringTests {
  private let plan = TrainingPlan(
    epochs: 3, batchSize: 16, learningRate: 0.05, optimiser: SGD(weightDecay: 1e-4), seed: 5)

  private func run(
    _ model: Model, _ method: any TrainingMethod = TRADES(beta: 2), stop: Int = .max, folder: String? = nil,
    attack: PGD? = PGD(eps: 0.1, steps: 2), rate: Double = 0.05
  ) throws -> TrainingRun {
    var plan = plan
    plan.learningRate = rate
    return try TrainingRun(
      model, on: bars(40), method: method, attack: attack, plan: plan, observers: [Stop(after: stop)],
      checkpoints: folder.map { try CheckpointFolder($0) })
  }

  /// Looked at, with every picture, a pause and a checkpoint at each step, all methods end in the same bits.
  @Test(arguments: TestMethods.names)
  func lookingChangesNoBit(_ name: String) throws {
    try inTemporaryFolder { folder in
      let attack = TestMethods.isAdversarial(name) ? PGD(eps: 0.1, steps: 2) : nil
      let rate = name == "lbgat" ? 0.005 : 0.05
      let (alone, seen) = (try network(), try network())
      let expected = try run(alone, TestMethods.method(name), attack: attack, rate: rate).run()
      let user = User { _ in [.save] }
      user.pause = 0.001
      let report = try run(seen, TestMethods.method(name), folder: folder + "/run", attack: attack, rate: rate).run(
        progress: user)
      #expect(seen.hasEqualWeights(to: alone))
      #expect(report.epochs.map(\.loss) == expected.epochs.map(\.loss) && report.rateChanges.isEmpty)
      #expect(user.glances.count == 9 && user.answers.count == 9)
      #expect(user.answers.allSatisfy { $0.hasPrefix("saved: step-0000000") }, "\(user.answers)")
      // What the steps have shown is what the epochs report.
      for (index, epoch) in expected.epochs.enumerated() {
        let steps = user.glances[3 * index..<3 * index + 3]
        func mean(_ value: (TrainingGlance) -> Double) -> Double {
          steps.reduce(0) { $0 + value($1) * Double($1.examples) } / 40
        }
        #expect(abs(mean { $0.loss } - epoch.loss) < 1e-9)
        #expect(abs(mean { $0.natural } - epoch.naturalAccuracy) < 1e-9)
        #expect((epoch.robustAccuracy == nil) == steps.allSatisfy { $0.robust == nil })
        if let robust = epoch.robustAccuracy { #expect(abs(mean { $0.robust ?? .nan } - robust) < 1e-9) }
      }
      #expect(user.glances.last?.worstClass != nil && user.glances.first?.worstClass == nil)
      #expect(user.pictures.count == 9)
      for pictures in user.pictures {
        #expect(pictures.image.count == pictures.shape.reduce(1, *))
        guard let twin = pictures.twin else { continue }
        #expect(twin.count == pictures.image.count && twin.allSatisfy { $0 >= 0 && $0 <= 1 })
      }
      if attack != nil, name != "free_at" { #expect(user.pictures.allSatisfy { $0.twin != nil }) }
    }
  }

  @Test func aTwinIsWithinTheBallOfItsImage() throws {
    let user = User()
    _ = try run(network()).run(progress: user)
    for pictures in user.pictures {
      let twin = try #require(pictures.twin)
      #expect(zip(pictures.image, twin).allSatisfy { abs($0 - $1) <= 0.1 + 1e-5 })
      #expect(twin != pictures.image && pictures.answer != nil)
    }
  }

  /// A rate that was changed by hand is in the report, and a run that continues from any place has it, in memory and from
  /// a folder.
  @Test(arguments: [4, 6, 8])
  func aChangedRateIsOnRecord(_ stop: Int) throws {
    func changing() -> User {
      User { [2: [.learningRate(0.01)], 5: [.learningRate(0.02), .learningRate(0.03)]][$0] ?? [] }
    }
    let (whole, plain, part, other) = (try network(), try network(), try network(), try network())
    _ = try run(plain).run()
    let report = try run(whole).run(progress: changing())
    #expect(!whole.hasEqualWeights(to: plain))
    #expect(report.rateChanges == [RateChange(step: 2, rate: 0.01), RateChange(step: 5, rate: 0.03)])
    #expect(report.epochs.map(\.learningRate) == [0.01, 0.03, 0.03])
    #expect(report.epochs.map(\.rateChanges.count) == [1, 1, 0])
    let sentences = [
      "the learning rate was set to 0.01 by hand after step 2",
      "the learning rate was set to 0.03 by hand after step 5",
    ]
    #expect(report.warnings == sentences)
    try inTemporaryFolder { folder in
      let first = try run(part, stop: stop, folder: folder + "/run").run(progress: changing())
      #expect(first.interrupted && first.rateChanges.count == (stop >= 6 ? 2 : 1))
      #expect(first.warnings == Array(sentences.prefix(first.rateChanges.count)))
      // A report outlives its session.
      let kept = try TrainingReport(first.kept, examples: first.examples, averaged: nil, best: nil, epoch: 0)
      #expect(kept.rateChanges == first.rateChanges)
      let state = try #require(kept.state)
      let second = try run(network(seed: 77))
      try second.restore(state.tensors)
      let user = changing()
      let rest = try run(other, folder: folder + "/run").run(progress: user)
      #expect(other.hasEqualWeights(to: whole) && rest.rateChanges == report.rateChanges)
      #expect(user.lines.contains { $0.hasPrefix(sentences[first.rateChanges.count - 1] + ", and stays that") })
    }
  }

  @Test func whatIsNoRateIsRefused() throws {
    let user = User { $0 == 1 ? [.learningRate(-1), .learningRate(.infinity), .learningRate(0.05), .save] : [] }
    let (model, plain) = (try network(), try network())
    let report = try run(model).run(progress: user)
    _ = try run(plain).run()
    #expect(model.hasEqualWeights(to: plain) && report.rateChanges.isEmpty)
    #expect(user.answers.count == 4)
    #expect(user.answers[0].hasPrefix("not changed: lr of fit must be") && user.answers[1].hasPrefix("not changed: lr"))
    #expect(user.answers[2] == "the learning rate is 0.05 already")
    #expect(user.answers[3].hasPrefix("not saved: this run has no folder of checkpoints"))
  }

  @Test func statesWithOtherRatesAreRefused() throws {
    let first = try run(network(), stop: 5)
    _ = try first.run(progress: User { $0 == 4 ? [.learningRate(0.01)] : [] })
    let state = try first.state
    for numbers in [
      [1], [99, 1], [4, Int(Int64(bitPattern: (-1.0).bitPattern))], [4, Int(Int64(bitPattern: Double.nan.bitPattern))],
    ] {
      var damaged = state
      for index in damaged.indices where damaged[index].name == "rates" {
        damaged[index].tensor = try Tensor(ints: numbers, shape: [numbers.count])
      }
      #expect(throws: CoreError.self) { try run(network()).restore(damaged) }
    }
  }

  @Test func aPauseEndsWithCtrlCAndIsNotCounted() throws {
    let user = User()
    user.pause = 0.05
    let report = try run(network()).run(progress: user)
    #expect(report.seconds < 9 * 0.05 + user.trained && report.seconds >= 0)
    let signal = StopSignal()
    let waiting = User { step in
      if step == 2 { signal.raise(.interrupted) }
      return []
    }
    waiting.polls = true
    let stopped = try signal.carry { try run(network()).run(progress: waiting) }
    #expect(stopped.interrupted && stopped.steps == 2)
  }
}

/// A user who wants all pictures and gives orders after some steps.
private final class User: TrainingProgress {
  private let orders: (Int) -> [TrainingOrder]
  private var waiting: [TrainingOrder] = []
  private var asked = -1
  /// Seconds that each step is followed by.
  var pause = 0.0
  var polls = false
  private(set) var glances: [TrainingGlance] = []
  private(set) var pictures: [TrainingPictures] = []
  private(set) var answers: [String] = []
  private(set) var lines: [String] = []
  private var done = 0
  var trained: Double { glances.reduce(1) { $0 + $1.seconds } }

  init(_ orders: @escaping (Int) -> [TrainingOrder] = { _ in [] }) { self.orders = orders }

  func update(title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?) {
    self.done = done
  }
  func note(_ line: String) { lines.append(line) }
  func finish() {}
  func update(_ step: TrainingGlance) { glances.append(step) }
  var wantsPictures: Bool { true }
  func show(_ pictures: TrainingPictures) { self.pictures.append(pictures) }
  func nextOrder() throws(CoreError) -> TrainingOrder? {
    if asked != done {
      asked = done
      waiting = orders(done)
      if pause > 0 {
        let end = monotonicSeconds() + pause
        while monotonicSeconds() < end {}
      }
      if polls { try StopSignal.poll() }
    }
    return waiting.isEmpty ? nil : waiting.removeFirst()
  }
  func answer(_ sentence: String) { answers.append(sentence) }
}
