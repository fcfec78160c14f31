import Base
import Networks
import Tensors

/// All that an attack may ask of a model: logits, gradients, and whether an image breaks its example.
///
/// An attack does not see the model. What it asks for is counted, example by example; black-box attacks ask for logits
/// alone. It hands its images in with `submit`, as often as it likes; the oracle keeps the best of each example, so
/// that restarts, lists of attacks and searches all settle that in one way, and `standing` says which examples are
/// left. Indices of examples count within the batch. A model that answers at random (EOT), or that another one stands
/// in for (transfer), is another oracle, and attacks do not change.
public protocol Oracle: AnyObject {
  /// The number of classes, which is that of the logits.
  var classes: Int { get }
  /// Whether the model answers at random: each question is another draw, and no answer settles an example by itself.
  var isRandom: Bool { get }
  /// The examples that nothing handed in has broken yet.
  var standing: [Int] { get throws }

  /// Logits [k, classes] of images [k, c, h, w] of these k examples.
  ///
  /// - Throws: `numeric` where logits are not finite.
  func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor

  /// What knows these images [k, c, h, w] and answers for others that differ from them in one square each, for less than
  /// `logits` costs; no query is counted. Nil where there is no such thing, or it would not pay.
  ///
  /// - Parameter side: of the squares.
  func remembering(_ images: Tensor, side: Int) throws -> RememberedImages?

  /// Logits [k, classes] as of `logits`, bit for bit, of images of these k examples that differ from remembered ones in
  /// one square each.
  ///
  /// - Parameters:
  ///   - candidates: [n, c, h, w]: an image for each remembered one.
  ///   - changes: which k of them are asked about, and where they differ.
  /// - Throws: `numeric` where logits are not finite.
  func logits(
    _ candidates: Tensor, changed changes: [RememberedImages.Change], from remembered: RememberedImages,
    of examples: [Int]
  ) throws -> Tensor

  /// The loss that the attack makes large, and its gradient with respect to the images.
  ///
  /// - Parameters:
  ///   - loss: nil stands for the oracle's own: cross-entropy, and in training the objective of the method.
  ///   - targets: for each of the examples, the class that it shall be taken for; nil stands for the targets of the
  ///     batch, and where it has none, any wrong class will do.
  /// - Throws: `numeric` where logits or gradients are not finite: a NaN has no sign, and the image would stay where it
  ///   is.
  func slope(of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?) throws -> Slope

  /// The logits, and for each round of targets the gradient of z_t − z_y, the lead of a target class over the true one:
  /// one forward serves all of them.
  ///
  /// - Parameter rounds: in each, one class per example; at its own label an example has a gradient of zeros.
  /// - Returns: logits [k, classes], and one gradient [k, c, h, w] for each round.
  /// - Throws: `numeric` as `slope`.
  func leads(at x: Tensor, of examples: [Int], over rounds: [[Int]]) throws -> (logits: Tensor, gradients: [Tensor])

  /// Counts a query for images of these examples that the attack does not ask for, since it knows the answer: they are
  /// the same as before.
  func countKnown(of examples: [Int])

  /// Hands in images of these examples. Of each example the first image that breaks it is kept; while none does, the
  /// one with the largest loss. Of an attack that looks for the nearest image (`Attack.isMinimal`) the nearest of those
  /// that the model takes for something else is kept.
  ///
  /// - Throws: `numeric` where an image lies outside of its ball or of [0, 1].
  func submit(_ x: Tensor, of examples: [Int]) throws
}

/// The value of a loss for each example [k], its gradient [k, c, h, w], and the logits that it was made of.
public struct Slope {
  /// The loss of each example, [k].
  public var loss: Tensor
  /// Its gradient with respect to the images, [k, c, h, w].
  public var gradient: Tensor
  /// The logits at the same images, [k, classes].
  public var logits: Tensor

  /// A loss [k] with its gradient [k, c, h, w], made of logits [k, classes].
  public init(loss: Tensor, gradient: Tensor, logits: Tensor) {
    (self.loss, self.gradient, self.logits) = (loss, gradient, logits)
  }
}

extension Oracle {
  /// Most models answer alike each time.
  public var isRandom: Bool { false }

  /// An oracle that looks at every image as a whole.
  public func remembering(_ images: Tensor, side: Int) throws -> RememberedImages? { nil }

  /// The logits of whole images.
  public func logits(
    _ candidates: Tensor, changed changes: [RememberedImages.Change], from remembered: RememberedImages,
    of examples: [Int]
  ) throws -> Tensor {
    try logits(candidates.indexSelect(axis: 0, changes.map(\.image)), of: examples)
  }

  /// An oracle that counts nothing.
  public func countKnown(of examples: [Int]) {}

  /// The gradient [k, c, h, w] of the attack's loss with respect to the images; parameters and errors are those of
  /// `slope`.
  public func gradient(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]? = nil
  ) throws -> Tensor {
    try slope(of: loss, at: x, of: examples, targets: targets).gradient
  }
}
