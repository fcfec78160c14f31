import Base
import Tensors

/// How a network runs: in training, batch norm uses the statistics of the batch and moves the running ones, and dropout
/// drops; in evaluation neither happens.
public enum Mode: String, SettingChoice {
  /// Evaluation: running statistics, and no dropout.
  case eval
  /// Training: statistics of the batch, and dropout.
  case train
}

/// A run of training that has moved the weights of a model, in the words of the call.
public struct TrainingPass: Sendable, Equatable {
  /// The call that makes the method: "pgd_at()".
  public var method: String
  /// The attack of the training images, where the call named one.
  public var attack: String?
  /// The name of the data set, and how many of its examples were trained on.
  public var data: String
  /// The number of examples.
  public var examples: Int
  /// The epochs that were done, of a run that was interrupted the last one in part.
  public var epochs: Int
  /// Optimiser steps.
  public var steps: Int
  /// Whether it was interrupted.
  public var isInterrupted: Bool

  /// A run of training, for `Model.training`.
  public init(
    method: String, attack: String?, data: String, examples: Int, epochs: Int, steps: Int, isInterrupted: Bool
  ) {
    self.method = method
    self.attack = attack
    self.data = data
    self.examples = examples
    self.epochs = epochs
    self.steps = steps
    self.isInterrupted = isInterrupted
  }
}

/// A classifier: an architecture and its weights, by reference. Calling it gives logits [n, classes] of images
/// [n, channels, height, width] in evaluation mode.
///
/// A forward with the model's own weights runs as a `FrozenNetwork`, from which gradients reach the images only. One
/// with weights that are handed in, which may be tracked, runs layer by layer (`Pass`). Models at other temperatures
/// share the weights (`at`), and training changes them for all; `copy` has weights of its own.
public final class Model {
  /// What the network is made of, and for which images.
  public let architecture: Architecture
  /// What a file or a printed line calls it.
  public var name: String
  /// The names of the weights, in the order of `parameters`: those of PyTorch's state_dict.
  public let parameterNames: [String]
  /// The names of the buffers, in the order of `buffers`.
  public let bufferNames: [String]
  /// What the logits are divided by.
  public let temperature: Float
  /// The file that its weights were read from last, and what was decided then; nil for a model that was made here.
  public internal(set) var source: ModelSource? {
    get { weights.source }
    set {
      weights.source = newValue
      weights.training = []
    }
  }
  /// The runs of training that the weights have had since they were made or read, the first one first; a copy has them
  /// too, a file does not.
  public var training: [TrainingPass] {
    get { weights.training }
    set { weights.training = newValue }
  }
  /// The names of the layers through which gradients pass as if they were the identity; see `bpda`.
  public let straight: [String]
  /// Whether the model adds noise to what it reads, in evaluation too, so that each draw is another answer; see
  /// `NoiseDraws`.
  public let isRandom: Bool
  private let network: NetworkNode
  private let weights: Weights

  /// What a model shares with its views at other temperatures.
  private final class Weights {
    var parameters: [Tensor]
    var buffers: [Tensor]
    /// The forms for evaluation with the present weights, each made when first needed: one for each choice of layers
    /// through which gradients pass straight.
    var frozen: [[String]: FrozenNetwork] = [:]
    /// Where they come from.
    var source: ModelSource?
    /// What has trained them since.
    var training: [TrainingPass] = []
    /// The indices of the weights that training leaves as they are.
    var untrained: Set<Int> = []
    /// Whether a training run moves them at present.
    var isInTraining = false

    init(parameters: [Tensor], buffers: [Tensor], untrained: Set<Int> = []) {
      self.parameters = parameters
      self.buffers = buffers
      self.untrained = untrained
    }
  }

  /// A model with fresh weights, drawn from streams keyed by the seed and the position of each weight.
  ///
  /// - Throws: `value`, `shape` and `memory` for an architecture that cannot be built.
  public convenience init(_ architecture: Architecture, seed: UInt64 = 0) throws(CoreError) {
    let blueprint = try Blueprint(architecture)
    var parameters: [Tensor] = []
    for (i, parameter) in blueprint.parameters.enumerated() {
      parameters.append(try parameter.tensor(stream: RandomStream(seed: seed, purpose: "init", i)))
    }
    var buffers: [Tensor] = []
    for buffer in blueprint.buffers {
      buffers.append(try buffer.tensor(stream: RandomStream(seed: seed, purpose: "init")))
    }
    self.init(
      architecture: architecture, network: blueprint.network, parameterNames: blueprint.parameters.map(\.name),
      bufferNames: blueprint.buffers.map(\.name), temperature: 1, straight: [],
      weights: Weights(parameters: parameters, buffers: buffers))
  }

  /// A model with weights that are there already, in the order and of the shapes of the blueprint.
  convenience init(_ architecture: Architecture, _ blueprint: Blueprint, parameters: [Tensor], buffers: [Tensor]) {
    self.init(
      architecture: architecture, network: blueprint.network, parameterNames: blueprint.parameters.map(\.name),
      bufferNames: blueprint.buffers.map(\.name), temperature: 1, straight: [],
      weights: Weights(parameters: parameters, buffers: buffers))
  }

  private init(
    architecture: Architecture, network: NetworkNode, parameterNames: [String], bufferNames: [String],
    temperature: Float, straight: [String], weights: Weights
  ) {
    self.architecture = architecture
    self.network = network
    self.parameterNames = parameterNames
    self.bufferNames = bufferNames
    self.temperature = temperature
    self.straight = straight
    self.weights = weights
    isRandom = network.isRandom
    name = architecture.name
  }

  /// The number of logits.
  public var classes: Int { architecture.classes }

  /// The weights, in PyTorch's order; none is tracked.
  public var parameters: [Tensor] { weights.parameters }

  /// Running statistics and counters of batch norm, in PyTorch's order.
  public var buffers: [Tensor] { weights.buffers }

  /// The number of trainable weights.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  // MARK: Running

  /// Logits in evaluation mode. Weights are not tracked: gradients can be taken with respect to the images only.
  ///
  /// - Parameter draws: which answers of a model that answers at random; draw 0 when left out.
  public func callAsFunction(_ images: Tensor, _ draws: NoiseDraws = NoiseDraws()) throws(CoreError) -> Tensor {
    try forward(images, mode: .eval, draws: draws)
  }

  /// Logits [n, classes]. In evaluation mode many images are taken in pieces, which bounds the memory and changes no
  /// bit.
  ///
  /// - Parameters:
  ///   - images: [n, channels, height, width], values in [0, 1].
  ///   - mode: `.train` moves the running statistics of batch norm.
  ///   - parameters: weights to run with instead of the model's own, for instance tracked ones; same order and shapes.
  ///   - dropout: the stream that dropout and noise draw from in training; a network without them needs none.
  ///   - draws: which noise a model that answers at random adds, where `dropout` is nil.
  ///   - shared: what the shards of a batch tell each other, where these images are one of them and batch norm in training is
  ///     to take the statistics of all.
  /// - Throws: `shape` for images of another shape, and for batch norm in training with one value for each channel;
  ///   `value` for dropout without a stream.
  public func forward(
    _ images: Tensor, mode: Mode, parameters: [Tensor]? = nil, dropout: RandomStream? = nil,
    draws: NoiseDraws = NoiseDraws(), sharing shared: (any SharedStatistics)? = nil
  ) throws(CoreError) -> Tensor {
    guard images.shape.count == 4, Array(images.shape.dropFirst()) == architecture.input else {
      throw CoreError(
        .shape,
        "the model \(name) reads images [n, \(architecture.input.map(String.init).joined(separator: ", "))], not \(images.shape)",
        hint: images.shape.count == 3 ? "a single image needs a first axis of size 1: images[0:1]" : nil,
        argument: "images")
    }
    let noise = isRandom ? draws.streams(for: images, in: dropout) : []
    return try forward(images, mode, parameters, dropout, noise, shared)
  }

  /// - Parameter noise: what noise draws from for each image; empty where the model answers alike each time.
  private func forward(
    _ images: Tensor, _ mode: Mode, _ parameters: [Tensor]?, _ dropout: RandomStream?, _ noise: [RandomStream],
    _ shared: (any SharedStatistics)? = nil
  ) throws(CoreError) -> Tensor {
    if mode == .eval, parameters == nil, !images.isTracked, images.shape[0] > Self.piece {
      var parts: [Tensor] = []
      for start in stride(from: 0, to: images.shape[0], by: Self.piece) {
        try StopSignal.poll()
        let range = start..<min(start + Self.piece, images.shape[0])
        let part = try images.slice(axis: 0, range.lowerBound, range.upperBound)
        parts.append(try forward(part, mode, nil, dropout, noise.isEmpty ? [] : Array(noise[range])))
      }
      return try concat(parts, axis: 0)
    }
    var pass = Pass(
      parameters: parameters ?? self.parameters, buffers: buffers, mode: mode, dropout: dropout, frozen: frozen)
    pass.shared = mode == .train ? shared : nil
    // What was made for the running statistics as they are goes before memory is taken for the tape.
    if mode == .train, !buffers.isEmpty { weights.frozen = [:] }
    var logits: Tensor
    // Layer by layer where weights may be tracked, or each result has to be looked at.
    if parameters == nil, !Compute.checksFinite, pass.shared == nil {
      let network = try frozenNetwork(pass)
      logits = try network(images, noise: noise)
      pass = network.pass
    } else {
      pass.noise = noise
      do {
        logits = try pass.run(network, images)
      } catch  where error.kind == .numeric {
        guard let weight = pass.lastWeight else { throw error }
        throw error.prefixed(
          "in or after layer '\(parameterNames[weight].split(separator: ".").dropLast().joined(separator: "."))'")
      }
    }
    if mode == .train { weights.buffers = pass.buffers }
    if temperature != 1 { logits = try logits / temperature }
    return logits
  }

  /// The most images that one pass takes where no gradient needs them together.
  package static let piece = 250

  /// How images are run in pieces in evaluation mode; see `FrozenNetwork`.
  func pieces(of images: Tensor) throws(CoreError) -> [Range<Int>] {
    let n = images.shape.first ?? 0
    guard !Compute.checksFinite else { return [0..<n] }
    return try frozenNetwork().pieces(of: n)
  }

  /// The network in evaluation mode.
  func frozenNetwork() throws(CoreError) -> FrozenNetwork {
    try frozenNetwork(Pass(parameters: parameters, buffers: buffers, mode: .eval, dropout: nil))
  }

  private func frozenNetwork(_ pass: Pass) throws(CoreError) -> FrozenNetwork {
    if pass.mode == .eval, let frozen = weights.frozen[straight] { return frozen }
    let made = try FrozenNetwork(network, pass)
    if pass.mode == .eval { weights.frozen[straight] = made }
    return made
  }

  /// The weights as leaves of which gradients can be taken, but for those that are frozen; hand them to `forward`.
  public func trackedParameters() -> [Tensor] {
    parameters.enumerated().map { frozen.contains($0.offset) ? $0.element : $0.element.tracked() }
  }

  /// The indices of the frozen weights.
  package internal(set) var frozen: Set<Int> {
    get { weights.untrained }
    set { weights.untrained = newValue }
  }

  /// Measures the running statistics of batch norm anew: the mean over batches of the statistics of each, as
  /// `torch.optim.swa_utils.update_bn` has it.
  ///
  /// - Parameters:
  ///   - read: the images of a batch, by its number and its positions, and what dropout draws from.
  package func estimateStatistics(
    batches: [[Int]], read: (Int, [Int]) throws(CoreError) -> (images: Tensor, dropout: RandomStream)
  ) throws(CoreError) {
    guard !buffers.isEmpty else { return }
    var pass = Pass(parameters: parameters, buffers: [], mode: .train, dropout: nil, frozen: frozen)
    for (name, buffer) in zip(bufferNames, buffers) {
      pass.buffers.append(
        name.hasSuffix("num_batches_tracked") ? try Tensor(ints: [0], shape: []) : try Tensor.zeros(buffer.shape))
    }
    for (k, positions) in batches.enumerated() {
      let (images, dropout) = try read(k, positions)
      var part = Pass(
        parameters: parameters, buffers: pass.buffers, mode: .train, dropout: dropout, frozen: frozen)
      part.momentum = 1 / Double(k + 1)
      _ = try part.run(network, images)
      pass.buffers = part.buffers
    }
    try setBuffers(pass.buffers)
  }

  // MARK: Weights

  /// Marks the weights as those of a training run, until `endTraining`.
  ///
  /// - Throws: `value` where another run moves them already.
  package func beginTraining() throws(CoreError) {
    guard !weights.isInTraining else {
      throw CoreError(
        .value, "the model \(name) is being trained by another fit", hint: "give it a copy: copy(model)",
        argument: "model")
    }
    weights.isInTraining = true
  }

  /// The run is over.
  package func endTraining() { weights.isInTraining = false }

  /// Replaces all weights, in the order of `parameters`.
  ///
  /// - Throws: `shape` where a shape or type is another, `value` where their number is.
  public func setParameters(_ tensors: [Tensor]) throws(CoreError) {
    try Self.require(tensors, like: parameters, names: parameterNames)
    weights.parameters = tensors.map { $0.detached() }
    weights.frozen = [:]
  }

  /// Changes the weights by `body`, in place where nobody else holds them. When it throws, some may have changed.
  public func updateParameters(_ body: (inout [Tensor]) throws(CoreError) -> Void) throws(CoreError) {
    weights.frozen = [:]
    var parameters: [Tensor] = []
    swap(&parameters, &weights.parameters)
    defer { weights.parameters = parameters }
    try body(&parameters)
  }

  /// Replaces all buffers, in the order of `buffers`.
  ///
  /// - Throws: as `setParameters`.
  public func setBuffers(_ tensors: [Tensor]) throws(CoreError) {
    try Self.require(tensors, like: buffers, names: bufferNames)
    weights.buffers = tensors.map { $0.detached() }
    weights.frozen = [:]
  }

  private static func require(_ new: [Tensor], like old: [Tensor], names: [String]) throws(CoreError) {
    guard new.count == old.count else { throw CoreError(.value, "\(new.count) tensors for \(old.count) weights") }
    for (i, name) in names.enumerated() where new[i].shape != old[i].shape || new[i].dtype != old[i].dtype {
      throw CoreError(
        .shape,
        "'\(name)' has shape \(old[i].shape) and type \(old[i].dtype.shortName), not \(new[i].shape) and \(new[i].dtype.shortName)"
      )
    }
  }

  /// Weights and buffers by name: parameters first.
  public var state: [(name: String, tensor: Tensor)] {
    Array(zip(parameterNames, parameters)) + Array(zip(bufferNames, buffers))
  }

  /// Replaces all weights and buffers by those of the same names.
  ///
  /// - Throws: `value` where one is missing or unknown, `shape` where one does not fit; then nothing has changed.
  package func setState(_ state: NamedTensors) throws(CoreError) {
    let names = parameterNames + bufferNames
    guard state.map(\.name) == names else {
      throw CoreError(.value, "these are not the weights of \(name): \(state.count) tensors for \(names.count)")
    }
    let tensors = state.map(\.tensor)
    try Self.require(tensors, like: parameters + buffers, names: names)
    try setParameters(Array(tensors.prefix(parameterNames.count)))
    try setBuffers(Array(tensors.dropFirst(parameterNames.count)))
  }

  /// A model of its own with the same weights.
  public func copy() -> Model {
    let copy = with(temperature: temperature, Weights(parameters: parameters, buffers: buffers, untrained: frozen))
    copy.source = source
    copy.training = training
    return copy
  }

  /// The same weights, with logits divided by a temperature, which multiplies the one that this model has; training
  /// either changes both.
  ///
  /// - Throws: `value` unless the temperature is positive, and neither it nor its reciprocal overflows.
  public func at(temperature: Float) throws(CoreError) -> Model {
    let temperature = self.temperature * temperature
    guard temperature > 0, temperature.isFinite, (1 / temperature).isFinite else {
      throw CoreError(
        .value, "a temperature must be a positive number, not \(temperature)", hint: "T=1 leaves the softmax as it is",
        argument: "temperature")
    }
    return with(temperature: temperature, weights)
  }

  /// The same weights and logits, with gradients that pass through some layers as if these were the identity: backward
  /// pass differentiable approximation (Athalye et al. 2018), for layers whose own gradient is zero or tells nothing.
  /// Training either changes both.
  ///
  /// - Parameter layers: names as `summary` has them, or those of layers made of others, such as "layer1".
  /// - Throws: `value` for a name that no layer has, `shape` for a layer whose output has another shape than its input.
  public func bpda(_ layers: [String]) throws(CoreError) -> Model {
    let straight = Set(self.straight + layers).sorted()
    let network = try Blueprint(architecture, straight: straight).network
    return with(temperature: temperature, weights, network: network, straight: straight)
  }

  /// Whether training one of the models changes the other.
  public func sharesWeights(with other: Model) -> Bool { weights === other.weights }

  private func with(
    temperature: Float, _ weights: Weights, network: NetworkNode? = nil, straight: [String]? = nil
  ) -> Model {
    let model = Model(
      architecture: architecture, network: network ?? self.network, parameterNames: parameterNames,
      bufferNames: bufferNames, temperature: temperature, straight: straight ?? self.straight, weights: weights)
    model.name = name
    return model
  }

  // MARK: Keeping

  /// What models at other temperatures share with this one: the owner of weights, buffers and what is frozen.
  package var sharedWeights: AnyObject { weights }

  /// What training changes, as it is now: it is copied before it is written, and may be read from any thread.
  package struct Held {
    /// The weights, in the order of `parameters`.
    package var parameters: [Tensor]
    /// Running statistics, in the order of `buffers`.
    package var buffers: [Tensor]
    /// The indices of the frozen weights.
    package var frozen: Set<Int>
    /// The file that they come from.
    package var source: ModelSource?

    /// What training changes.
    package init(parameters: [Tensor], buffers: [Tensor], frozen: Set<Int>, source: ModelSource?) {
      (self.parameters, self.buffers, self.frozen, self.source) = (parameters, buffers, frozen, source)
    }
  }

  /// What training changes.
  package var held: Held {
    get { Held(parameters: weights.parameters, buffers: weights.buffers, frozen: weights.untrained, source: source) }
    set {
      weights.parameters = newValue.parameters
      weights.buffers = newValue.buffers
      weights.untrained = newValue.frozen
      weights.source = newValue.source
      weights.frozen = [:]
    }
  }

  /// Whether weights, buffers and what is frozen are still those, without looking at a number.
  package func isStill(_ held: Held) -> Bool {
    func same(_ a: [Tensor], _ b: [Tensor]) -> Bool {
      a.count == b.count && zip(a, b).allSatisfy { $0.storage === $1.storage }
    }
    return same(weights.parameters, held.parameters) && same(weights.buffers, held.buffers)
      && weights.untrained == held.frozen
  }

  /// A model with weights that were kept.
  ///
  /// - Throws: `value` and `shape` where the architecture has others.
  package static func kept(_ architecture: Architecture, _ held: Held) throws(CoreError) -> Model {
    let blueprint = try Blueprint(architecture)
    let (parameters, buffers) = (blueprint.parameters, blueprint.buffers)
    func fits(_ tensors: [Tensor], _ specifications: [TensorSpecification]) -> Bool {
      tensors.count == specifications.count && zip(tensors, specifications).allSatisfy { $0.shape == $1.shape }
    }
    guard fits(held.parameters, parameters), fits(held.buffers, buffers),
      held.frozen.allSatisfy(parameters.indices.contains), held.parameters.allSatisfy({ $0.dtype == .float32 })
    else { throw CoreError(.value, "the weights are not those of \(architecture)") }
    let model = Model(architecture, blueprint, parameters: held.parameters, buffers: held.buffers)
    model.held = held
    return model
  }

  /// A model of the same weights under another name and temperature.
  package func view(name: String, temperature: Float, straight: [String]) throws(CoreError) -> Model {
    guard temperature > 0, temperature.isFinite, (1 / temperature).isFinite else {
      throw CoreError(.value, "a temperature must be a positive number, not \(temperature)")
    }
    let network = straight.isEmpty ? nil : try Blueprint(architecture, straight: Set(straight).sorted()).network
    let model = with(temperature: temperature, weights, network: network, straight: straight)
    model.name = name
    return model
  }

  /// Whether architecture, weights and buffers are the same, bit for bit.
  public func hasEqualWeights(to other: Model) -> Bool {
    architecture == other.architecture && zip(state, other.state).allSatisfy { $0.tensor.isIdentical(to: $1.tensor) }
  }
}

extension Model: CustomStringConvertible {
  /// The call that makes the architecture, the number of weights, how many are frozen, and the temperature unless it is 1.
  public var description: String {
    let fixed = frozen.reduce(0) { $0 + parameters[$1].count }
    return "\(architecture), \(parameterCount) weights" + (fixed > 0 ? ", \(fixed) of them frozen" : "")
      + (temperature == 1 ? "" : ", at temperature \(temperature)")
      + (straight.isEmpty ? "" : ", gradients straight through \(straight.joined(separator: ", "))")
  }
}

extension TensorSpecification {
  fileprivate func tensor(stream: RandomStream) throws(CoreError) -> Tensor {
    switch content {
    case .uniform(let bound): try .uniform(shape, from: Float(-bound), to: Float(bound), stream: stream)
    case .normal(let deviation): try .normal(shape, deviation: Float(deviation), stream: stream)
    case .constant(let value): try .full(shape, Float(value))
    case .counter: try Tensor(ints: [0], shape: [])
    }
  }
}
