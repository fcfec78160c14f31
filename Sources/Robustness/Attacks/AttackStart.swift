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
    switch self {
    case .image: return images
    case .uniform:
      let noise =
        if let given { given } else {
          try noise(like: images, ids) { $0.fillUniform($1, from: Float(-eps), to: Float(eps)) }
        }
      return try (images + noise).clip(min: 0, max: 1)
    case .normal:
      let noise =
        if let given { given } else { try noise(like: images, ids) { $0.fillNormal($1, deviation: 0.001) } }
      return try images + noise
    }

    func noise(
      like images: Tensor, _ ids: [Int], _ fill: (RandomStream, UnsafeMutableBufferPointer<Float>) -> Void
    ) throws(CoreError) -> Tensor {
      let size = ids.isEmpty ? 0 : images.count / ids.count
      let values = [Float](unsafeUninitializedCapacity: images.count) { buffer, count in
        for (i, id) in ids.enumerated() {
          fill(stream.child(id), UnsafeMutableBufferPointer(rebasing: buffer[i * size..<(i + 1) * size]))
        }
        count = images.count
      }
      return try Tensor(values, shape: images.shape)
    }
  }
}
