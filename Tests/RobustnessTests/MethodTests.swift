import Base
import Datasets
import Foundation
import Networks
import Robustness
import Tensors
import Testing

/// What is a method's own: its loss on a given step, and where its gradient flows.
@Suite struct MethodTests {
  private let labels = (0..<12).map { $0 % 3 }

  private func step(_ model: Model, _ targets: Targets? = nil) throws -> TrainingStep {
    let images = try bars(12).images
    return TrainingStep(
      model: model, parameters: model.trackedParameters(),
      batch: Batch(images: images, targets: targets ?? .classes(labels), ids: Array(0..<12)), attack: PGD(),
      inner: TRADES().inner, stream: RandomStream(seed: 1, purpose: "test"),
      adversarial: try (images + 0.3).clip(min: 0, max: 1) * 0.7)
  }

  /// Of both sides of the divergence: the gradient is the sum of those that each side alone has, and neither is small.
  /// (Training that takes the clean side for a constant loses robustness.)
  @Test func theDivergenceOfTRADESHasAGradientOnBothSides() throws {
    for separate in [false, true] {
      let own = try step(network())
      let loss = try TRADES(beta: 6, forwards: separate ? 3 : 2).loss(own)
      let robust = try #require(loss.parts.first { $0.name == "loss_robust" }).value
      let both = try gradients(of: robust, withRespectTo: own.parameters).flatMap { $0.floats() }
      let halves = try [true, false].map { (isCleanConstant) -> [Float] in
        let step = try step(network())
        let adversarial = try step.adversarial()
        let (first, q) = (try step.forward(step.images), try step.forward(adversarial))
        let p = separate ? try step.forward(step.images) : first
        let divergence = try isCleanConstant ? klDivergence(p.detached(), q) : klDivergence(p, q.detached())
        return try gradients(of: divergence, withRespectTo: step.parameters).flatMap { $0.floats() }
      }
      let largest = both.map(abs).max() ?? 0
      for (i, value) in both.enumerated() {
        #expect(abs(value - halves[0][i] - halves[1][i]) <= 1e-4 * largest)
      }
      #expect(halves.allSatisfy { ($0.map(abs).max() ?? 0) > 0.05 * largest })
    }
  }

  /// MART's parts are those of the definition, the second has a gradient, and with beta 0 the first is left alone. That
  /// the gradient is the whole one, through clean side, adversarial side and weight, the reference vectors hold.
  @Test func martIsMadeOfItsParts() throws {
    let own = try step(network())
    let loss = try MART(beta: 0).loss(own)
    #expect(loss.parts.map(\.name) == ["loss_bce", "loss_reg"])
    #expect(try loss.total.item() == loss.parts[0].value.item())
    let natural = try #require(loss.naturalLogits)
    let slope = try gradients(of: loss.parts[1].value, withRespectTo: own.parameters)
    #expect(slope.contains { $0.floats().contains { $0 != 0 } })
    let q = try natural.softmax().floats()
    let p = try #require(loss.adversarialLogits).softmax().floats()
    var (bce, reg) = (0.0, 0.0)
    for (row, label) in labels.enumerated() {
      let at = (0..<3).map { row * 3 + $0 }
      let other = at.filter { $0 != row * 3 + label }.map { Double(p[$0]) }.max() ?? 0
      bce -= log(Double(p[row * 3 + label])) + log(1.0001 - other)
      var divergence = 0.0
      for i in at { divergence += Double(q[i]) * (log(Double(q[i])) - log(Double(p[i]))) }
      reg += divergence * (1 - Double(q[row * 3 + label]))
    }
    #expect(abs(try loss.parts[0].value.item() - bce / 12) < 1e-4 * bce)
    #expect(abs(try loss.parts[1].value.item() - reg / 12) < 1e-4)
  }

  /// One-hot targets are classes, in both conventions, and no smoothing is none.
  @Test(arguments: SmoothingConvention.allCases)
  func smoothedTargetsMayBeDistributions(_ convention: SmoothingConvention) throws {
    let rows = try Tensor.oneHot(labels, classes: 3)
    func loss(_ smoothing: Double, _ targets: Targets?) throws -> Double {
      try Standard(smoothing: smoothing, convention: convention).loss(step(network(), targets)).total.item()
    }
    #expect(abs(try loss(0.3, nil) - loss(0.3, .soft(rows))) < 1e-6)
    #expect(try loss(0, nil) == Standard().loss(step(network())).total.item())
    #expect(try loss(0.3, nil) != loss(0, nil))
  }
}
