import Base
import Tensors

/// What a model is made of: its layers, the images it reads, and how they are normalised inside.
///
/// It is all that is needed to build the layers again: it prints as the call that makes the network, and weight files
/// carry it in their metadata. It holds no weights and is checked when a model is made of it, not before, so that an
/// architecture read from a file and one that somebody typed are refused by the same words. The normalisation belongs
/// to it, since attacks measure distances in the [0, 1] image: what a network does to the image is inside the network.
public struct Architecture: Sendable, Equatable {
  /// What the layers come from.
  public enum Design: Sendable {
    /// A family with its sizes.
    case family(any NetworkFamily)
    /// Layers that someone put together; the last one gives the logits.
    case custom(Layer)
  }

  /// What the layers come from.
  public var design: Design
  /// The number of logits, from 2 to 1048576.
  public var classes: Int
  /// The shape of one image: channels, height, width, each from 1 to 65536.
  public var input: [Int]
  /// What is applied to the [0, 1] image before the first layer; nil where the network reads the image as it is.
  public var normalisation: Normalisation?

  /// A network of this design. Nothing is checked: what is impossible is an error when the model is made.
  public init(_ design: Design, classes: Int, input: [Int], normalisation: Normalisation? = nil) {
    self.design = design
    self.classes = classes
    self.input = input
    self.normalisation = normalisation
  }

  /// A network of a family. Nothing is checked: what is impossible is an error when the model is made.
  public init(_ family: some NetworkFamily, classes: Int, input: [Int], normalisation: Normalisation? = nil) {
    self.init(.family(family), classes: classes, input: input, normalisation: normalisation)
  }

  /// A network of one's own layers.
  ///
  /// - Parameters:
  ///   - layer: gives the logits of each example.
  ///   - classes: the number of logits; when nil, as many as the layers give.
  /// - Throws: `shape` where the layers do not fit the images, each other or the classes.
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
}

/// The normalisation (x - mean) / std, channel by channel.
public struct Normalisation: Sendable, Equatable {
  /// The mean of each channel.
  public var mean: [Double]
  /// The standard deviation of each channel, positive.
  public var std: [Double]

  /// A normalisation; it is checked when a model is made.
  ///
  /// - Parameters:
  ///   - mean: a number for each channel.
  ///   - std: a positive number for each channel.
  public init(mean: [Double], std: [Double]) {
    self.mean = mean
    self.std = std
  }

  /// The normalisation that a call asks for; nil where it has neither.
  ///
  /// - Throws: `value` where there is one without the other.
  package static func given(mean: [Double]?, std: [Double]?) throws(CoreError) -> Normalisation? {
    guard (mean == nil) == (std == nil) else {
      throw CoreError(.value, "a normalisation needs both mean and std", hint: "give both, or none")
    }
    guard let mean, let std else { return nil }
    return Normalisation(mean: mean, std: std)
  }

  /// The normalisation by CIFAR-10's training images, for images [3, h, w].
  public static let cifar10 = Normalisation(mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616])
  /// The normalisation of ImageNet as torchvision has it, for images [3, h, w].
  public static let imageNet = Normalisation(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
}

extension Architecture.Design: Equatable {
  /// Whether two designs are the same family with the same settings, or the same layers.
  public static func == (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.family(let a), .family(let b)): a.isEqual(to: b)
    case (.custom(let a), .custom(let b)): a == b
    default: false
    }
  }
}

extension Architecture {
  private var isCustom: Bool { if case .custom = design { true } else { false } }

  private static func require(input: [Int]) throws(CoreError) {
    guard input.count == 3, input.allSatisfy({ $0 > 0 && $0 <= 1 << 16 }) else {
      throw CoreError(
        .shape, "images must have channels, height and width, each from 1 to \(1 << 16), not the shape \(input)",
        hint: "channels=3, size=32 is the shape [3, 32, 32]",
        argument: input.first.map { (1...1 << 16).contains($0) } == false ? "channels" : "size")
    }
  }

  /// Checks the images and the number of classes.
  func validateSizes() throws(CoreError) {
    try Self.require(input: input)
    guard classes >= 2, classes <= 1 << 20 else {
      throw CoreError(
        .value, "the classes of a network must be from 2 to \(1 << 20), not \(classes)",
        hint: isCustom ? "end with a layer that has an output for each class, such as linear(10)" : "classes=10",
        argument: isCustom ? "layers" : "classes")
    }
  }

  /// The layers of this architecture, normalisation included.
  ///
  /// - Throws: `value` and `shape` for settings, classes or images that no network can have.
  package func layers() throws(CoreError) -> Layer {
    let network = try network()
    guard let normalisation else { return network }
    return .chain([
      Child("", .normalise(mean: normalisation.mean, std: normalisation.std)), Child("", network),
    ])
  }

  /// The layers of this architecture without its normalisation; errors are those of `layers`.
  package func network() throws(CoreError) -> Layer {
    try validateSizes()
    switch design {
    case .family(let family):
      try family.validate()
      return try family.layers(classes: classes)
    case .custom(let layer): return layer
    }
  }

  /// The beginnings of names that a weight file may hold although this network never uses them.
  package var unusedNames: [String] { if case .family(let family) = design { family.unusedNames } else { [] } }
}
