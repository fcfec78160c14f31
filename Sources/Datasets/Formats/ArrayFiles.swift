import Base
import Tensors

/// Data sets in files of NumPy: an archive with images and labels, or an array of images beside one of labels.
///
/// Arrays are found by their names. `images`, `image`, `x` or `data` with `labels`, `label`, `y`, `targets` or `target`
/// make a data set, and with `train`, `val` or `test` before or after, as Keras and MedMNIST have them, one for each part.
public struct ArrayFile: Sendable {
  /// The file, `.npz` or `.npy`.
  public var path: String
  /// The file of labels, where `path` is an `.npy`.
  public var labels: String?
  /// How the axes of the images are to be read; nil tells by the number of channels.
  public var layout: ImageLayout?
  /// How many classes there are; nil is up to the largest label.
  public var classes: Int?

  /// A file and how it is to be read.
  public init(_ path: String, labels: String? = nil, layout: ImageLayout? = nil, classes: Int? = nil) {
    self.path = path
    self.labels = labels
    self.layout = layout
    self.classes = classes
  }

  /// Whether a path ends as those of NumPy do.
  public static func isNumPy(_ path: String) -> Bool { path.hasSuffix(".npz") || path.hasSuffix(".npy") }

  /// The data sets of the file: one, or its parts in the order training, validation, test.
  ///
  /// - Throws: `io` where the file is damaged, or its arrays are not images and labels; `value` for settings that do not
  ///   fit it.
  public func load() throws(CoreError) -> [Dataset] {
    let reader = try FileReader(path, expected: "a NumPy archive with images and labels")
    let base = path.split(separator: "/").last.map(String.init) ?? path
    let name = base.hasSuffix(".npz") || base.hasSuffix(".npy") ? String(base.dropLast(4)) : base
    if NumPyHeader.begins(reader.beginning) {
      guard let labels else {
        throw CoreError(
          .value, "'\(path)' is one array, of images alone", hint: "give the labels too: labels=\"labels.npy\"",
          argument: "labels")
      }
      let images = try Self.array(reader, named: "its array")
      let labelReader = try FileReader(labels, expected: "a NumPy array of labels")
      guard NumPyHeader.begins(labelReader.beginning) else {
        throw .file(labels, "is not a NumPy array", hint: "expected one as numpy.save writes it").about("labels")
      }
      return [try dataset(images, try Self.array(labelReader, named: "the array of '\(labels)'"), name)]
    }
    guard labels == nil else {
      throw CoreError(
        .value, "labels is for a single array, and '\(path)' is not one", hint: "leave labels out", argument: "labels")
    }
    guard FileKind(reader.beginning[...], size: reader.size) == .numpyArchive else {
      let kind = FileKind(reader.beginning[...], size: reader.size)?.rawValue ?? "not one"
      throw .file(
        path, "is \(kind); a data set in arrays is a NumPy archive", hint: "numpy.savez(path, images=…, labels=…)")
    }
    return try parts(ZipArchive(reader), name)
  }

  private static let parts = ["", "train", "val", "test"]
  private static let words: [String: String] = [
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test",
  ]

  /// Which part and what an array is by its name.
  private static func role(_ name: String) -> (part: String, isImages: Bool)? {
    var words = name.lowercased().split(separator: "_").map(String.init)
    var part = ""
    if let place = words.firstIndex(where: { Self.words[$0] != nil }) {
      part = Self.words[words.remove(at: place)] ?? ""
    }
    switch words.joined(separator: "_") {
    case "images", "image", "x", "data": return (part, true)
    case "labels", "label", "y", "targets", "target": return (part, false)
    default: return nil
    }
  }

  private func parts(_ archive: ZipArchive, _ name: String) throws(CoreError) -> [Dataset] {
    var found: [String: (images: ZipArchive.Entry?, labels: ZipArchive.Entry?)] = [:]
    for entry in archive.entries where entry.name.hasSuffix(".npy") {
      guard let (part, isImages) = Self.role(String(entry.name.dropLast(4))) else { continue }
      var pair = found[part] ?? (nil, nil)
      if let other = isImages ? pair.images : pair.labels {
        throw .file(
          path, "holds both '\(other.name)' and '\(entry.name)'", hint: "keep one array of images and one of labels")
      }
      if isImages { pair.images = entry } else { pair.labels = entry }
      found[part] = pair
    }
    let names = archive.entries.prefix(12).map { "'\($0.name.prefix(40))'" }.joined(separator: ", ")
    guard !found.isEmpty else {
      throw .file(
        path, "has no arrays called images and labels, or x and y; it has \(names.isEmpty ? "none" : names)",
        hint: "numpy.savez(path, images=…, labels=…)")
    }
    var sets: [Dataset] = []
    for part in Self.parts {
      guard let (images, labels) = found[part] else { continue }
      guard let images, let labels else {
        let there = (images ?? labels)?.name ?? ""
        throw .file(
          path, "has '\(there)' but no \(images == nil ? "images" : "labels") to it; it has \(names)",
          hint: "numpy.savez(path, images=…, labels=…)")
      }
      sets.append(
        try dataset(
          try Self.array(archive, images), try Self.array(archive, labels), part.isEmpty ? name : "\(name) \(part)"))
    }
    return sets
  }

  private func dataset(_ images: RawArray, _ labels: RawArray, _ name: String) throws(CoreError) -> Dataset {
    let arrays = LabelledArrays(path: path, layout: layout, classes: classes)
    let source = try arrays.images(images)
    let read = try arrays.labels(labels, images: images.shape.first ?? 0)
    return Dataset(
      name: read.note.map { "\(name) (\($0))" } ?? name, classNames: (0..<read.count).map(String.init),
      labels: read.classes, ids: Array(read.classes.indices), source: source, targetValues: read.soft)
  }

  // MARK: Arrays

  private static func array(_ reader: FileReader, named name: String) throws(CoreError) -> RawArray {
    let head = try reader.read(at: 0, count: min(reader.size, NumPyHeader.limit))
    let header = try NumPyHeader(head, size: reader.size, path: reader.path)
    let bytes = try reader.read(at: header.start, count: header.byteCount)
    return try array(header, bytes, reader.path, name)
  }

  private static func array(_ archive: ZipArchive, _ entry: ZipArchive.Entry) throws(CoreError) -> RawArray {
    let head = try archive.beginning(of: entry, count: NumPyHeader.limit)
    let header = try NumPyHeader(head, size: entry.size, path: archive.path, part: entry.name)
    var bytes = try archive.bytes(of: entry)
    guard bytes.count == header.start + header.byteCount else {
      throw .file(archive.path, "is damaged: '\(entry.name)' has another size than it states", hint: downloadAgain)
    }
    bytes.removeFirst(header.start)
    return try array(header, bytes, archive.path, String(entry.name.dropLast(4)))
  }

  private static func array(
    _ header: NumPyHeader, _ bytes: [UInt8], _ path: String, _ name: String
  ) throws(CoreError) -> RawArray {
    let bytes = header.isFortran ? try rowMajor(bytes, header) : bytes
    return RawArray(
      name: name, element: Element(header.type), shape: header.shape, isBigEndian: header.type.isBigEndian, bytes: bytes
    )
  }

  /// Bytes of an array whose first axis is the fastest, with the last axis the fastest.
  private static func rowMajor(_ bytes: [UInt8], _ header: NumPyHeader) throws(CoreError) -> [UInt8] {
    let (shape, size) = (header.shape, header.type.size)
    guard shape.count > 1, header.count > 0 else { return bytes }
    var strides: [Int] = []
    var step = size
    for length in shape {
      strides.append(step)
      step *= length
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = [Int](repeating: 0, count: shape.count)
    var place = 0
    for i in 0..<header.count {
      try StopSignal.poll(at: i)
      for byte in 0..<size { result.append(bytes[place + byte]) }
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        place += strides[axis]
        if index[axis] < shape[axis] { break }
        place -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
    return result
  }
}
