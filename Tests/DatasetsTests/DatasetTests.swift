import Datasets
import Tensors
import TestSupport
import Testing

@Suite struct DatasetTests {
  private func small(_ n: Int = 6, name: String = "small", posterior: Bool = false) throws -> Dataset {
    let values = (0..<n * 4).map { Float($0) / Float(n * 4) }
    let soft = try Tensor((0..<n).flatMap { $0 % 3 == 0 ? [Float(0.5), 0.5, 0] : [0, 0, 1] }, shape: [n, 3])
    return try Dataset(
      images: Tensor(values, shape: [n, 1, 2, 2]), labels: (0..<n).map { $0 % 3 }, posterior: posterior ? soft : nil,
      name: name)
  }

  @Test func subsetsShareTheirOrder() throws {
    let data = try small(posterior: true)
    let part = try data.subset([5, 0, 5])
    #expect(part.count == 3 && part.labels == [2, 0, 2] && part.ids == [5, 0, 5])
    let all = try data.images.floats()
    #expect(try part.images.floats() == Array(all[20..<24] + all[0..<4] + all[20..<24]))
    #expect(try part.posterior?.floats() == [0, 0, 1, 0.5, 0.5, 0, 0, 0, 1])
    let again = try part.subset([1]).batch([0])
    #expect(again.ids == [0] && again.labels == [0])
    #expect(again.images.floats() == Array(all[..<4]) && again.posterior?.floats() == [0.5, 0.5, 0])
    #expect(try data.subset(1..<3).labels == [1, 2])
    #expect(data.take(2).count == 2 && data.take(100).count == 6 && data.take(-1).isEmpty)
    #expect(try data.subset([]).images.shape == [0, 1, 2, 2])
    for places in [[6], [-1], [0, Int.max]] {
      expectRefusal("small") { _ = try data.subset(places) }
      expectRefusal("small") { _ = try data.batch(places) }
    }
  }

  /// Augmentations change batches: mixed images have soft targets.
  @Test func batchesCarryTargets() throws {
    var batch = try small().batch([4, 0])
    guard case .classes([1, 0]) = batch.targets else {
      Issue.record("\(batch.targets)")
      return
    }
    batch.targets = .soft(try Tensor([0.25, 0.5, 0.25, 0.5, 0, 0.5], shape: [2, 3]))
    #expect(batch.labels == [1, 0] && batch.count == 2 && batch.ids == [4, 0])
    let empty = Batch(
      images: try Tensor([], shape: [0, 1, 2, 2]), targets: .soft(try Tensor([], shape: [0, 3])), ids: [])
    #expect(empty.labels.isEmpty && empty.count == 0)
  }

  @Test func shuffleSplitAndBatches() throws {
    let data = try small(10)
    let shuffled = data.shuffled(seed: 3)
    #expect(shuffled.ids.sorted() == Array(0..<10) && shuffled.ids != Array(0..<10))
    #expect(shuffled.ids == data.shuffled(seed: 3).ids && shuffled.ids != data.shuffled(seed: 4).ids)
    #expect(zip(shuffled.ids, shuffled.labels).allSatisfy { $0 % 3 == $1 })
    let (first, second) = try data.split(0.3, seed: 1)
    #expect(first.count == 3 && (first.ids + second.ids).sorted() == Array(0..<10))
    #expect(try data.split(0, seed: 1).0.isEmpty && data.split(1, seed: 1).1.isEmpty)
    for share in [-0.1, 1.1, .nan] { expectRefusal { _ = try data.split(share, seed: 1) } }
    #expect(data.batches(of: 4) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
    #expect(data.batches(of: 0).count == 10 && data.batches(of: .max).count == 1)
    #expect(data.take(0).batches(of: 4).isEmpty)
    let random = data.batches(of: 4, shuffledBy: RandomStream(seed: 1, purpose: "order"))
    #expect(random.map(\.count) == [4, 4, 2] && random.flatMap { $0 }.sorted() == Array(0..<10))
    #expect(data.classCounts == [4, 3, 3])
  }

  @Test func concatenation() throws {
    let one = try small(3, posterior: true)
    let two = try small(6, posterior: true).subset([4, 5])
    let both = try one.concatenated(with: two)
    #expect(both.labels == [0, 1, 2, 1, 2] && both.ids == Array(0..<5) && both.hasPosterior)
    #expect(try both.images.floats() == one.images.floats() + two.images.floats())
    #expect(try !one.concatenated(with: small(6)).hasPosterior)
    let bytes = try glyphs(n: 3, test: 2)
    let joined = try bytes.train.concatenated(with: bytes.test)
    #expect(try joined.images.floats() == bytes.train.images.floats() + bytes.test.images.floats())
    expectRefusal("shape") { _ = try one.concatenated(with: bytes.train) }
    let named = try Dataset(images: one.images, labels: one.labels, classNames: ["a", "b", "c"])
    expectRefusal("classes") { _ = try one.concatenated(with: named) }
  }

  @Test func refusesWhatDoesNotFit() throws {
    let images = try Tensor([0, 1, 0.5, 0], shape: [2, 1, 1, 2])
    expectRefusal("labels") { _ = try Dataset(images: images, labels: [0]) }
    expectRefusal("at least 0") { _ = try Dataset(images: images, labels: [0, -1]) }
    expectRefusal("label 3") { _ = try Dataset(images: images, labels: [0, 3], classNames: ["a", "b"]) }
    expectRefusal("out of range") { _ = try Dataset(images: images, labels: [0, .max]) }
    expectRefusal("[0, 1]") { _ = try Dataset(images: Tensor([0, 1.5], shape: [1, 1, 1, 2]), labels: [0]) }
    expectRefusal("[0, 1]") { _ = try Dataset(images: Tensor([0, .nan], shape: [1, 1, 1, 2]), labels: [0]) }
    expectRefusal("shape") { _ = try Dataset(images: Tensor([0, 1], shape: [2]), labels: [0, 1]) }
    expectRefusal("posterior") {
      _ = try Dataset(images: images, labels: [0, 1], posterior: Tensor([1, 0], shape: [1, 2]))
    }
    expectRefusal("posterior") {
      _ = try Dataset(images: images, labels: [0, 1], posterior: Tensor([0.9, 0.3, 1, 0], shape: [2, 2]))
    }
  }
}
