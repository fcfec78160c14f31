import Base
import Tensors

/// A family of networks, such as the WideResNets: a value with the sizes of one of them, from which its layers are
/// made.
///
/// To add a family, write a type that conforms to this protocol in a file of its own and put it into `Families.all`.
/// The built-in that makes its networks, its page in the manual, the text it prints as and what a weight file says of
/// it follow from the declaration; what all networks share (classes, images, normalisation, seed) is in `NetworkCall`.
public protocol NetworkFamily: Configurable, Sendable {
  /// The classes of the networks unless the call says otherwise; 10 in most families.
  static var usualClasses: Int { get }
  /// The channels and the size of their images (height and width), unless the call says otherwise; those of CIFAR in
  /// most.
  static var usualInput: (channels: Int, size: Int) { get }
  /// How many of the settings come before those that all networks share, in the order of the call: those that are
  /// usually given without their names. None in most families.
  static var leadingSettings: Int { get }
  /// The present names of settings by the names that they once had, for weight files that were written then.
  static var earlierNames: [String: String] { get }
  /// The beginnings of names that weight files hold although the network never uses them.
  var unusedNames: [String] { get }
  /// The networks of this family that weights may belong to, each with sizes that are read off names and shapes. They
  /// need not be right: what does not fit the weights exactly is passed over. Networks that compute different things
  /// from weights of the same names and shapes are all listed.
  static func guesses(for weights: WeightShapes) -> [Guess]
  /// The layers from the image to the logits, without a normalisation.
  ///
  /// - Parameter classes: number of logits, at least 2.
  /// - Throws: `value` for sizes that no network can have; those that a setting's own rule refuses never come here.
  func layers(classes: Int) throws(CoreError) -> Layer
}

extension NetworkFamily {
  /// The classes of MNIST and CIFAR-10.
  public static var usualClasses: Int { 10 }
  /// The images of CIFAR: 3 channels, 32 × 32.
  public static var usualInput: (channels: Int, size: Int) { (3, 32) }
  /// All of the family's settings come after the shared ones.
  public static var leadingSettings: Int { 0 }
  /// No setting was ever called otherwise.
  public static var earlierNames: [String: String] { [:] }
  /// No weights are recognised.
  public static func guesses(for weights: WeightShapes) -> [Guess] { [] }
  /// The network uses all of its names.
  public var unusedNames: [String] { [] }
}

// MARK: - Parts that several families are made of

extension Layer {
  /// A 3x3 convolution without bias that keeps the size of the image, but for its stride.
  static func conv3x3(_ channels: Int, stride: Int = 1, initialisation: Initialisation = .standard) -> Layer {
    .conv2d(
      Conv2d(
        channels, kernel: Size(3), stride: Size(stride), padding: Padding(1), bias: false,
        initialisation: initialisation))
  }

  /// A 1x1 convolution without bias.
  static func conv1x1(_ channels: Int, stride: Int = 1, initialisation: Initialisation = .standard) -> Layer {
    .conv2d(
      Conv2d(channels, kernel: Size(1), stride: Size(stride), bias: false, initialisation: initialisation))
  }
}

extension [Child] {
  /// The stages "layer1", "layer2", … of a ResNet; all but the first halve the image.
  ///
  /// - Parameters:
  ///   - planes: the channels of each stage; the first reads as many as it has.
  ///   - counts: the blocks of each stage.
  ///   - expansion: how many times as many channels a block has at its end.
  ///   - name: what a stage is called by its number from 0.
  static func stages(
    _ planes: [Int], counts: [Int] = [2, 2, 2, 2], expansion: Int = 1, name: (Int) -> String = { "layer\($0 + 1)" },
    _ block: (_ inputs: Int, _ channels: Int, _ stride: Int) -> Layer
  ) -> [Child] {
    var inputs = planes.first ?? 0
    var stages: [Child] = []
    for (group, (channels, count)) in zip(planes, counts).enumerated() {
      var blocks: [Layer] = []
      for i in 0..<count {
        blocks.append(block(inputs, channels, group > 0 && i == 0 ? 2 : 1))
        inputs = expansion * channels
      }
      stages.append(Child(name(group), .sequential(blocks)))
    }
    return stages
  }
}

extension Setting where Owner: NetworkFamily {
  /// The channels of the four stages of a ResNet of CIFAR.
  static func planes(_ path: WritableKeyPath<Owner, [Int]> & Sendable) -> Setting {
    Setting(
      "planes", path, .ints(1...1 << 16, count: 4, hint: "planes=[64, 128, 256, 512]"),
      note: "channels of the four stages.")
  }

  /// The channels of the first stage of a torchvision ResNet.
  static func width(_ path: WritableKeyPath<Owner, Int> & Sendable) -> Setting {
    Setting(
      "width", path, .int(1...1 << 12, hint: "width=64 is torchvision's"),
      note: "channels of the first stage; each other one has twice as many as the one before.")
  }
}
