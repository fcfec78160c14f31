import Base
import Networks
import Tensors

/// A network as the bounds see it: a list of steps on values of one example, in double precision.
///
/// A certificate is a proof, so it is made of the weights as they are, as exact numbers, and of arithmetic whose rounding
/// is accounted for; see `BoundPass`. Everything between two activations is affine, and four kinds of affine steps are
/// enough: a linear layer is a convolution whose kernel covers the whole image, global average pooling is an average over
/// one window, batch norm and the normalisation of images are a scale and a shift.
///
/// Values have channels last, [height, width, channels]. Value 0 is the image; step i gives value i + 1.
struct BoundNetwork: Sendable {
  /// The shape of a value.
  struct Shape: Sendable, Equatable {
    var height: Int
    var width: Int
    var channels: Int
    var count: Int { height * width * channels }
  }

  /// Sliding windows over a value.
  struct Windows: Sendable {
    var kernel: Size
    var stride: Size
    var top: Int
    var left: Int
    var dilation = Size(1)
  }

  /// A convolution with all groups written out.
  struct Convolution: Sendable {
    var windows: Windows
    /// [filters, kernel height · kernel width · channels].
    var weight: [Double]
    /// The absolute values of `weight`.
    var magnitude: [Double]
    /// [filters].
    var bias: [Double]
    /// Kernel height · kernel width · channels.
    var inner: Int
  }

  /// x · scale + shift, with a number for each channel, or for each element.
  struct Scale: Sendable {
    var scale: [Double]
    var shift: [Double]
    /// What the rounding of `shift` is relative to: the sum of the magnitudes that it was formed of.
    var magnitude: [Double]
  }

  /// A function of one number that is convex, concave or both in turn.
  enum Activation: Sendable {
    case relu
    case leakyRelu(Double)
    case relu6
  }

  enum Operation: Sendable {
    case convolution(Convolution)
    case scale(Scale)
    case average(Windows)
    case sum(Int)
    case activation(Activation)
    case maxPool(Windows)
  }

  struct Step: Sendable {
    var operation: Operation
    var input: Int

    /// Whether the step is not affine, so that it has to be bounded by lines.
    var isBent: Bool {
      switch operation {
      case .activation, .maxPool: true
      case .convolution, .scale, .average, .sum: false
      }
    }
  }

  private(set) var steps: [Step] = []
  private(set) var shapes: [Shape]
  /// What the logits are divided by.
  let temperature: Double
  /// A bound of the relative rounding error of every sum that a pass forms: γ_n = n·u / (1 − n·u) of Higham, for n above the
  /// number of terms of any of them and of all together.
  private(set) var gamma = 0.0
  /// The values that affine steps alone lead to from the image, at most one of which mixes elements: interval bounds are exact
  /// there.
  private(set) var isExact: [Bool] = [true]

  /// The network of a model in evaluation mode, at its present weights.
  ///
  /// - Throws: `value` for a layer that has no bounds here, by its name; `numeric` for weights that are not finite.
  init(_ model: Model) throws(CoreError) {
    try Self.requireBounds(model.architecture.layers(), path: "", of: model)
    let input = model.architecture.input
    shapes = [Shape(height: input[1], width: input[2], channels: input[0])]
    temperature = Double(model.temperature)
    let blueprint = try Blueprint(model.architecture)
    try compile(blueprint.network, from: 0, Weights(model))
    var terms = 1000
    for (step, shape) in zip(steps, shapes.dropFirst()) {
      terms += 4 * (shapes[step.input].count + shape.count)
      if case .convolution(let layer) = step.operation {
        terms += 4 * layer.inner * (layer.bias.count + 1)
      }
    }
    let u = Double(terms) * 0x1p-53
    gamma = u / (1 - u)
  }

  /// The steps whose inputs have to be bounded, in order.
  var bent: [Int] { steps.indices.filter { steps[$0].isBent } }

  /// What the compiler reads of a model.
  private struct Weights {
    let model: Model
    init(_ model: Model) { self.model = model }

    func parameter(_ index: Int) throws(CoreError) -> [Double] {
      try numbers(model.parameters[index], model.parameterNames[index])
    }
    func buffer(_ index: Int) throws(CoreError) -> [Double] {
      try numbers(model.buffers[index], model.bufferNames[index])
    }
    private func numbers(_ tensor: Tensor, _ name: String) throws(CoreError) -> [Double] {
      let values = tensor.floats()
      guard values.allSatisfy(\.isFinite) else {
        throw CoreError(
          .numeric, "the model \(model.name) has weights '\(name)' that are not finite: nothing can be certified",
          argument: "model")
      }
      return values.map(Double.init)
    }
  }

  // MARK: Compilation

  private mutating func append(_ operation: Operation, _ input: Int, _ shape: Shape) -> Int {
    steps.append(Step(operation: operation, input: input))
    shapes.append(shape)
    switch operation {
    case .scale: isExact.append(isExact[input])
    case .convolution: isExact.append(isExact[input] && reachesImageByScales(input))
    case .average, .sum, .activation, .maxPool: isExact.append(false)
    }
    return steps.count
  }

  private func reachesImageByScales(_ value: Int) -> Bool {
    if value == 0 { return true }
    if case .scale = steps[value - 1].operation { return reachesImageByScales(steps[value - 1].input) }
    return false
  }

  @discardableResult
  private mutating func compile(_ node: NetworkNode, from value: Int, _ weights: Weights) throws(CoreError) -> Int {
    let shape = shapes[value]
    switch node {
    case .conv2d(let conv, let weight, let bias):
      return try append(convolution(conv, weight, bias, shape, weights), value, output(conv, shape))
    case .linear(let weight, let bias):
      return try linear(weight, bias, value, weights)
    case .batchNorm(let norm, let slots, let relu):
      var scale = try batchNorm(norm, slots, weights)
      if scale.scale.count != shape.channels {
        scale = Scale(
          scale: byPlace(scale.scale, shape), shift: byPlace(scale.shift, shape),
          magnitude: byPlace(scale.magnitude, shape))
      }
      let result = append(.scale(scale), value, shape)
      return relu ? append(.activation(.relu), result, shape) : result
    case .relu: return append(.activation(.relu), value, shape)
    case .leakyRelu(let slope): return append(.activation(.leakyRelu(Double(Float(slope)))), value, shape)
    case .relu6: return append(.activation(.relu6), value, shape)
    case .maxPool(let pooling): return append(.maxPool(windows(pooling)), value, output(pooling, shape))
    case .averagePool(let pooling): return append(.average(windows(pooling)), value, output(pooling, shape))
    case .globalAveragePool:
      let whole = Size(shape.height, shape.width)
      return append(
        .average(Windows(kernel: whole, stride: whole, top: 0, left: 0)), value,
        Shape(height: 1, width: 1, channels: shape.channels))
    case .flatten, .dropout, .dropout2d: return value
    case .straight(let node): return try compile(node, from: value, weights)
    case .normalise(let mean, let std):
      let scale = std.map { 1 / Double($0) }
      let shift = zip(mean, std).map { -Double($0) / Double($1) }
      return append(.scale(Scale(scale: scale, shift: shift, magnitude: shift.map(abs))), value, shape)
    case .sequence(let nodes):
      var value = value
      for node in nodes { value = try compile(node, from: value, weights) }
      return value
    case .residual(let before, let body, let shortcut, let shortcutReadsBefore, let after):
      let activated = try compile(before, from: value, weights)
      let branch = try compile(body, from: activated, weights)
      let straight = try compile(shortcut, from: shortcutReadsBefore ? activated : value, weights)
      return try compile(after, from: append(.sum(straight), branch, shapes[branch]), weights)
    case .silu, .gelu, .layerNorm, .attention, .classToken, .firstToken, .quantise, .meanSparse, .noise:
      // `requireBounds` has named the layer.
      throw Self.refusal("a layer", "", weights.model)
    }
  }

  private func windows(_ pooling: Pooling) -> Windows {
    Windows(kernel: pooling.kernel, stride: pooling.stride, top: pooling.padding.top, left: pooling.padding.left)
  }

  private func output(_ pooling: Pooling, _ shape: Shape) -> Shape {
    let padding = pooling.padding
    return Shape(
      height: (shape.height + padding.top + padding.bottom - pooling.kernel.height) / pooling.stride.height + 1,
      width: (shape.width + padding.left + padding.right - pooling.kernel.width) / pooling.stride.width + 1,
      channels: shape.channels)
  }

  private func output(_ conv: Conv2d, _ shape: Shape) -> Shape {
    func length(_ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
      (size - dilation * (kernel - 1) - 1) / stride + 1
    }
    let padding = conv.padding
    return Shape(
      height: length(
        shape.height + padding.top + padding.bottom, conv.kernel.height, conv.stride.height, conv.dilation.height),
      width: length(
        shape.width + padding.left + padding.right, conv.kernel.width, conv.stride.width, conv.dilation.width),
      channels: conv.channels)
  }

  private func convolution(
    _ conv: Conv2d, _ weight: Int, _ bias: Int?, _ shape: Shape, _ weights: Weights
  ) throws(CoreError) -> Operation {
    let values = try weights.parameter(weight)
    let (kernel, filters, channels) = (conv.kernel, conv.channels, shape.channels)
    let (own, area) = (channels / conv.groups, kernel.height * kernel.width)
    let inner = area * channels
    try requireMemory(filters, inner)
    var dense = [Double](repeating: 0, count: filters * inner)
    for filter in 0..<filters {
      let first = filter / (filters / conv.groups) * own
      for channel in 0..<own {
        for tap in 0..<area {
          dense[filter * inner + tap * channels + first + channel] = values[(filter * own + channel) * area + tap]
        }
      }
    }
    return .convolution(
      Convolution(
        windows: Windows(
          kernel: kernel, stride: conv.stride, top: conv.padding.top, left: conv.padding.left, dilation: conv.dilation),
        weight: dense, magnitude: dense.map(abs),
        bias: try bias.map { bias throws(CoreError) in try weights.parameter(bias) }
          ?? [Double](repeating: 0, count: filters), inner: inner))
  }

  private mutating func linear(
    _ weight: Int, _ bias: Int?, _ value: Int, _ weights: Weights
  ) throws(CoreError) -> Int {
    let shape = shapes[value]
    let values = try weights.parameter(weight)
    let inner = shape.count
    let filters = values.count / max(inner, 1)
    try requireMemory(filters, inner)
    var rows = [Double](repeating: 0, count: filters * inner)
    for filter in 0..<filters {
      let row = byPlace(Array(values[filter * inner..<(filter + 1) * inner]), shape)
      rows.replaceSubrange(filter * inner..<(filter + 1) * inner, with: row)
    }
    let layer = Convolution(
      windows: Windows(kernel: Size(shape.height, shape.width), stride: Size(1), top: 0, left: 0), weight: rows,
      magnitude: rows.map(abs),
      bias: try bias.map { bias throws(CoreError) in try weights.parameter(bias) }
        ?? [Double](repeating: 0, count: filters), inner: inner)
    return append(.convolution(layer), value, Shape(height: 1, width: 1, channels: filters))
  }

  /// Numbers in the order of flattened features, channels first, in the order of values, channels last.
  private func byPlace(_ values: [Double], _ shape: Shape) -> [Double] {
    let area = shape.height * shape.width
    guard area > 1, values.count == shape.count else { return values }
    var result = [Double](repeating: 0, count: values.count)
    for channel in 0..<shape.channels {
      for place in 0..<area { result[place * shape.channels + channel] = values[channel * area + place] }
    }
    return result
  }

  private func batchNorm(
    _ norm: BatchNorm, _ slots: BatchNormSlots, _ weights: Weights
  ) throws(CoreError) -> Scale {
    let (weight, bias) = (try weights.parameter(slots.weight), try weights.parameter(slots.bias))
    let (mean, variance) = (try weights.buffer(slots.mean), try weights.buffer(slots.variance))
    let scale = zip(weight, variance).map { $0 / ($1 + Double(Float(norm.eps))).squareRoot() }
    return Scale(
      scale: scale, shift: bias.indices.map { bias[$0] - mean[$0] * scale[$0] },
      magnitude: bias.indices.map { abs(bias[$0]) + abs(mean[$0] * scale[$0]) })
  }

  /// Weights are written out in double precision, with their absolute values: a bound of what they take.
  private func requireMemory(_ filters: Int, _ inner: Int) throws(CoreError) {
    let (count, overflow) = filters.multipliedReportingOverflow(by: inner)
    guard !overflow, count <= 1 << 28 else {
      throw CoreError(
        .memory, "a layer of \(filters) × \(inner) weights is too large for bounds",
        hint: "certify a smaller network", argument: "model")
    }
  }

  // MARK: Layers without bounds

  private static func requireBounds(_ layer: Layer, path: String, of model: Model) throws(CoreError) {
    switch layer {
    case .conv2d, .linear, .batchNorm, .relu, .relu6, .maxPool, .averagePool, .globalAveragePool, .flatten, .dropout,
      .dropout2d, .normalise:
      return
    case .leakyRelu(let slope):
      guard slope >= 0, slope <= 1 else {
        throw refusal("a leaky_relu whose slope is \(slope.shortest), not from 0 to 1", path, model)
      }
    case .silu: throw refusal("a silu", path, model)
    case .gelu: throw refusal("a gelu", path, model)
    case .layerNorm: throw refusal("a layer norm", path, model)
    case .attention: throw refusal("attention", path, model)
    case .classToken, .firstToken: throw refusal("tokens", path, model)
    case .quantise: throw refusal("a quantisation", path, model)
    case .meanSparse: throw refusal("mean_sparse", path, model)
    case .gaussianNoise: throw refusal("noise", path, model)
    case .sequential(let layers):
      for (i, layer) in layers.enumerated() { try requireBounds(layer, path: join(path, String(i)), of: model) }
    case .chain(let children): try requireBounds(children, path: path, of: model)
    case .residual(let block):
      for part in [block.before, block.body, block.shortcut, block.after] {
        try requireBounds(part, path: path, of: model)
      }
    }
  }

  private static func requireBounds(_ children: [Child], path: String, of model: Model) throws(CoreError) {
    for child in children { try requireBounds(child.layer, path: join(path, child.name), of: model) }
  }

  private static func join(_ path: String, _ name: String) -> String {
    path.isEmpty ? name : name.isEmpty ? path : path + "." + name
  }

  private static func refusal(_ what: String, _ path: String, _ model: Model) -> CoreError {
    CoreError(
      .value,
      "the model \(model.name) cannot be certified: \(path.isEmpty ? "it has" : "layer '\(path)' is") \(what), for which there are no bounds",
      hint: "bounds exist for linear, convolution, relu, leaky_relu, relu6, pooling, batch norm and residual sums",
      argument: "model")
  }
}
