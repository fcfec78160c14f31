import Base
import Tensors

/// Random changes of training images, keyed by epoch and example.
public enum Augmentation: String, Sendable, CaseIterable {
  case none
  /// CIFAR's: zero padding of 4, a random crop of the original size, and a horizontal flip of every other image.
  case cropFlip = "crop_flip"

  func apply(_ images: Tensor, ids: [Int], stream: RandomStream) throws(CoreError) -> Tensor {
    guard self == .cropFlip, images.shape.count == 4, images.count > 0 else { return images }
    let moves = ids.map { id in
      let draws = stream.child(id)
      return ImageMove(
        down: draws.integer(below: 9, at: 0) - 4, right: draws.integer(below: 9, at: 1) - 4,
        isMirrored: draws.integer(below: 2, at: 2) == 1)
    }
    return try images.moved(moves)
  }
}
