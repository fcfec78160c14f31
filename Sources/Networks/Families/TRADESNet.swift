import Base
import Tensors

/// The Net of TRADES for MNIST (Zhang et al. 2019, `models/net_mnist.py`): two 5x5 convolutions without padding, each
/// followed by 2x2 max pooling, and two linear layers; dropout of whole channels after the second convolution, and of
/// single features before the last layer. 21,840 weights.
public struct TRADESNet: NetworkFamily {
  public static let name = "trades_net"
  public static let page = Page(
    "The Net of TRADES for MNIST: two 5×5 convolutions, two linear layers.",
    examples: [("trades_net().size", "21840")], seeAlso: ["smallcnn", "lenet5", "mnist_net", "fit"],
    search: ["network", "cnn", "convolutional", "trades", "net_mnist"])
  public static let settings: [Setting<TRADESNet>] = [
    Setting(
      "width", \.width, .int(1...1 << 16, hint: "width=10 is that of TRADES"),
      note: "channels of the first convolution; the second has twice as many."),
    Setting(
      "features", \.features, .int(1...1 << 32, hint: "features=50 is that of TRADES"),
      note: "size of the hidden linear layer."),
    Setting(
      "dropout", \.dropout, .belowOne(hint: "dropout=0.5 is that of TRADES"),
      note: "share of the channels, and of the features, dropped in training."),
  ]
  public static let usualInput = (channels: 1, size: 28)

  /// Channels of the first convolution; the second has twice as many.
  public var width = 10
  /// Features of the hidden linear layer.
  public var features = 50
  /// Share of the channels of the second convolution, and of the features, dropped in training.
  public var dropout = 0.5

  public init() {}

  /// The size of the images follows from the inputs of the first linear layer.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let channels = weights["conv1.weight", 1], let width = weights["conv1.weight", 0],
      let features = weights["fc1.weight", 0], let flat = weights["fc1.weight", 1],
      let classes = weights["fc2.weight", 0], width <= 1 << 16, flat % (2 * width) == 0,
      let side = Guess.side(of: flat / (2 * width)), side < 1 << 14
    else { return [] }
    var family = TRADESNet()
    (family.width, family.features) = (width, features)
    return [Guess(family, classes: classes, input: [channels, 4 * side + 12, 4 * side + 12], assumed: ["dropout=0.5"])]
  }

  /// The layers in the order of the authors' code, where relu comes after the pooling.
  public func layers(classes: Int) -> Layer {
    func conv(_ channels: Int) -> Layer { .conv2d(Conv2d(channels, kernel: Size(5))) }
    let pool = Child("", .maxPool(Pooling(Size(2))))
    let relu = Child("", .relu)
    return .chain([
      Child("conv1", conv(width)), pool, relu,
      Child("conv2", conv(2 * width)), Child("conv2_drop", .dropout2d(dropout)), pool, relu,
      Child("", .flatten), Child("fc1", .linear(Linear(features))), relu, Child("", .dropout(dropout)),
      Child("fc2", .linear(Linear(classes))),
    ])
  }
}
