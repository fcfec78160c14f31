import Base
import Tensors

/// Augmentations one after another, as `fit(augment=[…])` takes them.
///
/// Each has random streams of its own, keyed by the seed, the epoch, its place in the list and the example. An
/// augmentation that mixes images finds a partner among all examples of the data set, drawn for the example, and the
/// partner is changed first by what stands before the mixing, with the numbers that are drawn for the partner: as it
/// would look in this epoch if it came itself. So an example looks the same whatever batch it comes in, which the
/// permutation of a batch, usual in the papers, does not offer.
public struct AugmentationList: Sendable {
  /// The augmentations in their order.
  public let items: [any Augmentation]

  /// Whether one of them mixes images, so that targets are distributions over the classes of the data set.
  public var mixesImages: Bool { items.contains { type(of: $0).mixesImages } }

  /// Augmentations in this order; none changes nothing.
  public init(_ items: [any Augmentation]) { self.items = items }

  /// Checks each augmentation, and that images are mixed once at most.
  ///
  /// - Throws: `value`.
  public func validate() throws(CoreError) {
    for item in items { try item.validate() }
    let mixing = items.filter { type(of: $0).mixesImages }
    guard mixing.count < 2 else {
      throw CoreError(
        .value, "images can be mixed once, not by \(mixing[0]) and by \(mixing[1])",
        hint: "leave one of the two out of augment", argument: "augment")
    }
  }

  /// Checks that the images of a data set can be changed, so that nothing fails in the midst of a training.
  ///
  /// - Throws: `value`, also for what `validate()` refuses.
  public func validate(for data: Dataset) throws(CoreError) {
    try validate()
    for item in items {
      try (item as? any ImageAugmentation)?.validate(for: data.imageShape)
      if type(of: item).mixesImages, data.count == 1 {
        throw CoreError(
          .value, "\(type(of: item).name) needs at least two examples to mix", hint: "leave it out of augment",
          argument: "augment")
      }
    }
  }

  /// The batch as it comes in an epoch.
  ///
  /// - Parameters:
  ///   - data: the data set of the batch, among which partners are found.
  ///   - epoch: counts from 0.
  /// - Throws: `value` and `shape` for images that an augmentation cannot change; what reading partners throws.
  public func apply(_ batch: Batch, of data: Dataset, seed: UInt64, epoch: Int) throws(CoreError) -> Batch {
    var batch = batch
    for (i, item) in items.enumerated() {
      let earlier = AugmentationList(Array(items[..<i]))
      let partners = AugmentationPartners(count: data.count, classes: data.classCount) { positions throws(CoreError) in
        try earlier.apply(try data.batch(positions), of: data, seed: seed, epoch: epoch)
      }
      let purpose = i == 0 ? "fit.augment" : "fit.augment.\(i)"
      batch = try item.apply(
        batch, stream: RandomStream(seed: seed, purpose: purpose, epoch), partners: partners)
    }
    return batch
  }
}

extension Dataset {
  /// The images as they come in an epoch of training with these augmentations, in memory; targets are distributions
  /// where images were mixed, and labels the most probable classes of these. Ids stay.
  ///
  /// - Parameter epoch: counts from 0.
  /// - Throws: what the augmentations throw; `memory`.
  public func augmented(by list: AugmentationList, seed: UInt64, epoch: Int) throws(CoreError) -> Dataset {
    try list.validate(for: self)
    var images: [Float] = []
    var rows: [Float]?
    images.reserveCapacity(count * imageSize)
    for positions in batches(of: 250) {
      try StopSignal.poll()
      let batch = try list.apply(try batch(positions), of: self, seed: seed, epoch: epoch)
      images += batch.images.floats()
      if case .soft(let targets) = batch.targets { rows = (rows ?? []) + targets.floats() }
    }
    return Dataset(
      name: "\(name), augmented", classNames: classNames,
      labels: rows.map { Self.mostProbable($0, classes: classCount) } ?? labels, ids: ids,
      source: InMemoryImages(floats: images, shape: imageShape), posteriorValues: nil,
      targetValues: rows ?? targetValues)
  }
}
