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
      "pgd20_trades_eval", "mi_fgsm10", "pgd_l2_0.5",
    ]

    /// A row that is not named here is one that no attack of ours is held to.
    @Test func everyRowIsTried() throws {
      let reference = try VectorFiles().json("attacks.json").value("robust_wrn_10_1")
      let rows = try #require(reference.value("simple").value("attacks").objectValue)
      #expect(Set(rows.map(\.key)) == Set(Self.names))
    }

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
      case "bim10":
        let bim = BIM(eps: eps, steps: pgd.steps, stepSize: pgd.stepSize)
        adversarial = try bim.run(on: model, input)
        #expect(try adversarial.isIdentical(to: pgd.run(on: model, input)))
      case "mi_fgsm10":
        adversarial = try MIFGSM(
          eps: eps, steps: pgd.steps, stepSize: pgd.stepSize, decay: parameters.number("mu")
        ).run(on: model, input)
      case "pgd_l2_0.5":
        var pgd = pgd
        pgd.norm = .l2
        adversarial = try pgd.run(on: model, input)
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
  /// `attacks.json`, `fgsm.pth`/`first_n`: counts of correct images and mean cross-entropies on the first 1,000 test
  /// images of MNIST.
  @Suite(.enabled(if: VectorFiles.exist && SharedFiles.data != nil)) struct FirstThousand {
    /// Attacks by the names of the rows; the numbers of one come in PyTorch's order, of seed 0.
    static let attacks: [(name: String, attack: any Attack, isInOrder: Bool)] = [
      ("FGSM eps .1", FGSM(eps: 0.1), false), ("FGSM eps .3", FGSM(eps: 0.3), false),
      ("BIM = PGD without start, eps .3 step .01 40 steps", BIM(eps: 0.3, steps: 40, stepSize: 0.01), false),
      (
        "PGD the same with the torch CPU seed 0 uniform start", PGD(eps: 0.3, stepSize: 0.01, steps: 40),
        true
      ), ("MI-FGSM eps .3 step .03 10 steps mu 1", MIFGSM(eps: 0.3, steps: 10, stepSize: 0.03), false),
      (
        "PGD-L2 without start eps 2 step .2 20 steps",
        PGD(eps: 2, stepSize: 0.2, steps: 20, start: .image, norm: .l2), false
      ),
    ]

    @Test(arguments: attacks.indices)
    func counts(_ i: Int) throws {
      let (name, attack, isInOrder) = Self.attacks[i]
      let files = try VectorFiles()
      let row = try files.json("attacks.json").value("fgsm.pth").value("first_n").value("attacks").numbers(name)
      let model = try Model.load(files.path("models/fgsm.pth"))
      let folder = try #require(SharedFiles.data).appending(path: "mnist").path
      let data = try mnist(directory: folder, train: 0).test.subset(Array(0..<Int(row[0])))
      var input = AttackInput(images: try data.images, labels: data.labels)
      input.random = isInOrder ? ReferenceOrderRandom(seed: 0) : nil
      let logits = try model(attack.run(on: model, input))
      let right = try correct(logits, data.labels, of: model).count { $0 }
      #expect(abs(right - Int(row[1])) <= 1, "\(name): \(right)")
      let mean = try Double(crossEntropy(logits, labels: data.labels).item())
      #expect(abs(mean - row[2]) <= 5e-4 * row[2], "\(name): \(mean)")
    }
  }
}
