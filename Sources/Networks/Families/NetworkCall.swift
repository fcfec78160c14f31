import Base

/// A network of a family as it is called for, such as `smallcnn(width=16, classes=3)`: the family's own settings among
/// those that all networks share.
///
/// The built-in of a family, its page and the text that an architecture prints as come from here, so that they agree
/// for every family. Settings that a family wants first come first, then those of images and logits, then the rest of
/// the family's, and the normalisation last. The seed belongs to the call and not to the architecture: it says how
/// weights begin, and a description made from an architecture leaves it at its default.
public struct NetworkCall<Family: NetworkFamily>: Configurable, Sendable {
  /// The sizes of the network.
  public var family = Family()
  /// The number of logits.
  public var classes = Family.usualClasses
  /// The channels of the images.
  public var channels = Family.usualInput.channels
  /// The height and the width of the images.
  public var size = [Family.usualInput.size, Family.usualInput.size]
  /// The mean of each channel, which the network subtracts; nil where there is no normalisation.
  public var mean: [Double]?
  /// The standard deviation of each channel, by which the network divides; nil where there is no normalisation.
  public var std: [Double]?
  /// The key of the initial weights. It says nothing of the architecture.
  public var seed = 0

  public init() {}

  /// The call that makes an architecture of this family.
  init(_ family: Family, _ architecture: Architecture) {
    self.family = family
    classes = architecture.classes
    channels = architecture.input.first ?? 0
    size = Array(architecture.input.dropFirst())
    mean = architecture.normalisation?.mean
    std = architecture.normalisation?.std
  }

  /// The architecture that is to be built.
  public var architecture: Architecture {
    var normalisation: Normalisation?
    if let mean, let std { normalisation = Normalisation(mean: mean, std: std) }
    return Architecture(family, classes: classes, input: [channels] + size, normalisation: normalisation)
  }

  public static var name: String { Family.name }
  public static var page: Page { Family.page }

  public static var settings: [Setting<Self>] {
    let own = Family.settings.map { $0.within(\Self.family) }
    return own.prefix(Family.leadingSettings) + images + own.dropFirst(Family.leadingSettings) + normalisation
  }

  private static var images: [Setting<Self>] {
    [
      Setting("classes", \.classes, note: "number of logits.", isAlwaysShown: true),
      Setting("channels", \.channels, note: "channels of the images.", isAlwaysShown: true),
      Setting(
        "size", type: "int | list", expected: "a whole number, or [height, width]",
        hint: "size=\(Family.usualInput.size)", note: "height and width of the images, or [height, width].",
        isAlwaysShown: true, read: { $0.side }, write: { $0.setSide($1) }),
      Setting("seed", \.seed, note: "key of the initial weights."),
    ]
  }

  private static var normalisation: [Setting<Self>] { [Setting("mean", \.mean), Setting("std", \.std)] }

  /// One number for square images.
  private var side: SettingValue {
    guard size.count == 2, size[0] == size[1] else { return size.setting }
    return .int(size[0])
  }

  /// Sets height and width by one number or two.
  ///
  /// - Returns: false for what is neither a number nor two of them.
  private mutating func setSide(_ value: SettingValue) -> Bool {
    guard let sides = Int(setting: value).map({ [$0, $0] }) ?? [Int](setting: value), sides.count == 2 else {
      return false
    }
    size = sides
    return true
  }

  /// Checks the family's settings together, the normalisation, and the sizes of images and logits.
  public func validateTogether() throws(CoreError) {
    try family.validateTogether()
    _ = try Normalisation.given(mean: mean, std: std)
    try architecture.validateSizes()
  }
}
