import Base
import Networks
import Tensors

/// What is left of adversarial images after they were stored: how many the model still takes for another class.
///
/// Images that are kept as float32 are what the attack handed in; a picture that is shown or saved has 8 bits a value,
/// and rounding to the nearest of 256 levels can undo an attack.
public struct KeptCheck: Sendable, Equatable, Codable {
  /// How many images there are.
  public var images: Int
  /// How many of them the model misclassifies as they were read back.
  public var asStored: Int
  /// How many of them the model misclassifies after every value is rounded to 8 bits.
  public var roundedTo8Bits: Int

  /// Asks the model again.
  ///
  /// - Parameters:
  ///   - images: [k, c, h, w], values in [0, 1].
  ///   - labels: the true classes.
  /// - Throws: `shape` where they do not fit, `numeric` where logits are not finite, `interrupted`.
  public init(_ model: Model, _ images: Tensor, labels: [Int], batch: Int = 250) throws(CoreError) {
    try requireBatch(batch, hint: "batch=250")
    (self.images, asStored, roundedTo8Bits) = (labels.count, 0, 0)
    for first in stride(from: 0, to: labels.count, by: batch) {
      try StopSignal.poll()
      let range = first..<min(first + batch, labels.count)
      let part = try images.slice(axis: 0, range.lowerBound, range.upperBound)
      let rounded = try (part * 255).round() / 255
      asStored += try correct(model(part), Array(labels[range]), of: model, at: Array(range)).count { !$0 }
      roundedTo8Bits += try correct(model(rounded), Array(labels[range]), of: model, at: Array(range)).count { !$0 }
    }
  }
}
