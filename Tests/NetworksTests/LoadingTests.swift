import Base
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Networks

/// Finding the weights in a file, with files that are made in memory.
@Suite struct LoadingTests {
  /// A file of tensors in memory.
  struct File: WeightFile {
    var path = "x.pt"
    var formatName = "a file in memory"
    var metadata: [String: String] = [:]
    var tables: [(key: String, form: StateDict.Form, tensors: [(String, Tensor)])] = []
    var notes: [String] = []

    var stateDicts: [StateDict] {
      tables.map { table in
        StateDict(
          key: table.key, form: table.form,
          entries: table.tensors.map { .init(name: $0.0, shape: $0.1.shape, elementType: "float32") }, others: [])
      }
    }

    func tensor(_ name: String, in key: String) throws(CoreError) -> Tensor {
      guard let tensor = tables.first(where: { $0.key == key })?.tensors.first(where: { $0.0 == name })?.1 else {
        throw .file(path, "has no '\(name)'")
      }
      return tensor
    }
  }

  let model: Model

  init() throws { model = try Model(Architecture(MLP(hidden: [3]), classes: 4, input: [1, 4, 4]), seed: 5) }

  /// The weights of the model under a key, with a prefix before the names.
  func table(_ key: String, prefix: String = "", _ more: [(String, Tensor)] = []) -> (
    key: String, form: StateDict.Form, tensors: [(String, Tensor)]
  ) {
    (key, .dictionary, model.state.map { (prefix + $0.name, $0.tensor) } + more)
  }

  func load(_ tables: [(String, StateDict.Form, [(String, Tensor)])], key: String? = nil) throws -> Model {
    var request = LoadRequest()
    request.key = key
    return try Model.load(File(tables: tables), request)
  }

  func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch let error as CoreError {
      return error.message + (error.hint.map { " (\($0))" } ?? "")
    } catch {
      return "\(error)"
    }
  }

  @Test func whatIsCalledTheWeightsIsTaken() throws {
    let loaded = try load([table("state_dict_ema"), table("state_dict", prefix: "module."), table("optimizer.state.0")])
    #expect(loaded.hasEqualWeights(to: model))
    let source = try #require(loaded.source)
    #expect(source.key == "state_dict")
    #expect(source.prefix == "module.")
    #expect(source.decision == .recognised)
    #expect(source.remarks.joined().contains("\"state_dict_ema\""))
  }

  @Test func aFileOfSeveralNetworksNeedsAKey() throws {
    let file = [table("last"), table("best")]
    #expect(
      message { _ = try load(file) } == "'x.pt' holds several networks: \"last\", \"best\" (say which: key=\"last\")")
    #expect(try load(file, key: "best").source?.key == "best")
    let list = [table("state_dict.0"), table("state_dict.1")]
    #expect(message { _ = try load(list, key: "state_dict") }.contains("key=\"state_dict.0\""))
    #expect(try load(list, key: "state_dict.1").source?.key == "state_dict.1")
    #expect(message { _ = try load(list, key: "net") }.contains("it has \"state_dict.0\", \"state_dict.1\""))
  }

  @Test func whatIsNoNetworkIsPassedOver() throws {
    let few: (String, StateDict.Form, [(String, Tensor)]) = ("best", .dictionary, [("3.bias", try .zeros([4]))])
    let loaded = try load([few, table("last")])
    #expect(loaded.source?.key == "last")
    #expect(loaded.source?.remarks.joined().contains("left alone: \"best\"") == true)
  }

  @Test func listsAndSingleTensorsAreNoStateDict() throws {
    let tensor = try Tensor.zeros([2])
    #expect(
      message { _ = try load([("", .list, [("0", tensor)])]) }.contains("holds a list of 1 tensors, not a state dict"))
    #expect(
      message { _ = try load([("", .tensor, [("", tensor)])]) }.contains("holds a single tensor, not a state dict"))
    #expect(message { _ = try load([]) }.contains("holds no tensors"))
  }

  @Test func aNormalisationIsTakenFromTheFile() throws {
    let (mean, std) = (try Tensor([0.25], shape: [1, 1, 1]), try Tensor([0.5], shape: [1, 1, 1]))
    for (names, prefix) in [
      (("mu", "sigma"), ""), (("normalize.mean", "normalize.std"), "model."), (("mu", "sigma"), "model."),
      (("module.normalizer.new_mean", "module.normalizer.new_std"), "module.model."),
    ] {
      let loaded = try load([table("", prefix: prefix, [(names.0, mean), (names.1, std)])])
      #expect(loaded.architecture.normalisation == Normalisation(mean: [0.25], std: [0.5]), "\(names) \(prefix)")
      #expect(loaded.source?.remarks.last?.contains(names.0) == true)
    }
    let twice = [table("", [("mu", mean), ("sigma", std), ("a.mean", std), ("a.std", mean)])]
    #expect(message { _ = try load(twice) }.contains("normalises twice, and not alike"))
    let same = [table("", [("mu", mean), ("sigma", std), ("a.mean", mean), ("a.std", std)])]
    #expect(try load(same).architecture.normalisation == Normalisation(mean: [0.25], std: [0.5]))
    // Numbers that float32 and half precision round are those that were meant.
    let rounded = try load([table("", [("mu", Tensor([0.4914], shape: [1])), ("sigma", std)])])
    #expect(rounded.architecture.normalisation?.mean == [0.4914])
    #expect(message { _ = try load([table("", [("mu", mean), ("sigma", Tensor.zeros([1]))])]) }.contains("above 0"))
  }

  @Test func weightsForAModelThatIsThere() throws {
    let (mean, std) = (try Tensor([0.25], shape: [1]), try Tensor([0.5], shape: [1]))
    let file = File(tables: [table("net", prefix: "module.", [("mu", mean), ("sigma", std)])])
    let plain = try Model(model.architecture)
    #expect(
      message { try plain.loadWeights(file) }
        .hasPrefix(
          "'x.pt' normalises images by mean [0.25], std [0.5] ('mu' and 'sigma'), the model does not normalise"))
    #expect(!plain.hasEqualWeights(to: model))
    try plain.loadWeights(file, checksArchitecture: false)
    #expect(plain.hasEqualWeights(to: model))
    var architecture = model.architecture
    architecture.normalisation = Normalisation(mean: [0.25], std: [0.5])
    let same = try Model(architecture)
    try same.loadWeights(file)
    #expect(same.source?.key == "net")
    #expect(same.source?.remarks == ["taken from \"net\"; prefix \"module.\" taken off"])
  }

  @Test func layersSayTheirImages() throws {
    var request = LoadRequest()
    request.network = .layers(.sequential([.flatten, .linear(Linear(3)), .silu, .linear(Linear(4))]))
    let loaded = try Model.load(File(tables: [table("")]), request)
    #expect(loaded.architecture.input == [1, 4, 4])
    #expect(loaded.source?.decision == .given)
  }

  @Test func countersMayBeMissingOrAnAverage() throws {
    let architecture = try Architecture(
      .sequential([.conv2d(Conv2d(2, kernel: Size(1))), .batchNorm(BatchNorm()), .globalAveragePool]), input: [1, 4, 4])
    let model = try Model(architecture)
    let others = model.state.filter { !$0.name.hasSuffix("num_batches_tracked") }.map { ($0.name, $0.tensor) }
    var request = LoadRequest()
    request.network = .architecture(architecture)
    func load(_ more: [(String, Tensor)]) throws -> Model {
      try Model.load(File(tables: [("", .dictionary, others + more)]), request)
    }
    #expect(try load([]).buffers.last?.ints() == [0])
    #expect(try load([("1.num_batches_tracked", Tensor([7], shape: []))]).buffers.last?.ints() == [7])
    #expect(message { _ = try load([("1.num_batches_tracked", Tensor([7.5], shape: []))]) }.contains("a whole number"))
  }
}

/// Public files that are known by their hash.
@Suite struct KnownFileTests {
  @Test func entriesAreWhole() throws {
    #expect(Set(KnownFile.all.map(\.sha256)).count == KnownFile.all.count)
    for file in KnownFile.all {
      #expect(file.sha256.count == 64 && file.sha256.allSatisfy { $0.isHexDigit && !$0.isUppercase }, "\(file.name)")
      // Weights of four bytes, and some for names; a list of three networks is one of the files.
      let weights = try Blueprint(file.architecture).parameters.reduce(0) { $0 + $1.shape.reduce(1, *) } * 4
      #expect(file.size > weights && file.size < 4 * weights, "\(file.name)")
      #expect(!file.published.isEmpty && !file.licence.isEmpty && !file.citation.isEmpty)
    }
  }

  /// The folder's README says how to load each; here nothing is said.
  static let files: [String] = {
    guard let data = SharedFiles.data, let vectors = SharedFiles.vectors else { return [] }
    let folder = data.appending(path: "checkpoints")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let weights = names.sorted().filter { $0.hasSuffix(".pt") || $0.hasSuffix(".pth") || $0.hasSuffix(".model") }
    return weights.map { folder.appending(path: $0).path } + [vectors.appending(path: "models/fgsm.pth").path]
  }()

  @Test(.enabled(if: !files.isEmpty), arguments: files)
  func aPublicFileNeedsNothingElse(_ path: String) throws {
    let model = try Model.load(path)
    let source = try #require(model.source)
    let known = try #require(source.known)
    #expect(source.decision == .known)
    #expect(model.architecture == known.architecture)
    #expect(source.remarks.contains { $0.contains("published on") })
    // Whoever says another normalisation is told.
    var request = LoadRequest()
    request.normalisation = Normalisation(
      mean: Array(repeating: 0.1, count: model.architecture.input[0]),
      std: Array(repeating: 0.2, count: model.architecture.input[0]))
    #expect(throws: CoreError.self) { try Model.load(path, request) }
  }
}
