import Base
import Tensors

/// Labelled images for training and evaluation: a value; subsets share the `ImageSource` that they choose from.
///
/// A data set is a list of positions in a source of images, with the label, the id and, where it is known, the exact
/// distribution of the label of each. Selecting, shuffling and splitting change that list alone. Images are float32 in
/// [0, 1] to the reader, and are made when a batch is asked for.
public struct Dataset: Sendable {
  /// The name for people: "MNIST train"; it ends in "(altered)" where the files have the published size but not its
  /// content.
  public var name: String
  /// The name of each class, in the order of the labels.
  public let classNames: [String]
  /// The shape of every image: channels, height, width.
  public var imageShape: [Int] { source.shape }
  /// The class of each image, 0..<classCount.
  public let labels: [Int]
  /// The position of each image in the file or process it came from. Selection keeps it, so that it can key the random
  /// stream of an example.
  public let ids: [Int]

  let source: any ImageSource
  /// The position in `source` of each image.
  let positions: [Int]
  /// The probability of every class, image by image.
  let posteriorValues: [Float]?

  /// How many images there are.
  public var count: Int { labels.count }
  /// How many classes there are, those without an image included.
  public var classCount: Int { classNames.count }
  /// Whether there is no image.
  public var isEmpty: Bool { labels.isEmpty }
  /// The number of values of an image: channels · height · width.
  public var imageSize: Int { imageShape.reduce(1, &*) }
  /// Whether images are read from files whenever a batch needs them.
  public var isStreamed: Bool { source is ImageFiles }
  /// Whether the exact label posterior of the generating process is known.
  public var hasPosterior: Bool { posteriorValues != nil }

  /// A data set of images that a reader has checked.
  ///
  /// - Parameter positions: by default all of the source, in its order.
  init(
    name: String, classNames: [String], labels: [Int], ids: [Int], source: any ImageSource, positions: [Int]? = nil,
    posteriorValues: [Float]? = nil
  ) {
    self.name = name
    self.classNames = classNames
    self.labels = labels
    self.ids = ids
    self.source = source
    self.positions = positions ?? Array(labels.indices)
    self.posteriorValues = posteriorValues
  }

  /// A data set of given images.
  ///
  /// - Parameters:
  ///   - images: [n, channels, height, width], every value in [0, 1].
  ///   - labels: n classes; must be below the number of class names.
  ///   - classNames: by default "0", "1", … up to the largest label.
  ///   - posterior: [n, classes], rows of probabilities, where the true distribution of the label is known.
  /// - Throws: `shape` where the sizes do not agree, `value` where a number is out of range.
  public init(
    images: Tensor, labels: [Int], classNames: [String]? = nil, posterior: Tensor? = nil, name: String = "images"
  ) throws(CoreError) {
    guard images.dtype == .float32, images.shape.count == 4 else {
      throw CoreError(
        .shape, "a data set needs float images of shape [n, channels, height, width], not \(images.shape)",
        hint: "a single image x becomes a batch of one: reshape(x, [1, 1, 28, 28])")
    }
    guard labels.count == images.shape[0] else {
      throw CoreError(
        .shape, "\(images.shape[0]) images need as many labels, not \(labels.count)", hint: "give each image one label")
    }
    guard labels.allSatisfy({ $0 >= 0 }) else {
      throw CoreError(.value, "labels must be at least 0, not \(labels.min() ?? 0)", hint: "labels count from 0")
    }
    let largest = labels.max() ?? 0
    guard largest < classNames?.count ?? maximumClasses else {
      throw CoreError(
        .value, "label \(largest) is out of range: there are \(classNames?.count ?? maximumClasses) classes",
        hint: "labels count from 0")
    }
    let values = images.floats()
    guard values.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
      throw CoreError(
        .value, "image values must lie in [0, 1]", hint: "divide bytes by 255; clip attacked images to [0, 1]")
    }
    let names = classNames ?? (0...largest).map(String.init)
    var posteriorValues: [Float]?
    if let posterior {
      guard posterior.dtype == .float32, posterior.shape == [labels.count, names.count] else {
        throw CoreError(
          .shape, "the posterior must have the shape [\(labels.count), \(names.count)], not \(posterior.shape)",
          hint: "give one row for each image and one column for each class")
      }
      let rows = posterior.floats()
      for start in stride(from: 0, to: rows.count, by: names.count) {
        let row = rows[start..<start + names.count]
        guard row.allSatisfy({ $0 >= 0 }), abs(row.reduce(0, +) - 1) < 1e-3 else {
          throw CoreError(
            .value, "row \(start / names.count) of the posterior is not a distribution",
            hint: "the probabilities of an image must not be negative and must add up to 1")
        }
      }
      posteriorValues = rows
    }
    self.init(
      name: name, classNames: names, labels: labels, ids: Array(labels.indices),
      source: InMemoryImages(floats: values, shape: Array(images.shape[1...])), posteriorValues: posteriorValues)
  }

  // MARK: Reading

  /// All images: [n, channels, height, width], float32 in [0, 1].
  ///
  /// - Throws: what reading the images throws.
  public var images: Tensor {
    get throws(CoreError) { try source.read(positions) }
  }

  /// The exact probability of each class for every image, [n, classes], where the generating process is known.
  public var posterior: Tensor? {
    get throws(CoreError) {
      guard let posteriorValues else { return nil }
      return try Tensor(posteriorValues, shape: [count, classCount])
    }
  }

  /// The images of these positions as one tensor, with what belongs to them.
  ///
  /// - Throws: `value` where a position is not in 0..<count; what reading the images throws.
  public func batch(_ positions: [Int]) throws(CoreError) -> Batch {
    try check(positions)
    var posterior: Tensor?
    if let posteriorValues {
      let classes = classCount
      posterior = try Tensor(
        positions.flatMap { posteriorValues[$0 * classes..<($0 + 1) * classes] }, shape: [positions.count, classes])
    }
    return Batch(
      images: try source.read(positions.map { self.positions[$0] }), targets: .classes(positions.map { labels[$0] }),
      ids: positions.map { ids[$0] }, posterior: posterior)
  }

  func check(_ positions: some Sequence<Int>) throws(CoreError) {
    for position in positions where position < 0 || position >= count {
      throw CoreError(
        .value, "index \(position) is out of range: '\(name)' has \(count) images", hint: "indices count from 0")
    }
  }
}

/// Far above any labelled image set; keeps a wild label from allocating names.
private let maximumClasses = 100_000
