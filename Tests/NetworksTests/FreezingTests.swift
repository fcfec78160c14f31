import Base
import Networks
import Tensors
import Testing

/// Frozen weights get no gradient and stay as they are, whatever an optimiser does with the others; a batch norm that is
/// frozen keeps its running statistics.
@Suite struct FreezingTests {
  private static let layers = Layer.chain([
    Child("conv1", .conv2d(Conv2d(4, kernel: Size(3)))), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
    Child("conv2", .conv2d(Conv2d(4, kernel: Size(3)))), Child("bn2", .batchNorm(BatchNorm())), Child("", .flatten),
    Child("fc", .linear(Linear(3))),
  ])

  private func model(seed: UInt64 = 1) throws -> Model {
    try Model(Architecture(Self.layers, input: [1, 6, 6]), seed: seed)
  }

  private func names(_ model: Model) -> [String] { model.frozenParameters.map { model.parameterNames[$0] } }

  @Test func patternsAreNamesBeginningsAndStars() throws {
    let model = try model()
    for (pattern, expected) in [
      ("fc", ["fc.weight", "fc.bias"]), ("fc.bias", ["fc.bias"]), ("conv*.weight", ["conv1.weight", "conv2.weight"]),
      ("*n1.*s", ["bn1.bias"]), ("bn1.*", ["bn1.weight", "bn1.bias"]), ("*", model.parameterNames),
    ] {
      try model.freeze(["*"], isFrozen: false)
      try model.freeze([pattern])
      #expect(names(model) == expected, "\(pattern)")
    }
    for pattern in ["", "f", "fc.", "conv", "fc.weight.x", "**x", "fc*weightx"] {
      #expect(throws: CoreError.self, "\(pattern)") { try model.freeze(["fc", pattern]) }
    }
    try model.freeze(["*"])
    try model.freeze(["conv1", "bn2.bias"], isFrozen: false)
    #expect(
      names(model) == ["bn1.weight", "bn1.bias", "conv2.weight", "conv2.bias", "bn2.weight", "fc.weight", "fc.bias"])
  }

  @Test func viewsShareWhatIsFrozenAndCopiesHaveTheirOwn() throws {
    let model = try model()
    let view = try model.at(temperature: 2)
    try view.freeze(["fc"])
    let copy = model.copy()
    #expect(names(model) == ["fc.weight", "fc.bias"])
    try model.freeze(["*"], isFrozen: false)
    #expect(names(view).isEmpty && names(copy) == ["fc.weight", "fc.bias"])
    try copy.freeze(["*"])
    #expect(throws: CoreError.self) { try copy.requireTrainable() }
    try model.requireTrainable()
  }

  private func step(_ model: Model, _ optimiser: any Optimiser, _ i: Int) throws {
    let images = try Tensor.uniform([5, 1, 6, 6], stream: RandomStream(seed: 2, purpose: "images", i))
    let weights = model.trackedParameters()
    let loss = try crossEntropy(model.forward(images, mode: .train, parameters: weights), labels: [0, 1, 2, 0, 1])
    let gradients = try model.gradients(of: loss, at: weights).weights
    #expect(gradients.indices.filter { gradients[$0] == nil } == model.frozenParameters)
    try model.updateParameters { (weights) throws(CoreError) in
      try optimiser.step(&weights, gradients: gradients, rate: 0.1, momentum: nil)
    }
  }

  @Test func frozenWeightsAndStatisticsStay() throws {
    let (model, start) = (try model(), try model())
    try model.freeze(["conv1", "bn1", "bn2.weight"])
    let optimiser = SGD(momentum: 0.9, weightDecay: 0.1).makeOptimiser()
    for i in 0..<3 { try step(model, optimiser, i) }
    let still: Set = [
      "conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "bn2.weight", "bn1.running_mean", "bn1.running_var",
      "bn1.num_batches_tracked",
    ]
    for (now, then) in zip(model.state, start.state) {
      #expect(now.tensor.isIdentical(to: then.tensor) == still.contains(now.name), "\(now.name)")
    }
  }

  /// The momentum of weights that were frozen is left out of the state, and comes back with those that have one.
  @Test func anOptimiserContinuesWithFrozenWeights() throws {
    let (whole, parts) = (try model(), try model())
    for model in [whole, parts] { try model.freeze(["conv1", "bn2.weight"]) }
    let settings = SGD(momentum: 0.9)
    let (one, first, second) = (settings.makeOptimiser(), settings.makeOptimiser(), settings.makeOptimiser())
    for i in 0..<4 { try step(whole, one, i) }
    for i in 0..<2 { try step(parts, first, i) }
    try second.restore(first.state)
    for i in 2..<4 { try step(parts, second, i) }
    #expect(whole.hasEqualWeights(to: parts))
    #expect(throws: CoreError.self) { try second.restore([("momentum.-1", .zeros([1]))]) }
    #expect(throws: CoreError.self) {
      try second.restore([("momentum.3", .zeros([1])), ("momentum.3", .zeros([1]))])
    }
  }

  /// In training, a network all of whose batch norms are frozen is the network in evaluation.
  @Test func frozenBatchNormsRunAsInEvaluation() throws {
    let model = try model()
    let images = try Tensor.uniform([4, 1, 6, 6], stream: RandomStream(seed: 3, purpose: "images"))
    #expect(try !model.forward(images, mode: .train).isIdentical(to: model.copy()(images)))
    try model.freeze(["bn*"])
    #expect(try model.forward(images, mode: .train).isIdentical(to: model(images)))
    #expect(
      try model.forward(images, mode: .train, parameters: model.parameters).floats()
        == model.forward(images, mode: .eval, parameters: model.parameters).floats())
  }
}
