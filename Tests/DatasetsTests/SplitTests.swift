import Base
import Datasets
import Tensors
import TestSupport
import Testing

/// Splits, filters, other classes and soft labels.
@Suite struct SplitTests {
  private func data(_ labels: [Int], classes: Int) throws -> Dataset {
    let values = labels.indices.map { Float($0) / Float(max(1, labels.count)) }
    return try Dataset(
      images: Tensor(values, shape: [labels.count, 1, 1, 1]), labels: labels,
      classNames: (0..<classes).map { "c\($0)" })
  }

  @Test func partsAreDisjointAndWhole() throws {
    let all = try data((0..<103).map { $0 % 7 }, classes: 7)
    for isStratified in [false, true] {
      let parts = try all.parts([50, 30, 0, 23], seed: 3, isStratified: isStratified)
      #expect(parts.map(\.count) == [50, 30, 0, 23])
      #expect(parts.flatMap(\.ids).sorted() == Array(0..<103))
      #expect(try parts.map(\.ids) == all.parts([50, 30, 0, 23], seed: 3, isStratified: isStratified).map(\.ids))
      #expect(try parts.map(\.ids) != all.parts([50, 30, 0, 23], seed: 4, isStratified: isStratified).map(\.ids))
    }
    #expect(throws: CoreError.self) { _ = try all.parts([100, 4], seed: 0) }
    #expect(throws: CoreError.self) { _ = try all.parts([-1], seed: 0) }
    #expect(throws: CoreError.self) { _ = try all.parts([.max, .max], seed: 0) }
  }

  /// Every class is within one example of its share, for uneven classes and every size.
  @Test func stratifiedCounts() throws {
    let labels = [Int](repeating: 0, count: 61) + [Int](repeating: 1, count: 7) + [Int](repeating: 3, count: 29)
    let all = try data(labels, classes: 4)
    for n in 0...labels.count {
      let part = try all.stratified(n, seed: UInt64(n))
      #expect(part.count == n && Set(part.ids).count == n)
      for (label, count) in part.classCounts.enumerated() {
        #expect(abs(Double(count) - Double(n * all.classCounts[label]) / Double(labels.count)) < 1)
      }
    }
    #expect(throws: CoreError.self) { _ = try all.stratified(98, seed: 0) }
    #expect(throws: CoreError.self) { _ = try all.stratified(-1, seed: 0) }
  }

  @Test func someClassesOnly() throws {
    let all = try data([0, 1, 2, 0, 2, 1], classes: 3)
    let part = try all.only([2, 0])
    #expect(part.classNames == ["c2", "c0"] && part.labels == [1, 0, 1, 0] && part.ids == [0, 2, 3, 4])
    for classes in [[], [3], [-1], [1, 1]] { #expect(throws: CoreError.self) { _ = try all.only(classes) } }
  }

  @Test func classesAreJoinedWithTheirShares() throws {
    let images = try Tensor([0, 0.5], shape: [2, 1, 1, 1])
    let soft = try Dataset(images: images, softLabels: Tensor([0.4, 0.35, 0.25, 0, 1, 0], shape: [2, 3]))
    #expect(soft.labels == [0, 1] && soft.hasSoftLabels)
    let joined = try soft.relabelled(with: [1, 0, 0], classNames: ["b", "a"])
    #expect(try joined.softLabels?.floats() == [0.6, 0.4, 1, 0] && joined.labels == [0, 0])
    // The first gives a share to a class that is left out.
    #expect(try soft.only([0, 1]).ids == [1])
    #expect(throws: CoreError.self) { _ = try soft.relabelled(with: [0, 1], classNames: ["a", "b"]) }
    #expect(throws: CoreError.self) { _ = try soft.relabelled(with: [0, 1, 2], classNames: ["a", "b"]) }
    let blends = try glyphs(n: 200, test: 0, ambiguity: 0.5, pairs: [[3, 8]]).train
    let both = try blends.relabelled(with: [0, 0, 0, 1, 0, 0, 0, 0, 1, 0], classNames: ["other", "3 or 8"])
    #expect(try #require(try both.posterior).floats().allSatisfy { abs($0) < 1e-6 || abs($0 - 1) < 1e-6 })
  }

  /// A data set without examples is no silent answer.
  @Test func nothingLeftIsAnError() throws {
    let all = try data([0, 0, 2], classes: 3)
    expectRefusal("no example") { _ = try all.only([1]) }
    expectRefusal("no example") { _ = try all.relabelled(with: [nil, 0, nil], classNames: ["a"]) }
    #expect(try all.take(0).only([1]).isEmpty)
    let images = try Tensor([0, 0.5], shape: [2, 1, 1, 1])
    let soft = try Dataset(images: images, softLabels: Tensor([0.5, 0.25, 0.25, 0.1, 0.1, 0.8], shape: [2, 3]))
    expectRefusal("gives a share") { _ = try soft.only([0, 2]) }
  }

  @Test func sameExamplesAreTheSamePixels() throws {
    let images = try Tensor([0, 0.5], shape: [2, 1, 1, 1])
    let one = try Dataset(images: images, labels: [0, 1])
    #expect(try one.isSame(as: one) && one.isSame(as: one.subset([0, 1])))
    #expect(try one.isSame(as: Dataset(images: images, labels: [0, 1])))
    #expect(try !one.isSame(as: Dataset(images: Tensor([0, 0.25], shape: [2, 1, 1, 1]), labels: [0, 1])))
    #expect(try !one.isSame(as: Dataset(images: images, labels: [0, 1], classNames: ["a", "b"])))
    #expect(try !one.isSame(as: Dataset(images: images, softLabels: Tensor([1, 0, 0, 1], shape: [2, 2]))))
    #expect(try !one.isSame(as: one.take(1)))
    let drawn = try glyphs(n: 300, test: 0, seed: 1).train
    #expect(try drawn.isSame(as: glyphs(n: 300, test: 0, seed: 1).train))
    #expect(try !drawn.isSame(as: drawn.shuffled(seed: 1)))
  }

  @Test func softLabelsAreChecked() throws {
    let images = try Tensor([0, 0.5], shape: [2, 1, 1, 1])
    for rows in [[0.5, 0.6, 1, 0], [-0.5, 1.5, 1, 0], [.nan, 1, 0, 1]] as [[Float]] {
      #expect(throws: CoreError.self) { _ = try Dataset(images: images, softLabels: Tensor(rows, shape: [2, 2])) }
    }
    for shape in [[4], [1, 4], [4, 1], [2, 2, 1]] {
      #expect(throws: CoreError.self) {
        _ = try Dataset(images: images, softLabels: Tensor([1, 0, 0, 1], shape: shape))
      }
    }
  }

  @Test func softLabelsStayWithTheirExamples() throws {
    let images = try Tensor((0..<6).map { Float($0) / 6 }, shape: [6, 1, 1, 1])
    let rows = (0..<6).flatMap { (i: Int) -> [Float] in [Float(i) / 6, 1 - Float(i) / 6] }
    let soft = try Dataset(images: images, softLabels: Tensor(rows, shape: [6, 2]))
    let shuffled = soft.shuffled(seed: 1)
    let values = try #require(try shuffled.softLabels).floats()
    for (i, id) in shuffled.ids.enumerated() { #expect(values[2 * i] == Float(id) / 6) }
    // With classes they become distributions.
    let both = try soft.concatenated(with: Dataset(images: images, labels: [0, 1, 1, 0, 0, 0]))
    #expect(try #require(try both.softLabels).floats().suffix(4) == [1, 0, 1, 0])
  }

  @Test func fingerprintsTellContentApart() throws {
    let a = try glyphs(n: 300, test: 0, seed: 1).train
    #expect(try a.fingerprint == glyphs(n: 300, test: 0, seed: 1).train.fingerprint)
    #expect(try a.fingerprint != a.shuffled(seed: 1).fingerprint)
    #expect(try a.fingerprint != glyphs(n: 300, test: 0, seed: 2).train.fingerprint)
    #expect(try a.fingerprint != a.take(299).fingerprint)
    #expect(try a.fingerprint.count == 16)
  }
}
