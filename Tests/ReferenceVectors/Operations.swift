import Tensors
import TestSupport
import Testing

extension ReferenceVectors {
  /// `ops.json`: every operation against PyTorch's outputs and gradients.
  @Suite struct Operations {
    @Test(.enabled(if: VectorFolder.isPresent, VectorFolder.absence)) func allCases() throws {
      let file = try VectorFolder.json("ops.json")
      let tensors = try VectorFolder.safetensors("ops.safetensors")
      let cases = try #require(file["cases"] as? [[String: Any]])
      #expect(!cases.isEmpty)
      for fields in cases {
        let item = try OperationCase(fields)
        do { try check(item, tensors) } catch { Issue.record("\(item.name): \(error)") }
      }
    }

    private func check(_ item: OperationCase, _ tensors: VectorTensors) throws {
      var inputs: [String: Tensor] = [:]
      for (key, name) in item.inputs {
        let tensor = try tensors.tensor(name)
        inputs[key] = item.grads[key] == nil ? tensor : tensor.tracked()
      }
      let outputs = try operation(item, inputs)
      for (key, name) in item.outputs {
        let actual = try #require(outputs[key], "\(item.name): no output \(key)")
        expectClose(
          actual, try tensors.tensor(name), rtol: item.rtol, atol: item.atol, "\(item.name), output \(key)")
      }
      guard !item.grads.isEmpty else { return }
      // One scalar: Σ output · cotangent.
      var total = try Tensor.scalar(0)
      for (key, name) in item.cotangents {
        let output = try #require(outputs[key])
        total = try total + mul(output, tensors.tensor(name).reshape(output.shape)).sum()
      }
      let keys = item.grads.keys.sorted()
      var leaves: [Tensor] = []
      for key in keys { leaves.append(try #require(inputs[key])) }
      for (key, gradient) in zip(keys, try gradients(of: total, withRespectTo: leaves)) {
        let expected = try tensors.tensor(try #require(item.grads[key]))
        expectClose(gradient, expected, rtol: item.rtol, atol: item.atol, "\(item.name), gradient of \(key)")
      }
    }
  }
}

/// One entry of `cases`.
struct OperationCase {
  var name: String
  var op: String
  var attrs: Attributes
  var inputs: [String: String]
  var outputs: [String: String]
  var cotangents: [String: String]
  var grads: [String: String]
  var rtol: Double
  var atol: Double

  init(_ fields: [String: Any]) throws {
    name = try #require(fields["name"] as? String)
    op = try #require(fields["op"] as? String)
    attrs = Attributes(values: fields["attrs"] as? [String: Any] ?? [:])
    inputs = try #require(fields["inputs"] as? [String: String])
    outputs = try #require(fields["outputs"] as? [String: String])
    cotangents = fields["cotangents"] as? [String: String] ?? [:]
    grads = fields["grads"] as? [String: String] ?? [:]
    rtol = fields["rtol"] as? Double ?? 0
    atol = fields["atol"] as? Double ?? 0
  }
}

/// Attributes of a case; a size is a number, or a list of one, two or four.
struct Attributes {
  var values: [String: Any]

  func float(_ key: String, _ standard: Double) -> Float {
    if let text = values[key] as? String { return text == "inf" ? .infinity : Float(text) ?? .nan }
    return Float(values[key] as? Double ?? standard)
  }

  func flag(_ key: String, _ standard: Bool) -> Bool { values[key] as? Bool ?? standard }
  func text(_ key: String) -> String? { values[key] as? String }

  func ints(_ key: String) -> [Int]? {
    if let list = values[key] as? [Int] { return list }
    return (values[key] as? Int).map { [$0] }
  }

  func int(_ key: String) -> Int? { ints(key)?.first }

  func pair(_ key: String) -> (Int, Int)? {
    guard let list = ints(key), let first = list.first else { return nil }
    return (first, list.count > 1 ? list[1] : first)
  }

  var padding: Padding {
    let list = ints("padding_top_bottom_left_right") ?? ints("padding") ?? [0]
    switch list.count {
    case 4: return Padding(top: list[0], bottom: list[1], left: list[2], right: list[3])
    case 2: return Padding(top: list[0], bottom: list[0], left: list[1], right: list[1])
    default: return Padding(list.first ?? 0)
    }
  }

  /// `standard` where the file does not say.
  func reduction(_ standard: LossReduction) throws -> LossReduction {
    guard let text = text("reduction") else { return standard }
    return try #require(LossReduction(rawValue: text), "unknown reduction \(text)")
  }
}
