import Datasets
import Tensors
import TestSupport
import Testing

@Suite struct GlyphsTests {
  @Test func shapesAndRange() throws {
    let (train, test) = try glyphs(n: 101, seed: 4)
    #expect(train.count == 101 && test.count == 26 && train.imageShape == [1, 28, 28] && train.classCount == 10)
    let values = try train.images.floats()
    #expect(values.allSatisfy { (0...1).contains($0) })
    let mean = values.reduce(0, +) / Float(values.count)
    #expect(mean > 0.08 && mean < 0.3)
    // Ink and paper are far apart: an attack of eps 0.1 cannot turn one into the other.
    for place in 0..<20 {
      let image = try train.batch([place]).images.floats()
      #expect(try #require(image.max()) > 0.4 && image.sorted()[392] < 0.2)
    }
    for size in [8, 13, 64] {
      let part = try glyphs(n: 3, test: 1, size: size)
      #expect(part.train.imageShape == [1, size, size] && part.test.count == 1)
    }
    #expect(try glyphs(n: 0).train.isEmpty)
  }

  @Test func dependsOnSeedPartAndPlaceOnly() throws {
    let small = try glyphs(n: 20, ambiguity: 0.5, seed: 9)
    let large = try glyphs(n: 150, test: 130, ambiguity: 0.5, seed: 9)
    #expect(try small.train.images.floats() == large.train.take(20).images.floats())
    #expect(small.train.labels == large.train.take(20).labels)
    #expect(try small.test.images.floats() == large.test.take(5).images.floats())
    #expect(try small.train.take(5).images.floats() != large.test.take(5).images.floats())
    #expect(try glyphs(n: 20, ambiguity: 0.5, seed: 10).train.images.floats() != small.train.images.floats())
  }

  @Test func sameBitsForAnyNumberOfThreads() throws {
    let before = Compute.threads
    defer { Compute.threads = before }
    var sets: [Dataset] = []
    for threads in [1, 2, 3] {
      Compute.threads = threads
      sets.append(try glyphs(n: 300, test: 0, ambiguity: 0.5, seed: 2).train)
    }
    for other in sets.dropFirst() {
      #expect(try other.images.floats() == sets[0].images.floats() && other.labels == sets[0].labels)
      #expect(try other.posterior?.floats() == sets[0].posterior?.floats())
    }
  }

  /// A change of the drawing would change every published number that rests on it.
  @Test func pixelsStayAsTheyAre() throws {
    let bytes = try glyphs(n: 64, test: 0, ambiguity: 0.5, seed: 1).train.images.floats().map { UInt64($0 * 255) }
    let hash = bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ $1) &* 0x100_0000_01B3 }
    #expect(hash == 107_286_272_520_471_231)
  }

  @Test func posterior() throws {
    let n = 6000
    let data = try glyphs(n: n, test: 0, ambiguity: 0.4, seed: 3).train
    let posterior = try #require(try data.posterior)
    #expect(posterior.shape == [n, 10])
    let values = posterior.floats()
    let rows = (0..<n).map { Array(values[$0 * 10..<$0 * 10 + 10]) }
    var blends = 0
    var (chiSquare, observations) = (0.0, 0.0)
    for (row, label) in zip(rows, data.labels) {
      #expect(abs(row.reduce(0, +) - 1) < 1e-6 && row.allSatisfy { (0...1).contains($0) })
      #expect(row[label] > 0)
      let support = row.filter { $0 > 0 }
      if support.count == 1 {
        #expect(row[label] == 1)
      } else {
        blends += 1
        #expect(support.count == 2 && support.allSatisfy { (0.0999...0.9001).contains($0) })
        // The label of a blend is one draw of a coin of known weight: standardised, it has mean 0 and variance 1.
        let first = row.firstIndex { $0 > 0 } ?? 0
        let p = Double(row[first])
        let deviation = (label == first ? 1 - p : -p) / (p * (1 - p)).squareRoot()
        chiSquare += deviation * deviation
        observations += 1
      }
    }
    #expect(abs(Double(blends) / Double(n) - 0.4) < 5 * (0.24 / Double(n)).squareRoot())
    #expect(abs(chiSquare / observations - 1) < 0.15)
    // Expected and observed number of each label.
    for label in 0..<10 {
      let expected = rows.reduce(0) { $0 + Double($1[label]) }
      let variance = rows.reduce(0) { $0 + Double($1[label] * (1 - $1[label])) }
      #expect(abs(Double(data.labels.count { $0 == label }) - expected) < 5 * variance.squareRoot())
    }
    // Calibration of blends by weight.
    for low in stride(from: Float(0.1), to: 0.9, by: 0.2) {
      let group = zip(rows, data.labels).compactMap { row, label -> (Double, Bool)? in
        guard let first = row.firstIndex(where: { $0 > 0 }), row[first] >= low, row[first] < min(low + 0.2, 0.95) else {
          return nil
        }
        return (Double(row[first]), label == first)
      }
      let expected = group.reduce(0) { $0 + $1.0 }
      let variance = group.reduce(0) { $0 + $1.0 * (1 - $1.0) }
      #expect(abs(Double(group.count { $0.1 }) - expected) < 5 * variance.squareRoot())
    }
  }

  @Test func ambiguityAtItsEnds() throws {
    let clear = try glyphs(n: 200, test: 0, ambiguity: 0).train
    #expect(try #require(try clear.posterior).floats().allSatisfy { $0 == 0 || $0 == 1 })
    let blends = try glyphs(n: 200, test: 0, ambiguity: 1).train
    #expect(try #require(try blends.posterior).floats().allSatisfy { $0 < 0.91 })
    #expect(Set(clear.labels).count == 10)
  }

  @Test func onlyChosenPairsAreBlended() throws {
    let data = try glyphs(n: 3000, test: 0, ambiguity: 0.6, seed: 5, pairs: [[8, 3], [4, 9]]).train
    let values = try #require(try data.posterior).floats()
    var blends: [[Int]: Int] = [:]
    for (i, label) in data.labels.enumerated() {
      let support = (0..<10).filter { values[i * 10 + $0] > 0 }
      #expect(support.contains(label))
      if support.count == 2 { blends[support, default: 0] += 1 }
    }
    #expect(Set(blends.keys) == [[3, 8], [4, 9]])
    // Each pair has half of the blends: 900 of 1,800.
    let deviation = (3000 * 0.3 * 0.7).squareRoot()
    for count in blends.values { #expect(abs(Double(count) - 900) < 5 * deviation) }
  }

  /// Difficulty, colour and size change what images look like, and nothing of the classes.
  @Test func posteriorAndLabelsAreThoseOfTheClasses() throws {
    let usual = try glyphs(n: 300, test: 0, ambiguity: 0.5, seed: 6).train
    for (difficulty, channels, size) in [(0.0, 1, 28), (1.0, 1, 28), (0.5, 3, 28), (1.0, 3, 40)] {
      let other = try glyphs(
        n: 300, test: 0, ambiguity: 0.5, seed: 6, size: size, difficulty: difficulty, channels: channels
      ).train
      #expect(other.imageShape == [channels, size, size])
      #expect(other.labels == usual.labels)
      #expect(try other.posterior?.floats() == usual.posterior?.floats())
      #expect(try other.images.floats() != usual.images.floats())
    }
  }

  @Test func withoutDifficultyAllImagesOfAClassAreAlike() throws {
    let data = try glyphs(n: 100, test: 0, ambiguity: 0, difficulty: 0).train
    var seen: [Int: [Float]] = [:]
    for (i, label) in data.labels.enumerated() {
      let image = try data.batch([i]).images.floats()
      #expect(seen[label, default: image] == image)
      seen[label] = image
    }
    #expect(Set(seen.values).count == 10)
  }

  /// The more difficult, the further an image is from the mean of its class.
  @Test func difficultySpreadsTheImages() throws {
    func spread(_ difficulty: Double) throws -> Double {
      let data = try glyphs(n: 600, test: 0, ambiguity: 0, seed: 7, difficulty: difficulty).train
      let zeros = data.labels.indices.filter { data.labels[$0] == 0 }
      let values = try data.batch(zeros).images.floats().map { Double($0) }
      let size = data.imageSize
      return (0..<size).reduce(0.0) { sum, i in
        let pixel = stride(from: i, to: values.count, by: size).map { values[$0] }
        let mean = pixel.reduce(0, +) / Double(pixel.count)
        return sum + pixel.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pixel.count)
      }
    }
    let spreads = try [0, 0.25, 0.5, 0.75, 1].map(spread)
    #expect(spreads == spreads.sorted() && Set(spreads).count == 5)
  }

  @Test func colourSaysNothingOfTheClass() throws {
    let data = try glyphs(n: 2000, test: 0, ambiguity: 0, seed: 8, channels: 3).train
    let values = try data.images.floats()
    let area = data.imageSize / 3
    // The share of red in the brightness of each image, by class.
    var shares = [[Double]](repeating: [], count: 10)
    for (i, label) in data.labels.enumerated() {
      let sums = (0..<3).map { channel in
        values[(i * 3 + channel) * area..<(i * 3 + channel + 1) * area].reduce(0) { $0 + Double($1) }
      }
      shares[label].append(sums[0] / sums.reduce(0, +))
    }
    let all = shares.flatMap(\.self)
    let mean = all.reduce(0, +) / Double(all.count)
    let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count)
    #expect(variance > 0.005)
    for part in shares {
      let own = part.reduce(0, +) / Double(part.count)
      #expect(abs(own - mean) < 5 * (variance / Double(part.count)).squareRoot())
    }
  }

  @Test func refusesSillyArguments() {
    for pairs in [[], [[3]], [[3, 3]], [[3, 10]], [[-1, 2]], [[1, 2, 3]], [[3, 8], [8, 3]]] as [[[Int]]] {
      expectRefusal { _ = try glyphs(n: 10, pairs: pairs) }
    }
    expectRefusal { _ = try glyphs(n: 10, ambiguity: 0, pairs: [[3, 8]]) }
    for difficulty in [-0.1, 1.1, .nan, .infinity] { expectRefusal { _ = try glyphs(n: 10, difficulty: difficulty) } }
    for channels in [0, 2, 4, .max] { expectRefusal { _ = try glyphs(n: 10, channels: channels) } }
    for (n, test, ambiguity, size) in [
      (-1, nil, 0.3, 28), (.max, nil, 0.3, 28), (10, -1, 0.3, 28), (10, .max, 0.3, 28), (10, nil, -0.1, 28),
      (10, nil, 1.1, 28), (10, nil, .nan, 28), (10, nil, 0.3, 7), (10, nil, 0.3, 100_000),
      (10_000_000, nil, 0.3, 256),
    ] as [(Int, Int?, Double, Int)] {
      expectRefusal { _ = try glyphs(n: n, test: test, ambiguity: ambiguity, size: size) }
    }
  }
}
