import Base
import Tensors

/// The network of `fast_adversarial` (Wong et al. 2020) for MNIST: weights "0.weight" … "7.bias".
public struct MNISTNet: NetworkFamily {
  public static let name = "mnist_net"
  public static let page = Page(
    "The network of fast_adversarial for MNIST: two convolutions, two linear layers (Wong et al. 2020).",
    details: """
      Elsewhere the same layers are the small network of Kolter and Wong 2018 (convex_adversarial) and cnn_a of \
      alpha-beta-CROWN; with channels=3, size=32 they are those for CIFAR-10.
      """,
    examples: [("mnist_net().size", "166406")], seeAlso: ["smallcnn", "mlp", "fit"],
    search: ["network", "cnn", "convolutional", "fast adversarial", "wong", "kw_small", "cnn_a", "convex_adversarial"])
  public static let settings: [Setting<MNISTNet>] = []
  public static let usualInput = (channels: 1, size: 28)

  public init() {}

  /// The size of the images follows from the inputs of the first linear layer: a side of s there is 4s of them.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let channels = weights["0.weight", 1], let flat = weights["5.weight", 1], flat % 32 == 0,
      let side = Guess.side(of: flat / 32), let classes = weights["7.weight", 0], side < 1 << 14
    else { return [] }
    return [
      Guess(
        MNISTNet(), classes: classes, input: [channels, 4 * side, 4 * side],
        assumed: ["stride 2", "padding 1", "relu between layers"])
    ]
  }

  /// Two convolutions of stride 2 and two linear layers, with relu between them.
  public func layers(classes: Int) -> Layer {
    func conv(_ channels: Int) -> Layer {
      .conv2d(Conv2d(channels, kernel: Size(4), stride: Size(2), padding: Padding(1)))
    }
    return .sequential([
      conv(16), .relu, conv(32), .relu, .flatten, .linear(Linear(100)), .relu, .linear(Linear(classes)),
    ])
  }
}
