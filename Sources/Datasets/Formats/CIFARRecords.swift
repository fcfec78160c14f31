import Base
import Tensors

/// A file of CIFAR to read from front to back: one in a folder, or one in an archive.
final class CIFARInput {
  /// The path of the file, within the archive where it is in one.
  let path: String
  /// How many bytes it has; of a file in a folder that is compressed, nil.
  let size: Int
  /// Its first bytes, where they are known beforehand.
  let beginning: [UInt8]
  /// Whether it is compressed on its own.
  let isGzip: Bool
  private let read: (Int) throws(CoreError) -> [UInt8]

  /// - Throws: `io` where it cannot be read.
  init(_ path: String) throws(CoreError) {
    let reader = try FileReader(path, expected: "a file of CIFAR")
    (self.path, size, beginning, isGzip) = (path, reader.size, reader.beginning, reader.isGzip)
    read = { (count) throws(CoreError) in try reader.next(count) }
  }

  /// The file that an archive has come to.
  init(_ archive: TarArchive, _ entry: TarArchive.Entry) {
    (path, size, beginning, isGzip) = ("\(archive.path)/\(entry.name)", entry.size, [], false)
    read = { (count) throws(CoreError) in try archive.read(count) }
  }

  /// The next bytes, fewer than `count` only at the end.
  func next(_ count: Int) throws(CoreError) -> [UInt8] { try read(count) }
}

/// Images of 32×32 pixels with labels, as all files of CIFAR have them: three planes of bytes for each image.
struct CIFARRecords {
  /// What the two sets differ in.
  struct Form {
    /// Label bytes before the pixels of a record; the last is the label.
    let labelBytes: Int
    let classes: Int
    let title: String
    /// The key of the labels in a pickle.
    let labels: String
    /// The key of the class names in a pickle.
    let names: String
  }

  private let form: Form
  private(set) var labels: [Int] = []
  private var ids: [Int] = []
  private var bytes: [UInt8] = []
  private var altered = false
  private var checksums: [(crc: UInt32, path: String)] = []
  static let imageSize = 3 * 32 * 32

  init(_ form: Form) { self.form = form }

  var count: Int { labels.count }

  /// Puts the images of another file after these.
  ///
  /// - Throws: `io` where the two files are the same.
  mutating func append(_ other: CIFARRecords) throws(CoreError) {
    for (crc, path) in other.checksums {
      if let same = checksums.first(where: { $0.crc == crc }) {
        throw .file(path, "has the same content as '\(same.path)'", hint: "check which file was saved under this name")
      }
    }
    ids += other.ids.map { $0 + count }
    labels += other.labels
    bytes += other.bytes
    altered = altered || other.altered
    checksums += other.checksums
  }

  /// Reads the first images of a file of either version.
  ///
  /// - Parameters:
  ///   - count: how many the file must have; nil for any.
  ///   - expected: what the file is, for messages and to compare with what is known.
  mutating func read(
    _ input: CIFARInput, isPython: Bool, count: Int?, limit: Int, expected: String
  ) throws(CoreError) {
    if isPython {
      try read(python: input, count: count, limit: limit, expected: expected)
    } else {
      try read(binary: input, count: count, limit: limit, expected: expected)
    }
  }

  /// Reads the first records of a file of the binary version.
  mutating func read(binary input: CIFARInput, count: Int?, limit: Int, expected: String) throws(CoreError) {
    let path = input.path
    let size = form.labelBytes + Self.imageSize
    let described = count.map { "\($0) records of \(size) bytes, \($0 * size) in all" } ?? "records of \(size) bytes"
    if count.map({ input.size != $0 * size }) ?? (input.size % size != 0) {
      if let kind = FileKind(input.beginning[...], size: input.size)?.rawValue {
        throw .file(path, "is \(kind), not \(expected) (\(described))", hint: downloadAgain)
      }
      let cut = count.map { input.size < $0 * size } ?? true
      throw .file(
        path, "is \(cut ? "cut short" : "too long"): it has \(input.size) bytes, expected \(described)",
        hint: downloadAgain)
    }
    guard !input.isGzip else { throw .file(path, "is gzip data, not \(expected)", hint: "unpack it first") }
    let records = input.size / size
    let wanted = min(records, limit)
    bytes.reserveCapacity(wanted * Self.imageSize)
    labels.reserveCapacity(wanted)
    var crc: UInt32 = 0
    while labels.count < wanted {
      try StopSignal.poll()
      let record = labels.count
      let part = try input.next(min(wanted - record, 1000) * size)
      crc = checksum(part, after: crc)
      for start in stride(from: 0, to: part.count - size + 1, by: size) {
        try append(Int(part[start + form.labelBytes - 1]), at: record + start / size, path)
        bytes += part[start + form.labelBytes..<start + size]
      }
      guard part.count % size == 0, !part.isEmpty else {
        throw .file(path, "became shorter while it was read", hint: "try again")
      }
    }
    if wanted == records { try compare(path, length: records * size, crc: crc, expected) }
  }

  /// Reads the first images of a file of the Python version, a pickle of a dictionary with an array and a list.
  private mutating func read(
    python input: CIFARInput, count: Int?, limit: Int, expected: String
  ) throws(CoreError) {
    let path = input.path
    let pickle = try CIFARPickle(input, form)
    let (all, pixels) = try pickle.images()
    if let count, all.count != count {
      throw .file(path, "holds \(all.count) images; \(expected) has \(count)", hint: downloadAgain)
    }
    let wanted = min(all.count, limit)
    var crc: UInt32 = 0
    for place in 0..<wanted {
      try StopSignal.poll(at: place)
      try append(all[place], at: place, path)
      if form.labelBytes == 1 {
        let start = pixels.startIndex + place * Self.imageSize
        crc = checksum([UInt8(all[place])], after: crc)
        crc = checksum(Array(pixels[start..<start + Self.imageSize]), after: crc)
      }
    }
    bytes = Array(pixels.prefix(wanted * Self.imageSize))
    // The same records as in the binary version, of which the checksum is known.
    if wanted == all.count, form.labelBytes == 1 {
      try compare(path, length: wanted * (1 + Self.imageSize), crc: crc, expected)
    }
  }

  private mutating func append(_ label: Int, at place: Int, _ path: String) throws(CoreError) {
    guard (0..<form.classes).contains(label) else {
      throw .file(
        path, "has label \(label) in record \(place); \(form.title) has the classes 0 to \(form.classes - 1)",
        hint: "the file is damaged or belongs to another data set; \(downloadAgain)")
    }
    labels.append(label)
    ids.append(place)
  }

  private mutating func compare(_ path: String, length: Int, crc: UInt32, _ expected: String) throws(CoreError) {
    if try KnownContent.isAltered(path, length: length, crc: crc, expected: expected) { altered = true }
    checksums.append((crc, path))
  }

  func dataset(name: String, classNames: [String]) -> Dataset {
    Dataset(
      name: altered ? "\(name) (altered)" : name, classNames: classNames, labels: labels, ids: ids,
      source: InMemoryImages(bytes: bytes, shape: [3, 32, 32]))
  }
}

/// A file of the Python version of CIFAR: a pickled dictionary, of which only what is needed is looked at.
struct CIFARPickle {
  private let path: String
  private let form: CIFARRecords.Form
  private let pickle: Pickle
  private var fields: [String: Int] = [:]

  /// The most bytes that such a file may have; the largest has 155 MB.
  private static let limit = 1 << 28

  /// - Throws: `io` where it is no such dictionary.
  init(_ input: CIFARInput, _ form: CIFARRecords.Form) throws(CoreError) {
    path = input.path
    self.form = form
    guard input.size <= Self.limit, !input.isGzip else {
      throw .file(
        path,
        input.isGzip
          ? "is gzip data, not a file of \(form.title)" : "has \(input.size) bytes; at most \(Self.limit) are read",
        hint: input.isGzip ? "unpack it first" : downloadAgain)
    }
    let bytes = try input.next(input.size)
    guard bytes.first == 0x80 || bytes.first == UInt8(ascii: "(") || bytes.first == UInt8(ascii: "}") else {
      let kind = FileKind(bytes.prefix(FileKind.prefixSize), size: bytes.count)?.rawValue ?? "something else"
      throw .file(path, "is \(kind), not the pickle of \(form.title)", hint: downloadAgain)
    }
    do { pickle = try Pickle(bytes) } catch { throw error.error(in: path, "its content") }
    guard let pairs = pickle.pairs(pickle.root) else {
      throw .file(path, "holds no dictionary, as the files of \(form.title) do", hint: downloadAgain)
    }
    for pair in pairs {
      if let key = Self.text(pair.key, pickle) { fields[key] = pair.value }
    }
  }

  /// A string, or the bytes of one as Python 3 writes them.
  private static func text(_ node: Int, _ pickle: Pickle) -> String? {
    pickle.text(node) ?? pickle.bytes(node).flatMap { String(validating: $0, as: UTF8.self) }
  }

  private func missing(_ key: String) -> CoreError {
    let keys = fields.keys.sorted().prefix(8).map { "'\($0.prefix(40))'" }.joined(separator: ", ")
    return .file(
      path, "has no usable '\(key)', as the files of \(form.title) do; it has \(keys.isEmpty ? "nothing" : keys)",
      hint: "check which file was saved under this name")
  }

  /// Labels and pixels, [n, 3072].
  func images() throws(CoreError) -> (labels: [Int], pixels: ArraySlice<UInt8>) {
    guard let labels = fields[form.labels].flatMap({ pickle.ints($0) }) else { throw missing(form.labels) }
    guard let array = fields["data"].flatMap({ pickle.array($0) }), array.type.kind == .uint, array.type.size == 1,
      array.shape == [labels.count, CIFARRecords.imageSize], !array.isFortran || labels.count <= 1
    else { throw missing("data") }
    return (labels, array.bytes)
  }

  /// The class names of a file `meta` or `batches.meta`.
  func classNames() throws(CoreError) -> [String] {
    guard let items = fields[form.names].flatMap({ pickle.items($0) }) else { throw missing(form.names) }
    let names = items.compactMap { Self.text($0, pickle) }
    guard names.count == items.count, names.count == form.classes else {
      throw .file(path, "has \(names.count) class names; \(form.title) has \(form.classes)", hint: downloadAgain)
    }
    return names
  }
}
