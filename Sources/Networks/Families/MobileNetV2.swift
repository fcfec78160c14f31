import Base
import Tensors

/// MobileNetV2 (Sandler et al. 2018), in two forms: that of CIFAR (kuangliu's pytorch-cifar, with relu and fewer
/// strides) and torchvision's `mobilenet_v2` for ImageNet, with relu6 and dropout. Its blocks widen by a 1x1 convolution,
/// mix pixels by a 3x3 convolution of each channel on its own, and narrow again.
public struct MobileNetV2: NetworkFamily {
  public static let name = "mobilenet_v2"
  public static let page = Page(
    "MobileNetV2: narrow residual blocks whose 3×3 convolutions see one channel each.",
    details: """
      form="cifar" is kuangliu's network for images of 32 pixels, with relu. form="torchvision" is torchvision's \
      mobilenet_v2 for images of 224 pixels, with relu6: mobilenet_v2(form="torchvision", classes=1000, size=224). Names \
      of weights and initialisation are those of the originals.
      """,
    examples: [("mobilenet_v2().size", "2296922"), ("mobilenet_v2(width=0.25).size", "254794")],
    seeAlso: ["resnet18", "vgg"], search: ["network", "mobilenet", "depthwise", "imagenet", "torchvision"])
  public static let settings: [Setting<MobileNetV2>] = [
    Setting(
      "width", \.width, .positive(hint: "width=1 is usual"),
      note: "factor of all channels, which are rounded to multiples of 8.", isAlwaysShown: true),
    .choice("form", \.form, note: "\"cifar\" or \"torchvision\".", isAlwaysShown: true),
  ]

  /// Whose network it is.
  public enum Form: String, SettingChoice {
    /// kuangliu's pytorch-cifar.
    case cifar
    /// torchvision.
    case torchvision
  }

  /// Factor of all channels.
  public var width: Double
  /// Whose network it is.
  public var form: Form

  public init() { self.init(width: 1) }

  /// A network of this size.
  ///
  /// - Parameters:
  ///   - width: factor of all channels.
  ///   - form: whose network it is.
  public init(width: Double = 1, form: Form = .cifar) {
    self.width = width
    self.form = form
  }

  /// The names show the form, the channels of the stages the width.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    func guess(_ form: Form, _ stem: String, _ last: (Int) -> String, _ head: String) -> [Guess] {
      guard let channels = weights[stem, 1], let classes = weights[head, 0],
        let outputs = weights.sizes(0, [0, 2, 5, 9, 12, 15, 16].map(last)), let widest = outputs.last, widest <= 1 << 16
      else { return [] }
      let width = ([Double(widest) / 320] + [1, 0.25, 0.35, 0.5, 0.75, 1.4, 2]).first { width in
        stages.map { MobileNetV2(width: width).scaled($0.1) } == outputs
      }
      let size = form == .cifar ? 32 : 224
      return width.map {
        [
          Guess(
            MobileNetV2(width: $0, form: form), classes: classes, input: [channels, size, size],
            assumed: ["size=\(size)"])
        ]
      } ?? []
    }
    return guess(.cifar, "conv1.weight", { "layers.\($0).conv3.weight" }, "linear.weight")
      + guess(
        .torchvision, "features.0.0.weight", { "features.\($0 + 1).conv.\($0 == 0 ? 1 : 2).weight" },
        "classifier.1.weight")
  }

  /// The stem, seventeen blocks in seven stages, a last 1x1 convolution, and the logits of the mean over each channel.
  public func layers(classes: Int) -> Layer {
    switch form {
    case .cifar: cifar(classes)
    case .torchvision: torchvision(classes)
    }
  }

  /// How much the blocks of a stage widen, their channels, how many they are, and the stride of the first.
  private static let stages = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
  ]

  /// The blocks in order: input channels, channels within, output channels, stride.
  private var blocks: [(inputs: Int, inner: Int, channels: Int, stride: Int)] {
    var inputs = scaled(32)
    return Self.stages.flatMap { expansion, channels, count, stride in
      (0..<count).map { i in
        defer { inputs = scaled(channels) }
        return (inputs, inputs * expansion, scaled(channels), i == 0 ? stride : 1)
      }
    }
  }

  /// The channels of the last convolution, which do not become fewer than in the original.
  private var lastChannels: Int { width > 1 ? scaled(1280) : 1280 }

  /// The nearest multiple of 8, and no less than 0.9 of the exact number, as in torchvision.
  private func scaled(_ channels: Int) -> Int {
    let exact = Double(channels) * width
    let rounded = max(8, Int((exact + 4) / 8) * 8)
    return Double(rounded) < 0.9 * exact ? rounded + 8 : rounded
  }

  private func depthwise(_ channels: Int, stride: Int, _ initialisation: Initialisation) -> Layer {
    .conv2d(
      Conv2d(
        channels, kernel: Size(3), stride: Size(stride), padding: Padding(1), groups: channels, bias: false,
        initialisation: initialisation))
  }

  // MARK: CIFAR

  private func cifar(_ classes: Int) -> Layer {
    let norm = Layer.batchNorm(BatchNorm())
    let relu = Child("", .relu)
    let blocks = blocks.enumerated().map { index, block -> Layer in
      // The first stage that halves the image of ImageNet does not halve that of CIFAR.
      let stride = index == 1 ? 1 : block.stride
      let body = [
        Child("conv1", .conv1x1(block.inner)), Child("bn1", norm), relu,
        Child("conv2", depthwise(block.inner, stride: stride, .standard)), Child("bn2", norm), relu,
        Child("conv3", .conv1x1(block.channels)), Child("bn3", norm),
      ]
      if stride != 1 { return .chain(body) }
      let shortcut = Layer.sequential([.conv1x1(block.channels), norm])
      return .residual(
        Residual(body: body, shortcut: block.inputs == block.channels ? [] : [Child("shortcut", shortcut)]))
    }
    return .chain([
      Child("conv1", .conv3x3(scaled(32))), Child("bn1", norm), relu, Child("layers", .sequential(blocks)),
      Child("conv2", .conv1x1(lastChannels)), Child("bn2", norm), relu, Child("", .globalAveragePool),
      Child("linear", .linear(Linear(classes))),
    ])
  }

  // MARK: torchvision

  private func torchvision(_ classes: Int) -> Layer {
    let he = Initialisation.kaimingFanOut
    let norm = Layer.batchNorm(BatchNorm())
    func activated(_ convolution: Layer) -> Layer { .sequential([convolution, norm, .relu6]) }
    let blocks = blocks.map { block -> Layer in
      var body = [
        activated(depthwise(block.inner, stride: block.stride, he)),
        .conv1x1(block.channels, initialisation: he), norm,
      ]
      if block.inner != block.inputs { body.insert(activated(.conv1x1(block.inner, initialisation: he)), at: 0) }
      let conv = [Child("conv", .sequential(body))]
      return block.stride == 1 && block.inputs == block.channels ? .residual(Residual(body: conv)) : .chain(conv)
    }
    let features =
      [activated(.conv3x3(scaled(32), stride: 2, initialisation: he))] + blocks
      + [activated(.conv1x1(lastChannels, initialisation: he))]
    return .chain([
      Child("features", .sequential(features)), Child("", .globalAveragePool),
      Child(
        "classifier", .sequential([.dropout(0.2), .linear(Linear(classes, initialisation: .normal001))])),
    ])
  }

  /// Checks what the settings must be together.
  public func validateTogether() throws(CoreError) {
    guard width <= 64 else {
      throw CoreError(
        .value, "width of mobilenet_v2 must be at most 64, not \(width)", hint: "width=1 is usual", argument: "width")
    }
  }
}
