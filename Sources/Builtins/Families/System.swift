import Interpreter
import Tensors

extension BuiltinTable {
  static let system: [Builtin] = [
    Builtin(
      "threads(n: int | none = none) -> int", "How many threads share the work; with n, sets it.",
      details: "Results do not depend on it. LTD_THREADS and --threads set it at the start.",
      examples: [Example("threads() >= 1", "true")], search: ["cores", "parallel", "num_threads"], family: "system"
    ) { call throws(LTDError) in
      if let n = try call.optionalInt("n") {
        guard (1...256).contains(n) else { throw call.error(.value, "n is from 1 to 256, not \(n)", at: "n") }
        Compute.threads = n
      }
      return Value(Compute.threads)
    }
  ]

  /// Names of other libraries, and what to write here.
  static let foreignNames: [String: String] = [
    "from_numpy": "use tensor([…])", "as_tensor": "use tensor([…])", "array": "use tensor([…])",
    "cat": "use concat([a, b], axis=0)", "concatenate": "use concat([a, b], axis=0)", "mm": "use a @ b",
    "bmm": "use a @ b", "dot": "use a @ b", "view": "use reshape(x, […])",
    "item": "x[…] of one element is a number already",
    "numpy": "tensors and lists need no conversion", "detach": "gradients are only followed inside of grad(f, x)",
    "backward": "use grad(f, x) or value_and_grad(f, x)", "no_grad": "gradients are only followed inside of grad(f, x)",
    "train": "use fit(model, data, …)", "DataLoader": "use fit(model, data, batch=128) or data.batches(128)",
    "CrossEntropyLoss": "use cross_entropy(logits, labels)", "kl_divergence": "use kl_div(p, q)",
  ]
}
