import Base
import Networks
import Tensors
import Testing

/// Many images of a small network are run in pieces, several at a time, and no bit shows it.
@Suite(.serialized) struct PieceTests {
  private static let families: [any NetworkFamily] = [MNISTNet(), SmallCNN(), WideResNet(depth: 10, widen: 1)]

  private func model(_ family: any NetworkFamily) throws -> (model: Model, images: Tensor) {
    let input = family is WideResNet ? [3, 16, 16] : [1, 28, 28]
    let model = try Model(Architecture(family, classes: 10, input: input), seed: 2)
    if !model.buffers.isEmpty {
      let some = try Tensor.uniform(
        [8] + input, from: 0, to: 1, stream: RandomStream(seed: 3, purpose: "some"))
      _ = try model.forward(some, mode: .train)
    }
    // The first run tells how much there is to an image.
    _ = try model(Tensor.zeros([2] + input))
    let images = try Tensor.uniform([150] + input, from: 0, to: 1, stream: RandomStream(seed: 1, purpose: "images"))
    return (model, images)
  }

  private func run(_ model: Model, _ images: Tensor) throws -> (logits: Tensor, gradient: Tensor) {
    let x = images.tracked()
    let logits = try model(x)
    let loss = try crossEntropy(logits, labels: [Int](repeating: 3, count: images.shape[0]), reduction: .sum)
    return (logits.detached(), try gradients(of: loss, withRespectTo: [x])[0])
  }

  @Test(arguments: families.indices) func piecesHaveTheBitsOfTheWhole(_ index: Int) throws {
    let (model, images) = try model(Self.families[index])
    let threads = Compute.threads
    defer { Compute.threads = threads }
    Compute.threads = 1
    let whole = try run(model, images)
    #expect(try model(images).isIdentical(to: whole.logits))
    Compute.threads = 3
    let again = try run(model, images)
    #expect(again.logits.isIdentical(to: whole.logits) && again.gradient.isIdentical(to: whole.gradient))
    var start = 0
    for size in [1, 7, 25, 67, 50] {
      let part = try run(model, images.slice(axis: 0, start, start + size))
      #expect(try part.logits.isIdentical(to: whole.logits.slice(axis: 0, start, start + size)))
      #expect(try part.gradient.isIdentical(to: whole.gradient.slice(axis: 0, start, start + size)))
      start += size
    }
  }

  @Test func aRecordThatStaysIsWalkedAgain() throws {
    let (model, images) = try model(MNISTNet())
    let x = images.tracked()
    let logits = try model(x)
    let direction = try Tensor.oneHot([Int](repeating: 4, count: 150), classes: 10)
    let first = try gradients(of: logits, withRespectTo: [x], cotangent: direction, keepingRecord: true)[0]
    let second = try gradients(of: logits, withRespectTo: [x], cotangent: direction)[0]
    #expect(first.isIdentical(to: second))
  }

  @Test func concurrentWorkThrowsWhatItMeets() throws {
    #expect(try concurrently(5) { $0 * $0 } == [0, 1, 4, 9, 16])
    #expect(throws: CoreError.self) {
      try concurrently(4) { (i) throws(CoreError) in
        if i == 2 { throw CoreError(.value, "no third piece") }
        return try Tensor.zeros([2, i])
      }
    }
    let stop = StopSignal()
    stop.raise(.interrupted)
    #expect(throws: CoreError.self) {
      try stop.carry { try concurrently(3) { (_) throws(CoreError) in try Tensor.zeros([4, 4]).exp() } }
    }
  }
}
