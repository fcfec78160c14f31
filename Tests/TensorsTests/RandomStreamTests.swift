import Devices
import Tensors
import Testing

@Suite struct RandomStreamTests {
  /// Rows that cross the pieces of work, too.
  @Test(arguments: [(3, 7), (5, 5000), (40, 300), (2, 20_000)])
  func rowsDrawFromStreamsOfTheirOwn(_ rows: Int, _ columns: Int) throws {
    let streams = (0..<rows).map { RandomStream(seed: 3, purpose: "rows", $0 * $0) }
    let uniform = try Tensor.uniform([columns], from: -0.1, to: 0.1, streams: streams)
    let normal = try Tensor.normal([columns], deviation: 0.001, streams: streams)
    #expect(uniform.shape == [rows, columns])
    for (row, stream) in streams.enumerated() {
      let draws = try Tensor.uniform([1, columns], from: -0.1, to: 0.1, stream: stream)
      #expect(try uniform.slice(axis: 0, row, row + 1).isIdentical(to: draws))
      let others = try Tensor.normal([1, columns], deviation: 0.001, stream: stream)
      #expect(try normal.slice(axis: 0, row, row + 1).isIdentical(to: others))
    }
    #expect(try Tensor.normal([columns], streams: []).shape == [0, columns])
  }

  /// The known answers published with Random123.
  @Test func philoxKnownAnswers() {
    #expect(
      philox4x32(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      philox4x32(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      philox4x32(
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func anElementDependsOnKeyAndIndexOnly() {
    let stream = RandomStream(seed: 3, purpose: "test", 1, 2)
    let uniforms = stream.uniforms(101)
    let normals = stream.normals(101)
    for i in stride(from: 100, through: 0, by: -7) {
      #expect(stream.uniform(at: i) == uniforms[i])
      #expect(stream.normal(at: i) == normals[i])
    }
    for start in 0..<6 {
      for count in 0..<11 {
        var part = [Float](repeating: 0, count: count)
        part.withUnsafeMutableBufferPointer { stream.fillUniform($0, start: start) }
        #expect(part == Array(uniforms[start..<start + count]))
        part.withUnsafeMutableBufferPointer { stream.fillNormal($0, start: start) }
        #expect(part == Array(normals[start..<start + count]))
      }
    }
    #expect(stream.integers(20, below: 7).last == stream.integer(below: 7, at: 19))
  }

  @Test func everyPartOfTheKeyMatters() {
    let streams: [RandomStream] = [
      RandomStream(seed: 1, purpose: "a"), RandomStream(seed: 2, purpose: "a"), RandomStream(seed: 1, purpose: "b"),
      RandomStream(seed: 1, purpose: "a\0"), RandomStream(seed: 1, purpose: ""), RandomStream(seed: 1, purpose: "a", 0),
      RandomStream(seed: 1, purpose: "a", 0, 0), RandomStream(seed: 1, purpose: "a", 1),
      RandomStream(seed: 1, purpose: "a", -1), RandomStream(seed: 1, purpose: "a", 0, 1),
      RandomStream(seed: 1, purpose: "a", 1, 0), RandomStream(seed: 1, purpose: "aaaaaaaa"),
      RandomStream(seed: 1, purpose: "aaaaaaaaa"),
    ]
    #expect(Set(streams).count == streams.count)
    #expect(Set(streams.map { $0.bits64(at: 0) }).count == streams.count)
    #expect(RandomStream(seed: 1, purpose: "a", 4, 5) == RandomStream(seed: 1, purpose: "a").child(4).child(5))
  }

  /// Means and variances within five standard errors, over consecutive elements and over consecutive streams.
  @Test func moments() {
    let n = 100_000
    let one = RandomStream(seed: 7, purpose: "moments")
    let across = (0..<n).map { one.child($0) }
    for uniforms in [one.uniforms(n), across.map { $0.uniform(at: 0) }] {
      let (mean, variance) = moments(uniforms)
      #expect(uniforms.allSatisfy { $0 >= 0 && $0 < 1 })
      #expect(abs(mean - 0.5) < 5 * (1 / 12.0 / Double(n)).squareRoot())
      #expect(abs(variance - 1 / 12.0) < 5 * (1 / 180.0 / Double(n)).squareRoot())
    }
    for normals in [one.normals(n), across.map { $0.normal(at: 1) }] {
      let (mean, variance) = moments(normals)
      #expect(abs(mean) < 5 / Double(n).squareRoot())
      #expect(abs(variance - 1) < 5 * (2 / Double(n)).squareRoot())
      let beyondTwo = Double(normals.count { abs($0) > 2 }) / Double(n)
      #expect(abs(beyondTwo - 0.0455) < 5 * (0.0455 / Double(n)).squareRoot())
    }
    let pairs = one.uniforms(2 * n)
    let products = (0..<n).map { (i: Int) -> Float in (pairs[2 * i] - 0.5) * (pairs[2 * i + 1] - 0.5) }
    #expect(abs(moments(products).mean) < 5 * (1 / 144.0 / Double(n)).squareRoot())
  }

  @Test func integersAreUnbiased() {
    let stream = RandomStream(seed: 11, purpose: "integers")
    let n = 60_000
    for bound in [2, 3, 10] {
      var counts = [Int](repeating: 0, count: bound)
      for value in stream.integers(n, below: bound) { counts[value] += 1 }
      let expected = Double(n) / Double(bound)
      let chiSquare = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
      #expect(chiSquare < Double(bound) + 6 * (2 * Double(bound)).squareRoot())
    }
    let huge = Int.max / 4 * 3
    #expect(stream.integers(1000, below: huge).allSatisfy { (0..<huge).contains($0) })
    for bound in [1, 0, -5, Int.min] { #expect(stream.integer(below: bound, at: 3) == 0) }
  }

  @Test func permutations() {
    let stream = RandomStream(seed: 5, purpose: "permutation")
    for count in [0, 1, 2, 17, 1000] { #expect(stream.permutation(count).sorted() == Array(0..<count)) }
    #expect(stream.permutation(-1) == [])
    #expect(stream.permutation(50) != stream.child(1).permutation(50))
    var counts: [[Int]: Int] = [:]
    for trial in 0..<6000 { counts[stream.child(trial).permutation(3), default: 0] += 1 }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 150 })
  }

  @Test func extremeArguments() {
    let stream = RandomStream(seed: .max, purpose: "extreme", .min, .max)
    for index in [Int.min, -1, 0, Int.max] {
      #expect((0..<1).contains(stream.uniform(at: index)))
      #expect(stream.normal(at: index).isFinite)
    }
    #expect(stream.uniforms(-1) == [] && stream.normals(Int.min) == [] && stream.integers(-2, below: 3) == [])
    #expect(stream.uniforms(1000, from: 1, to: Float(1).nextUp).allSatisfy { $0 == 1 })
    #expect(stream.uniforms(3, from: 2, to: 2) == [2, 2, 2])
  }

  private func moments(_ values: [Float]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    return (mean, values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count))
  }
}

@Suite struct TorchGeneratorTests {
  /// The values the C++ standard requires of mt19937.
  @Test func mersenneTwister() {
    var generator = TorchGenerator(seed: 5489)
    let draws = (0..<10_000).map { _ in generator.random() }
    #expect(draws.first == 3_499_211_612)
    #expect(draws.last == 4_123_659_995)
    var masked = TorchGenerator(seed: 5489 | 7 << 32)
    #expect(masked.random() == 3_499_211_612)
  }

  @Test func emptyAndWideRequests() {
    var generator = TorchGenerator(seed: 1)
    #expect(generator.rand(0) == [] && generator.randn(-1) == [] && generator.randperm(0) == [])
    #expect(generator.randint(3, 3, 2) == [3, 3])
    #expect(generator.randint(.min, .max, 100).contains { $0 < 0 })
    #expect(generator.randint(5, 1 << 40, 100).allSatisfy { $0 >= 5 && $0 < 1 << 40 })
    for count in [16, 17, 31, 32, 33] { #expect(generator.randn(count).allSatisfy { $0.isFinite }) }
  }
}
