import Foundation
import Operations
import Tensors
import TestSupport
import Testing

extension ReferenceVectors {
  /// `ops.json`: every operation against PyTorch's outputs and gradients; and the definitions, that the grid of
  /// `OperationTests` trusts, against the same outputs.
  @Suite struct OperationVectors {
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
      let operation = try Operation.named(item.op)
      var inputs: [String: Tensor] = [:]
      for (key, name) in item.inputs {
        let tensor = try tensors.tensor(name)
        inputs[key] = item.grads[key] == nil ? tensor : tensor.tracked()
      }
      let outputs = try operation.apply(Arguments(inputs, item.attributes))
      let exact = try operation.exact(Arguments(inputs.mapValues { Exact($0) }, item.attributes))
      for (key, name) in item.outputs {
        let actual = try #require(outputs[key], "\(item.name): no output \(key)")
        let expected = try tensors.tensor(name)
        expectClose(actual, expected, rtol: item.rtol, atol: item.atol, "\(item.name), output \(key)")
        let defined = try #require(exact[key], "\(item.name): no output \(key) by definition")
        expectClose(
          try Tensor(defined.values.map { Float($0) }, shape: defined.shape), expected, rtol: item.rtol,
          atol: item.atol, "\(item.name), output \(key) by definition")
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
private struct OperationCase {
  let name: String
  let op: String
  let attributes: Attributes
  let inputs: [String: String]
  let outputs: [String: String]
  let cotangents: [String: String]
  let grads: [String: String]
  let rtol: Double
  let atol: Double

  init(_ fields: [String: Any]) throws {
    name = try #require(fields["name"] as? String)
    op = try #require(fields["op"] as? String)
    attributes = Attributes((fields["attrs"] as? [String: Any] ?? [:]).compactMapValues(Attribute.init(json:)))
    inputs = try #require(fields["inputs"] as? [String: String])
    outputs = try #require(fields["outputs"] as? [String: String])
    cotangents = fields["cotangents"] as? [String: String] ?? [:]
    grads = fields["grads"] as? [String: String] ?? [:]
    rtol = fields["rtol"] as? Double ?? 0
    atol = fields["atol"] as? Double ?? 0
  }
}

extension Attribute {
  /// Nil for null.
  fileprivate init?(json: Any) {
    if let number = json as? NSNumber {
      // A flag is a number too.
      self = String(cString: number.objCType) == "c" ? .flag(number.boolValue) : .number(number.doubleValue)
    } else if let text = json as? String {
      self = .text(text)
    } else if let list = json as? [Int] {
      self = .list(list)
    } else {
      return nil
    }
  }
}
