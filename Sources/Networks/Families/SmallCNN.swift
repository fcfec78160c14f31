import Base
import Tensors

/// The SmallCNN of TRADES (Zhang et al. 2019, `models/small_cnn.py`): two pairs of 3x3 convolutions without padding,
/// each followed by 2x2 max pooling, and three linear layers with dropout after the first. 312,202 weights for MNIST.
public struct SmallCNN: NetworkFamily {
  public static let name = "smallcnn"
  public static let page = Page(
    "The SmallCNN of TRADES: four 3×3 convolutions, two max poolings, three linear layers.",
    examples: [("smallcnn().size", "312202"), ("smallcnn(width=[8, 8, 16, 32], features=64).size", "44114")],
    seeAlso: ["mlp", "preactresnet18", "fit"], search: ["network", "cnn", "convolutional", "trades"])
  public static let settings: [Setting<SmallCNN>] = [
    Setting(
      "width", type: "int | list", expected: "a whole number, or a list of four", hint: widthHint,
      note:
        "channels of the first two convolutions (32 in TRADES), the next two have twice as many; or those of all four, "
        + "in a list.",
      read: { $0.width }, write: { $0.setWidth($1) }, check: { (owner) throws(CoreError) in try owner.checkWidth() }),
    Setting(
      "features", \.features, .int(1...1 << 32, hint: "features=200 is that of TRADES"),
      note: "size of the two hidden linear layers."),
    Setting(
      "dropout", \.dropout, .belowOne(hint: "dropout=0.5 is that of TRADES"),
      note: "share of the features dropped in training."),
  ]
  public static let usualInput = (channels: 1, size: 28)
  public static let earlierNames = ["channels": "width"]

  /// Output channels of the four convolutions.
  public var channels: [Int]
  /// Features of the two hidden linear layers.
  public var features: Int
  /// Share of the features of the first hidden layer that is dropped in training, from 0 to below 1.
  public var dropout: Double

  public init() { self.init(channels: [32, 32, 64, 64]) }

  /// A network of these sizes, by default those of TRADES.
  ///
  /// - Parameters:
  ///   - channels: output channels of the four convolutions.
  ///   - features: size of the two hidden linear layers.
  ///   - dropout: share dropped in training.
  public init(channels: [Int] = [32, 32, 64, 64], features: Int = 200, dropout: Double = 0.5) {
    self.channels = channels
    self.features = features
    self.dropout = dropout
  }

  /// The size of the images follows from the inputs of the first linear layer: a side of s there is 4s + 12 of them, or up
  /// to three more.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    let convolutions = (1...4).map { "feature_extractor.conv\($0).weight" }
    guard let channels = weights.sizes(0, convolutions), let inputs = weights[convolutions[0], 1],
      let features = weights["classifier.fc1.weight", 0], let flat = weights["classifier.fc1.weight", 1],
      let classes = weights["classifier.fc3.weight", 0], let last = channels.last, flat % last == 0,
      let side = Guess.side(of: flat / last), side < 1 << 16
    else { return [] }
    let size = 4 * side + 12
    return [
      Guess(
        SmallCNN(channels: channels, features: features), classes: classes, input: [inputs, size, size],
        assumed: ["dropout=0.5"])
    ]
  }

  /// The feature extractor and the classifier, by the names of the authors' code; the last layer begins at 0.
  public func layers(classes: Int) -> Layer {
    func conv(_ i: Int) -> Child {
      Child("conv\(i + 1)", .conv2d(Conv2d(channels[i], kernel: Size(3), initialisation: .kaimingFanIn)))
    }
    let pool = Child("", .maxPool(Pooling(Size(2))))
    let relu = Child("", .relu)
    return .chain([
      Child("feature_extractor", .chain([conv(0), relu, conv(1), relu, pool, conv(2), relu, conv(3), relu, pool])),
      Child("", .flatten),
      Child(
        "classifier",
        .chain([
          Child("fc1", .linear(Linear(features))), relu, Child("", .dropout(dropout)),
          Child("fc2", .linear(Linear(features))), relu,
          Child("fc3", .linear(Linear(classes, initialisation: .zero))),
        ])),
    ])
  }

  private static let widthHint = "width=32 is that of TRADES"

  /// One number where the next two convolutions have twice as many channels as the first two.
  private var width: SettingValue {
    guard let first = channels.first, channels == Self.channels(first) else { return channels.setting }
    return .int(first)
  }

  private static func channels(_ width: Int) -> [Int] { [width, width, 2 &* width, 2 &* width] }

  /// Sets the channels by one number or four.
  ///
  /// - Returns: false for what is neither a number nor a list of numbers.
  private mutating func setWidth(_ value: SettingValue) -> Bool {
    guard let given = Int(setting: value).map(Self.channels) ?? [Int](setting: value) else { return false }
    channels = given
    return true
  }

  private func checkWidth() throws(CoreError) {
    guard channels.count == 4, channels.allSatisfy((1...1 << 13).contains) else {
      throw CoreError(
        .value, "width of smallcnn must be from 1 to 4096, or four numbers from 1 to 8192, not \(width.text)",
        hint: Self.widthHint, argument: "width")
    }
  }
}
