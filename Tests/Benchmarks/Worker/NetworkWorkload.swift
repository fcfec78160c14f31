import Base
import Foundation
import Networks
import Robustness
import Tensors

struct NetworkSettings {
  let architecture: Architecture
  let batch: Int

  /// The same network for comparisons, which random zeros would spoil.
  var withoutDropout: Architecture {
    var architecture = architecture
    if case .family(let family) = architecture.design, var sizes = family as? SmallCNN {
      sizes.dropout = 0
      architecture.design = .family(sizes)
    }
    return architecture
  }

  static let all: [String: NetworkSettings] = [
    "smallcnn": NetworkSettings(
      architecture: Architecture(SmallCNN(), classes: 10, input: [1, 28, 28]), batch: 128),
    "mnistnet": NetworkSettings(
      architecture: Architecture(MNISTNet(), classes: 10, input: [1, 28, 28]), batch: 250),
    "wrn10_1": NetworkSettings(
      architecture: Architecture(WideResNet(depth: 10, widen: 1), classes: 10, input: [3, 32, 32]), batch: 250),
    "preactresnet18": NetworkSettings(
      architecture: Architecture(PreActResNet18(), classes: 10, input: [3, 32, 32]), batch: 64),
    "wrn28_10": NetworkSettings(
      architecture: Architecture(WideResNet(depth: 28, widen: 10), classes: 10, input: [3, 32, 32]),
      batch: 16),
    "resnet50": NetworkSettings(
      architecture: Architecture(ResNet50(width: 64), classes: 1000, input: [3, 224, 224]), batch: 8),
  ]
}

/// What attacks and training do with one network and one batch, through the functions that `ltd` uses.
final class NetworkWorkload: Workload {
  private let model: Model
  private let images: Tensor
  private let labels: [Int]
  private let optimiser = SGD(momentum: 0.9, weightDecay: 5e-4).makeOptimiser()
  private let eps: Float = 8.0 / 255
  private let dropout = RandomStream(seed: 1, purpose: "benchmark.dropout")

  init(_ name: String, _ settings: NetworkSettings, batch: Int, folder: String, dropout: Bool) throws {
    let shape = [batch] + settings.architecture.input
    images = try Tensor(spread(shape.reduce(1, *)), shape: shape)
    labels = (0..<batch).map { $0 * 7 % settings.architecture.classes }
    let path = "\(folder)/\(name).safetensors"
    if !FileManager.default.fileExists(atPath: path) {
      let fresh = try Model(settings.architecture, seed: 1)
      try Self.settle(fresh, on: images)
      try fresh.save(path)
    }
    model = try Model(dropout ? settings.architecture : settings.withoutDropout)
    // The file is that of the network with dropout.
    try model.loadWeights(path, checksArchitecture: false)
  }

  /// Makes a fresh network fit for measurements: its zero layers get weights, or no gradient would pass them, and its
  /// running statistics become those of one batch, as if it had been trained.
  private static func settle(_ model: Model, on images: Tensor) throws {
    let stream = RandomStream(seed: 1, purpose: "benchmark.weights")
    try model.setParameters(
      try model.parameters.enumerated().map { i, weight in
        guard weight.shape.count == 2, weight.floats().allSatisfy({ $0 == 0 }) else { return weight }
        return try Tensor.normal(weight.shape, deviation: 0.1, stream: stream.child(i))
      })
    _ = try model.forward(images, mode: .train, dropout: stream)
    // One update moved them a tenth of the way from 0 and 1.
    try model.setBuffers(
      try zip(model.bufferNames, model.buffers).map { name, buffer in
        if name.hasSuffix("running_mean") { return try buffer * 10 }
        if name.hasSuffix("running_var") { return try (buffer - 0.9) * 10 }
        return buffer
      })
  }

  func run(_ part: String) throws {
    switch part {
    case "forward": _ = try model(images)
    case "inputgrad", "inputgrad.eval": _ = try inputGradient(of: images, .eval)
    case "inputgrad.train": _ = try inputGradient(of: images, .train)
    case "train": _ = try train(on: images)
    case "pgd10": _ = try train(on: attack(.train))
    case "pgd10.eval": _ = try train(on: attack(.eval))
    default: throw BenchError("networks cannot do \(part)")
    }
  }

  func results(_ part: String) throws -> [(name: String, tensor: Tensor)] {
    switch part {
    case "forward": return [("logits", try model(images))]
    case "inputgrad", "inputgrad.eval": return [("gradient", try inputGradient(of: images, .eval))]
    case "inputgrad.train": return [("gradient", try inputGradient(of: images, .train))]
    case "train":
      let (loss, gradients) = try lossAndGradients(of: images)
      return [("loss", loss)] + zip(model.parameterNames, gradients).map { ("gradient.\($0)", $1) }
    case "pgd10", "pgd10.eval":
      let adversarial = try attack(part == "pgd10" ? .train : .eval, from: images)
      return [("loss", try lossAndGradients(of: adversarial).loss)]
    default: throw BenchError("networks cannot do \(part)")
    }
  }

  private func inputGradient(of images: Tensor, _ mode: Mode) throws -> Tensor {
    let x = images.detached().tracked()
    let loss = try crossEntropy(
      try model.forward(x, mode: mode, dropout: dropout), labels: labels, reduction: .sum)
    return try gradients(of: loss, withRespectTo: [x])[0]
  }

  private func lossAndGradients(of images: Tensor) throws -> (loss: Tensor, gradients: [Tensor]) {
    let parameters = model.trackedParameters()
    let logits = try model.forward(images, mode: .train, parameters: parameters, dropout: dropout)
    let loss = try crossEntropy(logits, labels: labels)
    return (loss, try gradients(of: loss, withRespectTo: parameters))
  }

  private func train(on images: Tensor) throws -> Double {
    let (loss, gradients) = try lossAndGradients(of: images)
    try model.updateParameters { weights throws(CoreError) in
      try optimiser.step(&weights, gradients: gradients, rate: 0.001, momentum: nil)
    }
    return try loss.item()
  }

  private func attack(_ mode: Mode) throws -> Tensor {
    let random = PerExampleRandom(seed: 1)
    let noise = try random.uniform(-eps, eps, like: images, ids: Array(0..<images.shape[0]), draw: 0)
    let start = try (images + noise).clip(min: 0, max: 1)
    return try attack(mode, from: start)
  }

  private func attack(_ mode: Mode, from start: Tensor) throws -> Tensor {
    var x = start
    for _ in 0..<10 {
      let gradient = try inputGradient(of: x, mode)
      x = try signStep(x, gradient: gradient, center: images, step: eps / 4, eps: eps)
    }
    return x
  }
}

/// Numbers in 0..<1 that both sides make: the upper 24 bits of i times a constant.
func spread(_ count: Int) -> [Float] {
  (0..<count).map { Float(UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) >> 8) * 0x1p-24 }
}
