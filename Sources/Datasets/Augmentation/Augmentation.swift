import Base
import Tensors

/// A random change of training images, made anew in every epoch: a value such as `crop_flip(padding=4)`.
///
/// To add an augmentation, write a type that conforms to this protocol in a file of its own and put it into
/// `Augmentations.all`. The built-in that makes it, its page and the word by which `fit` takes it at its defaults
/// follow.
public protocol Augmentation: Configurable, Sendable {
  /// The changed batch: as many examples, with the same ids.
  ///
  /// - Parameter stream: keyed by the epoch. What is drawn for an example is drawn from `stream.child(id)`, so that it
  ///   does not depend on the batch in which the example comes.
  func apply(_ batch: Batch, stream: RandomStream) throws(CoreError) -> Batch
}

/// The list of the augmentations.
public enum Augmentations {
  /// Every augmentation, in the order of the manual.
  public static let all: [any Augmentation.Type] = [CropFlip.self]
}
