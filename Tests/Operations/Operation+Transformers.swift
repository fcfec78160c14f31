import Foundation
import Tensors

extension Operation {
  static let transformers: [Operation] = [
    Operation(
      "layer_norm",
      [[5], [3, 4], [2, 3, 33], [2, 5, 70], [0, 3], [4, 1]].flatMap { shape in
        let (x, w, b) = (
          Input("x", shape), Input("weight", [shape[shape.count - 1]]), Input("bias", [shape[shape.count - 1]])
        )
        return [Case([x, w, b], ["eps": 0.01]), Case([x], ["eps": 0.1]), Case([x, w]), Case([x, b])]
      }, tolerance: 1e-5,
      apply: {
        try layerNorm(
          $0["x"], weight: $0.optional("weight"), bias: $0.optional("bias"), eps: $0.attributes.float("eps", 1e-2))
      },
      exact: { arguments in
        let x = try arguments["x"]
        let eps = Double(arguments.attributes.float("eps", 1e-2))
        var y = x.lines(along: x.rank - 1) { line in
          let middle = mean(line)
          let spread = (mean(line.map { ($0 - middle) * ($0 - middle) }) + eps).squareRoot()
          return line.map { ($0 - middle) / spread }
        }
        if let weight = arguments.optional("weight") { y = Exact.combine(y, weight, *) }
        if let bias = arguments.optional("bias") { y = Exact.combine(y, bias, +) }
        return y
      }
    ).measured([Case([Input("x", [64, 197, 192]), Input("weight", [192]), Input("bias", [192])])]),
    Operation(
      "attention",
      [
        ([1, 1, 3], 1), ([2, 5, 12], 1), ([2, 5, 12], 2), ([1, 7, 36], 3), ([0, 3, 6], 2), ([2, 0, 6], 1),
        ([1, 131, 48], 2), ([3, 17, 24], 4),
      ].map { Case([Input("x", $0.0)], ["heads": .number(Double($0.1))]) }, tolerance: 1e-5,
      apply: { try attention($0["x"], heads: $0.attributes.int("heads") ?? 1) },
      exact: { arguments in
        let x = try arguments["x"]
        let heads = arguments.attributes.int("heads") ?? 1
        let (n, tokens, features) = (x.shape[0], x.shape[1], x.shape[2] / 3)
        let size = features / heads
        var y = Exact([n, tokens, features]) { _ in 0 }
        for i in 0..<n {
          for head in 0..<heads {
            for q in 0..<tokens {
              let scores = (0..<tokens).map { k in
                (0..<size).reduce(0) {
                  $0 + x[i, q, head * size + $1] * x[i, k, features + head * size + $1]
                } / Double(size).squareRoot()
              }
              let top = scores.max() ?? 0
              let weights = scores.map { exp($0 - top) }
              let total = weights.reduce(0, +)
              for c in 0..<size {
                y[[i, q, head * size + c]] =
                  (0..<tokens).reduce(0) { $0 + weights[$1] * x[i, $1, 2 * features + head * size + c] } / total
              }
            }
          }
        }
        return y
      }
    ).measured(
      [Case([Input("x", [16, 197, 576])], ["heads": 3])],
      work: { inputs, result in 4 * Double(result.reduce(1, *)) * Double(result[1]) }),
  ]
}
