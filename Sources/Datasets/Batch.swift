import Base
import Tensors

/// What the images of a batch are to be classified as.
public enum Targets: Sendable {
  /// One class for each image, 0..<classes.
  case classes([Int])
  /// A distribution [n, classes], float32, for each image, as mixed images and soft labels have.
  case soft(Tensor)
}

/// Some examples of a data set, as training and evaluation take them.
///
/// It is a value that an augmentation changes: the images, and with them the targets where images are mixed. Ids stay
/// as they are, so that whatever is drawn for an example later is what it would have been without the augmentation.
public struct Batch: Sendable {
  /// The images [n, channels, height, width], float32 in [0, 1].
  public var images: Tensor
  /// What each image is to be classified as.
  public var targets: Targets
  /// The ids of the examples, as in `Dataset.ids`: they key the random streams of the examples.
  public var ids: [Int]
  /// The posterior [n, classes]: the exact probability of each class, where the generating process is known.
  public var posterior: Tensor?

  /// A batch; images, targets and ids must be of one number.
  ///
  /// - Parameter posterior: [n, classes], or nil where it is not known.
  public init(images: Tensor, targets: Targets, ids: [Int], posterior: Tensor? = nil) {
    self.images = images
    self.targets = targets
    self.ids = ids
    self.posterior = posterior
  }

  /// How many examples there are.
  public var count: Int { ids.count }

  /// The class of each image; where the targets are soft, the most probable one, the first of equals.
  public var labels: [Int] {
    switch targets {
    case .classes(let labels): return labels
    case .soft(let rows):
      let values = rows.floats()
      let classes = rows.shape.last ?? 0
      return ids.indices.map { row in
        (0..<classes).max { values[row * classes + $0] < values[row * classes + $1] } ?? 0
      }
    }
  }
}
