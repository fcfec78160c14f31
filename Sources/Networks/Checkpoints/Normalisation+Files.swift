import Base
import Tensors

// The normalisation of images in somebody else's file: from tensors beside the weights, from the caller, or from nowhere.
// What two of them say is compared, and where they differ nothing is loaded: the logits of a network behind another
// normalisation look right and are not.

extension Normalisation {
  /// A normalisation that a file holds, with the names of its tensors.
  typealias Stored = (normalisation: Normalisation, names: String)

  /// The normalisation that stands in a file beside the weights; nil where there is none.
  ///
  /// - Throws: `value` where there are several that differ, or one that no images need.
  static func stored(
    in table: WeightTable, _ file: any WeightFile, channels: Int
  ) throws(CoreError) -> Stored? {
    var found: Stored?
    for tensors in table.normalisers {
      let mean = try numbers(tensors.mean, table, file, channels)
      let std = try numbers(tensors.std, table, file, channels)
      let names = "'\(tensors.mean)' and '\(tensors.std)'"
      let next = Normalisation(mean: mean, std: std)
      if let found, found.normalisation != next {
        throw .file(
          file.path,
          "normalises twice, and not alike: by \(found.normalisation) (\(found.names)) and \(next) (\(names))",
          hint: "say the network: architecture=network([…], …), with both")
      }
      found = found ?? (next, names)
    }
    return found
  }

  private static func numbers(
    _ name: String, _ table: WeightTable, _ file: any WeightFile, _ channels: Int
  ) throws(CoreError) -> [Double] {
    let tensor = try file.tensor(name, in: table.key)
    guard tensor.dtype == .float32, tensor.count == channels || tensor.count == 1 else {
      throw .file(
        file.path, "has '\(name)' of shape \(tensor.shape), which is no number for each of \(channels) channels",
        hint: "load_tensors(path) reads it as it is")
    }
    // The shortest decimal that is this float32: 0.4914, as it was written by the one who made it.
    let numbers = tensor.floats().map { Double("\($0)") ?? Double($0) }
    return numbers.count == channels ? numbers : Array(repeating: numbers[0], count: channels)
  }

  /// The normalisation of a network whose weights were found, and where it comes from, as a sentence.
  ///
  /// - Parameter given: what the caller says.
  /// - Throws: `value` where the file, the network and the caller say different things.
  static func decide(
    for architecture: Architecture, _ table: WeightTable, _ file: any WeightFile, _ given: Normalisation?
  ) throws(CoreError) -> (Normalisation?, String) {
    let stored = try stored(in: table, file, channels: architecture.input[0])
    let own = architecture.normalisation ?? architecture.firstNormalisation
    if let given, let own, !given.isNearly(own) {
      throw CoreError(
        .value, "the network \(phrase(own)); mean and std say \(given)", hint: "give mean and std once",
        argument: "mean")
    }
    guard let stored else {
      let said = given ?? architecture.normalisation
      if said == nil, architecture.firstNormalisation != nil { return (nil, "") }
      return (
        said,
        said.map { "images are normalised by \($0), as was said" }
          ?? "the file has no normalisation: images from 0 to 1 go in as they are (mean=[…], std=[…] adds one)"
      )
    }
    if let said = given ?? own, !said.isNearly(stored.normalisation) {
      throw CoreError(
        .value, "'\(file.path)' \(phrase(stored.normalisation)) (\(stored.names)); \(said) was asked for",
        hint: "leave mean and std out: those of the file are taken", argument: given == nil ? "architecture" : "mean")
    }
    if architecture.normalisation == nil, architecture.firstNormalisation != nil { return (nil, "") }
    return (stored.normalisation, "images are normalised by \(stored.normalisation), from \(stored.names)")
  }

  /// How messages say what a network does to images: "normalises images by mean [0.5], std [0.25]".
  static func phrase(_ normalisation: Normalisation?) -> String {
    normalisation.map { "normalises images by \($0)" } ?? "does not normalise images"
  }

  /// Whether two normalisations are the same, but for the rounding to float32 and to a half of it in files.
  func isNearly(_ other: Normalisation) -> Bool {
    func near(_ a: [Double], _ b: [Double]) -> Bool {
      a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($0)) }
    }
    return near(mean, other.mean) && near(std, other.std)
  }
}

extension Normalisation: CustomStringConvertible {
  /// "mean [0.5], std [0.25]".
  public var description: String { "mean \(mean.setting.text), std \(std.setting.text)" }
}

extension Architecture {
  /// The normalisation of layers of one's own that begin with one; nil for others.
  var firstNormalisation: Normalisation? {
    guard case .custom(let layer) = design else { return nil }
    return layer.firstNormalisation
  }
}

extension Layer {
  fileprivate var firstNormalisation: Normalisation? {
    switch self {
    case .normalise(let mean, let std): Normalisation(mean: mean, std: std)
    case .sequential(let layers): layers.first?.firstNormalisation
    case .chain(let children): children.first?.layer.firstNormalisation
    default: nil
    }
  }
}
