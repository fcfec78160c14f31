import Base
import Operations
import Tensors
import Testing

/// The gradient of the gradient of every operation of the table, against differences of its gradient, which OperationTests
/// holds: right, or refused with an error.
@Suite struct SecondGradientTests {
  /// What networks and their losses are made of: these are not refused.
  private static let neverRefused: Set = [
    "add", "sub", "mul", "div", "exp", "log", "relu", "silu", "sigmoid", "tanh", "softmax", "log_softmax", "conv2d",
    "linear", "relu6", "gelu", "layer_norm", "attention",
    "matmul", "batch_norm_eval", "batch_norm_train", "max_pool2d", "avg_pool2d", "cross_entropy", "kl_div", "mse",
    "sum", "mean",
  ]

  @Test(arguments: Operation.all.map(\.name))
  func agreesWithDifferences(_ name: String) throws {
    let operation = try Operation.named(name)
    for item in operation.cases.prefix(4) {
      let inputs = try item.tensors()
      let names = item.inputs.filter(\.isDifferentiable).map(\.name)
      if names.isEmpty { continue }
      let directions = try names.map { try direction("d", $0, inputs) }
      let weights = try names.map { try direction("w", $0, inputs) }
      // Σ ⟨gradient, w⟩ at x + step · d, and its slope by the step.
      func total(_ points: [Tensor]) throws -> Tensor {
        var arguments = inputs
        var branches: [Tensor] = []
        for (name, point) in zip(names, points) {
          branches.append(try point.branched())
          arguments[name] = branches.last
        }
        let y = try #require(try operation.apply(Arguments(arguments, item.attributes))["y"])
        let loss = try mul(y, .normal(y.shape, stream: RandomStream(seed: 7, purpose: "c", indices: y.shape))).sum()
        var sum = try Tensor.scalar(0)
        for (g, w) in zip(try followedGradients(of: loss, withRespectTo: branches).gradients, weights) {
          sum = try add(sum, mul(g, w).sum())
        }
        return sum
      }
      func moved(_ step: Float) throws -> [Tensor] {
        try zip(names, directions).map { try add(#require(inputs[$0]), $1 * step) }
      }
      let leaves = try moved(0).map { $0.tracked() }
      let found: [Tensor]
      do {
        found = try gradients(of: total(leaves), withRespectTo: leaves)
      } catch let error as CoreError where error.message.contains("the gradient of a gradient") {
        #expect(!Self.neverRefused.contains(name), "\(name) is refused: \(error.message)")
        continue
      }
      var slope = 0.0
      for (g, d) in zip(found, directions) { slope += try mul(g, d).sum().item() }
      let size = abs(try total(moved(0)).item())
      // Large steps meet bends and kinks, small ones rounding: the best of several counts.
      var best = Double.infinity
      var shown = 0.0
      for step: Float in [0x1p-5, 0x1p-6, 0x1p-7, 0x1p-8, 0x1p-9] {
        let difference = (try total(moved(step)).item() - total(moved(-step)).item()) / (2 * Double(step))
        let error = abs(difference - slope) / max(abs(slope), abs(difference), 0.02 * size, 1e-3)
        if error < best { (best, shown) = (error, difference) }
      }
      #expect(best < 0.03, "\(name) \(item): \(slope), by differences \(shown)")
    }
  }

  /// From −1 to 1.
  private func direction(_ purpose: String, _ name: String, _ inputs: [String: Tensor]) throws -> Tensor {
    let x = try #require(inputs[name])
    return try .uniform(
      x.shape, from: -1, to: 1, stream: RandomStream(seed: 5, purpose: purpose + name, indices: x.shape))
  }
}
