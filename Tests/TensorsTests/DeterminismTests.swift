import Tensors
import Testing

/// The same bits for any number of threads.
@Suite(.serialized) struct DeterminismTests {
  @Test func bitsDoNotDependOnThreads() throws {
    let before = Compute.threads
    defer { Compute.threads = before }
    Compute.threads = 1
    let single = try results()
    for threads in [2, 3] {
      Compute.threads = threads
      for (name, value) in try results() {
        #expect(single[name].map { $0.isIdentical(to: value) } == true, "\(name) with \(threads) threads")
      }
    }
  }

  private func results() throws -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    let x = try sample([8, 16, 20, 20]).tracked()
    let w = try sample([32, 16, 3, 3], "w").tracked()
    let (scale, shift) = (try sample([32], "scale").tracked(), try sample([32], "shift").tracked())
    let fc = try sample([10, 32 * 100], "fc").tracked()
    let inner = try conv2d(x, w, padding: Padding(1))
    let normal = try batchNormTrain(inner, weight: scale, bias: shift, relu: true)
    let logits = try linear(maxPool2d(normal.y, kernel: (2, 2)).flatten(from: 1), fc)
    let loss = try crossEntropy(logits, labels: Array(0..<8))
    found["logits"] = logits
    found["loss"] = loss
    found["mean"] = normal.mean
    for (i, gradient) in try gradients(of: loss, withRespectTo: [x, w, scale, shift, fc]).enumerated() {
      found["gradient \(i)"] = gradient
    }
    let large = try sample([300, 1000], "large")
    found["sum"] = try large.sum()
    found["row sums"] = try large.sum(axes: [1])
    found["column sums"] = try large.sum(axes: [0])
    found["softmax"] = try large.softmax()
    found["product"] = try matmul(large, large.transpose())
    found["uniform"] = try Tensor.uniform([100_000], stream: RandomStream(seed: 1, purpose: "u"))
    found["normal"] = try Tensor.normal([100_001], stream: RandomStream(seed: 1, purpose: "n"))
    found["variance"] = try large.variance()
    return found
  }
}
