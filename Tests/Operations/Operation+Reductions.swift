import Foundation
import Tensors

extension Operation {
  /// All shapes and axes; `nil` is all axes.
  private static func reduction(
    _ name: String, _ content: Input.Content = .normal, settings: [Attributes] = [[:]], emptyToo: Bool = false,
    apply: @escaping @Sendable (Tensor, [Int]?, Bool, Attributes) throws -> Tensor,
    exact: @escaping @Sendable ([Double], Attributes) -> Double
  ) -> Operation {
    let grid: [([Int], [[Int]?])] =
      [
        ([5], [nil, [0]]), ([3, 4], [nil, [0], [1]]), ([2, 3, 4], [nil, [1], [0, 2], [-1]]), ([7, 33], [[0], [1]]),
        ([2, 3, 4, 5], [nil, [1], [0, 2, 3], [2, 3], [3], [0], [0, 1], [1, 3]]), ([3, 17, 6, 5], [nil, [0, 2, 3]]),
      ] + (emptyToo ? [([0, 3], [nil, [0], [1]])] : [])
    var cases: [Case] = []
    for (shape, choices) in grid {
      for axes in choices {
        for keepdim in [false, true] {
          for setting in settings {
            var values: [String: Attribute] = ["keepdim": .flag(keepdim)]
            if let axes { values["axes"] = .list(axes) }
            cases.append(Case([Input("x", shape, content)], setting.adding(values)))
          }
        }
      }
    }
    return Operation(
      name, cases,
      apply: {
        try apply($0["x"], $0.attributes.ints("axes"), $0.attributes.flag("keepdim", false), $0.attributes)
      },
      exact: { arguments in
        let attributes = arguments.attributes
        return try arguments["x"].reduced(attributes.ints("axes"), keepdim: attributes.flag("keepdim", false)) {
          exact($0, attributes)
        }
      }
    ).measured([
      Case([Input("x", [512, 512], content)]), Case([Input("x", [4096, 4096], content)]),
      Case([Input("x", [4096, 4096], content)], ["axes": [0]]),
      Case([Input("x", [4096, 4096], content)], ["axes": [1]]),
    ])
  }

  static let reductions: [Operation] = [
    reduction("sum", emptyToo: true) { x, axes, keepdim, _ in
      try x.sum(axes: axes, keepdim: keepdim)
    } exact: { x, _ in
      x.reduce(0, +)
    },
    reduction("mean") { x, axes, keepdim, _ in
      try x.mean(axes: axes, keepdim: keepdim)
    } exact: { x, _ in
      mean(x)
    },
    reduction("var", settings: [["unbiased": true], ["unbiased": false]]) { x, axes, keepdim, attributes in
      try x.variance(axes: axes, unbiased: attributes.flag("unbiased", true), keepdim: keepdim)
    } exact: { x, attributes in
      let middle = mean(x)
      let squares = x.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
      return squares / (Double(x.count) - (attributes.flag("unbiased", true) ? 1 : 0))
    },
    reduction("max", .distinct) { x, axes, keepdim, _ in
      try x.max(axes: axes, keepdim: keepdim)
    } exact: { x, _ in
      Exact.greatest(x)
    },
    reduction("min", .distinct) { x, axes, keepdim, _ in
      try x.min(axes: axes, keepdim: keepdim)
    } exact: { x, _ in
      -Exact.greatest(x.map { -$0 })
    },
    Operation(
      "argmax",
      [[5], [3, 4], [2, 3, 4, 5]].flatMap { shape in
        [Case([Input("x", shape, .distinct)])]
          + shape.indices.map { Case([Input("x", shape, .distinct)], ["axis": .number(Double($0)), "keepdim": true]) }
      },
      apply: {
        try $0["x"].argmax(axis: $0.attributes.int("axis"), keepdim: $0.attributes.flag("keepdim", false))
      },
      exact: { arguments in
        let axes = arguments.attributes.int("axis").map { [$0] }
        return try arguments["x"].reduced(axes, keepdim: arguments.attributes.flag("keepdim", false)) { x in
          let top = Exact.greatest(x)
          return Double(x.indices.first { x[$0] == top || x[$0].isNaN } ?? 0)
        }
      }),
    Operation(
      "norm",
      [[5], [3, 4], [2, 3, 4, 5]].flatMap { shape in
        ([1, 2, 3, "inf"] as [Attribute]).flatMap { p in
          [false, true].map { Case([Input("x", shape, .distinct)], ["p": p, "per_example": .flag($0)]) }
        }
      }, tolerance: 5e-6,
      apply: {
        try $0["x"].norm($0.attributes.double("p", 2), perExample: $0.attributes.flag("per_example", false))
      },
      exact: { arguments in
        let x = try arguments["x"]
        let p = arguments.attributes.double("p", 2)
        let axes = arguments.attributes.flag("per_example", false) ? Array(1..<x.rank) : nil
        return x.reduced(axes, keepdim: false) { x in
          p == .infinity
            ? Exact.greatest([0] + x.map { abs($0) }) : pow(x.reduce(0) { $0 + pow(abs($1), p) }, 1 / p)
        }
      }),
  ]

  private static func rowOperation(
    _ name: String, settings: [Attributes] = [[:]],
    apply: @escaping @Sendable (Tensor, Int, Attributes) throws -> Tensor,
    exact: @escaping @Sendable (Exact, Int, Attributes) -> Exact
  ) -> Operation {
    var cases: [Case] = []
    for shape in [[5], [3, 4], [7, 33], [2, 3, 4], [2, 3, 4, 5], [3, 1]] {
      for axis in [-1] + shape.indices {
        for setting in settings {
          cases.append(Case([Input("x", shape)], setting.adding(["axis": .number(Double(axis))])))
        }
      }
    }
    return Operation(
      name, cases, apply: { try apply($0["x"], $0.attributes.int("axis") ?? -1, $0.attributes) },
      exact: { exact(try $0["x"], $0.attributes.int("axis") ?? -1, $0.attributes) }
    ).measured([Case([Input("x", [128, 10])]), Case([Input("x", [512, 512])]), Case([Input("x", [4096, 4096])])])
  }

  static let rows: [Operation] = [
    rowOperation("softmax", settings: temperatures) { x, axis, attributes in
      try x.softmax(temperature: attributes.float("temperature", 1), axis: axis)
    } exact: { x, axis, attributes in
      x.lines(along: axis) { logSoftmax($0, attributes.double("temperature", 1)).map { exp($0) } }
    },
    rowOperation("log_softmax", settings: temperatures) { x, axis, attributes in
      try x.logSoftmax(temperature: attributes.float("temperature", 1), axis: axis)
    } exact: { x, axis, attributes in
      x.lines(along: axis) { logSoftmax($0, attributes.double("temperature", 1)) }
    },
    rowOperation("logsumexp", settings: [[:], ["keepdim": true]]) { x, axis, attributes in
      try x.logsumexp(axis: axis, keepdim: attributes.flag("keepdim", false))
    } exact: { x, axis, attributes in
      x.reduced([axis], keepdim: attributes.flag("keepdim", false)) { line in
        let top = Exact.greatest(line)
        return top.isInfinite ? top : log(line.reduce(0) { $0 + exp($1 - top) }) + top
      }
    },
  ]

  static let temperatures: [Attributes] = [[:], ["temperature": 0.5], ["temperature": 4]]
}

extension Attributes {
  func adding(_ more: [String: Attribute]) -> Attributes { Attributes(all.merging(more) { _, new in new }) }
}

func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }

func logSoftmax(_ x: [Double], _ temperature: Double) -> [Double] {
  let z = x.map { $0 / temperature }
  let top = Exact.greatest(z)
  let total = log(z.reduce(0) { $0 + exp($1 - top) })
  return z.map { $0 - top - total }
}
