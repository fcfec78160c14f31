import Base
import Tensors

/// Where an attack begins.
public enum AttackStart: Sendable {
  /// x itself: BIM.
  case image
  /// clip(x + U(-eps, eps), 0, 1): PGD.
  case uniform
  /// x + 0.001·N(0, I), not clipped before the first step: TRADES and its relatives.
  case normal

  /// - Parameters:
  ///   - ids: one number per image; each draws from the stream of its own.
  ///   - given: what is added instead of random numbers.
  package func point(
    _ images: Tensor, ids: [Int], eps: Double, stream: RandomStream, given: Tensor? = nil
  ) throws(CoreError) -> Tensor {
    let (image, streams) = (Array(images.shape.dropFirst()), ids.map { stream.child($0) })
    switch self {
    case .image: return images
    case .uniform:
      let noise =
        if let given { given } else {
          try Tensor.uniform(image, from: Float(-eps), to: Float(eps), streams: streams)
        }
      return try (images + noise).clip(min: 0, max: 1)
    case .normal:
      let noise = if let given { given } else { try Tensor.normal(image, deviation: 0.001, streams: streams) }
      return try images + noise
    }
  }
}
