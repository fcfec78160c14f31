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
  /// Whether it looks for the nearest image that the model takes for something else, at any distance. The radius then
  /// says only what counts as broken; without one every such image does. False unless the attack says otherwise.
  var isMinimal: Bool { get }
  /// Whether it can make the model see a given class; false unless the attack says otherwise.
  var takesTargets: Bool { get }
  /// The attacks that it consists of, each of which gets the examples that those before it left standing; an
  /// evaluation puts these together into full batches. The attack itself unless it says otherwise.
  ///
  /// - Parameter classes: how many classes the model knows.
  func stages(classes: Int) -> [any Attack]
  /// The seed that the attack itself names; nil where it takes that of the evaluation.
  var seed: UInt64? { get }
  /// Where its random numbers come from: each example's own stream unless the attack says otherwise. An evaluation
  /// asks anew for each batch and each stage.
  func randomNumbers(seed: UInt64) -> any AttackRandom
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
  /// Most attacks stay in a ball of given radius.
  public var isMinimal: Bool { false }
  /// Most attacks seek any wrong class.
  public var takesTargets: Bool { false }
  /// Most attacks are one.
  public func stages(classes: Int) -> [any Attack] { [self] }
  /// Most attacks take the seed of the evaluation.
  public var seed: UInt64? { nil }
  /// Each example draws from a stream of its own.
  public func randomNumbers(seed: UInt64) -> any AttackRandom { PerExampleRandom(seed: seed) }

  /// The radius that is used where the caller has this one: the attack's own first; where nobody has one, the usual one
  /// of the norm, or for the nearest image any distance.
  func radius(_ given: Double?) -> Double { eps ?? given ?? (isMinimal ? .infinity : norm.usualRadius) }
}

extension Ascent {
  /// An ascent climbs towards targets as well: the oracle knows them.
  public var takesTargets: Bool { true }
  /// Every start and loss will do, unless the attack checks them.
  public func validate(start: AttackStart, loss: AttackLoss?) throws(CoreError) {}

  /// Refuses the loss that has no gradient where an attack that begins at the image itself begins.
  func requireSlopeAtImage(of loss: AttackLoss?) throws(CoreError) {
    guard loss == .klDivergence else { return }
    throw CoreError(
      .value, "\(Self.name) begins at the clean image, where the KL objective has no gradient",
      hint: "attack=pgd(steps=10), or pgd(steps=1) for a single step", argument: "attack")
  }
}

extension Setting where Owner: Attack {
  /// The radius of an attack.
  package static func radius(_ path: WritableKeyPath<Owner, Double?> & Sendable) -> Setting {
    .distance(
      "eps", path,
      note: """
        radius in units of the [0, 1] image; when left out, that of `evaluate`, `fit` or `perturb`, and where there is \
        none, 8/255 in Linf, 0.5 in L2, 12 in L1.
        """
    ) { (owner) throws(CoreError) in
      if let eps = owner[keyPath: path] { try owner.norm.require(radius: eps) }
    }
  }
}

extension Attack {
  /// Attacks images, 250 at a time, so that many need no more memory than few.
  ///
  /// - Returns: images of the same shape, each within [0, 1] and within `eps` of its original, to within
  ///   `Norm.tolerance` in float32; of an attack that looks for the nearest image, that image where there is one within
  ///   the radius, else the original.
  /// - Throws: `.value` for settings, images or labels out of range, and for a radius that is given although the attack
  ///   has another of its own; `.numeric` when logits or gradients of the model are not finite.
  public func run(on model: Model, _ input: AttackInput) throws -> Tensor {
    let (images, error) = try runUntilInterrupted(on: model, input)
    if let error { throw error }
    return images
  }

  /// Attacks images as `run` does. Where the user stops it, the images of the pieces that are done are returned: the first
  /// ones, of which each was attacked to the end.
  ///
  /// - Returns: the images, and the interruption that cut them short, if one did.
  /// - Throws: what `run` throws; `interrupted` where not one piece was done.
  package func runUntilInterrupted(
    on model: Model, _ input: AttackInput
  ) throws -> (images: Tensor, interruption: CoreError?) {
    var parts: [Tensor] = []
    var interruption: CoreError?
    do {
      try run(on: model, input) { oracle, _ in parts.append(try oracle.answer) }
    } catch {
      guard StopSignal.reasonOfThread == .interrupted, !parts.isEmpty else { throw error }
      interruption = CoreError(StopSignal.Reason.interrupted)
    }
    if parts.count == 1 { return (parts[0], interruption) }
    if parts.isEmpty { return (input.images, nil) }
    return (
      try interruption == nil ? concat(parts, axis: 0) : StopSignal.ignoring { try concat(parts, axis: 0) },
      interruption
    )
  }

  /// Attacks images as `run` does, all of them together, and shows what breaks them to the model once more.
  ///
  /// - Parameters:
  ///   - keepsImages: whether the images that break an example are handed out.
  ///   - progress: is told how much is done, from 0 to 1.
  /// - Returns: what became of each image, in their order.
  func attacked(
    _ model: Model, _ input: AttackInput, keepsImages: Bool, progress: ((Double) -> Void)? = nil
  ) throws -> AttackedBatch {
    let eps = try checked(input, model)
    let oracle = try attacked(model, input, eps: eps, progress: progress)
    var verdicts = try oracle.verdicts(ids: input.ids)
    if model.isRandom {
      let answer = try oracle.answer
      try input.answers.judge(&verdicts, answer, by: model, at: input.positions)
      let broken = verdicts.indices.filter { verdicts[$0].brokenBy != nil }
      guard keepsImages, !broken.isEmpty else { return AttackedBatch(verdicts: verdicts) }
      return AttackedBatch(verdicts: verdicts, images: (broken, try answer.indexSelect(axis: 0, broken)))
    }
    let broken = verdicts.indices.filter { verdicts[$0].brokenBy != nil }
    guard !broken.isEmpty else { return AttackedBatch(verdicts: verdicts) }
    let images = try oracle.answer.indexSelect(axis: 0, broken)
    let again = try model(images).argmax(axis: 1).ints()
    for (example, prediction) in zip(broken, again) where prediction != verdicts[example].prediction {
      verdicts[example].isDisputed = true
    }
    return AttackedBatch(verdicts: verdicts, images: keepsImages ? (broken, images) : nil)
  }

  private func run(
    on model: Model, _ input: AttackInput, _ take: (ModelOracle, AttackInput) throws -> Void
  ) throws {
    let eps = try checked(input, model)
    let n = input.labels.count
    let pieces = stride(from: 0, to: n, by: Model.piece).map { $0..<min($0 + Model.piece, n) }
    do {
      for piece in pieces {
        let part = try input.part(piece)
        try take(attacked(model, part, eps: eps), part)
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

  /// Checks settings, radius and examples.
  ///
  /// - Returns: the radius that is used.
  private func checked(_ input: AttackInput, _ model: Model) throws(CoreError) -> Double {
    try validate()
    try requireNoSecondRadius(input.eps)
    let eps = radius(input.eps)
    if eps.isFinite { try norm.require(radius: eps) }
    try requireExamples(input, model)
    return eps
  }

  /// The oracle of a batch after the attack.
  private func attacked(
    _ model: Model, _ input: AttackInput, eps: Double, progress: ((Double) -> Void)? = nil
  ) throws -> ModelOracle {
    try StopSignal.poll()
    var input = input
    input.random = input.random ?? randomNumbers(seed: seed ?? input.seed)
    let batch = AttackBatch(input, eps: eps, progress: progress)
    let oracle = ModelOracle(model, for: self, batch)
    try perturb(batch, oracle)
    return oracle
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
    if let targets = input.targets { try require(targets: targets, input, model) }
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

  /// Checks the classes that images shall be taken for.
  private func require(targets: [Int], _ input: AttackInput, _ model: Model) throws(CoreError) {
    guard takesTargets else {
      throw CoreError(
        .value, "\(self) chooses its classes by itself: targets would not be used",
        hint: "leave targets out, or use pgd() or apgd()", argument: "targets")
    }
    guard targets.count == input.labels.count else {
      throw CoreError(
        .shape, "\(targets.count) targets do not fit \(input.labels.count) images",
        hint: "each image needs one target", argument: "targets")
    }
    if let target = targets.first(where: { $0 < 0 || $0 >= model.classes }) {
      throw CoreError(
        .value, "target \(target) is not one of the \(model.classes) classes of the model \(model.name)",
        hint: "targets must be from 0 to \(model.classes - 1)", argument: "targets")
    }
    if let i = targets.indices.first(where: { targets[$0] == input.labels[$0] }) {
      throw CoreError(
        .value, "the target of image \(input.positions[i]) is its own class, \(targets[i])",
        hint: "a target must differ from the class of its image", argument: "targets")
    }
  }
}

/// What became of the images of a batch.
struct AttackedBatch {
  /// A row for each image.
  var verdicts: [Verdict]
  /// The images that break an example, [k, c, h, w], and which examples these are.
  var images: (examples: [Int], images: Tensor)?
}
