import Base
import Foundation
import Networks
import Tensors
import Testing

@testable import Robustness

/// The temperatures that rules find, and who takes them.
@Suite struct SofteningTests {
  private let logits: Tensor

  init() throws {
    logits = try Tensor.normal([50, 7], deviation: 6, stream: RandomStream(seed: 3, purpose: "logits"))
  }

  private func entropies(_ rule: any SofteningRule, _ logits: Tensor) throws -> [Float] {
    try entropy(rule.softness(of: logits, at: nil).softmax(logits)).floats()
  }

  @Test(arguments: [0.7, 1.2, 1.9])
  func everyLabelHasTheEntropyAskedFor(_ target: Double) throws {
    for found in try entropies(ToEntropy(target), logits) { #expect(abs(Double(found) - target) < 2e-5) }
  }

  /// Temperatures stay between 0.05 and 100, exactly.
  @Test func whatCannotBeReachedHasTheNearestTemperature() throws {
    let flat = try Tensor([0, 0.01, 0.02, 300, 300, 300, 5e4, 0, 0], shape: [3, 3])
    func temperatures(_ entropy: Double) throws -> [Float] {
      guard case .each(let found, _) = try ToEntropy(entropy).softness(of: flat, at: nil) else { return [] }
      return found.floats()
    }
    let sharp = try temperatures(0.1)
    #expect(abs(sharp[0] - 0.05) < 1e-6)
    #expect(abs(sharp[1] - 0.05) < 1e-6)
    #expect(abs(sharp[2] - 100) < 1e-4)
    // All labels of equal logits have the entropy log 3, whatever the temperature.
    #expect(abs(try entropies(ToEntropy(log(3.0)), flat)[1] - Float(log(3.0))) < 1e-6)
    #expect(throws: CoreError.self) { try temperatures(1.2) }
    #expect(throws: CoreError.self) { try ToEntropy(1.2).validate(classes: 3) }
    try ToEntropy(1.09).validate(classes: 3)
  }

  /// The batch has no part in a temperature.
  @Test func eachImageIsByItself() throws {
    for rule in [ToEntropy(1.2), Standardised(2)] as [any SofteningRule] {
      let all = try rule.softness(of: logits, at: nil).softmax(logits)
      for row in [0, 17, 49] {
        let one = try logits.rows(row..<row + 1)
        let alone = try rule.softness(of: one, at: nil).softmax(one)
        #expect(alone.isIdentical(to: try all.rows(row..<row + 1)), "\(rule) of \(row)")
      }
    }
  }

  /// Labels of standardised logits do not depend on their size or offset, and are those of the definition.
  @Test func standardisedLogitsHaveNoSize() throws {
    let rule = Standardised(2)
    let labels = try rule.softness(of: logits, at: nil).softmax(logits)
    let larger = try logits * 30 + 5
    #expect(largest(labels, try rule.softness(of: larger, at: nil).softmax(larger)) < 2e-5)
    let row = logits.floats()[0..<7].map { Double($0) }
    let mean = row.reduce(0, +) / 7
    let deviation = (row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6).squareRoot() + 1e-7
    let powers = row.map { exp(($0 - mean) / deviation / 2) }
    for (k, power) in powers.enumerated() {
      #expect(abs(power / powers.reduce(0, +) - Double(labels.floats()[k])) < 1e-6)
    }
    // Of equal logits, too, there are labels and slopes.
    let equal = try Tensor.full([2, 3], 4).tracked()
    let soft = try rule.softness(of: equal, at: nil).logSoftmax(equal)
    #expect(soft.floats().allSatisfy { abs($0 + Float(log(3.0))) < 1e-6 })
    #expect(try gradients(of: soft.sum(), withRespectTo: [equal])[0].floats().allSatisfy { $0.isFinite })
  }

  @Test func annealedTemperaturesGoFromOneToTheOther() throws {
    func temperatures(_ rule: Annealed, epochs: Int) throws -> [Double] {
      try (0..<epochs).map {
        let position = TrainingPosition(epoch: $0, step: 3, stepsPerEpoch: 9, epochs: epochs)
        guard case .one(let found) = try rule.softness(of: logits, at: position) else { return 0 }
        return found
      }
    }
    #expect(try temperatures(Annealed(from: 5, to: 2, shape: .linear), epochs: 4) == [5, 4, 3, 2])
    let cosine = try temperatures(Annealed(from: 5, to: 1), epochs: 5)
    #expect(cosine.first == 5 && cosine.last == 1 && abs(cosine[2] - 3) < 1e-12)
    #expect(abs(cosine[1] - (1 + 2 * (1 + cos(.pi / 4)))) < 1e-12)
    #expect(try temperatures(Annealed(from: 5, to: 1), epochs: 1) == [5])
    #expect(throws: CoreError.self) { try Annealed(from: 5, to: 1).softness(of: logits, at: nil) }
  }

  /// What is multiplied by a squared temperature: one, each image's own, or the scale.
  @Test func squaredTemperatures() throws {
    let losses = try Tensor([1, 2], shape: [2])
    let each = try Tensor([3, 5], shape: [2, 1])
    #expect(try Softness.one(4).timesSquare(losses).floats() == [16, 32])
    #expect(try Softness.each(each, scale: nil).timesSquare(losses).floats() == [9, 50])
    #expect(try Softness.each(each, scale: 2).timesSquare(losses).floats() == [4, 8])
  }

  /// A student that is softened too has its teacher's temperatures, or by its own deviation its own, with a gradient.
  @Test func studentsAreSoftenedAsTheirTeachers() throws {
    let student = try (logits * 0.3).tracked()
    let position = TrainingPosition(epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 1)
    for temperature in [3, .rule(ToEntropy(1.2)), .rule(Standardised(1)), .rule(Annealed())] as [Temperature] {
      let teacher = try temperature.softness(of: logits, at: position)
      let own = try temperature.softness(of: student, taughtBy: teacher, at: position)
      switch (teacher, own) {
      case (.one(let a), .one(let b)): #expect(a == b)
      case (.each(let a, let scale), .each(let b, _)): #expect(a.isIdentical(to: b) == (scale == nil))
      default: Issue.record("a student of another kind")
      }
      let losses = try temperature.sharedDivergences(of: student, from: logits, at: position).losses
      #expect(losses.shape == [50] && losses.floats().allSatisfy { $0 > -1e-4 && $0.isFinite })
      // A student equal to its teacher has no divergence, at any temperature.
      let same = try temperature.sharedDivergences(of: logits, from: logits, at: position).losses
      #expect(same.floats().allSatisfy { abs($0) < 1e-4 })
    }
  }
}
