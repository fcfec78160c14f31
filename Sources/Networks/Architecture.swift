import Base
import Tensors

/// What a model is made of: a family with its sizes, the images it reads, and how they are normalised inside.
///
/// It is all that is needed to build the layers again; weight files carry it in their metadata.
public struct Architecture: Sendable, Equatable {
  public enum Family: Sendable, Equatable {
    case mlp(hidden: [Int])
    case smallCNN(SmallCNN)
    case preActResNet18(PreActResNet18)
    case wideResNet(WideResNet)
    case resNet18(planes: [Int])
    case resNet50(width: Int)
    /// The network of `fast_adversarial` for MNIST.
    case mnistNet
    /// Layers that someone put together; the last one gives the logits.
    case custom(Layer)
  }

  public var family: Family
  public var classes: Int
  /// Shape of one image: channels, height, width.
  public var input: [Int]
  /// Applied to the [0, 1] image before the first layer; nil where the network reads the image as it is.
  public var normalisation: Normalisation?

  public init(_ family: Family, classes: Int, input: [Int], normalisation: Normalisation? = nil) {
    self.family = family
    self.classes = classes
    self.input = input
    self.normalisation = normalisation
  }
}

/// (x - mean) / std, channel by channel.
public struct Normalisation: Sendable, Equatable {
  public var mean: [Double]
  public var std: [Double]

  public init(mean: [Double], std: [Double]) {
    self.mean = mean
    self.std = std
  }

  public static let cifar10 = Normalisation(mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616])
  public static let imageNet = Normalisation(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
}

extension Architecture {
  /// Layers of one's own.
  ///
  /// - Parameters:
  ///   - layer: gives the logits of each example.
  ///   - classes: the number of logits; when nil, as many as the layers give.
  public init(
    _ layer: Layer, classes: Int? = nil, input: [Int], normalisation: Normalisation? = nil
  ) throws(CoreError) {
    try Self.require(input: input)
    var shape = input
    var builder = NetworkBuilder()
    _ = try builder.build(layer, path: "", shape: &shape)
    self.init(
      .custom(layer), classes: classes ?? (shape.count == 1 ? shape[0] : 0), input: input, normalisation: normalisation)
    guard shape == [self.classes] else {
      throw CoreError(
        .shape,
        "the layers give \(shape) for each image, not \(classes.map { "[\($0)] logits" } ?? "one logit for each class")",
        hint: "end with linear(\(classes.map(String.init) ?? "10")), after flatten() or global_avg_pool()",
        argument: "layers")
    }
  }

  private static func require(input: [Int]) throws(CoreError) {
    guard input.count == 3, input.allSatisfy({ $0 > 0 && $0 <= 1 << 16 }) else {
      throw CoreError(
        .shape, "images cannot have the shape \(input)",
        hint: "it has channels, height and width, each from 1 to \(1 << 16)",
        argument: input.first.map { (1...1 << 16).contains($0) } == false ? "channels" : "size")
    }
  }

  /// The layers of this architecture, normalisation included.
  package func layers() throws(CoreError) -> Layer {
    let network = try network()
    guard let normalisation else { return network }
    return .chain([
      Child("", .normalise(mean: normalisation.mean, std: normalisation.std)), Child("", network),
    ])
  }

  /// The layers of this architecture without its normalisation.
  package func network() throws(CoreError) -> Layer {
    try Self.require(input: input)
    guard classes >= 2, classes <= 1 << 20 else {
      let isCustom = if case .custom = family { true } else { false }
      throw CoreError(
        .value, "a classifier has from 2 to \(1 << 20) classes, not \(classes)",
        hint: isCustom ? "end with a layer that has an output for each class, such as linear(10)" : "classes=10",
        argument: isCustom ? "layers" : "classes")
    }
    return switch family {
    case .mlp(let hidden): Zoo.mlp(hidden: hidden, classes: classes)
    case .smallCNN(let sizes): try sizes.layers(classes: classes)
    case .preActResNet18(let sizes): try sizes.layers(classes: classes)
    case .wideResNet(let sizes): try sizes.layers(classes: classes)
    case .resNet18(let planes): try Zoo.resNet18(planes: planes, classes: classes)
    case .resNet50(let width): try Zoo.resNet50(width: width, classes: classes)
    case .mnistNet: Zoo.mnistNet(classes: classes)
    case .custom(let layer): layer
    }
  }

  /// Beginnings of names that a weight file may hold although this network never uses them.
  package var unusedNames: [String] {
    switch family {
    case .wideResNet: ["sub_block1."]
    case .preActResNet18(let sizes) where sizes.variant == .raw: ["bn."]
    default: []
    }
  }
}

/// The networks of the field; each family whose sizes vary in more than one way has a type of its own.
enum Zoo {}
