import Base
import Tensors

/// A public file of weights that is recognised by its hash: its network, which the file alone does not always say, and what
/// has been published of it.
///
/// Such a file is a fixed point: whoever loads it can hold an attack or an evaluation against numbers that others have
/// measured. A file is hashed only where its size is that of an entry. To add one, add it to `all`.
public struct KnownFile: Sendable {
  /// Where it is from and what it is called there: "checkpoints/model_mnist_smallcnn.pt of yaodongyu/TRADES".
  public let name: String
  /// The data set that it classifies.
  public let data: String
  /// The SHA-256 of its bytes, in hexadecimal digits.
  public let sha256: String
  /// The size in bytes.
  public let size: Int
  /// Its network, with the normalisation.
  public let architecture: Architecture
  /// Where the weights stand in the file; nil where there is only one place.
  public let key: String?
  /// What was published of it, each with the source in brackets.
  public let published: [String]
  /// The terms under which it was published.
  public let licence: String
  /// What its authors want to be cited.
  public let citation: String

  private init(
    _ name: String, data: String, sha256: String, size: Int, _ architecture: Architecture, key: String? = nil,
    published: [String], licence: String, citation: String
  ) {
    self.name = name
    self.data = data
    self.sha256 = sha256
    self.size = size
    self.architecture = architecture
    self.key = key
    self.published = published
    self.licence = licence
    self.citation = citation
  }

  /// What loading it says: its numbers with their sources, and whom to cite.
  var sentences: [String] {
    ["published on \(data): \(published.joined(separator: "; "))", "licence: \(licence); cite \(citation)"]
  }

  /// The entry of a file; nil where it is not known.
  ///
  /// - Throws: `io` where it cannot be read.
  static func recognise(_ path: String) throws(CoreError) -> KnownFile? {
    let file = try FileReader(path, expected: "a file of weights")
    guard all.contains(where: { $0.size == file.size }) else { return nil }
    let hash = try FileDigest.of(file).sha256Text
    return all.first { $0.sha256 == hash }
  }

  /// Every file that is known.
  public static let all: [KnownFile] = [
    KnownFile(
      "checkpoints/model_mnist_smallcnn.pt of yaodongyu/TRADES", data: "MNIST",
      sha256: "5b99888064f692047d5592b38df2dde126aa1b991a26c6aad683ce709634bea0", size: 1_251_636,
      Architecture(SmallCNN(), classes: 10, input: grey),
      published: [
        "99.48 % natural", "Linf 0.3: 92.81 % under AutoAttack (README of auto-attack)",
        "96.07 % under FGSM-40, 95.60 % under FGSM-1000, 93.33 % under FAB, 92.58 % under Square (README of TRADES)",
      ], licence: "MIT",
      citation: "Zhang, Yu, Jiao, Xing, El Ghaoui, Jordan: Theoretically Principled Trade-off between Robustness and "
        + "Accuracy, ICML 2019"),
    KnownFile(
      "MNIST/models/fgsm.pth of locuslab/fast_adversarial", data: "MNIST",
      sha256: "07536ed24c714dac89507d38ffc0090f110de3cd70c40d02d8d56491e187905b", size: 667_035,
      Architecture(MNISTNet(), classes: 10, input: grey),
      published: [
        "98.50 % natural", "Linf 0.3: 82.93 % under AutoAttack (README of auto-attack)",
        "88.77 % under PGD of 50 steps with 10 restarts (its authors)",
      ], licence: "none stated",
      citation: "Wong, Rice, Kolter: Fast is better than free: Revisiting adversarial training, ICLR 2020"),
    KnownFile(
      "models/fashion_mnist.pth of locuslab/convex_adversarial", data: "Fashion-MNIST",
      sha256: "b90cca41cc42b427d5ba1d1c10d90a5a8b6b5219538a3a4d1c6f825d3f612bc5", size: 666_696,
      Architecture(MNISTNet(), classes: 10, input: grey),
      published: [
        "78.27 % natural",
        "Linf 0.1, the first 1,000 test images: exactly 67.6 % robust, by mixed-integer programming (Croce, Andriushchenko, "
          + "Hein, AISTATS 2019, table 1)",
      ], licence: "MIT",
      citation:
        "Wong, Kolter: Provable defenses against adversarial examples via the convex outer adversarial polytope, "
        + "ICML 2018"),
    KnownFile(
      "trained_models/mnist_lenet5_advtrained.pt of BorealisAI/advertorch", data: "MNIST",
      sha256: "b89abfcfe8b33235fe8f8e964188d82a97c56a12ffe25132eaba197e40ac7658", size: 2_594_377,
      Architecture(LeNet5(), classes: 10, input: grey),
      published: [
        "98.64 % natural", "Linf 0.3: PGD of 40 steps of 0.01 without a random start changes 6.8 %",
        "least distances: FAB in Linf 0.3476 in the mean, 0.3509 in the median; DDN-1000 in L2 1.917 and 1.872 "
          + "(benchmarks of advertorch)",
      ], licence: "LGPL-3.0",
      citation: "Ding, Wang, Jin: AdverTorch v0.1: An Adversarial Robustness Toolbox based on PyTorch, arXiv:1902.07623"
    ),
    KnownFile(
      "models/sdp/cifar_cnn_a_adv.model of Verified-Intelligence/alpha-beta-CROWN", data: "CIFAR-10",
      sha256: "e45d79e68342395f4ada6f89852ae41feba14b430a3b2462a04d7f5e02c65657", size: 862_519,
      Architecture(
        MNISTNet(), classes: 10, input: colour,
        normalisation: Normalisation(
          mean: [125.3, 123, 113.9].map { $0 / 255 }, std: [63, 62.1, 66.7].map { $0 / 255 })),
      published: ["65.65 % natural"], licence: "BSD-3-Clause",
      citation: "Dathathri et al.: Enabling certification of verification-agnostic networks via memory-efficient "
        + "semidefinite programming, NeurIPS 2020"),
    KnownFile(
      "models_scaled/cifar_small_8px.pth of locuslab/convex_adversarial", data: "CIFAR-10",
      sha256: "f07c615f58616cbc7667974f146c4baa851bf0e71df8431a150abea8b7901f37", size: 2_755_704,
      Architecture(
        MNISTNet(), classes: 10, input: colour,
        normalisation: Normalisation(mean: [0.485, 0.456, 0.406], std: [0.225, 0.225, 0.225])),
      key: "state_dict.0",
      published: [
        "27.60 % natural, for the first network of its cascade of three",
        "Linf 8/255: certified error 71.71 % (stored in the file)",
      ], licence: "MIT",
      citation: "Wong, Schmidt, Metzen, Kolter: Scaling provable adversarial defenses, NeurIPS 2018"),
    ltd(
      "Chen2021LTD_WRN34_10", widen: 10,
      sha256: "fc398a4890e6856b5dd80856076000ec9e2debdd12d9f78a66171b9ffc383983", size: 184_803_174, natural: "85.21",
      robust: "56.94"),
    ltd(
      "Chen2021LTD_WRN34_20", widen: 20,
      sha256: "dbfc7cfe402d9ddf6cbe47c4809eab97fcccce7b6a254030cdca2640639cfa28", size: 738_377_702, natural: "86.03",
      robust: "57.71"),
  ]

  private static let grey = [1, 28, 28]
  private static let colour = [3, 32, 32]

  /// A network of low temperature distillation, as RobustBench has it. Hashes and sizes are those that
  /// 7i10/ard_codex_bootstrap (`teachers.lock.yaml`) has measured.
  private static func ltd(
    _ name: String, widen: Int, sha256: String, size: Int, natural: String, robust: String
  ) -> KnownFile {
    KnownFile(
      "\(name) of RobustBench (CIFAR-10, Linf)", data: "CIFAR-10", sha256: sha256, size: size,
      Architecture(WideResNet(depth: 34, widen: widen), classes: 10, input: colour),
      published: ["\(natural) % natural", "Linf 8/255: \(robust) % under AutoAttack (RobustBench)"],
      licence: "MIT (RobustBench)",
      citation: "Chen, Lee: LTD: Low Temperature Distillation for Gradient Masking-free Adversarial Training, "
        + "arXiv:2111.02331")
  }
}
