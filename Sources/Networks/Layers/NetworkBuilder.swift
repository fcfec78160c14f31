import Base
import Tensors

/// A tensor that a network will store, as it is known before it exists.
package struct TensorSpecification: Sendable, Equatable {
  /// How the numbers of a tensor begin.
  package enum Content: Sendable, Equatable {
    /// Numbers uniform from -bound to bound.
    case uniform(bound: Double)
    /// Normal numbers around 0 with this standard deviation.
    case normal(deviation: Double)
    /// One number everywhere.
    case constant(Double)
    /// An int64 counter, which begins at 0.
    case counter
  }

  /// The name under which it is stored, as in PyTorch's state_dict.
  package var name: String
  /// The shape of the tensor.
  package var shape: [Int]
  /// How its numbers begin.
  package var content: Content
}

/// The indices of a batch norm's tensors: weight and bias among the weights of the model, the others among its buffers.
package struct BatchNormSlots: Sendable {
  package var weight: Int
  package var bias: Int
  package var mean: Int
  package var variance: Int
  package var counter: Int
}

/// A layer built for the shape it receives: it has the indices of its weights in the model's list.
package indirect enum NetworkNode: Sendable {
  /// A convolution; bias is nil where it has none.
  case conv2d(Conv2d, weight: Int, bias: Int?)
  /// A linear layer; bias is nil where it has none.
  case linear(weight: Int, bias: Int?)
  /// A batch norm, with the relu that follows, if one does.
  case batchNorm(BatchNorm, BatchNormSlots, relu: Bool)
  /// max(x, 0).
  case relu
  /// x where x > 0, slope · x elsewhere.
  case leakyRelu(slope: Double)
  /// x · sigmoid(x).
  case silu
  /// min(max(x, 0), 6).
  case relu6
  /// x · Φ(x).
  case gelu
  /// A layer norm over the last axis.
  case layerNorm(eps: Double, weight: Int, bias: Int)
  /// Attention, with the indices of the weights of its two linear layers.
  case attention(heads: Int, qkv: (weight: Int, bias: Int), projection: (weight: Int, bias: Int))
  /// Pixels as tokens after a learned one, with learned positions.
  case classToken(token: Int, positions: Int)
  /// The first token.
  case firstToken
  /// The greatest value of each window.
  case maxPool(Pooling)
  /// The mean of each window.
  case averagePool(Pooling)
  /// The mean over height and width.
  case globalAveragePool
  /// All axes but the first as one.
  case flatten
  /// Dropout; the index is that of its random stream among the dropouts of the network.
  case dropout(Double, index: Int)
  /// Dropout of whole channels; the index is as in `dropout`.
  case dropout2d(Double, index: Int)
  /// x rounded to the nearest multiple of 1 / (levels - 1).
  case quantise(levels: Int)
  /// The mean of a channel where x is within its width, else x.
  case meanSparse(mean: [Float], width: [Float])
  /// Normal numbers added to what it reads; the index is as in `dropout`.
  case noise(std: Float, index: Int)
  /// A layer through which the gradient passes as if it were the identity.
  case straight(NetworkNode)
  /// (x - mean) / std, channel by channel.
  case normalise(mean: [Float], std: [Float])
  /// Layers one after another; none is the identity.
  case sequence([NetworkNode])
  /// A sum of two ways; parts that are absent are empty sequences.
  case residual(
    before: NetworkNode, body: NetworkNode, shortcut: NetworkNode, shortcutReadsBefore: Bool, after: NetworkNode)
}

/// An architecture built for its input shape, before any weight exists.
package struct Blueprint: Sendable {
  /// The layers in the order in which they run.
  package let network: NetworkNode
  /// The weights in PyTorch's order.
  package let parameters: [TensorSpecification]
  /// The running statistics and counters in PyTorch's order.
  package let buffers: [TensorSpecification]
  /// The layers that are not made of others.
  let rows: [NetworkBuilder.Row]
  /// The products that all layers sum for one image; see `Layer.multiplyAdds`.
  package var multiplyAdds: Int { rows.reduce(0) { $0 + min($1.multiplyAdds, .max - $0) } }

  /// Builds the layers of an architecture.
  ///
  /// - Parameter straight: the names of layers through which the gradient passes as if they were the identity.
  /// - Throws: `shape` where layers do not fit, `value` for a setting out of range and for a name that no layer has,
  ///   `memory` for too many weights.
  package init(_ architecture: Architecture, straight: [String] = []) throws(CoreError) {
    var builder = NetworkBuilder()
    builder.straight = straight
    var shape = architecture.input
    network = try builder.build(try architecture.layers(), path: "", shape: &shape)
    guard shape == [architecture.classes] else {
      throw CoreError(
        .shape, "the layers give \(shape) for each image, but the logits must be [\(architecture.classes)]",
        hint: "end with linear(\(architecture.classes))", argument: "layers")
    }
    try builder.requireFound(in: architecture)
    parameters = builder.parameters
    buffers = builder.buffers
    rows = builder.rows
  }
}

/// Walks a layer description with the shape that reaches each layer, and lists the weights it needs.
///
/// All that can be wrong with a description is found here, before memory is asked for: sizes that do not fit, names
/// that are used twice, too many weights. Each layer becomes a node that refers to its weights by their indices in the
/// lists. A ReLU that follows a batch norm joins it, since the device has a call for both.
struct NetworkBuilder {
  private(set) var parameters: [TensorSpecification] = []
  private(set) var buffers: [TensorSpecification] = []
  /// The layers that are not made of others, in the order in which they are built.
  private(set) var rows: [Row] = []
  private var names: Set<String> = []
  /// How many layers that draw random numbers there are so far.
  private var dropouts = 0
  /// The names of the layers through which the gradient is to pass straight.
  var straight: [String] = []
  private var found: Set<String> = []
  private var paths: [String] = []
  private var elements = 0

  /// A layer with what is known of it once it is built.
  struct Row: Sendable {
    var path: String
    var layer: Layer
    /// The shape of what it gives for one image.
    var output: [Int]
    /// Its weights, among those of the network.
    var parameters: Range<Int>
    var multiplyAdds: Int
    var input: [Int]
  }

  /// More weights than this are refused before memory is asked for (16 GiB of float32).
  static let elementLimit = 1 << 32

  /// Builds a layer and those in it; `shape` is that of one example, without the batch axis: [c, h, w] or [features];
  /// it becomes that of the output.
  mutating func build(_ layer: Layer, path: String, shape: inout [Int], depth: Int = 0) throws(CoreError) -> NetworkNode
  {
    guard depth < Layer.depthLimit else {
      throw CoreError(.value, "layers must not be nested more than \(Layer.depthLimit) deep", argument: "layers")
    }
    do {
      try layer.validate()
    } catch {
      throw path.isEmpty ? error : error.prefixed("layer '\(path)'")
    }
    let (input, first) = (shape, parameters.count)
    if !path.isEmpty, paths.last != path { paths.append(path) }
    // The outermost layer of this name.
    let isStraight = !path.isEmpty && straight.contains(path) && found.insert(path).inserted
    var node = try node(of: layer, path: path, shape: &shape, depth: depth)
    if isStraight {
      guard shape == input else {
        throw CoreError(
          .shape, "layer '\(path)' makes \(shape) of \(input): no gradient passes straight through it",
          hint: "name a layer that leaves the shape as it is", argument: "layer")
      }
      node = .straight(node)
    }
    if !layer.isComposite {
      rows.append(
        Row(
          path: path, layer: layer, output: shape, parameters: first..<parameters.count,
          multiplyAdds: layer.multiplyAdds(from: input, to: shape), input: input))
    }
    return node
  }

  /// Checks that there are layers of all names through which the gradient is to pass straight.
  func requireFound(in architecture: Architecture) throws(CoreError) {
    guard let missing = straight.first(where: { !found.contains($0) }) else { return }
    var seen: Set<String> = []
    let names = paths.filter { seen.insert($0).inserted }
    let list = names.prefix(12).map { "\"\($0)\"" }.joined(separator: ", ")
    throw CoreError(
      .value, "the network \(architecture.name) has no layer '\(missing)'",
      hint: names.isEmpty
        ? "none of its layers has a name"
        : "it has " + list + (names.count > 12 ? " and \(names.count - 12) more: see summary(net)" : ""),
      argument: "layer")
  }

  private mutating func node(
    of layer: Layer, path: String, shape: inout [Int], depth: Int
  ) throws(CoreError) -> NetworkNode {
    switch layer {
    case .conv2d(let conv): return try buildConv2d(conv, path: path, shape: &shape)
    case .linear(let linear): return try buildLinear(linear, path: path, shape: &shape)
    case .batchNorm(let norm): return try buildBatchNorm(norm, path: path, shape: shape)
    case .relu: return .relu
    case .leakyRelu(let slope): return .leakyRelu(slope: slope)
    case .silu: return .silu
    case .relu6: return .relu6
    case .gelu: return .gelu
    case .layerNorm(let eps): return try buildLayerNorm(eps: eps, path: path, shape: shape)
    case .attention(let attention): return try buildAttention(attention, path: path, shape: shape)
    case .classToken: return try buildClassToken(path: path, shape: &shape)
    case .firstToken:
      try requireTokens(shape, "first_token", path)
      shape = [shape[1]]
      return .firstToken
    case .maxPool(let pooling):
      try pool(pooling, path: path, shape: &shape)
      return .maxPool(pooling)
    case .averagePool(let pooling):
      try pool(pooling, path: path, shape: &shape)
      return .averagePool(pooling)
    case .globalAveragePool:
      try requireImage(shape, "global average pooling", path)
      shape = [shape[0]]
      return .globalAveragePool
    case .flatten:
      shape = [try Self.product(shape)]
      return .flatten
    case .dropout(let p):
      defer { dropouts += 1 }
      return .dropout(p, index: dropouts)
    case .dropout2d(let p):
      try requireImage(shape, "dropout of channels", path)
      defer { dropouts += 1 }
      return .dropout2d(p, index: dropouts)
    case .quantise(let levels): return .quantise(levels: levels)
    case .meanSparse(let mean, let width):
      return try buildMeanSparse(mean: mean, width: width, shape: shape, path: path)
    case .gaussianNoise(let std):
      defer { dropouts += 1 }
      return .noise(std: Float(std), index: dropouts)
    case .normalise(let mean, let std): return try buildNormalise(mean: mean, std: std, shape: shape)
    case .sequential(let layers):
      let children = layers.enumerated().map { Child(String($0.offset), $0.element) }
      return try build(chain: children, path: path, shape: &shape, depth: depth)
    case .chain(let children): return try build(chain: children, path: path, shape: &shape, depth: depth)
    case .residual(let block): return try buildResidual(block, path: path, shape: &shape, depth: depth)
    }
  }

  private mutating func build(
    chain: [Child], path: String, shape: inout [Int], depth: Int
  ) throws(CoreError) -> NetworkNode {
    var nodes: [NetworkNode] = []
    for child in chain {
      let node = try build(child.layer, path: Self.join(path, child.name), shape: &shape, depth: depth + 1)
      if case .relu = node, case .batchNorm(let norm, let slots, _)? = nodes.last {
        nodes[nodes.count - 1] = .batchNorm(norm, slots, relu: true)
      } else {
        nodes.append(node)
      }
    }
    return .sequence(nodes)
  }

  private mutating func buildResidual(
    _ block: Residual, path: String, shape: inout [Int], depth: Int
  ) throws(CoreError) -> NetworkNode {
    let input = shape
    let before = try build(chain: block.before, path: path, shape: &shape, depth: depth)
    var shortcutShape = block.shortcutReadsBefore ? shape : input
    let body = try build(chain: block.body, path: path, shape: &shape, depth: depth)
    let shortcut = try build(chain: block.shortcut, path: path, shape: &shortcutShape, depth: depth)
    guard shortcutShape == shape else {
      throw CoreError(
        .shape, "\(Self.place(path))the body of a residual block gives \(shape), its shortcut \(shortcutShape)",
        hint: "give the shortcut a 1x1 convolution with the stride and the channels of the body", argument: "layers")
    }
    let after = try build(chain: block.after, path: path, shape: &shape, depth: depth)
    return .residual(
      before: before, body: body, shortcut: shortcut, shortcutReadsBefore: block.shortcutReadsBefore, after: after)
  }

  private mutating func buildConv2d(_ given: Conv2d, path: String, shape: inout [Int]) throws(CoreError) -> NetworkNode
  {
    var conv = given
    try requireImage(shape, "a convolution", path)
    guard shape[0] % conv.groups == 0, conv.channels % conv.groups == 0 else {
      throw CoreError(
        .shape,
        "\(Self.place(path))a convolution from \(shape[0]) to \(conv.channels) channels cannot have \(conv.groups) groups",
        hint: "choose groups so that it divides both numbers of channels, such as groups=1", argument: "layers")
    }
    if conv.isSame {
      let rows = Self.same(shape[1], conv.kernel.height, conv.stride.height, conv.dilation.height)
      let columns = Self.same(shape[2], conv.kernel.width, conv.stride.width, conv.dilation.width)
      conv.padding = Padding(top: rows.before, bottom: rows.after, left: columns.before, right: columns.after)
    }
    let height = try Self.windows(
      shape[1], conv.kernel.height, conv.stride.height, conv.padding.top, conv.padding.bottom, conv.dilation.height,
      path)
    let width = try Self.windows(
      shape[2], conv.kernel.width, conv.stride.width, conv.padding.left, conv.padding.right, conv.dilation.width, path)
    let inputs = shape[0] / conv.groups
    let area = try Self.product([conv.kernel.height, conv.kernel.width])
    let weight = try add(
      parameter: "weight", path, [conv.channels, inputs, conv.kernel.height, conv.kernel.width],
      conv.initialisation.weight(
        fanIn: try Self.product([inputs, area]), fanOut: try Self.product([conv.channels, area])))
    let bias =
      conv.bias
      ? try add(
        parameter: "bias", path, [conv.channels], conv.initialisation.bias(fanIn: try Self.product([inputs, area])))
      : nil
    shape = [conv.channels, height, width]
    _ = try Self.product(shape)
    return .conv2d(conv, weight: weight, bias: bias)
  }

  private mutating func buildLinear(_ linear: Linear, path: String, shape: inout [Int]) throws(CoreError) -> NetworkNode
  {
    guard shape.count == 1 || shape.count == 2, let inputs = shape.last else {
      throw CoreError(
        .shape, "\(Self.place(path))a linear layer needs one axis of features, but receives \(shape)",
        hint: "put flatten() or global_avg_pool() before it", argument: "layers")
    }
    let weight = try add(
      parameter: "weight", path, [linear.features, inputs],
      linear.initialisation.weight(fanIn: inputs, fanOut: linear.features))
    let bias =
      linear.bias
      ? try add(parameter: "bias", path, [linear.features], linear.initialisation.bias(fanIn: inputs)) : nil
    shape[shape.count - 1] = linear.features
    _ = try Self.product(shape)
    return .linear(weight: weight, bias: bias)
  }

  private mutating func buildBatchNorm(_ norm: BatchNorm, path: String, shape: [Int]) throws(CoreError) -> NetworkNode {
    if shape.count != 1 { try requireImage(shape, "batch norm", path) }
    let channels = [shape[0]]
    let weight = try add(parameter: "weight", path, channels, .constant(1))
    let bias = try add(parameter: "bias", path, channels, .constant(0))
    let mean = try add(buffer: "running_mean", path, channels, .constant(0))
    let variance = try add(buffer: "running_var", path, channels, .constant(1))
    let counter = try add(buffer: "num_batches_tracked", path, [], .counter)
    return .batchNorm(
      norm, BatchNormSlots(weight: weight, bias: bias, mean: mean, variance: variance, counter: counter), relu: false)
  }

  private func buildNormalise(mean: [Double], std: [Double], shape: [Int]) throws(CoreError) -> NetworkNode {
    let channels = shape.first ?? 0
    guard mean.count == channels, std.count == channels else {
      throw CoreError(
        .shape, "mean \(mean) and std \(std) do not fit images of shape \(shape)",
        hint: "give one mean and one standard deviation for each channel",
        argument: mean.count == channels ? "std" : "mean")
    }
    return .normalise(mean: mean.map { Float($0) }, std: std.map { Float($0) })
  }

  private func buildMeanSparse(
    mean: [Double], width: [Double], shape: [Int], path: String
  ) throws(CoreError) -> NetworkNode {
    guard shape.count == 1 || shape.count == 3, mean.count == shape[0] else {
      throw CoreError(
        .shape, "\(Self.place(path))mean_sparse has \(mean.count) channels, but receives \(shape)",
        hint: "give a mean and a width for each channel", argument: "layers")
    }
    return .meanSparse(mean: mean.map { Float($0) }, width: width.map { Float($0) })
  }

  private mutating func buildLayerNorm(eps: Double, path: String, shape: [Int]) throws(CoreError) -> NetworkNode {
    guard shape.count == 1 || shape.count == 2, let features = shape.last else {
      throw CoreError(
        .shape, "\(Self.place(path))layer norm needs tokens or one axis of features, but receives \(shape)",
        hint: "put class_token(), flatten() or global_avg_pool() before it", argument: "layers")
    }
    return .layerNorm(
      eps: eps, weight: try add(parameter: "weight", path, [features], .constant(1)),
      bias: try add(parameter: "bias", path, [features], .constant(0)))
  }

  private mutating func buildAttention(
    _ attention: Attention, path: String, shape: [Int]
  ) throws(CoreError) -> NetworkNode {
    try requireTokens(shape, "attention", path)
    let features = shape[1]
    guard features % attention.heads == 0 else {
      throw CoreError(
        .shape, "\(Self.place(path))attention of tokens of \(features) features cannot have \(attention.heads) heads",
        hint: "choose heads so that it divides the features, such as heads=1", argument: "layers")
    }
    let (wide, overflow) = features.multipliedReportingOverflow(by: 3)
    _ = try Self.product([shape[0], overflow ? .max : wide])
    let initialisation = attention.initialisation
    func weights(_ builder: inout NetworkBuilder, _ name: String, _ outputs: Int) throws(CoreError) -> (Int, Int) {
      (
        try builder.add(
          parameter: "\(name).weight", path, [outputs, features],
          initialisation.weight(fanIn: features, fanOut: outputs)),
        try builder.add(parameter: "\(name).bias", path, [outputs], initialisation.bias(fanIn: features))
      )
    }
    return .attention(
      heads: attention.heads, qkv: try weights(&self, "qkv", wide), projection: try weights(&self, "proj", features))
  }

  private mutating func buildClassToken(path: String, shape: inout [Int]) throws(CoreError) -> NetworkNode {
    try requireImage(shape, "class_token", path)
    let (pixels, features) = (try Self.product([shape[1], shape[2]]), shape[0])
    let (tokens, overflow) = pixels.addingReportingOverflow(1)
    shape = [overflow ? .max : tokens, features]
    _ = try Self.product(shape)
    return .classToken(
      token: try add(parameter: "cls_token", path, [1, 1, features], .normal(deviation: 1e-6)),
      positions: try add(parameter: "pos_embed", path, [1] + shape, .normal(deviation: 0.02)))
  }

  private func pool(_ pooling: Pooling, path: String, shape: inout [Int]) throws(CoreError) {
    try requireImage(shape, "pooling", path)
    let height = try Self.windows(
      shape[1], pooling.kernel.height, pooling.stride.height, pooling.padding.top, pooling.padding.bottom, 1, path)
    let width = try Self.windows(
      shape[2], pooling.kernel.width, pooling.stride.width, pooling.padding.left, pooling.padding.right, 1, path)
    shape = [shape[0], height, width]
  }

  // MARK: Weights, names and sizes

  private mutating func add(
    parameter name: String, _ path: String, _ shape: [Int], _ content: TensorSpecification.Content
  ) throws(CoreError) -> Int {
    parameters.append(try specification(name, path, shape, content))
    return parameters.count - 1
  }

  private mutating func add(
    buffer name: String, _ path: String, _ shape: [Int], _ content: TensorSpecification.Content
  ) throws(CoreError) -> Int {
    buffers.append(try specification(name, path, shape, content))
    return buffers.count - 1
  }

  private mutating func specification(
    _ name: String, _ path: String, _ shape: [Int], _ content: TensorSpecification.Content
  ) throws(CoreError) -> TensorSpecification {
    let full = Self.join(path, name)
    guard names.insert(full).inserted else {
      throw CoreError(
        .value, "two weights have the name '\(full)'",
        hint: "give the layers in the parts of a residual block different names", argument: "layers")
    }
    let (sum, overflow) = elements.addingReportingOverflow(try Self.product(shape))
    guard !overflow, sum <= Self.elementLimit else {
      throw CoreError(
        .memory, "the network would have more than \(Self.elementLimit) weights (at '\(full)' of shape \(shape))",
        hint: "use fewer channels or features, or smaller images", argument: "layers")
    }
    elements = sum
    return TensorSpecification(name: full, shape: shape, content: content)
  }

  private func requireImage(_ shape: [Int], _ what: String, _ path: String) throws(CoreError) {
    guard shape.count == 3 else {
      throw CoreError(
        .shape, "\(Self.place(path))\(what) needs [channels, height, width], but receives \(shape)",
        hint: "put it before flatten() and global_avg_pool()", argument: "layers")
    }
  }

  private func requireTokens(_ shape: [Int], _ what: String, _ path: String) throws(CoreError) {
    guard shape.count == 2 else {
      throw CoreError(
        .shape, "\(Self.place(path))\(what) needs tokens [tokens, features], but receives \(shape)",
        hint: shape.count == 3 ? "class_token() makes tokens of images" : "put it before flatten() and first_token()",
        argument: "layers")
    }
  }

  static func join(_ path: String, _ name: String) -> String {
    path.isEmpty ? name : name.isEmpty ? path : path + "." + name
  }

  private static func place(_ path: String) -> String { path.isEmpty ? "" : "layer '\(path)': " }

  static func product(_ sizes: [Int]) throws(CoreError) -> Int {
    var product = 1
    for size in sizes {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow, size >= 0 else {
        throw CoreError(
          .memory, "the shape \(sizes) is too large", hint: "use fewer channels or features, or smaller images",
          argument: "layers")
      }
      product = next
    }
    return product
  }

  /// The zeros of TensorFlow's SAME along one axis; sizes are within the limits of `Layer.validate`.
  private static func same(_ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> (before: Int, after: Int) {
    let windows = (size + stride - 1) / stride
    let all = max((windows - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return (all / 2, all - all / 2)
  }

  /// How many windows of a convolution or pooling fit along one axis.
  private static func windows(
    _ size: Int, _ kernel: Int, _ stride: Int, _ before: Int, _ after: Int, _ dilation: Int, _ path: String
  ) throws(CoreError) -> Int {
    let reach = dilation * (kernel - 1) + 1
    guard size + before + after >= reach else {
      throw CoreError(
        .shape,
        "\(place(path))a window of \(reach) does not fit into \(size) pixels with padding \(before) and \(after)",
        hint: "give larger images, or leave out a pooling or a stride before it", argument: "layers")
    }
    return (size + before + after - reach) / stride + 1
  }
}

extension Initialisation {
  func weight(fanIn: Int, fanOut: Int) -> TensorSpecification.Content {
    switch self {
    case .standard, .standardZeroBias: .uniform(bound: 1 / Double(max(fanIn, 1)).squareRoot())
    case .kaimingFanIn: .normal(deviation: (2 / Double(max(fanIn, 1))).squareRoot())
    case .kaimingFanOut: .normal(deviation: (2 / Double(max(fanOut, 1))).squareRoot())
    case .zero: .constant(0)
    case .normal001: .normal(deviation: 0.01)
    case .normal002: .normal(deviation: 0.02)
    }
  }

  func bias(fanIn: Int) -> TensorSpecification.Content {
    self == .standard ? .uniform(bound: 1 / Double(max(fanIn, 1)).squareRoot()) : .constant(0)
  }
}
