import Base
import Tensors

/// A network compiled for fixed weights: a list of fused steps, each of which reads earlier results and writes one.
///
/// Attacks and evaluation do nothing but run forward and take the gradient with respect to the images, so what can be
/// done once for all weights is done when the list is made. Batch norm that follows a convolution is folded into its
/// weights (in evaluation mode); bias, residual sum and ReLU go into the epilogue of the convolution before them. A
/// batch norm with ReLU that comes before convolutions leaves its slope to the weights by which these form their
/// gradients.
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
      /// relu(input · scale + shift) where each reader is a convolution; their `gradientWeight` holds the scale.
      case activation(NormalizedInput)
      case sum(Int, Int)
      /// Any other layer; its gradient is found by a tape of its own.
      case other(NetworkNode)
    }

    var operation: Operation
    var input: Int
    var relu = false

    var reads: [Int] {
      switch operation {
      case .convolution(_, let addend): [input] + (addend.map { [$0] } ?? [])
      case .sum(let a, let b): [a, b]
      case .activation, .other: [input]
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
  private var steps: [Step] = []
  /// Runs the other layers; in training mode it moves the buffers.
  private(set) var pass: Pass
  /// The first and the last step that reads each value; -1 for none.
  private var firstReader: [Int] = []
  private var lastReader: [Int] = []

  init(_ network: NetworkNode, _ pass: Pass) throws(CoreError) {
    self.pass = pass
    self.network = network
    _ = try compile(network, 0, alone: true)
    try foldScales()
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
    return steps.count
  }

  /// Appends the steps of a layer that reads `value`, or changes the step that gives it where the layer is `alone` in
  /// reading it; the result is the value that the layer gives.
  private func compile(_ node: NetworkNode, _ value: Int, alone: Bool) throws(CoreError) -> Int {
    switch node {
    case .conv2d(let conv, let weight, let bias):
      return try append(convolution(conv, weight, bias), value)
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
      if alone, let convolution = lastConvolution(value) {
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
      let activated = try compile(before, value, alone: alone && shortcutReadsBefore)
      let straight = try compile(shortcut, shortcutReadsBefore ? activated : value, alone: false)
      let start = steps.count
      let branch = try compile(body, activated, alone: false)
      var sum: Int
      if branch > start, branch == steps.count, let convolution = lastConvolution(branch) {
        steps[branch - 1].operation = .convolution(convolution, addend: straight)
        sum = branch
      } else {
        sum = append(.sum(branch, straight), branch)
      }
      sum = try compile(after, sum, alone: true)
      return sum
    default: return append(.other(node), value)
    }
  }

  /// The convolution that gives `value` as the latest step, if nothing follows it yet.
  private func lastConvolution(_ value: Int) -> FixedConvolution? {
    guard value > 0, value == steps.count, !steps[value - 1].relu,
      case .convolution(let convolution, addend: nil) = steps[value - 1].operation
    else { return nil }
    return convolution
  }

  private func canEndInRelu(_ value: Int) -> Bool {
    guard value == steps.count, !steps[value - 1].relu else { return false }
    switch steps[value - 1].operation {
    case .convolution, .sum: return true
    case .activation, .other: return false
    }
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

  // MARK: Running

  /// What the gradient needs of a forward pass.
  private struct Record {
    var shapes: [[Int]]
    /// Results of ReLUs.
    var masks: [Int: Tensor] = [:]
    /// Input and result of other layers, with the tape between.
    var layers: [Int: (input: Tensor, output: Tensor)] = [:]
  }

  /// Logits [n, classes] of images [n, channels, h, w]; if these are tracked, so are the logits.
  func callAsFunction(_ images: Tensor) throws(CoreError) -> Tensor {
    var values = [Tensor?](repeating: nil, count: steps.count + 1)
    var record = Record(shapes: [images.shape])
    values[0] = images.detached()
    for (i, step) in steps.enumerated() {
      guard let x = values[step.input] else { break }
      let result: Tensor
      switch step.operation {
      case .convolution(let convolution, let addend):
        result = try convolution.forward(x, adding: addend.flatMap { values[$0] }, relu: step.relu)
      case .activation(let activation): result = try pass.run(activation.layer, x)
      case .sum(_, let other):
        let sum = if let other = values[other] { try x + other } else { x }
        result = step.relu ? try sum.relu() : sum
      case .other(let node):
        let input = images.isTracked ? x.tracked() : x
        let output = try pass.run(node, input)
        if images.isTracked { record.layers[i] = (input, output) }
        result = output.detached()
      }
      if images.isTracked, step.relu { record.masks[i + 1] = result }
      record.shapes.append(result.shape)
      values[i + 1] = result
      for value in step.reads where lastReader[value] == i { values[value] = nil }
    }
    guard let logits = values[steps.count] else { throw CoreError(.value, "a network without layers") }
    let saved = images.detached()
    return try logits.recording([images], operation: "model", isTwice: true) {
      [self, record] (g, needs) throws(CoreError) in
      guard needs.areFollowed else { return [try gradient(g, record, keeping: needs.recordStays)] }
      // Once more, layer by layer, with a record of everything; running statistics have moved already.
      return try pullThrough(g, needs, [needs.operand(saved, 0)]) { (images) throws(CoreError) in
        var pass = pass
        return try pass.run(network, images[0])
      }
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
