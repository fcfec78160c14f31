import Base

// From the names and shapes of weights to the network that they belong to.
//
// Each family says which of its networks it would be, from a few sizes that it reads off the shapes: a guess. Guesses are
// cheap and may be wrong, because nothing is believed: the layers of each are built, without memory for weights, and the
// names and shapes that they want are compared with those at hand, all of them. So a network that is recognised fits, and
// a family needs no rules for what it is not. Where several fit that compute different things from the same weights, as
// the pre-activation ResNet-18 in its variants does, all of them are the answer, and who asked has to choose.

/// The names and shapes of weights, as a family reads its sizes off them.
public struct WeightShapes: Sendable {
  private let shapes: [String: [Int]]
  /// The names, in the order of the file.
  let names: [String]

  /// The weights of these names and shapes.
  public init(_ entries: [(name: String, shape: [Int])]) {
    names = entries.map(\.name)
    shapes = Dictionary(entries.map { ($0.name, $0.shape) }) { first, _ in first }
  }

  /// How many there are.
  public var count: Int { shapes.count }

  /// The shape of a tensor; nil where there is none of this name.
  public subscript(name: String) -> [Int]? { shapes[name] }

  /// One axis of the shape of a tensor, such as the outputs of a layer (0) or its inputs (1); nil where there is no such
  /// tensor or axis, or nothing in it.
  public subscript(name: String, axis: Int) -> Int? {
    guard let shape = shapes[name], axis < shape.count, shape[axis] > 0 else { return nil }
    return shape[axis]
  }

  /// How many of the names that `name` makes of 0, 1, 2, … there are, up to the first that is missing.
  public func run(_ name: (Int) -> String) -> Int {
    var count = 0
    while shapes[name(count)] != nil { count += 1 }
    return count
  }

  /// One axis of several tensors; nil where one of them lacks it.
  public func sizes(_ axis: Int, _ names: [String]) -> [Int]? {
    let sizes = names.compactMap { self[$0, axis] }
    return sizes.count == names.count ? sizes : nil
  }
}

/// A network that weights may belong to.
public struct Guess: Sendable {
  /// The network, without a normalisation.
  public var architecture: Architecture
  /// What the weights do not show, and is therefore as it usually is: "size=32", "relu between layers".
  public var assumed: [String]

  /// A network of a family.
  ///
  /// - Parameters:
  ///   - input: the shape of one image.
  ///   - assumed: settings that the weights do not show.
  public init(_ family: some NetworkFamily, classes: Int, input: [Int], assumed: [String] = []) {
    architecture = Architecture(family, classes: classes, input: input)
    self.assumed = assumed
  }
}

extension Families {
  /// The networks that weights of these names and shapes fit: none, one, or several that compute different things.
  ///
  /// - Parameter family: the name of the only family to look at; nil for all.
  static func recognise(_ weights: WeightShapes, family: String? = nil) -> [Guess] {
    var found: [Guess] = []
    for candidate in all where family == nil || candidate.name == family {
      for guess in candidate.guesses(for: weights) where guess.fits(weights) {
        if !found.contains(where: { $0.architecture == guess.architecture }) { found.append(guess) }
      }
    }
    return found
  }
}

extension Guess {
  fileprivate func fits(_ weights: WeightShapes) -> Bool {
    // An architecture that cannot be built is a wrong guess, and no error.
    guard let blueprint = try? Blueprint(architecture) else { return false }
    return Fit(weights, blueprint, architecture).isExact
  }
}

/// How names and shapes of weights compare with those that a network needs.
struct Fit {
  /// Names that the network needs and that are not there, but for counters of batch norm.
  var missing: [String] = []
  /// Names that the network does not have, and that are not known to be unused in files of its family.
  var unexpected: [String] = []
  /// Weights of another shape, as a phrase: "'fc.weight' is [100, 64] instead of [10, 64]".
  var misshapen: [String] = []
  /// Names that files of the family have although the network never uses them.
  var unused: [String] = []

  var isExact: Bool { missing.isEmpty && unexpected.isEmpty && misshapen.isEmpty }
  /// How much is wrong, for choosing the table of a file that an error speaks of.
  var faults: Int { missing.count + unexpected.count + misshapen.count }

  init(_ weights: WeightShapes, _ blueprint: Blueprint, _ architecture: Architecture) {
    var known: Set<String> = []
    for expected in blueprint.parameters + blueprint.buffers {
      known.insert(expected.name)
      guard let shape = weights[expected.name] else {
        if expected.content != .counter { missing.append(expected.name) }
        continue
      }
      if shape != expected.shape { misshapen.append("'\(expected.name)' is \(shape) instead of \(expected.shape)") }
    }
    for name in weights.names where !known.contains(name) {
      if architecture.unusedNames.contains(where: { name.hasPrefix($0) }) {
        unused.append(name)
      } else {
        unexpected.append(name)
      }
    }
    // Counters come last: they say the least of what is wrong.
    unexpected =
      unexpected.filter { !$0.hasSuffix("num_batches_tracked") }
      + unexpected.filter { $0.hasSuffix("num_batches_tracked") }
  }
}

// MARK: - What several families need

extension Guess {
  /// The shape of images of which this many numbers are made: square, and grey or in colour; nil where there is none.
  static func image(of numbers: Int) -> [Int]? {
    for channels in [1, 3] where numbers % channels == 0 {
      if let side = side(of: numbers / channels) { return [channels, side, side] }
    }
    return nil
  }

  /// The side of a square of this many places; nil where there is none.
  static func side(of places: Int) -> Int? {
    guard places > 0, places <= 1 << 40 else { return nil }
    let side = Int(Double(places).squareRoot().rounded())
    return side * side == places ? side : nil
  }

  /// That images have the usual size of a family, because nothing in the weights depends on it.
  static func usualSize<Family: NetworkFamily>(of family: Family.Type) -> String { "size=\(family.usualInput.size)" }
}
