import Base
import Datasets
import Tensors
import Testing

@testable import Robustness

@Suite struct SmoothingTests {
  /// Values of attacks.md, A14.
  @Test func boundsAndRadii() {
    let all = BinomialBound.lower(1000, of: 1000, alpha: 0.001)
    #expect(abs(all - 0.9931160484) < 1e-10)
    #expect(abs(BinomialBound.normalQuantile(all) - 2.46326261) < 1e-8)
    let most = BinomialBound.lower(90, of: 100, alpha: 0.001)
    #expect(abs(most - 0.7753298802) < 1e-10)
    #expect(abs(BinomialBound.normalQuantile(most) - 0.75651541) < 1e-8)
    #expect(BinomialBound.lower(0, of: 100, alpha: 0.001) == 0)
    #expect(abs(BinomialBound.lower(1, of: 1, alpha: 0.05) - 0.05) < 1e-15)
    #expect(abs(BinomialBound.normalQuantile(0.975) - 1.959963984540054) < 1e-12)
    #expect(abs(BinomialBound.normalQuantile(0.025) + 1.959963984540054) < 1e-12)
    #expect(abs(BinomialBound.normalQuantile(0.5)) < 1e-12)
    // 1 − (1 − p)^n for one success or more.
    #expect(abs(BinomialBound.incompleteBeta(0.3, 1, 7) - (1 - 0.0823543)) < 1e-12)
    #expect(BinomialBound.lower(99_999, of: 100_000, alpha: 0.001) < 0.99999)
  }

  @Test func noResultDependsOnTheOthers() throws {
    let model = try network(seed: 3)
    let data = try bars(9)
    let whole = try smoothed(model, on: data, sigma: 0.1, n0: 20, n: 300)
    #expect(try smoothed(model, on: data.subset(4..<6), sigma: 0.1, n0: 20, n: 300) == Array(whole[4..<6]))
    let threads = Compute.threads
    defer { Compute.threads = threads }
    Compute.threads = 1
    #expect(try smoothed(model, on: data, sigma: 0.1, n0: 20, n: 300) == whole)
    #expect(whole.allSatisfy { $0.prediction != nil ? $0.radius > 0 : $0.radius == 0 })
    // Too few images for any certificate.
    #expect(try smoothed(model, on: data.take(2), sigma: 0.1, n0: 5, n: 9).allSatisfy { $0.prediction == nil })
  }
}
