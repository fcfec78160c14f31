import Base
import Tensors

// Choosing examples. A selection is a list of positions and costs no pixels; ids stay with the examples, so that what
// is drawn for an example is the same in every subset. Only joining two sets copies images, and numbers them anew.

extension Dataset {
  /// The images of these positions, in this order; one may be given more than once. Pixels are shared, not copied.
  ///
  /// - Throws: `value` where a position is not in 0..<count.
  public func subset(_ positions: some Collection<Int>) throws(CoreError) -> Dataset {
    try check(positions)
    return choosing(Array(positions))
  }

  /// The first images, or all where there are fewer.
  public func take(_ wanted: Int) -> Dataset { choosing(Array(0..<min(max(0, wanted), count))) }

  /// The images in random order.
  public func shuffled(seed: UInt64) -> Dataset {
    choosing(RandomStream(seed: seed, purpose: "dataset.shuffle").permutation(count))
  }

  /// Two disjoint random parts that together are the whole.
  ///
  /// - Parameter fraction: the share of the first part, 0…1; its size is rounded.
  /// - Throws: `value` for a share out of range.
  public func split(_ fraction: Double, seed: UInt64) throws(CoreError) -> (Dataset, Dataset) {
    guard fraction >= 0, fraction <= 1 else {
      throw CoreError(
        .value, "fraction must be from 0 to 1, not \(fraction)", hint: "fraction=0.1 splits off a tenth",
        argument: "fraction")
    }
    let order = RandomStream(seed: seed, purpose: "dataset.split").permutation(count)
    let first = Int((fraction * Double(count)).rounded())
    return (choosing(Array(order[..<first])), choosing(Array(order[first...])))
  }

  /// These images, then the others'. Examples are numbered anew; the posterior is kept where both know it.
  ///
  /// - Throws: `shape` where image shapes differ, `value` where classes differ.
  public func concatenated(with other: Dataset) throws(CoreError) -> Dataset {
    guard imageShape == other.imageShape else {
      throw CoreError(
        .shape, "'\(name)' has images of shape \(imageShape), '\(other.name)' of \(other.imageShape)",
        hint: "only data sets of one image shape can be joined")
    }
    guard classNames == other.classNames else {
      throw CoreError(
        .value, "'\(name)' and '\(other.name)' have different classes",
        hint: "only data sets with the same class names can be joined")
    }
    let joined = try InMemoryImages(
      [(source, positions), (other.source, other.positions)], shape: imageShape)
    let total = count + other.count
    var posterior: [Float]?
    if let mine = posteriorValues, let others = other.posteriorValues { posterior = mine + others }
    // Classes are distributions, too: those of one set become such where the other has them.
    let targets = hasSoftLabels || other.hasSoftLabels ? targetRows + other.targetRows : nil
    return Dataset(
      name: name == other.name ? name : "\(name) + \(other.name)", classNames: classNames,
      labels: labels + other.labels, ids: Array(0..<total), source: joined, posteriorValues: posterior,
      targetValues: targets)
  }

  /// The positions of successive batches: all images once, in order or in the stream's random order.
  ///
  /// - Parameters:
  ///   - size: images per batch; the last may be smaller.
  ///   - stream: shuffles; a new one for each epoch.
  public func batches(of size: Int, shuffledBy stream: RandomStream? = nil) -> [[Int]] {
    let order = stream?.permutation(count) ?? Array(0..<count)
    source.announce(order.map { positions[$0] })
    let size = max(1, min(size, count))
    return stride(from: 0, to: count, by: size).map { Array(order[$0..<min($0 + size, count)]) }
  }

  /// How many images each class has.
  public var classCounts: [Int] {
    var counts = [Int](repeating: 0, count: classCount)
    for label in labels { counts[label] += 1 }
    return counts
  }

  func choosing(_ chosen: [Int]) -> Dataset {
    Dataset(
      name: name, classNames: classNames, labels: chosen.map { labels[$0] }, ids: chosen.map { ids[$0] },
      source: source, positions: chosen.map { positions[$0] },
      posteriorValues: posteriorValues.map { rowsOf($0, chosen) }, targetValues: targetValues.map { rowsOf($0, chosen) }
    )
  }

  /// The soft labels, or rows with a 1 at each class.
  private var targetRows: [Float] {
    if let targetValues { return targetValues }
    var rows = [Float](repeating: 0, count: count * classCount)
    for (i, label) in labels.enumerated() { rows[i * classCount + label] = 1 }
    return rows
  }
}
