import Base
import Networks
import Tensors

/// Messages of the core that no program of the language is given: built-ins and models keep its rules. By the Swift code
/// that is given them, which stands in `Snapshots/core.txt` where the others have a program.
enum CoreMessages {
  static func message(of code: String) -> String {
    guard let body = bodies[code] else { return "there is no such code in CoreMessages" }
    do {
      try body()
      return ""
    } catch {
      return "error: \(error.message)" + (error.hint.map { "\nhint: \($0)" } ?? "")
    }
  }

  private static let bodies: [String: @Sendable () throws(CoreError) -> Void] = [
    // Gradients
    "gradients(of: zeros([2]), withRespectTo: [])": { () throws(CoreError) in
      _ = try gradients(of: .zeros([2]), withRespectTo: [])
    },
    "gradients(of: zeros([2]), withRespectTo: [], cotangent: zeros([3]))": { () throws(CoreError) in
      _ = try gradients(of: .zeros([2]), withRespectTo: [], cotangent: .zeros([3]))
    },
    "gradients(of: y, withRespectTo: [x]) twice": { () throws(CoreError) in
      let x = try Tensor.ones([2]).tracked()
      let y = try mul(x, x).sum()
      for _ in 1...2 { _ = try gradients(of: y, withRespectTo: [x]) }
    },
    // Convolution
    "conv2d(zeros([3, 8, 8]), zeros([4, 3, 3, 3]))": { () throws(CoreError) in
      _ = try conv2d(.zeros([3, 8, 8]), .zeros([4, 3, 3, 3]))
    },
    "conv2d(images, zeros([4, 3, 3, 3]), groups: 3)": { () throws(CoreError) in
      _ = try conv2d(images(), .zeros([4, 3, 3, 3]), groups: 3)
    },
    "conv2d(images, zeros([4, 2, 3, 3]))": { () throws(CoreError) in _ = try conv2d(images(), .zeros([4, 2, 3, 3])) },
    "conv2d(images, weight, zeros([3]))": { () throws(CoreError) in _ = try conv2d(images(), weight(), .zeros([3])) },
    "conv2d(images, weight, padding: Padding(-1))": { () throws(CoreError) in
      _ = try conv2d(images(), weight(), padding: Padding(-1))
    },
    "conv2d(images, weight, stride: (0, 1))": { () throws(CoreError) in
      _ = try conv2d(images(), weight(), stride: (0, 1))
    },
    "conv2d(images, weight, stride: (1 << 40, 1))": { () throws(CoreError) in
      _ = try conv2d(images(), weight(), stride: (1 << 40, 1))
    },
    "conv2d(images, weight, dilation: (4, 4))": { () throws(CoreError) in
      _ = try conv2d(images(), weight(), dilation: (4, 4))
    },
    // Other layers
    "dropout(images, 1)": { () throws(CoreError) in
      _ = try dropout(images(), 1, stream: RandomStream(seed: 0, purpose: "test"))
    },
    "dropout2d(zeros([3]), 0.5)": { () throws(CoreError) in
      _ = try dropout2d(.zeros([3]), 0.5, stream: RandomStream(seed: 0, purpose: "test"))
    },
    "linear(zeros([2, 3]), zeros([5, 4]))": { () throws(CoreError) in _ = try linear(.zeros([2, 3]), .zeros([5, 4])) },
    "linear(zeros([2, 3]), zeros([5, 3]), zeros([3]))": { () throws(CoreError) in
      _ = try linear(.zeros([2, 3]), .zeros([5, 3]), .zeros([3]))
    },
    "layerNorm(zeros([]))": { () throws(CoreError) in _ = try layerNorm(.zeros([])) },
    "layerNorm(zeros([2, 3]), weight: zeros([2]))": { () throws(CoreError) in
      _ = try layerNorm(.zeros([2, 3]), weight: .zeros([2]))
    },
    "attention(zeros([2, 4, 6]), heads: 4)": { () throws(CoreError) in
      _ = try attention(.zeros([2, 4, 6]), heads: 4)
    },
    "batchNormTrain(zeros([0, 3]))": { () throws(CoreError) in _ = try batchNormTrain(.zeros([0, 3])) },
    "batchNormTrain(zeros([3]))": { () throws(CoreError) in _ = try batchNormTrain(.zeros([3])) },
    "batchNormTrain(images, weight: zeros([4]))": { () throws(CoreError) in
      _ = try batchNormTrain(images(), weight: .zeros([4]))
    },
    "batchNormTrain(images, adding: zeros([3]))": { () throws(CoreError) in
      _ = try batchNormTrain(images(), adding: .zeros([3]))
    },
    "batchNormEval(images, mean: zeros([4]), variance: zeros([3]))": { () throws(CoreError) in
      _ = try batchNormEval(images(), mean: .zeros([4]), variance: .zeros([3]))
    },
    "globalAveragePool(zeros([3]))": { () throws(CoreError) in _ = try globalAveragePool(.zeros([3])) },
    "maxPool2d(zeros([3]), kernel: (2, 2))": { () throws(CoreError) in _ = try maxPool2d(.zeros([3]), kernel: (2, 2)) },
    "avgPool2d(images, kernel: (2, 2), padding: Padding(2))": { () throws(CoreError) in
      _ = try avgPool2d(images(), kernel: (2, 2), padding: Padding(2))
    },
    // Parts and shapes
    "maskedSelect(ones([3]))": { () throws(CoreError) in _ = try Tensor.zeros([3]).maskedSelect(.ones([3])) },
    "maskedSelect([true, false])": { () throws(CoreError) in
      _ = try Tensor.zeros([3]).maskedSelect(Tensor(bools: [true, false], shape: [2]))
    },
    "slice(starts: [0, 0], stops: [1, 1])": { () throws(CoreError) in
      _ = try Tensor.zeros([3]).slice(starts: [0, 0], stops: [1, 1])
    },
    "slice(axis: 0, 0, 3, step: 0)": { () throws(CoreError) in _ = try Tensor.zeros([3]).slice(axis: 0, 0, 3, step: 0)
    },
    "zeros([3]).pad(top: 1, bottom: 1, left: 1, right: 1)": { () throws(CoreError) in
      _ = try Tensor.zeros([3]).pad(top: 1, bottom: 1, left: 1, right: 1)
    },
    "images.pad(top: -1, bottom: 1, left: 1, right: 1)": { () throws(CoreError) in
      _ = try images().pad(top: -1, bottom: 1, left: 1, right: 1)
    },
    "zeros([Int.max, 0]).pad(top: 1, bottom: 1, left: 0, right: 0)": { () throws(CoreError) in
      _ = try Tensor.zeros([Int.max, 0]).pad(top: 1, bottom: 1, left: 0, right: 0)
    },
    "norm(0.5)": { () throws(CoreError) in _ = try images().norm(0.5) },
    "scalar.norm(2, perExample: true)": { () throws(CoreError) in
      _ = try Tensor.scalar(1).norm(2, perExample: true)
    },
    "images.item()": { () throws(CoreError) in _ = try images().item() },
    "Tensor([1, 2], shape: [3])": { () throws(CoreError) in _ = try Tensor([1, 2], shape: [3]) },
    "Tensor(copying: 5 bytes, shape: [2])": { () throws(CoreError) in
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 5, alignment: 4)
      defer { bytes.deallocate() }
      _ = try Tensor(copying: UnsafeRawBufferPointer(bytes), shape: [2])
    },
    // Updates
    "SGDUpdate.apply(zeros([2]), gradient: zeros([3]))": { () throws(CoreError) in
      var (weights, velocity): (Tensor, Tensor?) = (try .zeros([2]), nil)
      try SGDUpdate(learningRate: 1).apply(to: &weights, velocity: &velocity, gradient: .zeros([3]))
    },
    "SGDUpdate.apply(zeros([2]), velocity: zeros([3]), gradient: zeros([2]))": { () throws(CoreError) in
      var (weights, velocity): (Tensor, Tensor?) = (try .zeros([2]), try .zeros([3]))
      try SGDUpdate(learningRate: 1).apply(to: &weights, velocity: &velocity, gradient: .zeros([2]))
    },
    "SGD().makeOptimiser().step([zeros([2])], gradients: [])": { () throws(CoreError) in
      var weights = [try Tensor.zeros([2])]
      try SGD().makeOptimiser().step(&weights, gradients: [], rate: 1, momentum: nil)
    },
    "SGD().makeOptimiser().restore([mean])": { () throws(CoreError) in
      try SGD().makeOptimiser().restore([("mean", .zeros([2]))])
    },
    "Forgetful().restore([mean])": { () throws(CoreError) in try Forgetful().restore([("mean", .zeros([2]))]) },
    "signStep(range(2), zeros([2]), zeros([2]))": { () throws(CoreError) in
      _ = try signStep(.range(2), gradient: .zeros([2]), center: .zeros([2]), step: 1, eps: 1)
    },
    "signStep(zeros([2]), zeros([3]), zeros([2]))": { () throws(CoreError) in
      _ = try signStep(.zeros([2]), gradient: .zeros([3]), center: .zeros([2]), step: 1, eps: 1)
    },
    "momentumStep(zeros([2]), steps: zeros([3]))": { () throws(CoreError) in
      let x = try Tensor.zeros([2])
      _ = try momentumStep(
        x, previous: x, gradient: x, center: x, steps: .zeros([3]), share: 1, eps: 1, in: .linf)
    },
    "zeros([2]).replaceRows(where: zeros([2]), with: zeros([3]))": { () throws(CoreError) in
      var x = try Tensor.zeros([2])
      try x.replaceRows(where: .zeros([2]), with: .zeros([3]))
    },
    "PaintedImages(zeros([2]))": { () throws(CoreError) in
      _ = try PaintedImages(.zeros([2]), around: .zeros([2]), eps: 1)
    },
    "PaintedImages.paint([])": { () throws(CoreError) in
      var painted = try PaintedImages(images(), around: images(), eps: 1)
      try painted.paint([], side: 1, shifts: [])
    },
    "PaintedImages.settleSquares([true])": { () throws(CoreError) in
      var painted = try PaintedImages(images(), around: images(), eps: 1)
      try painted.settleSquares(accepted: [true])
    },
    "projectOntoHyperplanes(range(2), zeros([2]), zeros([2]))": { () throws(CoreError) in
      _ = try projectOntoHyperplanes(.range(2), normals: .zeros([2]), amounts: .zeros([2]), norm: .l2)
    },
    "projectOntoHyperplanes(zeros([2, 3]), zeros([2, 3]), zeros([3]))": { () throws(CoreError) in
      _ = try projectOntoHyperplanes(.zeros([2, 3]), normals: .zeros([2, 3]), amounts: .zeros([3]), norm: .l2)
    },
    // Models and layers
    "MLP([depth])": { () throws(CoreError) in _ = try MLP([("depth", .int(2))]) },
    "MLP({})": { () throws(CoreError) in _ = try MLP(.object([])) },
    "MLP({kind: mlp, hidden: {}})": { () throws(CoreError) in
      _ = try MLP(.object([.init("kind", .string("mlp")), .init("hidden", .object([]))]))
    },
    "Architecture({family: network})": { () throws(CoreError) in
      _ = try Architecture(JSON.parse(#"{"family": "network", "classes": 2, "input": [1, 4, 4]}"#))
    },
    "model.forward(images, mode: .train)": { () throws(CoreError) in
      let layers = Layer.sequential([.flatten, .dropout(0.5), .linear(Linear(2))])
      _ = try Model(Architecture(layers, input: [3, 8, 8])).forward(images(), mode: .train)
    },
    "model.setParameters([])": { () throws(CoreError) in try model().setParameters([]) },
    "model.setParameters([zeros([2, 3]), zeros([2])])": { () throws(CoreError) in
      try model().setParameters([.zeros([2, 3]), .zeros([2])])
    },
    "layers nested 64 deep": { () throws(CoreError) in
      let layers = (1...64).reduce(Layer.flatten) { layer, _ in .sequential([layer]) }
      _ = try Architecture(layers, input: [3, 8, 8])
    },
    "Layer.dropout(1).validate()": { () throws(CoreError) in try Layer.dropout(1).validate() },
    "Layer.batchNorm(BatchNorm(momentum: 2)).validate()": { () throws(CoreError) in
      try Layer.batchNorm(BatchNorm(momentum: 2)).validate()
    },
    // Files
    "SafeTensors.write([a, a])": { () throws(CoreError) in
      try SafeTensors.write("/no/such/folder/a", tensors: [("a", .zeros([1])), ("a", .zeros([1]))])
    },
    "JSON.parse([0x22, 0xFF, 0x22])": { () throws(CoreError) in _ = try JSON.parse([0x22, 0xFF, 0x22]) },
    "SafeTensors(path).tensor(\"c\")": { () throws(CoreError) in
      let path = "/tmp/ltd-example-tensors.safetensors"
      try SafeTensors.write(path, tensors: [("a", .zeros([1])), ("b", .zeros([1]))])
      _ = try SafeTensors(path).tensor("c")
    },
  ]

  /// Keeps nothing.
  private final class Forgetful: Resumable {}

  private static func images() throws(CoreError) -> Tensor { try .zeros([1, 3, 8, 8]) }
  private static func weight() throws(CoreError) -> Tensor { try .zeros([4, 3, 3, 3]) }
  private static func model() throws(CoreError) -> Model {
    try Model(Architecture(.sequential([.flatten, .linear(Linear(2))]), input: [1, 1, 1]))
  }
}
