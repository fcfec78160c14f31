import Foundation
import Tensors

extension Operation {
  /// Rows of logits, by their own definition, reduced as the case says.
  private static func loss(
    _ name: String, _ inputs: [Input.Content] = [.normal], names: [String], labelled: [String] = [],
    settings: [Attributes] = [[:]], standard: LossReduction = .mean, tolerance: Double = 5e-6,
    apply: @escaping @Sendable (Arguments<Tensor>, LossReduction) throws -> Tensor,
    row: @escaping @Sendable (_ logits: [[Double]], _ labels: [Int], Attributes) -> Double
  ) -> Operation {
    var cases: [Case] = []
    for (examples, classes) in [(5, 4), (1, 10), (6, 10), (33, 7)] {
      for reduction in LossReduction.allCases {
        for setting in settings {
          let logits = zip(names, inputs).map { Input($0, [examples, classes], $1) }
          let labels = labelled.map { Input($0, [examples], .labels(below: classes)) }
          cases.append(Case(logits + labels, setting.adding(["reduction": .text(reduction.rawValue)])))
        }
      }
    }
    return Operation(
      name, cases, tolerance: tolerance,
      apply: { try apply($0, $0.attributes.reduction(standard)) },
      exact: { arguments in
        let logits = try names.map { try arguments[$0].rows }
        let labels = try labelled.map { try arguments.labels($0) }
        let rows = logits[0].indices.map { i in
          row(logits.map { $0[i] }, labels.map { $0[i] }, arguments.attributes)
        }
        let classes = Double(try arguments[names[0]].shape[1])
        // The mean of a divergence is over classes too.
        return try reduced(rows, arguments.attributes.reduction(standard), name == "kl_div_logits" ? classes : 1)
      }
    ).measured([
      Case(
        zip(names, inputs).map { Input($0, [1024, 1000], $1) }
          + labelled.map { Input($0, [1024], .labels(below: 1000)) })
    ])
  }

  private static func reduced(_ rows: [Double], _ reduction: LossReduction, _ classes: Double) -> Exact {
    switch reduction {
    case .none: Exact([rows.count], rows)
    case .sum: Exact([], [rows.reduce(0, +)])
    case .mean: Exact([], [mean(rows) / classes])
    case .batchmean: Exact([], [mean(rows)])
    }
  }

  private static func ordered(_ z: [Double]) -> [Double] { z.sorted(by: >) }

  private static func margin(_ z: [Double], _ label: Int) -> Double {
    z[label] - (z.indices.filter { $0 != label }.map { z[$0] }.max() ?? 0)
  }

  static let losses: [Operation] = [
    loss(
      "cross_entropy", names: ["z"], labelled: ["y"],
      settings: temperatures + [
        ["label_smoothing": 0.2], ["label_smoothing": 0.2, "smoothing_convention": "s/(K-1) on the others"],
      ]
    ) { arguments, reduction in
      let attributes = arguments.attributes
      return try crossEntropy(
        arguments["z"], labels: arguments.labels(), temperature: attributes.float("temperature", 1),
        reduction: reduction, labelSmoothing: attributes.float("label_smoothing", 0),
        convention: attributes.spreadsToOthers ? .others : .uniform)
    } row: { z, y, attributes in
      let s = attributes.double("label_smoothing", 0)
      let others = attributes.spreadsToOthers
      let k = Double(z[0].count)
      let logP = logSoftmax(z[0], attributes.double("temperature", 1))
      return -logP.indices.reduce(0) { total, j in
        let own: Double = j == y[0] ? 1 - s : 0
        let share = others ? (j == y[0] ? 0 : s / (k - 1)) : s / k
        return own + share == 0 ? total : total + (own + share) * logP[j]
      }
    },
    loss("cross_entropy_soft", [.normal, .probabilities], names: ["z", "q"], settings: temperatures) {
      try crossEntropy(
        $0["z"], target: $0["q"], temperature: $0.attributes.float("temperature", 1), reduction: $1)
    } row: { rows, _, attributes in
      -zip(rows[1], logSoftmax(rows[0], attributes.double("temperature", 1))).reduce(0) { $0 + $1.0 * $1.1 }
    },
    loss(
      "kl_div_logits", [.normal, .normal], names: ["za", "zb"],
      settings: temperatures + [["temperature": 3, "scale": "temperature squared"]], standard: .batchmean
    ) { arguments, reduction in
      let attributes = arguments.attributes
      let temperature = attributes.float("temperature", 1)
      let y = try klDivergence(arguments["za"], arguments["zb"], temperature: temperature, reduction: reduction)
      return attributes.text("scale") == "temperature squared" ? try y * (temperature * temperature) : y
    } row: { rows, _, attributes in
      let temperature = attributes.double("temperature", 1)
      let (p, q) = (logSoftmax(rows[0], temperature), logSoftmax(rows[1], temperature))
      let divergence = zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
      return attributes.text("scale") == "temperature squared" ? divergence * temperature * temperature : divergence
    },
    loss("mart_bce", names: ["z"], labelled: ["y"]) {
      try martBCE($0["z"], labels: $0.labels(), reduction: $1)
    } row: { z, y, _ in
      let logP = logSoftmax(z[0], 1)
      let other = logP.indices.filter { $0 != y[0] }.map { exp(logP[$0]) }.max() ?? 0
      return -logP[y[0]] - log(1.0001 - other + 1e-12)
    },
    loss("margin", [.distinct], names: ["z"], labelled: ["y"], standard: .none) {
      try Tensors.margin($0["z"], labels: $0.labels(), reduction: $1)
    } row: { z, y, _ in
      margin(z[0], y[0])
    },
    loss(
      "cw_hinge", [.distinct], names: ["z"], labelled: ["y"], settings: [[:], ["kappa": 0.33]], standard: .sum
    ) {
      try cwHinge($0["z"], labels: $0.labels(), kappa: $0.attributes.float("kappa", 0), reduction: $1)
    } row: { z, y, attributes in
      max(0, margin(z[0], y[0]) + attributes.double("kappa", 0))
    },
    loss("dlr", [.distinct], names: ["z"], labelled: ["y"], standard: .none) {
      try dlr($0["z"], labels: $0.labels(), reduction: $1)
    } row: { z, y, _ in
      let order = ordered(z[0])
      return -margin(z[0], y[0]) / (order[0] - order[2] + 1e-12)
    },
    loss("dlr_targeted", [.distinct], names: ["z"], labelled: ["y", "t"], standard: .none) {
      try dlrTargeted($0["z"], labels: $0.labels(), targets: $0.labels("t"), reduction: $1)
    } row: { z, labels, _ in
      let order = ordered(z[0])
      return -(z[0][labels[0]] - z[0][labels[1]]) / (order[0] - (order[2] + order[3]) / 2 + 1e-12)
    },
    squaredError,
  ]

  /// Of tensors of any shape.
  private static let squaredError = Operation(
    "mse",
    LossReduction.allCases.flatMap { reduction in
      [[5, 4], [3, 2, 4], [2, 3, 2, 2]].map {
        Case([Input("a", $0), Input("b", $0)], ["reduction": .text(reduction.rawValue)])
      }
    }, tolerance: 5e-6, apply: { try mse($0["a"], $0["b"], reduction: $0.attributes.reduction(.mean)) },
    exact: { arguments in
      let squares = Exact.combine(try arguments["a"], try arguments["b"]) { ($0 - $1) * ($0 - $1) }
      let count = Double(squares.count)
      switch try arguments.attributes.reduction(.mean) {
      case .none: return squares
      case .sum: return Exact([], [squares.sum])
      case .mean: return Exact([], [squares.sum / count])
      case .batchmean: return Exact([], [squares.sum / Double(squares.shape.first ?? 1)])
      }
    })
}

extension Attributes {
  fileprivate var spreadsToOthers: Bool { text("smoothing_convention")?.contains("K-1") ?? false }
}
