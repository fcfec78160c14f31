import Tensors
import Testing

extension ReferenceVectors {
  @Suite struct Random {
    /// `torch_cpu_rng`: draws of PyTorch's CPU generator for some seeds, with 6 decimals, and `more` with 9.
    @Test(.enabled(if: VectorFolder.isPresent, VectorFolder.absence)) func torchCPUGenerator() throws {
      let file = try VectorFolder.json("attacks.json")
      var seeds = try #require(file["torch_cpu_rng"] as? [String: Any])
      let more = seeds.removeValue(forKey: "more") as? [String: Any] ?? [:]
      var checked = 0
      for (seed, draws) in Array(seeds) + Array(more) {
        let seed = try #require(UInt64(seed))
        for (name, expected) in try #require(draws as? [String: Any]) {
          try check(name, expected, seed: seed)
          checked += 1
        }
      }
      #expect(checked > 0)
    }

    private func check(_ name: String, _ expected: Any, seed: UInt64) throws {
      var generator = TorchGenerator(seed: seed)
      if name == "sequence" {
        let steps = try #require(expected as? [String: [Double]])
        for step in ["rand3", "then_randn3", "then_randn2", "then_randint0_100_x3", "then_randn18", "then_rand2"] {
          let draw = draw(step.replacing("then_", with: ""), &generator)
          compare(try #require(draw), try #require(steps[step]), "seed \(seed), sequence, \(step)")
        }
      } else if let parts = expected as? [[Double]], name == "randperm1000_head_tail", parts.count == 2 {
        let order = generator.randperm(1000).map(Double.init)
        #expect(Array(order.prefix(parts[0].count)) == parts[0])
        #expect(Array(order.suffix(parts[1].count)) == parts[1])
      } else {
        let draw = try #require(draw(name, &generator), "unknown kind of draw: \(name)")
        compare(draw, try #require(expected as? [Double]), "seed \(seed), \(name)")
      }
    }

    /// Names are "rand5", "randn20", "randperm10", "randint0_10_x8", "uniform_-0.3_0.3_x4".
    private func draw(_ name: String, _ generator: inout TorchGenerator) -> [Double]? {
      if let match = name.wholeMatch(of: /rand(\d+)/), let n = Int(match.1) {
        return generator.rand(n).map(Double.init)
      }
      if let match = name.wholeMatch(of: /randn(\d+)/), let n = Int(match.1) {
        return generator.randn(n).map(Double.init)
      }
      if let match = name.wholeMatch(of: /randperm(\d+)/), let n = Int(match.1) {
        return generator.randperm(n).map(Double.init)
      }
      if let match = name.wholeMatch(of: /randint(\d+)_(\d+)_x(\d+)/), let low = Int(match.1), let high = Int(match.2),
        let n = Int(match.3)
      {
        return generator.randint(low, high, n).map(Double.init)
      }
      if let match = name.wholeMatch(of: /uniform_([-.\d]+)_([-.\d]+)_x(\d+)/), let low = Float(match.1),
        let high = Float(match.2), let n = Int(match.3)
      {
        return generator.uniform(n, from: low, to: high).map(Double.init)
      }
      return nil
    }

    /// Half a unit of the sixth decimal (the file's rounding) and 2.4e-7.
    private func compare(_ actual: [Double], _ expected: [Double], _ what: String) {
      #expect(actual.count == expected.count, "\(what)")
      for (i, (a, b)) in zip(actual, expected).enumerated() {
        #expect(abs(a - b) <= 0.75e-6, "\(what), element \(i): \(a), expected \(b)")
      }
    }
  }
}
