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
  /// The layers of this architecture, normalisation included.
  package func layers() throws(CoreError) -> Layer {
    guard input.count == 3, input.allSatisfy({ $0 > 0 && $0 <= 1 << 16 }) else {
      throw CoreError(
        .shape, "images of shape \(input)", hint: "give channels, height and width, each from 1 to \(1 << 16)")
    }
    guard classes >= 2, classes <= 1 << 20 else {
      throw CoreError(.value, "a classifier with \(classes) classes", hint: "give from 2 to \(1 << 20) classes")
    }
    let network: Layer
    switch family {
    case .mlp(let hidden): network = Zoo.mlp(hidden: hidden, classes: classes)
    case .smallCNN(let sizes): network = try sizes.layers(classes: classes)
    case .preActResNet18(let sizes): network = try sizes.layers(classes: classes)
    case .wideResNet(let sizes): network = try sizes.layers(classes: classes)
    case .resNet18(let planes): network = try Zoo.resNet18(planes: planes, classes: classes)
    case .resNet50(let width): network = try Zoo.resNet50(width: width, classes: classes)
    case .mnistNet: network = Zoo.mnistNet(classes: classes)
    case .custom(let layer): network = layer
    }
    guard let normalisation else { return network }
    return .chain([
      Child("", .normalise(mean: normalisation.mean, std: normalisation.std)), Child("", network),
    ])
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
