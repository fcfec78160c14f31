import Base
import Tensors

/// Random changes of training images, keyed by epoch and example.
public enum Augmentation: String, Sendable, CaseIterable {
  case none
  /// CIFAR's: zero padding of 4, a random crop of the original size, and a horizontal flip of every other image.
  case cropFlip = "crop_flip"

  func apply(_ images: Tensor, ids: [Int], stream: RandomStream) throws(CoreError) -> Tensor {
    guard self == .cropFlip, images.shape.count == 4, images.count > 0 else { return images }
    let (channels, height, width) = (images.shape[1], images.shape[2], images.shape[3])
    let source = images.floats()
    let output = [Float](unsafeUninitializedCapacity: source.count) { buffer, count in
      for (i, id) in ids.enumerated() {
        let draws = stream.child(id)
        let down = draws.integer(below: 9, at: 0) - 4
        let right = draws.integer(below: 9, at: 1) - 4
        let flip = draws.integer(below: 2, at: 2) == 1
        for c in 0..<channels {
          let plane = (i * channels + c) * height * width
          for y in 0..<height {
            let sourceRow = y + down
            for x in 0..<width {
              let column = (flip ? width - 1 - x : x) + right
              let inside = sourceRow >= 0 && sourceRow < height && column >= 0 && column < width
              buffer[plane + y * width + x] = inside ? source[plane + sourceRow * width + column] : 0
            }
          }
        }
      }
      count = source.count
    }
    return try Tensor(output, shape: images.shape)
  }
}
