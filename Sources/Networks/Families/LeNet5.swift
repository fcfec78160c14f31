import Base
import Tensors

/// The LeNet5 of advertorch for MNIST (Ding et al. 2019, `LeNet5`): two 3x3 convolutions that keep the size of the image,
/// each followed by relu and 2x2 max pooling, and two linear layers. 648,226 weights.
public struct LeNet5: NetworkFamily {
  public static let name = "lenet5"
  public static let page = Page(
    "The LeNet5 of advertorch for MNIST: two 3×3 convolutions, two linear layers.",
    examples: [("lenet5(width=4, features=20).size", "8406")], seeAlso: ["smallcnn", "mnist_net", "trades_net", "fit"],
    search: ["network", "cnn", "convolutional", "lenet", "advertorch"])
  public static let settings: [Setting<LeNet5>] = [
    Setting(
      "width", \.width, .int(1...1 << 16, hint: "width=32 is that of advertorch"),
      note: "channels of the first convolution; the second has twice as many."),
    Setting(
      "features", \.features, .int(1...1 << 32, hint: "features=200 is that of advertorch"),
      note: "size of the hidden linear layer."),
  ]
  public static let usualInput = (channels: 1, size: 28)

  /// Channels of the first convolution; the second has twice as many.
  public var width = 32
  /// Features of the hidden linear layer.
  public var features = 200

  public init() {}

  /// The size of the images follows from the inputs of the first linear layer.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let channels = weights["conv1.weight", 1], let width = weights["conv1.weight", 0],
      let features = weights["linear1.weight", 0], let flat = weights["linear1.weight", 1],
      let classes = weights["linear2.weight", 0], width <= 1 << 16, flat % (2 * width) == 0,
      let side = Guess.side(of: flat / (2 * width)), side < 1 << 14
    else { return [] }
    var family = LeNet5()
    (family.width, family.features) = (width, features)
    return [Guess(family, classes: classes, input: [channels, 4 * side, 4 * side])]
  }

  /// The layers by the names of the authors' code.
  public func layers(classes: Int) -> Layer {
    func conv(_ channels: Int) -> Layer { .conv2d(Conv2d(channels, kernel: Size(3), padding: Padding(1))) }
    func pool(_ name: String) -> Child { Child(name, .maxPool(Pooling(Size(2)))) }
    return .chain([
      Child("conv1", conv(width)), Child("relu1", .relu), pool("maxpool1"),
      Child("conv2", conv(2 * width)), Child("relu2", .relu), pool("maxpool2"),
      Child("", .flatten), Child("linear1", .linear(Linear(features))), Child("relu3", .relu),
      Child("linear2", .linear(Linear(classes))),
    ])
  }
}
