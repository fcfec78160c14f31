import Tensors

/// The blocks of ResNets (He et al. 2016): a sum of two or three convolutions, each with a batch norm, and of what they
/// read, with relu after it. Where the shape changes, the other way has a 1x1 convolution and a batch norm.
///
/// The networks of CIFAR (kuangliu's `pytorch-cifar`) and of ImageNet (torchvision) differ in the name of that other way
/// and in how convolutions begin, not in what a block computes.
struct ResNetBlocks {
  /// The name of the other way: "shortcut" in CIFAR's networks, "downsample" in torchvision's.
  var shortcut: String
  /// How the convolutions begin.
  var initialisation: Initialisation

  /// The blocks of kuangliu's networks: PyTorch's own initialisation.
  static let cifar = ResNetBlocks(shortcut: "shortcut", initialisation: .standard)
  /// The blocks of torchvision's networks: He's initialisation by the outputs.
  static let imageNet = ResNetBlocks(shortcut: "downsample", initialisation: .kaimingFanOut)

  /// Two 3x3 convolutions, the first with the stride.
  func basic(inputs: Int, channels: Int, stride: Int) -> Layer {
    block(
      [
        Child("conv1", .conv3x3(channels, stride: stride, initialisation: initialisation)),
        Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
        Child("conv2", .conv3x3(channels, initialisation: initialisation)), Child("bn2", .batchNorm(BatchNorm())),
      ], changes: stride != 1 || inputs != channels, channels: channels, stride: stride)
  }

  /// A 1x1 convolution to fewer channels, a 3x3 convolution with the stride, and a 1x1 convolution to more channels.
  ///
  /// - Parameters:
  ///   - inner: the channels of the first two convolutions.
  ///   - channels: those of the third.
  func bottleneck(inputs: Int, inner: Int, channels: Int, stride: Int) -> Layer {
    block(
      [
        Child("conv1", .conv1x1(inner, initialisation: initialisation)), Child("bn1", .batchNorm(BatchNorm())),
        Child("", .relu),
        Child("conv2", .conv3x3(inner, stride: stride, initialisation: initialisation)),
        Child("bn2", .batchNorm(BatchNorm())), Child("", .relu),
        Child("conv3", .conv1x1(channels, initialisation: initialisation)), Child("bn3", .batchNorm(BatchNorm())),
      ], changes: stride != 1 || inputs != channels, channels: channels, stride: stride)
  }

  private func block(_ body: [Child], changes: Bool, channels: Int, stride: Int) -> Layer {
    let other: Layer = .sequential([
      .conv1x1(channels, stride: stride, initialisation: initialisation), .batchNorm(BatchNorm()),
    ])
    return .residual(
      Residual(body: body, shortcut: changes ? [Child(shortcut, other)] : [], after: [Child("", .relu)]))
  }

  /// A network of CIFAR: a 3x3 stem, four stages, and the logits ("linear") of the mean over each channel.
  ///
  /// - Parameters:
  ///   - counts: the blocks of each stage.
  ///   - expansion: how many times as many channels a block has at its end as its stage says.
  static func cifarNetwork(
    planes: [Int], counts: [Int], expansion: Int = 1, classes: Int,
    block: (_ inputs: Int, _ channels: Int, _ stride: Int) -> Layer
  ) -> Layer {
    let stem = [Child("conv1", .conv3x3(planes[0])), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu)]
    let logits = [Child("", .globalAveragePool), Child("linear", .linear(Linear(classes)))]
    return .chain(stem + .stages(planes, counts: counts, expansion: expansion, block) + logits)
  }

  /// A network of ImageNet: a 7x7 stem with stride 2 and max pooling, four stages of doubling width, and the logits
  /// ("fc") of the mean over each channel.
  ///
  /// - Parameters:
  ///   - width: the channels of the stem and of the first stage.
  ///   - counts: the blocks of each stage.
  ///   - expansion: how many times as many channels a block has at its end as its stage says.
  static func imageNetNetwork(
    width: Int, counts: [Int], expansion: Int = 1, classes: Int,
    block: (_ inputs: Int, _ channels: Int, _ stride: Int) -> Layer
  ) -> Layer {
    let stem = Conv2d(
      width, kernel: Size(7), stride: Size(2), padding: Padding(3), bias: false, initialisation: .kaimingFanOut)
    let start = [
      Child("conv1", .conv2d(stem)), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
      Child("", .maxPool(Pooling(Size(3), stride: Size(2), padding: Padding(1)))),
    ]
    let planes = (0..<4).map { width << $0 }
    let logits = [Child("", .globalAveragePool), Child("fc", .linear(Linear(classes)))]
    return .chain(start + .stages(planes, counts: counts, expansion: expansion, block) + logits)
  }

  // MARK: Recognising

  /// The network of a family of CIFAR that weights may belong to.
  static func cifarGuess<Family: NetworkFamily>(
    for weights: WeightShapes, _ family: (_ planes: [Int]) -> Family
  ) -> [Guess] {
    guard let channels = weights["conv1.weight", 1], let classes = weights["linear.weight", 0],
      let planes = weights.sizes(0, (1...4).map { "layer\($0).0.conv1.weight" })
    else { return [] }
    let input = [channels, Family.usualInput.size, Family.usualInput.size]
    return [Guess(family(planes), classes: classes, input: input, assumed: [Guess.usualSize(of: Family.self)])]
  }

  /// The network of a family of ImageNet that weights may belong to.
  static func imageNetGuess<Family: NetworkFamily>(
    for weights: WeightShapes, _ family: (_ width: Int) -> Family
  ) -> [Guess] {
    guard let width = weights["conv1.weight", 0], let channels = weights["conv1.weight", 1],
      let classes = weights["fc.weight", 0]
    else { return [] }
    let input = [channels, Family.usualInput.size, Family.usualInput.size]
    return [Guess(family(width), classes: classes, input: input, assumed: [Guess.usualSize(of: Family.self)])]
  }
}
