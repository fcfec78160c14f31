import Base
import Datasets
import Networks
import Tensors

/// Images that another network is fooled by: where they break more than the model's own gradients, these are masked.
///
/// Where nobody gives another network, a small one learns the answers of the model to the images and to noisy copies, as
/// an attacker would who can ask it.
enum TransferCheck: MaskingCheck {
  static let name = "transfer"
  static let question = "Do the gradients of another network break what its own do not?"
  static let remedy = "evaluate it with transfer(mifpe(), from=…), too, and look for a layer that hides its slope"
  static let source = "Athalye et al. 2018, sign 2; Pintor et al. 2022, indicator 5; 1 point of accuracy"

  static func measure(_ it: Examination) throws -> Measurement {
    let other = try it.plan.surrogate ?? surrogate(it)
    let answers = try logits(of: other, on: it.data, requiringFinite: true).argmax(axis: 1).ints()
    let own = try it.logits.argmax(axis: 1).ints()
    let agreement = Double(zip(answers, own).count { $0 == $1 }) / Double(it.n)
    guard agreement >= 0.5 else {
      return .unknown(
        "the other network agrees on \((100 * agreement).fixed(0)) % of the images only: give one, surrogate=…")
    }
    let usual = try it.usual().broken
    var attack = it.ascent(.margin)
    attack.keep = .last
    let found = try it.outcome(Transfer(attack, from: other), among: usual.map { !$0 }).broken
    return it.judgedGain(
      of: zip(usual, found).map { $0 || $1 }, over: usual, least: 0.01,
      note: "images for \(it.plan.surrogate?.name ?? "a small network that learned its answers"), which agrees on "
        + "\((100 * agreement).fixed(0)) %, break \(found.count { $0 }) of the \(usual.count { !$0 }) that stand")
  }

  /// A small network with the answers of the model to the images and to copies with noise of the radius.
  private static func surrogate(_ it: Examination) throws -> Model {
    let input = it.model.architecture.input
    let stride = min(input[1], input[2]) >= 8 ? 2 : 1
    let convolution = { (channels: Int) in
      Layer.conv2d(Conv2d(channels, kernel: Size(3), stride: Size(stride), padding: Padding(1)))
    }
    let layer = Layer.sequential([
      convolution(16), .relu, convolution(32), .relu, .flatten, .linear(Linear(64)), .relu,
      .linear(Linear(it.model.classes)),
    ])
    let model = try Model(Architecture(layer, classes: it.model.classes, input: input), seed: it.plan.seed)
    let count = min(it.n, 2000)
    let batch = try it.data.batch(Array(0..<count))
    let noisy = try Noise(norm: it.norm).moved(batch.images, ids: batch.ids, eps: it.eps, seed: it.plan.seed)
    let images = try concat([batch.images, noisy], axis: 0)
    let labels = try it.model(images).argmax(axis: 1).ints()
    // Every class has a name, also those that the model never gives.
    let data = try Dataset(
      images: images, labels: labels, classNames: (0..<it.model.classes).map { "\($0)" }, name: "answers")
    let plan = TrainingPlan(
      epochs: min(max(8, 6000 / max(count, 1)), 100), batchSize: 64, learningRate: 0.05, seed: it.plan.seed)
    _ = try fit(model, on: data, plan: plan)
    return model
  }
}
