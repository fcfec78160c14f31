import Base
import Networks
import Robustness
import Tensors
import Testing

extension ReferenceVectors {
  /// `models/models.json`: weights in files, logits and input gradients.
  @Suite(.enabled(if: VectorFiles.exist)) struct Models {
    static let containers = ["safetensors"]

    static var cases: [String] {
      let list = try? VectorFiles().json("models/models.json").array("models")
      return (list ?? []).filter { !readable($0).isEmpty }.compactMap { $0["name"]?.stringValue }
    }

    static func readable(_ model: JSON) -> [String] {
      (model["files"]?.arrayValue ?? []).compactMap(\.stringValue).filter { file in
        containers.contains { file.hasSuffix("." + $0) }
      }
    }

    @Test(arguments: cases)
    func logitsAndInputGradients(_ name: String) throws {
      let files = try VectorFiles()
      let entry = try #require(
        try files.json("models/models.json").array("models").first { $0["name"]?.stringValue == name })
      let inputs = try files.tensors("models/inputs.safetensors")
      let expected = try files.tensors("models/logits.safetensors")
      let images = try images(inputs.tensor(entry.string("images")))
      let labels = try inputs.tensor(entry.string("labels")).ints()
      let architecture = try architecture(entry.value("arch"), input: Array(images.shape.dropFirst()))
      for file in Self.readable(entry) {
        let model = try Model(architecture)
        try model.loadWeights(files.path("models/\(file)"))
        #expect(model.parameterCount == (try entry.int("parameters")) || name.hasSuffix("_ignored"), "\(file)")

        let logits = try expected.tensor(entry.string("logits"))
        let scale = max(1, try entry.number("max_abs_logit"))
        #expect(difference(try model(images), logits) <= 1e-4 * scale, "\(file)")

        let gradient = try expected.tensor(entry.string("input_grad"))
        let count = gradient.shape[0]
        let first = try images.slice(axis: 0, 0, count)
        let tracked = first.tracked()
        let loss = try crossEntropy(model(tracked), labels: Array(labels.prefix(count)), reduction: .sum)
        let actual = try gradients(of: loss, withRespectTo: [tracked])[0]
        #expect(difference(actual, gradient) <= 2e-3 * maximum(gradient.floats()), "\(file)")
      }
    }

    private func architecture(_ arch: JSON, input: [Int]) throws -> Architecture {
      let family: any NetworkFamily
      switch try arch.string("family") {
      case "trades_small_cnn":
        family = SmallCNN(channels: try arch.ints("conv"), features: try arch.int("fc"))
      case "resnet18_cifar": family = ResNet18(planes: try arch.ints("planes"))
      case "wideresnet_trades":
        family = WideResNet(depth: try arch.int("depth"), widen: try arch.int("widen"))
      case "preact_resnet18":
        let normalised = try arch.bool("bn_before_pool")
        let raw = try arch.string("shortcut_input") == "x"
        try #require(raw || normalised)
        family = PreActResNet18(
          planes: try arch.ints("planes"),
          variant: raw ? (normalised ? .rawNormalised : .raw) : .activated)
      case "resnet50_torchvision": family = ResNet50(width: try arch.int("width"))
      case "fast_adversarial_mnist_net": family = MNISTNet()
      case let other:
        Issue.record("unknown family \(other)")
        throw CoreError(.value, "unknown family \(other)")
      }
      var normalisation: Normalisation?
      if let normalise = arch["normalise"] {
        normalisation = Normalisation(
          mean: try normalise.numbers("mean"), std: try normalise.numbers("std"))
      }
      return Architecture(
        .family(family), classes: arch["classes"]?.intValue ?? 10, input: input, normalisation: normalisation)
    }
  }
}
