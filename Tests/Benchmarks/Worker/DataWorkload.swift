import Datasets
import Foundation
import Tensors

/// Going through a class folder of photographs in batches: "data.image_folder" decodes, resizes to 256 and crops 224 of
/// the fifty photographs of `LTD_DATA`, eight times over, in batches of 32. Nothing is kept from one round to the next.
struct DataWorkload: Workload {
  private let data: Dataset
  private static let rounds = 8
  private static let batch = 32

  init(_ words: [String], folder: String) throws {
    guard words == ["image_folder"] else { throw BenchError("no case is called data.\(words.joined(separator: "."))") }
    let beside = URL(filePath: #filePath).appending(path: "../../../../../shared/data").standardized.path
    let photographs = (ProcessInfo.processInfo.environment["LTD_DATA"] ?? beside) + "/imagenet-style"
    var loader = ImageFolder(photographs, preparation: try ImagePreparation())
    loader.isStreamed = true
    let once = try FileManager.default.subpathsOfDirectory(atPath: photographs).filter { $0.hasSuffix(".jpg") }.sorted()
    loader.list = "\(folder)/photographs.txt"
    let names = (0..<Self.rounds).flatMap { _ in once }.joined(separator: "\n")
    try names.write(toFile: "\(folder)/photographs.txt", atomically: true, encoding: .utf8)
    data = try loader.load()
  }

  func run(_ part: String) throws {
    for positions in data.batches(of: Self.batch) { _ = try data.batch(positions) }
  }

  func results(_ part: String) throws -> [(name: String, tensor: Tensor)] {
    [("images", try data.batch(Array(0..<50)).images)]
  }
}
