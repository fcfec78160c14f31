import Base
import Tensors

/// Labelled images for training and evaluation: a value; subsets share the `ImageSource` that they choose from.
///
/// A data set is a list of positions in a source of images, with the label, the id and, where it is known, the exact
/// distribution of the label of each. Selecting, shuffling and splitting change that list alone. Images are float32 in
/// [0, 1] to the reader, and are made when a batch is asked for.
///
/// Labels may be soft: a distribution over the classes for each image, on which training trains. Whatever counts, such
/// as an accuracy, then takes the most probable class as the label. A soft label is what a model is to learn; the
/// posterior is what is known of the process that made the image, and is never trained on.
public struct Dataset: Sendable {
  /// The name for people: "MNIST train"; it ends in "(altered)" where the files have the published size but not its
  /// content.
  public var name: String
  /// The name of each class, in the order of the labels.
  public let classNames: [String]
  /// The shape of every image: channels, height, width.
  public var imageShape: [Int] { source.shape }
  /// The class of each image, 0..<classCount; where labels are soft, the most probable one, the first of equals.
  public let labels: [Int]
  /// The position of each image in the file or process it came from. Selection keeps it, so that it can key the random
  /// stream of an example.
  public let ids: [Int]

  let source: any ImageSource
  /// The position in `source` of each image.
  let positions: [Int]
  /// The probability of every class, image by image.
  let posteriorValues: [Float]?
  /// The soft label of each image, a row of probabilities; nil where labels are classes.
  let targetValues: [Float]?

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
  /// Whether labels are distributions.
  public var hasSoftLabels: Bool { targetValues != nil }

  /// A data set of images that a reader has checked.
  ///
  /// - Parameter positions: by default all of the source, in its order.
  init(
    name: String, classNames: [String], labels: [Int], ids: [Int], source: any ImageSource, positions: [Int]? = nil,
    posteriorValues: [Float]? = nil, targetValues: [Float]? = nil
  ) {
    self.name = name
    self.classNames = classNames
    self.labels = labels
    self.ids = ids
    self.source = source
    self.positions = positions ?? Array(labels.indices)
    self.posteriorValues = posteriorValues
    self.targetValues = targetValues
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
    let values = try Self.checkedPixels(images, labels: labels.count)
    guard labels.allSatisfy({ $0 >= 0 }) else {
      throw CoreError(
        .value, "labels must be at least 0, not \(labels.min() ?? 0)", hint: "labels count from 0", argument: "labels")
    }
    let largest = labels.max() ?? 0
    guard largest < classNames?.count ?? maximumClasses else {
      throw CoreError(
        .value, "label \(largest) is out of range: there are \(classNames?.count ?? maximumClasses) classes",
        hint: "labels count from 0", argument: "labels")
    }
    let names = classNames ?? (0...largest).map(String.init)
    var posteriorValues: [Float]?
    if let posterior {
      posteriorValues = try Self.checkedRows(
        posterior, [labels.count, names.count], "posterior", argument: "posterior")
    }
    self.init(
      name: name, classNames: names, labels: labels, ids: Array(labels.indices),
      source: InMemoryImages(floats: values, shape: Array(images.shape[1...])), posteriorValues: posteriorValues)
  }

  /// A data set of given images with soft labels.
  ///
  /// - Parameters:
  ///   - images: [n, channels, height, width], every value in [0, 1].
  ///   - softLabels: [n, classes], rows of probabilities.
  ///   - classNames: by default "0", "1", ….
  /// - Throws: `shape` where the sizes do not agree, `value` where a number is out of range.
  public init(
    images: Tensor, softLabels: Tensor, classNames: [String]? = nil, name: String = "images"
  ) throws(CoreError) {
    guard softLabels.shape.count == 2, let classes = softLabels.shape.last, classes > 0 else {
      throw CoreError(
        .shape, "labels must be classes [n], or rows of probabilities [n, classes], not of shape \(softLabels.shape)",
        hint: "softmax(logits) makes rows of probabilities", argument: "labels")
    }
    let values = try Self.checkedPixels(images, labels: softLabels.shape[0])
    let names = classNames ?? (0..<classes).map(String.init)
    let rows = try Self.checkedRows(softLabels, [softLabels.shape[0], names.count], "soft labels", argument: "labels")
    self.init(
      name: name, classNames: names, labels: Self.mostProbable(rows, classes: names.count),
      ids: Array(0..<softLabels.shape[0]),
      source: InMemoryImages(floats: values, shape: Array(images.shape[1...])), targetValues: rows)
  }

  /// The class with the greatest number of each row, the first of equals.
  static func mostProbable(_ rows: [Float], classes: Int) -> [Int] {
    stride(from: 0, to: rows.count, by: max(1, classes)).map { start in
      (0..<classes).reduce(0) { rows[start + $1] > rows[start + $0] ? $1 : $0 }
    }
  }

  private static func checkedPixels(_ images: Tensor, labels: Int) throws(CoreError) -> [Float] {
    guard images.dtype == .float32, images.shape.count == 4 else {
      throw CoreError(
        .shape, "a data set needs float images of shape [n, channels, height, width], not \(images.shape)",
        hint: "a single image x becomes a batch of one: reshape(x, [1, 1, 28, 28])", argument: "images")
    }
    guard labels == images.shape[0] else {
      throw CoreError(
        .shape, "\(images.shape[0]) images need as many labels, not \(labels)", hint: "give each image one label",
        argument: "labels")
    }
    let values = images.floats()
    guard values.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
      throw CoreError(
        .value, "image values must lie in [0, 1]", hint: "divide bytes by 255; clip attacked images to [0, 1]",
        argument: "images")
    }
    return values
  }

  private static func checkedRows(
    _ tensor: Tensor, _ shape: [Int], _ what: String, argument: String
  ) throws(CoreError) -> [Float] {
    guard tensor.dtype == .float32, tensor.shape == shape else {
      throw CoreError(
        .shape, "the \(what) must have the shape \(shape), not \(tensor.shape)",
        hint: "give one row for each image and one column for each class", argument: argument)
    }
    let rows = tensor.floats()
    for start in stride(from: 0, to: rows.count, by: max(1, shape[1])) {
      let row = rows[start..<start + shape[1]]
      guard row.allSatisfy({ $0 >= 0 }), abs(row.reduce(0, +) - 1) < 1e-3 else {
        throw CoreError(
          .value, "row \(start / shape[1]) of the \(what) is not a distribution",
          hint: "the probabilities of an image must not be negative and must add up to 1", argument: argument)
      }
    }
    return rows
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

  /// The soft labels of all images, [n, classes]; nil where labels are classes.
  public var softLabels: Tensor? {
    get throws(CoreError) {
      guard let targetValues else { return nil }
      return try Tensor(targetValues, shape: [count, classCount])
    }
  }

  /// 16 hexadecimal digits made of the classes, the labels and every pixel, in the order of the examples: equal for
  /// equal content, wherever it was read from. It is no protection against a forger.
  ///
  /// - Throws: what reading the images throws, `interrupted`.
  public var fingerprint: String {
    get throws(CoreError) {
      var hash = Hash64()
      for size in imageShape { hash.absorb(UInt64(size)) }
      for name in classNames { hash.absorb(name) }
      for label in labels { hash.absorb(UInt64(label)) }
      for value in targetValues ?? [] { hash.absorb(UInt64(value.bitPattern)) }
      for positions in batches(of: 250) {
        try StopSignal.poll()
        for value in try source.read(positions.map { self.positions[$0] }).floats() {
          hash.absorb(UInt64(value.bitPattern))
        }
      }
      return hash.digits
    }
  }

  /// Whether both have the same name, classes and examples: ids, labels and every pixel. Those of selections of one
  /// data set are not read.
  ///
  /// - Throws: what reading the images throws, `interrupted`.
  public func isSame(as other: Dataset) throws(CoreError) -> Bool {
    guard name == other.name, classNames == other.classNames, imageShape == other.imageShape, ids == other.ids,
      labels == other.labels, targetValues == other.targetValues, posteriorValues == other.posteriorValues
    else { return false }
    if positions == other.positions, source.isSame(as: other.source) { return true }
    for start in stride(from: 0, to: count, by: 250) {
      try StopSignal.poll()
      let range = start..<min(start + 250, count)
      let (mine, others) = (
        try source.read(Array(positions[range])), try other.source.read(Array(other.positions[range]))
      )
      guard mine.floats() == others.floats() else { return false }
    }
    return true
  }

  /// The images of these positions as one tensor, with what belongs to them.
  ///
  /// - Throws: `value` where a position is not in 0..<count; what reading the images throws.
  public func batch(_ positions: [Int]) throws(CoreError) -> Batch {
    try check(positions)
    func rows(_ values: [Float]?) throws(CoreError) -> Tensor? {
      guard let values else { return nil }
      return try Tensor(rowsOf(values, positions), shape: [positions.count, classCount])
    }
    return Batch(
      images: try source.read(positions.map { self.positions[$0] }),
      targets: try rows(targetValues).map { .soft($0) } ?? .classes(positions.map { labels[$0] }),
      ids: positions.map { ids[$0] }, posterior: try rows(posteriorValues))
  }

  /// The rows of these positions of a table with a column for each class.
  func rowsOf(_ values: [Float], _ positions: [Int]) -> [Float] {
    let classes = classCount
    return positions.flatMap { values[$0 * classes..<($0 + 1) * classes] }
  }

  func check(_ positions: some Sequence<Int>) throws(CoreError) {
    for position in positions where position < 0 || position >= count {
      throw CoreError(
        .value, "index \(position) is out of range: '\(name)' has \(count.of("image"))", hint: "indices count from 0")
    }
  }
}

/// Far above any labelled image set; keeps a wild label from allocating names.
private let maximumClasses = 100_000
