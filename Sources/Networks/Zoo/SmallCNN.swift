import Base
import Tensors

/// The SmallCNN of TRADES (Zhang et al. 2019, `models/small_cnn.py`): two pairs of 3x3 convolutions without padding, each
/// followed by 2x2 max pooling, and three linear layers with dropout after the first. 312,202 weights for MNIST.
public struct SmallCNN: Sendable, Equatable {
  /// Output channels of the four convolutions.
  public var channels: [Int]
  /// Features of the two hidden linear layers.
  public var features: Int
  public var dropout: Double

  public init(channels: [Int] = [32, 32, 64, 64], features: Int = 200, dropout: Double = 0.5) {
    self.channels = channels
    self.features = features
    self.dropout = dropout
  }

  func layers(classes: Int) throws(CoreError) -> Layer {
    guard channels.count == 4 else {
      throw CoreError(
        .value, "a SmallCNN has channels for four convolutions, not \(channels.count)", hint: "[32, 32, 64, 64]")
    }
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
}
