import Networks
import Tensors

/// The images an attack starts from, and what its random numbers are keyed by.
public struct AttackInput {
  /// [n, c, h, w], values in [0, 1].
  public var images: Tensor
  /// The true class of each image.
  public var labels: [Int]
  /// One number per image that stays the same whatever batch the image is in; random starts are keyed by it.
  public var ids: [Int]
  public var seed: UInt64
  /// Radius for attacks that have none of their own, in units of the [0, 1] image.
  public var eps: Double

  /// - Parameter ids: nil numbers the images of this call from 0.
  public init(images: Tensor, labels: [Int], ids: [Int]? = nil, seed: UInt64 = 0, eps: Double = 8.0 / 255) {
    self.images = images
    self.labels = labels
    self.ids = ids ?? Array(0..<labels.count)
    self.seed = seed
    self.eps = eps
  }
}

/// A way of changing images within a distance so that a model no longer recognises them.
///
/// The model is always in evaluation mode, and gradients are taken with respect to the images only. What is drawn at
/// random depends on the seed, the example and the restart, never on the batch an example is in.
public protocol Attack: Sendable {
  /// As it could be typed: "pgd(steps=20)".
  var description: String { get }
  /// The attack's own radius; nil where it takes that of the evaluation or training it is used in.
  var eps: Double? { get }
  /// Checks its own settings.
  func validate() throws(CoreError)
  /// Adversarial images; `run` is the checked way to call it.
  func perturb(_ model: Model, _ input: AttackInput, eps: Double) throws(CoreError) -> Tensor
}

extension Attack {
  /// Attacks a batch.
  ///
  /// - Returns: images of the same shape, each within `eps` of its original (in the attack's norm) and within [0, 1].
  /// - Throws: `.value` for settings, images or labels out of range; `.numeric` when the model's gradient is not finite.
  public func run(on model: Model, _ input: AttackInput) throws(CoreError) -> Tensor {
    try validate()
    let eps = self.eps ?? input.eps
    try requireRadius(eps)
    try requireExamples(input, model)
    let adversarial = try perturb(model, input, eps: eps)
    try requireWithin(adversarial, input.images, eps: eps)
    return adversarial
  }

  private func requireExamples(_ input: AttackInput, _ model: Model) throws(CoreError) {
    let n = input.images.shape.first ?? 0
    guard input.labels.count == n else {
      throw CoreError(
        .shape,
        "\(input.labels.count) labels do not fit images of shape \(input.images.shape)",
        hint: "each image needs one label", argument: "labels")
    }
    guard input.ids.count == n else {
      throw CoreError(.shape, "\(input.ids.count) ids do not fit images of shape \(input.images.shape)")
    }
    if let label = input.labels.first(where: { $0 < 0 || $0 >= model.classes }) {
      throw CoreError(
        .value, "label \(label) is not one of the \(model.classes) classes of the model \(model.name)",
        hint: "classes are numbered from 0 to \(model.classes - 1)", argument: "labels")
    }
    guard n > 0 else { return }
    let (low, high) = (try input.images.min().item(), try input.images.max().item())
    // Decoders and resizers leave values a rounding error outside.
    guard low >= -1e-6, high <= 1 + 1e-6 else {
      throw CoreError(
        .value, "attacks need images in [0, 1]; these reach from \(low) to \(high)",
        hint: "normalisation belongs to the model: give it mean and std, and leave the images as they are",
        argument: "images")
    }
  }

  /// The promise of every attack, checked on what it returns.
  private func requireWithin(_ adversarial: Tensor, _ images: Tensor, eps: Double) throws(CoreError) {
    guard adversarial.shape == images.shape else {
      throw CoreError(.shape, "\(description) returned \(adversarial.shape) for images \(images.shape)")
    }
    guard images.count > 0 else { return }
    let (low, high) = (try adversarial.min().item(), try adversarial.max().item())
    guard low >= 0, high <= 1 else {
      throw CoreError(
        .numeric, "\(description) left [0, 1] or met a gradient that is not finite: values from \(low) to \(high)",
        hint: "look for NaN in the model's weights", argument: "model")
    }
  }
}

package func requireRadius(_ eps: Double) throws(CoreError) {
  guard eps >= 0, Float(eps).isFinite else {
    throw CoreError(
      .value, "eps must be a finite float32 number of at least 0, not \(eps)",
      hint: "for instance eps=8/255, with images in [0, 1]", argument: "eps")
  }
  guard eps <= 1 else {
    throw CoreError(
      .value, "eps is in units of the [0, 1] image, where \(eps) is more than everything",
      hint: "a radius in grey levels is divided by 255: eps=8/255", argument: "eps")
  }
}
