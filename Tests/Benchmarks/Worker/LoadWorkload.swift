import Networks
import Tensors

/// Loading what PyTorch saved: "load.wrn_28_10" reads every tensor of the file, "load.wrn_28_10.model" makes the model.
struct LoadWorkload: Workload {
  private let path: String
  private let makesModel: Bool

  /// PyTorch's side has written the file (`prepare`).
  init(_ words: [String], folder: String) throws {
    guard words.first == "wrn_28_10", words.count == 1 || words.dropFirst() == ["model"] else {
      throw BenchError("no case is called load.\(words.joined(separator: "."))")
    }
    path = "\(folder)/wrn_28_10.pt"
    makesModel = words.count == 2
  }

  func run(_ part: String) throws { _ = try makesModel ? state() : tensors() }

  func results(_ part: String) throws -> [(name: String, tensor: Tensor)] {
    try (makesModel ? state() : tensors()).filter { $0.tensor.dtype == .float32 }
  }

  private func tensors() throws -> [(name: String, tensor: Tensor)] {
    let file = try openWeights(path)
    return try file.stateDicts.flatMap { table in
      try table.entries.map { (name: $0.name, tensor: try file.tensor($0.name, in: table.key)) }
    }
  }

  private func state() throws -> [(name: String, tensor: Tensor)] { try Model.load(path).state }
}
