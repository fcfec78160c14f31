import Base
import Networks
import Tensors
import Testing

/// Summaries of networks, assigning of weights, and how weights begin.
@Suite struct SummaryTests {
  /// Multiply-adds of convolutions and linear layers for one image: torchvision's `_ops` of its networks, and the
  /// figures of the papers.
  static let costs: [(Architecture, Int)] = [
    (Architecture(ResNet50(), classes: 1000, input: [3, 224, 224]), 4_089_184_256),
    (Architecture(ResNet101(), classes: 1000, input: [3, 224, 224]), 7_801_405_440),
    (Architecture(WideResNet50(), classes: 1000, input: [3, 224, 224]), 11_398_021_120),
    (Architecture(ImageNetResNet18(), classes: 1000, input: [3, 224, 224]), 1_814_073_344),
    (Architecture(ImageNetResNet34(), classes: 1000, input: [3, 224, 224]), 3_663_761_408),
    (Architecture(WideResNet(), classes: 10, input: [3, 32, 32]), 5_243_328_768),
    (Architecture(LeNet5(), classes: 10, input: [1, 28, 28]), 4_467_664),
  ]

  @Test(arguments: costs)
  func multiplyAddsAreThePublishedOnes(_ architecture: Architecture, _ expected: Int) throws {
    let blueprint = try Blueprint(architecture)
    #expect(blueprint.multiplyAdds == expected)
  }

  @Test(arguments: Architecture.small(classes: 10, input: [3, 32, 32]))
  func everyWeightIsInOneRow(_ architecture: Architecture) throws {
    let model = try Model(architecture)
    let rows = try model.summary()
    #expect(rows.reduce(0) { $0 + $1.weights } == model.parameterCount)
    #expect(rows.last?.output == [10] && rows.allSatisfy { $0.frozen == 0 && $0.multiplyAdds >= 0 })
    try model.freeze(["*"])
    #expect(try model.summary().allSatisfy { $0.frozen == $0.weights })
  }

  // MARK: Assigning

  @Test func allWeightsAreAssignedOrNone() throws {
    let architecture = Architecture(ResNet18(planes: [2, 2, 2, 2]), classes: 10, input: [3, 8, 8])
    let (model, other) = (try Model(architecture, seed: 1), try Model(architecture, seed: 2))
    let kept = model.copy()
    let state = other.state
    let wrong: [[(name: String, tensor: Tensor)]] = [
      Array(state.dropLast()), state + [("more", try .zeros([1]))],
      try state.map { ($0.name, $0.name == "bn1.bias" ? try Tensor.zeros([3]) : $0.tensor) },
      try state.map { ($0.name, $0.name == "bn1.num_batches_tracked" ? try Tensor.zeros([]) : $0.tensor) },
    ]
    for state in wrong {
      #expect(throws: CoreError.self) { try model.assign(state) }
      #expect(model.hasEqualWeights(to: kept))
    }
    try model.assign(state.reversed())
    #expect(model.hasEqualWeights(to: other))
    #expect(model.fingerprint == other.fingerprint && model.fingerprint != kept.fingerprint)
  }

  // MARK: Initialisation

  /// How the originals begin: PyTorch's own initialisation (uniform in ±1/√fan_in, biases too), or He's.
  enum Scheme {
    case pytorch, heByInputs, heByOutputs, zeroBias, zero
  }

  private static func scheme(_ family: String, _ name: String) -> Scheme {
    switch family {
    case "imagenet_resnet18", "imagenet_resnet34", "resnet50", "resnet101", "wide_resnet50_2":
      name.hasPrefix("fc.") ? .pytorch : .heByOutputs
    case "wideresnet": name.hasPrefix("fc.") ? .zeroBias : .heByOutputs
    case "smallcnn":
      name.hasPrefix("feature_extractor.") ? .heByInputs : name.hasPrefix("classifier.fc3") ? .zero : .pytorch
    default: .pytorch
    }
  }

  /// Families of which this suite knows how they begin.
  private static let known: Set = [
    "mlp", "smallcnn", "preactresnet18", "wideresnet", "resnet18", "resnet50", "mnist_net", "cifar_resnet34",
    "cifar_resnet50", "swish_wideresnet", "swish_preactresnet18", "imagenet_resnet18", "imagenet_resnet34", "resnet101",
    "wide_resnet50_2", "lenet5", "trades_net",
  ]

  @Test(arguments: Architecture.small(classes: 10, input: [3, 32, 32]).filter { known.contains($0.name) })
  func weightsBeginAsTheirOriginals(_ architecture: Architecture) throws {
    let parameters = try Blueprint(architecture).parameters
    var fans: [String: (inputs: Int, outputs: Int)] = [:]
    for parameter in parameters where parameter.shape.count > 1 {
      let area = parameter.shape.dropFirst(2).reduce(1, *)
      let layer = String(parameter.name.dropLast("weight".count))
      fans[layer] = (parameter.shape[1] * area, parameter.shape[0] * area)
    }
    for parameter in parameters {
      let isBias = parameter.name.hasSuffix("bias")
      let layer = String(parameter.name.dropLast(isBias ? "bias".count : "weight".count))
      guard let fan = fans[layer] else {
        #expect(parameter.content == .constant(isBias ? 0 : 1), "\(parameter.name)")
        continue
      }
      let uniform = TensorSpecification.Content.uniform(bound: 1 / Double(fan.inputs).squareRoot())
      let expected: TensorSpecification.Content =
        switch Self.scheme(architecture.name, parameter.name) {
        case .pytorch: uniform
        case .zeroBias: isBias ? .constant(0) : uniform
        case .heByInputs: isBias ? .constant(0) : .normal(deviation: (2 / Double(fan.inputs)).squareRoot())
        case .heByOutputs: isBias ? .constant(0) : .normal(deviation: (2 / Double(fan.outputs)).squareRoot())
        case .zero: .constant(0)
        }
      #expect(parameter.content == expected, "\(parameter.name)")
    }
  }

  /// What is drawn has the mean and the variance that the scheme says, within five standard errors.
  @Test func drawnWeightsHaveTheirVariance() throws {
    let cases: [(any NetworkFamily, String, Double)] = [
      (ResNet50(width: 32), "layer4.0.conv2.weight", 2 / (256.0 * 9)),
      (CIFARResNet50(planes: [8, 8, 8, 64]), "layer4.1.conv2.weight", 1 / (3 * 64.0 * 9)),
      (LeNet5(), "linear1.weight", 1 / (3 * 4096.0)),
    ]
    for (family, name, variance) in cases {
      let model = try Model(Architecture(.family(family), classes: 10, input: [3, 32, 32]), seed: 4)
      let values = try #require(model.state.first { $0.name == name }).tensor.floats().map(Double.init)
      let n = Double(values.count)
      let mean = values.reduce(0, +) / n
      let found = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
      #expect(abs(mean) < 5 * (variance / n).squareRoot(), "\(name)")
      #expect(abs(found / variance - 1) < 5 * (2 / n).squareRoot(), "\(name)")
    }
  }
}
