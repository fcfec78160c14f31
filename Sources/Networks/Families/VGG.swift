import Base
import Tensors

/// The networks of Simonyan and Zisserman (2015) with batch norm, in two forms: that of CIFAR (kuangliu's
/// pytorch-cifar, one linear layer after the convolutions) and torchvision's `vgg11_bn` to `vgg19_bn` for ImageNet.
public struct VGG: NetworkFamily {
  public static let name = "vgg"
  public static let page = Page(
    "VGG with batch norm: 3×3 convolutions with max pooling between them.",
    details: """
      form="cifar" has one linear layer after the convolutions, as kuangliu's VGG for images of 32 pixels. \
      form="torchvision" has three with dropout, and is torchvision's vgg16_bn for images of 224 pixels: \
      vgg(form="torchvision", classes=1000, size=224). Names of weights and initialisation are those of the originals.
      """,
    examples: [("vgg().size", "14728266"), ("vgg(depth=11, width=8).size", "145898")],
    seeAlso: ["resnet18", "mobilenet_v2"], search: ["network", "vgg11", "vgg16", "vgg16_bn", "imagenet", "torchvision"])
  public static let settings: [Setting<VGG>] = [
    Setting(
      "depth", \.depth, .int(11...19, hint: depthHint), note: "layers with weights: 11, 13, 16 or 19.",
      isAlwaysShown: true),
    Setting(
      "width", \.width, .int(1...1 << 10, hint: "width=64 is that of the originals"),
      note: """
        channels of the first convolution; the last have eight times as many, torchvision's hidden linear layers 64 times.
        """),
    .choice(
      "form", \.form,
      note: """
        "cifar" (one linear layer after the convolutions) or "torchvision" (three, with dropout, for images of 224 \
        pixels).
        """),
  ]

  /// What comes after the convolutions.
  public enum Form: String, SettingChoice {
    /// One linear layer (kuangliu's pytorch-cifar).
    case cifar
    /// Three linear layers with dropout (torchvision).
    case torchvision
  }

  /// Layers with weights in the original count, in which CIFAR's form has two less.
  public var depth: Int
  /// Channels of the first convolution.
  public var width: Int
  /// What comes after the convolutions.
  public var form: Form

  public init() { self.init(depth: 16) }

  /// A network of this size.
  ///
  /// - Parameters:
  ///   - depth: 11, 13, 16 or 19.
  ///   - width: channels of the first convolution.
  ///   - form: what comes after the convolutions.
  public init(depth: Int = 16, width: Int = 64, form: Form = .cifar) {
    self.depth = depth
    self.width = width
    self.form = form
  }

  /// The form shows in the classifier, the depth in the number of convolutions.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    let convolutions = weights.names.count { $0.hasPrefix("features.") && weights[$0]?.count == 4 }
    guard let depth = stages.first(where: { $0.value.reduce(0, +) == convolutions })?.key,
      let width = weights["features.0.weight", 0], width <= 1 << 10, let channels = weights["features.0.weight", 1]
    else { return [] }
    func guess(_ form: Form, _ first: String, _ last: String) -> [Guess] {
      guard let flat = weights[first, 1], let classes = weights[last, 0], flat % (8 * width) == 0,
        let side = Guess.side(of: flat / (8 * width)), side < 1 << 11
      else { return [] }
      return [
        Guess(
          VGG(depth: depth, width: width, form: form), classes: classes,
          input: [channels, 32 * side, 32 * side], assumed: ["size=\(32 * side)"])
      ]
    }
    return guess(.cifar, "classifier.weight", "classifier.weight")
      + guess(.torchvision, "classifier.0.weight", "classifier.6.weight")
  }

  /// Five stages of convolutions, each of which ends with max pooling, and the classifier.
  public func layers(classes: Int) -> Layer {
    let initialisation: Initialisation = form == .cifar ? .standard : .kaimingFanOut
    var features: [Layer] = []
    for (stage, count) in (Self.stages[depth] ?? []).enumerated() {
      let channels = width * [1, 2, 4, 8, 8][stage]
      for _ in 0..<count {
        features += [
          .conv2d(Conv2d(channels, kernel: Size(3), padding: Padding(1), initialisation: initialisation)),
          .batchNorm(BatchNorm()), .relu,
        ]
      }
      features.append(.maxPool(Pooling(Size(2))))
    }
    return .chain([
      Child("features", .sequential(features)), Child("", .flatten), Child("classifier", classifier(classes)),
    ])
  }

  private func classifier(_ classes: Int) -> Layer {
    if form == .cifar { return .linear(Linear(classes)) }
    func linear(_ features: Int) -> Layer { .linear(Linear(features, initialisation: .normal001)) }
    return .sequential([
      linear(64 * width), .relu, .dropout(0.5), linear(64 * width), .relu, .dropout(0.5), linear(classes),
    ])
  }

  /// Convolutions of the five stages by depth.
  private static let stages = [
    11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4],
  ]

  private static let depthHint = "depth=16 is usual"

  /// Checks the depth.
  public func validateTogether() throws(CoreError) {
    guard Self.stages[depth] != nil else {
      throw CoreError(
        .value, "depth of vgg must be 11, 13, 16 or 19, not \(depth)", hint: Self.depthHint, argument: "depth")
    }
  }
}
