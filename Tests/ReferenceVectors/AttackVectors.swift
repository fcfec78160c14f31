import Base
import Datasets
import Foundation
import Networks
import Robustness
import Tensors
import TestSupport
import Testing

extension ReferenceVectors {
  /// `attacks.json`, `robust_wrn_10_1`/`simple`: attacks on the first 100 test images of CIFAR-10.
  @Suite(.enabled(if: VectorFiles.exist && SharedFiles.data != nil)) struct Attacks {
    static let names = [
      "clean", "fgsm_8_255", "fgsm_2_255", "bim10", "pgd20", "pgd20_given_start", "pgd20_torch_seed0",
      "pgd20_trades_eval",
    ]

    @Test(arguments: names)
    func simple(_ name: String) throws {
      let files = try VectorFiles()
      let reference = try files.json("attacks.json").value("robust_wrn_10_1")
      let simple = try reference.value("simple")
      let expected = try simple.value("attacks").value(name)
      let parameters = try expected.value("params")
      let model = try Model(
        Architecture(WideResNet(depth: 10, widen: 1), classes: 10, input: [3, 32, 32]))
      try model.loadWeights(files.path("models/robust_wrn_10_1.safetensors"))

      let folder = try #require(SharedFiles.data).appending(path: "cifar-10-batches-bin").path
      let data = try cifar10(directory: folder, train: 0).test.subset(Array(0..<simple.int("n")))
      let images = try data.images
      let eps = parameters["eps"]?.numberValue ?? 0
      let pgd = PGD(
        eps: eps, stepSize: parameters["step"]?.numberValue, steps: parameters["steps"]?.intValue ?? 1,
        start: .image)
      let input = AttackInput(images: images, labels: data.labels)
      /// The numbers of the reference as those of the start, which is then clip(x + number, 0, 1).
      func from(_ random: any AttackRandom) throws -> Tensor {
        var input = input
        input.random = random
        var pgd = pgd
        pgd.start = .uniform
        return try pgd.run(on: model, input)
      }
      let adversarial: Tensor
      switch name {
      case "clean": adversarial = images
      case "fgsm_8_255", "fgsm_2_255": adversarial = try FGSM(eps: eps).run(on: model, input)
      case "pgd20_given_start":
        let numbers = (0..<images.count).map { i in
          let u = Double((i * 2_654_435_761 + 12345) % (1 << 32)) / 0x1p32
          return Float(eps * (2 * u - 1))
        }
        adversarial = try from(Given(uniform: try Tensor(numbers, shape: images.shape)))
      case "pgd20_torch_seed0": adversarial = try from(ReferenceOrderRandom(seed: 0))
      default: adversarial = try pgd.run(on: model, input)
      }

      let logits = try model(adversarial)
      let right = try correct(logits, data.labels, of: model)
      let flags = try expected.ints("correct")
      #expect(abs(right.count { $0 } - (try expected.int("n_correct"))) <= 1)
      #expect(zip(right, flags).count { $0 != ($1 == 1) } <= 1)
      let losses = try crossEntropy(logits, labels: data.labels, reduction: .none).floats().map(Double.init)
      let mean = losses.reduce(0, +) / Double(losses.count)
      let expectedMean = try expected.number("ce_mean")
      #expect(abs(mean - expectedMean) <= 1e-4 * expectedMean)
      let margins = try expected.numbers("margin")
      for (row, margin) in try margin(logits, labels: data.labels).enumerated() {
        #expect(abs(margin - margins[row]) <= 2e-2, "image \(row)")
      }
      let first = try files.tensors("attacks.safetensors").tensor("robust_wrn_10_1/\(name)/first2")
      let near = zip(adversarial.floats(), first.floats()).count { abs($0 - $1) <= 1e-6 }
      #expect(Double(near) >= 0.99 * Double(first.count))
    }

    private func margin(_ logits: Tensor, labels: [Int]) throws -> [Double] {
      let values = logits.floats()
      let classes = logits.shape[1]
      return labels.enumerated().map { row, label in
        let scores = values[row * classes..<(row + 1) * classes]
        let others = scores.enumerated().filter { $0.offset != label }.map(\.element).max() ?? 0
        return Double(values[row * classes + label] - others)
      }
    }
  }
}
