import Tensors

extension Zoo {
  /// The network of `fast_adversarial` (Wong et al. 2020) for MNIST: weights "0.weight" … "7.bias".
  static func mnistNet(classes: Int) -> Layer {
    func conv(_ channels: Int) -> Layer {
      .conv2d(Conv2d(channels, kernel: Size(4), stride: Size(2), padding: Padding(1)))
    }
    return .sequential([
      conv(16), .relu, conv(32), .relu, .flatten, .linear(Linear(100)), .relu, .linear(Linear(classes)),
    ])
  }
}
