import Datasets
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct CIFARTests {
  private let folder: TemporaryFolder
  private let batchSize = 30_730_000

  init() throws { folder = try TemporaryFolder() }

  @Test func missingAndForeignFiles() throws {
    expectRefusal("CIFAR-10", "no folder") { _ = try cifar10(directory: folder.path("absent")) }
    expectRefusal("data_batch_1.bin") { _ = try cifar10(directory: folder.path) }
    for (content, words) in [
      ([], "empty"), (Array("<html>no such page</html>".utf8), "web page"), ([0x80, 0x02, 0x7D], "pickle"),
      ([6, 255, 255], "cut short"), (gzip([6, 1, 2]), "gzip"),
    ] as [([UInt8], String)] {
      try folder.write(content, "data_batch_1.bin")
      expectRefusal("data_batch_1.bin", words) { _ = try cifar10(directory: folder.path) }
    }
    try folder.remove("data_batch_1.bin")
    try folder.makeFolder("data_batch_1.bin")
    expectRefusal("data_batch_1.bin", "is a folder") { _ = try cifar10(directory: folder.path) }
  }

  @Test func sizesAndLabels() throws {
    // Sparse files of zeros: label 0, black.
    for size in [batchSize - 1, batchSize - 3073, batchSize + 1, batchSize + 3073, 3073] {
      try folder.writeSparse([3], size: size, "data_batch_1.bin")
      expectRefusal("data_batch_1.bin", "\(size)", "30730000") { _ = try cifar10(directory: folder.path) }
    }
    try folder.writeSparse([UInt8](repeating: 0, count: 3073) + [10], size: batchSize, "data_batch_1.bin")
    expectRefusal("data_batch_1.bin", "label 10", "record 1") { _ = try cifar10(directory: folder.path) }
    try folder.writeSparse([3, 255, 51], size: batchSize, "data_batch_1.bin")
    expectRefusal("test_batch.bin") { _ = try cifar10(directory: folder.path, train: 10_000) }
    let (train, test) = try cifar10(directory: folder.path, train: 2, test: 0)
    #expect(train.labels == [3, 0] && train.imageShape == [3, 32, 32] && test.isEmpty)
    #expect(try train.images.floats().prefix(3) == [1, 0.2, 0])
    #expect(train.name == "CIFAR-10 train")
    #expect(try cifar10(directory: folder.path, train: 10_000, test: 0).train.name == "CIFAR-10 train (altered)")
    expectRefusal("no data_batch_2.bin") { _ = try cifar10(directory: folder.path, test: 0) }
    expectRefusal("no data_batch_2.bin") { _ = try cifar10(directory: folder.path, train: 10_001, test: 0) }
    for (train, test, setting) in [(-1, 0, "train"), (0, -2, "test"), (-3, -3, "train")] {
      expectRefusal("\(setting) must be") { _ = try cifar10(directory: folder.path, train: train, test: test) }
      expectRefusal("\(setting) must be") { _ = try cifar100(directory: folder.path, train: train, test: test) }
    }
    try folder.writeSparse([3, 255, 51], size: batchSize, "data_batch_2.bin")
    expectRefusal("data_batch_2.bin", "same content", "data_batch_1.bin") {
      _ = try cifar10(directory: folder.path, train: 20_000, test: 0)
    }
    try folder.writeSparse([4, 1], size: batchSize, "data_batch_2.bin")
    try folder.writeSparse([5, 1], size: batchSize, "data_batch_4.bin")
    let two = try cifar10(directory: folder.path, train: 20_000, test: 0).train
    #expect(two.count == 20_000 && two.ids == Array(0..<20_000) && two.labels[10_000] == 4)
    expectRefusal("no data_batch_3.bin") { _ = try cifar10(directory: folder.path, train: 20_001, test: 0) }
    expectRefusal("no data_batch_3.bin") { _ = try cifar10(directory: folder.path) }
    try folder.writeSparse([8], size: batchSize, "test_batch.bin")
    #expect(try cifar10(directory: folder.path, train: 0, test: 10_000).test.count == 10_000)
    expectRefusal("holds 10000 images", "test=10001") {
      _ = try cifar10(directory: folder.path, train: 0, test: 10_001)
    }
    for size in [0, 3073, batchSize - 1] {
      try folder.writeSparse([], size: size, "test_batch.bin")
      expectRefusal("test_batch.bin") { _ = try cifar10(directory: folder.path, train: 0) }
    }
  }

  @Test func classNames() throws {
    try folder.writeSparse([3], size: batchSize, "test_batch.bin")
    #expect(try cifar10(directory: folder.path, train: 0, test: 1).test.classNames[9] == "truck")
    try folder.write(Array("a\nb\r\nc\nd\ne\nf\ng\nh\ni\nj k \n\n".utf8), "batches.meta.txt")
    let names = try cifar10(directory: folder.path, train: 0, test: 1).test.classNames
    #expect(names == ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j k"])
    for text in ["a\nb\n", "<html>", String(repeating: "x\n", count: 100_000), "\0"] {
      try folder.write(Array(text.utf8), "batches.meta.txt")
      expectRefusal("batches.meta.txt") { _ = try cifar10(directory: folder.path, train: 0, test: 1) }
    }
  }

  @Test func hundredClasses() throws {
    let names = (0..<100).map { "class \($0)" }
    try folder.write(Array(names.joined(separator: "\n").utf8), "fine_label_names.txt")
    let pixels = [UInt8](repeating: 51, count: 3072)
    try folder.write([19, 99] + pixels + [0, 7] + pixels, "some.bin")
    let data = try cifar100(file: folder.path("some.bin"))
    #expect(data.labels == [99, 7] && data.classNames == names)
    #expect(try data.batch([1]).images.floats().allSatisfy { $0 == 0.2 })
    #expect(try cifar100(file: folder.path("some.bin"), limit: 1).labels == [99])
    for limit in [-1, 3] { expectRefusal("limit") { _ = try cifar100(file: folder.path("some.bin"), limit: limit) } }
    try folder.write([19, 100] + pixels, "some.bin")
    expectRefusal("some.bin", "label 100") { _ = try cifar100(file: folder.path("some.bin")) }
    try folder.write([19, 99] + pixels.dropLast(), "some.bin")
    expectRefusal("some.bin", "cut short") { _ = try cifar100(file: folder.path("some.bin")) }
    expectRefusal("train.bin") { _ = try cifar100(directory: folder.path) }
  }

  @Test(.enabled(if: SharedFiles.data != nil)) func officialFiles() throws {
    let directory = SharedFiles.data?.appending(path: "cifar-10-batches-bin").path ?? ""
    let files = try FileManager.default.contentsOfDirectory(atPath: directory)
    let batches = files.filter { $0.hasPrefix("data_batch") }.count
    let (train, test) = try cifar10(directory: directory, train: 10_000 * batches)
    if batches < 5 { expectRefusal("no data_batch_\(batches + 1).bin") { _ = try cifar10(directory: directory) } }
    #expect(test.count == 10_000 && test.labels.prefix(10) == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1])
    #expect(train.count % 10_000 == 0 && train.labels.prefix(10) == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3])
    #expect(test.classCounts.allSatisfy { $0 == 1000 } && test.classNames[3] == "cat")
    #expect(train.name == "CIFAR-10 train" && test.name == "CIFAR-10 test")
    var sums = [0.0, 0.0, 0.0]
    for places in test.batches(of: 1000) {
      let means = try test.batch(places).images.mean(axes: [0, 2, 3]).floats()
      for channel in 0..<3 { sums[channel] += Double(means[channel]) * 1000 }
    }
    for (sum, mean) in zip(sums, [0.4942, 0.4851, 0.4504]) { #expect(abs(sum / 10_000 - mean) < 5.1e-5) }
    // A small part is the start of the whole.
    let part = try cifar10(directory: directory, train: 12, test: 7)
    #expect(part.train.labels == Array(train.labels.prefix(12)) && part.test.count == 7)
    #expect(try part.test.images.floats() == test.take(7).images.floats())
    do {
      _ = try cifar10(directory: SharedFiles.data?.path ?? "")
      Issue.record("accepted")
    } catch { #expect(error.hint?.contains("cifar-10-batches-bin") == true) }
  }

  @Test(.enabled(if: SharedFiles.data != nil)) func hundredClassesSubset() throws {
    let data = try cifar100(file: SharedFiles.data?.appending(path: "cifar-100-binary/test_subset_2500.bin").path ?? "")
    #expect(data.count == 2500 && data.classCounts.allSatisfy { $0 == 25 })
    #expect(data.take(100).classCounts.allSatisfy { $0 == 1 })
  }
}

@Suite struct DigitsTests {
  @Test func linesOfNumbers() throws {
    let folder = try TemporaryFolder()
    let pixels: [String] = (0..<64).map { String($0 % 17) }
    let line = pixels.joined(separator: ",") + ",7"
    try folder.write(gzip(Array("\(line)\r\n\(line)\n".utf8)), "digits.csv.gz")
    let data = try digits(file: folder.path("digits.csv.gz"))
    #expect(data.labels == [7, 7] && data.imageShape == [1, 8, 8])
    #expect(try data.images.floats()[16] == 1)
    let damaged: [String] = [
      "", "\n", "1,2,3\n", "\(line),1", line.replacing(",16,", with: ",17,"), line.replacing(",7", with: ",x"),
      "<html>", "\(line)\n\(line.dropLast(2))",
    ]
    for text in damaged {
      try folder.write(Array(text.utf8), "digits.csv.gz")
      expectRefusal("digits.csv.gz") { _ = try digits(file: folder.path("digits.csv.gz")) }
    }
  }

  @Test func survivesMutation() throws {
    let folder = try TemporaryFolder()
    let line = (0..<64).map { String($0 % 17) }.joined(separator: ",")
    let plain = Array("\(line),7\n\(line),0\n".utf8)
    for trial in 0..<200 {
      let random = RandomStream(seed: 2, purpose: "mutation", trial)
      var bytes = trial % 2 == 0 ? plain : gzip(plain)
      bytes = Array(bytes.prefix(1 + random.integer(below: 2 * bytes.count, at: 0)))
      bytes[random.integer(below: bytes.count, at: 1)] = UInt8(random.integer(below: 256, at: 2))
      try folder.write(bytes, "digits.csv")
      do {
        let data = try digits(file: folder.path("digits.csv"))
        #expect(!data.isEmpty)
      } catch { #expect(error.message.contains("digits.csv")) }
    }
  }

  @Test(.enabled(if: SharedFiles.data != nil)) func officialFile() throws {
    let data = try digits(file: SharedFiles.data?.appending(path: "digits/digits.csv.gz").path ?? "")
    #expect(data.count == 1797 && data.classCounts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    #expect(try data.images.floats().prefix(8) == [0, 0, 0.3125, 0.8125, 0.5625, 0.0625, 0, 0] as ArraySlice<Float>)
  }
}
