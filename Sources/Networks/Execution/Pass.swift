import Base
import Tensors

/// One run through a network, layer by layer, as the layers are defined.
///
/// It is what defines the results of a network: `FrozenNetwork` computes the same with fewer passes through memory.
/// Weights may be tracked. In training mode the buffers move with the run, and whoever runs it takes them from here
/// afterwards, so that a run that fails changes nothing.
struct Pass {
  let parameters: [Tensor]
  var buffers: [Tensor]
  let mode: Mode
  let dropout: RandomStream?
  /// What noise draws from for each image, where the network has any.
  var noise: [RandomStream] = []
  /// The indices of the weights that training leaves as they are.
  var frozen: Set<Int> = []
  /// How far the running statistics of batch norm move towards those of the batch; nil stands for what each layer says.
  var momentum: Double?
  /// What the shards of a batch tell each other; nil where each has its own statistics.
  var shared: (any SharedStatistics)?
  /// The last weight that was used, to say where a run failed.
  private(set) var lastWeight: Int?

  mutating func run(_ node: NetworkNode, _ x: Tensor) throws(CoreError) -> Tensor {
    switch node {
    case .conv2d(let conv, let weight, let bias):
      lastWeight = weight
      return try conv2d(
        x, parameters[weight], bias.map { parameters[$0] }, stride: conv.stride.pair, padding: conv.padding,
        dilation: conv.dilation.pair, groups: conv.groups)
    case .linear(let weight, let bias):
      lastWeight = weight
      return try linear(x, parameters[weight], bias.map { parameters[$0] })
    case .batchNorm(let norm, let slots, let relu): return try batchNorm(norm, slots, x, relu: relu)
    case .relu: return try x.relu()
    case .leakyRelu(let slope): return try x.leakyRelu(slope: Float(slope))
    case .silu: return try x.silu()
    case .relu6: return try x.relu6()
    case .gelu: return try x.gelu()
    case .layerNorm(let eps, let weight, let bias):
      lastWeight = weight
      return try Tensors.layerNorm(x, weight: parameters[weight], bias: parameters[bias], eps: Float(eps))
    case .attention(let heads, let qkv, let projection):
      lastWeight = qkv.weight
      let mixed = try attention(linear(x, parameters[qkv.weight], parameters[qkv.bias]), heads: heads)
      return try linear(mixed, parameters[projection.weight], parameters[projection.bias])
    case .classToken(let token, let positions):
      lastWeight = token
      let (n, features) = (x.shape[0], x.shape[1])
      let pixels = try x.permute([0, 2, 3, 1]).reshape([n, x.shape[2] * x.shape[3], features])
      let first = try parameters[token].broadcast(to: [n, 1, features])
      return try concat([first, pixels], axis: 1) + parameters[positions]
    case .firstToken: return try x.slice(axis: 1, 0, 1).reshape([x.shape[0], x.shape[2]])
    case .maxPool(let pooling):
      return try maxPool2d(x, kernel: pooling.kernel.pair, stride: pooling.stride.pair, padding: pooling.padding)
    case .averagePool(let pooling):
      return try avgPool2d(x, kernel: pooling.kernel.pair, stride: pooling.stride.pair, padding: pooling.padding)
    case .globalAveragePool: return try globalAveragePool(x)
    case .flatten: return try x.reshape([x.shape[0], x.shape.dropFirst().reduce(1, *)])
    case .dropout(let p, let index):
      guard mode == .train, p > 0 else { return x }
      guard let dropout else {
        throw CoreError(.value, "a network with dropout needs a random stream when it runs in training mode")
      }
      return try Tensors.dropout(x, Float(p), stream: dropout.child(index))
    case .dropout2d(let p, let index):
      guard mode == .train, p > 0 else { return x }
      guard let dropout else {
        throw CoreError(.value, "a network with dropout needs a random stream when it runs in training mode")
      }
      return try Tensors.dropout2d(x, Float(p), stream: dropout.child(index))
    case .quantise(let levels):
      // Divided, not multiplied by the reciprocal: equal levels are the same number wherever they come from.
      let steps = Float(levels - 1)
      return try (x * steps).round() / steps
    case .meanSparse(let mean, let width):
      let shape = [1, mean.count] + Array(repeating: 1, count: x.shape.count - 2)
      let means = try Tensor(mean, shape: shape)
      return try whereSelect(less((x.detached() - means).abs(), Tensor(width, shape: shape)), means, x)
    case .noise(let std, let index):
      guard std > 0 else { return x }
      guard noise.count == x.shape[0] else {
        throw CoreError(.value, "a network with noise needs a random stream for each image")
      }
      return try x + Tensor.normal(Array(x.shape.dropFirst()), deviation: std, streams: noise.map { $0.child(index) })
    case .straight(let node):
      let y = try run(node, x.detached())
      return try y.detached().recording([y, x], operation: "straight", isTwice: true) { (g, _) throws(CoreError) in
        [g, g]
      }
    case .normalise(let mean, let std):
      let shape = [1, mean.count, 1, 1]
      return try (x - Tensor(mean, shape: shape)) / Tensor(std, shape: shape)
    case .sequence(let nodes):
      var x = x
      for node in nodes { x = try run(node, x) }
      return x
    case .residual(let before, let body, let shortcut, let shortcutReadsBefore, let after):
      let activated = try run(before, x)
      if after.isRelu, case .sequence(let nodes) = body,
        case .batchNorm(let norm, let slots, relu: false)? = nodes.last, usesBatch(slots)
      {
        // The last norm, the sum and the ReLU go through memory once.
        let branch = try run(.sequence(Array(nodes.dropLast())), activated)
        let straight = try run(shortcut, shortcutReadsBefore ? activated : x)
        return try batchNorm(norm, slots, branch, adding: straight, relu: true)
      }
      let branch = try run(body, activated)
      let straight = try run(shortcut, shortcutReadsBefore ? activated : x)
      return try run(after, branch + straight)
    }
  }

  /// Whether a batch norm takes its statistics from the batch: in training, unless both of its weights are frozen.
  func usesBatch(_ slots: BatchNormSlots) -> Bool {
    mode == .train && !(frozen.contains(slots.weight) && frozen.contains(slots.bias))
  }

  private mutating func batchNorm(
    _ norm: BatchNorm, _ slots: BatchNormSlots, _ x: Tensor, adding addend: Tensor? = nil, relu: Bool
  ) throws(CoreError) -> Tensor {
    lastWeight = slots.weight
    let (weight, bias) = (parameters[slots.weight], parameters[slots.bias])
    let (mean, variance) = (buffers[slots.mean], buffers[slots.variance])
    guard usesBatch(slots) else {
      return try batchNormEval(
        x, weight: weight, bias: bias, mean: mean, variance: variance, eps: Float(norm.eps), relu: relu)
    }
    guard x.count > x.shape[1] || shared != nil else {
      throw CoreError(
        .shape, "batch norm in training needs more than one value per channel, not images \(x.shape)",
        hint: "use a larger batch, or a batch size that does not leave a single example at the end",
        argument: "batch")
    }
    let result =
      if let shared {
        try batchNormTrain(
          x, weight: weight, bias: bias, eps: Float(norm.eps), adding: addend, relu: relu, sharing: shared)
      } else {
        try batchNormTrain(x, weight: weight, bias: bias, eps: Float(norm.eps), adding: addend, relu: relu)
      }
    let updated = try result.updating(
      runningMean: mean, runningVariance: variance, momentum: Float(momentum ?? norm.momentum))
    (buffers[slots.mean], buffers[slots.variance]) = (updated.mean.detached(), updated.variance.detached())
    buffers[slots.counter] = try add(buffers[slots.counter], Tensor(ints: [1], shape: []))
    return result.y
  }
}

extension NetworkNode {
  /// Whether it is a ReLU and nothing else.
  fileprivate var isRelu: Bool {
    switch self {
    case .relu: true
    case .sequence(let nodes): nodes.count == 1 && nodes[0].isRelu
    default: false
    }
  }
}

extension Size {
  var pair: (Int, Int) { (height, width) }
}
