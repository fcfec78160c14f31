import Tensors

/// Which answers of a model that answers at random are meant: one whose network has a layer `gaussian_noise`.
///
/// The noise of an image is keyed by the seed, the number of the draw, the layer, and the bits of the image that enters
/// the network, and by nothing else: not by its place in a batch. So for a fixed draw a model is a function of the image
/// like any other, with the same bits in whatever batch and on any number of threads; another draw is another answer, and
/// two images have independent noise. In training noise comes from the stream of dropout instead.
///
/// Who asks chooses the numbers. `model(x)` is draw 0. The oracle of an attack takes 1, 2, … as it asks about an example,
/// and an evaluation judges by -1, -2, …, which no attack has seen.
public struct NoiseDraws: Sendable {
  /// The key of all draws.
  public var seed: UInt64
  /// The draw of each image; one stands for all of them.
  private var numbers: [Int]

  /// The same draw for all images.
  public init(_ number: Int = 0, seed: UInt64 = 0) { (numbers, self.seed) = ([number], seed) }

  /// A draw for each image.
  public init(of images: [Int], seed: UInt64 = 0) { (numbers, self.seed) = (images, seed) }

  /// The draws of some neighbours.
  func rows(_ range: Range<Int>) -> NoiseDraws {
    guard numbers.count > 1 else { return self }
    return NoiseDraws(of: Array(numbers[range]), seed: seed)
  }

  /// What noise draws from for each image.
  ///
  /// - Parameters:
  ///   - images: [n, c, h, w].
  ///   - training: the stream of a forward in training, of which each place in the batch has a part; nil takes the draws.
  func streams(for images: Tensor, in training: RandomStream?) -> [RandomStream] {
    let n = images.shape.first ?? 0
    // Dropout has the children from 0 on.
    if let training { return (0..<n).map { training.child(-1, $0) } }
    let values = images.detached().floats()
    let size = n > 0 ? values.count / n : 0
    let draws = RandomStream(seed: seed, purpose: "noise")
    return (0..<n).map { i in
      let draw = draws.child(numbers.count > 1 ? numbers[i] : numbers.first ?? 0)
      return draw.child(values[i * size..<(i + 1) * size].map { Int($0.bitPattern) })
    }
  }
}

extension NetworkNode {
  /// Whether noise is added somewhere.
  var isRandom: Bool {
    switch self {
    case .noise(let std, _): std > 0
    case .straight(let node): node.isRandom
    case .sequence(let nodes): nodes.contains(where: \.isRandom)
    case .residual(let before, let body, let shortcut, _, let after):
      [before, body, shortcut, after].contains(where: \.isRandom)
    default: false
    }
  }
}
