import Base
import Tensors

/// Photographs, 32×32 RGB, ten classes: 50,000 for training in five batches, 10,000 to test.
///
/// - Parameters:
///   - directory: holds `data_batch_1.bin` … `data_batch_5.bin` and `test_batch.bin`; the class names are those of
///     `batches.meta.txt` where that is present.
///   - train: how many of the first training images to read, all by default; batches after them need not be there.
///   - test: as `train`, for the test images.
/// - Throws: `io`, naming the file, where one is missing, cut short, damaged or not what it should be.
///
/// Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009 (the binary version).
public func cifar10(directory: String, train: Int? = nil, test: Int? = nil) throws(CoreError) -> (
  train: Dataset, test: Dataset
) {
  try checkCounts(train: train, test: test)
  let folder = try DataFolder(
    directory, title: "CIFAR-10",
    advice:
      "unpack cifar-10-binary.tar.gz and give its folder cifar-10-batches-bin; the Python version, whose files have "
      + "no .bin at the end, is not read")
  let names = try classNames(
    in: folder, file: "batches.meta.txt", title: "CIFAR-10",
    usual: ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"])
  let usual = ["cifar-10-batches-bin"]

  var training = ColourRecords(labelBytes: 1, classes: 10, title: "CIFAR-10")
  for number in 1...5 where training.count < train ?? .max {
    let file = "data_batch_\(number).bin"
    guard let path = number == 1 ? try folder.require([file], usual: usual) : folder.find([file]) else {
      throw CoreError(
        .io, "CIFAR-10: there is no \(file) in the folder '\(directory)'",
        hint: "take it from cifar-10-binary.tar.gz; train=\(training.count) reads the batches before it",
        argument: "path")
    }
    try training.append(
      path, count: 10_000, limit: train.map { $0 - training.count } ?? .max,
      expected: "CIFAR-10 training batch \(number)")
  }
  if let train, train > training.count { throw tooFew(directory, training.count, "train", train) }
  var testing = ColourRecords(labelBytes: 1, classes: 10, title: "CIFAR-10")
  if test != 0 {
    try testing.append(
      try folder.require(["test_batch.bin"], usual: usual), count: 10_000, limit: test ?? .max,
      expected: "the CIFAR-10 test batch")
    if let test, test > testing.count { throw tooFew(directory, testing.count, "test", test) }
  }
  return (
    training.dataset(name: "CIFAR-10 train", classNames: names),
    testing.dataset(name: "CIFAR-10 test", classNames: names)
  )
}

/// Photographs, 32×32 RGB, a hundred classes: `train.bin` and `test.bin` of the official binary version.
///
/// Arguments and errors as for `cifar10`; the labels are the fine ones.
public func cifar100(directory: String, train: Int? = nil, test: Int? = nil) throws(CoreError) -> (
  train: Dataset, test: Dataset
) {
  try checkCounts(train: train, test: test)
  let folder = try DataFolder(
    directory, title: "CIFAR-100",
    advice: "unpack cifar-100-binary.tar.gz and give its folder cifar-100-binary; the Python version is not read")
  let names = try classNames(in: folder, file: "fine_label_names.txt", title: "CIFAR-100", usual: nil)
  var parts: [ColourRecords] = []
  for (setting, count, wanted) in [("train", 50_000, train), ("test", 10_000, test)] {
    let file = "\(setting).bin"
    var records = ColourRecords(labelBytes: 2, classes: 100, title: "CIFAR-100")
    if wanted != 0 {
      let path = try folder.require([file], usual: ["cifar-100-binary"])
      try records.append(path, count: count, limit: wanted ?? .max, expected: "CIFAR-100 images")
      if let wanted, wanted > count { throw tooFew(path, count, setting, wanted) }
    }
    parts.append(records)
  }
  return (
    parts[0].dataset(name: "CIFAR-100 train", classNames: names),
    parts[1].dataset(name: "CIFAR-100 test", classNames: names)
  )
}

/// One file of CIFAR-100 records of any number: subsets in the official format.
///
/// - Parameters:
///   - path: the file of 3074-byte records; `fine_label_names.txt` must lie beside it.
///   - limit: how many of the first images to read, all by default.
/// - Throws: as `cifar10`.
public func cifar100(file path: String, limit: Int? = nil) throws(CoreError) -> Dataset {
  try checkCount(limit, "limit")
  let parent = Folder.of(path)
  let folder = try DataFolder(parent, title: "CIFAR-100", advice: "give the path of a .bin file")
  let names = try classNames(in: folder, file: "fine_label_names.txt", title: "CIFAR-100", usual: nil)
  var records = ColourRecords(labelBytes: 2, classes: 100, title: "CIFAR-100")
  try records.append(path, count: nil, limit: limit ?? .max, expected: "CIFAR-100 images")
  if let limit, limit > records.count { throw tooFew(path, records.count, "limit", limit) }
  return records.dataset(name: "CIFAR-100", classNames: names)
}

/// Records of label bytes and three planes of 32×32 bytes, as all CIFAR binary files have.
private struct ColourRecords {
  let labelBytes: Int
  let classes: Int
  let title: String
  private(set) var labels: [Int] = []
  private var ids: [Int] = []
  private var bytes: [UInt8] = []
  private var altered = false
  private var checksums: [(crc: UInt32, path: String)] = []
  private static let imageSize = 3 * 32 * 32

  init(labelBytes: Int, classes: Int, title: String) {
    self.labelBytes = labelBytes
    self.classes = classes
    self.title = title
  }

  var count: Int { labels.count }

  /// Reads the first records of a file.
  ///
  /// - Parameters:
  ///   - count: how many records the file must have; nil for any.
  mutating func append(_ path: String, count: Int?, limit: Int, expected: String) throws(CoreError) {
    let size = labelBytes + Self.imageSize
    let form = count.map { "\($0) records of \(size) bytes, \($0 * size) in all" } ?? "records of \(size) bytes"
    let reader = try FileReader(path, expected: "\(expected): \(form)")
    if count.map({ reader.size != $0 * size }) ?? (reader.size % size != 0) {
      if let kind = FileKind(reader.beginning[...], size: reader.size)?.rawValue {
        throw .file(path, "is \(kind), not \(expected) (\(form))", hint: downloadAgain)
      }
      let cut = count.map { reader.size < $0 * size } ?? true
      throw .file(
        path, "is \(cut ? "cut short" : "too long"): it has \(reader.size) bytes, expected \(form)",
        hint: downloadAgain)
    }
    guard !reader.isGzip else { throw .file(path, "is gzip data, not \(expected)", hint: "unpack it first") }
    let firstID = labels.count
    let records = reader.size / size
    let wanted = min(records, limit)
    bytes.reserveCapacity(bytes.count + wanted * Self.imageSize)
    labels.reserveCapacity(labels.count + wanted)
    while reader.position < wanted * size {
      try StopSignal.poll()
      let record = reader.position / size
      let part = try reader.next(min(wanted - record, 1000) * size)
      for start in stride(from: 0, to: part.count - size + 1, by: size) {
        let label = Int(part[start + labelBytes - 1])
        guard label < classes else {
          throw .file(
            path, "has label \(label) in record \(record + start / size); \(title) has the classes 0 to \(classes - 1)",
            hint: "the file is damaged or belongs to another data set; \(downloadAgain)")
        }
        labels.append(label)
        ids.append(firstID + record + start / size)
        bytes += part[start + labelBytes..<start + size]
      }
      guard part.count % size == 0, !part.isEmpty else {
        throw .file(path, "became shorter while it was read", hint: "try again")
      }
    }
    if wanted == records {
      if try KnownContent.isAltered(path, length: reader.position, crc: reader.crc, expected: expected) {
        altered = true
      }
      if let same = checksums.first(where: { $0.crc == reader.crc }) {
        throw .file(path, "has the same content as '\(same.path)'", hint: "check which file was saved under this name")
      }
      checksums.append((reader.crc, path))
    }
  }

  func dataset(name: String, classNames: [String]) -> Dataset {
    Dataset(
      name: altered ? "\(name) (altered)" : name, classNames: classNames, labels: labels,
      ids: ids, source: InMemoryImages(bytes: bytes, shape: [3, 32, 32]))
  }
}

/// The class names in a text file, one a line.
///
/// - Parameter usual: the names where the file is absent; nil makes it necessary.
private func classNames(
  in folder: DataFolder, file: String, title: String, usual: [String]?
) throws(CoreError) -> [String] {
  if let usual, folder.find([file]) == nil { return usual }
  let path = try folder.require([file], usual: [])
  let classes = usual?.count ?? 100
  let reader = try FileReader(path, expected: "\(classes) class names, one a line")
  let text = String(decoding: try reader.next(1 << 16), as: UTF8.self)
  let names = text.split(whereSeparator: \.isNewline).map { $0.trimming(while: \.isWhitespace) }.filter { !$0.isEmpty }
  guard names.count == classes, try reader.isAtEnd(), !text.contains("\0") else {
    throw .file(path, "has \(names.count) names, one a line; \(title) has \(classes) classes", hint: downloadAgain)
  }
  return names
}

extension Substring {
  fileprivate func trimming(while isSpace: (Character) -> Bool) -> String {
    var part = drop(while: isSpace)
    while let last = part.last, isSpace(last) { part.removeLast() }
    return String(part)
  }
}
