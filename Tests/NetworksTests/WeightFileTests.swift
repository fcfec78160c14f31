import Base
import Foundation
import Networks
import Tensors
import TestSupport
import Testing

/// Files of weights as PyTorch and NumPy write them: what is in them is listed, and every number is as it was written.
@Suite struct WeightFileTests {
  static let absence: Comment = "set LTD_VECTORS and LTD_DATA to the folders of reference vectors and data"
  static var cases: URL? { SharedFiles.vectors?.deletingLastPathComponent().appending(path: "cases") }

  static func names(_ folder: URL?, _ endings: [String]) -> [String] {
    guard let folder, let all = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else { return [] }
    return all.filter { name in endings.contains { name.hasSuffix($0) } }.sorted()
  }

  // MARK: Cases of PyTorch

  /// The logits of the network of the cases: flatten, linear(16), relu, linear(10).
  private func logits(_ file: any WeightFile, _ table: StateDict, _ input: [Int]) throws -> [Float] {
    func tensor(_ ending: String) throws -> Tensor {
      let name = try #require(table.entries.first { $0.name == ending || $0.name.hasSuffix(".\(ending)") }?.name)
      return try file.tensor(name, in: table.key)
    }
    var x = try Tensor((0..<1568).map { Float($0 % 17) / 16 }, shape: [2, 784])
    x = try matmul(x, tensor("1.weight").transpose()) + tensor("1.bias")
    x = try matmul(x.relu(), tensor("3.weight").transpose()) + tensor("3.bias")
    return x.floats()
  }

  @Test(.enabled(if: cases != nil, absence)) func casesOfPyTorch() throws {
    let folder = try #require(Self.cases).appending(path: "pt")
    let text = try Data(contentsOf: folder.appending(path: "expected.json"))
    let expected = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    for (name, row) in expected where !name.hasPrefix("_") {
      let row = try #require(row as? [String: Any])
      let path = folder.appending(path: name).path
      if let wanted = row["logits"] as? [[Double]] {
        let file = try openWeights(path)
        let table = try #require(file.stateDicts.first { $0.entries.count == 4 })
        let got = try logits(file, table, [784])
        for (a, b) in zip(got, wanted.joined()) { #expect(abs(Double(a) - b) < 1e-4 * max(1, abs(b)), "\(name)") }
        #expect(got.count == 20)
      } else if let error = row["error"] as? String {
        let outcome: String
        do throws(CoreError) {
          let file = try openWeights(path)
          outcome =
            file.notes.joined()
            + file.stateDicts.map { table in
              "\(table.form.rawValue) " + table.entries.map { "\($0.elementType) \($0.shape)" }.joined(separator: " ")
            }.joined()
        } catch {
          outcome = error.message
        }
        switch error {
        case let text where text.contains("truncated"): #expect(outcome.contains("cut short: the storage '"))
        case let text where text.contains("refused"): #expect(outcome.contains("is a Python pickle"))
        case let text where text.contains("web page"): #expect(outcome.contains("a web page (HTML)"))
        case let text where text.contains("int8"): #expect(outcome.contains("int8"))
        case let text where text.contains("a list"): #expect(outcome.hasPrefix("a list"))
        case let text where text.contains("sparse"): #expect(outcome.contains("'extra' is sparse"))
        case let text where text.contains("[100, 16]"): #expect(outcome.contains("[100, 16]"))
        case let text where text.contains("byte-swapped"): #expect(outcome.contains("float32"))
        default: Issue.record("\(name): \(error), and nobody looks at that; it says \(outcome)")
        }
      } else {
        #expect(try !openWeights(path).stateDicts.isEmpty, "\(name)")
      }
    }
  }

  @Test(.enabled(if: cases != nil, absence)) func casesOfNumPy() throws {
    let folder = try #require(Self.cases).appending(path: "npy")
    let text = try Data(contentsOf: folder.appending(path: "expected.json"))
    let expected = try #require(try JSONSerialization.jsonObject(with: text) as? [String: [String: Any]])
    for (name, row) in expected {
      let path = folder.appending(path: name).path
      if let error = row["error"] as? String {
        let message = #expect(throws: CoreError.self) { try openWeights(path) }?.message ?? ""
        let words = ["object": "Python objects", "cut short": "cut short", "larger": "no file holds|cut short"]
        let wanted = words.first { error.contains($0.key) }?.value ?? "?"
        #expect(wanted.split(separator: "|").contains { message.contains($0) }, "\(name): \(message)")
        continue
      }
      let file = try openWeights(path)
      for entry in file.stateDicts[0].entries {
        let tensor = try file.tensor(entry.name, in: "")
        #expect(tensor.shape == entry.shape)
        guard let sum = row["sum"] as? Double else { continue }
        #expect(tensor.shape == row["shape"] as? [Int])
        let values = tensor.floats().map(Double.init)
        #expect(abs(values.reduce(0, +) - sum) < 1e-5, "\(name)")
        #expect(abs((values.first ?? 0) - (row["first"] as? Double ?? 1)) < 1e-7)
        #expect(abs((values.last ?? 0) - (row["last"] as? Double ?? 1)) < 1e-7)
      }
    }
  }

  // MARK: Models

  private func tensors(_ file: any WeightFile) throws -> [String: Tensor] {
    let table = try #require(file.stateDicts.max { $0.entries.count < $1.entries.count })
    var all: [String: Tensor] = [:]
    for entry in table.entries {
      let tensor = try file.tensor(entry.name, in: table.key)
      #expect(tensor.shape == entry.shape)
      all[entry.name] = tensor
    }
    return all
  }

  /// Of one model in several files all tensors are alike, bit for bit.
  @Test(.enabled(if: SharedFiles.vectors != nil, absence)) func modelsAreTheSameInEveryFile() throws {
    let folder = try #require(SharedFiles.vectors).appending(path: "models")
    let text = try Data(contentsOf: folder.appending(path: "models.json"))
    let index = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    for model in try #require(index["models"] as? [[String: Any]]) {
      let files = try #require(model["files"] as? [String])
      var first: [String: Tensor]?
      for name in files {
        let all = try tensors(openWeights(folder.appending(path: name).path))
        #expect(all.count > 3)
        if let first {
          #expect(Set(first.keys) == Set(all.keys), "\(name)")
          for (key, tensor) in all { #expect(first[key]?.isIdentical(to: tensor) == true, "\(name): \(key)") }
        }
        first = first ?? all
      }
    }
    for name in Self.names(folder, [".pt", ".pth", ".t7", ".safetensors"]) {
      #expect(try !openWeights(folder.appending(path: name).path).stateDicts.isEmpty, "\(name)")
    }
  }

  /// Public checkpoints open, each with the tables it has; one is a list of them, beside numbers.
  @Test(.enabled(if: SharedFiles.data != nil, absence)) func publicCheckpoints() throws {
    let folder = try #require(SharedFiles.data).appending(path: "checkpoints")
    let names = Self.names(folder, [".pt", ".pth", ".model"])
    #expect(!names.isEmpty)
    for name in names {
      let file = try openWeights(folder.appending(path: name).path)
      for table in file.stateDicts {
        for entry in table.entries { #expect(try file.tensor(entry.name, in: table.key).shape == entry.shape) }
      }
      #expect(!file.stateDicts.isEmpty)
      guard name.contains("cifar_small") else { continue }
      #expect(file.stateDicts.map(\.key).starts(with: ["state_dict.0", "state_dict.1"]))
    }
  }
}
