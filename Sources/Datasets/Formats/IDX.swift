import Base
import Tensors

/// Handwritten digits, 28×28 grey, ten classes: 60,000 for training, 10,000 to test.
///
/// - Parameters:
///   - directory: holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
///     `t10k-labels-idx1-ubyte`, with or without `.gz`.
///   - train: how many of the first training images to read; 0 reads none and needs no training files. What is not read
///     is checked for its length only.
///   - test: as `train`, for the test images.
/// - Throws: `io`, naming the file, where one is missing, cut short, damaged or not what it should be.
///
/// Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", 1998.
public func mnist(directory: String, train: Int? = nil, test: Int? = nil) throws(CoreError) -> (
  train: Dataset, test: Dataset
) {
  try IDXFamily(title: "MNIST", classNames: (0...9).map(String.init)).load(directory, train: train, test: test)
}

/// Clothing, 28×28 grey, ten classes: 60,000 for training, 10,000 to test. Files and arguments as for `mnist`.
///
/// Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747.
public func fashionMNIST(directory: String, train: Int? = nil, test: Int? = nil) throws(CoreError) -> (
  train: Dataset, test: Dataset
) {
  let names = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
  ]
  return try IDXFamily(title: "Fashion-MNIST", classNames: names).load(directory, train: train, test: test)
}

/// A data set in the four files of MNIST.
///
/// A header only claims: its numbers are compared with the size of the file before memory is taken for them. What can
/// be known of the content without reading all of it is checked too, so that a file that was cut short, lengthened or
/// saved under another name is an error that says which file it is and what is wrong with it, and not a training that
/// fails to learn. Files of the published size with other content are read, and the name of the data set says so.
private struct IDXFamily {
  let title: String
  let classNames: [String]

  func load(_ directory: String, train: Int?, test: Int?) throws(CoreError) -> (train: Dataset, test: Dataset) {
    try checkCounts(train: train, test: test)
    let folder = try DataFolder(
      directory, title: title,
      advice: "put the four files train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz "
        + "and t10k-labels-idx1-ubyte.gz of \(title) there, or give the folder that holds them")
    // A folder that holds the test files alone.
    let files = { (part: String) in
      ["images-idx3", "labels-idx1", "images.idx3", "labels.idx1"].flatMap {
        ["\(part)-\($0)-ubyte.gz", "\(part)-\($0)-ubyte"]
      }
    }
    let isTestOnly = train == nil && folder.find(files("train")) == nil && folder.find(files("t10k")) != nil
    if isTestOnly {
      let nothing = InMemoryImages(bytes: [], shape: [1, 28, 28])
      return (
        Dataset(name: "\(title) train (not there)", classNames: classNames, labels: [], ids: [], source: nothing),
        try load(part: "test", "t10k", folder: folder, setting: "test", wanted: test)
      )
    }
    return (
      try load(part: "training", "train", folder: folder, setting: "train", wanted: train),
      try load(part: "test", "t10k", folder: folder, setting: "test", wanted: test)
    )
  }

  private func load(
    part: String, _ prefix: String, folder: DataFolder, setting: String, wanted: Int?
  ) throws(CoreError) -> Dataset {
    let name = "\(title) \(setting)"
    let limit = wanted ?? .max
    guard limit > 0 else {
      return Dataset(
        name: name, classNames: classNames, labels: [], ids: [], source: InMemoryImages(bytes: [], shape: [1, 28, 28]))
    }
    let images = try read("\(prefix)-images-idx3-ubyte", .images, part: part, folder: folder, limit: limit)
    let labels = try read("\(prefix)-labels-idx1-ubyte", .labels, part: part, folder: folder, limit: limit)
    guard images.stated == labels.stated else {
      throw .file(
        images.path, "holds \(images.stated) images, but '\(labels.path)' holds \(labels.stated) labels",
        hint: "the two files must belong together; check that training and test files are not mixed up")
    }
    if let wanted, wanted > images.stated { throw tooFew(images.path, images.stated, setting, wanted) }
    if let index = labels.bytes.firstIndex(where: { $0 >= classNames.count }) {
      throw .file(
        labels.path, "has label \(labels.bytes[index]) at index \(index); \(title) has the classes 0 to 9",
        hint: "the file is damaged or belongs to another data set; \(downloadAgain)")
    }
    return Dataset(
      name: images.altered || labels.altered ? "\(name) (altered)" : name, classNames: classNames,
      labels: labels.bytes.map(Int.init), ids: Array(labels.bytes.indices),
      source: InMemoryImages(bytes: images.bytes, shape: [1, 28, 28]))
  }

  private enum Content: String {
    case images, labels
    var magic: [UInt8] { [0, 0, 8, self == .images ? 3 : 1] }
    var headerSize: Int { self == .images ? 16 : 8 }
    var itemSize: Int { self == .images ? 28 * 28 : 1 }
  }

  private struct Items {
    let path: String
    /// How many the header states.
    let stated: Int
    let bytes: [UInt8]
    let altered: Bool
  }

  private func read(
    _ file: String, _ content: Content, part: String, folder: DataFolder, limit: Int
  ) throws(CoreError) -> Items {
    let dotted = file.replacing("-idx", with: ".idx")
    let path = try folder.require(
      ["\(file).gz", file, "\(dotted).gz", dotted],
      usual: ["raw", "MNIST/raw", "FashionMNIST/raw", title.lowercased(), "data/\(title.lowercased())"])
    let expected = "the \(part) \(content) of \(title) in IDX format, plain or gzip"
    let reader = try FileReader(path, expected: expected)
    let stored = reader.beginning[...]
    let header = try reader.next(content.headerSize)
    if content.magic.starts(with: header) { throw cutShort(path, header.count, content.headerSize) }
    guard header.starts(with: content.magic) else {
      let found = FileKind(reader.isGzip ? header[...] : stored, size: reader.isGzip ? nil : reader.size)
      throw .file(
        path,
        found.map { "is \($0.rawValue), not \(expected)" }
          ?? "is not an IDX file of \(content): it begins with the bytes \(hex(header.prefix(4))), expected \(hex(content.magic[...]))",
        hint: downloadAgain)
    }
    guard header.count == content.headerSize else { throw cutShort(path, header.count, content.headerSize) }
    let words = stride(from: 4, to: header.count, by: 4).map { start in
      header[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let stated = words[0]
    if content == .images, words[1] != 28 || words[2] != 28 {
      throw .file(
        path, "holds images of \(words[1])×\(words[2]) pixels; \(title) has 28×28",
        hint: "the file is damaged or belongs to another data set")
    }
    guard stated > 0 else { throw .file(path, "states that it holds no \(content)", hint: downloadAgain) }
    guard stated <= 1_000_000 else {
      throw .file(path, "states that it holds \(stated) \(content); \(title) has 70,000", hint: downloadAgain)
    }

    let total = content.headerSize + stated * content.itemSize
    let trailer = try reader.gzipTrailer()
    if reader.isGzip ? total > reader.mostContent : total != reader.size {
      throw wrongSize(path, found: reader.size, expected: total, gzip: reader.isGzip)
    }
    let wanted = min(stated, limit) * content.itemSize
    let bytes = try reader.next(wanted)
    guard bytes.count == wanted else { throw cutShort(path, reader.position, total) }
    var crc: UInt32? = reader.crc
    if wanted < stated * content.itemSize {
      // The rest is not read; the length that gzip states at its end shows a file that was cut or lengthened.
      crc = trailer?.crc
      if let trailer, trailer.length != UInt32(truncatingIfNeeded: total) {
        // Unless there are several members, or zero bytes after the last: then all of it is read.
        while reader.position <= total, try !reader.next(1 << 20).isEmpty {}
        guard reader.position >= total else { throw cutShort(path, reader.position, total) }
        guard reader.position == total else {
          throw .file(path, "continues after its \(stated) \(content) (\(total) bytes)", hint: downloadAgain)
        }
        crc = reader.crc
      }
    } else if try !reader.isAtEnd() {
      throw .file(path, "continues after its \(stated) \(content) (\(total) bytes)", hint: downloadAgain)
    }
    let altered = try KnownContent.isAltered(
      path, length: total, crc: crc, expected: "the \(title) \(part) \(content)")
    return Items(path: path, stated: stated, bytes: bytes, altered: altered)
  }

  private func wrongSize(_ path: String, found: Int, expected: Int, gzip: Bool) -> CoreError {
    if gzip {
      return .file(
        path, "cannot hold what its header states: \(expected) bytes in a gzip file of \(found)", hint: downloadAgain)
    }
    return found < expected
      ? cutShort(path, found, expected)
      : .file(path, "is too long: \(found) bytes, its header states \(expected)", hint: downloadAgain)
  }

  private func cutShort(_ path: String, _ found: Int, _ expected: Int) -> CoreError {
    .file(path, "is cut short: \(found) of \(expected) bytes are there", hint: downloadAgain)
  }
}

func hex(_ bytes: ArraySlice<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
