import Base
import Networks
import Robustness
import Tensors
import Testing

extension ReferenceVectors {
  /// `models/models.json`: weights in files, logits and input gradients.
  @Suite(.enabled(if: VectorFiles.exist)) struct Models {
    static var cases: [String] {
      let list = try? VectorFiles().json("models/models.json").array("models")
      return (list ?? []).compactMap { $0["name"]?.stringValue }
    }

    /// Every file of a row, whatever its format: into the network that the row says, by a call that says the network, and by
    /// the path alone where the weights tell it.
    @Test(arguments: cases)
    func logitsAndInputGradients(_ name: String) throws {
      let files = try VectorFiles()
      let entry = try #require(
        try files.json("models/models.json").array("models").first { $0["name"]?.stringValue == name })
      let inputs = try files.tensors("models/inputs.safetensors")
      let images = try images(inputs.tensor(entry.string("images")))
      let labels = try inputs.tensor(entry.string("labels")).ints()
      let architecture = try architecture(entry.value("arch"), input: Array(images.shape.dropFirst()))
      let names = try entry.array("files").compactMap(\.stringValue)
      #expect(!names.isEmpty)
      for file in names {
        let path = files.path("models/\(file)")
        let model = try Model(architecture)
        try model.loadWeights(path)
        // A row may count weights that its file holds and its network does not use.
        let holdsMore = name.hasSuffix("_ignored") || entry["note"]?.stringValue?.contains("unused") == true
        let count = try entry.int("parameters")
        #expect(holdsMore || model.parameterCount == count, "\(file)")
        try check(model, entry, images, labels, files, file)

        var said = LoadRequest()
        said.network = .architecture(architecture)
        #expect(try Model.load(path, said).hasEqualWeights(to: model), "\(file)")
        try checkRecognition(of: path, as: model)
      }
    }

    private func check(
      _ model: Model, _ entry: JSON, _ images: Tensor, _ labels: [Int], _ files: VectorFiles, _ file: String
    ) throws {
      let expected = try files.tensors("models/logits.safetensors")
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

    /// The path alone gives the network, but for the size of images that no weight shows; or the error lists it.
    private func checkRecognition(of path: String, as model: Model) throws {
      let family = try #require(model.architecture.description.split(separator: "(").first)
      do {
        let loaded = try Model.load(path)
        var architecture = loaded.architecture
        if architecture.input != model.architecture.input {
          #expect(loaded.source?.remarks.contains { $0.contains("size=\(architecture.input[1])") } == true)
          architecture.input = model.architecture.input
        }
        #expect(architecture.description == model.architecture.description)
        #expect(zip(loaded.state, model.state).allSatisfy { $0.tensor.isIdentical(to: $1.tensor) })
      } catch {
        var plain = model.architecture
        plain.normalisation = nil
        #expect(error.message.contains(plain.description), "\(error)")
        #expect(error.hint?.contains("architecture=\(family)(") == true, "\(error)")
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
