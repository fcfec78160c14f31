import Base
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
  /// What errors call the images: their positions in what the user gave.
  public var positions: [Int]
  public var seed: UInt64
  /// Radius for an attack that has none of its own, in units of the [0, 1] image; nil is 8/255.
  public var eps: Double?

  /// - Parameter ids: nil numbers the images of this call from 0.
  public init(images: Tensor, labels: [Int], ids: [Int]? = nil, seed: UInt64 = 0, eps: Double? = nil) {
    self.images = images
    self.labels = labels
    self.ids = ids ?? Array(0..<labels.count)
    positions = Array(0..<labels.count)
    self.seed = seed
    self.eps = eps
  }

  func part(_ range: Range<Int>) throws(CoreError) -> AttackInput {
    var part = self
    part.images = try images.slice(axis: 0, range.lowerBound, range.upperBound)
    part.labels = Array(labels[range])
    part.ids = Array(ids[range])
    part.positions = Array(positions[range])
    return part
  }
}

/// The radius where nobody gives one.
public let usualRadius = 8.0 / 255

/// A way of changing images within a distance so that a model no longer recognises them.
///
/// The model is always in evaluation mode, and gradients are taken with respect to the images only. What is drawn at
/// random depends on the seed, the example and the restart, never on the batch an example is in.
public protocol Attack: Configurable, Sendable {
  /// The attack's own radius; nil where it takes that of the evaluation or training it is used in.
  var eps: Double? { get }
  /// Whether it draws random numbers, so that the seed matters.
  var isRandom: Bool { get }
  /// Adversarial images; `run` is the checked way to call it.
  func perturb(_ model: Model, _ input: AttackInput, eps: Double) throws(CoreError) -> Tensor
}

extension Attack {
  /// Attacks images, 250 at a time, so that many need no more memory than few.
  ///
  /// - Returns: images of the same shape, each within [0, 1] and within `eps` of its original: max |x' - x| ≤ eps + 1e-6
  ///   in float32.
  /// - Throws: `.value` for settings, images or labels out of range, and for a radius that is given although the attack
  ///   has another of its own; `.numeric` when logits or gradients of the model are not finite.
  public func run(on model: Model, _ input: AttackInput) throws(CoreError) -> Tensor {
    try validate()
    try requireNoSecondRadius(input.eps)
    let eps = self.eps ?? input.eps ?? usualRadius
    try requireRadius(eps)
    try requireExamples(input, model)
    let n = input.labels.count
    if n <= attackPiece { return try perturbed(model, input, eps: eps) }
    var parts: [Tensor] = []
    do throws(CoreError) {
      for first in stride(from: 0, to: n, by: attackPiece) {
        try StopSignal.poll()
        parts.append(try perturbed(model, input.part(first..<min(first + attackPiece, n)), eps: eps))
      }
    } catch  where error.kind == .numeric {
      // One piece failed: how many of all images does it concern?
      var unknown = NonFinite()
      for first in stride(from: 0, to: n, by: attackPiece) {
        let part = try input.part(first..<min(first + attackPiece, n))
        unknown.add(try model(part.images), at: part.positions)
      }
      try unknown.require(of: model, "logits")
      throw error
    }
    return try concat(parts, axis: 0)
  }

  private func perturbed(_ model: Model, _ input: AttackInput, eps: Double) throws(CoreError) -> Tensor {
    if input.labels.isEmpty { return input.images }
    let adversarial = try perturb(model, input, eps: eps)
    try requireWithin(adversarial, input.images, eps: eps)
    return adversarial
  }

  /// - Parameter given: a radius for attacks without one of their own.
  func requireNoSecondRadius(_ given: Double?) throws(CoreError) {
    guard let given, let own = eps, given != own else { return }
    throw CoreError(
      .value, "\(self) has a radius of its own: eps=\(given.asRadius) would not be used",
      hint: "leave eps out, here or in \(Self.name)(eps=\(own.asRadius))", argument: "eps")
  }

  private func requireExamples(_ input: AttackInput, _ model: Model) throws(CoreError) {
    let n = input.images.shape.first ?? 0
    guard input.labels.count == n else {
      throw CoreError(
        .shape,
        "\(input.labels.count) labels do not fit images of shape \(input.images.shape)",
        hint: "each image needs one label", argument: "labels")
    }
    guard input.ids.count == n, input.positions.count == n else {
      throw CoreError(.shape, "\(input.ids.count) ids do not fit images of shape \(input.images.shape)")
    }
    if let label = input.labels.first(where: { $0 < 0 || $0 >= model.classes }) {
      throw CoreError(
        .value, "label \(label) is not one of the \(model.classes) classes of the model \(model.name)",
        hint: "classes are numbered from 0 to \(model.classes - 1)", argument: "labels")
    }
    guard n > 0 else { return }
    let (low, high) = try input.images.bounds()
    guard low.isFinite, high.isFinite else {
      throw CoreError(
        .value, "attacks need images in [0, 1]; these hold values that are NaN or infinite",
        hint: "all(isfinite(x), axis=[1, 2, 3]) says which images are whole", argument: "images")
    }
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
    let found = try Tensor.items([adversarial.min(), adversarial.max(), (adversarial - images).abs().max()])
    let (low, high, distance) = (found[0], found[1], found[2])
    guard low >= 0, high <= 1, distance <= eps + radiusTolerance else {
      throw CoreError(
        .numeric,
        "\(description) left its ball or [0, 1]: values from \(low) to \(high), \(distance) from the images at most",
        argument: "attack")
    }
  }
}

/// Images that an attack works on at a time.
private let attackPiece = 250

/// By how much rounding in float32 may carry an image out of the ball: x ± eps is rounded where it is formed, and images
/// may come a rounding error outside of [0, 1].
public let radiusTolerance = 1e-6
