import Tensors

/// Matrix products, elementwise operations and reductions: "matmul.1024", "elementwise.add.1mb", "reductions.max.100mb".
struct TensorWorkload: Workload {
  private let a: Tensor
  private let b: Tensor
  private let operation: (Tensor, Tensor) throws -> Tensor

  init(family: String, _ words: [String]) throws {
    let name = "\(family).\(words.joined(separator: "."))"
    let unknown = BenchError("no case is called \(name)")
    let side: Int
    if family == "matmul" {
      guard let size = words.first.flatMap({ Int($0) }), (1...8192).contains(size) else { throw unknown }
      side = size
      operation = { try matmul($0, $1) }
    } else {
      // Squares of 1 MB and 100 MB of float32.
      guard words.count >= 2, let size = ["1mb": 512, "100mb": 5120][words[1]],
        let found = Self.operations["\(family).\(words[0])"]
      else { throw unknown }
      side = size
      operation = found
    }
    let values = spread(2 * side * side)
    a = try Tensor(Array(values[..<(side * side)]), shape: [side, side]) * 4 - 1
    b = try Tensor(Array(values[(side * side)...]), shape: [side, side]) * 4 - 1
  }

  func run(_ part: String) throws { _ = try operation(a, b) }

  func results(_ part: String) throws -> [(name: String, tensor: Tensor)] { [("result", try operation(a, b))] }

  private static let operations: [String: @Sendable (Tensor, Tensor) throws -> Tensor] = [
    "elementwise.add": { try add($0, $1) },
    "elementwise.mul": { try mul($0, $1) },
    "elementwise.relu": { a, _ in try a.relu() },
    "elementwise.exp": { a, _ in try a.exp() },
    "elementwise.chain": { try (mul($0, $1) + $0).relu() * 0.5 },
    "reductions.sum": { a, _ in try a.sum() },
    "reductions.sum_rows": { a, _ in try a.sum(axes: [1]) },
    "reductions.sum_columns": { a, _ in try a.sum(axes: [0]) },
    "reductions.mean": { a, _ in try a.mean() },
    "reductions.max": { a, _ in try a.max() },
    "reductions.max_rows": { a, _ in try a.max(axes: [1]) },
    "reductions.softmax": { a, _ in try a.softmax() },
    "reductions.log_softmax": { a, _ in try a.logSoftmax() },
  ]
}
