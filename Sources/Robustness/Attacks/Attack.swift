import Base
import Networks
import Tensors

/// A way of changing images within a distance so that a model no longer recognises them.
///
/// An attack is a value with a file of its own and a line in `Attacks.swift`; the built-in that makes it, its help and
/// its checks follow from its settings. It asks an oracle about the model, and hands its images in there
/// (`Oracle.submit`). What is drawn at random depends on the seed, the example and the draw, never on the batch an
/// example is in: an attack takes its numbers from the batch.
public protocol Attack: Configurable, Sendable {
  /// The norm by which distance is measured; `.linf` unless the attack says otherwise.
  var norm: Norm { get }
  /// The attack's own radius in units of the [0, 1] image; nil where it takes that of the evaluation or training it is
  /// used in.
  var eps: Double? { get }
  /// Whether it draws random numbers, so that the seed matters; false unless the attack says otherwise.
  var isRandom: Bool { get }
  /// Attacks a batch and submits what it finds to the oracle; `run` is the checked way to call it.
  ///
  /// - Throws: what the oracle throws, and an error of the attack's own for what its settings cannot say.
  func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws
}

/// An attack that climbs whatever the oracle differentiates: what an inner maximisation of training can be.
///
/// It begins at `batch.start` and asks for the slope of the oracle's own loss (nil) wherever its settings leave that
/// open.
public protocol Ascent: Attack {
  /// Checks the attack with the start and the loss that a training method prescribes for what its settings leave open.
  ///
  /// - Throws: `value` where they do not go together.
  func validate(start: AttackStart, loss: AttackLoss?) throws(CoreError)
}

extension Attack {
  /// The norm of most attacks: the largest change of a value.
  public var norm: Norm { .linf }
  /// Most attacks draw nothing.
  public var isRandom: Bool { false }
}

extension Ascent {
  /// Every start and loss will do, unless the attack checks them.
  public func validate(start: AttackStart, loss: AttackLoss?) throws(CoreError) {}
}

extension Setting where Owner: Attack {
  /// The radius of an attack.
  package static func radius(_ path: WritableKeyPath<Owner, Double?> & Sendable) -> Setting {
    .distance(
      "eps", path,
      note: "radius in units of the [0, 1] image; when left out, that of `evaluate`, `fit` or `perturb`."
    ) { (owner) throws(CoreError) in
      if let eps = owner[keyPath: path] { try owner.norm.require(radius: eps) }
    }
  }
}

/// The radius where nobody gives one, 8/255, in units of the [0, 1] image.
public let usualRadius = 8.0 / 255

extension Attack {
  /// Attacks images, 250 at a time, so that many need no more memory than few.
  ///
  /// - Returns: images of the same shape, each within [0, 1] and within `eps` of its original, to within
  ///   `Norm.tolerance` in float32.
  /// - Throws: `.value` for settings, images or labels out of range, and for a radius that is given although the attack
  ///   has another of its own; `.numeric` when logits or gradients of the model are not finite.
  public func run(on model: Model, _ input: AttackInput) throws -> Tensor {
    var parts: [Tensor] = []
    try run(on: model, input) { oracle, _ in parts.append(try oracle.answer) }
    return parts.count == 1 ? parts[0] : parts.isEmpty ? input.images : try concat(parts, axis: 0)
  }

  /// Attacks images as `run` does.
  ///
  /// - Returns: what became of each image, in their order.
  func verdicts(on model: Model, _ input: AttackInput) throws -> [Verdict] {
    var verdicts: [Verdict] = []
    try run(on: model, input) { oracle, part in verdicts += try oracle.verdicts(ids: part.ids) }
    return verdicts
  }

  private func run(
    on model: Model, _ input: AttackInput, _ take: (ModelOracle, AttackInput) throws -> Void
  ) throws {
    try validate()
    try requireNoSecondRadius(input.eps)
    let eps = self.eps ?? input.eps ?? usualRadius
    try norm.require(radius: eps)
    try requireExamples(input, model)
    let n = input.labels.count
    let pieces = stride(from: 0, to: n, by: Model.piece).map { $0..<min($0 + Model.piece, n) }
    do {
      for piece in pieces {
        try StopSignal.poll()
        let part = try input.part(piece)
        let batch = AttackBatch(part, eps: eps)
        let oracle = ModelOracle(model, for: self, batch)
        try perturb(batch, oracle)
        try take(oracle, part)
      }
    } catch let error as CoreError where error.kind == .numeric && pieces.count > 1 {
      // One piece failed: how many of all images does it concern?
      var unknown = NonFinite()
      for piece in pieces {
        let part = try input.part(piece)
        unknown.add(try model(part.images), at: part.positions)
      }
      try unknown.require(of: model, "logits")
      throw error
    }
  }

  /// Refuses a radius that would not be used.
  ///
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
        hint: "labels must be from 0 to \(model.classes - 1)", argument: "labels")
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
}
