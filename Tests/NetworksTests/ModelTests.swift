import Base
import Networks
import Tensors
import Testing

@Suite struct ModelTests {
  let images: Tensor

  init() throws {
    images = try Tensor(RandomStream(seed: 1, purpose: "images").uniforms(4 * 3 * 16 * 16), shape: [4, 3, 16, 16])
  }

  /// Images of the shape that a network reads.
  private func images(for architecture: Architecture) throws -> Tensor {
    if Array(images.shape.dropFirst()) == architecture.input { return images }
    let shape = [4] + architecture.input
    return try Tensor(RandomStream(seed: 1, purpose: "images").uniforms(shape.reduce(1, *)), shape: shape)
  }

  static let small = Architecture.small(classes: 5, input: [3, 16, 16])

  @Test(arguments: small)
  func everyFamilyRunsAndLearns(_ architecture: Architecture) throws {
    let images = try images(for: architecture)
    let model = try Model(architecture, seed: 3)
    #expect(try model(images).shape == [4, 5])
    let parameters = model.trackedParameters()
    let logits = try model.forward(
      images, mode: .train, parameters: parameters, dropout: RandomStream(seed: 0, purpose: "dropout"))
    let loss = try crossEntropy(logits, labels: [0, 1, 2, 3])
    let gradients = try gradients(of: loss, withRespectTo: parameters)
    #expect(zip(gradients, parameters).allSatisfy { $0.shape == $1.shape })
    #expect(gradients.allSatisfy { $0.floats().allSatisfy(\.isFinite) })
    #expect(try gradients.last?.abs().sum().item() ?? 0 > 0)
  }

  @Test(arguments: small)
  func evaluationChangesNothing(_ architecture: Architecture) throws {
    let images = try images(for: architecture)
    let model = try Model(architecture, seed: 3)
    let before = model.copy()
    let first = try model(images)
    #expect(try model(images).isIdentical(to: first))
    #expect(model.hasEqualWeights(to: before))
  }

  /// Layers in unusual orders: what a layer reads may be read by others too.
  static let odd: [Architecture] = [
    [.relu, .conv2d(Conv2d(4, kernel: Size(3), padding: Padding(1))), .relu, .batchNorm(BatchNorm()), .relu],
    [
      .conv2d(Conv2d(4, kernel: Size(3), padding: Padding(1), groups: 1)), .batchNorm(BatchNorm()),
      .residual(
        Residual(
          before: [Child("b", .batchNorm(BatchNorm())), Child("", .relu)],
          body: [Child("c", .conv2d(Conv2d(4, kernel: Size(1))))])),
      .residual(Residual(body: [Child("", .relu)], after: [Child("", .relu)])),
      .residual(Residual(body: [], shortcut: [Child("n", .batchNorm(BatchNorm()))])),
      .residual(
        Residual(
          before: [Child("b", .batchNorm(BatchNorm())), Child("", .relu)], body: [Child("", .relu)],
          shortcut: [Child("s", .conv2d(Conv2d(4, kernel: Size(1), groups: 2)))], shortcutReadsBefore: true)),
    ],
    [
      .conv2d(Conv2d(3, kernel: Size(3))), .silu, .dropout(0.5), .leakyRelu(slope: 0.1), .maxPool(Pooling(Size(2))),
      .batchNorm(BatchNorm()), .conv2d(Conv2d(4, kernel: Size(3), stride: Size(2))), .batchNorm(BatchNorm()),
    ],
    [
      .conv2d(Conv2d(6, kernel: Size(3), stride: Size(2))), .batchNorm(BatchNorm()), .relu6,
      .conv2d(Conv2d(6, kernel: Size(3), padding: Padding(1), groups: 6)), .relu6, .gelu,
    ],
  ].map { layers in
    Architecture(
      .custom(.sequential(layers + [.globalAveragePool, .linear(Linear(5))])), classes: 5, input: [3, 16, 16])
  }

  @Test(arguments: small + odd, [Mode.train, .eval])
  func frozenFormIsTheSameFunction(_ architecture: Architecture, _ mode: Mode) throws {
    let images = try images(for: architecture)
    let model = try Model(architecture, seed: 3)
    // Statistics and weights that hide no mistake.
    for buffer in 0..<2 where !model.buffers.isEmpty {
      _ = try model.forward(
        images * Float(buffer + 1), mode: .train, dropout: RandomStream(seed: 0, purpose: "dropout"))
    }
    let moved = try model.parameters.enumerated().map { (i, weight) throws(CoreError) in
      try weight
        + Tensor(RandomStream(seed: 5, purpose: "moved", i).normals(weight.count, deviation: 0.2), shape: weight.shape)
    }
    try model.setParameters(moved)
    func run(_ parameters: [Tensor]?) throws -> (logits: Tensor, gradient: Tensor) {
      let x = images.tracked()
      let buffers = model.buffers
      let logits = try model.forward(
        x, mode: mode, parameters: parameters, dropout: RandomStream(seed: 1, purpose: "dropout"))
      let loss = try crossEntropy(logits, labels: [0, 1, 2, 3], reduction: .sum)
      #expect((mode == .train && !buffers.isEmpty) != zip(model.buffers, buffers).allSatisfy { $0.isIdentical(to: $1) })
      try model.setBuffers(buffers)
      return (logits, try gradients(of: loss, withRespectTo: [x])[0])
    }
    let (plain, frozen) = (try run(model.parameters), try run(nil))
    if mode == .eval { #expect(try model(images).isIdentical(to: frozen.logits.detached())) }
    for (a, b) in [(plain.logits, frozen.logits), (plain.gradient, frozen.gradient)] {
      let scale = try a.detached().abs().max().item()
      #expect(scale > 0)
      let far = try (a.detached() - b.detached()).abs().floats().count { Double($0) > 2e-5 * scale }
      // A value next to zero may fall on either side of a ReLU.
      #expect(far <= a.count / 100, "\(far) of \(a.count)")
    }
  }

  @Test func trainingMovesTheRunningStatistics() throws {
    let model = try Model(Self.small[6])
    let before = model.copy()
    _ = try model.forward(images, mode: .train)
    #expect(!model.hasEqualWeights(to: before))
    #expect(zip(model.parameters, before.parameters).allSatisfy { $0.isIdentical(to: $1) })
    let counter = try #require(model.bufferNames.firstIndex(of: "bn1.num_batches_tracked"))
    #expect(model.buffers[counter].ints() == [1])
    #expect(model.buffers[counter].shape == [])
  }

  @Test func seedsDecideTheWeights() throws {
    let model = try Model(Self.small[1], seed: 3)
    #expect(try model.hasEqualWeights(to: Model(Self.small[1], seed: 3)))
    #expect(try !model.hasEqualWeights(to: Model(Self.small[1], seed: 4)))
  }

  @Test func copiesAreIndependent() throws {
    let model = try Model(Self.small[0])
    let copy = model.copy()
    try model.setParameters(model.parameters.map { try $0 + 1 })
    #expect(!copy.hasEqualWeights(to: model))
    #expect(try copy.hasEqualWeights(to: Model(Self.small[0])))
  }

  @Test func atATemperatureLogitsAndGradientsAreDivided() throws {
    let model = try Model(Self.small[2])
    let view = try model.at(temperature: 4)
    func gradient(_ model: Model) throws -> Tensor {
      let x = images.tracked()
      return try gradients(of: model(x).sum(), withRespectTo: [x])[0]
    }
    #expect(try view(images).isIdentical(to: model(images) / 4))
    #expect(try gradient(view).isIdentical(to: gradient(model) / 4))
    #expect(try view.at(temperature: 0.25)(images).isIdentical(to: model(images)))
    #expect(try view.copy()(images).isIdentical(to: view(images)))
    for temperature in [0, -1, .infinity, .nan] as [Float] {
      #expect(throws: CoreError.self) { try model.at(temperature: temperature) }
    }
    #expect(throws: CoreError.self) { try view.save("/tmp/ltd-test-view.safetensors") }
  }

  @Test func aViewSharesTheWeights() throws {
    let model = try Model(Self.small[2])
    let view = try model.at(temperature: 4)
    #expect(view.sharesWeights(with: model))
    try model.setParameters(model.parameters.map { try $0 * 2 })
    #expect(view.hasEqualWeights(to: model))
    _ = try view.forward(images, mode: .train)
    #expect(view.hasEqualWeights(to: model))
    #expect(try view(images).isIdentical(to: model(images) / 4))
    let copy = view.copy()
    try view.setParameters(model.parameters.map { try $0 * 2 })
    #expect(view.hasEqualWeights(to: model))
    #expect(!copy.hasEqualWeights(to: model))
  }

  @Test func theOptimiserChangesWeightsInPlace() throws {
    let model = try Model(Self.small[2])
    let places = model.parameters.map { ObjectIdentifier($0.storage) }
    let kept = model.parameters[0]
    let before = kept.floats()
    let optimiser = SGD().makeOptimiser()
    for _ in 0..<2 {
      let gradients = try lossGradients(model)
      try model.updateParameters { (weights) throws(CoreError) in
        try optimiser.step(&weights, gradients: gradients, rate: 0.1, momentum: nil)
      }
    }
    // Whoever holds a weight keeps its values; all others stay where they are.
    #expect(kept.floats() == before)
    #expect(model.parameters[0].floats() != before)
    #expect(zip(model.parameters, places).dropFirst().allSatisfy { ObjectIdentifier($0.storage) == $1 })
  }

  private func lossGradients(_ model: Model) throws -> [Tensor] {
    let parameters = model.trackedParameters()
    let loss = try crossEntropy(model.forward(images, mode: .train, parameters: parameters), labels: [0, 1, 2, 3])
    return try gradients(of: loss, withRespectTo: parameters)
  }

  /// TRADES' SmallCNN: Kaiming convolutions without bias, last layer zero, PyTorch's default elsewhere.
  @Test func smallCNNStartsAsInTRADES() throws {
    let model = try Model(Architecture(SmallCNN(), classes: 10, input: [1, 28, 28]))
    func values(_ name: String) throws -> [Float] {
      model.parameters[try #require(model.parameterNames.firstIndex(of: name))].floats()
    }
    func deviation(_ values: [Float]) -> Float {
      (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
    }
    #expect(model.parameterNames.first == "feature_extractor.conv1.weight")
    #expect(model.parameterNames.last == "classifier.fc3.bias")
    #expect(try values("classifier.fc3.weight").allSatisfy { $0 == 0 })
    #expect(try values("feature_extractor.conv3.bias").allSatisfy { $0 == 0 })
    #expect(try abs(deviation(values("feature_extractor.conv4.weight")) / (2.0 / 576 as Float).squareRoot() - 1) < 0.02)
    let linear = try values("classifier.fc1.weight")
    #expect(linear.allSatisfy { abs($0) <= 1 / 32 })
    #expect(abs(deviation(linear) * 32 * Float(3).squareRoot() - 1) < 0.02)
  }

  @Test func wrongUseIsAnError() throws {
    let model = try Model(Self.small[1])
    #expect(throws: CoreError.self) { try model(Tensor.zeros([4, 1, 16, 16])) }
    #expect(throws: CoreError.self) { try model(Tensor.zeros([3, 16, 16])) }
    #expect(throws: CoreError.self) { try model.forward(images, mode: .train) }
    #expect(throws: CoreError.self) { try model.setParameters([]) }
    #expect(throws: CoreError.self) { try model.setParameters(model.parameters.reversed()) }
    #expect(try model(Tensor.zeros([0, 3, 16, 16])).shape == [0, 5])
  }
}
