import Base

/// A multilayer perceptron: flatten, then linear layers with relu between them. Its weights are named "1.weight",
/// "3.weight", … as in a PyTorch `Sequential`.
public struct MLP: NetworkFamily {
  public static let name = "mlp"
  public static let page = Page(
    "A multilayer perceptron: flatten, then linear layers with relu between them.",
    examples: [("mlp(hidden=[32]).size", "25450")], seeAlso: ["smallcnn", "fit"],
    search: ["network", "fully connected", "perceptron", "dense"])
  public static let settings: [Setting<MLP>] = [
    Setting(
      "hidden", \.hidden, .ints(1...1 << 32, hint: "hidden=[256, 256]"), note: "sizes of the hidden layers.",
      isAlwaysShown: true)
  ]
  public static let leadingSettings = 1
  public static let usualInput = (channels: 1, size: 28)

  /// The features of the hidden layers; empty for a linear model.
  public var hidden: [Int]

  public init() { self.init(hidden: [256, 256]) }

  /// A perceptron of these sizes.
  ///
  /// - Parameter hidden: features of the hidden layers.
  public init(hidden: [Int]) { self.hidden = hidden }

  /// Layers "1", "3", "5", …; images are square, grey or in colour.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    let layers = (0..<weights.run { "\(2 * $0 + 1).weight" }).map { "\(2 * $0 + 1).weight" }
    guard let first = layers.first, let sizes = weights.sizes(0, layers), let classes = sizes.last,
      let input = weights[first, 1].flatMap(Guess.image)
    else { return [] }
    return [
      Guess(
        MLP(hidden: sizes.dropLast()), classes: classes, input: input,
        assumed: sizes.count > 1 ? ["relu between layers"] : [])
    ]
  }

  /// Flatten, the hidden layers with relu after each, and the layer of the logits.
  public func layers(classes: Int) -> Layer {
    var layers: [Layer] = [.flatten]
    for features in hidden { layers += [.linear(Linear(features)), .relu] }
    return .sequential(layers + [.linear(Linear(classes))])
  }
}
