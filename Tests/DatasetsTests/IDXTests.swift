import Datasets
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct IDXTests {
  private let folder: TemporaryFolder
  private static let files = [
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
  ]
  private static let trainImages = "train-images-idx3-ubyte.gz"
  private static let trainLabels = "train-labels-idx1-ubyte.gz"

  /// Seven training and five test images.
  init() throws {
    folder = try TemporaryFolder()
    for (name, content) in zip(Self.files, [images(7), labels(7), images(5), labels(5)]) {
      try folder.write(gzip(content), "\(name).gz")
    }
  }

  private func header(_ magic: Int, _ counts: Int...) -> [UInt8] { word(magic) + counts.flatMap(word) }
  private func images(_ count: Int) -> [UInt8] {
    header(0x803, count, 28, 28) + (0..<count * 784).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }
  }
  private func labels(_ count: Int) -> [UInt8] { header(0x801, count) + (0..<count).map { UInt8($0 % 10) } }

  @Test func readsGzipAndPlain() throws {
    let (train, test) = try mnist(directory: folder.path)
    #expect(train.count == 7 && test.count == 5)
    #expect(train.imageShape == [1, 28, 28] && train.classNames == (0...9).map(String.init))
    #expect(train.labels == Array(0..<7) && train.ids == Array(0..<7))
    let content = images(7)
    #expect(try train.images.floats() == content[16...].map { Float($0) / 255 })

    for name in Self.files {
      try folder.remove("\(name).gz")
      try folder.write(
        name.hasPrefix("train-i")
          ? images(7)
          : name.hasPrefix("train")
            ? labels(7)
            : name.contains("images") ? images(5) : labels(5), name)
    }
    #expect(try mnist(directory: folder.path + "/").train.images.floats() == train.images.floats())
    #expect(try fashionMNIST(directory: folder.path).train.classNames[9] == "Ankle boot")
  }

  /// RFC 1952: a file may have several members; zero bytes may fill the rest of a block.
  @Test func readsGzipOfSeveralMembers() throws {
    let content = images(7)
    let train = try mnist(directory: folder.path).train.images.floats()
    func members(_ cuts: [Int]) -> [UInt8] {
      zip([0] + cuts, cuts + [content.count]).flatMap { gzip(Array(content[$0..<$1])) }
    }
    for cuts in [[1], [16], [800], [3000, 3000], [5, 6, 7], Array(stride(from: 100, to: content.count, by: 100))] {
      for padding in [0, 1, 2, 511, 200_000] {
        try folder.write(members(cuts) + [UInt8](repeating: 0, count: padding), Self.trainImages)
        #expect(try mnist(directory: folder.path).train.images.floats() == train, "\(cuts), \(padding)")
        for count in [1, 3, 6] {
          let part = try mnist(directory: folder.path, train: count).train.images.floats()
          #expect(part == Array(train.prefix(count * 784)), "\(cuts), \(padding)")
        }
      }
    }
    let whole = members([800])
    let first = gzip(Array(content[..<800])).count
    for count in [1, 7] {
      for cut in [first + 1, first + 9, first + 30, whole.count - 9, whole.count - 8, whole.count - 1] {
        try folder.write(Array(whole[..<cut]), Self.trainImages)
        expectRefusal(Self.trainImages) { _ = try mnist(directory: folder.path, train: count) }
      }
      // The second member is missing; a third is too much; what follows is no member.
      for bytes in [
        Array(whole[..<first]), whole + gzip([1]), whole + [1], whole + [0, 0, 7], whole + [0x1F],
        whole + [0x1F, 0x8B, 9],
        whole + Array("PK".utf8), Array(whole[..<first]) + [5] + Array(whole[first...]),
      ] {
        try folder.write(bytes, Self.trainImages)
        expectRefusal(Self.trainImages) { _ = try mnist(directory: folder.path, train: count) }
      }
      // An empty member changes nothing.
      try folder.write(whole + gzip([]), Self.trainImages)
      #expect(try mnist(directory: folder.path, train: count).train.count == count)
    }
    try folder.write(whole + [1], Self.trainImages)
    expectRefusal("continues after the end of its gzip data") { _ = try mnist(directory: folder.path) }
  }

  @Test func readsTheFirstImagesOnly() throws {
    let (train, test) = try mnist(directory: folder.path, train: 3, test: 0)
    #expect(train.count == 3 && test.isEmpty && test.imageShape == [1, 28, 28])
    #expect(try train.images.floats() == mnist(directory: folder.path).train.take(3).images.floats())
    try folder.remove("t10k-images-idx3-ubyte.gz")
    #expect(try mnist(directory: folder.path, test: 0).train.count == 7)
    expectRefusal("train must be", "-4") { _ = try mnist(directory: folder.path, train: -4, test: 0) }
    expectRefusal("test must be", "-1") { _ = try fashionMNIST(directory: folder.path, test: -1) }
    expectRefusal("holds 7 images", "train=8") { _ = try mnist(directory: folder.path, train: 8, test: 0) }
    #expect(try mnist(directory: folder.path, train: 7, test: 0).train.count == 7)
    try folder.write(gzip(images(7) + [1]), Self.trainImages)
    expectRefusal(Self.trainImages, "5504") { _ = try mnist(directory: folder.path, train: 3, test: 0) }
  }

  @Test func testFilesAlone() throws {
    try folder.remove("train-images-idx3-ubyte.gz")
    for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] { try? folder.remove(name) }
    try? folder.remove("train-labels-idx1-ubyte.gz")
    let (train, test) = try mnist(directory: folder.path)
    #expect(train.isEmpty && train.name == "MNIST train (not there)" && !test.isEmpty)
    expectRefusal("train-images-idx3-ubyte") { _ = try mnist(directory: folder.path, train: 1) }
  }

  @Test func missingFolderAndFiles() throws {
    expectRefusal("no folder", "absent") { _ = try mnist(directory: folder.path("absent")) }
    expectRefusal("is a file") { _ = try mnist(directory: folder.path(Self.trainImages)) }
    expectRefusal("no folder") { _ = try mnist(directory: "") }
    try folder.remove(Self.trainLabels)
    expectRefusal("train-labels-idx1-ubyte", folder.path) { _ = try mnist(directory: folder.path) }
    try folder.makeFolder(Self.trainLabels)
    expectRefusal(Self.trainLabels, "is a folder") { _ = try mnist(directory: folder.path) }
    try folder.remove(Self.trainLabels)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path(Self.trainLabels), withDestinationPath: "/dev/zero")
    expectRefusal(Self.trainLabels, "not a regular file") { _ = try mnist(directory: folder.path) }
    try folder.makeFolder("outer")
    try folder.makeFolder("outer/raw")
    try folder.write(gzip(images(7)), "outer/raw/\(Self.trainImages)")
    do {
      _ = try mnist(directory: folder.path("outer"))
      Issue.record("accepted")
    } catch { #expect(error.hint?.contains("outer/raw") == true) }
  }

  /// What stands in the place of the training images, and what is said about it.
  @Test func refusesForeignContent() throws {
    let cases: [([UInt8], String)] = [
      ([], "empty"),
      ([0], "cut short"),
      (Array("<!DOCTYPE html><html>404 Not Found</html>".utf8), "web page"),
      (Array("\n <HTML lang=en>".utf8), "web page"),
      (Array("version https://git-lfs.github.com/spec/v1\noid".utf8), "Git LFS"),
      (Array("just some words".utf8), "text file"),
      (Array("PK\u{3}\u{4}............".utf8), "zip"),
      ([UInt8](repeating: 0, count: 10_000), "zero bytes"),
      ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A], "PNG"),
      ([7, 200, 3, 4, 5, 6], "07 c8 03 04"),
      (gzip(Array("<html>".utf8)), "web page"),
      (gzip([]), "cut short"),
      (gzip([1, 2, 3, 250, 5]), "01 02 03 fa"),
      (labels(7), "IDX label file"),
      (gzip(labels(7)), "IDX label file"),
      (header(0xD03, 7, 28, 28), "00 00 0d 03"),
    ]
    for (content, words) in cases {
      try folder.write(content, Self.trainImages)
      expectRefusal(Self.trainImages, words) { _ = try mnist(directory: folder.path) }
    }
    try folder.write(gzip(images(7)), Self.trainImages)
    try folder.write(gzip(images(7)), Self.trainLabels)
    expectRefusal(Self.trainLabels, "IDX image file") { _ = try mnist(directory: folder.path) }
  }

  @Test func refusesWrongSizes() throws {
    let packed = gzip(images(7))
    let damagedEnd = { (back: Int) in
      var bytes = packed
      bytes[bytes.count - back] ^= 1
      return bytes
    }
    let cases: [([UInt8], String)] = [
      (Array(images(7).dropLast()), "cut short"),
      (Array(images(7).prefix(9)), "cut short"),
      (images(7) + [0], "too long"),
      (gzip(Array(images(7).dropLast())), "cut short"),
      (gzip(images(7) + [0]), "continues after its 7 images"),
      (packed + [1], "after the end of its gzip data"),
      (packed + packed, "continues after its 7 images"),
      (Array(packed.dropLast()), "cut short"),
      (Array(packed.dropLast(9)), "cut short"),
      (Array(packed.prefix(packed.count / 2)), "cut short"),
      (Array(packed.prefix(12)), "cut short"),
      (damagedEnd(8), "damaged"),
      (damagedEnd(1), "damaged"),
      (gzip(header(0x803, 7, 32, 32) + [UInt8](repeating: 1, count: 7 * 1024)), "32×32"),
      (gzip(header(0x803, 7, 28, 27) + [UInt8](repeating: 1, count: 7 * 756)), "28×27"),
      (gzip(header(0x803, 0, 28, 28)), "no images"),
      (gzip(images(6)), "holds 6 images"),
      (header(0x803, 0xFFFF_FFFF, 28, 28), "4294967295"),
      (gzip(header(0x803, 1_000_000, 28, 28)), "cannot hold"),
      (header(0x803, 1_000_000, 28, 28), "cut short"),
      (gzip(header(0x803, 7, 0xFFFF_FFFF, 0xFFFF_FFFF)), "4294967295"),
    ]
    for (content, words) in cases {
      try folder.write(content, Self.trainImages)
      expectRefusal(Self.trainImages, words) { _ = try mnist(directory: folder.path) }
    }
  }

  @Test func refusesWrongLabels() throws {
    var wild = labels(7)
    wild[8 + 4] = 10
    try folder.write(gzip(wild), Self.trainLabels)
    expectRefusal(Self.trainLabels, "label 10", "index 4") { _ = try mnist(directory: folder.path) }
    try folder.write(gzip(labels(8)), Self.trainLabels)
    expectRefusal(Self.trainLabels, Self.trainImages, "7 images", "8 labels") {
      _ = try mnist(directory: folder.path)
    }
  }

  /// Whatever bytes a file holds, it is read or refused with its name.
  @Test func survivesMutation() throws {
    let stream = RandomStream(seed: 1, purpose: "mutation")
    for (number, name) in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"].enumerated() {
      let plain = number == 0 ? images(7) : labels(7)
      for trial in 0..<150 {
        let random = stream.child(number, trial)
        var bytes = trial % 2 == 0 ? plain : gzip(plain)
        if random.integer(below: 2, at: 0) == 0 {
          bytes = Array(bytes.prefix(random.integer(below: bytes.count, at: 1)))
        }
        for change in 0..<random.integer(below: 4, at: 2) where !bytes.isEmpty {
          // Mostly near the start, where the headers are.
          let range = change % 2 == 0 ? min(24, bytes.count) : bytes.count
          bytes[random.integer(below: range, at: 10 + 2 * change)] = UInt8(
            random.integer(below: 256, at: 11 + 2 * change))
        }
        try folder.write(bytes, "\(name).gz")
        do {
          let train = try mnist(directory: folder.path, test: 0).train
          #expect(train.count == 7 && train.labels.allSatisfy { (0..<10).contains($0) })
        } catch {
          #expect(error.message.contains(name), "\(error.message)")
        }
      }
      try folder.write(gzip(plain), "\(name).gz")
    }
  }

  // MARK: The official files

  @Test(.enabled(if: SharedFiles.data != nil)) func officialMNIST() throws {
    let (train, test) = try mnist(directory: SharedFiles.data?.appending(path: "mnist").path ?? "")
    #expect(train.count == 60_000 && test.count == 10_000)
    #expect(train.name == "MNIST train" && test.name == "MNIST test")
    #expect(test.labels.prefix(10) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
    // The same number of images, but others.
    for (name, content) in zip(Self.files[2...], [images(10_000), labels(10_000)]) {
      try folder.write(gzip(content), "\(name).gz")
    }
    #expect(try mnist(directory: folder.path, train: 0).test.name == "MNIST test (altered)")
    let (mean, deviation) = try statistics(train)
    #expect(abs(mean - 0.1307) < 5e-5 && abs(deviation - 0.3081) < 5e-5)
  }

  @Test(.enabled(if: SharedFiles.data != nil)) func officialFashionMNIST() throws {
    let directory = SharedFiles.data?.appending(path: "fashion-mnist").path ?? ""
    let (train, test) = try fashionMNIST(directory: directory)
    #expect(test.labels.prefix(10) == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7])
    #expect(train.classCounts.allSatisfy { $0 == 6000 } && test.classCounts.allSatisfy { $0 == 1000 })
    let (mean, deviation) = try statistics(train)
    #expect(abs(mean - 0.2860) < 5e-5 && abs(deviation - 0.3530) < 5e-5)
    expectRefusal("Fashion-MNIST training images", "not the MNIST") { _ = try mnist(directory: directory) }
    expectRefusal("Fashion-MNIST test images") { _ = try mnist(directory: directory, train: 0, test: 10) }
  }

  @Test(.enabled(if: SharedFiles.data != nil)) func swappedOfficialFiles() throws {
    let data = try #require(SharedFiles.data)
    let official = data.appending(path: "mnist")
    for part in ["images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"] {
      for (from, to) in [("train", "t10k"), ("t10k", "train")] {
        try? folder.remove("\(to)-\(part)")
        try FileManager.default.createSymbolicLink(
          atPath: folder.path("\(to)-\(part)"), withDestinationPath: official.appending(path: "\(from)-\(part)").path)
      }
    }
    expectRefusal("train-images", "MNIST test images") { _ = try mnist(directory: folder.path) }
    expectRefusal("train-images", "MNIST test images") { _ = try mnist(directory: folder.path, train: 10, test: 0) }
    // Labels of another data set with the right number of entries.
    try folder.remove("train-images-idx3-ubyte.gz")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("train-images-idx3-ubyte.gz"),
      withDestinationPath: official.appending(path: "train-images-idx3-ubyte.gz").path)
    try folder.remove("train-labels-idx1-ubyte.gz")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("train-labels-idx1-ubyte.gz"),
      withDestinationPath: data.appending(path: "fashion-mnist/train-labels-idx1-ubyte.gz").path)
    expectRefusal("train-labels", "Fashion-MNIST training labels") { _ = try mnist(directory: folder.path) }
  }

  private func statistics(_ data: Dataset) throws -> (mean: Double, deviation: Double) {
    var (sum, squares, count) = (0.0, 0.0, 0.0)
    for places in data.batches(of: 5000) {
      let images = try data.batch(places).images
      sum += try images.mean().item() * Double(places.count)
      squares += try images.square().mean().item() * Double(places.count)
      count += Double(places.count)
    }
    let mean = sum / count
    return (mean, (squares / count - mean * mean).squareRoot())
  }
}
