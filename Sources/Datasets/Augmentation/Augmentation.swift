import Base
import Tensors

/// A random change of training images, made anew in every epoch: a value such as `random_crop(padding=4)`.
///
/// Several make a list, which is applied in its order (`AugmentationList`). What is drawn for an example is drawn from
/// a stream of its own, so that it depends on the seed, the epoch and the example, and not on the batch in which the
/// example comes. To add an augmentation, write a type that conforms to this protocol in a file of its own and put it
/// into `Augmentations.all`; one that changes each image by itself conforms to `ImageAugmentation`, which is less to
/// write. The built-in that makes it, its page and the word by which `fit` takes it at its defaults follow.
public protocol Augmentation: Configurable, Sendable {
  /// Whether images are mixed with others: then the targets are distributions afterwards. A list has at most one such.
  static var mixesImages: Bool { get }
  /// The changed batch: as many examples, with the same ids.
  ///
  /// - Parameters:
  ///   - stream: keyed by the seed, the epoch and the place in the list. What is drawn for an example is drawn from
  ///     `stream.child(id)`.
  ///   - partners: the examples that images can be mixed with.
  func apply(_ batch: Batch, stream: RandomStream, partners: AugmentationPartners) throws(CoreError) -> Batch
}

extension Augmentation {
  /// Most augmentations look at one image at a time.
  public static var mixesImages: Bool { false }
}

/// The examples of the epoch as partners of those in a batch: any of the data set, changed by what stands before the
/// mixing in the list.
public struct AugmentationPartners {
  /// How many examples there are to choose from.
  public let count: Int
  /// How many classes the targets have.
  public let classes: Int
  /// The examples of these positions of the data set.
  public let read: ([Int]) throws(CoreError) -> Batch
}

/// An augmentation that changes each image by itself, on the host and on all threads.
public protocol ImageAugmentation: Augmentation {
  /// Changes an image in place.
  ///
  /// - Parameter draws: the random numbers of this image in this epoch.
  func change(_ image: PixelImage, _ draws: inout Draws)
  /// Refuses images that it cannot change, such as those smaller than what is cut out of them.
  ///
  /// - Parameter shape: channels, height, width.
  func validate(for shape: [Int]) throws(CoreError)
}

extension ImageAugmentation {
  /// Most augmentations take all images.
  public func validate(for shape: [Int]) throws(CoreError) {}

  /// Changes each image by numbers drawn for its id.
  public func apply(
    _ batch: Batch, stream: RandomStream, partners: AugmentationPartners
  ) throws(CoreError) -> Batch {
    guard batch.images.shape.count == 4, batch.images.count > 0 else { return batch }
    try validate(for: Array(batch.images.shape.dropFirst()))
    var changed = batch
    changed.images = try batch.images.changed { image, i in
      var draws = Draws(stream.child(batch.ids[i]))
      change(image, &draws)
    }
    return changed
  }
}

/// The list of the augmentations.
public enum Augmentations {
  /// Every augmentation, in the order of the manual.
  public static let all: [any Augmentation.Type] = [
    CropFlip.self, RandomCrop.self, RandomFlip.self, RandomResizedCrop.self, Cutout.self, RandomErasing.self,
    ColorJitter.self, RandAugment.self, TrivialAugment.self, Mixup.self, Cutmix.self,
  ]
}
