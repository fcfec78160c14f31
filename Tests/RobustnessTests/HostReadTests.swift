import Datasets
import Devices
import Networks
import Tensors
import Testing

@testable import Robustness

/// A step of training or of an attack reads numbers and one class of each example from the device, and no whole tensor.
@Suite struct HostReadTests {
  /// Bytes of k numbers, and of n classes.
  private static func numbers(_ k: Int) -> Int { 4 * k }
  private static func classes(_ n: Int) -> Int { 8 * n }

  @Test(arguments: [AttackStart.uniform, .image])
  func anAttackReadsNumbers(_ start: AttackStart) throws {
    let (model, data) = (try network(), try bars(40))
    let input = try AttackInput(images: data.images, labels: data.labels)
    let reads = try HostReads.counting {
      _ = try PGD(eps: 0.1, steps: 3, start: start).run(on: model, input)
    }
    // The bounds of the images; in each step whether logits and gradients are finite, and after the first, which
    // examples have a gradient at all; the bounds of what it found.
    let finite = [Self.numbers(1), Self.numbers(1)]
    #expect(reads == [Self.numbers(2)] + finite + [Self.numbers(40)] + finite + finite + [Self.numbers(3)])
  }

  @Test func restartsReadOneClassOneMarginAndOneLossOfEachThatStands() throws {
    let (model, data) = (try network(), try bars(40))
    let input = try AttackInput(images: data.images, labels: data.labels)
    let reads = try HostReads.counting {
      _ = try PGD(eps: 0.01, steps: 1, restarts: 2).run(on: model, input)
    }
    let standing = try correct(model(PGD(eps: 0.01, steps: 1).run(on: model, input)), data.labels, of: model)
      .count { $0 }
    #expect(
      reads.filter { $0 > Self.numbers(3) }
        == [Self.numbers(40), Self.classes(40), Self.numbers(40), Self.numbers(40)]
        + [Self.classes(standing), Self.numbers(standing), Self.numbers(standing)])
  }

  // The guard of fast_at attacks after the epoch.
  @Test(arguments: FitTests.methods.filter { $0 != "fast_at" })
  func aTrainingStepReadsNumbersAndClasses(_ name: String) throws {
    let (model, data, tests) = (try network(), try bars(30), FitTests())
    var plan = tests.plan
    (plan.epochs, plan.batchSize, plan.augmentations) = (1, 30, AugmentationList([CropFlip()]))
    let method = try tests.method(name)
    let attack = tests.isAdversarial(name) ? tests.attack : nil
    let reads = try HostReads.counting {
      try fit(model, on: data, method: method, attack: attack, plan: plan)
    }
    // Right or wrong, of natural and of adversarial images. The bounds of what the attack found are three numbers. The
    // helper of hat says a class for each image.
    let judged = (TestMethods.seesAdversarial(name) ? 2 : 1) + (name == "hat" ? 1 : 0)
    // The fingerprints of teachers, before the first step and after the last.
    let within = (method as? AWP)?.method ?? method
    let teachers = (within as? any TaughtMethod)?.teachers.compactMap(\.model) ?? []
    let prints = HostReads.counting { for teacher in teachers { _ = teacher.fingerprint } }
    let large = { (reads: [Int]) in reads.filter { $0 > Self.numbers(3) } }
    let expected = large(prints) + Array(repeating: Self.classes(30), count: judged) + large(prints)
    // An attack of few steps is looked at again after the epoch.
    let isLookedAt = OneStepProbe(method, attack ?? PGD(), on: data, seed: 0) != nil
    #expect(large(reads).starts(with: expected) && (isLookedAt || large(reads).count == expected.count))
  }

  @Test func lossesOfAttacksReadNothing() throws {
    let logits = try Tensor.normal([20, 5], stream: RandomStream(seed: 1, purpose: "logits")).tracked()
    let (labels, targets) = ((0..<20).map { $0 % 5 }, (0..<20).map { ($0 + 1) % 5 })
    let reads = try HostReads.counting {
      for loss in [
        try dlr(logits, labels: labels, reduction: .sum), try cwHinge(logits, labels: labels),
        try dlrTargeted(logits, labels: labels, targets: targets, reduction: .sum), try martBCE(logits, labels: labels),
        try crossEntropy(logits, labels: labels),
      ] {
        _ = try gradients(of: loss, withRespectTo: [logits])
      }
    }
    #expect(reads == [])
  }
}
