import Builtins
import Testing

/// Every operation meets tensors without elements, of one element, with NaN and infinities, of the least and the greatest
/// numbers, and views of others: it gives a value or an error, and never ends the process.
@Suite struct OddTensorTests {
  static let operands = [
    "zeros([0])", "zeros([0, 3])", "zeros([3, 0])", "zeros([1])", "zeros([1, 1, 1, 1])", "zeros([2, 0, 4, 4])",
    "tensor([nan, inf, -inf, 0.0])", "tensor([[nan, 1.0], [inf, 2.0]])", "tensor([true, false])", "int64(zeros([0]))",
    "tensor([[1.0, 2, 3], [4, 5, 6]]).T", "arange(6).reshape([2, 3])[:, ::2]", "5", "tensor(3.0)", "[]",
    "tensor([9223372036854775807, -9223372036854775807 - 1])", "zeros([9223372036854775807, 0])",
  ]

  static let one = [
    "-{}", "abs({})", "exp({})", "log({})", "sqrt({})", "tanh({})", "atanh({})", "round({})", "relu({})", "silu({})",
    "relu6({})", "gelu({})", "grad(x => sum(gelu(x)), {})",
    "sigmoid({})", "softplus({})", "sign({})", "square({})", "clip({}, min=0, max=1)", "clip({}, min=nan)", "sum({})",
    "mean({})", "var({})", "std({})", "max({})", "min({})", "any({})", "all({})", "argmax({})", "norm({})",
    "norm({}, p=inf)", "logsumexp({})", "softmax({})", "log_softmax({}, T=1e-30)", "softmax({}, T=nan)", "flatten({})",
    "transpose({})", "float32({})", "int64({})", "str({})", "{}.T", "{}[0]", "{}[-1]", "{}[::-1]", "{}[3:1]",
    "{}[..., none]", "sum({}, axis=0)", "sum({}, axis=[0, 1])", "max({}, axis=-1)", "argmax({}, axis=0)",
    "var({}, axis=0)", "{}.reshape([-1])", "{}.reshape([-1, 0])", "broadcast({}, [2, 3])",
    "broadcast({}, [1000000, 1000000, 1000000])", "permute({}, [1, 0])", "one_hot({}, 3)", "concat([{}, {}])",
    "stack([{}], axis=5)", "grad(x => sum(x**2), {})", "grad(x => max(x), {})", "grad(x => logsumexp(x), {})",
    "grad(x => sum(softmax(x)), {})", "grad(x => sum(x @ x.T), {})", "grad(x => sum(x[::-1]), {})",
    "grad(x => cross_entropy(x, [0]), {})", "grad(x => var(x), {})", "check_gradients(x => sum(x**2), {})",
    "mlp(hidden=[2])({})", "full({}, 1)", "rand({})",
  ]

  static let two = [
    "{a} + {b}", "{a} / {b}", "{a} // {b}", "{a} % {b}", "{a} ** {b}", "{a} @ {b}", "{a} == {b}", "{a} < {b}",
    "maximum({a}, {b})", "where({a} > 0, {a}, {b})", "mse({a}, {b})", "cross_entropy({a}, {b})", "kl_div({a}, {b})",
    "margin({a}, {b})", "gather({a}, {b})", "concat([{a}, {b}])", "stack([{a}, {b}])", "logical_and({a}, {b})",
    "one_hot({a}, {b})", "{a}[{b}]", "{a} in {b}", "x = {a}; x[{b}] = 1; x", "x = {a}; x[0] = {b}; x",
  ]

  @Test(arguments: one)
  func ofOne(_ operation: String) { run(Self.operands.map { operation.replacing("{}", with: $0) }) }

  @Test(arguments: two)
  func ofTwo(_ operation: String) {
    run(
      Self.operands.flatMap { a in
        Self.operands.map { operation.replacing("{a}", with: a).replacing("{b}", with: $0) }
      })
  }

  /// Runs each piece; an error must be one for people.
  private func run(_ pieces: [String]) {
    let session = Session(table: .standard)
    for piece in pieces {
      let text = session.transcript(of: piece)
      #expect(!text.contains("internal error"), "\(piece): \(text)")
    }
  }
}
