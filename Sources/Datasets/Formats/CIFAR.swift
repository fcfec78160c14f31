import Base
import Tensors

/// Photographs, 32×32 RGB, ten classes: 50,000 for training in five batches, 10,000 to test.
///
/// - Parameters:
///   - directory: the folder of the binary version (`data_batch_1.bin` … `data_batch_5.bin`, `test_batch.bin`), the folder
///     of the Python version (the same names without `.bin`), or the archive of either as it was published (`.tar.gz`, or
///     unpacked to `.tar`). The class names are those of the file with names where there is one.
///   - train: how many of the first training images to read, all by default; batches after them need not be there. Where it
///     is left out and there is no training batch at all, the training set is empty, and its name says so.
///   - test: how many of the first test images to read, all by default.
/// - Throws: `io`, naming the file, where one is missing, cut short, damaged or not what it should be.
///
/// Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
public func cifar10(directory: String, train: Int? = nil, test: Int? = nil) throws(CoreError) -> (
  train: Dataset, test: Dataset
) {
  try CIFARSet.ten.load(directory, train: train, test: test)
}

/// Photographs, 32×32 RGB, a hundred classes, with their fine labels: 50,000 for training, 10,000 to test.
///
/// Arguments and errors as for `cifar10`; the files are `train.bin` and `test.bin`, or `train` and `test` of the Python
/// version.
public func cifar100(directory: String, train: Int? = nil, test: Int? = nil) throws(CoreError) -> (
  train: Dataset, test: Dataset
) {
  try CIFARSet.hundred.load(directory, train: train, test: test)
}

/// One file of CIFAR-100 records of any number: subsets in the official format.
///
/// - Parameters:
///   - path: the file of 3074-byte records; `fine_label_names.txt` must lie beside it.
///   - limit: how many of the first images to read, all by default.
/// - Throws: as `cifar10`.
public func cifar100(file path: String, limit: Int? = nil) throws(CoreError) -> Dataset {
  try checkCount(limit, "limit")
  let folder = try DataFolder(Folder.of(path), title: "CIFAR-100", advice: "give the path of a .bin file")
  let set = CIFARSet.hundred
  let names = try set.names(in: folder, isPython: false)
  var records = CIFARRecords(set.form)
  try records.read(binary: CIFARInput(path), count: nil, limit: limit ?? .max, expected: "CIFAR-100 images")
  if let limit, limit > records.count { throw tooFew(path, records.count, "limit", limit) }
  return records.dataset(name: "CIFAR-100", classNames: names)
}

/// What the files of CIFAR-10 or CIFAR-100 are called, and how they are read in each of their four published forms.
///
/// A folder is asked for the files that are needed. An archive is read from front to back as far as they go, each file
/// when it comes, since its files are in no order; nothing is unpacked to the disk.
private struct CIFARSet {
  let title: String
  let form: CIFARRecords.Form
  /// The training files of the binary version; those of the Python version lack the ending.
  let training: [String]
  let test: String
  /// Images in a training file; a test file has 10,000.
  let perFile: Int
  /// The text files of class names, and the pickle of the Python version.
  let names: (text: String, pickle: String)
  /// The class names where no file says them.
  let usualNames: [String]?
  /// The usual folders, and archives, of the two versions.
  let versions: [String]

  static let ten = CIFARSet(
    title: "CIFAR-10",
    form: .init(labelBytes: 1, classes: 10, title: "CIFAR-10", labels: "labels", names: "label_names"),
    training: (1...5).map { "data_batch_\($0).bin" }, test: "test_batch.bin", perFile: 10_000,
    names: ("batches.meta.txt", "batches.meta"),
    usualNames: ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    versions: ["cifar-10-batches-bin", "cifar-10-batches-py", "cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"])
  static let hundred = CIFARSet(
    title: "CIFAR-100",
    form: .init(labelBytes: 2, classes: 100, title: "CIFAR-100", labels: "fine_labels", names: "fine_label_names"),
    training: ["train.bin"], test: "test.bin", perFile: 50_000, names: ("fine_label_names.txt", "meta"),
    usualNames: nil,
    versions: ["cifar-100-binary", "cifar-100-python", "cifar-100-binary.tar.gz", "cifar-100-python.tar.gz"])

  private var advice: String {
    "give the folder \(versions[0]) or \(versions[1]), or \(versions[2]) or \(versions[3]) as it is"
  }

  func load(_ path: String, train: Int?, test: Int?) throws(CoreError) -> (train: Dataset, test: Dataset) {
    try checkCounts(train: train, test: test)
    try CoreError.checkPath(path)
    let read: Content
    if let status = FileStatus(path), !status.isFolder {
      read = try content(ofArchive: path, train: train, test: test)
    } else {
      read = try content(of: DataFolder(path, title: title, advice: advice), train: train, test: test)
    }
    var training = CIFARRecords(form)
    for part in read.training { try training.append(part) }
    if let train, train > training.count { throw tooFew(path, training.count, "train", train) }
    if let test, test > read.test.count { throw tooFew(path, read.test.count, "test", test) }
    let isAbsent = train == nil && read.training.isEmpty
    return (
      training.dataset(name: "\(title) train\(isAbsent ? " (not there)" : "")", classNames: read.names),
      read.test.dataset(name: "\(title) test", classNames: read.names)
    )
  }

  private struct Content {
    var training: [CIFARRecords] = []
    var test: CIFARRecords
    var names: [String] = []
  }

  /// How many of the training files are needed.
  private func needed(_ train: Int?) -> Int {
    train.map { min(training.count, $0 / perFile + ($0 % perFile > 0 ? 1 : 0)) } ?? training.count
  }

  private func name(_ binary: String, _ isPython: Bool) -> String { isPython ? String(binary.dropLast(4)) : binary }

  private func expected(_ place: Int?) -> String {
    guard title == "CIFAR-10" else { return "CIFAR-100 images" }
    return place.map { "CIFAR-10 training batch \($0 + 1)" } ?? "the CIFAR-10 test batch"
  }

  private func missing(_ file: String, in path: String, before: Int) -> CoreError {
    let reads = before > 0 ? "; train=\(before) reads the batches before it" : ""
    return CoreError(
      .io,
      "\(title): there is no \(file) in \(FileStatus(path)?.isFolder == true ? "the folder" : "the archive") '\(path)'",
      hint: file.hasPrefix("test") ? "test=0 reads the training images alone; \(advice)" : "\(advice)\(reads)",
      argument: "path")
  }

  // MARK: Folders

  private func content(of folder: DataFolder, train: Int?, test: Int?) throws(CoreError) -> Content {
    let all = training + [self.test]
    let isPython = folder.find(all) == nil && folder.find(all.map { name($0, true) }) != nil
    let files = training.map { name($0, isPython) }
    if folder.find(all.map { name($0, isPython) }) == nil, train != 0 || test != 0 {
      for archive in versions where archive.hasSuffix(".gz") && folder.find([archive]) != nil {
        throw CoreError(
          .io, "\(title): there is no \(training[0]) in the folder '\(folder.path)'",
          hint: "the archive '\(Folder.joined(folder.path, archive))' is there: give that, as it is", argument: "path")
      }
      let first = train == 0 ? self.test : training[0]
      _ = try folder.require([first, name(first, true)], usual: versions)
    }
    var content = Content(test: CIFARRecords(form))
    content.names = try names(in: folder, isPython: isPython)
    let isTestOnly = train == nil && folder.find(files) == nil
    for (place, file) in files.prefix(isTestOnly ? 0 : needed(train)).enumerated() {
      guard let path = folder.find([file]) else { throw missing(file, in: folder.path, before: place * perFile) }
      var records = CIFARRecords(form)
      try records.read(
        CIFARInput(path), isPython: isPython, count: perFile, limit: train.map { $0 - place * perFile } ?? .max,
        expected: expected(place))
      content.training.append(records)
    }
    if test != 0 {
      let file = name(self.test, isPython)
      guard let path = folder.find([file]) else { throw missing(file, in: folder.path, before: 0) }
      try content.test.read(
        CIFARInput(path), isPython: isPython, count: 10_000, limit: test ?? .max, expected: expected(nil))
    }
    return content
  }

  /// The class names that a folder says, or the usual ones.
  func names(in folder: DataFolder, isPython: Bool) throws(CoreError) -> [String] {
    let file = isPython ? names.pickle : names.text
    guard let path = folder.find([file]) else {
      if let usualNames { return usualNames }
      _ = try folder.require([file], usual: [])
      return []
    }
    return try names(CIFARInput(path), isPython: isPython)
  }

  private func names(_ input: CIFARInput, isPython: Bool) throws(CoreError) -> [String] {
    if isPython { return try CIFARPickle(input, form).classNames() }
    let bytes = try input.next(1 << 16)
    let text = String(decoding: bytes, as: UTF8.self)
    let names = text.split(whereSeparator: \.isNewline).map { String($0.trimmed) }.filter { !$0.isEmpty }
    guard names.count == form.classes, try input.next(1).isEmpty, !text.contains("\0") else {
      throw .file(
        input.path, "has \(names.count) names, one a line; \(title) has \(form.classes) classes", hint: downloadAgain)
    }
    return names
  }

  // MARK: Archives

  private func content(ofArchive path: String, train: Int?, test: Int?) throws(CoreError) -> Content {
    let reader = try FileReader(path, expected: "\(versions[2]) or \(versions[3])")
    let kind = FileKind(reader.beginning[...], size: reader.size)
    guard kind == .gzip || kind == .tar else {
      throw .file(
        path, "\(kind.map { "is \($0.rawValue)" } ?? "is a file"); \(title) is read from a folder or a tar archive",
        hint: advice)
    }
    let archive = TarArchive(reader)
    let count = needed(train)
    var parts: [Int: CIFARRecords] = [:]
    var content = Content(test: CIFARRecords(form))
    var classNames: [String]?
    var isPython: Bool?
    var hasTraining = false
    var hasTest = false
    var seen: Set<String> = []
    while classNames == nil || parts.count < count || test != 0 && !hasTest, let entry = try archive.next() {
      guard entry.kind == .file else { continue }
      let base = entry.name.split(separator: "/").last.map(String.init) ?? ""
      let place = training.firstIndex { base == $0 || base == name($0, true) }
      let isTest = base == self.test || base == name(self.test, true)
      let isNames = base == names.text || base == names.pickle
      guard place != nil || isTest || isNames else { continue }
      let python = isNames ? base == names.pickle : !base.hasSuffix(".bin")
      guard isPython ?? python == python else { continue }
      isPython = python
      guard seen.insert(base).inserted else {
        throw .file(path, "holds two files named \(base)", hint: downloadAgain)
      }
      let input = CIFARInput(archive, entry)
      if isNames { classNames = try names(input, isPython: python) }
      if let place {
        hasTraining = true
        guard place < count else { continue }
        var records = CIFARRecords(form)
        try records.read(
          input, isPython: python, count: perFile, limit: train.map { $0 - place * perFile } ?? .max,
          expected: expected(place))
        parts[place] = records
      }
      if isTest {
        hasTest = true
        guard test != 0 else { continue }
        try content.test.read(input, isPython: python, count: 10_000, limit: test ?? .max, expected: expected(nil))
      }
    }
    let python = isPython ?? false
    if train != nil || hasTraining || !hasTest {
      for place in 0..<count {
        guard let records = parts[place] else {
          throw missing(name(training[place], python), in: path, before: place * perFile)
        }
        content.training.append(records)
      }
    }
    if test != 0, !hasTest { throw missing(name(self.test, python), in: path, before: 0) }
    guard let found = classNames ?? usualNames else {
      throw missing(python ? names.pickle : names.text, in: path, before: 0)
    }
    content.names = found
    return content
  }
}
