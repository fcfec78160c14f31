import Base
import Datasets
import Foundation
import TestSupport
import Testing

/// The Python version of CIFAR, and the archives of both versions.
@Suite struct CIFARFormTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Ten thousand records, black but for the first pixel.
  private func batch(_ label: Int, _ pixel: UInt8) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 30_730_000)
    (bytes[0], bytes[1]) = (UInt8(label), pixel)
    return bytes
  }

  private func pythonBatch(_ label: Int, _ pixel: UInt8) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: 30_720_000)
    pixels[0] = pixel
    return SmallCIFAR.pickle(labels: [label] + [Int](repeating: 0, count: 9_999), pixels: pixels)
  }

  @Test func folderOfThePythonVersion() throws {
    try folder.write(pythonBatch(3, 51), "data_batch_1")
    try folder.write(pythonBatch(4, 255), "test_batch")
    try folder.write(SmallCIFAR.names((0..<10).map { "c\($0)" }, key: "label_names"), "batches.meta")
    let (train, test) = try cifar10(directory: folder.path, train: 10_000)
    #expect(train.labels.prefix(2) == [3, 0] && test.labels[0] == 4 && test.classNames[9] == "c9")
    #expect(try train.batch([0]).images.floats().prefix(2) == [0.2, 0])
    #expect(test.count == 10_000 && test.name == "CIFAR-10 test (altered)")
    expectRefusal("no data_batch_2 ") { _ = try cifar10(directory: folder.path) }
    try folder.remove("data_batch_1")
    let alone = try cifar10(directory: folder.path, test: 2)
    #expect(alone.train.isEmpty && alone.train.name == "CIFAR-10 train (not there)" && alone.test.count == 2)
    for (content, words) in [
      (SmallCIFAR.pickle(labels: [3], pixels: [UInt8](repeating: 0, count: 3072)), "holds 1 images"),
      (
        SmallCIFAR.pickle(labels: [3], key: "fine_labels", pixels: [UInt8](repeating: 0, count: 3072)),
        "no usable 'labels'"
      ),
      (SmallCIFAR.pickle(labels: [3, 4], pixels: [UInt8](repeating: 0, count: 3072)), "no usable 'data'"),
      (Array("<html>".utf8), "a web page"), ([0x80, 2, 0x5D, 0x2E], "no dictionary"), ([0x80, 2, 0x7D], "ends early"),
      (gzip([1]), "gzip data"), ([], "empty"),
    ] as [([UInt8], String)] {
      try folder.write(content, "test_batch")
      expectRefusal("test_batch", words) { _ = try cifar10(directory: folder.path, train: 0) }
    }
    try folder.write([0x80, 2, 0x7D, 0x2E], "batches.meta")
    expectRefusal("batches.meta", "no usable 'label_names'", "nothing") {
      _ = try cifar10(directory: folder.path, train: 0)
    }
  }

  @Test func hundredClassesOfThePythonVersion() throws {
    let names = (0..<100).map { "name \($0)" }
    try folder.write(
      SmallCIFAR.pickle(
        labels: [99] + [Int](repeating: 1, count: 9_999), key: "fine_labels",
        pixels: [UInt8](repeating: 7, count: 30_720_000)), "test")
    expectRefusal("meta") { _ = try cifar100(directory: folder.path) }
    try folder.write(SmallCIFAR.names(names, key: "fine_label_names"), "meta")
    let (train, test) = try cifar100(directory: folder.path)
    #expect(train.isEmpty && test.labels.prefix(2) == [99, 1] && test.classNames == names)
    try folder.write(SmallCIFAR.names(["a"], key: "fine_label_names"), "meta")
    expectRefusal("meta", "has 1 class names") { _ = try cifar100(directory: folder.path) }
  }

  @Test func archivesStayPacked() throws {
    let meta = Array((0..<10).map { "k\($0)\n" }.joined().utf8)
    let files: [(name: String, content: [UInt8])] = [
      ("cifar-10-batches-bin/readme.html", Array("<html>".utf8)),
      ("cifar-10-batches-bin/data_batch_2.bin", batch(2, 2)),
      ("cifar-10-batches-bin/test_batch.bin", batch(9, 9)), ("cifar-10-batches-bin/data_batch_1.bin", batch(1, 1)),
      ("cifar-10-batches-bin/batches.meta.txt", meta),
    ]
    let archive = tar(files)
    let packed = gzip(archive)
    for (name, content) in [("a.tar.gz", packed), ("b.tar", archive)] {
      try folder.write(content, name)
      let (train, test) = try cifar10(directory: folder.path(name), train: 20_000)
      #expect(train.labels[0] == 1 && train.labels[10_000] == 2 && train.ids == Array(0..<20_000))
      #expect(test.labels[0] == 9 && test.classNames[9] == "k9")
      expectRefusal("no data_batch_3.bin in the archive") { _ = try cifar10(directory: folder.path(name)) }
      expectRefusal("holds 10000 images", "test=10001") {
        _ = try cifar10(directory: folder.path(name), train: 1, test: 10_001)
      }
    }
    try folder.write(tar([files[2]]), "b.tar")
    let alone = try cifar10(directory: folder.path("b.tar"))
    #expect(alone.train.isEmpty && alone.test.count == 10_000 && alone.test.classNames[0] == "airplane")
    try folder.write(tar([files[2], files[2]]), "b.tar")
    expectRefusal("two files named test_batch.bin") { _ = try cifar10(directory: folder.path("b.tar"), train: 1) }
    try folder.write(tar([("x/test_batch.bin", [3, 1, 2])]), "b.tar")
    expectRefusal("b.tar/x/test_batch.bin", "cut short") { _ = try cifar10(directory: folder.path("b.tar")) }
    try folder.write(tar([("x/y", [3])]), "b.tar")
    expectRefusal("no data_batch_1.bin in the archive") { _ = try cifar10(directory: folder.path("b.tar")) }
    expectRefusal("no train.bin in the archive") { _ = try cifar100(directory: folder.path("b.tar")) }
    for count in [100, 1000, packed.count / 2, packed.count - 9] {
      try folder.write(Array(packed[..<count]), "c.tar.gz")
      expectRefusal("c.tar.gz") { _ = try cifar10(directory: folder.path("c.tar.gz")) }
    }
    for (content, words) in [
      (Array("<html>".utf8), "a web page"), (gzip([1, 2, 3]), "c.tar.gz"), ([1, 2], "is a file"),
    ] {
      try folder.write(content, "c.tar.gz")
      expectRefusal(words) { _ = try cifar10(directory: folder.path("c.tar.gz")) }
    }
    try folder.write(packed, "cifar-10-binary.tar.gz")
    do {
      _ = try cifar10(directory: folder.path)
      Issue.record("accepted")
    } catch { #expect(error.hint?.contains("cifar-10-binary.tar.gz' is there") == true) }
  }

  @Test(.enabled(if: SharedFiles.data != nil)) func officialContentIsKnownInTheOtherVersion() throws {
    let binary = [UInt8](
      try Data(contentsOf: try #require(SharedFiles.data).appending(path: "cifar-10-batches-bin/test_batch.bin")))
    var labels: [Int] = []
    var pixels: [UInt8] = []
    for start in stride(from: 0, to: binary.count, by: 3073) {
      labels.append(Int(binary[start]))
      pixels += binary[start + 1..<start + 3073]
    }
    try folder.write(SmallCIFAR.pickle(labels: labels, pixels: pixels), "test_batch")
    let (_, test) = try cifar10(directory: folder.path)
    #expect(test.name == "CIFAR-10 test" && test.labels.prefix(10) == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1])
    try folder.write(SmallCIFAR.pickle(labels: labels, pixels: pixels), "data_batch_1")
    expectRefusal("data_batch_1", "the CIFAR-10 test batch") { _ = try cifar10(directory: folder.path, train: 10_000) }
  }
}
