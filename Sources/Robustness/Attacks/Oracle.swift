import Base
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
  /// The examples that nothing handed in has broken yet.
  var standing: [Int] { get throws }

  /// Logits [k, classes] of images [k, c, h, w] of these k examples.
  ///
  /// - Throws: `numeric` where logits are not finite.
  func logits(_ x: Tensor, of examples: [Int]) throws -> Tensor

  /// The loss that the attack makes large, and its gradient with respect to the images.
  ///
  /// - Parameters:
  ///   - loss: nil stands for the oracle's own: cross-entropy, and in training the objective of the method.
  ///   - targets: for each of the examples, the class that it shall be taken for; nil where any wrong one will do.
  /// - Throws: `numeric` where logits or gradients are not finite: a NaN has no sign, and the image would stay where it
  ///   is.
  func slope(of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]?) throws -> Slope

  /// Hands in images of these examples. Of each example the first image that breaks it is kept; while none does, the
  /// one with the largest loss.
  ///
  /// - Throws: `numeric` where an image lies outside of its ball or of [0, 1].
  func submit(_ x: Tensor, of examples: [Int]) throws
}

/// The value of a loss for each example [k], and its gradient [k, c, h, w].
public struct Slope {
  /// The loss of each example, [k].
  public var loss: Tensor
  /// Its gradient with respect to the images, [k, c, h, w].
  public var gradient: Tensor

  /// A loss [k] with its gradient [k, c, h, w].
  public init(loss: Tensor, gradient: Tensor) { (self.loss, self.gradient) = (loss, gradient) }
}

extension Oracle {
  /// The gradient [k, c, h, w] of the attack's loss with respect to the images; parameters and errors are those of
  /// `slope`.
  public func gradient(
    of loss: AttackLoss?, at x: Tensor, of examples: [Int], targets: [Int]? = nil
  ) throws -> Tensor {
    try slope(of: loss, at: x, of: examples, targets: targets).gradient
  }
}
