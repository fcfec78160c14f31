import Base

/// One layer of a network, as `Model.summary` lists them: in the order in which they run.
public struct LayerSummary: Sendable, Equatable, Codable {
  /// Where its weights are found, such as "layer1.0.conv1"; empty for a layer that has no name.
  public var path: String
  /// The call that makes it, such as "conv2d(64, kernel=3)".
  public var layer: String
  /// The shape of what it reads for one image.
  public var input: [Int]
  /// The shape of what it gives for one image.
  public var output: [Int]
  /// The number of its weights.
  public var weights: Int
  /// How many of them are frozen.
  public var frozen: Int
  /// The products that are summed for one image; 0 where a layer is no sum of products with weights.
  public var multiplyAdds: Int
}

extension Model {
  /// The layers with what they give, how many weights they have and what they cost, in the order in which they run.
  public func summary() throws(CoreError) -> [LayerSummary] {
    let blueprint = try Blueprint(architecture)
    return blueprint.rows.map { row in
      let sizes = row.parameters.map { ($0, blueprint.parameters[$0].shape.reduce(1, *)) }
      return LayerSummary(
        path: row.path, layer: row.layer.description, input: row.input, output: row.output,
        weights: sizes.reduce(0) { $0 + $1.1 },
        frozen: sizes.reduce(0) { $0 + (frozen.contains($1.0) ? $1.1 : 0) }, multiplyAdds: row.multiplyAdds)
    }
  }
}

extension Model {
  /// The names of the layers that have no slope of their own, or one that says nothing of their steps: those that round
  /// or cut. `bpda` takes them.
  package func steppedLayers() throws(CoreError) -> [String] {
    try Blueprint(architecture).rows.filter { $0.layer.isStepped && !$0.path.isEmpty }.map(\.path)
  }
}

extension Layer {
  /// Whether its output jumps.
  var isStepped: Bool {
    switch self {
    case .quantise, .meanSparse: true
    default: false
    }
  }

  /// The products that are summed for one image, of the shapes that it reads and gives: those of convolutions and of
  /// linear layers, as torchvision counts them, and those between tokens in attention. Biases, norms, activations and pooling are not counted.
  func multiplyAdds(from input: [Int], to output: [Int]) -> Int {
    switch self {
    case .conv2d(let conv):
      Self.product(output + [(input.first ?? 0) / max(conv.groups, 1), conv.kernel.height, conv.kernel.width])
    case .linear: Self.product(output + [input.last ?? 0])
    case .attention:
      // Both linear layers, and for each pair of tokens q · k and the share of v.
      Self.product(output + [4, input.last ?? 0]).addingCapped(Self.product(output + [2, input.first ?? 0]))
    case .layerNorm, .relu6, .gelu, .classToken, .firstToken: 0
    case .batchNorm, .relu, .leakyRelu, .silu, .maxPool, .averagePool, .globalAveragePool, .flatten, .dropout,
      .dropout2d, .quantise, .meanSparse, .gaussianNoise, .normalise, .sequential, .chain, .residual:
      0
    }
  }

  /// Whether it is made of other layers, which are listed instead of it.
  var isComposite: Bool {
    switch self {
    case .sequential, .chain, .residual: true
    default: false
    }
  }

  /// The product, or the greatest number there is.
  private static func product(_ factors: [Int]) -> Int {
    factors.reduce(1) { product, factor in
      let (next, overflow) = product.multipliedReportingOverflow(by: factor)
      return overflow ? .max : next
    }
  }
}

extension Int {
  /// The sum of two numbers that are not negative, or the greatest number there is.
  fileprivate func addingCapped(_ other: Int) -> Int { self + Swift.min(other, .max - self) }
}
