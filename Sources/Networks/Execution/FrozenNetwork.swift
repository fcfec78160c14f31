import Base
import Tensors

/// A network compiled for fixed weights: a list of fused steps, each of which reads earlier results and writes one.
///
/// Attacks and evaluation do nothing but run forward and take the gradient with respect to the images, so what can be
/// done once for all weights is done when the list is made. Batch norm that follows a convolution is folded into its
/// weights (in evaluation mode); bias, residual sum and ReLU go into the epilogue of the convolution before them. A
/// batch norm with ReLU that comes before convolutions leaves its slope to the weights by which these form their
/// gradients. A linear layer is a convolution of images of one pixel; after a flattening its weights are put into the
/// order in which the pixels lie in memory, so that nothing is moved. The mask of a ReLU before max pooling is applied
/// to the few values that came through.
///
/// The gradient of the images is found by walking the list backwards: each convolution adds what has reached its input
/// by other ways and applies the mask of the ReLU there, in its own epilogue. Layers that are not known here run as
/// they do in `Pass`, each on a record of its own. A gradient that is followed in turn goes through the network layer
/// by layer instead.
///
/// For evaluation a list is made once and used until the weights change; in training mode, in which batch norm takes
/// its statistics from the batch, it is good for one run.
final class FrozenNetwork {
  /// Steps are in order; the result of step i is value i + 1, and value 0 is the images.
  struct Step {
    enum Operation {
      /// relu(conv(input) + addend).
      case convolution(FixedConvolution, addend: Int?)
      /// relu(input · weightᵀ + bias + addend), over the last axis; `flattens` takes all axes but the first for one, in
      /// the order of memory with channels last, in which the weights are too.
      case linear(FixedConvolution, addend: Int?, flattens: Bool)
      /// The greatest value of each window.
      case maxPool(Pooling)
      /// relu(input · scale + shift) where each reader is a convolution; their `gradientWeight` holds the scale.
      case activation(NormalizedInput)
      case sum(Int, Int)
      /// Any other layer; its gradient is found by a tape of its own.
      case other(NetworkNode)
    }

    var operation: Operation
    var input: Int
    var relu = false
    /// Whether the only reader applies the mask of the ReLU.
    var leavesMask = false
    /// How many channels the result has, where that is known.
    var channels: Int?

    var reads: [Int] {
      switch operation {
      case .convolution(_, let addend), .linear(_, let addend, _): [input] + (addend.map { [$0] } ?? [])
      case .sum(let a, let b): [a, b]
      case .activation, .maxPool, .other: [input]
      }
    }

    var weightCount: Int {
      switch operation {
      case .convolution(let layer, _), .linear(let layer, _, _): layer.weight.count
      case .activation, .maxPool, .sum, .other: 0
      }
    }
  }

  /// Batch norm as it stands before a convolution.
  struct NormalizedInput {
    var norm: BatchNorm
    var slots: BatchNormSlots
    /// [channels]: weight / √(variance + eps).
    var scale: Tensor
    var layer: NetworkNode { .batchNorm(norm, slots, relu: true) }
  }

  private let network: NetworkNode
  private(set) var steps: [Step] = []
  /// Runs the other layers; in training mode it moves the buffers.
  private(set) var pass: Pass
  /// The first and the last step that reads each value; -1 for none.
  private var firstReader: [Int] = []
  private var lastReader: [Int] = []
  /// The value that a flattening reads which has no step yet, because a linear layer may read through it.
  private var flattened: Int?
  /// The weights of all convolutions and linear layers.
  private var weightCount = 0
  /// How many values all steps give for one image; nil before the first run.
  private var valuesPerImage: Int?

  init(_ network: NetworkNode, _ pass: Pass) throws(CoreError) {
    self.pass = pass
    self.network = network
    settle(try compile(network, 0, alone: true))
    try foldScales()
    leaveMasks()
    weightCount = steps.reduce(0) { $0 + $1.weightCount }
    firstReader = Array(repeating: -1, count: steps.count + 1)
    lastReader = firstReader
    for (i, step) in steps.enumerated() {
      for value in step.reads {
        if firstReader[value] < 0 { firstReader[value] = i }
        lastReader[value] = i
      }
    }
  }

  // MARK: Compilation

  private func append(_ operation: Step.Operation, _ input: Int) -> Int {
    steps.append(Step(operation: operation, input: input))
    let before = input > 0 ? steps[input - 1].channels : nil
    switch operation {
    case .convolution(let convolution, _): steps[steps.count - 1].channels = convolution.weight.shape[0]
    case .activation, .maxPool, .sum, .other(.relu): steps[steps.count - 1].channels = before
    case .linear, .other: break
    }
    return steps.count
  }

  /// The value that is meant where a flattening of it may wait for its reader, with a step of its own.
  @discardableResult
  private func settle(_ value: Int) -> Int {
    guard flattened == value else { return value }
    flattened = nil
    return append(.other(.flatten), value)
  }

  /// Appends the steps of a layer that reads `value`, or changes the step that gives it where the layer is `alone` in
  /// reading it; the result is the value that the layer gives.
  private func compile(_ node: NetworkNode, _ value: Int, alone: Bool) throws(CoreError) -> Int {
    switch node {
    case .sequence, .linear,
      .dropout where pass.mode == .eval, .dropout2d where pass.mode == .eval:
      break
    default:
      let settled = settle(value)
      if settled != value { return try compile(node, settled, alone: true) }
    }
    switch node {
    case .conv2d(let conv, let weight, let bias):
      return try append(convolution(conv, weight, bias), value)
    case .flatten where value > 0 && steps[value - 1].channels != nil:
      flattened = value
      return value
    case .linear(let weight, let bias):
      let flattens = flattened == value
      flattened = nil
      return try append(
        .linear(
          linear(weight, bias, channels: flattens ? steps[value - 1].channels : nil), addend: nil, flattens: flattens),
        value)
    case .maxPool(let pooling): return append(.maxPool(pooling), value)
    case .sequence(let nodes):
      var (value, alone) = (value, alone)
      for node in nodes {
        let next = try compile(node, value, alone: alone)
        alone = alone || next != value
        value = next
      }
      return value
    case .batchNorm(let norm, let slots, let relu):
      if pass.usesBatch(slots) { return append(.other(node), value) }
      if alone, case .convolution(let convolution, addend: nil)? = lastProduct(value) {
        steps[value - 1].operation = .convolution(try folded(norm, slots, into: convolution), addend: nil)
        steps[value - 1].relu = relu
        return value
      }
      guard relu else { return append(.other(node), value) }
      let result = append(
        .activation(NormalizedInput(norm: norm, slots: slots, scale: try scale(norm, slots))), value)
      steps[result - 1].relu = true
      return result
    case .relu:
      if alone, value > 0, canEndInRelu(value) {
        steps[value - 1].relu = true
        return value
      }
      return append(.other(node), value)
    case .dropout where pass.mode == .eval, .dropout2d where pass.mode == .eval: return value
    case .residual(let before, let body, let shortcut, let shortcutReadsBefore, let after):
      let activated = settle(try compile(before, value, alone: alone && shortcutReadsBefore))
      let straight = settle(try compile(shortcut, shortcutReadsBefore ? activated : value, alone: false))
      let start = steps.count
      let branch = settle(try compile(body, activated, alone: false))
      var sum: Int
      if branch > start, case .convolution(let convolution, addend: nil)? = lastProduct(branch) {
        steps[branch - 1].operation = .convolution(convolution, addend: straight)
        sum = branch
      } else if branch > start, case .linear(let layer, addend: nil, let flattens)? = lastProduct(branch) {
        steps[branch - 1].operation = .linear(layer, addend: straight, flattens: flattens)
        sum = branch
      } else {
        sum = append(.sum(branch, straight), branch)
      }
      sum = try compile(after, sum, alone: true)
      return sum
    default: return append(.other(node), value)
    }
  }

  /// What gives `value` as the latest step, if nothing follows it yet.
  private func lastProduct(_ value: Int) -> Step.Operation? {
    guard value > 0, value == steps.count, !steps[value - 1].relu else { return nil }
    return steps[value - 1].operation
  }

  private func canEndInRelu(_ value: Int) -> Bool {
    guard value == steps.count, !steps[value - 1].relu else { return false }
    switch steps[value - 1].operation {
    case .convolution, .linear, .sum: return true
    case .activation, .maxPool, .other: return false
    }
  }

  /// - Parameter channels: those of the flattened image that the layer reads; nil where it reads rows as they are.
  private func linear(_ weight: Int, _ bias: Int?, channels: Int?) throws(CoreError) -> FixedConvolution {
    var weights = pass.parameters[weight]
    let (outputs, inputs) = (weights.shape[0], weights.shape[1])
    if let channels { weights = try weights.reshape([outputs, channels, inputs / channels]).permute([0, 2, 1]) }
    return try FixedConvolution(
      weight: weights.reshape([outputs, inputs, 1, 1]), bias: bias.map { pass.parameters[$0] }, stride: (1, 1),
      padding: .none, dilation: (1, 1), groups: 1)
  }

  private func convolution(_ conv: Conv2d, _ weight: Int, _ bias: Int?) throws(CoreError) -> Step.Operation {
    .convolution(
      try FixedConvolution(
        weight: pass.parameters[weight], bias: bias.map { pass.parameters[$0] }, stride: conv.stride.pair,
        padding: conv.padding, dilation: conv.dilation.pair, groups: conv.groups), addend: nil)
  }

  private func scale(_ norm: BatchNorm, _ slots: BatchNormSlots) throws(CoreError) -> Tensor {
    try pass.parameters[slots.weight] / (pass.buffers[slots.variance] + Float(norm.eps)).sqrt()
  }

  /// bn(conv(x) + bias) as one convolution.
  private func folded(
    _ norm: BatchNorm, _ slots: BatchNormSlots, into convolution: FixedConvolution
  ) throws(CoreError) -> FixedConvolution {
    let scale = try scale(norm, slots)
    let mean = pass.buffers[slots.mean]
    let center = if let bias = convolution.bias { try mean - bias } else { mean }
    return try FixedConvolution(
      weight: convolution.weight * scale.reshape([scale.count, 1, 1, 1]),
      bias: pass.parameters[slots.bias] - center * scale, stride: convolution.stride, padding: convolution.padding,
      dilation: convolution.dilation, groups: convolution.groups)
  }

  /// Puts the scale of an activation into the gradients of the convolutions that read it; an activation with other
  /// readers is an ordinary layer.
  private func foldScales() throws(CoreError) {
    for i in steps.indices {
      guard case .activation(let activation) = steps[i].operation else { continue }
      let readers = steps.indices.filter { steps[$0].reads.contains(i + 1) }
      let foldable =
        !readers.isEmpty
        && readers.allSatisfy { reader in
          guard case .convolution(let convolution, let addend) = steps[reader].operation else { return false }
          return addend != i + 1 && convolution.groups == 1
        }
      guard foldable else {
        steps[i].operation = .other(activation.layer)
        steps[i].relu = false
        continue
      }
      for reader in readers {
        guard case .convolution(var convolution, let addend) = steps[reader].operation else { continue }
        convolution.gradientWeight =
          try convolution.weight
          * activation.scale.reshape([1, activation.scale.count, 1, 1])
        steps[reader].operation = .convolution(convolution, addend: addend)
      }
    }
  }

  /// Where max pooling alone reads a ReLU, what came through is positive where its source is.
  private func leaveMasks() {
    for (i, step) in steps.enumerated() {
      guard case .maxPool = step.operation, step.input > 0, steps[step.input - 1].relu,
        steps.count(where: { $0.reads.contains(step.input) }) == 1
      else { continue }
      if case .activation = steps[step.input - 1].operation { continue }
      steps[step.input - 1].leavesMask = true
      steps[i].relu = true
    }
  }

  // MARK: Running

  /// What the gradient needs of a forward pass.
  struct Record: Sendable {
    /// Of each value, the images first.
    var shapes: [[Int]]
    /// Results of ReLUs.
    var masks: [Int: Tensor] = [:]
    /// Where the greatest values of windows lie.
    var places: [Int: MaximumPlaces] = [:]
    /// Input and result of other layers, with the tape between.
    var layers: [Int: (input: Tensor, output: Tensor)] = [:]
  }

  /// Logits [n, classes] of images [n, channels, h, w]; if these are tracked, so are the logits.
  ///
  /// - Parameter noise: what noise draws from for each image; empty where there is none.
  func callAsFunction(_ images: Tensor, noise: [RandomStream] = []) throws(CoreError) -> Tensor {
    guard !steps.isEmpty else { throw CoreError(.value, "a network without layers") }
    let (parts, isTracked) = (pieces(of: images.shape[0]), images.isTracked)
    let saved = images.detached()
    let logits: Tensor
    var records: [Record] = []
    if parts.count > 1 {
      let results = try concurrently(parts.count) { (i) throws(CoreError) in
        var pass = pass
        pass.noise = noise.isEmpty ? [] : Array(noise[parts[i]])
        return try run(saved.rows(parts[i]), isTracked, &pass)
      }
      logits = try Tensor.joined(results.map(\.logits))
      records = results.map(\.record)
    } else {
      // Only training moves what the pass holds; in evaluation threads may be here side by side.
      var own = pass
      own.noise = noise
      let result = try run(saved, isTracked, &own)
      if own.mode == .train { pass = own }
      logits = result.logits
      records = [result.record]
      if images.shape[0] > 0, valuesPerImage == nil { valuesPerImage = result.valuesPerImage }
    }
    return try logits.recording([images], operation: "model", isTwice: true) {
      [self, records] (g, needs) throws(CoreError) in
      guard needs.areFollowed else {
        if records.count == 1 { return [try gradient(g, records[0], keeping: needs.recordStays)] }
        let gradients = try concurrently(parts.count) { (i) throws(CoreError) in
          try gradient(g.rows(parts[i]), records[i], keeping: needs.recordStays)
        }
        return [try Tensor.joined(gradients)]
      }
      // Once more, layer by layer, with a record of everything; running statistics have moved already.
      return try pullThrough(g, needs, [needs.operand(saved, 0)]) { (images) throws(CoreError) in
        var pass = pass
        pass.noise = noise
        return try pass.run(network, images[0])
      }
    }
  }

  /// How many images are cut into which pieces, by their number alone: no bit depends on it.
  ///
  /// The values of a small network for a few images stay in the cache of one processor from layer to layer, and
  /// threads that have pieces of their own never wait for each other. Large weights pass through the cache once for
  /// each piece, so that networks with such take all images at once, as do those in training, whose images share their
  /// statistics.
  ///
  /// - Parameter values: how many values an image gives, where that is not what it gives from the first step to the last.
  func pieces(of n: Int, values: Int? = nil) -> [Range<Int>] {
    guard pass.mode == .eval, n > 1, weightCount <= 1 << 20, let valuesPerImage = values ?? valuesPerImage else {
      return [0..<n]
    }
    let most = min(max((1 << 20) / max(valuesPerImage, 1), 8), 64)
    var count = max((n + most - 1) / most, min(8, n * valuesPerImage >> 18))
    if count > 1 { count = min(n, (count + 1) / 2 * 2) }
    return (0..<max(count, 1)).map { n * $0 / max(count, 1)..<n * ($0 + 1) / max(count, 1) }
  }

  /// The logits of some images, with what their gradient needs where they are `tracked`.
  private func run(
    _ images: Tensor, _ tracked: Bool, _ pass: inout Pass
  ) throws(CoreError) -> (logits: Tensor, record: Record, valuesPerImage: Int) {
    var values = [Tensor?](repeating: nil, count: steps.count + 1)
    var record = Record(shapes: [images.shape])
    values[0] = images
    try run(from: 0, &values, tracked, &pass, &record)
    guard let logits = values[steps.count] else { throw CoreError(.value, "a network without layers") }
    let total = record.shapes.reduce(0) { $0 + $1.reduce(1, *) }
    return (logits, record, total / max(images.shape[0], 1))
  }

  /// Runs the steps from `first` on, of which `values` holds what they read. A value goes when nobody reads it any more,
  /// unless it is among those `keeping`.
  func run(
    from first: Int, _ values: inout [Tensor?], keeping kept: Set<Int> = [], _ tracked: Bool = false,
    _ pass: inout Pass, _ record: inout Record
  ) throws(CoreError) {
    for i in first..<steps.count {
      let step = steps[i]
      guard let x = values[step.input] else { break }
      let result: Tensor
      switch step.operation {
      case .convolution(let convolution, let addend):
        result = try convolution.forward(x, adding: addend.flatMap { values[$0] }, relu: step.relu)
      case .linear(let layer, let addend, let flattens):
        result = try layer.linear(
          x, flattens: flattens, adding: addend.flatMap { values[$0] }, relu: step.relu)
      case .maxPool(let pooling):
        let (pooled, places) = try fixedMaxPool(
          x, kernel: pooling.kernel.pair, stride: pooling.stride.pair, padding: pooling.padding, keepsPlaces: tracked)
        result = pooled
        record.places[i] = places
      case .activation(let activation): result = try pass.run(activation.layer, x)
      case .sum(_, let other):
        let sum = if let other = values[other] { try x + other } else { x }
        result = step.relu ? try sum.relu() : sum
      case .other(let node):
        let input = tracked ? x.tracked() : x
        let output = try pass.run(node, input)
        if tracked { record.layers[i] = (input, try output.recordAlone) }
        result = output.detached()
      }
      if tracked, step.relu, !step.leavesMask { record.masks[i + 1] = result }
      record.shapes.append(result.shape)
      values[i + 1] = result
      for value in step.reads where lastReader[value] == i && !kept.contains(value) { values[value] = nil }
    }
  }

  /// The gradient with respect to the images.
  ///
  /// - Parameter isKept: whether the record will be walked again.
  private func gradient(_ g: Tensor, _ record: Record, keeping isKept: Bool) throws(CoreError) -> Tensor {
    var record = record
    // Of each value the sum over the readers that were passed; where it is a ReLU's result, perhaps masked already.
    var sums: [Int: Tensor] = [steps.count: g]
    var masked: Set<Int> = []
    func add(_ gradient: Tensor, to value: Int) throws(CoreError) {
      sums[value] = if let sum = sums.removeValue(forKey: value) { try sum.accumulating(gradient) } else { gradient }
    }
    for (i, step) in steps.enumerated().reversed() {
      let result = i + 1
      guard var g = sums.removeValue(forKey: result) else { continue }
      if let mask = record.masks[result], !masked.contains(result) { g = try reluGradient(g, result: mask) }
      record.masks[result] = nil
      switch step.operation {
      case .activation:
        // The convolutions that read it have scaled the gradient.
        try add(g, to: step.input)
      case .sum(let a, let b):
        try add(g, to: a)
        try add(g, to: b)
      case .maxPool:
        if let places = record.places.removeValue(forKey: i) { try add(places.gradient(g), to: step.input) }
      case .linear(let layer, let addend, let flattens):
        if let addend { try add(g, to: addend) }
        let completes = firstReader[step.input] == i
        let mask = completes ? record.masks[step.input] : nil
        sums[step.input] = try layer.linearInputGradient(
          g, input: record.shapes[step.input], flattens: flattens, adding: sums.removeValue(forKey: step.input),
          mask: mask)
        if mask != nil { masked.insert(step.input) }
      case .other:
        guard let (input, output) = record.layers.removeValue(forKey: i) else { break }
        let gradient = try gradients(of: output, withRespectTo: [input], cotangent: g, keepingRecord: isKept)[0]
        try add(gradient, to: step.input)
      case .convolution(let convolution, let addend):
        if let addend { try add(g, to: addend) }
        // The earliest reader of a value is the last to be passed: it completes the gradient.
        let completes = firstReader[step.input] == i
        let mask = completes ? record.masks[step.input] : nil
        let own = sums.removeValue(forKey: step.input)
        var target = step.input
        var skip = own
        var masksFirst = false
        if completes, own == nil, let source = activationInput(step.input), let sum = sums.removeValue(forKey: source) {
          // Through the activation at once, onto what has reached its input by other ways.
          (target, skip, masksFirst) = (source, sum, true)
        }
        sums[target] = try convolution.inputGradient(
          g, input: record.shapes[step.input], adding: skip, mask: mask, masksFirst: masksFirst)
        if mask != nil { masked.insert(step.input) }
      }
    }
    return if let sum = sums[0] { sum } else { try Tensor.zeros(record.shapes[0]) }
  }

  /// What an activation reads, when `value` is its result.
  private func activationInput(_ value: Int) -> Int? {
    guard value > 0, case .activation = steps[value - 1].operation else { return nil }
    return steps[value - 1].input
  }
}
