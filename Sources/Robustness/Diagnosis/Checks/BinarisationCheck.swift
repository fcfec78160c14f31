import Base
import Networks
import Tensors

/// Planted adversarial images: an attack that does not find what is known to be there does not work on this network.
///
/// For each of some images, the last layer is replaced by one that tells points within the ball from a single corner of
/// it, by the network's own features. The corner is then an adversarial image of this classifier, which the attack must
/// find. What is tested is the attack on the layers before, with the temperature of the model; its classes have no part.
enum BinarisationCheck: MaskingCheck {
  static let name = "binarisation"
  static let question = "Does the attack miss planted adversarial images?"
  static let remedy = "mend the attack until it finds them: mifpe(), bpda(net, …), eot(…), or square()"
  static let source = "Zimmermann et al. 2022: an attack must find 95 % of them"

  private static let images = 24
  private static let points = 60

  static func measure(_ it: Examination) throws -> Measurement {
    guard let (features, head) = try it.model.separated() else {
      return .unknown("the network does not end in a linear layer")
    }
    let attack = it.ascent()
    var (looked, missed, byChance) = (0, 0, 0)
    let count = min(it.positions.count, images)
    for example in 0..<count {
      try StopSignal.poll()
      it.report?(Double(example) / Double(count))
      let batch = try it.data.batch([it.positions[example]])
      guard try plant(features, head, batch.images, id: batch.ids[0], it) else { continue }
      looked += 1
      var input = AttackInput(images: batch.images, labels: [0], ids: batch.ids, seed: it.plan.seed, eps: it.eps)
      input.positions = [it.positions[example]]
      let view = try head.at(temperature: it.model.temperature)
      if try attack.attacked(view, input, keepsImages: false).verdicts[0].brokenBy == nil { missed += 1 }
      let noise = Noise(norm: it.norm, samples: 40)
      if try noise.attacked(view, input, keepsImages: false).verdicts[0].brokenBy != nil { byChance += 1 }
    }
    guard 2 * looked >= count, looked > 0 else {
      return .unknown("no planted image can be told from the ball around it by the features of the network")
    }
    guard 2 * byChance < looked else {
      return .unknown("noise finds \(byChance) of \(looked) planted images: finding them shows nothing")
    }
    return .judged(
      Double(missed) / Double(looked), above: max(0.05, 2 * Double(missed).squareRoot() / Double(looked)),
      note: "the attack misses \(missed) of \(looked) planted images, of which noise finds \(byChance)")
  }

  /// Gives the head the weights that tell a corner of the ball from points within it.
  ///
  /// - Returns: false where the features do not tell them apart.
  private static func plant(
    _ features: Model, _ head: Model, _ image: Tensor, id: Int, _ it: Examination
  ) throws -> Bool {
    let copies = try concat(Array(repeating: image, count: points), axis: 0)
    let inner = try Noise(norm: it.norm).moved(
      copies, ids: (0..<points).map { id &* points &+ $0 }, eps: 0.5 * it.eps, seed: it.plan.seed, draw: 1 << 20)
    let direction = try PerExampleRandom(seed: it.plan.seed).uniform(-1, 1, like: image, ids: [id], draw: 1 << 22)
    let corner = try it.norm.step(
      image, along: it.norm == .linf ? direction : direction.sign(), around: image, step: it.eps, eps: it.eps)
    let rows = try features(concat([image, inner, corner], axis: 0)).floats()
    let size = features.classes
    let row = { (i: Int) in rows[i * size..<(i + 1) * size].map(Double.init) }
    // Features by their deviations within the ball, so that none dominates.
    var (mean, scale) = ([Double](repeating: 0, count: size), [Double](repeating: 0, count: size))
    for i in 0...points { for (j, value) in row(i).enumerated() { mean[j] += value / Double(points + 1) } }
    for i in 0...points {
      for (j, value) in row(i).enumerated() { scale[j] += (value - mean[j]) * (value - mean[j]) / Double(points + 1) }
    }
    let typical = scale.reduce(0, +) / Double(size)
    guard typical > 0, typical.isFinite else { return false }
    scale = scale.map { ($0 + 0.1 * typical).squareRoot() }
    let vectors = (0...points + 1).map { i in row(i).enumerated().map { ($1 - mean[$0]) / scale[$0] } }
    let target = points + 1
    // A perceptron with a margin, which ends as soon as the corner has the largest score by far.
    var weights = vectors[target]
    func score(_ i: Int) -> Double { zip(weights, vectors[i]).reduce(0) { $0 + $1.0 * $1.1 } }
    var gap = 0.0
    var (low, high) = (0.0, 0.0)
    for _ in 0..<200 {
      try StopSignal.poll()
      let scores = (0...points).map(score)
      (low, high) = (scores.max() ?? 0, score(target))
      gap = high - low
      if gap > 0.2 * abs(high) { break }
      guard let nearest = scores.indices.max(by: { scores[$0] < scores[$1] }) else { return false }
      for j in weights.indices { weights[j] += 0.5 * (vectors[target][j] - vectors[nearest][j]) }
    }
    guard gap > 0, gap.isFinite else { return false }
    // Scores of -1 at the nearest point of the ball and +1 at the corner.
    let slopes = weights.indices.map { Float(2 * weights[$0] / scale[$0] / gap) }
    let constant = weights.indices.reduce(-(low + high) / gap) { $0 - 2 * weights[$1] / scale[$1] / gap * mean[$1] }
    var parameters = features.parameters
    parameters.append(try Tensor([Float](repeating: 0, count: size) + slopes, shape: [2, size]))
    parameters.append(try Tensor([0, Float(constant)], shape: [2]))
    try head.setParameters(parameters)
    let ends = try head(concat([image, corner], axis: 0)).argmax(axis: 1).ints()
    return ends == [0, 1]
  }
}

extension Model {
  /// The network without its last layer, and with one of two classes in its place, which share no weights with it; nil
  /// where it does not end in a linear layer.
  fileprivate func separated() throws -> (features: Model, head: Model)? {
    guard let network = try? architecture.network(), let (cut, binary, bias) = network.withoutLastLinear() else {
      return nil
    }
    func model(_ layer: Layer) throws(CoreError) -> Model {
      let made = try Model(
        Architecture(layer, input: architecture.input, normalisation: architecture.normalisation))
      return straight.isEmpty ? made : try made.bpda(straight)
    }
    guard let features = try? model(cut), let head = try? model(binary) else { return nil }
    let kept = Array(parameters.dropLast(bias ? 2 : 1))
    guard features.parameters.map(\.shape) == kept.map(\.shape),
      features.buffers.map(\.shape) == buffers.map(\.shape), head.parameters.count == kept.count + 2
    else { return nil }
    try features.setParameters(kept)
    try features.setBuffers(buffers)
    try head.setBuffers(buffers)
    return (features, head)
  }
}

extension Layer {
  /// The layers before the last one, and with a linear layer of two outputs in its place; nil where the last one is not
  /// linear.
  fileprivate func withoutLastLinear() -> (cut: Layer, binary: Layer, bias: Bool)? {
    switch self {
    case .linear(let linear): return (.sequential([]), .linear(Linear(2)), linear.bias)
    case .sequential(var layers):
      guard let (cut, binary, bias) = layers.last?.withoutLastLinear() else { return nil }
      var others = layers
      layers[layers.count - 1] = cut
      others[others.count - 1] = binary
      return (.sequential(layers), .sequential(others), bias)
    case .chain(var children):
      guard let (cut, binary, bias) = children.last?.layer.withoutLastLinear() else { return nil }
      var others = children
      children[children.count - 1].layer = cut
      others[others.count - 1].layer = binary
      return (.chain(children), .chain(others), bias)
    default: return nil
    }
  }
}
