import Base
import Datasets
import Networks
import Robustness
import Tensors
import TestSupport
import Testing

extension ReferenceVectors {
  /// `attacks.json`: DeepFool and CW as torchattacks has them, which hands back its last images, whether they fool the
  /// model or not.
  @Suite(.enabled(if: VectorFiles.exist && SharedFiles.data != nil, VectorFolder.absence)) struct NearestImages {
    /// `fgsm.pth`/`first_n`: counts and mean distances on the first MNIST test images.
    @Test(arguments: [
      "DeepFool 50/.02 (torchattacks)", "CW c=1 50 steps (torchattacks)", "CW c=10 200 steps (torchattacks)",
    ])
    func counts(_ name: String) throws {
      let files = try VectorFiles()
      let expected = try files.json("attacks.json").value("fgsm.pth").value("first_n").value("attacks").value(name)
      let folder = try #require(SharedFiles.data).appending(path: "mnist").path
      let data = try mnist(directory: folder, train: 0, test: expected.int("n")).test
      let model = try Model(Architecture(MNISTNet(), classes: 10, input: [1, 28, 28]))
      try model.loadWeights(files.path("models/fgsm.pth"))
      let found = try last(Self.attack(name), model, data)
      // DeepFool ends on the boundary itself, where rounding decides what the model sees: those images may count either way.
      let left = (found.right.count { $0 }, try expected.int("left"))
      let undecided = found.margins.count { abs($0) < 1e-3 }
      #expect(abs(left.0 - left.1) <= 1 + undecided, "\(left), \(undecided) undecided")
      if let mean = expected["mean_l2"]?.numberValue {
        let sum = found.distances.reduce(0) { $0 + Double($1) }
        #expect(abs(sum / Double(data.count) - mean) <= 1e-2 * mean)
      }
    }

    /// `robust_wrn_10_1`/`torchattacks`: the distance of every image, and of CW whether it is recognised; DeepFool ends on
    /// the boundary itself.
    @Test(arguments: ["deepfool_l2", "cw_l2_c1"])
    func distances(_ name: String) throws {
      let files = try VectorFiles()
      let rows = try files.json("attacks.json").value("robust_wrn_10_1").value("torchattacks")
      let expected = try rows.value(name)
      let model = try Model(Architecture(WideResNet(depth: 10, widen: 1), classes: 10, input: [3, 32, 32]))
      try model.loadWeights(files.path("models/robust_wrn_10_1.safetensors"))
      let folder = try #require(SharedFiles.data).appending(path: "cifar-10-batches-bin").path
      let data = try cifar10(directory: folder, train: 0).test.subset(Array(0..<rows.int("n")))
      let found = try last(Self.attack(name), model, data)
      for (image, distance) in try expected.numbers("l2").enumerated() {
        #expect(abs(Double(found.distances[image]) - distance) <= 1e-2 * distance + 1e-5, "image \(image)")
      }
      if name != "deepfool_l2" { #expect(found.right.map { $0 ? 1 : 0 } == (try expected.ints("correct"))) }
    }

    private static func attack(_ name: String) throws -> any Attack {
      switch name {
      case "DeepFool 50/.02 (torchattacks)", "deepfool_l2": DeepFool(overshootOn: .step)
      case "CW c=1 50 steps (torchattacks)", "cw_l2_c1": CW(c: 1, steps: 50, searchSteps: 0, shrink: 1)
      case "CW c=10 200 steps (torchattacks)": CW(c: 10, steps: 200, searchSteps: 0, shrink: 1)
      default: throw CoreError(.value, "no attack is known for \(name)")
      }
    }

    /// What the attack handed in last of each image: whether the model still recognises it, and how far it is.
    private func last(_ attack: any Attack, _ model: Model, _ data: Dataset) throws -> (
      right: [Bool], distances: [Float], margins: [Float]
    ) {
      let images = try data.images
      let watched = Watched(attack: attack, images: images)
      _ = try watched.run(on: model, AttackInput(images: images, labels: data.labels))
      let last = try #require(watched.last.images)
      let logits = try model(last)
      let right = try zip(logits.argmax(axis: 1).ints(), data.labels).map { $0 == $1 }
      return (right, try attack.norm.distance(last, images), try margin(logits, labels: data.labels).floats())
    }
  }
}

/// An attack of which the last submitted image of each example is kept.
private struct Watched: Attack {
  static let name = "watched"
  static let page = Page("Keeps what another attack submits.")
  static let settings: [Setting<Watched>] = []
  var attack: any Attack = FGSM()
  var last = Last()
  var eps: Double? { nil }
  var norm: Norm { attack.norm }
  var isMinimal: Bool { attack.isMinimal }

  init() {}
  init(attack: any Attack, images: Tensor) {
    self.attack = attack
    last.images = images
  }

  func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    last.oracle = oracle
    try attack.perturb(batch, last)
  }
}

private final class Last: Oracle, @unchecked Sendable {
  var images: Tensor?
  var oracle: (any Oracle)?

  func asked() throws -> any Oracle { try #require(oracle) }
  var classes: Int { oracle?.classes ?? 0 }
  var standing: [Int] { get throws { try asked().standing } }
  func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor { try asked().logits(x, of: examples) }
  func slope(of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?) throws -> Slope {
    try asked().slope(of: loss, at: x, of: examples, targets: targets)
  }
  func leads(
    at x: Tensor, of examples: [Int], over rounds: [[Int]]
  ) throws -> (logits: Tensor, gradients: [Tensor]) {
    try asked().leads(at: x, of: examples, over: rounds)
  }
  func submit(_ x: Tensor, of examples: [Int]) throws {
    let images = try #require(images)
    let n = images.shape[0]
    var rows = Array(0..<n)
    for (k, example) in examples.enumerated() { rows[example] = n + k }
    self.images = try concat([images, x], axis: 0).indexSelect(axis: 0, rows)
    try asked().submit(x, of: examples)
  }
}
