extension Zoo {
  /// Flatten, then linear layers with relu between them; weights are named "1.weight", "3.weight", … as in a PyTorch
  /// `Sequential`.
  static func mlp(hidden: [Int], classes: Int) -> Layer {
    var layers: [Layer] = [.flatten]
    for features in hidden { layers += [.linear(Linear(features)), .relu] }
    return .sequential(layers + [.linear(Linear(classes))])
  }
}
